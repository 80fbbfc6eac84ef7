//! The task scan_bookings: all live bookings one by one, in bounded batches by primary key, with the rules of a reconciliation.
//!
//! It works at any size, and finds what the SQL of the view that `scan_live_bookings` reads might not.

use super::quarantine::TaskRun;
use super::scan_commits::{SCAN, reconcile_one};
use crate::rules::refusal::failure::Failure;
use crate::rules::upkeep::scan_bookings;
use crate::settings;

/// The next batch of the full scan, if it is time for one.
pub fn run(run: &TaskRun, batch: i32) -> Result<i64, Failure> {
    let store = run.store;
    let began = store.clock();
    let minutes = settings::full_scan_interval();
    if minutes == 0 || !store.scans_bookings() {
        return Ok(0);
    }
    let next = store.full_scan_next(
        began,
        scan_bookings::full_scan_batch(batch),
        scan_bookings::full_scan_cutoff(began, minutes),
    )?;
    if next.is_empty() {
        return Ok(0);
    }
    for (booking, _) in next.iter().filter(|(_, live)| *live) {
        run.in_savepoint(SCAN, *booking, |_| reconcile_one(run, *booking))?;
    }
    store.full_scan_done(scan_bookings::next_of_batch(began, store.clock()))?;
    Ok(next.len() as i64)
}
