//! Rows of `observability_events` that the application's services read: those that the setting names.

use serde_json::Value;

use crate::rules::Id;
use crate::rules::event::observation::{Observation, is_of_calls, is_written, mismatch, rolled_back};
use crate::rules::refusal::failure::Failure;
use crate::rules::upkeep::retention::BATCH;
use crate::settings;
use crate::store::Store;
use crate::telemetry::spans;

/// What a call came to; written with it, and gone with it.
pub fn of_call(store: &Store, booking: Id, observed: impl FnOnce() -> Vec<Observation>) -> Result<(), Failure> {
    let setting = settings::observed();
    if is_of_calls(&setting) { write(store, booking, &setting, observed()) } else { Ok(()) }
}

/// A booking that does not agree after its commit.
pub fn of_mismatch(store: &Store, booking: Id, severity: &'static str, context: Value) -> Result<(), Failure> {
    write(store, booking, &settings::observed(), vec![mismatch(severity, context)])
}

/// Do services of the schema read what calls came to?
pub fn is_wanted(store: &Store) -> bool {
    store.has_observations() && is_of_calls(&settings::observed())
}

/// Attempts that rolled back, told by the worker: each once. One that cannot be told is counted, and keeps no other from it.
pub fn of_rolled_back(store: &Store) -> Result<i64, Failure> {
    if !is_wanted(store) {
        return Ok(0);
    }
    let (setting, taken) = (settings::observed(), spans::take_untold(store.number(), BATCH as usize));
    let mut cancelled = None;
    for span in &taken {
        let Some(booking) = span.booking.filter(|_| cancelled.is_none()) else {
            spans::count_unobserved(1);
            continue;
        };
        match store.in_savepoint(|store| write(store, booking, &setting, rolled_back(span))) {
            Ok(()) => spans::count_observed(),
            Err(failure) => {
                spans::count_unobserved(1);
                cancelled = Some(failure).filter(Failure::is_cancel);
            }
        }
    }
    cancelled.map_or(Ok(taken.len() as i64), Err)
}

fn write(store: &Store, booking: Id, setting: &str, observed: Vec<Observation>) -> Result<(), Failure> {
    let wanted: Vec<Observation> = observed.into_iter().filter(|row| is_written(setting, row.event_type)).collect();
    store.observations_write(booking, &wanted)
}
