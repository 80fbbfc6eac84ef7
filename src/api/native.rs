//! The outcome as a row: what a native call returns.

use pgrx::pg_sys;
use pgrx::prelude::*;
use serde_json::Value;

use super::argument::{self, Jsonb};
use crate::commands::confirm::{Answer, confirm};
use crate::commands::{Refusals, Store, Work, in_schema};
use crate::errors;
use crate::rules::attempt::function::Function;
use crate::rules::confirm::request::Arguments;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::{self, Failure};
use crate::rules::refusal::outcome::{Disposition, Outcome};

/// The one row of every native function; its columns are those declared in `sql/install/2_native.sql`. `receipt` is
/// an xid8, which travels as the 64 bits that it is.
pub type NativeRow = (
    &'static str,
    &'static str,
    &'static str,
    Option<String>,
    Option<String>,
    Option<String>,
    bool,
    bool,
    Option<String>,
    Option<i64>,
    Option<Jsonb>,
);
pub type NativeRows = TableIterator<'static, NativeRow>;

/// Declares functions that return a `NativeRow`.
macro_rules! native_functions {
    ($($functions:tt)*) => {
        $crate::api::functions_returning! {
            (
                name!(outcome, &'static str),
                name!(code, &'static str),
                name!(sqlstate, &'static str),
                name!(message, Option<String>),
                name!(detail, Option<String>),
                name!(hint, Option<String>),
                name!(transient, bool),
                name!(replayed, bool),
                name!(idempotency_key, Option<String>),
                name!(receipt, Option<i64>),
                name!(result, Option<$crate::api::argument::Jsonb>),
            )
            $($functions)*
        }
    };
}
pub(super) use native_functions;

/// What a command came to, before it is a row.
pub struct CommandResult {
    pub outcome: Outcome,
    pub result: Value,
    pub replayed: bool,
    pub receipt: Option<u64>,
}

impl CommandResult {
    pub fn now(outcome: Outcome, result: Value) -> CommandResult {
        CommandResult { outcome, result, replayed: false, receipt: None }
    }
}

/// Runs a command for the given schema. A refusal that left nothing behind is returned; what has to be undone, and
/// what the server raised, is raised.
pub fn answered(
    schema: Option<pg_sys::Oid>,
    key: Option<String>,
    command: impl FnOnce(&Store) -> Result<CommandResult, Failure>,
) -> NativeRows {
    answered_by(schema, Work::Writing, key, command)
}

/// The same for a command that only looks.
pub fn answered_look(
    schema: Option<pg_sys::Oid>,
    key: Option<String>,
    command: impl FnOnce(&Store) -> Result<CommandResult, Failure>,
) -> NativeRows {
    answered_by(schema, Work::Restricted, key, command)
}

fn answered_by(
    schema: Option<pg_sys::Oid>,
    work: Work,
    key: Option<String>,
    command: impl FnOnce(&Store) -> Result<CommandResult, Failure>,
) -> NativeRows {
    let schema = schema.unwrap_or(pg_sys::InvalidOid);
    let answer = errors::or_raise(failure::returned(in_schema(schema, work, command)));
    let row = answer.map_or_else(refused, success);
    argument::rows(vec![with_key(row, key)])
}

/// Runs a confirm or an assign for the given schema.
pub fn confirmed(schema: Option<pg_sys::Oid>, function: Function, arguments: Arguments) -> NativeRows {
    let outcome = arguments.intent.outcome();
    answered(schema, arguments.key.clone(), |store| {
        let Answer { rows, replayed, receipt } = confirm(store, function, arguments, Refusals::Returned)?;
        Ok(CommandResult { outcome, result: rows.iter().map(argument::assignment_json).collect(), replayed, receipt })
    })
}

fn success(done: CommandResult) -> NativeRow {
    let entry = done.outcome.entry();
    let receipt = done.receipt.map(u64::cast_signed);
    let result = Some(Jsonb(done.result.into()));
    (entry.name, entry.code, entry.sqlstate, None, None, None, false, done.replayed, None, receipt, result)
}

fn refused(refusal: Refusal) -> NativeRow {
    let entry = refusal.outcome.entry();
    let transient = entry.disposition == Disposition::Transient;
    let (message, hint) = (Some(refusal.message), Some(refusal.hint));
    (
        entry.name,
        entry.code,
        entry.sqlstate,
        message,
        refusal.detail,
        hint,
        transient,
        refusal.replayed,
        None,
        None,
        None,
    )
}

fn with_key(mut row: NativeRow, key: Option<String>) -> NativeRow {
    row.8 = key;
    row
}
