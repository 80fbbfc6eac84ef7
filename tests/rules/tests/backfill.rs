//! What a backfill gives, and what it leaves to a person.

use holdfast::rules::reconcile::drift::catalogue::{Drift, FINDINGS, Severity};
use holdfast::rules::repair::backfill::{GIVEN, is_given};

#[test]
fn only_what_a_bookings_own_rows_decide_is_given() {
    for entry in FINDINGS {
        let none = entry.repair.starts_with("none");
        assert!(!(is_given(entry.drift) && none), "{} has no repair", entry.name);
    }
    assert!(is_given(Drift::AssignmentWithoutAllocation) && is_given(Drift::AnswerMissing));
    let critical = |drift: &Drift| drift.entry().severity == Severity::Critical;
    assert!(!GIVEN.iter().any(critical), "a double seating is for a person");
}
