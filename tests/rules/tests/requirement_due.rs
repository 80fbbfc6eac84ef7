//! What attach does not do again.

use holdfast::rules::requirement::attach::additions;
use holdfast::rules::requirement::due::{Due, due};
use holdfast::rules::requirement::facts::{Column, Facts, Index, Trigger};

use crate::requirement::{column, facts, table};

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
    let trigger = |on: &str| Trigger { table: on.into(), name: "changed".into(), ..Trigger::default() };
    facts.triggers.push(trigger("bookings"));
    assert_eq!(due(SCRIPT, &facts).len(), 3, "another table's trigger of that name is not ours");
    facts.triggers.push(trigger("statuses"));
    assert_eq!(words(&due(SCRIPT, &facts)), [("insert", false)]);
}

/// A column lost its NOT NULL or got a default so that our statements can write it: detach takes that back.
#[test]
fn what_a_column_lost_or_got_comes_back() {
    let given = Column { not_null: true, ..column("assigned by", "uuid") };
    let mut before = facts();
    before.tables = vec![table("seats", vec![given, column("id", "uuid"), column("other", "text")])];
    let mut after = before.clone();
    after.tables[0].columns[0].not_null = false;
    after.tables[0].columns[1].filled = true;
    after.tables[0].columns.push(column("new", "text"));
    let undone: Vec<String> = additions(&before, &after).into_iter().map(|addition| addition.undo).collect();
    assert_eq!(undone.len(), 2, "{undone:?}");
    assert!(undone[0].contains("alter table app.seats alter column \"assigned by\" set not null"), "{undone:?}");
    assert!(undone[0].contains("where \"assigned by\" is null"), "{undone:?}");
    assert_eq!(undone[1], "alter table app.seats alter column id drop default");
}
