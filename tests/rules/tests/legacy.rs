//! Functions of an application: those that make room for ours, and what their bodies give away.

use holdfast::rules::attach::mend::unmet;
use holdfast::rules::catalogue::declared::declared;
use holdfast::rules::catalogue::facts::{Facts, Reference};
use holdfast::rules::catalogue::function::FunctionFacts;
use holdfast::rules::doctor::examine;
use holdfast::rules::doctor::finding::{MendStep, State};
use holdfast::rules::legacy::body::plain;
use holdfast::rules::legacy::caller;
use holdfast::rules::legacy::replacement::{kept_twice, legacy_schema, replacements};

use super::doctor::{ASSIGN, column, facts, found, function, says_nothing, table};

pub fn contract_assign() -> FunctionFacts {
    function(
        "assign",
        &[
            ("p_booking_id", "uuid", "i"),
            ("p_table_ids", "uuid[]", "i"),
            ("p_status", "app.booking_status", "i"),
            ("table_id", "uuid", "t"),
            ("start_at", "timestamp with time zone", "t"),
        ],
        2,
    )
}

#[test]
fn signatures_are_read_off_our_own_scripts() {
    let mut facts = facts();
    let ours = &facts.ours[0];
    let inputs: Vec<(&str, &str, bool)> =
        ours.inputs.iter().map(|input| (input.name.as_str(), input.type_name.as_str(), input.optional)).collect();
    let status = ("p_status", "app.booking_status", true);
    assert_eq!(inputs, [("p_booking_id", "uuid", false), ("p_table_ids", "uuid[]", true), status]);
    assert_eq!(ours.outputs[1], ("start_at".to_owned(), "timestamp with time zone".to_owned()));
    // The enum is the one that the application's column has.
    facts.tables = vec![table("bookings", vec![column("status", "types.\"Status\"")])];
    assert_eq!(declared(ASSIGN, &facts)[0].inputs[2].type_name, "types.\"Status\"");
}

#[test]
fn functions_make_room_when_a_call_could_mean_either() {
    let same = contract_assign();
    let by_name = function("assign", &[("p_booking_id", "text", "i")], 0);
    let by_place = function("assign", &[("a", "uuid", "i"), ("b", "integer", "i")], 1);
    let apart = function("assign", &[("p_other", "integer", "i")], 0);
    let elsewhere = function("assign_all", &[("p_booking_id", "uuid", "i")], 0);
    let mut facts = facts();
    facts.functions = vec![same, by_name, by_place, apart, elsewhere];
    facts.legacy = vec![function("assign", &[("p_booking_id", "bigint", "i")], 0)];
    let moved: Vec<(&FunctionFacts, bool)> =
        replacements(&facts).into_iter().map(|replaced| (replaced.function, replaced.callable)).collect();
    let expected = [(&facts.functions[0], true), (&facts.functions[1], false), (&facts.functions[2], false)];
    assert_eq!(moved, expected);
    assert!(kept_twice(&facts).is_empty());
}

/// Only one of the two could come back.
#[test]
fn a_function_that_came_after_attach_cannot_join_its_predecessor() {
    let mut facts = facts();
    facts.functions = vec![contract_assign()];
    facts.legacy = vec![contract_assign()];
    assert_eq!(kept_twice(&facts).len(), 1);
    assert!(unmet(&facts).iter().any(|finding| finding.why.contains("already")), "attach refuses");
}

#[test]
fn a_signature_that_differs_is_wrong_and_says_where() {
    let mut facts = facts();
    let mut theirs = contract_assign();
    theirs.arguments[0].name = "p_booking".to_owned();
    theirs.arguments.pop();
    theirs.defaults = 1;
    facts.functions = vec![theirs];
    let findings = examine(&facts);
    let differs = found(&findings, "function app.assign()");
    assert_eq!((differs.state, &differs.step), (State::Wrong, &MendStep::Attach), "attach makes room");
    for words in ["it has no p_booking_id", "it also requires p_booking", "p_table_ids may not be left out", "start_at"]
    {
        assert!(differs.why.contains(words), "{words}: {}", differs.why);
    }
}

#[test]
fn a_legacy_schema_has_a_name_that_is_free() {
    assert_eq!(legacy_schema("house", |_| false), "house_legacy");
    assert_eq!(legacy_schema("house", |name| name == "house_legacy"), "house_legacy_2");
    assert_eq!(legacy_schema("house", |name| !name.ends_with("_3")), "house_legacy_3");
    assert_eq!(legacy_schema(&"a".repeat(63), |_| false), format!("{}_legacy", "a".repeat(56)));
    let long = "é".repeat(31);
    assert_eq!(legacy_schema(&long, |_| false), format!("{}_legacy", "é".repeat(28)));
    assert_eq!(legacy_schema(&format!("a{long}"), |_| false), format!("a{}_legacy", "é".repeat(27)));
}

#[test]
fn rights_and_search_paths_are_looked_at() {
    let mut facts = facts();
    let definer = FunctionFacts { definer: true, for_public: true, ..function("pay", &[], 0) };
    facts.functions = vec![definer, function("greet", &[], 0)];
    let findings = examine(&facts);
    assert_eq!(
        found(&findings, "execute on app.pay() for PUBLIC").statement().as_deref(),
        Some("revoke execute on function app.pay() from public;")
    );
    assert_eq!(
        found(&findings, "search_path of app.pay()").mend,
        ["alter function app.pay() set search_path = pg_catalog, app, pg_temp"]
    );
    says_nothing(&facts, "app.greet()");
}

/// Our deletes look for what refers to the rows: doctor says where the server has to read all.
#[test]
fn a_foreign_key_without_an_index_is_named_with_the_statement() {
    let reference = Reference {
        schema: "app".to_owned(),
        table: "booking_assignment_idempotency".to_owned(),
        name: "ledger_merge_fkey".to_owned(),
        columns: vec!["merge_group_allocation_id".to_owned()],
        references: "allocations".to_owned(),
        ..Reference::default()
    };
    let missing = |reference: Reference| {
        let facts = Facts { references: vec![reference], ..facts() };
        let found = examine(&facts).into_iter().find(|finding| finding.what.contains("behind foreign key"));
        found.map(|finding| (finding.state, finding.statement()))
    };
    let statement = "create index concurrently if not exists booking_assignment_idempotency_merge_group_allocation_id_idx \
                     on app.booking_assignment_idempotency (merge_group_allocation_id);";
    assert_eq!(missing(reference.clone()), Some((State::Missing, Some(statement.to_owned()))));
    assert_eq!(missing(Reference { indexed: true, ..reference.clone() }), None);
    assert_eq!(missing(Reference { references: "bookings".to_owned(), ..reference.clone() }), None, "never deleted");
    assert_eq!(missing(Reference { partitioned: true, ..reference.clone() }), Some((State::Risky, None)));
    let elsewhere = missing(Reference { elsewhere: true, ..reference });
    assert_eq!(elsewhere.map(|(state, _)| state), Some(State::Risky), "not the migration's");
}

/// A body that names one of the tables, and the habits that it shows.
const BODIES: &[(&str, &[&str])] = &[
    ("select 1 from bookings", &[]),
    ("v := timezone('utc', now()); perform from bookings", &["shifts the clock"]),
    ("v := now() at time zone 'UTC'; perform from bookings", &["shifts the clock"]),
    ("v := timezone(r.timezone, b.start_at) from bookings b", &[]),
    ("select 1 from table_holds where expires_at <= now()", &["start of the transaction"]),
    ("select 1 from table_holds h where now() > h.expires_at;", &["start of the transaction"]),
    ("select 1 from table_holds where expires_at <= clock_timestamp()", &[]),
    ("create temp table x on commit drop as select from bookings", &["temporary table"]),
    ("-- create temp table\n/* delete from table_holds */ select '--' from bookings", &[]),
    ("begin f(); exception when others then null; end; perform from bookings", &["swallows"]),
    ("begin f(); exception when undefined_table then raise warning 'no'; end; update bookings", &["swallows"]),
    ("begin f(); exception when others then raise exception 'no'; end; update bookings", &[]),
    ("begin f(); exception when others then\n  perform log();\n  raise; end; update bookings", &[]),
    ("v := encode(digest(x, 'sha256'), 'hex') from bookings", &["pgcrypto"]),
    ("v := extensions.digest(x, 'sha256') from bookings", &[]),
    ("perform 1 from restaurants r where r.id = x for update; update bookings", &["restaurant's row"]),
    ("perform 1 from restaurants; perform 1 from bookings for update", &[]),
    ("perform pg_advisory_xact_lock(1); update bookings", &["advisory"]),
    ("if current_setting('app.skip', true) = 'on' then update bookings", &["session setting"]),
    ("if current_setting('timezone') = 'x' then update bookings", &[]),
    ("DELETE  FROM public.table_holds WHERE id = x", &["deletes the hold"]),
    ("delete from table_hold_members; select from table_holds", &[]),
    ("perform 1 from information_schema.tables; update bookings", &["information_schema"]),
];

#[test]
fn bodies_give_their_habits_away() {
    for (body, habits) in BODIES {
        let mut facts = facts();
        facts.functions = vec![FunctionFacts { body: (*body).to_owned(), ..function("pay", &[], 0) }];
        let findings = examine(&facts);
        let seen: Vec<&str> =
            findings.iter().filter_map(|finding| finding.what.strip_prefix("body of app.pay() ")).collect();
        assert_eq!(seen.len(), habits.len(), "{body}: {seen:?}");
        assert!(habits.iter().all(|habit| seen.iter().any(|seen| seen.contains(habit))), "{body}: {seen:?}");
    }
    assert_eq!(plain("A -- b\n  ( c ,\td )/* e */f"), "a(c,d)f");
}

#[test]
fn a_function_of_ours_is_current_when_names_types_and_results_are_those_of_today() {
    let facts = facts();
    let ours = &facts.ours[0];
    assert!(ours.is_current(&contract_assign()));
    let mut renamed = contract_assign();
    renamed.arguments[0].name = "p_booking".to_owned();
    let mut wider = contract_assign();
    wider.arguments.push(wider.arguments[4].clone());
    let mut other = contract_assign();
    other.arguments[1].type_name = "uuid".to_owned();
    for function in [renamed, wider, other] {
        assert!(!ours.is_current(&function), "{function:?}");
    }
    assert_eq!(ours.types(), "uuid, uuid[], app.booking_status");
}

/// Who could call what attach replaces and is not named loses that: it is said before, by attach and after it.
#[test]
fn who_would_lose_a_right_is_said() {
    let mut facts = facts();
    let mut theirs = contract_assign();
    (theirs.owner, theirs.grantees) = ("owner".into(), vec!["web app".into(), "batch".into(), "owner".into()]);
    (facts.owner, facts.functions) = ("owner".into(), vec![theirs]);
    let row = |facts: &Facts| {
        let row = examine(facts).into_iter().find(|finding| finding.what == caller::WHAT);
        row.map(|finding| (finding.state, finding.mend))
    };
    let proposed = "select holdfast.attach('app', array['batch', 'web app'])";
    assert_eq!(row(&facts), Some((State::Risky, vec![proposed.to_owned()])));
    assert_eq!(caller::attach(&facts), proposed);
    let said = caller::left_out(&facts, &["batch".into()]).expect("one is left out");
    assert!(said.starts_with("\"web app\" could call") && said.ends_with(&format!("as in {proposed}")), "{said}");
    assert_eq!(caller::left_out(&facts, &["batch".into(), "web app".into()]), None);
    facts.functions[0].grantees = vec!["a\u{1b}[2Kb".into()];
    let said = caller::left_out(&facts, &[]).expect("one is left out");
    assert!(said.starts_with("\"a\\u{1b}[2Kb\" could call"), "{said}");
    // Everybody is nobody in particular: told when nobody is named.
    facts.functions[0].grantees.clear();
    facts.functions[0].for_public = true;
    assert!(caller::left_out(&facts, &[]).expect("nobody is named").starts_with("PUBLIC could call"));
    assert_eq!(caller::left_out(&facts, &["batch".into()]), None);
    // An attached schema whose functions nobody may call, with those that could call the legacy ones to propose.
    facts.attached = true;
    (facts.functions[0].ours, facts.functions[0].for_public) = (true, false);
    assert_eq!(row(&facts), Some((State::Risky, vec![])));
    facts.legacy = vec![FunctionFacts { grantees: vec!["batch".into()], ..contract_assign() }];
    assert_eq!(row(&facts).expect("still nobody").1, ["select holdfast.attach('app', array['batch'])"]);
    facts.functions[0].grantees = vec!["batch".into()];
    assert_eq!(row(&facts), None);
}

/// One that only has the name of a call of the contract is called by its own callers, who need rights on where it went.
#[test]
fn a_moved_function_names_the_grants_that_its_callers_need() {
    let mut facts = facts();
    facts.attached = true;
    facts.owner = "owner".into();
    let what = "function app_legacy.assign(bigint) that was moved";
    let mut kept = function("assign", &[("p_booking_id", "bigint", "i")], 0);
    (kept.signature, kept.grantees) = ("app_legacy.assign(bigint)".into(), vec!["web app".into(), "owner".into()]);
    facts.legacy = vec![kept, FunctionFacts { signature: "app_legacy.assign(uuid)".into(), ..contract_assign() }];
    let findings = examine(&facts);
    assert_eq!(
        found(&findings, what).mend,
        [
            "grant usage on schema app_legacy to \"web app\"",
            "grant execute on function app_legacy.assign(bigint) to \"web app\"",
        ]
    );
    assert_eq!(findings.iter().filter(|finding| finding.what.ends_with("that was moved")).count(), 1);
    // A name that says what stands between the schema's and the function's.
    facts.legacy[0].signature = "\"x.assign(\"\"y_legacy\".assign(bigint)".into();
    let findings = examine(&facts);
    let mend = &found(&findings, "function \"x.assign(\"\"y_legacy\".assign(bigint) that was moved").mend;
    assert_eq!(mend[0], "grant usage on schema \"x.assign(\"\"y_legacy\" to \"web app\"");
}
