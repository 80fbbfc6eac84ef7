//! What happened since the counters began, for the views. Waits for nothing and locks nothing.

use crate::rules::booking::window::Instant;
use crate::rules::refusal::outcome::{CATALOGUE, OutcomeEntry};
use crate::rules::statistics::{Counts, Labels};
use crate::telemetry;
pub use crate::telemetry::{Statistics, reset};

/// What was counted of every label set; None when nothing is counted.
#[must_use]
pub fn read() -> Option<Statistics> {
    telemetry::read()
}

/// The sum over all of them.
#[must_use]
pub fn sum(statistics: &Statistics) -> Counts {
    let mut sum = Counts::default();
    statistics.label_sets.iter().for_each(|(_, counts)| sum.add(counts));
    sum
}

/// How often an outcome was reached under a label set, and since when that is counted.
pub struct OutcomeCount {
    pub labels: Option<Labels>,
    pub entry: &'static OutcomeEntry,
    pub counted: Option<(u64, Instant)>,
}

/// What was reached; when nothing is counted, every outcome of the catalogue without a number.
#[must_use]
pub fn outcomes() -> Vec<OutcomeCount> {
    let Some(read) = telemetry::read() else {
        return CATALOGUE.iter().map(|entry| OutcomeCount { labels: None, entry, counted: None }).collect();
    };
    let mut reached = Vec::new();
    for (labels, counts) in &read.label_sets {
        let numbers = CATALOGUE.iter().zip(counts.outcomes).filter(|(_, number)| *number > 0);
        reached.extend(numbers.map(|(entry, number)| OutcomeCount {
            labels: Some(labels.clone()),
            entry,
            counted: Some((number, read.epoch)),
        }));
    }
    reached
}
