//! What a caller can ask for: the only layer that orders steps.
//!
//! **The lock order**, the same in every command: the booking, its holds by id, tables by id, allocations by
//! (table, start), and last the ledger's key, by its unique index. Locking the booking serializes every attempt on
//! it, and with it every attempt under one of its keys, so the key needs no lock of its own before. What is decided
//! on is read after the lock that protects it, in a later snapshot; the clock is read after the last lock.

pub mod attach;
pub mod attempt;
pub mod audit;
pub mod auto_assign;
pub mod backfill;
mod call;
pub mod confirm;
pub mod confirm_many;
pub mod doctor;
pub mod hold;
pub mod idempotency;
pub mod migration;
mod observation;
pub mod outbox;
pub mod preflight;
pub mod reconcile;
pub mod rehearse;
pub mod release;
pub mod repair;
pub mod rollout;
pub mod shadow;
pub mod spans;
pub mod stat;
pub mod story;
pub mod table_status;
pub mod time_limit;
pub mod transition;
pub mod unassign;
pub mod undo;
pub mod upkeep;
pub mod worker_status;

use pgrx::pg_sys;

use crate::rules::Id;
use crate::rules::booking::allocation::Removal;
use crate::rules::booking::window::Instant;
use crate::rules::event::outbox::Event;
use crate::rules::refusal;
use crate::rules::refusal::failure::{Failure, schema_renamed};
use crate::store::rights;
pub use crate::store::rights::{Identity, Work};
pub use crate::store::{Jsonb, Store, enum_label};
use crate::worker_slots;
use call::{Call, CallEnd};

/// Runs a command for a schema, with the rights that are due to it.
pub fn in_schema<T>(
    schema: pg_sys::Oid,
    work: Work,
    command: impl FnOnce(&Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    rights::for_schema(schema, work, || {
        let store = Store::open(schema)?;
        worker_slots::note_call(store.number());
        in_one_schema(store, command)
    })
}

/// Runs a command for the schema that the called function lives in.
pub fn in_schema_of<T>(
    call: pg_sys::FunctionCallInfo,
    work: Work,
    command: impl FnOnce(&Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    in_schema(crate::store::schema_of_function(call), work, |store| {
        store.check_visible(call)?;
        command(store)
    })
}

/// The same for a call that may go to a function that the application had before: that one may need less than ours, so
/// what the schema lacks is looked at once ours is to decide.
pub fn in_attached_schema_of<T>(
    call: pg_sys::FunctionCallInfo,
    command: impl FnOnce(&Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let schema = crate::store::schema_of_function(call);
    rights::for_schema(schema, Work::Writing, || {
        let store = Store::open_anyhow(schema)?;
        store.check_attached()?;
        store.check_visible(call)?;
        worker_slots::note_call(store.number());
        in_one_schema(store, command)
    })
}

/// An answer that one schema gave: names of schemas may be swapped while a call is at work.
fn in_one_schema<T>(store: Store, command: impl FnOnce(&Store) -> Result<T, Failure>) -> Result<T, Failure> {
    match command(&store) {
        Err(Failure::Server(error)) => Err(Failure::Server(error)),
        answer if !store.is_renamed() => answer,
        _ => Err(schema_renamed(store.schema()).into()),
    }
}

/// Is a refusal handed back as a row, so that the transaction, and what binds the key, can commit?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusals {
    Returned,
    Raised,
}

/// Sets the status of tables that are locked, where their time is now.
fn refresh(store: &Store, tables: &[Id]) -> Result<(), Failure> {
    if tables.is_empty() {
        return Ok(());
    }
    store.table_status_refresh(tables, store.clock())
}

/// Runs a command that looks at a schema, attached or not.
fn looking_at<T>(schema: pg_sys::Oid, command: impl FnOnce(&Store) -> Result<T, Failure>) -> Result<T, Failure> {
    rights::for_schema(schema, Work::Restricted, || command(&Store::open_anyhow(schema)?))
}

/// Tells others, where the schema has an outbox.
fn emit(store: &Store, events: &[Event], now: Instant) -> Result<(), Failure> {
    if events.is_empty() || !store.has_outbox() {
        return Ok(());
    }
    let written = store.outbox_emit(events, now)?;
    assert_written("Outbox", &[events.len() as i64], &[written])
}

/// Asserts that a statement wrote what it was told to.
fn assert_written(what: &str, expected: &[i64], found: &[i64]) -> Result<(), Failure> {
    if expected == found { Ok(()) } else { Err(Failure::Undone(refusal::broken_invariant(what, expected, found))) }
}

/// The same of one that also removes rows of a booking and of bookings that are over: the first three counts.
fn assert_removed(
    store: &Store,
    (what, booking): (&str, Id),
    removal: &Removal,
    expected: &[i64],
    found: &[i64],
) -> Result<(), Failure> {
    if expected != found {
        store.removed_by_others(booking, removal, expected, found, 3)?;
    }
    assert_written(what, expected, found)
}
