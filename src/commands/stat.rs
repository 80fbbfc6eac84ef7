//! What happened since the counters began, as rows for the views. Counts waits for nothing and locks nothing.

use crate::rules::booking::window::Instant;
use crate::rules::refusal::outcome::{CATALOGUE, OutcomeEntry};
use crate::telemetry;
pub use crate::telemetry::Counts;

/// Every outcome of the catalogue with its number and the epoch; None when nothing is counted.
#[must_use]
pub fn outcomes() -> Vec<(&'static OutcomeEntry, Option<(u64, Instant)>)> {
    match telemetry::read() {
        Some(Counts { epoch, outcomes, .. }) => {
            outcomes.into_iter().map(|(entry, number)| (entry, Some((number, epoch)))).collect()
        }
        None => CATALOGUE.iter().map(|entry| (entry, None)).collect(),
    }
}

#[must_use]
pub fn attempts() -> Option<Counts> {
    telemetry::read()
}
