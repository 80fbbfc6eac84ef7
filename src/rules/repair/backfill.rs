//! What live bookings get that were confirmed before their schema was attached, and what is left to a person.

use crate::rules::reconcile::finding::catalogue::FindingKind;

/// Bookings that one call mends at most: it holds their locks until it commits.
pub const BATCH: i32 = 500;

/// What their own rows decide: allocations of tables that they have, answers of their keys, groups and the history's last word.
pub const GIVEN: &[FindingKind] = &[
    FindingKind::AssignmentWithoutAllocation,
    FindingKind::WindowDiffersFromAllocation,
    FindingKind::MergeGroupWithoutAllocation,
    FindingKind::AnswerMissing,
    FindingKind::HistoryDiffers,
];

#[must_use]
pub fn is_given(kind: FindingKind) -> bool {
    GIVEN.contains(&kind)
}
