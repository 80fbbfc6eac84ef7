//! Confirming within a limit in time: nothing is left behind, and the answer comes back in the same transaction.
//!
//! The steps: the attempt's lock, a subtransaction a try, the confirm in it. What ends without a success is written
//! down after the subtransaction, so that it commits; after a timeout the hold is handed back, without waiting.

use super::confirm::{Answer, within_call};
use super::{Call, CallEnd, Refusals, observation as observed};
use crate::rules::Id;
use crate::rules::attempt::auto_assign::Initiator;
use crate::rules::attempt::function::Function;
use crate::rules::attempt::orphaned::Orphaned;
use crate::rules::attempt::phase::Phase;
use crate::rules::attempt::time_limit::{self, CLEANUP_MS, Next, Tried};
use crate::rules::attempt::{self, Report};
use crate::rules::booking::window::Instant;
use crate::rules::confirm::request::{Arguments, Request};
use crate::rules::event::observation::{self, Subject};
use crate::rules::event::outbox;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::settings;
use crate::store::{Ended, Ending, Store, rights};

/// One attempt with a deadline.
pub struct DeadlineAttempt<'a> {
    pub call: &'a Call<'a>,
    pub request: &'a Request,
    pub id: Id,
    pub trigger: Option<Initiator>,
    pub started: Instant,
    pub until: Instant,
}

/// What the tries came to.
enum Tries {
    Answered(Answer),
    Refused(Refusal, Option<i64>),
    TimedOut,
}

/// Confirms by hold; every refusal is returned.
pub fn within(store: &Store, arguments: Arguments, timeout_ms: Option<i32>) -> Result<Report, Failure> {
    let key = arguments.key.clone();
    let started = store.clock();
    let until = time_limit::until(started, timeout_ms);
    let limit = until.clone().ok();
    let call = Call::begin(store, Function::ConfirmWithin);
    call.run(
        |report| ended(store, report, limit),
        |call| {
            call.describe(&arguments);
            if let Some(refusal) = super::rollout::must_be_ours(store, arguments.booking)? {
                return Ok(refused_arguments(refusal, key));
            }
            match until.and_then(|until| Ok((until, arguments.check()?))) {
                Ok((until, request)) => {
                    let id = store.new_id();
                    let attempt = DeadlineAttempt { call, request: &request, id, trigger: None, started, until };
                    attempt.run(|_| Ok(()), |_| Ok(()))
                }
                Err(refusal) => Ok(refused_arguments(refusal, key)),
            }
        },
    )
}

/// What a report means for the counters.
pub fn ended(store: &Store, report: &Report, until: Option<Instant>) -> CallEnd {
    let own = report.receipt.is_some_and(|receipt| receipt == store.transaction_id());
    match report.outcome {
        // An answer that this very transaction gave is rolled back with it.
        outcome if report.replayed && !own => CallEnd::Replayed(outcome, report.refusal.clone()),
        Outcome::Confirmed => CallEnd::Written(Outcome::Confirmed, until.filter(|until| *until != Instant::FOREVER)),
        outcome => CallEnd::Answered(outcome, report.refusal.clone()),
    }
}

/// Nonsense was asked.
pub fn refused_arguments(refusal: Refusal, key: Option<String>) -> Report {
    Report { refusal: Some(refusal.clone()), ..Report::unbegun(refusal.outcome, 0, key) }
}

impl DeadlineAttempt<'_> {
    /// Confirms; `confirmed` is written together with a success, `failed` beside any other end that is not a replay.
    pub fn run(
        &self,
        confirmed: impl Fn(&DeadlineAttempt) -> Result<(), Failure>,
        failed: impl FnOnce(&Report) -> Result<(), Failure>,
    ) -> Result<Report, Failure> {
        let (call, store, request) = (self.call, self.call.store, self.request);
        if let Some(key) = &request.key {
            store.attempt_lock(request.booking, key);
        }
        call.remember(|| {
            let begun = store.begun(request, self.started)?;
            Some(Orphaned { attempt: Some(self.id), trigger: self.trigger, ..begun })
        });
        let _watch = store.watch_client();
        let mut tries = 0;
        let ended = self.tries(&mut tries, |_| {
            let answer = within_call(call, request, Refusals::Returned)?;
            confirmed(self)?;
            Ok(answer)
        })?;
        let report = match ended {
            Tries::Answered(answer) => return Ok(self.answered(answer, tries)),
            Tries::Refused(refusal, retry_after_ms) => {
                let report = Report { retry_after_ms, ..self.unconfirmed(refusal, tries, false) };
                let spent = !report.replayed && attempt::spends_hold(report.outcome);
                Report { hold_released: spent && self.release_hold()?, ..report }
            }
            Tries::TimedOut => {
                let refusal = attempt::timed_out(request.booking, self.elapsed_ms(), call.phase().before_done());
                let report = self.unconfirmed(refusal, tries, false);
                Report { hold_released: self.release_hold()?, ..report }
            }
        };
        if report.replayed {
            return Ok(report);
        }
        failed(&report)?;
        self.record(&report)?;
        Ok(Report { receipt: Some(store.transaction_id()), elapsed_ms: self.elapsed_ms(), ..report })
    }

    /// Tries until something is final, the tries are used up, or the deadline passes.
    fn tries(&self, tries: &mut i32, work: impl Fn(&Store) -> Result<Answer, Failure>) -> Result<Tries, Failure> {
        let store = self.call.store;
        loop {
            *tries += 1;
            let failure = match store.within(self.until, &work) {
                Ended::Done(answer) => return Ok(Tries::Answered(answer)),
                Ended::TimedOut => return Ok(Tries::TimedOut),
                Ended::Failed(failure) => failure,
            };
            self.call.tried(&failure);
            let tried = Tried {
                tries: *tries,
                retry_limit: settings::retry_limit(),
                read_committed: store.is_read_committed(),
                now: store.clock(),
                until: self.until,
                random: store.new_id().as_u64_pair().1,
            };
            match time_limit::after_failure(failure, tried) {
                Next::Retry(ms) => {
                    self.call.retried();
                    store.pause(ms)?;
                }
                Next::Answer(refusal, retry_after_ms) => return Ok(Tries::Refused(refusal, retry_after_ms)),
                Next::Raise(failure) => return Err(failure),
            }
            if store.clock() >= self.until {
                return Ok(Tries::TimedOut);
            }
        }
    }

    fn elapsed_ms(&self) -> i64 {
        self.started.ms_until(self.call.store.clock())
    }

    fn answered(&self, answer: Answer, tries: i32) -> Report {
        Report {
            outcome: Outcome::Confirmed,
            phase: Phase::Done,
            elapsed_ms: self.elapsed_ms(),
            tries,
            assignments: answer.rows,
            refusal: None,
            retry_after_ms: None,
            replayed: answer.replayed,
            key: self.request.key.clone(),
            hold_released: false,
            receipt: answer.receipt,
        }
    }

    fn unconfirmed(&self, refusal: Refusal, tries: i32, hold_released: bool) -> Report {
        Report {
            outcome: refusal.outcome,
            phase: self.call.phase().before_done(),
            elapsed_ms: self.elapsed_ms(),
            tries,
            assignments: Vec::new(),
            retry_after_ms: None,
            replayed: refusal.replayed,
            key: self.request.key.clone(),
            hold_released,
            receipt: None,
            refusal: Some(refusal),
        }
    }

    /// Hands the hold back, unless somebody else has it at this moment: then its own deadline ends it.
    fn release_hold(&self) -> Result<bool, Failure> {
        let Some(hold) = self.request.selection.hold() else { return Ok(false) };
        let phase = self.call.phase();
        let released = bounded(self.call.store, |store| release_if_free(store, hold, self.request.booking));
        self.call.reach(phase);
        released
    }

    /// Writes down how the attempt ended; a timeout is told to others.
    fn record(&self, report: &Report) -> Result<(), Failure> {
        let Some(refusal) = &report.refusal else { return Ok(()) };
        let request = self.request;
        let hold = request.selection.hold();
        let store = self.call.store;
        let ended = store.clock();
        let recorded = store.attempt_record(Ending {
            booking: request.booking,
            key: request.key.as_deref(),
            hold,
            trigger: self.trigger.map(Initiator::name),
            started: self.started,
            ended,
            outcome: report.outcome,
            phase: report.phase,
            elapsed_ms: report.elapsed_ms,
            tries: report.tries,
            detail: attempt::detail(refusal, self.id, report.hold_released),
        })?;
        let subject = Subject { attempt: Some(self.id), duration_ms: Some(report.elapsed_ms), ..Subject::of(request) };
        observed::of_call(store, request.booking, || observation::refusal(subject, report.outcome))?;
        match recorded {
            Some((number, restaurant)) if report.outcome == Outcome::TimeoutBeforeConfirm => {
                let of = (request.booking, restaurant);
                super::emit(store, &[outbox::attempt_timed_out(of, &number, hold, self.id, report)], ended)
            }
            _ => Ok(()),
        }
    }
}

/// Clean-up that the answer does not depend on: in a short time, or not at all. A cancel stays a cancel.
pub fn bounded(store: &Store, work: impl FnOnce(&Store) -> Result<bool, Failure>) -> Result<bool, Failure> {
    match rights::impatient(|| store.within(store.clock().after_ms(CLEANUP_MS), work))? {
        Ended::Done(done) => Ok(done),
        Ended::Failed(failure) if failure.is_cancel() => Err(failure),
        Ended::TimedOut | Ended::Failed(_) => Ok(false),
    }
}

fn release_if_free(store: &Store, hold: Id, booking: Id) -> Result<bool, Failure> {
    let Some((hold, restaurant)) = store.hold_lock_free(hold, booking)? else { return Ok(false) };
    if !attempt::may_release(&hold, booking, restaurant) {
        return Ok(false);
    }
    let now = store.clock();
    super::release::end(store, &[hold.ending(now)], None, now)?;
    Ok(true)
}
