//! Taking back what one key did.

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};

use super::argument::{self, Jsonb};
use super::time_limit::words;
use super::{contract, functions_returning, native};
use crate::commands::undo::{Undone, undo};
use crate::rules::confirm::undo::given_back;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::returned;

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

functions_returning! {
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
    )

    /// Takes the tables of a key back, and the status where the key had moved it.
    fn contract_undo_confirm(
        p_booking_id: Option<Uuid>,
        p_idempotency_key: Option<String>,
        p_history_reason: Option<String>,
        p_history_metadata: Option<Jsonb>,
        p_history_changed_by: Option<Uuid>,
        fcinfo: pg_sys::FunctionCallInfo,
    ) {
        let history = argument::history(p_history_changed_by, p_history_reason, p_history_metadata);
        let booking = argument::id(p_booking_id);
        answered(contract(fcinfo, |store| returned(undo(store, booking, p_idempotency_key, history))))
    }

    /// The native form of `undo_confirm`.
    fn native_undo_confirm(
        p_schema: Option<pg_sys::Oid>,
        p_booking_id: Option<Uuid>,
        p_idempotency_key: Option<String>,
        p_history_reason: Option<String>,
        p_history_metadata: Option<Jsonb>,
        p_history_changed_by: Option<Uuid>,
    ) {
        let history = argument::history(p_history_changed_by, p_history_reason, p_history_metadata);
        let booking = argument::id(p_booking_id);
        answered(native(p_schema, |store| returned(undo(store, booking, p_idempotency_key, history))))
    }
}

fn answered(answer: Result<Undone, Refusal>) -> TableIterator<'static, UndoneRow> {
    argument::rows(vec![answer.map_or_else(refused, success)])
}

fn success(undone: Undone) -> UndoneRow {
    let entry = undone.outcome.entry();
    let detail = given_back(&undone.restored);
    let tables = undone.tables.into_iter().map(argument::uuid).collect();
    let receipt = undone.receipt.map(u64::cast_signed);
    (entry.name, tables, undone.status, receipt, entry.code, entry.sqlstate, None, detail, None)
}

fn refused(refusal: Refusal) -> UndoneRow {
    let entry = refusal.outcome.entry();
    let (message, detail, hint) = words(Some(refusal));
    (entry.name, Vec::new(), None, None, entry.code, entry.sqlstate, message, detail, hint)
}
