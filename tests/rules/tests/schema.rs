//! The typed list of tables: what calls need of a schema.

use holdfast::rules::release::Release;
use holdfast::rules::schema::holdfast_tables::is_ours;
use holdfast::rules::schema::{Used, used};

fn of(table: &str) -> Used {
    used().find(|used| used.table() == table).unwrap_or_else(|| panic!("calls do not work on {table}"))
}

#[test]
fn releases_are_named_as_the_extension_is() {
    assert_eq!([Release::V0_1_0, Release::V0_2_0].map(Release::name), ["0.1.0", "0.2.0"]);
}

/// A confirm cannot do without some tables, and goes without others.
#[test]
fn what_is_optional_carries_a_feature() {
    assert_eq!(of("bookings").feature(), "");
    assert_eq!(of("capacity_outbox").feature(), "outbox");
    let ours: Vec<Used> = used().filter(|used| matches!(used, Used::Holdfast(_))).collect();
    assert!(!ours.is_empty() && ours.iter().all(|used| !used.feature().is_empty()));
}

#[test]
fn a_table_of_ours_is_known_by_its_name() {
    assert!(is_ours("holdfast_findings") && is_ours("holdfast_rollout") && !is_ours("bookings"));
}

/// What attach adds is asked for after it, and not before.
#[test]
fn attach_adds_what_is_asked_for_after_it() {
    let bookings = of("bookings");
    let (before, after) = (bookings.required(false), bookings.required(true));
    assert!(before.contains(&"status") && before.iter().all(|column| after.contains(column)), "{before:?}");
    let results = of("booking_assignment_idempotency");
    assert!(results.required(true).len() > results.required(false).len(), "{:?}", results.required(true));
    let all = used().filter(|used| matches!(used, Used::Holdfast(_))).all(|used| !used.required(true).is_empty());
    assert!(all, "of a table of ours every column is needed");
}
