//! What does not belong to the transaction: counters in shared memory, which a rollback leaves alone.
//!
//! Every attempt counts once (G10): when it began, and as what it came to. One that wrote something is in flight until
//! its transaction commits or aborts, and prepared from PREPARE TRANSACTION until somebody settles that. The sum is
//! exact whenever nothing moves: started = the outcomes + in flight + prepared. Without preloading there is no shared
//! memory: then nothing is counted, and the views say so.

mod counters;
mod in_flight;
mod orphaned;
mod prepared;
pub mod recording;
mod settle;
pub mod shadow;
pub mod spans;
mod trace_ids;

use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;

use crate::rules::attempt::orphaned::Orphaned;
use crate::rules::attempt::phase::Phase;
use crate::rules::attempt::tally::{Ticket, Written};
use crate::rules::booking::window::Instant;
use crate::rules::refusal::outcome::{CATALOGUE, Outcome, OutcomeEntry};
use counters::{Counters, counters};
pub use in_flight::read as in_flight;
pub use orphaned::{find as find_orphaned, take as take_orphaned};
pub use settle::{part_ends, transaction_ends};

/// Asks for the counters' shared memory, in the postmaster.
pub fn register() {
    counters::register();
    orphaned::register();
    shadow::register();
    spans::register();
    in_flight::register();
}

thread_local! {
    /// What runs is a rehearsal.
    static UNCOUNTED: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, attempts are nobody's.
pub struct Uncounted {
    before: bool,
}

impl Uncounted {
    #[must_use]
    pub fn begin() -> Uncounted {
        Uncounted { before: UNCOUNTED.replace(true) }
    }
}

impl Drop for Uncounted {
    fn drop(&mut self) {
        UNCOUNTED.set(self.before);
    }
}

/// One attempt, from its beginning until it is counted.
pub struct CountedAttempt {
    /// None: it is counted, or nothing is.
    open: Option<(Ticket, &'static Counters)>,
}

impl CountedAttempt {
    #[must_use]
    pub fn begin() -> CountedAttempt {
        let counters = counters().filter(|_| !UNCOUNTED.get());
        CountedAttempt {
            open: counters.map(|counters| {
                counters.begun();
                (settle::begin(), counters)
            }),
        }
    }

    /// One that is not counted.
    #[must_use]
    pub fn nobodys() -> CountedAttempt {
        CountedAttempt { open: None }
    }

    /// How far it got.
    pub fn reach(&self, phase: Phase) {
        if let Some((ticket, _)) = &self.open {
            orphaned::reach(*ticket, phase);
        }
    }

    /// What is noted of it if its session ends before its transaction.
    pub fn remember(&self, attempt: impl FnOnce() -> Option<Orphaned>) {
        if let Some((ticket, _)) = &self.open
            && let Some(attempt) = attempt()
        {
            orphaned::remember(*ticket, attempt);
        }
    }

    /// It was tried once more, within this attempt.
    pub fn retried(&self) {
        if let Some((_, counters)) = &self.open {
            counters::add(&counters.retries, 1);
        }
    }

    /// It ended with an answer that no rollback changes: a refusal, a timeout, an error, an earlier answer.
    pub fn answered(mut self, outcome: Outcome) {
        self.count(outcome);
    }

    /// It ended with the answer that an earlier attempt had got.
    pub fn replayed(mut self, outcome: Outcome) {
        if let Some((ticket, counters)) = &self.open {
            orphaned::forget(*ticket);
            counters::add(&counters.replayed, 1);
        }
        self.count(outcome);
    }

    /// It wrote: it comes to this if its transaction commits, to `rolled_back` if not. The deadline is compared with
    /// the clock of that moment.
    pub fn written(mut self, outcome: Outcome, deadline: Option<Instant>) {
        if let Some((ticket, _)) = self.open.take() {
            settle::written(ticket, Written { outcome, deadline });
        }
    }

    fn count(&mut self, outcome: Outcome) {
        if let Some((ticket, counters)) = self.open.take()
            && settle::answered(ticket)
        {
            counters.ended(outcome);
        }
    }
}

/// An attempt that is left by a panic.
impl Drop for CountedAttempt {
    fn drop(&mut self) {
        self.count(Outcome::Failed);
    }
}

/// The numbers of this epoch.
pub struct Counts {
    /// When counting began: the start of the server, or its last crash.
    pub epoch: Instant,
    pub started: u64,
    pub in_flight: u64,
    pub prepared: u64,
    /// The sum over `outcomes`.
    pub ended: u64,
    pub replayed: u64,
    pub retries: u64,
    pub completed_in_time: u64,
    pub timeout_after_confirm: u64,
    pub outcomes: Vec<(&'static OutcomeEntry, u64)>,
}

/// Looks after prepared transactions, then reads. None when the library is not preloaded.
#[must_use]
pub fn read() -> Option<Counts> {
    let counters = counters()?;
    settle::settle_prepared(counters);
    let outcomes: Vec<(&OutcomeEntry, u64)> =
        CATALOGUE.iter().map(|entry| (entry, counters.of(entry.outcome))).collect();
    Some(Counts {
        epoch: Instant(counters.epoch()),
        started: counters.started(),
        in_flight: counters.in_flight.load(Relaxed),
        prepared: counters.prepared.waiting(),
        ended: outcomes.iter().map(|(_, number)| number).sum(),
        replayed: counters.replayed.load(Relaxed),
        retries: counters.retries.load(Relaxed),
        completed_in_time: counters.completed_in_time.load(Relaxed),
        timeout_after_confirm: counters.timeout_after_confirm.load(Relaxed),
        outcomes,
    })
}
