//! What a doctor says of one column, trigger or index, in each of the ways in which it can be amiss.

use holdfast::rules::attach::mend::{mends, unmet};
use holdfast::rules::catalogue::facts::{Column, Facts, Index, TableFacts, TriggerFacts};
use holdfast::rules::catalogue::function::FunctionFacts;
use holdfast::rules::doctor::examine;
use holdfast::rules::doctor::finding::{DoctorFinding, MendStep, State};
use holdfast::rules::index::lookup::serves;
use holdfast::rules::index::needed::{LIVE_HOLDS, NEEDED, NeededIndex};

use crate::attach_missing::as_made;
use crate::doctor::{column, facts, found, function, index, says_nothing, table};

fn with(tables: Vec<TableFacts>) -> Facts {
    Facts { tables, ..facts() }
}

fn about(facts: &Facts, what: &str) -> Option<DoctorFinding> {
    examine(facts).into_iter().find(|finding| finding.what == what)
}

/// An enum of ours is made with the column that needs it, once.
#[test]
fn a_column_of_a_type_that_is_not_there_brings_the_type() {
    let findings = examine(&with(vec![table("table_inventory", vec![column("id", "uuid")])]));
    let status = found(&findings, "column table_inventory.status");
    assert_eq!(status.state, State::Missing);
    let [made, added] = &status.mend[..] else { panic!("{status:?}") };
    let labels =
        "create type app.holdfast_table_status as enum (''available'', ''reserved'', ''occupied'', ''out_of_service'')";
    assert!(made.starts_with("do 'begin if pg_catalog.to_regtype(''app.holdfast_table_status'') is null"), "{made}");
    assert!(made.contains(labels) || made.contains(&labels.replace("''", "''''")), "{made}");
    assert!(added.contains("add column if not exists status app.holdfast_table_status"), "{added}");
}

/// What a schema may go without is said to be in order, and attach leaves it away.
#[test]
fn a_column_that_a_call_goes_without_is_not_missed() {
    let findings = examine(&with(vec![table("booking_state_history", vec![column("booking_id", "uuid")])]));
    let metadata = found(&findings, "column booking_state_history.metadata");
    assert_eq!((metadata.state, metadata.mend.len()), (State::Ok, 0));
    assert!(metadata.why.starts_with("the schema goes without it"), "{}", metadata.why);
}

#[test]
fn a_column_that_our_inserts_leave_out_has_a_default() {
    let said = |filled: bool| {
        let id = Column { filled, not_null: true, ..column("id", "uuid") };
        about(&with(vec![table("booking_table_assignments", vec![id])]), "column booking_table_assignments.id")
    };
    let without = said(false).expect("it has none");
    let alter = "alter table app.booking_table_assignments alter column id";
    assert!(without.mend[0].starts_with(&format!("{alter} set default ")), "{without:?}");
    assert_eq!((without.state, without.undo), (State::Wrong, vec![format!("{alter} drop default")]));
    assert_eq!(said(true), None);
}

#[test]
fn only_a_trigger_that_fills_a_column_fills_it() {
    let tenant = || Column { not_null: true, ..column("tenant", "text") };
    let fills = TriggerFacts {
        table: "allocations".to_owned(),
        name: "fill".to_owned(),
        before_row: true,
        on_insert: true,
        body: "new.tenant := 1".to_owned(),
        ..TriggerFacts::default()
    };
    let state = |trigger: TriggerFacts| {
        let facts = Facts { triggers: vec![trigger], ..with(vec![table("allocations", vec![tenant()])]) };
        about(&facts, "column allocations.tenant").map(|finding| finding.state)
    };
    assert_eq!(state(fills.clone()), Some(State::Risky));
    for other in [
        TriggerFacts { table: "bookings".to_owned(), ..fills.clone() },
        TriggerFacts { before_row: false, ..fills.clone() },
        TriggerFacts { on_insert: false, ..fills.clone() },
        TriggerFacts { body: "new.other := 1".to_owned(), ..fills },
    ] {
        assert_eq!(state(other.clone()), Some(State::Wrong), "{other:?}");
    }
}

#[test]
fn a_trigger_is_looked_at_where_calls_work() {
    let plain = TriggerFacts { table: "allocations".into(), name: "t".into(), ..TriggerFacts::default() };
    let said = |trigger: TriggerFacts| {
        let (what, table) =
            (format!("trigger t on {}", trigger.table), table("allocations", vec![column("id", "uuid")]));
        about(&Facts { triggers: vec![trigger], ..with(vec![table]) }, &what).map(|finding| finding.mend)
    };
    let swallows = TriggerFacts { before_row: true, body: "return null;".into(), ..plain.clone() };
    assert_eq!(said(swallows.clone()), Some(vec![]));
    assert_eq!(said(TriggerFacts { before_row: false, ..swallows.clone() }), None, "after the row it swallows none");
    assert_eq!(said(TriggerFacts { body: "return new;".into(), ..swallows.clone() }), None);
    assert_eq!(said(TriggerFacts { table: "reviews".into(), ..swallows }), None, "no call works on it");
    let disabled = TriggerFacts { of_constraint: true, enabled: "D".into(), ..plain };
    assert_eq!(said(disabled.clone()), Some(vec!["alter table app.allocations enable trigger t".to_owned()]));
    assert_eq!(said(TriggerFacts { enabled: "O".into(), ..disabled.clone() }), None);
    assert_eq!(said(TriggerFacts { of_constraint: false, ..disabled }), None, "the application switched off its own");
}

/// Somebody added a column to a table of ours.
#[test]
fn a_column_of_ours_that_nothing_fills_is_refused() {
    let said = |added: Column| {
        let mut findings = as_made("holdfast_findings").expect("attach makes it");
        findings.columns.push(added);
        let mut facts = Facts { attached: true, recorded: vec!["holdfast_findings".into()], ..with(vec![findings]) };
        facts.tables.push(table("bookings", vec![column("id", "uuid")]));
        about(&facts, "column holdfast_findings.theirs").map(|finding| finding.state)
    };
    let theirs = Column { not_null: true, ..column("theirs", "text") };
    assert_eq!(said(theirs.clone()), Some(State::Wrong));
    assert_eq!(said(Column { filled: true, ..theirs.clone() }), None);
    assert_eq!(said(Column { not_null: false, ..theirs }), None);
}

#[test]
fn rows_that_hide_matter_where_calls_work() {
    let hidden = |name: &str| TableFacts { hides_rows: true, ..table(name, vec![column("id", "uuid")]) };
    says_nothing(&with(vec![hidden("reviews")]), "row security of reviews");
    assert!(about(&with(vec![hidden("allocations")]), "row security of allocations").is_some());
}

/// Labels of the application's enum, which its owner alone may add.
#[test]
fn a_label_that_is_missing_is_added_by_the_owner_of_the_type() {
    let labels = Some(vec!["active".to_owned(), "released".to_owned()]);
    let status =
        Column { labels, type_kind: "e".into(), type_owner: "types".into(), ..column("status", "app.hold_status") };
    let facts = Facts { owner: "app".into(), ..with(vec![table("table_holds", vec![status])]) };
    let finding = about(&facts, "label confirmed of table_holds.status").expect("it is missing");
    let statement = "alter type app.hold_status add value if not exists 'confirmed'";
    assert_eq!((finding.state, finding.mend), (State::Missing, vec![statement.to_owned()]));
    assert!(about(&facts, "label active of table_holds.status").is_none());
    let mends = mends(&facts);
    let mend = mends.iter().find(|mend| mend.statement == statement).expect("attach adds it");
    assert_eq!(mend.role, "types");
    assert!(unmet(&facts).iter().all(|finding| !finding.what.starts_with("label ")));
}

/// The index of live holds: any that begins with the restaurant and has the window serves.
#[test]
fn live_holds_are_found_by_an_index_of_any_name() {
    let window = "tstzrange(LEAST(start_at, end_at), GREATEST(start_at, end_at), '[)'::text)";
    let theirs = Index {
        method: "gist".to_owned(),
        predicate: Some("(status = 'active'::app.hold_status)".to_owned()),
        ..index("table_holds", "theirs", &["restaurant_id", window], false)
    };
    let state = |index: Index| {
        let holds = table("table_holds", vec![column("status", "app.hold_status")]);
        let facts = Facts { indexes: vec![index], ..with(vec![holds]) };
        about(&facts, "index table_holds (restaurant_id, window) of live holds").map(|finding| finding.state)
    };
    assert_eq!(state(theirs.clone()), Some(State::Ok));
    assert_eq!(state(Index { predicate: None, ..theirs.clone() }), Some(State::Ok));
    for other in [
        Index { table: "bookings".to_owned(), ..theirs.clone() },
        Index { usable: false, ..theirs.clone() },
        Index { method: "btree".to_owned(), ..theirs.clone() },
        Index { columns: vec!["zone_id".to_owned(), window.to_owned()], ..theirs.clone() },
        Index { columns: vec!["restaurant_id".to_owned(), "created_at".to_owned()], ..theirs.clone() },
        Index { predicate: Some("(status = 'expired'::app.hold_status)".to_owned()), ..theirs.clone() },
    ] {
        assert_eq!(state(other.clone()), Some(State::Missing), "{other:?}");
    }
    let missing = Index { name: "another".to_owned(), usable: false, ..theirs };
    let holds = table("table_holds", vec![column("status", "app.hold_status")]);
    let facts = Facts { indexes: vec![missing], ..with(vec![holds]) };
    let finding = about(&facts, "index table_holds (restaurant_id, window) of live holds").expect("it is said");
    assert!(finding.mend[0].contains(LIVE_HOLDS.name) && finding.mend[0].contains("using gist ("), "{finding:?}");
}

#[test]
fn an_index_serves_by_its_table_method_rows_and_beginning() {
    let needed = &NeededIndex { columns: &["booking_id", "status"], ..NEEDED[0] };
    let whole: Vec<&str> = needed.columns.to_vec();
    let exact = Index {
        method: needed.method.to_owned(),
        predicate: Some(needed.predicate.to_owned()).filter(|rows| !rows.is_empty()),
        ..index(needed.table, "theirs", &whole, false)
    };
    assert!(serves(&exact, needed));
    let shorter = Index { columns: exact.columns[..1].to_vec(), ..exact.clone() };
    let other = Index { columns: exact.columns.iter().rev().cloned().collect(), ..exact.clone() };
    for (index, why) in [(shorter, "too short"), (other, "another order")] {
        assert!(!serves(&index, needed), "{why}");
    }
    assert!(!serves(&Index { method: "brin".to_owned(), ..exact }, needed));
}

/// One that another begins with is told of, when both can be read by and have the same rows.
#[test]
fn only_a_usable_index_of_the_same_rows_makes_another_needless() {
    let short = index("bookings", "a", &["restaurant_id"], false);
    let long = index("bookings", "b", &["restaurant_id", "start_at"], false);
    let told = |short: &Index, long: &Index| {
        let facts = Facts { indexes: vec![short.clone(), long.clone()], ..facts() };
        about(&facts, "index a on bookings").is_some()
    };
    assert!(told(&short, &long));
    for (a, b) in [
        (Index { method: "gin".into(), ..short.clone() }, long.clone()),
        (short.clone(), Index { method: "gin".into(), ..long.clone() }),
        (short.clone(), Index { usable: false, ..long.clone() }),
        (short.clone(), Index { predicate: Some("(x > 1)".into()), ..long.clone() }),
        (short.clone(), Index { columns: vec!["start_at".into(), "restaurant_id".into()], ..long.clone() }),
        (Index { unique: true, ..short.clone() }, long.clone()),
        (Index { backs_constraint: true, ..short.clone() }, long.clone()),
        (Index { replica_identity: true, ..short.clone() }, long.clone()),
        (short.clone(), Index { table: "allocations".into(), ..long.clone() }),
        (short.clone(), Index { valid: false, ..long.clone() }),
    ] {
        assert!(!told(&a, &b), "{a:?} {b:?}");
    }
}

/// Of two that are equal the second goes, but never one that a rule stands on.
#[test]
fn of_two_equals_one_stays() {
    let told = |indexes: [Index; 2]| {
        let facts = Facts { indexes: indexes.to_vec(), ..facts() };
        ["a", "b"].map(|name| about(&facts, &format!("index {name} on bookings")).is_some())
    };
    let [a, b] = ["a", "b"].map(|name| index("bookings", name, &["restaurant_id"], false));
    assert_eq!(told([a.clone(), b.clone()]), [false, true]);
    assert_eq!(told([a.clone(), Index { replica_identity: true, ..b.clone() }]), [true, false]);
    assert_eq!(told([Index { unique: true, ..a }, Index { unique: true, ..b }]), [false, false]);
}

/// A body is looked at where it writes what the promises are about, or has the name of a function of the contract.
#[test]
fn a_body_of_ours_or_of_no_concern_is_left_alone() {
    let with_body = |name: &str, ours: bool, body: &str| {
        let function = FunctionFacts { ours, body: body.to_owned(), ..function(name, &[], 0) };
        let facts = Facts { functions: vec![function], ..facts() };
        examine(&facts).iter().any(|finding| finding.what.starts_with("body of "))
    };
    let habit = "perform pg_advisory_xact_lock(1);";
    assert!(with_body("pay", false, &format!("{habit} update bookings")));
    assert!(with_body("assign", false, habit), "it has the name of a function of the contract");
    assert!(!with_body("pay", false, habit));
    assert!(!with_body("assign", true, habit) && !with_body("pay", true, &format!("{habit} update bookings")));
}

#[test]
fn functions_of_ours_are_there_and_belong_to_the_owner() {
    let mut facts = Facts { owner: "app".into(), attached: true, ..facts() };
    let wrapper = about(&facts, "wrapper assign").expect("it is not there");
    assert_eq!((wrapper.state, wrapper.step), (State::Missing, MendStep::Attach));
    let mut ours = crate::legacy::contract_assign();
    (ours.ours, ours.owner, ours.grantees) = (true, "before".into(), vec!["web".into(), "batch".into()]);
    (facts.functions, facts.callers) = (vec![ours], vec!["web".into()]);
    assert_eq!(about(&facts, "wrapper assign"), None);
    let findings = examine(&facts);
    assert!(findings.iter().any(|finding| finding.what == "owner of function app.assign()"));
    let executes: Vec<&str> =
        findings.iter().map(|finding| finding.what.as_str()).filter(|what| what.starts_with("execute on ")).collect();
    assert_eq!(executes, ["execute on app.assign() for batch"]);
    facts.functions[0].owner = "app".into();
    assert_eq!(about(&facts, "owner of function app.assign()"), None);
}
