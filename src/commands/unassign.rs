//! Taking tables from a booking. Its status stays: what that means is for reconciliation to say.

use super::{Call, CallEnd};
use crate::rules::Id;
use crate::rules::attempt::function::Function;
use crate::rules::attempt::phase::Phase;
use crate::rules::booking::allocation;
use crate::rules::event::outbox;
use crate::rules::refusal;
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::store::Store;
use crate::telemetry::recording::AttemptSubject;

/// Takes the tables, or all of them, and names those that were taken.
pub fn unassign(store: &Store, booking: Option<Id>, tables: Option<Vec<Id>>) -> Result<Vec<Id>, Failure> {
    let ended = |_: &Vec<Id>| CallEnd::Written(Outcome::Unassigned, None);
    Call::begin(store, Function::Unassign).run(ended, |call| {
        call.is_about(&AttemptSubject { booking, ..AttemptSubject::default() });
        taken(call, booking, tables)
    })
}

fn taken(call: &Call, booking: Option<Id>, tables: Option<Vec<Id>>) -> Result<Vec<Id>, Failure> {
    let store = call.store;
    let id = booking.ok_or_else(|| refusal::booking_not_found(None))?;
    call.reach(Phase::BookingLock);
    let booking = store.booking_lock(id)?.ok_or_else(|| refusal::booking_not_found(Some(id)))?;
    call.is_at(booking.restaurant);
    call.reach(Phase::TableLock);
    store.tables_lock(Some(id), None, &[])?;
    call.reach(Phase::Decide);
    let now = store.clock();
    let (assignments, allocations) = store.booking_tables_and_allocations(id)?;
    let goes = |table: Id| tables.as_ref().is_none_or(|tables| tables.contains(&table));
    let removal = allocation::remove(&assignments, &allocations, goes);
    let mut taken: Vec<Id> = assignments.iter().map(|row| row.table).filter(|table| goes(*table)).collect();
    taken.sort_unstable();
    call.reach(Phase::Apply);
    let written = store.tables_remove(&removal)?;
    super::assert_removed(store, ("Unassign", id), &removal, &removal.expected(), &written)?;
    if !taken.is_empty() {
        let left = outbox::RemainingTables::of(&assignments, goes, booking.window);
        super::emit(store, &[outbox::tables_changed(&left.tables(&booking, &booking.status, None))], now)?;
    }
    call.reach(Phase::Settle);
    let assigned: Vec<Id> = assignments
        .iter()
        .filter(|row| goes(row.table) && row.window.is_some_and(|window| window.contains(now)))
        .map(|row| row.table)
        .collect();
    super::refresh(store, &assigned)?;
    Ok(taken)
}
