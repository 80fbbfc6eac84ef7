//! One of many that fails for a reason of its own must not keep the others: it goes into quarantine, longer each time.

use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::{Failure, sqlstate_unpack};

/// The first pause, and the longest.
const PAUSE_MS: i64 = 60_000;
const MOST_MS: i64 = 3_600_000;

/// Classes of errors that any other row could have met as well: a read-only transaction, rollbacks, resources, operators,
/// the system, bugs.
const OF_ALL: &[&str] = &["25", "40", "53", "57", "58", "XX"];

/// Is it this one that fails? What may pass by itself, what somebody asked for, and what is wrong with the schema is not.
#[must_use]
pub fn is_its_own(failure: &Failure) -> bool {
    match failure {
        Failure::Server(error) => {
            let code = sqlstate_unpack(error.sqlstate);
            code != "55P03" && !OF_ALL.iter().any(|class| code.starts_with(class))
        }
        Failure::Undone(refusal) => !refusal.outcome.entry().sqlstate.starts_with("55"),
        Failure::Refused(_) => false,
    }
}

/// Until when it is left alone, having failed so often (this time included).
#[must_use]
pub fn until(now: Instant, failures: i32) -> Instant {
    let doubled = PAUSE_MS << failures.saturating_sub(1).clamp(0, 10);
    now.after_ms(doubled.min(MOST_MS))
}

/// What is kept of the error, for people.
#[must_use]
pub fn words(failure: &Failure) -> String {
    match failure {
        Failure::Server(error) => format!("{}: {}", sqlstate_unpack(error.sqlstate), error.message),
        Failure::Refused(refusal) | Failure::Undone(refusal) => {
            format!("{}: {}", refusal.outcome.entry().sqlstate, refusal.message)
        }
    }
}
