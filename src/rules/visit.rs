//! When the worker comes to a database again.

use super::window::Instant;

/// Seconds between two visits of a database that has work (`holdfast.worker_interval`), unless a commit calls.
pub const INTERVAL_SECONDS: i32 = 5;
/// Between the end of a visit and the next: others must find the database empty in between (DROP DATABASE waits for
/// five seconds), and calls that come thick are answered together.
pub const GAP_MS: i64 = 500;
/// A visit is followed by a rest forty times as long, up to this: where calls have no core to spare, it takes little of one.
pub const REST_MS: i64 = 5000;
const RESTS: i64 = 40;
/// How long one visit may take; what is left is for the next.
pub const BUDGET_MS: i64 = 2000;
/// One transaction of a visit is cancelled after so long, whatever it waits for or got lost in.
pub const TRANSACTION_MS: i32 = 30_000;
/// A database without an attached schema is looked at again after so long; attach and every confirm call earlier.
const IDLE_SECONDS: i64 = 300;
/// The longest pause after errors.
const BACK_OFF_SECONDS: i64 = 300;

/// How a visit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// All is done.
    Done,
    /// Its time was over before its work.
    More,
    /// No schema here is attached.
    Idle,
    /// A step failed, or the whole visit.
    Failed,
}

/// The turns of a visit, `number` of them, beginning where the last one's time was over: what takes all of it each time must
/// not keep the rest from ever having theirs.
pub fn turns(number: usize, first: usize) -> impl Iterator<Item = usize> {
    let first = if first < number { first } else { 0 };
    (first..number).chain(0..first)
}

/// How long nobody comes after a visit that took so long, whoever calls.
#[must_use]
pub fn rest_ms(took_ms: i64) -> i64 {
    took_ms.saturating_mul(RESTS).clamp(GAP_MS, REST_MS)
}

/// When to come again by itself, after `failures` visits in a row that failed (this one included). `jitter` is 0 to 999:
/// databases that began together drift apart.
#[must_use]
pub fn next(now: Instant, visit: Visit, rest_ms: i64, failures: u32, interval_seconds: i32, jitter: u32) -> Instant {
    let interval = i64::from(interval_seconds);
    let seconds = match visit {
        Visit::More => return after_ms(now, rest_ms),
        Visit::Done => interval,
        Visit::Idle => interval.max(IDLE_SECONDS),
        Visit::Failed => {
            let doubled = interval.saturating_mul(1 << failures.saturating_sub(1).min(16));
            doubled.min(interval.max(BACK_OFF_SECONDS))
        }
    };
    // Nine to eleven tenths of it.
    after_ms(now, seconds * 900 + seconds * i64::from(jitter.min(999)) / 5)
}

/// Is a visit due? A commit may call for one (`wanted`), but not before the `rested` instant, nor while errors are waited
/// out.
#[must_use]
pub fn due(now: Instant, wanted: bool, rested: Instant, planned: Instant, failures: u32) -> bool {
    now >= planned || wanted && failures == 0 && now >= rested
}

#[must_use]
pub fn after_ms(at: Instant, ms: i64) -> Instant {
    Instant(at.0.saturating_add(ms.saturating_mul(1000)))
}
