//! Confirm and assign: from a request to the booking's tables, once per key.

use super::{Call, CallEnd, Refusals, observation as observed};
use crate::rules::attempt::function::Function;
use crate::rules::attempt::phase::Phase;
use crate::rules::booking::Booking;
use crate::rules::booking::table::Assignment;
use crate::rules::confirm::replay::{self, ReplayDecision};
use crate::rules::confirm::request::{Arguments, Intent, Request};
use crate::rules::confirm::resolved_request::ResolvedRequest;
use crate::rules::confirm::snapshot::Snapshot;
use crate::rules::confirm::{self, Changes};
use crate::rules::event::observation::{self, Subject};
use crate::rules::event::outbox::{self, Confirmed, Event, Tables};
use crate::rules::hold::Hold;
use crate::rules::refusal;
use crate::rules::refusal::failure::{Collision, Failure};
use crate::rules::refusal::outcome::Outcome;
use crate::store::Store;
use crate::store::snapshot::Question;

/// What a confirm or an assign came to.
#[derive(Clone)]
pub struct Answer {
    /// By table.
    pub rows: Vec<Assignment>,
    pub replayed: bool,
    /// The transaction that wrote it; None: written before holdfast kept receipts.
    pub receipt: Option<u64>,
}

/// Confirms or assigns, or answers as before; the attempt is counted, whatever it comes to.
pub fn confirm(store: &Store, function: Function, arguments: Arguments, refusals: Refusals) -> Result<Answer, Failure> {
    let done = arguments.intent.outcome();
    Call::begin(store, function).run(ended(store, done), |call| {
        call.describe(&arguments);
        let request = arguments.check()?;
        call.remember(|| store.begun(&request, store.clock()));
        within_call(call, &request, refusals)
    })
}

/// What an answer means for the counters. One that this very transaction gave is rolled back with it.
pub(super) fn ended(store: &Store, done: Outcome) -> impl Fn(&Answer) -> CallEnd {
    move |answer| match answer.replayed && answer.receipt != Some(store.transaction_id()) {
        true => CallEnd::Replayed(done, None),
        false => CallEnd::Written(done, None),
    }
}

/// As part of a call that is counted by whoever began it.
pub(super) fn within_call(call: &Call, request: &Request, refusals: Refusals) -> Result<Answer, Failure> {
    let store = call.store;
    call.reach(Phase::Replay);
    if let Some(answer) = replay(store, request)? {
        return Ok(answer);
    }
    if let Some(key) = &request.key {
        store.attempt_lock(request.booking, key);
    }
    unanswered(call, request, refusals)
}

/// The same of one that had no answer a moment ago, and is marked as running.
pub(super) fn unanswered(call: &Call, request: &Request, refusals: Refusals) -> Result<Answer, Failure> {
    let store = call.store;
    call.reach(Phase::BookingLock);
    let locked = store.booking_lock_under(request.booking, request.key.as_deref())?;
    let (booking, is_bound) = locked.ok_or_else(|| refusal::booking_not_found(Some(request.booking)))?;
    call.is_at(booking.restaurant);
    // Whoever held the booking may have bound the key while we waited, or fenced it.
    if is_bound && let Some(answer) = replay(store, request)? {
        return Ok(answer);
    }
    let answer = attempt(call, request, booking);
    if let (Err(Failure::Refused(refusal)), Some(key), Refusals::Returned) = (&answer, &request.key, refusals)
        && refusal.binds_key()
    {
        let now = store.clock();
        let bound = store.ledger_refuse(request, key, refusal, (now, call.kept_until(now)))?;
        super::assert_written("Refusal", &[1], &[bound as i64])?;
    }
    answer
}

/// The answer that the key is bound to, if it is. Takes no lock and writes nothing.
pub(super) fn replay(store: &Store, request: &Request) -> Result<Option<Answer>, Failure> {
    let Some(key) = &request.key else { return Ok(None) };
    let Some((entry, standing)) = store.ledger_probe(request.booking, key)? else { return Ok(None) };
    let decision = match &entry.refusal {
        Some(refusal) => replay::decide_refusal(request, refusal, &entry),
        None => {
            let resolved = match replay::resolve(request, &entry, &standing) {
                Some(resolved) => resolved?,
                None => request_of_hold(store, request)?,
            };
            replay::decide(request, &resolved, &entry, &standing)
        }
    };
    match decision {
        ReplayDecision::Replay(rows) => Ok(Some(Answer { rows, replayed: true, receipt: entry.receipt })),
        ReplayDecision::Refuse(refusal) => Err(refusal.into()),
        ReplayDecision::Fresh => Ok(None),
    }
}

/// What a hold that is not the entry's stands for.
fn request_of_hold(store: &Store, request: &Request) -> Result<ResolvedRequest, Failure> {
    let hold = request.selection.hold().ok_or_else(|| refusal::hold_not_found(None))?;
    let held = store.hold_read(hold)?.ok_or_else(|| refusal::hold_not_found(Some(hold)))?;
    let window = request.window.or(held.window).ok_or_else(|| refusal::hold_not_found(Some(hold)))?;
    Ok(ResolvedRequest::new(request, held.tables, window))
}

/// Locks, looks, decides, writes.
fn attempt(call: &Call, request: &Request, booking: Booking) -> Result<Answer, Failure> {
    let store = call.store;
    let (resolved, snapshot) = look(call, request, booking)?;
    let changes = confirm::decide(request, &resolved, &snapshot)?;
    call.reach(Phase::Apply);
    let receipt = store
        .confirm_apply(request, &resolved, &snapshot, &changes, call.kept_until(snapshot.now))
        .map_err(|failure| collided(store, request, &resolved, failure))?;
    check_written(store, request, &changes, &receipt.counts)?;
    super::emit(store, &events(request, &resolved, &snapshot, &changes, &receipt.rows), snapshot.now)?;
    let subject = Subject { tables: &resolved.tables, ..Subject::of(request) };
    observed::of_call(store, request.booking, || observation::commit(subject, request.intent.outcome()))?;
    call.reach(Phase::Settle);
    settle(store, &snapshot, &changes)?;
    call.reach(Phase::Done);
    Ok(Answer { rows: receipt.rows, replayed: false, receipt: Some(receipt.transaction_id) })
}

/// Somebody who takes none of our locks may have bound the key while we waited for it: that answer is for the next try to
/// read. They may also have removed rows first. Any other difference is a trigger that swallowed rows.
fn check_written(store: &Store, request: &Request, changes: &Changes, counts: &[i64]) -> Result<(), Failure> {
    let expected = changes.expected(request, store.has_results());
    if counts == expected {
        return Ok(());
    }
    let removal = changes.removal();
    store.removed_by_others(request.booking, &removal, &expected, counts, removal.expected().len())?;
    if let Some(key) = request.key.as_deref().filter(|_| confirm::is_only_unbound(&expected, counts))
        && store.ledger_probe(request.booking, key)?.is_some()
    {
        return Err(Failure::Undone(refusal::key_in_progress(request.booking, key)));
    }
    super::assert_written("Confirm", &expected, counts)
}

/// Takes the remaining locks in order, reads the clock, and reads what is decided on.
fn look(call: &Call, request: &Request, booking: Booking) -> Result<(ResolvedRequest, Snapshot), Failure> {
    let store = call.store;
    let named = request.selection.hold();
    call.reach(Phase::HoldLock);
    let mut holds = store.holds_lock(Some(request.booking), named)?;
    call.reach(Phase::TableLock);
    let locked = store.tables_lock(Some(request.booking), named, request.selection.tables())?;
    call.reach(Phase::Decide);
    let now = store.clock();
    let own_holds = confirm::own_holds(request.booking, named, &holds);
    let hold: Option<Hold> =
        named.and_then(|id| holds.remove(&id)).map(|hold| Hold { members: locked.members, ..hold });
    let resolved = confirm::select(request, &booking, hold.as_ref(), now)?;
    let snapshot = store.snapshot_read(Question {
        booking: &booking,
        target: request.target.as_deref(),
        tables: &resolved.tables,
        window: resolved.window,
        now,
        edges_wanted: request.require_adjacency || hold.is_some(),
        hold,
        own_holds,
        locked: locked.tables,
    })?;
    Ok((resolved, snapshot))
}

/// What others are told of a confirm; of an assign, that the tables changed.
fn events(
    request: &Request,
    resolved: &ResolvedRequest,
    snapshot: &Snapshot,
    changes: &Changes,
    rows: &[Assignment],
) -> Vec<Event> {
    let (booking, key) = (&snapshot.booking, request.key.as_deref());
    let mut events = vec![outbox::tables_changed(&Tables {
        booking: booking.id,
        restaurant: booking.restaurant,
        tables: &resolved.tables,
        freed: &changes.freed(resolved, snapshot),
        window: Some(resolved.window),
        merge_group: rows.first().and_then(|row| row.merge_group),
        status: request.target.as_deref().unwrap_or(&booking.status),
        key,
    })];
    let table = resolved.tables.first().and_then(|table| snapshot.tables.get(table));
    events.extend(snapshot.hold.as_ref().filter(|_| request.intent == Intent::Confirm).map(|hold| {
        outbox::hold_confirmed(&Confirmed {
            booking: booking.id,
            restaurant: booking.restaurant,
            hold,
            zone: table.and_then(|table| table.zone),
            actor: request.actor,
            resolved,
            key,
        })
    }));
    events
}

/// A constraint that spoke while we wrote means that somebody without our locks was faster.
fn collided(store: &Store, request: &Request, resolved: &ResolvedRequest, failure: Failure) -> Failure {
    let Failure::Server(error) = failure else { return failure };
    let collision = Collision {
        booking: request.booking,
        tables: &resolved.tables,
        key: request.key.as_deref(),
        schema: store.schema(),
    };
    collision.decide(*error)
}

/// After the writes: the tables' status of now, and the hold's deadline once more. A constraint may have waited
/// for somebody, and an expired hold is never confirmed (G6).
fn settle(store: &Store, snapshot: &Snapshot, changes: &Changes) -> Result<(), Failure> {
    super::refresh(store, &changes.touched)?;
    match &snapshot.hold {
        Some(hold) if !hold.is_live(store.clock()) => {
            Err(Failure::Undone(refusal::hold_expired(hold.id, hold.expires_at)))
        }
        _ => Ok(()),
    }
}
