//! A status move with its history; into a status that holds no tables, the booking's holds end with it.

use std::collections::BTreeMap;

use super::{Call, CallEnd};
use crate::rules::Id;
use crate::rules::attempt::function::Function;
use crate::rules::attempt::phase::Phase;
use crate::rules::booking::table::Table;
use crate::rules::booking::transition::{self, Move};
use crate::rules::booking::window::Instant;
use crate::rules::booking::{Booking, StatusRules};
use crate::rules::confirm;
use crate::rules::confirm::request::History;
use crate::rules::event::outbox;
use crate::rules::hold::HoldEnding;
use crate::rules::refusal;
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::store::snapshot::Question;
use crate::store::{GivenMove, Landed, Landing, Store};
use crate::telemetry::recording::AttemptSubject;

/// The arguments of a transition, as given.
pub struct TransitionArguments {
    pub booking: Option<Id>,
    pub to: Option<String>,
    pub checked_in_at: Option<Instant>,
    pub checked_out_at: Option<Instant>,
    /// None: now, as for `changed_at`.
    pub updated_at: Option<Instant>,
    pub changed_at: Option<Instant>,
    pub history_from: Option<String>,
    pub history_to: Option<String>,
    pub history: History,
}

impl TransitionArguments {
    pub fn as_given(&self) -> GivenMove<'_> {
        GivenMove {
            booking: self.booking,
            to: self.to.as_deref(),
            checked_in_at: self.checked_in_at,
            checked_out_at: self.checked_out_at,
            updated_at: self.updated_at,
            changed_at: self.changed_at,
            history_from: self.history_from.as_deref(),
            history_to: self.history_to.as_deref(),
            history: &self.history,
        }
    }
}

/// A move that the statuses allow.
struct Allowed<'a> {
    booking: Booking,
    target: &'a str,
    rules: StatusRules,
}

impl Allowed<'_> {
    fn needs_tables(&self) -> bool {
        transition::needs_tables(&self.booking.status, self.target, &self.rules)
    }
}

/// Decides a move of a booking that is read in the given way.
fn decide<'a>(
    store: &Store,
    wanted: &'a TransitionArguments,
    read: impl FnOnce(Id) -> Result<Option<Booking>, Failure>,
) -> Result<Allowed<'a>, Failure> {
    let id = wanted.booking.ok_or_else(|| refusal::booking_not_found(None))?;
    let request = Move {
        to: wanted.to.as_deref(),
        history_from: wanted.history_from.as_deref(),
        history_to: wanted.history_to.as_deref(),
    };
    let target = transition::check_arguments(&request)?;
    let booking = read(id)?.ok_or_else(|| refusal::booking_not_found(Some(id)))?;
    let rules = store.status_rules(&booking.status, target)?;
    transition::decide(&request, target, &booking.status, &rules)?;
    Ok(Allowed { booking, target, rules })
}

/// Refuses a move into a status that needs tables, where those of the booking do not stand.
fn check_tables(store: &Store, allowed: &Allowed, tables: BTreeMap<Id, Table>, now: Instant) -> Result<(), Failure> {
    let booking = &allowed.booking;
    let (assignments, _) = store.booking_tables_and_allocations(booking.id)?;
    let Some(window) = transition::span(booking, &assignments) else {
        return Err(refusal::tables_not_assigned(booking.id).into());
    };
    let ids: Vec<Id> = tables.keys().copied().collect();
    let snapshot = store.snapshot_read(Question {
        booking,
        target: Some(allowed.target),
        tables: &ids,
        window,
        now,
        edges_wanted: false,
        hold: None,
        own_holds: BTreeMap::new(),
        locked: tables,
    })?;
    Ok(transition::check_tables(&snapshot, &allowed.rules)?)
}

/// Where the booking would land, decided without a lock.
pub(super) fn look(store: &Store, wanted: &TransitionArguments) -> Result<String, Failure> {
    let allowed = decide(store, wanted, |id| store.booking_read(id))?;
    if allowed.needs_tables() {
        let tables = store.tables_read(Some(allowed.booking.id), None, &[])?.tables;
        check_tables(store, &allowed, tables, store.clock())?;
    }
    Ok(allowed.target.to_owned())
}

pub fn transition(store: &Store, wanted: &TransitionArguments) -> Result<Landed, Failure> {
    let ended = |_: &Landed| CallEnd::Written(Outcome::Transitioned, None);
    Call::begin(store, Function::Transition).run(ended, |call| {
        let (booking, metadata) = (wanted.booking, wanted.history.metadata.as_ref());
        call.is_about(&AttemptSubject { booking, metadata, ..AttemptSubject::default() });
        within_call(call, wanted)
    })
}

/// As part of a call that is counted by whoever began it.
pub(super) fn within_call(call: &Call, wanted: &TransitionArguments) -> Result<Landed, Failure> {
    let store = call.store;
    call.reach(Phase::BookingLock);
    let allowed = decide(store, wanted, |id| store.booking_lock(id))?;
    let id = allowed.booking.id;
    call.is_at(allowed.booking.restaurant);
    call.reach(Phase::HoldLock);
    // A booking that holds no tables any more holds none back from others either.
    let holds = if allowed.rules.target_holds_tables { BTreeMap::new() } else { store.holds_lock(Some(id), None)? };
    call.reach(Phase::TableLock);
    if allowed.needs_tables() {
        let locked = store.tables_lock(Some(id), None, &[])?;
        call.reach(Phase::Decide);
        check_tables(store, &allowed, locked.tables, store.clock())?;
    }
    call.reach(Phase::TableLock);
    let now = store.clock();
    let assigned = store.booking_tables_read(id, now)?;
    if !assigned.is_empty() {
        store.tables_lock(None, None, &assigned)?;
    }
    call.reach(Phase::Apply);
    let landed = store.transition_apply(&Landing {
        booking: id,
        from: &allowed.booking.status,
        to: allowed.target,
        checked_in_at: wanted.checked_in_at,
        checked_out_at: wanted.checked_out_at,
        updated_at: wanted.updated_at.unwrap_or(now),
        changed_at: wanted.changed_at.unwrap_or(now),
        history: &wanted.history,
    })?;
    let landed = landed.ok_or_else(|| Failure::Undone(refusal::broken_invariant("Transition", &[1], &[0])))?;
    let own = confirm::own_holds(id, None, &holds);
    let ended: Vec<HoldEnding> =
        holds.values().filter(|hold| own.contains_key(&hold.id)).map(|hold| hold.ending(now)).collect();
    super::release::end(store, &ended, wanted.history.changed_by, now)?;
    call.reach(Phase::Settle);
    super::refresh(store, &assigned)?;
    tell(store, &allowed, now)?;
    Ok(landed)
}

/// A move that gives the booking's tables to others, or takes them back, is told: whoever counts them cannot know.
fn tell(store: &Store, allowed: &Allowed, now: Instant) -> Result<(), Failure> {
    let (booking, rules) = (&allowed.booking, &allowed.rules);
    if !store.has_outbox() || rules.current_releases_tables == rules.target_releases_tables {
        return Ok(());
    }
    let (assignments, _) = store.booking_tables_and_allocations(booking.id)?;
    if assignments.is_empty() {
        return Ok(());
    }
    let left = outbox::RemainingTables::of(&assignments, |_| rules.target_releases_tables, booking.window);
    super::emit(store, &[outbox::tables_changed(&left.tables(booking, allowed.target, None))], now)
}
