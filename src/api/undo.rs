//! Taking back what one key did.

use pgrx::prelude::*;
use pgrx::{JsonB, Uuid, pg_sys};

use super::argument;
use super::contract;
use super::deadline::words;
use crate::commands::undo::{Undone, undo};
use crate::rules::failure::returned;
use crate::rules::refusal::Refusal;

/// Its one row; its columns are those declared in `sql/contract/undo.sql`.
type UndoneRow = (
    &'static str,
    Vec<Uuid>,
    Option<String>,
    Option<i64>,
    &'static str,
    &'static str,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// Takes the tables of a key back, and the status where the key had moved it.
#[pg_extern(sql = false)]
fn contract_undo_confirm(
    p_booking_id: Option<Uuid>,
    p_idempotency_key: Option<String>,
    p_history_reason: Option<String>,
    p_history_metadata: Option<JsonB>,
    p_history_changed_by: Option<Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TableIterator<
    'static,
    (
        name!(outcome, &'static str),
        name!(table_ids, Vec<Uuid>),
        name!(status, Option<String>),
        name!(receipt, Option<i64>),
        name!(code, &'static str),
        name!(sqlstate, &'static str),
        name!(message, Option<String>),
        name!(detail, Option<String>),
        name!(hint, Option<String>),
    ),
> {
    let history = argument::history(p_history_changed_by, p_history_reason, p_history_metadata);
    let answer =
        contract(fcinfo, |store| returned(undo(store, argument::id(p_booking_id), p_idempotency_key, history)));
    argument::rows(vec![answer.map_or_else(refused, success)])
}

fn success(undone: Undone) -> UndoneRow {
    let entry = undone.outcome.entry();
    let tables = undone.tables.into_iter().map(argument::uuid).collect();
    let receipt = undone.receipt.map(u64::cast_signed);
    (entry.name, tables, undone.status, receipt, entry.code, entry.sqlstate, None, None, None)
}

fn refused(refusal: Refusal) -> UndoneRow {
    let entry = refusal.outcome.entry();
    let (message, detail, hint) = words(Some(refusal));
    (entry.name, Vec::new(), None, None, entry.code, entry.sqlstate, message, detail, hint)
}
