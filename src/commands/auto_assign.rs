//! The automatic attempt: by the request that made the booking, or by the worker that comes later, under one key.
//!
//! It looks at the state first. What is done already, or somebody else's work, is left alone without a trace.

use std::collections::BTreeMap;

use serde_json::json;

use super::time_limit::{self as limited, DeadlineAttempt, bounded, refused_arguments};
use super::{Call, observation as observed};
use crate::rules::Id;
use crate::rules::attempt::auto_assign::{self, AttemptInput, Initiator, Key};
use crate::rules::attempt::function::{Function, Path};
use crate::rules::attempt::time_limit;
use crate::rules::attempt::{self, Report};
use crate::rules::booking::transition;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::request::{Arguments, History};
use crate::rules::event::observation::{self, Subject};
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::refusal::{self, Refusal};
use crate::store::snapshot::Question;
use crate::store::{Ended, Ending, Store};
use crate::telemetry::recording::AttemptSubject;

/// Who wants what by when.
struct AutoAssignRequest {
    booking: Id,
    hold: Option<Id>,
    trigger: Initiator,
    id: Id,
    started: Instant,
    until: Instant,
}

/// What the look at the state came to.
enum StateRead {
    Skip(Outcome, Option<String>),
    Refuse(Refusal),
    NoHold(Key),
    Confirm(Confirm),
}

/// Which hold is confirmed, under which key, and which status the booking gets.
struct Confirm {
    hold: Id,
    key: Key,
    target: String,
}

pub fn run(
    store: &Store,
    booking: Option<Id>,
    hold: Option<Id>,
    timeout_ms: Option<i32>,
    trigger: Option<&str>,
) -> Result<Report, Failure> {
    let started = store.clock();
    let wanted = check(booking, timeout_ms, trigger, started);
    let wanted = wanted.map(|(booking, until, trigger)| {
        let id = store.new_id();
        AutoAssignRequest { booking, hold, trigger, id, started, until }
    });
    let (path, until) =
        wanted.as_ref().map_or_else(|_| (Path::default(), None), |wanted| (wanted.trigger.path(), Some(wanted.until)));
    let call = Call::on_path(store, Function::AutoAssign, path);
    call.run(
        |report| limited::ended(store, report, until),
        |call| {
            call.is_about(&AttemptSubject { booking, hold, ..AttemptSubject::default() });
            Ok(match wanted {
                Err(refusal) => refused_arguments(refusal, None),
                Ok(wanted) => match look_in_time(call, &wanted)? {
                    StateRead::Confirm(found) => confirm(call, &wanted, found)?,
                    StateRead::NoHold(key) => without_hold(store, &wanted, &key)?,
                    StateRead::Refuse(refusal) => refused_arguments(refusal, None),
                    StateRead::Skip(outcome, key) => {
                        observe(store, &wanted, key.as_deref(), outcome)?;
                        Report::unbegun(outcome, started.ms_until(store.clock()), key)
                    }
                },
            })
        },
    )
}

fn check(
    booking: Option<Id>,
    timeout_ms: Option<i32>,
    trigger: Option<&str>,
    started: Instant,
) -> Result<(Id, Instant, Initiator), Refusal> {
    let booking = booking.ok_or_else(|| refusal::booking_not_found(None))?;
    Ok((booking, time_limit::until(started, timeout_ms)?, Initiator::of(trigger)?))
}

/// Nothing is locked and nothing written here, but somebody may be changing the tables themselves.
fn look_in_time(call: &Call, wanted: &AutoAssignRequest) -> Result<StateRead, Failure> {
    let store = call.store;
    // One automatic attempt of a booking at a time; outside of the subtransaction, so that it lasts.
    if !store.turn_take(wanted.booking) {
        return Ok(StateRead::Skip(Outcome::SkippedInProgress, None));
    }
    match store.within(wanted.until, |store| look(store, wanted)) {
        Ended::Done(look) => Ok(look),
        Ended::Failed(failure) => Err(failure),
        Ended::TimedOut => {
            let elapsed_ms = wanted.started.ms_until(store.clock());
            Ok(StateRead::Refuse(attempt::timed_out(wanted.booking, elapsed_ms, call.phase())))
        }
    }
}

fn look(store: &Store, wanted: &AutoAssignRequest) -> Result<StateRead, Failure> {
    if let Some(refusal) = super::rollout::must_be_ours(store, Some(wanted.booking))? {
        return Ok(StateRead::Refuse(refusal));
    }
    let now = store.clock();
    let Some(found) = store.auto_assign_read(wanted.booking, wanted.hold, now)? else {
        return Ok(StateRead::Refuse(refusal::booking_not_found(Some(wanted.booking))));
    };
    let hold = auto_assign::hold(&found, now);
    let confirmed = found.is_confirmed();
    if confirmed && stands(store, &found, now)? {
        return Ok(StateRead::Skip(Outcome::SkippedConfirmed, found.key));
    }
    let renewed = if confirmed { auto_assign::renewed_key(&found, hold) } else { None };
    let key = match renewed.map_or_else(|| auto_assign::key(&found), Ok) {
        Ok(key) => key,
        Err(refusal) => return Ok(StateRead::Refuse(refusal)),
    };
    if store.attempt_is_live(wanted.booking, &key.text)? {
        return Ok(StateRead::Skip(Outcome::SkippedInProgress, Some(key.text)));
    }
    Ok(match hold {
        Some(hold) => StateRead::Confirm(Confirm { hold, key, target: found.target().to_owned() }),
        None => StateRead::NoHold(key),
    })
}

/// Do the tables of a confirmed booking stand? Takes no lock.
fn stands(store: &Store, found: &AttemptInput, now: Instant) -> Result<bool, Failure> {
    let Some(booking) = store.booking_read(found.booking)? else { return Ok(false) };
    let locked = store.tables_read(Some(booking.id), None, &[])?.tables;
    let (assignments, _) = store.booking_tables_and_allocations(booking.id)?;
    let Some(window) = transition::span(&booking, &assignments) else { return Ok(false) };
    let tables: Vec<Id> = locked.keys().copied().collect();
    let snapshot = store.snapshot_read(Question {
        booking: &booking,
        target: None,
        tables: &tables,
        window,
        now,
        edges_wanted: false,
        hold: None,
        own_holds: BTreeMap::new(),
        locked,
    })?;
    Ok(auto_assign::stands(&snapshot, found.window_derived))
}

fn confirm(call: &Call, wanted: &AutoAssignRequest, found: Confirm) -> Result<Report, Failure> {
    let store = call.store;
    let Confirm { hold, key, target } = found;
    let trigger = wanted.trigger.name();
    let request = Arguments {
        target: Some(target),
        history: History {
            changed_by: None,
            reason: Some("auto_assign_atomic_confirm".to_owned()),
            metadata: Some(json!({"trigger": trigger, "attemptId": wanted.id}).into()),
        },
        ..Arguments::by_hold(Some(wanted.booking), Some(hold), Some(key.text.clone()))
    };
    call.describe(&request);
    let request = request.check()?;
    let (started, until) = (wanted.started, wanted.until);
    let attempt =
        DeadlineAttempt { call, request: &request, id: wanted.id, trigger: Some(wanted.trigger), started, until };
    attempt.run(
        |_| note(store, wanted, &key, Outcome::Confirmed),
        |report| {
            bounded(store, |store| note(store, wanted, &key, report.outcome).map(|()| true))?;
            Ok(())
        },
    )
}

/// Keeps what services read on the booking.
fn note(store: &Store, wanted: &AutoAssignRequest, key: &Key, outcome: Outcome) -> Result<(), Failure> {
    let duration_ms = wanted.started.ms_until(store.clock());
    let result = auto_assign::last_result(outcome, duration_ms, wanted.id, wanted.trigger);
    let new_key = key.is_new.then_some(key.text.as_str());
    store.auto_assign_note(wanted.booking, result, new_key)?;
    observe(store, wanted, Some(&key.text), outcome)
}

/// What services observe of the two paths.
fn observe(store: &Store, wanted: &AutoAssignRequest, key: Option<&str>, outcome: Outcome) -> Result<(), Failure> {
    let duration_ms = Some(wanted.started.ms_until(store.clock()));
    let subject = Subject { key, hold: wanted.hold, attempt: Some(wanted.id), duration_ms, ..Subject::default() };
    observed::of_call(store, wanted.booking, || observation::automatic(wanted.trigger, subject, outcome))
}

/// There is nothing to confirm: said, and written down.
fn without_hold(store: &Store, wanted: &AutoAssignRequest, key: &Key) -> Result<Report, Failure> {
    let refusal = refusal::no_hold(wanted.booking);
    let ended = store.clock();
    let elapsed_ms = wanted.started.ms_until(ended);
    let report = Report::unbegun(refusal.outcome, elapsed_ms, Some(key.text.clone()));
    bounded(store, |store| note(store, wanted, key, refusal.outcome).map(|()| true))?;
    store.attempt_record(Ending {
        booking: wanted.booking,
        key: Some(&key.text),
        hold: wanted.hold,
        trigger: Some(wanted.trigger.name()),
        started: wanted.started,
        ended,
        outcome: refusal.outcome,
        phase: report.phase,
        elapsed_ms,
        tries: 0,
        detail: attempt::detail(&refusal, wanted.id, false),
    })?;
    Ok(Report { refusal: Some(refusal), receipt: Some(store.transaction_id()), ..report })
}
