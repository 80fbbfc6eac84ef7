//! What happened since the counters began, as rows for the views. Reading waits for nothing and locks nothing.

use crate::rules::outcome::{CATALOGUE, Entry};
use crate::rules::window::Instant;
use crate::telemetry;
pub use crate::telemetry::Reading;

/// Every outcome of the catalogue with its number and the epoch; None when nothing is counted.
#[must_use]
pub fn outcomes() -> Vec<(&'static Entry, Option<(u64, Instant)>)> {
    match telemetry::read() {
        Some(Reading { epoch, outcomes, .. }) => {
            outcomes.into_iter().map(|(entry, number)| (entry, Some((number, epoch)))).collect()
        }
        None => CATALOGUE.iter().map(|entry| (entry, None)).collect(),
    }
}

#[must_use]
pub fn attempts() -> Option<Reading> {
    telemetry::read()
}
