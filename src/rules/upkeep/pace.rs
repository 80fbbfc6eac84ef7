//! The worker's pace: how long it stays, how long it is throttled after a round, and how long a failure backs off.

use crate::rules::booking::window::Instant;

/// Seconds between two looks for what others wrote (`holdfast.worker_interval`); commits of our calls say so themselves.
pub const INTERVAL_SECONDS: i32 = 5;
/// Worker processes at once, over all databases (`holdfast.max_workers`).
pub const WORKERS: i32 = 2;
/// Between the end of a round of runs and the next, so that calls that come thick are answered together.
pub const GAP_MS: i64 = 500;
/// After a round the worker is throttled forty times as long, up to this: where calls have no core to spare, it takes little of one.
pub const THROTTLE_MS: i64 = 5000;
const THROTTLE: i64 = 40;
/// How long one round may take; what is left is for the next.
pub const BUDGET_MS: i64 = 2000;
/// One transaction of a run is cancelled after so long, whatever it waits for or got lost in.
pub const TRANSACTION_MS: i32 = 30_000;
/// And its process is ended so long after that, if the work caught the cancel and went on.
pub const GRACE_MS: i32 = 5000;
/// A worker process stays while something is due within this time …
const STAY_MS: i64 = 5000;
/// … but not for ever: what it remembers of many schemas goes with it, and the next one reads its settings anew.
const LIFE_MS: i64 = 60_000;
/// Without a change of its tables, a schema is looked at again after so long; where changes are not counted, sooner.
pub const QUIET_SECONDS: i64 = 3600;
const UNCOUNTED_SECONDS: i64 = 60;
/// That makes no hold wait longer than this past its deadline, and no call by so much more.
const LATE_MS: i64 = 3000;
const CALLED_MS: i64 = THROTTLE_MS - LATE_MS;
/// The first and the longest pause after errors.
pub const BACK_OFF_SECONDS: (i64, i64) = (5, 300);
/// What was due and could not be done, because somebody has it locked, is tried again after this, at most that.
pub const FRUITLESS_MS: (i64, i64) = (1000, 8000);

/// When a schema is looked at again of which nothing is heard.
#[must_use]
pub fn quiet(now: Instant, counted: bool) -> Instant {
    now.after_seconds(if counted { QUIET_SECONDS } else { UNCOUNTED_SECONDS })
}

/// When a schema is looked at again in which there must be no upkeep: its tables are filled by a subscription, say.
#[must_use]
pub fn skipped(now: Instant) -> Instant {
    now.after_seconds(UNCOUNTED_SECONDS)
}

/// How long nobody runs anything after a round that took so long, whoever calls. `late_ms`: the latest of what is left; of
/// what is due next, the time until then, below zero.
#[must_use]
pub fn throttle_ms(took_ms: i64, late_ms: i64) -> i64 {
    let longest = LATE_MS.saturating_sub(late_ms).clamp(GAP_MS, THROTTLE_MS);
    took_ms.saturating_mul(THROTTLE).clamp(GAP_MS, longest)
}

/// From when on what is due at an instant is late: a call has no deadline.
#[must_use]
pub fn late_from(due_at: Instant, is_call: bool) -> Instant {
    if is_call { due_at.after_ms(CALLED_MS) } else { due_at }
}

/// Does a worker that came at `born` stay for what is due next?
#[must_use]
pub fn stays(now: Instant, next: Instant, born: Instant) -> bool {
    next <= now.after_ms(STAY_MS) && now < born.after_ms(LIFE_MS)
}

/// When a schema is tried again, after `failures` runs in a row that failed (this one included).
#[must_use]
pub fn after_failure(now: Instant, failures: u32) -> Instant {
    doubled(now, BACK_OFF_SECONDS.0, failures.saturating_sub(1), BACK_OFF_SECONDS.1)
}

/// So many seconds later, twice as many each time, up to a limit.
#[must_use]
pub fn doubled(now: Instant, first: i64, times: u32, most: i64) -> Instant {
    now.after_seconds(first.saturating_mul(1 << times.min(16)).min(most.max(first)))
}
