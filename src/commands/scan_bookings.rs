//! The task scan_bookings: what others wrote, who tell nobody, is found because every live booking is scanned again.
//!
//! Twice over. `live` reads the view every few seconds: one set-based statement, so an update by hand is found at once.
//! `all` goes through the bookings one by one, in bounded batches by primary key, with the rules that a reconciliation has:
//! it works at any size, and finds what the view's SQL might not.

use super::quarantine;
use super::scan_commits::reconcile_one;
use crate::rules::refusal::failure::Failure;
use crate::rules::upkeep::scan_bookings;
use crate::settings;
use crate::store::Store;

/// What a scan came to: bookings, and whether to come again at once.
pub type Scanned = (i64, bool);

/// The task under which a booking goes into quarantine whose finding could not be reported.
pub const STEP: &str = "reconcile";

/// Reports what the view lists and nobody was told yet, and repairs what the policy names.
pub fn live(store: &Store, batch: i32) -> Result<Scanned, Failure> {
    let began = store.clock();
    if settings::reconcile_interval() == 0 || !store.scans_bookings() || !store.scan_bookings_due(began)? {
        return Ok((0, false));
    }
    let listed = store.scan_bookings_read(began, batch)?;
    let mut found = 0;
    for booking in &listed {
        found += i64::from(
            quarantine::in_savepoint(store, STEP, *booking, |store| reconcile_one(store, *booking))?
                .flatten()
                .is_some(),
        );
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

/// The next batch of the full scan, if it is time for one.
pub fn all(store: &Store, batch: i32) -> Result<Scanned, Failure> {
    let began = store.clock();
    let minutes = settings::full_scan_interval();
    if minutes == 0 || !store.scans_bookings() {
        return Ok((0, false));
    }
    let next = store.full_scan_next(
        began,
        scan_bookings::full_scan_batch(batch),
        scan_bookings::full_scan_cutoff(began, minutes),
    )?;
    if next.is_empty() {
        return Ok((0, false));
    }
    for (booking, _) in next.iter().filter(|(_, live)| *live) {
        quarantine::in_savepoint(store, STEP, *booking, |store| reconcile_one(store, *booking))?;
    }
    store.full_scan_done(scan_bookings::next_of_batch(began, store.clock()))?;
    Ok((next.len() as i64, false))
}
