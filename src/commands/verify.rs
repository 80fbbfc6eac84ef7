//! After the commit: is what a confirm wrote still what the booking is? Costs in proportion to what was committed.

use serde_json::json;

use crate::rules::Id;
use crate::rules::drift::{self, Finding, catalogue::Severity};
use crate::rules::failure::Failure;
use crate::rules::retention;
use crate::store::Store;

/// A booking that did not agree.
pub struct Mismatch {
    pub booking: Id,
    pub findings: Vec<Finding>,
    /// Was it mended, as the owner's policy says?
    pub repaired: bool,
}

/// One batch of commits since the last look: how many bookings were looked at, and those that do not agree.
pub fn verify(store: &Store, batch: Option<i32>) -> Result<(i64, Vec<Mismatch>), Failure> {
    if !store.has_verified() {
        return Ok((0, Vec::new()));
    }
    let due = store.verify_due(retention::batch(batch)?)?;
    let looked_at = due.len() as i64;
    let mut mismatches = Vec::new();
    for booking in due {
        let Some(record) = store.drift_read(booking, store.clock())? else { continue };
        let findings = drift::judge(&record);
        if findings.iter().any(|finding| finding.drift.entry().severity > Severity::Info) {
            mismatches.push(settle(store, booking, findings)?);
        }
    }
    Ok((looked_at, mismatches))
}

/// Reports, and repairs what the policy names. The repair looks again under the booking's lock; where somebody works on
/// the booking, it is left to them and to the next full look.
fn settle(store: &Store, booking: Id, findings: Vec<Finding>) -> Result<Mismatch, Failure> {
    let mended = store.verify_policies()?;
    let wanted: Vec<Option<String>> = findings
        .iter()
        .map(|finding| finding.drift.entry().name)
        .filter(|name| mended.iter().any(|mended| mended == name))
        .map(|name| Some(name.to_owned()))
        .collect();
    let repaired = !wanted.is_empty() && store.booking_lock_free(booking)? && {
        let rows = super::repair::repair(store, Some(booking), Some(wanted), false)?;
        rows.iter().any(|row| row.action == "done")
    };
    let names: Vec<&str> = findings.iter().map(|finding| finding.drift.entry().name).collect();
    let severity = findings.iter().map(|finding| finding.drift.entry().severity).max().unwrap_or(Severity::Warning);
    store.verify_note(booking, severity.name(), json!({"findings": names, "repaired": repaired}))?;
    Ok(Mismatch { booking, findings, repaired })
}
