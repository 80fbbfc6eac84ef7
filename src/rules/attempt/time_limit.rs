//! Limits in time: which are accepted, when to try again, how long to wait before.

use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::{Failure, sqlstate_pack};
use crate::rules::refusal::outcome::{Again, Outcome};
use crate::rules::refusal::{self, Refusal};

/// The longest limit; a longer one is cut down to it: a day.
pub const LIMIT_MAX_MS: i64 = 24 * 3600 * 1000;

/// What the clean-up after a timeout may take, in milliseconds. It waits for no lock, and hardly where an application's
/// trigger does. A trigger may still be slow, and so may a machine under load, where a hold that is kept to its own deadline
/// costs more than a second.
pub const CLEANUP_MS: i64 = 1000;

/// The first wait before another try is at most this long, in milliseconds; each next one twice as long.
const BACKOFF_MS: i64 = 10;

/// What a caller is told to wait before a new transaction, in milliseconds: the contract's first retry.
const RETRY_AFTER_MS: i64 = 100;

/// When a call that started at `started` has to be done. NULL means no limit.
pub fn until(started: Instant, timeout_ms: Option<i32>) -> Result<Instant, Refusal> {
    match timeout_ms {
        None => Ok(Instant::FOREVER),
        Some(ms) if ms > 0 => Ok(started.after_ms(i64::from(ms).min(LIMIT_MAX_MS))),
        Some(ms) => Err(refusal::argument_invalid(format!("A time limit is at least 1 millisecond, not {ms}"))
            .detail("NULL means no limit")),
    }
}

/// What is known when a try has failed.
#[derive(Debug, Clone, Copy)]
pub struct Tried {
    /// The tries so far, this one included.
    pub tries: i32,
    /// How often a try may be repeated.
    pub retry_limit: i32,
    /// Above it, a transaction that lost a race cannot go on.
    pub read_committed: bool,
    pub now: Instant,
    pub until: Instant,
    /// Any number, for the jitter.
    pub random: u64,
}

/// What follows a failed try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Wait so many milliseconds and try again.
    Retry(i64),
    /// The answer; with the milliseconds to wait before a new transaction where that makes sense.
    Answer(Refusal, Option<i64>),
    /// Not ours to answer.
    Raise(Failure),
}

/// Was somebody faster, by the server's own word?
#[must_use]
pub fn lost_race(failure: &Failure) -> Option<Outcome> {
    let Failure::Server(error) = failure else { return None };
    let known =
        [("40P01", Outcome::Deadlock), ("55P03", Outcome::LockTimeout), ("40001", Outcome::SerializationFailure)];
    known.iter().find(|(code, _)| sqlstate_pack(code) == error.sqlstate).map(|(_, outcome)| *outcome)
}

/// Deadlocks and lock timeouts are tried again; so is a key that somebody else bound at the same moment.
#[must_use]
pub fn after_failure(failure: Failure, tried: Tried) -> Next {
    let known = lost_race(&failure);
    let refusal = match failure {
        Failure::Refused(refusal) => return Next::Answer(refusal, None),
        Failure::Undone(refusal) if refusal.outcome == Outcome::BrokenInvariant => {
            return Next::Raise(Failure::Undone(refusal));
        }
        Failure::Undone(refusal) => refusal,
        Failure::Server(error) => {
            let Some(outcome) = known else { return Next::Raise(Failure::Server(error)) };
            let refusal = Refusal::new(outcome, error.message.clone());
            match &error.detail {
                Some(detail) => refusal.detail(detail.clone()),
                None => refusal,
            }
        }
    };
    let lost_a_race = matches!(refusal.outcome, Outcome::Deadlock | Outcome::LockTimeout | Outcome::KeyInProgress);
    let again = lost_a_race && tried.read_committed && tried.tries <= tried.retry_limit;
    if again {
        return Next::Retry(backoff_ms(tried.tries, tried.random).min(tried.now.ms_until(tried.until)));
    }
    let wait =
        (refusal.outcome.again() == Again::AtOnce).then(|| RETRY_AFTER_MS + jitter(RETRY_AFTER_MS, tried.random));
    Next::Answer(refusal, wait)
}

/// Exponential, with full jitter: those that collided should not meet again.
#[must_use]
pub fn backoff_ms(tries: i32, random: u64) -> i64 {
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(0).min(16);
    1 + jitter(BACKOFF_MS << doublings, random)
}

/// From 0 to `most`, this one excluded.
fn jitter(most: i64, random: u64) -> i64 {
    i64::try_from(random % most.unsigned_abs().max(1)).unwrap_or(0)
}
