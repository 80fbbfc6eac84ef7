//! How an application takes and ends its holds, told from its tables, triggers and functions (I3, I4).

use holdfast::rules::catalogue::facts::{Column, Constraint, Facts, TableFacts, TriggerFacts};
use holdfast::rules::catalogue::function::FunctionFacts;
use holdfast::rules::doctor::examine;
use holdfast::rules::doctor::finding::State;
use holdfast::rules::doctor::hold::policy;
use holdfast::rules::hold::HoldPolicy;

fn constraint(table: &str, kind: &str, definition: &str) -> Constraint {
    let (table, kind, definition) = (table.to_owned(), kind.to_owned(), definition.to_owned());
    Constraint { name: "the_rule".to_owned(), table, kind, definition, ..Constraint::default() }
}

fn trigger(table: &str, body: &str) -> TriggerFacts {
    let (table, body) = (table.to_owned(), body.to_owned());
    TriggerFacts { table, name: "keep".to_owned(), enabled: "O".to_owned(), body, ..TriggerFacts::default() }
}

fn deletes(facts: &Facts) -> bool {
    policy(facts).deletes
}

#[test]
fn a_plain_schema_closes_its_holds_and_mirrors_them() {
    assert_eq!(policy(&Facts::default()), HoldPolicy::default());
    let own =
        constraint("table_hold_members", "f", "FOREIGN KEY (hold_id) REFERENCES app.table_holds(id) ON DELETE CASCADE");
    let loose = constraint("notes", "f", "FOREIGN KEY (hold_id) REFERENCES app.table_holds(id) ON DELETE SET NULL");
    let audit = trigger("table_holds", "begin insert into audit_log values (new.id); return new; end");
    assert!(!deletes(&Facts { constraints: vec![own, loose], triggers: vec![audit], ..Facts::default() }));
}

#[test]
fn what_hangs_on_a_hold_goes_with_it() {
    for target in ["app.table_holds(id)", "table_holds(id)", "\"x.y\".table_holds(id)"] {
        let definition = format!("FOREIGN KEY (hold_id) REFERENCES {target} ON DELETE CASCADE");
        assert!(deletes(&Facts { constraints: vec![constraint("windows", "f", &definition)], ..Facts::default() }));
    }
}

#[test]
fn a_trigger_that_keeps_windows_or_mirrors_says_so() {
    let column = Column { name: "hold_id".to_owned(), ..Column::default() };
    let windows = TableFacts { name: "windows".to_owned(), columns: vec![column], ..TableFacts::default() };
    let keep = trigger("table_hold_members", "begin INSERT INTO app.Windows (hold_id) values (new.hold_id); end");
    let facts = Facts { tables: vec![windows], triggers: vec![keep.clone()], ..Facts::default() };
    assert!(deletes(&facts));
    assert!(policy(&facts).mirrors, "windows are no mirrors");
    let disabled = TriggerFacts { enabled: "D".to_owned(), ..keep };
    assert!(!deletes(&Facts { triggers: vec![disabled], ..facts }));
    let mirror = trigger("table_hold_members", "begin insert into allocations (id) values (new.hold_id); end");
    let facts = Facts { triggers: vec![mirror], ..Facts::default() };
    assert_eq!((deletes(&facts), policy(&facts).mirrors), (true, false));
}

#[test]
fn a_function_that_deletes_holds_says_so() {
    let function =
        |body: &str| FunctionFacts { kind: "f".to_owned(), body: body.to_owned(), ..FunctionFacts::default() };
    let deletes = |body: &str| deletes(&Facts { functions: vec![function(body)], ..Facts::default() });
    for body in [
        "DELETE FROM table_holds h WHERE h.id = p",
        "delete  from public.table_holds;",
        "delete from \"table_holds\" where true",
    ] {
        assert!(deletes(body), "{body}");
    }
    for body in [
        "delete from table_hold_members where true",
        "-- delete from table_holds\nselect 1",
        "update table_holds set x = 1",
    ] {
        assert!(!deletes(body), "{body}");
    }
    let ours = FunctionFacts { ours: true, ..function("delete from table_holds") };
    assert!(!policy(&Facts { functions: vec![ours], ..Facts::default() }).deletes);
}

#[test]
fn a_deadline_bound_to_the_window_is_obeyed() {
    let check = constraint("table_holds", "c", "CHECK ((expires_at >= end_at))");
    let facts = Facts { constraints: vec![check], ..Facts::default() };
    let found = policy(&facts);
    assert!(found.to_window_end && found.deletes, "no deadline of now could say that it is over");
    let finite = constraint("table_holds", "c", "CHECK (isfinite(expires_at))");
    assert!(!policy(&Facts { constraints: vec![finite], ..Facts::default() }).to_window_end);
}

#[test]
fn a_constraint_that_does_not_know_mirrors_is_obeyed() {
    let check = |labels: &str| {
        let definition = format!("CHECK ((resource_type = ANY (ARRAY[{labels}])))");
        policy(&Facts { constraints: vec![constraint("allocations", "c", &definition)], ..Facts::default() }).mirrors
    };
    assert!(check("'table'::text, 'merge_group'::text, 'hold'::text"));
    assert!(!check("'table'::text, 'merge_group'::text"));
}

#[test]
fn doctor_says_how_holds_end() {
    let function = FunctionFacts {
        name: "expire".to_owned(),
        kind: "f".to_owned(),
        body: "delete from table_holds".to_owned(),
        ..FunctionFacts::default()
    };
    let mut facts = Facts { functions: vec![function], ..Facts::default() };
    let finding = |facts: &Facts| {
        let found = examine(facts).into_iter().find(|finding| finding.what == "ending of holds").expect("said");
        (found.state, found.why)
    };
    assert_eq!(finding(&facts), (State::Ok, "a hold is deleted when it ends: function expire deletes them".to_owned()));
    facts.hold_policy = Some(HoldPolicy::default());
    assert_eq!(finding(&facts).0, State::Risky);
    let closing =
        Facts { hold_policy: Some(HoldPolicy { deletes: true, ..HoldPolicy::default() }), ..Facts::default() };
    assert_eq!(finding(&closing).0, State::Ok);
}
