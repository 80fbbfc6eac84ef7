//! Every function that SQL can call, one file a topic. A function here decides nothing: it turns arguments into a
//! request, hands it to its command, and turns the answer into rows.
//!
//! `contract_*` are the wrappers that `attach` installs in an application's schema: they find the schema by their
//! own identity, and raise. `native_*` stand in schema `holdfast`, take the schema as an argument, and return the
//! outcome as a row.
#![allow(clippy::too_many_arguments, clippy::type_complexity, reason = "signatures are the contract's")]

mod argument;
mod assign;
mod attach;
mod attempt;
mod auto_assign;
mod catalogue;
mod confirm;
mod confirm_many;
mod doctor;
mod hold;
mod idempotency;
mod migration;
mod native;
mod outbox;
mod preflight;
mod question;
mod reconciliation;
mod rehearse;
mod shadow;
mod spans;
mod stat;
mod story;
mod sweep;
mod time_limit;
mod transition;
mod undo;
mod worker_status;

use pgrx::iter::TableIterator;
use pgrx::pg_sys;

use crate::commands::{Store, Work, in_attached_schema_of, in_schema, in_schema_of};
use crate::errors;
use crate::rules::refusal::failure::Failure;

/// Declares functions that return rows of the same columns: pgrx has to read these in each signature.
macro_rules! functions_returning {
    ($columns:tt $($(#[$note:meta])* fn $name:ident($($arguments:tt)*) $body:block)*) => {$(
        $(#[$note])*
        #[pgrx::pg_extern(sql = false)]
        fn $name($($arguments)*) -> TableIterator<'static, $columns> $body
    )*};
}
use functions_returning;

/// Runs a command for the schema that the called wrapper lives in, and raises what it refuses.
fn contract<T>(call: pg_sys::FunctionCallInfo, command: impl FnOnce(&Store) -> Result<T, Failure>) -> T {
    errors::or_raise(in_schema_of(call, Work::Writing, command))
}

/// The same for one that only looks.
fn contract_look<T>(call: pg_sys::FunctionCallInfo, command: impl FnOnce(&Store) -> Result<T, Failure>) -> T {
    errors::or_raise(in_schema_of(call, Work::Restricted, command))
}

/// Runs a command for the given schema, and raises what it refuses.
fn native<T>(schema: Option<pg_sys::Oid>, command: impl FnOnce(&Store) -> Result<T, Failure>) -> T {
    errors::or_raise(in_schema(schema.unwrap_or(pg_sys::InvalidOid), Work::Writing, command))
}

/// The same for one that only looks.
fn native_look<T>(schema: Option<pg_sys::Oid>, command: impl FnOnce(&Store) -> Result<T, Failure>) -> T {
    errors::or_raise(in_schema(schema.unwrap_or(pg_sys::InvalidOid), Work::Restricted, command))
}

/// The same for a call of the contract, which may go to the function that the application had before.
fn routed<T>(call: pg_sys::FunctionCallInfo, command: impl FnOnce(&Store) -> Result<T, Failure>) -> T {
    errors::or_raise(in_attached_schema_of(call, command))
}

/// Runs a command for the given schema and turns what it found into rows; raises what it refuses.
fn native_rows<T, R: 'static>(
    schema: Option<pg_sys::Oid>,
    work: Work,
    command: impl FnOnce(&Store) -> Result<Vec<T>, Failure>,
    row: impl FnMut(T) -> R,
) -> TableIterator<'static, R> {
    let found = errors::or_raise(in_schema(schema.unwrap_or(pg_sys::InvalidOid), work, command));
    argument::rows(found.into_iter().map(row).collect())
}
