//! What does not belong to the transaction: counters in shared memory, which a rollback leaves alone.
//!
//! Every attempt counts once (G10): when it began, and as what it came to. One that wrote something is in flight until
//! its transaction commits or aborts, and prepared from PREPARE TRANSACTION until somebody settles that. The sum is
//! exact whenever nothing moves: started = the outcomes + in flight + prepared. Without preloading there is no shared
//! memory: then nothing is counted, and the views say so.

mod attempt_log;
mod counters;
mod in_flight;
mod label_set;
mod orphaned;
mod prepared;
pub mod recording;
mod saved;
mod session;
mod settle;
pub mod shadow;
pub mod spans;
mod trace_ids;

use std::cell::Cell;

use crate::rules::attempt::function::{Function, Path};
use crate::rules::attempt::orphaned::Orphaned;
use crate::rules::attempt::phase::Phase;
use crate::rules::attempt::tally::{Ticket, Written};
use crate::rules::booking::window::Instant;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::statistics::counter::Counter;
use crate::rules::statistics::lock_wait::LockWait;
use crate::rules::statistics::phase_times::{PhaseTimes, TIMED};
use crate::rules::statistics::{Counts, Labels};
use counters::counters;
pub use in_flight::read as in_flight;
use label_set::LabelSet;
pub use orphaned::{find as find_orphaned, take as take_orphaned};
pub use session::{database, now};
pub use settle::{part_ends, transaction_ends};

/// Asks for the counters' shared memory, in the postmaster.
pub fn register() {
    counters::register();
    label_set::register();
    orphaned::register();
    shadow::register();
    spans::register();
    attempt_log::register();
    in_flight::register();
    saved::register();
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
    open: Option<OpenAttempt>,
}

struct OpenAttempt {
    ticket: Ticket,
    label_set: &'static LabelSet,
    began: Instant,
    times: Cell<PhaseTimes>,
    lock_wait: Cell<LockWait>,
}

impl OpenAttempt {
    fn elapsed_us(&self, now: Instant) -> u64 {
        session::us_between(self.began, now)
    }

    /// The phase ends: if it waited for a lock, that is counted.
    fn leave_lock(&self, next: Option<Phase>, at_us: u64) {
        let mut lock_wait = self.lock_wait.get();
        let waited = lock_wait.reach(next, at_us, session::last_wait());
        self.lock_wait.set(lock_wait);
        if let Some(([waits, microseconds], us)) = waited {
            self.label_set.count(waits, 1);
            self.label_set.count(microseconds, us);
        }
    }
}

impl CountedAttempt {
    /// Of a schema of this database, by number and name.
    #[must_use]
    pub fn begin((schema, name): (u32, &str), function: Function, path: Path, began: Instant) -> CountedAttempt {
        let label_set = if UNCOUNTED.get() { None } else { label_set::of_call(schema, name, function, path) };
        CountedAttempt {
            open: label_set.map(|(number, label_set)| {
                label_set.begun();
                let (times, lock_wait) = (Cell::default(), Cell::default());
                OpenAttempt { ticket: settle::begin(number), label_set, began, times, lock_wait }
            }),
        }
    }

    /// One that is not counted.
    #[must_use]
    pub fn nobodys() -> CountedAttempt {
        CountedAttempt { open: None }
    }

    /// How far it got, and when.
    pub fn reach(&self, phase: Phase, now: Instant) {
        if let Some(open) = &self.open {
            let (mut times, at_us) = (open.times.get(), open.elapsed_us(now));
            times.reach(phase, at_us);
            open.times.set(times);
            open.leave_lock(Some(phase), at_us);
            orphaned::reach(open.ticket, phase);
        }
    }

    /// What is noted of it if its session ends before its transaction.
    pub fn remember(&self, attempt: impl FnOnce() -> Option<Orphaned>) {
        if let Some(open) = &self.open
            && let Some(attempt) = attempt()
        {
            orphaned::remember(open.ticket, attempt);
        }
    }

    /// Something happened within it.
    pub fn count(&self, counter: Counter) {
        if let Some(open) = &self.open {
            open.label_set.count(counter, 1);
        }
    }

    /// It ended with an answer that no rollback changes: a refusal, a timeout, an error, an earlier answer.
    pub fn answered(mut self, outcome: Outcome) {
        self.end(outcome);
    }

    /// It ended with the answer that an earlier attempt had got.
    pub fn replayed(mut self, outcome: Outcome) {
        if let Some(open) = &self.open {
            orphaned::forget(open.ticket);
            open.label_set.count(Counter::Replayed, 1);
        }
        self.end(outcome);
    }

    /// It wrote: it comes to this if its transaction commits, to `rolled_back` if not. The deadline is compared with
    /// the clock of that moment.
    pub fn written(mut self, outcome: Outcome, deadline: Option<Instant>) {
        if let Some(open) = self.take() {
            settle::written(open.ticket, Written { outcome, deadline });
        }
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(open) = self.take()
            && settle::answered(open.ticket)
        {
            open.label_set.ended(outcome);
        }
    }

    /// The answer is there: so long it took.
    fn take(&mut self) -> Option<OpenAttempt> {
        let open = self.open.take()?;
        let at_us = open.elapsed_us(session::now());
        let spent = open.times.get().end(at_us);
        open.leave_lock(None, at_us);
        for (phase, us) in TIMED.iter().zip(spent) {
            if let Some(us) = us {
                open.label_set.took(*phase, us);
            }
        }
        Some(open)
    }
}

/// An attempt that is left by a panic.
impl Drop for CountedAttempt {
    fn drop(&mut self) {
        self.end(Outcome::Failed);
    }
}

/// The numbers of this epoch.
pub struct Statistics {
    /// When counting began.
    pub epoch: Instant,
    pub label_sets: Vec<(Labels, Counts)>,
}

/// Looks after prepared transactions, then reads. None when the library is not preloaded.
#[must_use]
pub fn read() -> Option<Statistics> {
    let counters = counters()?;
    settle::settle_prepared(counters);
    let label_sets = label_set::read().into_iter().map(|(_, labels, counts)| (labels, counts)).collect();
    Some(Statistics { epoch: Instant(counters.epoch()), label_sets })
}

/// Forgets what ended, and begins an epoch. False: the library is not preloaded.
pub fn reset() -> bool {
    let Some(counters) = counters() else { return false };
    label_set::reset();
    counters.begin_epoch();
    true
}
