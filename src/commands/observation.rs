//! Rows of `observability_events` that the application's services read: those that the setting names.

use serde_json::Value;

use crate::rules::Id;
use crate::rules::event::observation::{Observation, is_of_calls, is_written, mismatch};
use crate::rules::refusal::failure::Failure;
use crate::settings;
use crate::store::Store;

/// What a call came to; written with it, and gone with it.
pub fn of_call(store: &Store, booking: Id, observed: impl FnOnce() -> Vec<Observation>) -> Result<(), Failure> {
    let setting = settings::observed();
    if is_of_calls(&setting) { write(store, booking, &setting, observed()) } else { Ok(()) }
}

/// A booking that does not agree after its commit.
pub fn of_mismatch(store: &Store, booking: Id, severity: &'static str, context: Value) -> Result<(), Failure> {
    write(store, booking, &settings::observed(), vec![mismatch(severity, context)])
}

fn write(store: &Store, booking: Id, setting: &str, observed: Vec<Observation>) -> Result<(), Failure> {
    let wanted: Vec<Observation> = observed.into_iter().filter(|row| is_written(setting, row.event_type)).collect();
    store.observations_write(booking, &wanted)
}
