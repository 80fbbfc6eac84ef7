//! The task scan_commits, after the commit: is what a confirm wrote still what the booking is? Costs in proportion to what was committed.

use serde_json::json;

use super::quarantine::{self, TaskRun};
use crate::commands::observation;
use crate::commands::repair;
use crate::rules::Id;
use crate::rules::reconcile::finding::{self, Finding, catalogue::Severity};
use crate::rules::refusal::failure::Failure;
use crate::rules::upkeep::{retention, scan_bookings};
use crate::store::Store;

/// The name under which a booking goes into quarantine whose findings could not be reported.
pub const SCAN: &str = "reconcile";
/// The same of one that could not be mended.
const MEND: &str = "repair";

/// A booking that did not agree.
pub struct Mismatch {
    pub booking: Id,
    pub findings: Vec<Finding>,
    /// Was it mended, as the owner's policy says?
    pub repaired: bool,
}

/// As part of a sweep: a batch, and then a throttle a hundred times as long, so that calls keep their cores. What came meanwhile is
/// looked at later, when less comes.
pub fn now_and_then(run: &TaskRun, batch: i32) -> Result<i64, Failure> {
    let store = run.store;
    let began = store.clock();
    if !store.has_verified() || store.scan_commits_throttled(began)? {
        return Ok(0);
    }
    let (looked_at, _) = verified(run, Some(batch))?;
    let ended = store.clock();
    if scan_bookings::batch_is_throttled(looked_at, began, ended) {
        store.scan_commits_throttle(scan_bookings::next_of_batch(began, ended))?;
    }
    Ok(looked_at)
}

/// One batch of commits since the last scan: how many bookings were scanned, and those that do not agree.
pub fn verify(store: &Store, batch: Option<i32>) -> Result<(i64, Vec<Mismatch>), Failure> {
    verified(&TaskRun::begin(store), batch)
}

fn verified(run: &TaskRun, batch: Option<i32>) -> Result<(i64, Vec<Mismatch>), Failure> {
    let store = run.store;
    if !store.has_verified() {
        return Ok((0, Vec::new()));
    }
    let due = store.scan_commits_read(retention::batch(batch)?)?;
    let looked_at = due.len() as i64;
    let mut mismatches = Vec::new();
    for booking in due {
        mismatches.extend(run.in_savepoint(SCAN, booking, |_| reconcile_one(run, booking))?.flatten());
    }
    Ok((looked_at, mismatches))
}

/// One booking as it is now, and what is done about it. None: it agrees.
pub fn reconcile_one(run: &TaskRun, booking: Id) -> Result<Option<Mismatch>, Failure> {
    let store = run.store;
    let Some(record) = store.drift_read(booking, store.clock())? else { return Ok(None) };
    let findings = finding::decide(&record);
    if findings.iter().any(|finding| finding.kind.entry().severity > Severity::Info) {
        return settle(run, booking, findings).map(Some);
    }
    Ok(None)
}

/// Reports what nobody was told yet, and repairs what the policy names.
fn settle(run: &TaskRun, booking: Id, findings: Vec<Finding>) -> Result<Mismatch, Failure> {
    let store = run.store;
    let mended = store.scan_commits_policies()?;
    let wanted: Vec<Option<String>> = findings
        .iter()
        .map(|finding| finding.kind.entry().name)
        .filter(|name| mended.iter().any(|mended| mended == name))
        .map(|name| Some(name.to_owned()))
        .collect();
    let names: Vec<&str> = findings.iter().map(|finding| finding.kind.entry().name).collect();
    let new = store.finding_note(booking, &names)?;
    let repaired = !wanted.is_empty() && mend(run, booking, wanted)?;
    if repaired || !new.is_empty() {
        let severity = findings.iter().map(|finding| finding.kind.entry().severity).max().unwrap_or(Severity::Warning);
        let context = json!({"findings": names, "repaired": repaired});
        observation::of_mismatch(store, booking, severity.name(), context)?;
    }
    Ok(Mismatch { booking, findings, repaired })
}

/// The repair looks again under the booking's lock; where somebody works on the booking, it is left to them and to the
/// next scan. Where nothing can be done, or what is done is refused, a while passes before it is tried again.
fn mend(run: &TaskRun, booking: Id, wanted: Vec<Option<String>>) -> Result<bool, Failure> {
    let store = run.store;
    if !store.booking_lock_free(booking)? {
        return Ok(false);
    }
    let attempt = |store: &Store| {
        let rows = repair::by_policy(store, booking, wanted)?;
        Ok(rows.iter().any(|row| row.action == "done"))
    };
    let done = run.in_savepoint(MEND, booking, attempt)?;
    if done == Some(false) {
        quarantine::leave(store, MEND, booking, "a person decides")?;
    }
    Ok(done.unwrap_or_default())
}
