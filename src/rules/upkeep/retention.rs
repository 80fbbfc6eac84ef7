//! How long what was answered and told is kept, and in what portions it is forgotten.

use crate::rules::booking::window::Instant;
use crate::rules::refusal::{self, Refusal};

/// Days that an answer is kept, unless the owner says otherwise (`holdfast.ledger_retention_days`).
pub const LEDGER_DAYS: i32 = 90;
/// Days that a delivered event is kept (`holdfast.outbox_retention_days`).
pub const OUTBOX_DAYS: i32 = 7;
/// Days that an event is kept that nobody could deliver (`holdfast.outbox_dead_retention_days`).
pub const OUTBOX_DEAD_DAYS: i32 = 90;
/// A hundred years: longer than any booking.
pub const MAX_DAYS: i32 = 36_500;

/// Rows that one statement takes, unless told otherwise; and the most that it may be told.
pub const BATCH: i32 = 1000;
pub const MAX_BATCH: i32 = 100_000;

/// So many days, as an age in seconds.
#[must_use]
pub fn seconds(days: i32) -> i64 {
    i64::from(days) * 24 * 3600
}

/// What was written before this instant may go: `age_us` old (microseconds), or older than the setting says.
pub fn cutoff(now: Instant, age_us: Option<i128>, days: i32) -> Result<Instant, Refusal> {
    let age_us = age_us.unwrap_or_else(|| i128::from(seconds(days)) * 1_000_000);
    if age_us < 0 {
        return Err(refusal::argument_invalid("An age must not be negative"));
    }
    let cutoff = i128::from(now.0) - age_us;
    // Before any row that there can be: nothing goes.
    Ok(i64::try_from(cutoff).map_or(Instant::NEVER, Instant))
}

/// How many rows one statement may take.
pub fn batch(given: Option<i32>) -> Result<i32, Refusal> {
    let batch = given.unwrap_or(BATCH);
    if (1..=MAX_BATCH).contains(&batch) {
        return Ok(batch);
    }
    Err(refusal::argument_invalid(format!("A batch has 1 to {MAX_BATCH} rows, not {batch}")))
}
