//! What a call carries from its beginning to its answer.

use std::cell::Cell;

use crate::rules::attempt::function::{Function, Path};
use crate::rules::attempt::orphaned::Orphaned;
use crate::rules::attempt::phase::Phase;
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::upkeep::retention;
use crate::settings;
use crate::store::Store;
use crate::telemetry::CountedAttempt;

/// One call of a function that writes to bookings or holds.
#[expect(dead_code, reason = "what is counted has no labels yet")]
pub struct Call<'a> {
    /// The schema that it works on, and the clock.
    pub store: &'a Store,
    /// What was called, and on whose behalf: it is counted under both.
    pub function: Function,
    pub path: Path,
    /// How far it got.
    phase: Cell<Phase>,
    /// What is counted of it, once.
    attempt: CountedAttempt,
}

impl<'a> Call<'a> {
    #[must_use]
    pub fn begin(store: &'a Store, function: Function, path: Path) -> Call<'a> {
        Call { store, function, path, phase: Cell::default(), attempt: CountedAttempt::begin() }
    }

    /// One that is a part of something else, or that is taken back whatever it comes to.
    #[must_use]
    pub fn uncounted(store: &'a Store, function: Function) -> Call<'a> {
        Call { store, function, path: Path::default(), phase: Cell::default(), attempt: CountedAttempt::nobodys() }
    }

    /// Says how far it got.
    pub fn reach(&self, phase: Phase) {
        self.phase.set(phase);
        self.attempt.reach(phase);
    }

    pub fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Until when an answer that is given now is kept.
    pub fn kept_until(&self, now: Instant) -> Instant {
        now.after_seconds(retention::seconds(settings::ledger_retention_days()))
    }

    /// What is noted of it if its session ends before its transaction.
    pub fn remember(&self, attempt: impl FnOnce() -> Option<Orphaned>) {
        self.attempt.remember(attempt);
    }

    /// It was tried once more, within this call.
    pub fn retried(&self) {
        self.attempt.retried();
    }

    /// It ended with an answer that no rollback changes: a refusal, a timeout, an error.
    pub fn answered(self, outcome: Outcome) {
        self.attempt.answered(outcome);
    }

    /// It ended with the answer that an earlier call had got.
    pub fn replayed(self, outcome: Outcome) {
        self.attempt.replayed(outcome);
    }

    /// It wrote, and comes to this if its transaction commits.
    pub fn written(self, outcome: Outcome, deadline: Option<Instant>) {
        self.attempt.written(outcome, deadline);
    }

    /// Runs a command and counts what it came to. A refusal may have been given before, under the same key.
    pub fn run<T>(
        self,
        outcome: impl FnOnce(&T) -> CallEnd,
        command: impl FnOnce(&Call) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let answer = command(&self);
        match &answer {
            Ok(done) => match outcome(done) {
                CallEnd::Written(outcome, deadline) => self.written(outcome, deadline),
                CallEnd::Replayed(outcome) => self.replayed(outcome),
                CallEnd::Answered(outcome) => self.answered(outcome),
            },
            Err(Failure::Refused(refusal)) if refusal.replayed => self.replayed(refusal.outcome),
            Err(failure) => self.answered(failure.outcome()),
        }
        answer
    }
}

/// How a call ended that was not refused.
pub enum CallEnd {
    /// By its deadline, if it has one.
    Written(Outcome, Option<Instant>),
    Replayed(Outcome),
    Answered(Outcome),
}
