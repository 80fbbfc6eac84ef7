//! Is an index there that serves, and if not, what is to be run?

use holdfast::rules::index::for_keys::{FoundIndex, Line, decide};
use holdfast::rules::index::needed::{NEEDED, NeededIndex};

const WANTED_ONE: &NeededIndex = &NEEDED[0];

fn serving() -> FoundIndex {
    FoundIndex {
        name: WANTED_ONE.name.to_owned(),
        table: WANTED_ONE.table.to_owned(),
        column: Some(WANTED_ONE.built()),
        columns: 1,
        predicate: Some("(auto_assign_idempotency_key IS NOT NULL)".to_owned()),
        valid: true,
        partitioned: false,
    }
}

fn states(found: &[FoundIndex]) -> Vec<(String, &'static str)> {
    decide(WANTED_ONE, found, "s").into_iter().map(|line| (line.index, line.state)).collect()
}

#[test]
fn one_that_serves_needs_nothing_whatever_its_name() {
    let other = FoundIndex { name: "theirs".to_owned(), predicate: None, ..serving() };
    assert_eq!(decide(WANTED_ONE, &[serving()], "s")[0].statement, None);
    assert_eq!(states(std::slice::from_ref(&other)), [("theirs".to_owned(), "present")]);
    let broken = FoundIndex { valid: false, ..serving() };
    assert_eq!(states(&[broken, other]), [("theirs".to_owned(), "present")]);
}

#[test]
fn a_missing_one_is_built_concurrently() {
    let lines = decide(WANTED_ONE, &[], "\"My App\"");
    let statement = "create index concurrently bookings_auto_assign_idempotency_key_idx on \"My App\".bookings (auto_assign_idempotency_key) where auto_assign_idempotency_key is not null";
    let line = Line { index: WANTED_ONE.name.to_owned(), state: "missing", statement: Some(statement.to_owned()) };
    assert_eq!(lines, [line]);
}

/// The server builds and drops none beside writers there.
#[test]
fn on_a_table_with_partitions_nothing_is_said_of_concurrently() {
    let taken = FoundIndex { columns: 2, partitioned: true, ..serving() };
    let statements: Vec<String> =
        decide(WANTED_ONE, &[taken], "s").into_iter().filter_map(|line| line.statement).collect();
    assert_eq!(statements[0], format!("drop index s.{}", WANTED_ONE.name));
    assert!(statements[1].starts_with("create index bookings_auto_assign_idempotency_key_idx on s.bookings"));
}

#[test]
fn what_has_the_name_and_does_not_serve_makes_room() {
    let of = |found: FoundIndex| states(&[found]);
    let name = WANTED_ONE.name.to_owned();
    let rebuilt = |state| vec![(name.clone(), state), (name.clone(), "missing")];
    assert_eq!(of(FoundIndex { valid: false, ..serving() }), rebuilt("invalid"));
    assert_eq!(of(FoundIndex { column: Some("id".to_owned()), ..serving() }), rebuilt("different"));
    assert_eq!(of(FoundIndex { column: None, ..serving() }), rebuilt("different"));
    assert_eq!(of(FoundIndex { columns: 2, ..serving() }), rebuilt("different"));
    assert_eq!(of(FoundIndex { predicate: Some("(party_size > 4)".to_owned()), ..serving() }), rebuilt("different"));
    assert_eq!(of(FoundIndex { table: "table_holds".to_owned(), ..serving() }), rebuilt("different"));
    let lines = decide(WANTED_ONE, &[FoundIndex { valid: false, ..serving() }], "s");
    let drop = format!("drop index concurrently s.{name}");
    assert_eq!(lines[0].statement, Some(drop));
}
