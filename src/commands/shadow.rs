//! Shadow mode: the original decides and answers, and ours says beside it what it would have done.
//!
//! Ours looks before the original begins, without a lock, without a write, without a transaction id, in a
//! subtransaction, so that nothing that goes wrong in it reaches the caller (but for a cancel, which is theirs). What the two
//! do not agree on is written down: in the transaction itself when the original returned, through shared memory when it
//! raised, for then everything else of the transaction is gone.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::confirm;
use super::preflight::{self, Would};
use super::transition::{self, TransitionArguments};
use super::{Call, Refusals};
use crate::rules::Id;
use crate::rules::attempt::function::Function;
use crate::rules::booking::table::{Assignment, Blocker};
use crate::rules::booking::window::Instant;
use crate::rules::confirm::request::{Arguments, Intent};
use crate::rules::doctor::examine;
use crate::rules::doctor::finding::DoctorFinding;
use crate::rules::json::Json;
use crate::rules::refusal;
use crate::rules::refusal::failure::Failure;
use crate::rules::rollout::Trial;
use crate::rules::rollout::shadow::fault::{FAULTS, Fault};
use crate::rules::rollout::shadow::record::{self, DisagreementRecord};
use crate::rules::rollout::shadow::{self, BookingAfter, CallResult, Disagreement, Doing, Ours, Scene, Theirs};
use crate::rules::upkeep::retention;
use crate::store::{Landed, Seen, Store, enum_label, server_facts};
use crate::telemetry::shadow as memory;
pub use crate::telemetry::shadow::Number;
use crate::{settings, worker_slots};

/// A call that is judged.
struct JudgedCall<'a> {
    function: Function,
    booking: Option<Id>,
    /// None: a status move.
    intent: Option<Intent>,
    target: Option<&'a str>,
    request: Value,
}

/// What ours said before the original began.
struct Judgement {
    called_at: Instant,
    ours: Ours,
    before: Option<BookingAfter>,
    session: Value,
    zone_is_shifted: bool,
}

/// Confirms and assigns by the original; both answers are compared.
pub fn confirmed(
    store: &Store,
    function: Function,
    arguments: &Arguments,
    trial: Trial,
) -> Result<Vec<Assignment>, Failure> {
    let call = JudgedCall {
        function,
        booking: arguments.booking,
        intent: Some(arguments.intent),
        target: arguments.target.as_deref(),
        request: record::request(arguments),
    };
    let says_nothing = matches!(function, Function::AssignSingle | Function::AssignMerged);
    let answer = |rows: &Vec<Assignment>| match says_nothing {
        true => CallResult::Nothing,
        false => CallResult::Seats(shadow::seats(rows)),
    };
    let ours = |store: &Store| {
        let looked = would(store, arguments)?;
        tried(store, trial, looked, |store| confirm_really(store, arguments))
    };
    beside(store, &call, ours, || store.legacy_confirm(function, arguments), answer)
}

/// Moves the status by the original; both answers are compared.
pub fn transitioned(store: &Store, wanted: &TransitionArguments, trial: Trial) -> Result<Landed, Failure> {
    let request = json!({
        "booking_id": wanted.booking,
        "status": wanted.to,
        "checked_in_at": record::shown(wanted.checked_in_at),
        "checked_out_at": record::shown(wanted.checked_out_at),
        "updated_at": record::shown(wanted.updated_at),
        "history_from": wanted.history_from,
        "history_to": wanted.history_to,
        "history_changed_by": wanted.history.changed_by,
        "history_changed_at": record::shown(wanted.changed_at),
        "history_reason": wanted.history.reason,
        "history_metadata": wanted.history.metadata.as_ref().map(Json::value),
    });
    let call = JudgedCall {
        function: Function::Transition,
        booking: wanted.booking,
        intent: None,
        target: wanted.to.as_deref(),
        request: record::said(request),
    };
    let legacy = || store.legacy_transition(&wanted.as_given());
    let answer = |landed: &Landed| {
        CallResult::Status(enum_label(landed.status).map(|label| label.as_ref().to_owned()).unwrap_or_default())
    };
    let ours = |store: &Store| {
        let looked = would_move(store, wanted)?;
        tried(store, trial, looked, |store| transition::within_call(&Call::uncounted(store), wanted).map(|_| ()))
    };
    beside(store, &call, ours, legacy, answer)
}

/// Judges, lets the original do it, compares. What it returns is the original's.
fn beside<T>(
    store: &Store,
    call: &JudgedCall,
    ours: impl FnOnce(&Store) -> Result<Ours, Failure>,
    legacy: impl FnOnce() -> Result<T, Failure>,
    answer: impl FnOnce(&T) -> CallResult,
) -> Result<T, Failure> {
    let judgement = decide(store, call, ours)?;
    let done = legacy();
    if let Some(judgement) = judgement {
        match &done {
            Ok(done) => returned(store, call, judgement, Theirs::Done(answer(done)))?,
            Err(failure) => raised(store, call, judgement, Theirs::raised(failure)),
        }
    }
    done
}

/// None: there is no judgement, and it is counted why.
fn decide(
    store: &Store,
    call: &JudgedCall,
    ours: impl FnOnce(&Store) -> Result<Ours, Failure>,
) -> Result<Option<Judgement>, Failure> {
    // What is read there could keep the transaction, or somebody else's, from committing.
    if store.is_serializable() {
        memory::count(store.number(), Number::Skipped);
        return Ok(None);
    }
    let looked = store.harmlessly(|store| {
        let called_at = store.clock();
        let (session, zone_is_shifted) = store.session_read()?;
        store.check_whole()?;
        let before = call.booking.map(|booking| store.booking_left(booking)).transpose()?.flatten();
        Ok(Judgement { called_at, ours: ours(store)?, before, session, zone_is_shifted })
    });
    spared(store, looked, Number::Failed)
}

/// What failed on our own side is counted and otherwise forgotten, but for a cancel: whoever asked for it meant the call.
fn spared<T>(store: &Store, worked: Result<T, Failure>, number: Number) -> Result<Option<T>, Failure> {
    match worked {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.is_cancel() => Err(failure),
        Err(_) => {
            memory::count(store.number(), number);
            Ok(None)
        }
    }
}

fn would(store: &Store, arguments: &Arguments) -> Result<Ours, Failure> {
    let (rows, would) = preflight::look(store, arguments.clone())?;
    if let Some((refusal, check)) = rows.into_iter().find_map(|row| Some((row.refusal?, row.name))) {
        return Ok(Ours::Refused(refusal, check));
    }
    Ok(match would {
        Some(Would::Replay(rows)) => Ours::Done(Doing {
            answer: CallResult::Seats(shadow::seats(&rows)),
            replayed: true,
            frees: false,
            hold_until: None,
        }),
        Some(Would::Confirm(request, snapshot)) => Ours::Done(Doing {
            answer: CallResult::Seats(shadow::seats_of(&request.tables, request.window)),
            replayed: false,
            frees: snapshot.blockers.iter().any(Blocker::is_released),
            hold_until: snapshot.hold.as_ref().map(|hold| hold.expires_at),
        }),
        None => Ours::Refused(refusal::hold_not_found(None), "hold_exists"),
    })
}

fn would_move(store: &Store, wanted: &TransitionArguments) -> Result<Ours, Failure> {
    match transition::look(store, wanted) {
        Ok(status) => {
            let answer = CallResult::Status(status);
            Ok(Ours::Done(Doing { answer, replayed: false, frees: false, hold_until: None }))
        }
        Err(Failure::Refused(refusal)) => Ok(Ours::Refused(refusal, "move")),
        Err(failure) => Err(failure),
    }
}

/// What ours would do by its rules, and then, where that is asked for, what comes of it: triggers, constraints and rights speak
/// only when something is written.
fn tried(
    store: &Store,
    trial: Trial,
    looked: Ours,
    really: impl FnOnce(&Store) -> Result<(), Failure>,
) -> Result<Ours, Failure> {
    let writes = matches!(&looked, Ours::Done(doing) if !doing.replayed);
    if trial == Trial::Looked || !writes {
        return Ok(looked);
    }
    match store.tried(really) {
        Ok(()) => Ok(looked),
        Err(failure) if failure.is_cancel() => Err(failure),
        Err(Failure::Refused(refusal) | Failure::Undone(refusal)) => Ok(Ours::Refused(refusal, "writing")),
        Err(Failure::Server(error)) => Ok(Ours::Failed(error)),
    }
}

fn confirm_really(store: &Store, arguments: &Arguments) -> Result<(), Failure> {
    let request = arguments.clone().check()?;
    confirm::within_call(&Call::uncounted(store), &request, Refusals::Raised).map(|_| ())
}

/// Compares, counts, and returns what there is to write down.
fn compared(
    store: &Store,
    call: &JudgedCall,
    judgement: Judgement,
    theirs: &Theirs,
    after: Option<&BookingAfter>,
) -> Option<(DisagreementRecord, Disagreement)> {
    let Judgement { called_at, ours, before, session, zone_is_shifted } = judgement;
    let schema = store.number();
    memory::count(schema, Number::StepResult);
    if theirs.is_of_the_moment() || ours.is_of_the_moment() {
        memory::count(schema, Number::Undecided);
        return None;
    }
    let scene = Scene {
        intent: call.intent,
        target: call.target,
        zone_is_shifted,
        before: before.as_ref(),
        after,
        ended_at: store.clock(),
    };
    let Some(found) = shadow::compare(&scene, &ours, theirs) else {
        memory::count(schema, Number::Agreed);
        return None;
    };
    memory::count(schema, Number::Disagreed);
    let record = DisagreementRecord {
        called_at,
        function: call.function.name(),
        booking: call.booking,
        request: call.request.clone(),
        session,
        ours: record::ours(&ours),
        theirs: record::theirs(theirs),
    };
    Some((record, found))
}

/// The original returned: what it left is looked at, and a disagreement commits with it.
fn returned(store: &Store, call: &JudgedCall, judgement: Judgement, theirs: Theirs) -> Result<(), Failure> {
    let left =
        store.harmlessly(|store| Ok(call.booking.map(|booking| store.booking_left(booking)).transpose()?.flatten()));
    let Some(after) = spared(store, left, Number::Failed)? else { return Ok(()) };
    let Some((record, found)) = compared(store, call, judgement, &theirs, after.as_ref()) else { return Ok(()) };
    let kept = store.harmlessly(|store| store.disagreements_keep(vec![record.json(&found)]));
    spared(store, kept, Number::Lost).map(|_| ())
}

/// The original raised: no statement can be run any more.
fn raised(store: &Store, call: &JudgedCall, judgement: Judgement, theirs: Theirs) {
    if let Some((record, found)) = compared(store, call, judgement, &theirs, None) {
        memory::keep(store.number(), record.text(&found, memory::BYTES).as_deref());
        worker_slots::call_now(store.number());
    }
}

/// Writes down what waits in shared memory. The rows written.
pub(super) fn keep_waiting(store: &Store, batch: i32) -> Result<i64, Failure> {
    if !store.has_disagreements() {
        return Ok(0);
    }
    let waiting = memory::take(store.number(), usize::try_from(batch).unwrap_or_default());
    let records: Vec<Value> = waiting.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    if records.is_empty() { Ok(0) } else { store.disagreements_keep(records) }
}

/// As long as answers are kept.
pub(super) fn prune(store: &Store, batch: i32) -> Result<i64, Failure> {
    if !store.has_disagreements() {
        return Ok(0);
    }
    let cutoff = retention::cutoff(store.clock(), None, settings::ledger_retention_days())?;
    store.disagreements_prune(cutoff, batch)
}

/// One fault, and what shows it.
pub struct Reported {
    /// None: disagreements that show none of them.
    pub fault: Option<Fault>,
    pub seen: Option<Seen>,
    /// Doctor's findings.
    pub findings: Vec<String>,
}

impl Reported {
    pub fn found_by(&self) -> Vec<&'static str> {
        let seen = self.seen.is_some().then_some("disagreement");
        let found = (!self.findings.is_empty()).then_some("doctor");
        seen.into_iter().chain(found).collect()
    }
}

/// Every fault, and what else the two did not agree on.
pub fn report(store: &Store) -> Result<Vec<Reported>, Failure> {
    let seen = if store.has_disagreements() { store.disagreements_seen()? } else { Vec::new() };
    let mut seen: HashMap<Option<String>, Seen> = seen.into_iter().map(|seen| (seen.fault.clone(), seen)).collect();
    let findings: Vec<DoctorFinding> = examine(&store.facts_with(server_facts()?)?);
    let mut rows: Vec<Reported> = FAULTS
        .iter()
        .map(|fault| Reported {
            fault: Some(*fault),
            seen: seen.remove(&Some(fault.name().to_owned())),
            findings: fault.found(&findings).into_iter().map(str::to_owned).collect(),
        })
        .collect();
    rows.push(Reported { fault: None, seen: seen.remove(&None), findings: Vec::new() });
    Ok(rows)
}

/// The numbers of one schema.
pub struct ShadowCounts {
    pub schema: u32,
    numbers: [u64; memory::NUMBERS],
}

impl ShadowCounts {
    pub fn of(&self, number: Number) -> i64 {
        self.numbers[number as usize].cast_signed()
    }
}

/// The schemas of this database in which calls were judged, since the server started.
pub fn counts() -> Vec<ShadowCounts> {
    memory::counts().into_iter().map(|(schema, numbers)| ShadowCounts { schema, numbers }).collect()
}
