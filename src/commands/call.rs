//! What a call carries from its beginning to its answer.

use std::cell::Cell;

use super::observation as observed;
use crate::rules::Id;
use crate::rules::attempt::function::{Function, Path};
use crate::rules::attempt::orphaned::Orphaned;
use crate::rules::attempt::phase::Phase;
use crate::rules::attempt::time_limit;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::request::{Arguments, Named};
use crate::rules::event::observation;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::statistics::counter::Counter;
use crate::rules::upkeep::retention;
use crate::settings;
use crate::store::Store;
use crate::telemetry::recording::{AttemptSubject, Recording, Why};
use crate::telemetry::{self, CountedAttempt};

/// One call of a function that writes to bookings or holds.
pub struct Call<'a> {
    /// The schema that it works on, and the clock.
    pub store: &'a Store,
    /// How far it got.
    phase: Cell<Phase>,
    /// What is counted of it, once.
    attempt: CountedAttempt,
    /// What is shown of it, and kept for a while.
    recording: Recording,
}

impl<'a> Call<'a> {
    /// On whose behalf, the session's setting says.
    #[must_use]
    pub fn begin(store: &'a Store, function: Function) -> Call<'a> {
        let path = settings::path().map(|name| Path::of(&name.to_string_lossy()));
        Call::on_path(store, function, path.unwrap_or_default())
    }

    #[must_use]
    pub fn on_path(store: &'a Store, function: Function, path: Path) -> Call<'a> {
        let began = telemetry::now();
        let attempt = CountedAttempt::begin((store.number(), store.schema()), function, path, began);
        let recording = Recording::begin(store.number(), function, path, began);
        if observation::is_of_function(function) && observed::is_wanted(store) {
            recording.is_observed();
        }
        Call { store, phase: Cell::default(), attempt, recording }
    }

    /// One that is a part of something else, or that is taken back whatever it comes to.
    #[must_use]
    pub fn uncounted(store: &'a Store) -> Call<'a> {
        let (attempt, recording) = (CountedAttempt::nobodys(), Recording::none());
        Call { store, phase: Cell::default(), attempt, recording }
    }

    /// Says how far it got.
    pub fn reach(&self, phase: Phase) {
        self.phase.set(phase);
        let now = telemetry::now();
        self.attempt.reach(phase, now);
        self.recording.reach(phase, now);
    }

    pub fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Until when an answer that is given now is kept.
    pub fn kept_until(&self, now: Instant) -> Instant {
        now.after_seconds(retention::seconds(settings::ledger_retention_days()))
    }

    /// What it is about, as far as it says, before it is checked.
    pub fn describe(&self, arguments: &Arguments) {
        self.recording.describe(&AttemptSubject {
            booking: arguments.booking,
            hold: if let Named::Hold(hold) = arguments.named { hold } else { None },
            key: arguments.key.as_deref(),
            metadata: arguments.history.metadata.as_ref(),
        });
    }

    /// What one is about that needs less than a confirm; said again when more of it is known.
    pub fn is_about(&self, subject: &AttemptSubject) {
        self.recording.describe(subject);
    }

    /// Which item of a list it is, from 1, and of how many.
    pub fn is_item(&self, place: usize, of: usize) {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.recording.is_item(number(place), number(of));
    }

    /// Where its booking is.
    pub fn is_at(&self, restaurant: Id) {
        self.recording.is_at(restaurant);
    }

    /// What is noted of it if its session ends before its transaction.
    pub fn remember(&self, attempt: impl FnOnce() -> Option<Orphaned>) {
        self.attempt.remember(attempt);
    }

    /// It was tried once more, within this call.
    pub fn retried(&self) {
        self.attempt.count(Counter::Retries);
    }

    /// A try failed; was it because others were faster?
    pub fn tried(&self, failure: &Failure) {
        tried(&self.attempt, failure);
    }

    /// Runs a command and counts what it came to. A refusal may have been given before, under the same key.
    pub fn run<T>(
        self,
        outcome: impl FnOnce(&T) -> CallEnd,
        command: impl FnOnce(&Call) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let answer = command(&self);
        let Call { attempt, recording, .. } = self;
        match &answer {
            Ok(done) => match outcome(done) {
                CallEnd::Written(outcome, deadline) => {
                    recording.end(outcome, false, true, &Why::Done);
                    attempt.written(outcome, deadline);
                }
                CallEnd::Replayed(outcome, refusal) => {
                    recording.end(outcome, true, false, &Why::of(refusal.as_ref()));
                    attempt.replayed(outcome);
                }
                CallEnd::Answered(outcome, refusal) => {
                    recording.end(outcome, false, false, &Why::of(refusal.as_ref()));
                    attempt.answered(outcome);
                }
            },
            Err(Failure::Refused(refusal)) if refusal.replayed => {
                recording.end(refusal.outcome, true, false, &Why::Refused(refusal));
                attempt.replayed(refusal.outcome);
            }
            Err(failure) => {
                tried(&attempt, failure);
                recording.end(failure.outcome(), false, false, &Why::Failed(failure));
                attempt.answered(failure.outcome());
            }
        }
        answer
    }
}

fn tried(attempt: &CountedAttempt, failure: &Failure) {
    match time_limit::lost_race(failure) {
        Some(Outcome::Deadlock) => attempt.count(Counter::Deadlocks),
        Some(Outcome::LockTimeout) => attempt.count(Counter::LockTimeouts),
        _ => {}
    }
}

/// How a call ended that raised nothing, and why it was refused.
pub enum CallEnd {
    /// By its deadline, if it has one.
    Written(Outcome, Option<Instant>),
    Replayed(Outcome, Option<Refusal>),
    Answered(Outcome, Option<Refusal>),
}
