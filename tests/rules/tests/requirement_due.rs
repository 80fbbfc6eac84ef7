//! What attach does not do again.

use holdfast::rules::requirement::due::{Due, due, made};
use holdfast::rules::requirement::facts::{Facts, Index, TriggerFacts};
use holdfast::rules::requirement::{State, examine};

use crate::requirement::{column, facts, index, table};

const SCRIPT: &str = "alter table app.bookings
  add column if not exists key text,
  add column if not exists last jsonb not null default '{}';
create index if not exists bookings_key_idx
  on app.bookings (key) where key is not null;
create table if not exists app.statuses (status text primary key);
create table if not exists app.policies (
  restaurant_id uuid primary key references app.restaurants (id) on delete cascade
);
insert into app.statuses values ('confirmed');
create or replace trigger changed
  after insert on app.statuses for each statement execute function holdfast.changed();
alter trigger changed on app.statuses depends on extension holdfast;
";

fn words(due: &[Due]) -> Vec<(&str, bool)> {
    due.iter().map(|due| (due.text.split([' ', '\n']).next().unwrap_or_default(), due.locks)).collect()
}

/// An application that was never attached.
fn new() -> Facts {
    let mut facts = facts();
    facts.tables =
        vec![table("bookings", vec![column("id", "uuid")]), table("restaurants", vec![column("id", "uuid")])];
    facts
}

#[test]
fn what_is_missing_is_due_and_locks_only_tables_that_are_there() {
    let due = due(SCRIPT, &new());
    assert_eq!(
        words(&due),
        [
            ("alter", true),
            ("create", true),
            ("create", false),
            ("create", true),
            ("insert", false),
            ("create", false),
            ("alter", false)
        ]
    );
    assert!(due[0].text.contains("add column if not exists key text,\n  add column if not exists last jsonb not null"));
}

#[test]
fn a_column_that_is_there_is_left_out_of_the_statement() {
    let mut facts = new();
    facts.tables[0].columns.push(column("key", "text"));
    let due = due(SCRIPT, &facts);
    assert_eq!(due[0].text, "alter table app.bookings\n  add column if not exists last jsonb not null default '{}'");
}

#[test]
fn where_everything_is_there_nothing_locks() {
    let mut facts = new();
    facts.tables[0].columns.extend([column("key", "text"), column("last", "jsonb")]);
    facts.tables.extend([table("statuses", vec![]), table("policies", vec![])]);
    let index = |table: &str, name: &str| Index { table: table.into(), name: name.into(), ..Index::default() };
    facts.indexes.push(index("bookings", "bookings_key_idx"));
    let due_but_trigger = due(SCRIPT, &facts);
    assert_eq!(words(&due_but_trigger), [("insert", false), ("create", false), ("alter", false)]);
    let trigger = |on: &str| TriggerFacts { table: on.into(), name: "changed".into(), ..TriggerFacts::default() };
    facts.triggers.push(trigger("bookings"));
    assert_eq!(due(SCRIPT, &facts).len(), 3, "another table's trigger of that name is not ours");
    facts.triggers.push(trigger("statuses"));
    assert_eq!(words(&due(SCRIPT, &facts)), [("insert", false)]);
}

#[test]
fn the_tables_of_a_script_are_read_with_their_columns() {
    let script = "create table if not exists app.a (\n  id boolean primary key default true check (id),\n  b text\n    references app.c,\n  \
                  primary key (a, b),\n  check (a > 1)\n);\ncreate index if not exists i on app.a (b);\n";
    let found = made(script);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].name.as_str(), found[0].columns.as_slice()), ("a", &["id".to_owned(), "b".to_owned()][..]));
}

#[test]
fn an_index_of_the_application_that_does_the_same_is_enough() {
    let script = "create index if not exists bookings_auto_assign_idempotency_key_idx\n  on app.bookings (auto_assign_idempotency_key) where auto_assign_idempotency_key is not null;\n";
    let own = Index {
        predicate: Some("(auto_assign_idempotency_key IS NOT NULL)".to_owned()),
        ..index("bookings", "own", &["auto_assign_idempotency_key"], false)
    };
    let with = |own: Index| Facts { indexes: vec![own], ..new() };
    assert!(due(script, &with(own.clone())).is_empty(), "it is not built twice");
    let says = |facts: &Facts| {
        let found = examine(facts);
        found.into_iter().find(|found| found.what.starts_with("index bookings (auto_assign")).map(|found| found.state)
    };
    assert_eq!(says(&with(own.clone())), Some(State::Ok));
    for other in [
        Index { predicate: Some("(party_size > 4)".to_owned()), ..own.clone() },
        Index { usable: false, ..own.clone() },
        Index { table: "restaurants".to_owned(), ..own },
    ] {
        assert_eq!(due(script, &with(other.clone())).len(), 1);
        assert_eq!(says(&with(other)), Some(State::Missing));
    }
}
