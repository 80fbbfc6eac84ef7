//! What a backfill gives, and what it leaves to a person.

use holdfast::rules::reconcile::finding::catalogue::{FINDINGS, FindingKind, Severity};
use holdfast::rules::repair::backfill::{GIVEN, is_given};

#[test]
fn only_what_a_bookings_own_rows_decide_is_given() {
    for entry in FINDINGS {
        let none = entry.repair.starts_with("none");
        assert!(!(is_given(entry.kind) && none), "{} has no repair", entry.name);
    }
    assert!(is_given(FindingKind::AssignmentWithoutAllocation) && is_given(FindingKind::AnswerMissing));
    let critical = |kind: &FindingKind| kind.entry().severity == Severity::Critical;
    assert!(!GIVEN.iter().any(critical), "a double seating is for a person");
}
