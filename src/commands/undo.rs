//! Compensation: what one key did is taken back in one call.

use std::collections::BTreeMap;

use super::{Call, CallEnd};
use crate::rules::Id;
use crate::rules::attempt::function::Function;
use crate::rules::attempt::phase::Phase;
use crate::rules::attempt::{self, KeyState};
use crate::rules::booking::Booking;
use crate::rules::booking::allocation;
use crate::rules::booking::table::{Assignment, Blocker, Table};
use crate::rules::booking::window::Instant;
use crate::rules::confirm;
use crate::rules::confirm::request::History;
use crate::rules::confirm::undo::{self, KeyEffects, Undoing};
use crate::rules::event::outbox;
use crate::rules::refusal;
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::store::snapshot::Question;
use crate::store::{Store, TakingBack};
use crate::telemetry::recording::AttemptSubject;

/// What an undo came to.
pub struct Undone {
    pub outcome: Outcome,
    pub tables: Vec<Id>,
    /// Tables that the key had replaced and that are the booking's again.
    pub restored: Vec<Id>,
    /// The booking's status afterwards.
    pub status: Option<String>,
    pub receipt: Option<u64>,
}

pub fn undo(store: &Store, booking: Option<Id>, key: Option<String>, history: History) -> Result<Undone, Failure> {
    let ended = |undone: &Undone| CallEnd::Written(undone.outcome, None);
    Call::begin(store, Function::Undo).run(ended, |call| {
        let metadata = history.metadata.as_ref();
        call.is_about(&AttemptSubject { booking, key: key.as_deref(), metadata, hold: None });
        undone(call, booking, key, history)
    })
}

fn undone(call: &Call, booking: Option<Id>, key: Option<String>, history: History) -> Result<Undone, Failure> {
    let store = call.store;
    let id = booking.ok_or_else(|| refusal::booking_not_found(None))?;
    let key = attempt::key(key)?;
    call.reach(Phase::BookingLock);
    let booking = store.booking_lock(id)?.ok_or_else(|| refusal::booking_not_found(Some(id)))?;
    call.is_at(booking.restaurant);
    let replaced = store.undo_read(id, &key)?.map(|done| done.replaced).unwrap_or_default();
    call.reach(Phase::TableLock);
    let locked = store.tables_lock(Some(id), None, &replaced)?.tables;
    call.reach(Phase::Decide);
    let now = store.clock();
    let done = store.undo_read(id, &key)?;
    let Undoing::TakeBack { status } = undo::decide(&booking.status, done.as_ref())? else {
        return nothing(store, booking, &key, done.is_some());
    };
    let done = done.unwrap_or_default();
    let (assignments, allocations) = store.booking_tables_and_allocations(id)?;
    let goes = |table: Id| done.tables.contains(&table);
    let mut removal = allocation::remove(&assignments, &allocations, goes);
    let left = assignments.len() - removal.assignments.len() + done.replaced.len();
    let room = make_room(store, &booking, &done, locked, now)?;
    removal.allocations.extend(room.allocations);
    removal.assignments.extend(room.assignments);
    let after = status.as_deref().unwrap_or(&booking.status);
    undo::may_leave(id, left, after, &store.status_rules(after, after)?)?;
    let metadata = Some(undo::metadata(history.metadata, &key, &done.tables, &done.replaced));
    let back = TakingBack {
        booking: &booking,
        key: &key,
        removal: &removal,
        status: status.as_deref(),
        now,
        history: &History { metadata, ..history },
        restores: !done.replaced.is_empty(),
    };
    call.reach(Phase::Apply);
    take_back(store, back, &done.replaced)?;
    let left = outbox::RemainingTables::of(&assignments, goes, booking.window).with(&done.replaced, done.replaced_for);
    let told = left.tables(&booking, after, Some(&key));
    let undone = outbox::UndoEvent { tables: &done.tables, restored: &done.replaced, status: status.as_deref() };
    let undone = outbox::assignment_undone(&told, &undone, store.transaction_id());
    super::emit(store, &[undone, outbox::tables_changed(&told)], now)?;
    call.reach(Phase::Settle);
    super::refresh(store, &touched(&assignments, &done, now))?;
    let receipt = Some(store.transaction_id());
    let status = Some(status.unwrap_or(booking.status));
    Ok(Undone { outcome: Outcome::Undone, tables: done.tables, restored: done.replaced, status, receipt })
}

/// What the key did is gone already, or there never was anything.
fn nothing(store: &Store, booking: Booking, key: &str, answered: bool) -> Result<Undone, Failure> {
    if !answered && super::attempt::known(store, booking.id, key)?.standing == KeyState::NeverSeen {
        return Err(refusal::never_seen(booking.id, key).into());
    }
    let (outcome, status) = (Outcome::NothingToUndo, Some(booking.status));
    Ok(Undone { outcome, tables: Vec::new(), restored: Vec::new(), status, receipt: None })
}

/// Refuses where somebody else has what the key replaced; what bookings that are over left behind makes room, as it does
/// for a confirm.
fn make_room(
    store: &Store,
    booking: &Booking,
    done: &KeyEffects,
    locked: BTreeMap<Id, Table>,
    now: Instant,
) -> Result<allocation::Removal, Failure> {
    let Some(window) = done.replaced_for else { return Ok(allocation::Removal::default()) };
    let snapshot = store.snapshot_read(Question {
        booking,
        target: None,
        tables: &done.replaced,
        window,
        now,
        edges_wanted: false,
        hold: None,
        own_holds: BTreeMap::new(),
        locked,
    })?;
    undo::may_restore(booking.id, &done.replaced, &snapshot)?;
    let released = snapshot.blockers.iter().filter_map(|blocker| match blocker {
        Blocker::Allocation { id, released: true, .. } => Some(*id),
        _ => None,
    });
    Ok(allocation::Removal {
        allocations: released.collect(),
        assignments: confirm::left_behind(&snapshot).collect(),
        dissolved: Vec::new(),
    })
}

fn take_back(store: &Store, back: TakingBack, restored: &[Id]) -> Result<(), Failure> {
    let removal = back.removal;
    let mut expected = removal.expected().to_vec();
    expected.extend([restored.len() as i64, i64::from(back.status.is_some()), 1]);
    let booking = back.booking.id;
    let written = store.undo_apply(back)?;
    super::assert_removed(store, ("Undo", booking), removal, &expected, &written)
}

/// Tables whose status of now may change.
fn touched(assignments: &[Assignment], done: &KeyEffects, now: Instant) -> Vec<Id> {
    let assigned = assignments.iter().filter(|row| row.window.is_some_and(|window| window.contains(now)));
    let mut touched: Vec<Id> = assigned.map(|row| row.table).filter(|table| done.tables.contains(table)).collect();
    if done.replaced_for.is_some_and(|window| window.contains(now)) {
        touched.extend(&done.replaced);
    }
    touched.sort_unstable();
    touched.dedup();
    touched
}
