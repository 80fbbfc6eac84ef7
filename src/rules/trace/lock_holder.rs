//! Who has the lock that an attempt gave up waiting for: told from the first words of what other sessions are at.

use crate::rules::Id;
use crate::rules::attempt::function::{FUNCTIONS, Function};
use crate::rules::attempt::phase::Phase;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::trace::span::{LOCK_WORDS, Span};

/// Another session's attempt, as far as it says what it has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockHolder {
    pub pid: i32,
    pub booking: Option<Id>,
    pub hold: Option<Id>,
    database: u32,
    schema: u32,
    function: Function,
    phase: Phase,
}

impl LockHolder {
    /// None: these words were never written by a span.
    #[must_use]
    pub fn of_words(words: &[u64; LOCK_WORDS]) -> Option<LockHolder> {
        let id = |at: usize| Some(Id::from_u64_pair(words[at], words[at + 1])).filter(|id| !id.is_nil());
        let labels = words[LOCK_WORDS - 1];
        Some(LockHolder {
            pid: ((words[16] >> 32) as u32).cast_signed(),
            booking: id(7),
            hold: id(11),
            database: (words[6] >> 32) as u32,
            schema: words[6] as u32,
            function: *FUNCTIONS.get((labels & 0xff) as usize)?,
            phase: *Phase::ALL.get((labels >> 16 & 0xff) as usize)?,
        })
    }

    /// Has it what this one waits for? Whoever has a lock is past the phase that takes it; who waits too is not.
    #[must_use]
    pub fn has_lock_of(&self, waiter: &Span) -> bool {
        let same = |own: Option<Id>, other: Option<Id>| own.is_some() && own == other;
        let locked = match waiter.phase {
            Phase::BookingLock => same(self.booking, waiter.booking) && locks_booking(self.function),
            Phase::HoldLock => same(self.hold, waiter.hold),
            _ => false,
        };
        locked
            && self.pid != waiter.pid
            && (self.database, self.schema) == (waiter.database, waiter.schema)
            && self.phase as u8 > waiter.phase as u8
    }
}

/// The others lock a hold, or a table, and no booking.
fn locks_booking(function: Function) -> bool {
    !matches!(function, Function::Release | Function::ExtendHold | Function::Refresh)
}

/// Did it end because it waited too long? It says so by its outcome, or was stopped.
#[must_use]
pub fn gave_up_waiting(phase: Phase, outcome: Outcome) -> bool {
    let waited = matches!(phase, Phase::BookingLock | Phase::HoldLock);
    let stopped = matches!(
        outcome,
        Outcome::TimeoutBeforeConfirm
            | Outcome::LockTimeout
            | Outcome::Deadlock
            | Outcome::KeyInProgress
            | Outcome::Failed
    );
    waited && stopped
}
