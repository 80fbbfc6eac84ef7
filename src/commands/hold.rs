//! Taking a hold: the tables are kept for a booking until a deadline, or the caller learns who has them. And giving a hold
//! more time.

use std::collections::BTreeMap;

use super::{Call, CallEnd};
use crate::rules::Id;
use crate::rules::attempt::function::Function;
use crate::rules::attempt::phase::Phase;
use crate::rules::booking::table::Table;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::booking::{self, Booking, BookingWindow};
use crate::rules::confirm::{self, check};
use crate::rules::hold::request::{self, HoldRequest, OwnHolds};
use crate::rules::hold::{self, Hold, HoldEnding, HoldPolicy};
use crate::rules::refusal::failure::{Failure, hold_collision};
use crate::rules::refusal::outcome::Outcome;
use crate::rules::refusal::{self, Refusal};
use crate::store::snapshot::Question;
use crate::store::{Ended, NewHold, Store};
use crate::telemetry::recording::AttemptSubject;

/// A hold that was taken, now or by the same request before.
pub struct Held {
    pub hold: Id,
    pub booking: Option<Id>,
    pub tables: Vec<Id>,
    pub window: Window,
    pub expires_at: Instant,
    pub replayed: bool,
}

/// Takes the hold within the caller's limit in time, if there is one.
pub fn take(store: &Store, request: Result<HoldRequest, Refusal>) -> Result<Held, Failure> {
    let ended = |held: &Held| match held.replayed {
        true => CallEnd::Replayed(Outcome::Held, None),
        false => CallEnd::Written(Outcome::Held, None),
    };
    Call::begin(store, Function::Hold).run(ended, |call| {
        let request = request?;
        call.is_about(&subject(&request, None));
        let policy = store.hold_policy()?;
        request::deadline("hold_tables", request.ttl_seconds, store.clock(), policy)?;
        let held = match request.wait_ms {
            None => taken(call, &request, policy),
            Some(wait_ms) => {
                match store.within(store.clock().after_ms(i64::from(wait_ms)), |_| taken(call, &request, policy)) {
                    Ended::Done(held) => Ok(held),
                    Ended::Failed(failure) => Err(failure),
                    Ended::TimedOut => Err(refusal::not_held_in_time(wait_ms).into()),
                }
            }
        }?;
        call.is_about(&subject(&request, Some(held.hold)));
        Ok(held)
    })
}

fn subject(request: &HoldRequest, hold: Option<Id>) -> AttemptSubject<'_> {
    AttemptSubject { booking: request.booking, hold, key: request.key.as_deref(), metadata: request.metadata.as_ref() }
}

fn taken(call: &Call, request: &HoldRequest, policy: HoldPolicy) -> Result<Held, Failure> {
    let store = call.store;
    call.reach(Phase::BookingLock);
    let booking = match request.booking {
        Some(id) => Some(store.booking_lock(id)?.ok_or_else(|| refusal::booking_not_found(Some(id)))?),
        None => None,
    };
    call.reach(Phase::HoldLock);
    let mut own = own_holds(store, request)?;
    call.reach(Phase::TableLock);
    let locked = store.tables_lock(None, None, &request.tables)?.tables;
    if booking.is_none() {
        // No booking's lock keeps the same guest's other calls away: whoever had the tables before us may be one of them.
        own = own_holds(store, request)?;
    }
    call.reach(Phase::Decide);
    let now = store.clock();
    let booking = booking.map_or_else(|| anonymous(request, &locked), Ok)?;
    call.is_at(booking.restaurant);
    let window = booking::resolve_window(booking.id, request.window, booking.window)?;
    let own_ids: BTreeMap<Id, Instant> = own.iter().map(|hold| (hold.id, hold.expires_at)).collect();
    let replaced = match request.own(window, own, now)? {
        OwnHolds::Again(hold) => return Ok(again(hold, window)),
        OwnHolds::Replaced(replaced) => replaced,
    };
    let snapshot = store.snapshot_read(Question {
        booking: &booking,
        target: None,
        tables: &request.tables,
        window,
        now,
        edges_wanted: true,
        hold: None,
        own_holds: own_ids,
        locked,
    })?;
    let tables: Vec<&Table> = request.tables.iter().filter_map(|id| snapshot.tables.get(id)).collect();
    let metadata = request.noted(hold::with_floor(request.metadata.clone(), &tables, &snapshot.edges));
    let new = Hold {
        id: store.new_id(),
        booking: request.booking,
        restaurant: booking.restaurant,
        start: Some(window.start()),
        end: Some(window.end()),
        expires_at: request.deadline(window, now, policy)?,
        status: "active".to_owned(),
        metadata,
        members: request.tables.clone(),
    };
    confirm::may_hold(&new, window, &snapshot)?;
    call.reach(Phase::Apply);
    let mut ended: Vec<HoldEnding> = replaced.iter().map(|hold| hold.ending(now)).collect();
    if policy.deletes {
        let overdue = store.holds_overdue_on(booking.restaurant, &request.tables, window, now)?;
        ended.extend(overdue.into_iter().filter(|due| replaced.iter().all(|hold| hold.id != due.hold)));
    }
    super::release::end(store, &ended, request.created_by, now)?;
    let zone = tables.first().and_then(|table| table.zone);
    write(store, request, new, (window, zone), policy)
}

/// The open holds of whoever asks, locked; somebody without a name has none.
fn own_holds(store: &Store, request: &HoldRequest) -> Result<Vec<Hold>, Failure> {
    if request.booking.or(request.created_by).is_none() { Ok(Vec::new()) } else { store.holds_own(request) }
}

fn again(hold: Hold, window: Window) -> Held {
    let Hold { id, booking, members, expires_at, .. } = hold;
    Held { hold: id, booking, tables: members, window, expires_at, replayed: true }
}

fn write(
    store: &Store,
    request: &HoldRequest,
    new: Hold,
    (window, zone): (Window, Option<Id>),
    policy: HoldPolicy,
) -> Result<Held, Failure> {
    let written = store.hold_take(NewHold {
        id: new.id,
        booking: new.booking,
        restaurant: new.restaurant,
        zone,
        tables: &request.tables,
        window,
        expires_at: new.expires_at,
        created_by: request.created_by,
        metadata: new.metadata,
        mirrored: policy.mirrors,
    });
    let written = written.map_err(|failure| match failure {
        Failure::Server(error) => hold_collision(*error, new.booking.unwrap_or_default(), store.schema()),
        other => other,
    })?;
    super::assert_written("Hold", &[1, request.tables.len() as i64, i64::from(policy.mirrors)], &written)?;
    let (hold, booking, tables) = (new.id, new.booking, request.tables.clone());
    Ok(Held { hold, booking, tables, window, expires_at: new.expires_at, replayed: false })
}

/// Gives a live hold more time, never less. Returns its deadline.
pub fn extend(
    store: &Store,
    hold: Option<Id>,
    ttl_seconds: Option<i32>,
    booking: Option<Id>,
) -> Result<Instant, Failure> {
    let ended = |_: &Instant| CallEnd::Written(Outcome::Extended, None);
    Call::begin(store, Function::ExtendHold).run(ended, |call| {
        call.is_about(&AttemptSubject { booking, hold, ..AttemptSubject::default() });
        extended(call, hold, ttl_seconds, booking)
    })
}

fn extended(call: &Call, hold: Option<Id>, ttl_seconds: Option<i32>, booking: Option<Id>) -> Result<Instant, Failure> {
    let store = call.store;
    let policy = store.hold_policy()?;
    let seconds = ttl_seconds.unwrap_or(hold::TTL_SECONDS);
    request::deadline("extend_hold", seconds, store.clock(), policy)?;
    let id = hold.ok_or_else(|| refusal::hold_not_found(None))?;
    call.reach(Phase::HoldLock);
    let found = store.holds_lock(None, Some(id))?.remove(&id);
    call.reach(Phase::Decide);
    let found = found.ok_or_else(|| refusal::hold_not_found(Some(id)))?;
    call.is_about(&AttemptSubject { booking: found.booking, hold, ..AttemptSubject::default() });
    call.is_at(found.restaurant);
    let now = store.clock();
    request::may_extend(&found, booking, now)?;
    let deadline = request::deadline("extend_hold", seconds, now, policy)?;
    if deadline <= found.expires_at {
        return Ok(found.expires_at);
    }
    call.reach(Phase::Apply);
    super::assert_written("Hold", &[1], &[store.hold_extend(id, deadline)?])?;
    Ok(deadline)
}

/// Stands in for a booking that is not known yet: the restaurant of the first table, the window of the call.
fn anonymous(request: &HoldRequest, locked: &BTreeMap<Id, Table>) -> Result<Booking, Failure> {
    let nobody = Id::nil();
    let tables = check::loaded(nobody, &request.tables, locked)?;
    let window =
        request.window.ok_or_else(|| refusal::argument_invalid("hold_tables without a booking requires a window"))?;
    Ok(Booking {
        id: nobody,
        restaurant: tables.first().map(|table| table.restaurant).unwrap_or_default(),
        status: String::new(),
        party_size: 0,
        zone_lock: None,
        window: BookingWindow { start: Some(window.start()), end: Some(window.end()) },
    })
}
