//! The task record_attempts: attempts whose session was ended get their row, and services read of those that rolled back.

use crate::commands::observation;
use crate::rules::refusal::failure::Failure;
use crate::store::Store;
use crate::telemetry;

/// Nobody who asks has to wait for it: until then the note answers.
pub fn run(store: &Store) -> Result<i64, Failure> {
    let taken = telemetry::take_orphaned(store.number());
    for orphaned in &taken {
        store.attempt_record_orphaned(orphaned)?;
    }
    Ok(taken.len() as i64 + observation::of_rolled_back(store)?)
}
