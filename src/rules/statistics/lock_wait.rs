//! What calls wait for, and how long: each phase takes locks of one kind.

use super::counter::Counter;
use crate::rules::attempt::phase::Phase;

/// The counters of a phase's waits, and of their microseconds.
#[must_use]
pub fn counters(phase: Phase) -> Option<[Counter; 2]> {
    match phase {
        Phase::BookingLock => Some([Counter::BookingWaits, Counter::BookingWaitUs]),
        Phase::HoldLock => Some([Counter::HoldWaits, Counter::HoldWaitUs]),
        Phase::TableLock => Some([Counter::TableWaits, Counter::TableWaitUs]),
        // The key of the ledger, a constraint, what a trigger locks.
        Phase::Apply | Phase::Settle => Some([Counter::WriteWaits, Counter::WriteWaitUs]),
        Phase::Arguments | Phase::Replay | Phase::Decide | Phase::Done => None,
    }
}

/// A wait that ended: what is counted, and how many microseconds.
pub type Waited = ([Counter; 2], u64);

/// The phase of a call that may wait, as it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LockWait {
    counters: Option<[Counter; 2]>,
    since_us: u64,
    last_wait: i64,
}

impl LockWait {
    /// Another phase begins, or none; `last_wait`: when the session last began to wait for a lock. Where that is not what it
    /// was when the phase before began, that phase waited.
    pub fn reach(&mut self, phase: Option<Phase>, at_us: u64, last_wait: i64) -> Option<Waited> {
        let before =
            std::mem::replace(self, LockWait { counters: phase.and_then(counters), since_us: at_us, last_wait });
        let waited = before.counters.filter(|_| before.last_wait != last_wait);
        waited.map(|counters| (counters, at_us.saturating_sub(before.since_us)))
    }
}
