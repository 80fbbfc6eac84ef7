//! The script of a migration: what is in it, in which order, and that it can be run again.

use holdfast::rules::catalogue::facts::{Column, Facts};
use holdfast::rules::doctor::examine;
use holdfast::rules::doctor::finding::{DoctorFinding, MendStep, State};
use holdfast::rules::index::needed::NEEDED;
use holdfast::rules::legacy::caller;
use holdfast::rules::migration::{Form, in_encoding, render};

use crate::doctor::{column, facts, table};

fn brief(table: &str, what: &str) -> DoctorFinding {
    DoctorFinding::new(what, State::Missing, "G1", "our statements read it")
        .mend(
            MendStep::Brief { table: table.into() },
            [format!("alter table app.{table} add column if not exists {what} text")],
        )
        .undo(format!("alter table app.{table} drop column if exists {what}"))
}

fn index(state: State) -> DoctorFinding {
    let step = MendStep::Concurrently { table: "bookings".into(), index: "by_key".into() };
    DoctorFinding::new("index by_key", state, "", "it's looked up; 100% \\ of it")
        .mend(step, ["create index concurrently if not exists by_key on app.bookings (key)"])
        .undo("drop index concurrently if exists app.by_key")
}

fn exclusion() -> DoctorFinding {
    let step = MendStep::Blocking { table: "allocations".into(), constraint: "allocations_no_overlap".into() };
    DoctorFinding::new("exclusion", State::Missing, "G2", "it stops every writer")
        .mend(
            step,
            ["alter table app.allocations add constraint allocations_no_overlap exclude using gist (id with =)"],
        )
        .undo("alter table app.allocations drop constraint if exists allocations_no_overlap")
        .violations("select 1 as id")
}

fn steps(script: &str) -> Vec<&str> {
    script.lines().filter_map(|line| line.strip_prefix("\\echo 'step ")).collect()
}

#[test]
fn steps_come_in_the_order_in_which_they_can_be_done() {
    let findings = [
        exclusion(),
        index(State::Missing),
        brief("bookings", "key"),
        brief("bookings", "result"),
        brief("ledger", "outcome"),
    ];
    let script = render("app", 180_000, &findings, &[], Form::Run);
    let steps = steps(&script);
    let begin: Vec<&str> = steps.iter().map(|step| step.split(" (").next().unwrap_or_default()).collect();
    // One lock for what one table gets.
    assert_eq!(begin, ["1: key, result", "2: outcome", "3: index by_key", "4: exclusion", "5: attach'"]);
    let call = script.find("call pg_temp.briefly(").expect("tried for an instant");
    assert!(script.find("set local lock_timeout = '50ms'").is_some_and(|defined| defined < call));
    assert!(
        script[call..].contains(
            "add column if not exists key text',\n  'alter table app.bookings add column if not exists result"
        )
    );
}

#[test]
fn what_is_fine_or_only_risky_is_not_done() {
    let findings = [index(State::Ok), index(State::Risky)];
    let script = render("app", 180_000, &findings, &[], Form::Run);
    assert_eq!(steps(&script), ["1: attach'"]);
    assert!(!script.contains("create index concurrently"), "{script}");
    let asked = "from holdfast.doctor('app') where state = 'risky'";
    let (attach, said) = (script.find("step 1: attach"), script.find(asked));
    assert!(attach < said, "doctor is asked once the schema is attached: {script}");
}

#[test]
fn what_a_person_decides_is_said() {
    let finding = DoctorFinding::new("table bookings", State::Missing, "G1", "every call works on it");
    for form in [Form::Run, Form::DryRun] {
        let script = render("app", 180_000, std::slice::from_ref(&finding), &[], form);
        assert!(
            script.to_lowercase().contains("a person has to decide: table bookings: every call works on it"),
            "{script}"
        );
    }
}

#[test]
fn what_is_unmet_stops_the_script_before_its_first_change() {
    let unmet =
        [DoctorFinding::new("owner", State::Wrong, "G11", "it's nobody's").mend(MendStep::Nothing, ["alter it"])];
    for form in [Form::Run, Form::DryRun] {
        let script = render("app", 180_000, &[brief("bookings", "key")], &unmet, form);
        assert!(script.starts_with("-- holdfast: why a schema cannot be migrated yet."), "{script}");
        assert!(
            script.contains("schema app cannot be attached:") && script.contains("owner: it''s nobody''s"),
            "{script}"
        );
        assert!(script.contains("alter it;") && !script.contains("add column"), "{script}");
        assert!(script.contains("raise exception ''nothing was changed: mend what is listed"), "{script}");
    }
    let back = render("app", 180_000, &[index(State::Missing)], &unmet, Form::Back);
    assert!(back.contains("drop index concurrently if exists app.by_key"), "the way back stays: {back}");
}

#[test]
fn who_could_call_until_now_is_named_and_nobody_else() {
    let risky = |what: &str, why: &str| DoctorFinding::new(what, State::Risky, "G11", why);
    let findings = [risky(caller::WHAT, "relay may call until now"), risky("server", "fsync is off")];
    let script = render("app", 180_000, &findings, &[], Form::Run);
    assert!(script.contains("relay may call until now") && !script.contains("fsync is off"), "{script}");
}

/// An apostrophe would end the text for psql, and a backslash begin something else.
#[test]
fn what_psql_shows_is_quoted() {
    let script = render("\"O'Hara\"", 180_000, &[index(State::Missing)], &[], Form::DryRun);
    assert!(script.contains("\\echo 'step 1: index by_key: it''s looked up; 100% \\\\ of it'"), "{script}");
    let script = render("\"O'Hara\"", 180_000, &[index(State::Missing)], &[], Form::Run);
    assert!(script.contains("'select holdfast.attach(''\"O''''Hara\"''::regnamespace"), "{script}");
}

#[test]
fn rows_in_the_way_are_asked_for_before_the_work() {
    let script = render("app", 180_000, &[exclusion()], &[], Form::Run);
    let at = |words: &str| script.find(words).unwrap_or_else(|| panic!("no {words} in\n{script}"));
    assert!(at("as done \\gset") < at("select exists (select 1 as id) as violated"));
    assert!(at("stopped: rows violate exclusion") < at("add constraint allocations_no_overlap"));
    assert!(script.contains("choose with -v overlap="));
    // Of the application's rows, that is: the swap follows with its copy.
    let deleted = script.matches("delete from ").count();
    assert_eq!(deleted, script.matches("delete from app.allocations_holdfast_").count());
}

/// A weaker constraint of any name goes with the table; ours is built on the copy.
#[test]
fn the_swap_builds_on_the_copy() {
    let weaker = exclusion().mend(
        MendStep::Blocking { table: "allocations".to_owned(), constraint: "allocations_no_overlap".to_owned() },
        [
            "alter table app.allocations drop constraint \"Weak\"",
            "alter table app.allocations add constraint allocations_no_overlap exclude using gist (a with =)",
        ],
    );
    let script = render("app", 180_000, &[weaker], &[], Form::Run);
    let built =
        "alter table app.allocations_holdfast_new add constraint allocations_no_overlap_holdfast exclude using gist";
    let at = |words: &str| script.find(words).unwrap_or_else(|| panic!("no {words} in\n{script}"));
    assert!(
        at("o.conname = 'Weak'") < at("call pg_temp.prepare_copy()") && at("call pg_temp.prepare_copy()") < at(built)
    );
    // On the empty copy, so that nothing is read in one long transaction.
    assert!(at(built) < at("call pg_temp.copy(") && at("call pg_temp.copy(") < at("call pg_temp.swap_in_time();"));
    // What is left is tidied up also when the swap was done before.
    let done = at("\\elif :by_swap");
    assert!(script[done..].contains("allocations_holdfast_old') is not null as swapped"));
    assert!(!script.contains('{') || !script.contains("{weaker}"));
}

#[test]
fn a_dry_run_writes_nothing() {
    let script =
        render("app", 180_000, &[exclusion(), index(State::Missing), brief("bookings", "key")], &[], Form::DryRun);
    assert!(script.contains("read only;"));
    let statements = script.lines().filter(|line| !line.starts_with('\\') && !line.starts_with("--"));
    for statement in statements {
        let verb = statement.split_whitespace().next().unwrap_or_default();
        assert!(["select", "(select", "set", "begin", "rollback;", ""].contains(&verb), "{statement}");
    }
}

#[test]
fn the_way_back_is_the_way_in_reverse_and_drops_no_column() {
    let script =
        render("app", 180_000, &[exclusion(), index(State::Missing), brief("bookings", "key")], &[], Form::Back);
    let begin: Vec<&str> = steps(&script).iter().map(|step| step.trim_end_matches('\'')).collect();
    assert_eq!(begin, ["1: detach", "2: exclusion", "3: index by_key", "4: key"]);
    let column = script.lines().find(|line| line.contains("drop column")).expect("it is said");
    assert!(column.starts_with("\\echo '  it has data by now"), "{column}");
    assert!(script.contains("\\restrict only0\ndrop index concurrently if exists app.by_key;\n\\unrestrict only0\n"));
}

#[test]
fn forms_are_known_by_name() {
    assert_eq!(Form::parse("run"), Ok(Form::Run));
    assert_eq!(Form::parse("dry_run"), Ok(Form::DryRun));
    assert_eq!(Form::parse("back"), Ok(Form::Back));
    let refusal = Form::parse("Run").expect_err("another form");
    assert_eq!(refusal.message, "p_form must be run, dry_run or back, not Run");
}

/// What attach would build while writers wait, the migration builds beside them first.
#[test]
fn every_index_of_attach_is_built_concurrently_before() {
    for needed in NEEDED {
        let status = Column { labels: Some(vec![]), ..column("status", "app.status") };
        let facts = Facts { tables: vec![table(needed.table, vec![status])], ..facts() };
        let step = MendStep::Concurrently { table: needed.table.to_owned(), index: needed.name.to_owned() };
        let finding = examine(&facts).into_iter().find(|finding| finding.step == step);
        let finding = finding.unwrap_or_else(|| panic!("nothing builds {}", needed.name));
        assert_eq!(finding.state, State::Missing, "{}", needed.name);
        let script = render("app", 180_000, &[finding], &[], Form::Run);
        assert!(script.contains(&format!("create index concurrently if not exists {} ", needed.name)), "{script}");
    }
}

/// Whatever a name is: it ends no line, no literal, no dollar quote and no restriction.
#[test]
fn a_name_says_nothing_to_psql() {
    for name in ["\r\\! touch x", "$holdfast$; \\! x", "$only0$", "only0", "' \\! x", "\u{2028}\\! x", "`touch x`"] {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let step = MendStep::Concurrently { table: "bookings".into(), index: name.into() };
        let found = DoctorFinding::new(format!("index {name}"), State::Missing, "", name)
            .mend(step, [format!("create index concurrently {quoted} on {quoted}.bookings (id)")])
            .undo(format!("drop index {quoted}"));
        let risky = DoctorFinding { state: State::Risky, ..found.clone() };
        for form in [Form::Run, Form::DryRun, Form::Back] {
            let script = render(&quoted, 180_000, &[found.clone(), exclusion(), risky.clone()], &[], form);
            let comments = script.lines().filter(|line| line.starts_with("--"));
            assert!(comments.clone().all(|line| !line.contains(name)), "{script}");
            let restriction = script.lines().find_map(|line| line.strip_prefix("\\restrict "));
            assert!(restriction.is_none_or(|word| !name.contains(word)), "{script}");
            // Where the name itself says it, it stands in a literal or a quoted name.
            let ours = script.replace("$holdfast$; ", "");
            assert!(!ours.contains("$holdfast$") && !ours.contains("$s$"), "{script}");
        }
    }
}

/// Of an older server psql may not know it.
#[test]
fn an_old_psql_is_not_restricted() {
    for (version, restricts) in [(150_013, false), (150_014, true), (170_005, false), (170_006, true), (180_000, true)]
    {
        let script = render("app", version, &[index(State::Missing)], &[], Form::Run);
        assert_eq!(script.contains("\\restrict"), restricts, "{version}");
    }
}

/// In SJIS, say, the second byte of a letter may be a backslash or swallow the quote behind it.
#[test]
fn the_encoding_comes_before_the_first_name() {
    for form in [Form::Run, Form::DryRun, Form::Back] {
        let script = in_encoding(&render("\"\u{c1}\"", 180_000, &[index(State::Missing)], &[], form), "UTF8");
        let pinned = script.find("set client_encoding = 'UTF8';\n").expect("it is pinned");
        assert!(script[..pinned].is_ascii() && !script[pinned..].is_ascii(), "{script}");
    }
}
