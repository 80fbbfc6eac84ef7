//! Who owns what, and who has a right on what attach made.

use holdfast::rules::attach::mend::unmet;
use holdfast::rules::attach::rights::{READER, row_security};
use holdfast::rules::catalogue::facts::{Facts, Grant, SchemaRights, TableFacts, TriggerFacts};
use holdfast::rules::catalogue::function::FunctionFacts;
use holdfast::rules::catalogue::name::literal;
use holdfast::rules::doctor::examine;
use holdfast::rules::doctor::finding::{DoctorFinding, MendStep, State};

use crate::attach_missing::as_made;
use crate::doctor::{column, facts, found, table};

fn owned(name: &str, owner: &str) -> TableFacts {
    TableFacts { owner: owner.to_owned(), ..as_made(name).unwrap_or_else(|| table(name, vec![column("id", "uuid")])) }
}

fn of_app(tables: &[(&str, &str)]) -> Facts {
    let mut facts = Facts { owner: "app".to_owned(), ..facts() };
    facts.tables = tables.iter().map(|(name, owner)| owned(name, owner)).collect();
    facts.tables.push(owned("bookings", "app"));
    facts
}

fn is_unmet(facts: &Facts, what: &str) -> bool {
    unmet(facts).iter().any(|finding| finding.what == what)
}

#[test]
fn the_definer_needs_rights_on_tables_of_others() {
    let mut facts = of_app(&[("allocations", "other"), ("restaurants", "other")]);
    facts.tables[0].lacks = ["insert", "references"].map(str::to_owned).to_vec();
    facts.tables[1].lacks = ["insert", "update"].map(str::to_owned).to_vec();
    let findings = examine(&facts);
    let wrong = found(&findings, "owner of allocations");
    assert_eq!(
        (wrong.state, wrong.mend.as_slice()),
        (State::Wrong, &["alter table app.allocations owner to app".to_owned()][..])
    );
    assert!(wrong.why.contains("lacks insert on it"), "{}", wrong.why);
    assert_eq!(found(&findings, "owner of restaurants").state, State::Risky);
    assert!(is_unmet(&facts, "owner of allocations") && !is_unmet(&facts, "owner of restaurants"));
}

#[test]
fn rights_on_the_schema_and_its_types_are_looked_at() {
    let mut facts = of_app(&[]);
    facts.rights = Some(SchemaRights { usage: true, create: false });
    facts.tables[0].columns[0].barred = true;
    let findings = examine(&facts);
    assert_eq!(found(&findings, "rights of app on the schema").mend, ["grant create on schema app to app"]);
    assert_eq!(found(&findings, "type of bookings.id").mend, ["grant usage on type uuid to app"]);
    assert!(is_unmet(&facts, "rights of app on the schema") && is_unmet(&facts, "type of bookings.id"));
}

fn of_findings(facts: &Facts) -> Option<DoctorFinding> {
    examine(facts)
        .into_iter()
        .find(|finding| finding.what.contains("holdfast_findings") && finding.state == State::Wrong)
}

#[test]
fn a_table_of_ours_is_what_attach_makes_or_it_is_refused_by_name() {
    let mut facts = of_app(&[("holdfast_findings", "app")]);
    assert_eq!(of_findings(&facts), None, "as attach makes it: somebody detached, or lost the extension");
    let refused = |facts: &Facts, words: &str| {
        let finding = of_findings(facts).unwrap_or_else(|| panic!("{words}: nothing was found"));
        assert_eq!((finding.what.as_str(), finding.mend.len()), ("table holdfast_findings of somebody else", 0));
        assert!(finding.why.contains(words), "{}", finding.why);
        assert!(is_unmet(facts, "table holdfast_findings of somebody else"));
    };
    for (words, change) in [
        ("belongs to mallory", (|facts| facts.tables[0].owner = "mallory".to_owned()) as fn(&mut Facts)),
        ("no plain table", |facts| facts.tables[0].kind = "v".to_owned()),
        ("rewrite rules", |facts| facts.tables[0].has_rules = true),
        ("a column \"Mine\"", |facts| facts.tables[0].columns.push(column("Mine", "text"))),
        ("no column booking_id", |facts| facts.tables[0].columns.clear()),
        ("a trigger evil", |facts| {
            let (table, name) = ("holdfast_findings".to_owned(), "evil".to_owned());
            facts.triggers.push(TriggerFacts { table, name, ..TriggerFacts::default() });
        }),
    ] {
        let mut facts = facts.clone();
        change(&mut facts);
        refused(&facts, words);
    }
    // One that attach recorded follows the bookings to another owner.
    facts.recorded = vec!["holdfast_findings".to_owned()];
    facts.tables[0].owner = "before".to_owned();
    refused(&facts, "belongs to before");
    // Whose our functions are by now: a table that somebody else put there would be given to the owner, triggers and all.
    let (language, owner) = ("c".to_owned(), "before".to_owned());
    facts.functions = vec![FunctionFacts { ours: true, language, owner, ..FunctionFacts::default() }];
    let finding = of_findings(&facts).expect("another owner");
    assert_eq!((finding.what.as_str(), finding.step), ("owner of holdfast_findings", MendStep::Attach));
    assert!(!is_unmet(&facts, "owner of holdfast_findings"));
}

#[test]
fn rights_that_attach_did_not_give_are_named() {
    let mut facts = of_app(&[]);
    facts.callers = vec!["service".to_owned()];
    let grant = |table: &str, kind: &str, grantee: &str, privileges: &[&str]| Grant {
        table: table.to_owned(),
        kind: kind.to_owned(),
        object: format!("app.{table}"),
        grantee: grantee.to_owned(),
        privileges: privileges.iter().map(|right| (*right).to_owned()).collect(),
    };
    facts.grants = vec![
        grant("holdfast_reconciliation", "table", "service", &["SELECT"]),
        grant("holdfast_rollout", "table", "anon", &["INSERT", "SELECT"]),
        grant("holdfast_rollout", "type", "anon", &["USAGE"]),
        grant("holdfast_rollout", "table", "", &["SELECT"]),
    ];
    let findings = examine(&facts);
    let rights: Vec<&str> =
        findings.iter().map(|finding| finding.what.as_str()).filter(|what| what.starts_with("rights of ")).collect();
    assert_eq!(rights, ["rights of anon on holdfast_rollout", "rights of PUBLIC on holdfast_rollout"]);
    let anon = found(&findings, "rights of anon on holdfast_rollout");
    assert_eq!(
        anon.mend,
        ["revoke all on table app.holdfast_rollout from anon", "revoke all on type app.holdfast_rollout from anon"]
    );
}

#[test]
fn a_text_is_a_literal_whatever_is_in_it() {
    assert_eq!([literal("a'b"), literal("a\\b")], ["'a''b'", "E'a\\\\b'"]);
}

/// Rows are seen as the owner sees them: whoever relies on policies is told, of tables that calls work on.
#[test]
fn row_security_of_the_applications_tables_is_said() {
    let mut facts = of_app(&[("allocations", "app"), ("reviews", "app")]);
    assert_eq!(row_security(&facts), None);
    facts.tables[1].row_security = true;
    assert_eq!(row_security(&facts), None, "no call works on it");
    facts.tables[0].row_security = true;
    let said = row_security(&facts).expect("it is said");
    assert!(said.contains("row security of allocations does not apply") && said.contains("what app sees"), "{said}");
}

/// What somebody else put under a name of ours would run with the owner's rights.
#[test]
fn a_view_or_reader_of_somebody_else_is_refused() {
    let view = |owner: &str| TableFacts { kind: "v".to_owned(), ..owned("holdfast_reconciliation", owner) };
    let refused = |facts: &Facts| unmet(facts).iter().any(|finding| finding.what.contains("of somebody else"));
    let mut facts = of_app(&[]);
    facts.tables.push(view("app"));
    assert!(!refused(&facts));
    facts.tables.pop();
    facts.tables.push(view("mallory"));
    assert!(refused(&facts));
    facts.tables.pop();
    let reader = |name: &str, owner: &str| FunctionFacts {
        name: name.to_owned(),
        owner: owner.to_owned(),
        ..FunctionFacts::default()
    };
    for (name, owner, is_refused) in [(READER, "app", false), ("theirs", "mallory", false), (READER, "mallory", true)] {
        facts.functions = vec![reader(name, owner)];
        assert_eq!(refused(&facts), is_refused, "{name} of {owner}");
    }
}

/// Whoever had our functions before had what attach made; a name or a language alone makes nobody that.
#[test]
fn what_attach_made_follows_the_owner_of_our_functions() {
    let may = |ours: bool, language: &str, owner: &str| {
        let function =
            FunctionFacts { ours, language: language.to_owned(), owner: owner.to_owned(), ..FunctionFacts::default() };
        Facts { functions: vec![function], ..of_app(&[]) }.may_follow("before")
    };
    assert!(may(true, "c", "before") && of_app(&[]).may_follow("app"));
    assert!(!may(false, "c", "before") && !may(true, "sql", "before") && !may(true, "c", "another"));
}

/// A trigger of ours, or of a constraint, on our table is none of a stranger's; nor is a stranger's on another table.
#[test]
fn only_a_strangers_trigger_on_our_table_is_refused() {
    let mut facts = of_app(&[("holdfast_findings", "app"), ("reviews", "app")]);
    let trigger = |table: &str, of_constraint| TriggerFacts {
        table: table.to_owned(),
        name: "evil".to_owned(),
        of_constraint,
        ..TriggerFacts::default()
    };
    facts.triggers = vec![trigger("reviews", false), trigger("holdfast_findings", true)];
    assert_eq!(of_findings(&facts), None);
    facts.triggers.push(trigger("holdfast_findings", false));
    assert!(of_findings(&facts).is_some_and(|finding| finding.why.contains("a trigger evil")));
}
