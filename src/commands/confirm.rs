//! Confirm and assign: from a request to the booking's tables, once per key.

use super::Refusals;
use crate::rules::Id;
use crate::rules::attempt::Phase;
use crate::rules::booking::Booking;
use crate::rules::confirm::{self, Changes, Situation};
use crate::rules::failure::{Collision, Failure};
use crate::rules::hold::Hold;
use crate::rules::outbox::{self, Confirmed, Event, Tables};
use crate::rules::refusal;
use crate::rules::replay::{self, Verdict};
use crate::rules::request::{Arguments, Asked, Intent, Request, Selection};
use crate::rules::table::Assignment;
use crate::store::Store;
use crate::store::situation::Question;
use crate::telemetry::Attempt;

/// What a confirm or an assign came to.
pub struct Answer {
    /// By table.
    pub rows: Vec<Assignment>,
    pub replayed: bool,
    /// The transaction that wrote it; None: written before holdfast kept receipts.
    pub receipt: Option<u64>,
}

/// Confirms or assigns, or answers as before; the attempt is counted, whatever it comes to.
pub fn confirm(store: &Store, arguments: Arguments, refusals: Refusals) -> Result<Answer, Failure> {
    let counted = Attempt::begin();
    let done = arguments.intent.outcome();
    let answer = arguments.check().map_err(Failure::from).and_then(|asked| {
        counted.remember(|| store.begun(&asked, store.clock()));
        uncounted(store, &asked, refusals)
    });
    match &answer {
        // An answer that this very transaction gave is rolled back with it.
        Ok(answer) if answer.replayed && answer.receipt != Some(store.transaction_id()) => counted.replayed(done),
        Ok(_) => counted.written(done, None),
        Err(Failure::Refused(refusal)) if refusal.replayed => counted.replayed(refusal.outcome),
        Err(failure) => counted.answered(failure.outcome()),
    }
    answer
}

/// As part of an attempt that is counted by whoever began it.
pub(super) fn uncounted(store: &Store, asked: &Asked, refusals: Refusals) -> Result<Answer, Failure> {
    super::reach(store, Phase::Replay);
    if let Some(answer) = replay(store, asked)? {
        return Ok(answer);
    }
    if let Some(key) = &asked.key {
        store.attempt_lock(asked.booking, key);
    }
    super::reach(store, Phase::BookingLock);
    let booking = store.booking_lock(asked.booking)?;
    let booking = booking.ok_or_else(|| refusal::booking_not_found(Some(asked.booking)))?;
    // Whoever held the booking may have bound the key while we waited, or fenced it.
    if let Some(answer) = replay(store, asked)? {
        return Ok(answer);
    }
    let answer = attempt(store, asked, booking);
    if let (Err(Failure::Refused(refusal)), Some(key), Refusals::Returned) = (&answer, &asked.key, refusals)
        && refusal.binds_key()
    {
        let bound = store.ledger_refuse(asked, key, refusal, store.clock())?;
        super::assert_written("Refusal", &[1], &[bound as i64])?;
    }
    answer
}

/// The answer that the key is bound to, if it is. Takes no lock and writes nothing.
pub(super) fn replay(store: &Store, asked: &Asked) -> Result<Option<Answer>, Failure> {
    let Some(key) = &asked.key else { return Ok(None) };
    let Some((entry, standing)) = store.ledger_probe(asked.booking, key)? else { return Ok(None) };
    let verdict = match &entry.refusal {
        Some(refusal) => replay::judge_refusal(asked, refusal, &entry),
        None => {
            let request = match replay::resolve(asked, &entry, &standing) {
                Some(request) => request?,
                None => request_of_hold(store, asked)?,
            };
            replay::judge(asked, &request, &entry, &standing)
        }
    };
    match verdict {
        Verdict::Replay(rows) => Ok(Some(Answer { rows, replayed: true, receipt: entry.receipt })),
        Verdict::Refuse(refusal) => Err(refusal.into()),
        Verdict::Fresh => Ok(None),
    }
}

/// What a hold that is not the entry's stands for.
fn request_of_hold(store: &Store, asked: &Asked) -> Result<Request, Failure> {
    let Selection::Hold(hold) = asked.selection else {
        return Err(refusal::hold_not_found(None).into());
    };
    let held = store.hold_read(hold)?.ok_or_else(|| refusal::hold_not_found(Some(hold)))?;
    let window = asked.window.or(held.window).ok_or_else(|| refusal::hold_not_found(Some(hold)))?;
    Ok(Request::new(asked, held.tables, window))
}

/// Locks, looks, decides, writes.
fn attempt(store: &Store, asked: &Asked, booking: Booking) -> Result<Answer, Failure> {
    let (request, situation) = look(store, asked, booking)?;
    super::reach(store, Phase::Decide);
    let changes = confirm::decide(asked, &request, &situation)?;
    super::reach(store, Phase::Apply);
    let receipt = store
        .confirm_apply(asked, &request, &situation, &changes)
        .map_err(|failure| collided(store, asked, &request, failure))?;
    super::emit(store, &events(asked, &request, &situation, &changes, &receipt.rows), situation.now)?;
    super::reach(store, Phase::Settle);
    settle(store, &situation, &changes)?;
    super::reach(store, Phase::Done);
    Ok(Answer { rows: receipt.rows, replayed: false, receipt: Some(receipt.transaction_id) })
}

/// Takes the remaining locks in order, reads the clock, and reads what is decided on.
fn look(store: &Store, asked: &Asked, booking: Booking) -> Result<(Request, Situation), Failure> {
    let named = match asked.selection {
        Selection::Hold(hold) => Some(hold),
        Selection::Tables(_) => None,
    };
    let asked_tables: &[Id] = match &asked.selection {
        Selection::Tables(tables) => tables,
        Selection::Hold(_) => &[],
    };
    super::reach(store, Phase::HoldLock);
    let mut holds = store.hold_lock(Some(asked.booking), named)?;
    super::reach(store, Phase::TableLock);
    let locked = store.tables_lock(Some(asked.booking), named, asked_tables)?;
    let now = store.clock();
    let own_holds = confirm::own_holds(asked.booking, named, &holds);
    let hold: Option<Hold> =
        named.and_then(|id| holds.remove(&id)).map(|hold| Hold { members: locked.members, ..hold });
    let request = confirm::select(asked, &booking, hold.as_ref(), now)?;
    let situation = store.situation_read(Question {
        booking: &booking,
        target: asked.target.as_deref(),
        tables: &request.tables,
        window: request.window,
        now,
        edges_wanted: asked.require_adjacency || hold.is_some(),
        hold,
        own_holds,
        locked: locked.tables,
    })?;
    Ok((request, situation))
}

/// What others are told of a confirm; of an assign, that the tables changed.
fn events(
    asked: &Asked,
    request: &Request,
    situation: &Situation,
    changes: &Changes,
    rows: &[Assignment],
) -> Vec<Event> {
    let (booking, key) = (&situation.booking, asked.key.as_deref());
    let mut events = vec![outbox::tables_changed(&Tables {
        booking: booking.id,
        restaurant: booking.restaurant,
        tables: &request.tables,
        freed: &changes.freed(request, situation),
        window: Some(request.window),
        merge_group: rows.first().and_then(|row| row.merge_group),
        status: asked.target.as_deref().unwrap_or(&booking.status),
        key,
    })];
    let table = request.tables.first().and_then(|table| situation.tables.get(table));
    events.extend(situation.hold.as_ref().filter(|_| asked.intent == Intent::Confirm).map(|hold| {
        outbox::hold_confirmed(&Confirmed {
            booking: booking.id,
            restaurant: booking.restaurant,
            hold,
            zone: table.and_then(|table| table.zone),
            actor: asked.actor,
            request,
            key,
        })
    }));
    events
}

/// A constraint that spoke while we wrote means that somebody without our locks was faster.
fn collided(store: &Store, asked: &Asked, request: &Request, failure: Failure) -> Failure {
    let Failure::Server(error) = failure else { return failure };
    let collision = Collision {
        booking: asked.booking,
        tables: &request.tables,
        key: asked.key.as_deref(),
        schema: store.schema(),
    };
    collision.judge(*error)
}

/// After the writes: the tables' status of now, and the hold's deadline once more. A constraint may have waited
/// for somebody, and an expired hold is never confirmed (G6).
fn settle(store: &Store, situation: &Situation, changes: &Changes) -> Result<(), Failure> {
    super::refresh(store, &changes.touched)?;
    match &situation.hold {
        Some(hold) if !hold.is_live(store.clock()) => {
            Err(Failure::Undone(refusal::hold_expired(hold.id, hold.expires_at)))
        }
        _ => Ok(()),
    }
}
