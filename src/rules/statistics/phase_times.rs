//! How long the phases of one call took. Phases are told in five groups; what is in none of them is part of the call.

use crate::rules::attempt::phase::Phase;

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimedPhase {
    /// From the beginning to the answer.
    Call,
    /// Looking for an earlier answer.
    Replay,
    /// Waiting for the locks of booking, holds and tables, and taking them.
    Lock,
    /// Reading what is decided on, and deciding.
    Validate,
    /// Writing, with the application's triggers.
    Write,
    /// The server's commit: the log is written and, where asked for, copied. Of the whole transaction.
    Commit,
}

/// Every one, in the order of its number.
pub const TIMED: [TimedPhase; 6] = [
    TimedPhase::Call,
    TimedPhase::Replay,
    TimedPhase::Lock,
    TimedPhase::Validate,
    TimedPhase::Write,
    TimedPhase::Commit,
];

impl TimedPhase {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TimedPhase::Call => "call",
            TimedPhase::Replay => "replay",
            TimedPhase::Lock => "lock",
            TimedPhase::Validate => "validate",
            TimedPhase::Write => "write",
            TimedPhase::Commit => "commit",
        }
    }

    /// The group of a phase.
    #[must_use]
    pub fn of(phase: Phase) -> Option<TimedPhase> {
        match phase {
            Phase::Arguments | Phase::Done => None,
            Phase::Replay => Some(TimedPhase::Replay),
            Phase::BookingLock | Phase::HoldLock | Phase::TableLock => Some(TimedPhase::Lock),
            Phase::Decide => Some(TimedPhase::Validate),
            Phase::Apply | Phase::Settle => Some(TimedPhase::Write),
        }
    }
}

/// Adds up the time of each group; one that was not reached has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PhaseTimes {
    since_us: u64,
    now: Option<TimedPhase>,
    spent_us: [Option<u64>; TIMED.len()],
}

impl PhaseTimes {
    /// The call gets to a phase, so long after its beginning.
    pub fn reach(&mut self, phase: Phase, at_us: u64) {
        self.leave(at_us);
        self.now = TimedPhase::of(phase);
        self.since_us = at_us;
    }

    fn leave(&mut self, at_us: u64) {
        if let Some(group) = self.now.take() {
            let spent = self.spent_us[group as usize].get_or_insert(0);
            *spent += at_us.saturating_sub(self.since_us);
        }
    }

    /// The call ends: what was timed.
    #[must_use]
    pub fn end(mut self, at_us: u64) -> [Option<u64>; TIMED.len()] {
        self.leave(at_us);
        self.spent_us[TimedPhase::Call as usize] = Some(at_us);
        self.spent_us
    }
}
