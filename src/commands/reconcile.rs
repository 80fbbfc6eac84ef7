//! What state a booking is in, and what about it does not agree.

use serde_json::Value;

use crate::rules::Id;
use crate::rules::booking;
use crate::rules::reconcile::finding;
use crate::rules::refusal;
use crate::rules::refusal::failure::Failure;
use crate::store::Store;

/// The two words that services read after a confirm, and the findings.
pub struct Reconciled {
    pub booking_state: String,
    pub assignment_state: &'static str,
    pub findings: Value,
}

/// Reads one snapshot, without a lock.
pub fn reconcile(store: &Store, booking: Option<Id>) -> Result<Reconciled, Failure> {
    let id = booking.ok_or_else(|| refusal::booking_not_found(None))?;
    let record = store.drift_read(id, store.clock())?.ok_or_else(|| refusal::booking_not_found(Some(id)))?;
    let (assigned, allocated) = record.counts();
    let findings = finding::decide(&record);
    Ok(Reconciled {
        booking_state: record.booking.status.clone(),
        assignment_state: booking::assignment_state(assigned, allocated, record.is_over()),
        findings: findings.iter().map(|finding| finding.json(finding.kind.entry().repair)).collect(),
    })
}
