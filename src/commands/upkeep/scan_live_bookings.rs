//! The task scan_live_bookings: what others wrote, who tell nobody, is found by the view every few seconds.
//!
//! One set-based statement: an update by hand is found at once. What the view's SQL might not find, `scan_bookings` does.

use super::quarantine::TaskRun;
use super::scan_commits::{SCAN, reconcile_one};
use crate::rules::refusal::failure::Failure;
use crate::rules::upkeep::scan_bookings;
use crate::settings;
use crate::store::Store;

/// Reports what the view lists and nobody was told yet, and repairs what the policy names.
pub fn run(run: &TaskRun, batch: i32) -> Result<(i64, bool), Failure> {
    let store = run.store;
    let began = store.clock();
    if settings::reconcile_interval() == 0 || !store.scans_bookings() || !store.scan_bookings_due(began)? {
        return Ok((0, false));
    }
    let listed = store.scan_bookings_read(began, batch)?;
    let mut found = 0;
    for booking in &listed {
        found += i64::from(run.in_savepoint(SCAN, *booking, |_| reconcile_one(run, *booking))?.flatten().is_some());
    }
    let more = listed.len() as i64 >= i64::from(batch);
    let ended = store.clock();
    store.scan_bookings_done(if more {
        ended
    } else {
        scan_bookings::next(began, ended, settings::reconcile_interval())
    })?;
    Ok((found, more))
}

/// What a restart took from memory, asked for from the disk at once: the first scan, and whoever reads the view before it,
/// would wait for each page.
pub fn read_ahead(store: &Store) -> Result<(), Failure> {
    if settings::reconcile_interval() > 0 {
        let probed = store.probed_indexes()?;
        probed
            .iter()
            .filter(|(_, index)| scan_bookings::worth_reading_ahead(*index))
            .for_each(|(oid, _)| store.read_ahead(*oid));
    }
    Ok(())
}
