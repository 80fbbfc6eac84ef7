//! Confirming many bookings in one call.

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};

use super::argument::{self, Jsonb};
use super::{contract, functions_returning, native};
use crate::commands::confirm_many::{ItemAnswer, confirm_many, confirm_many_seen};
use crate::rules::refusal::outcome::Disposition;

/// The row of an item; its columns are those declared in `sql/contract/confirm_many.sql`.
type ItemRow = (
    i32,
    Option<Uuid>,
    &'static str,
    &'static str,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    bool,
    bool,
    Option<String>,
    Option<i64>,
    Jsonb,
);

functions_returning! {
    (
        name!(ordinal, i32),
        name!(booking_id, Option<Uuid>),
        name!(outcome, &'static str),
        name!(code, &'static str),
        name!(sqlstate, String),
        name!(message, Option<String>),
        name!(detail, Option<String>),
        name!(hint, Option<String>),
        name!(transient, bool),
        name!(replayed, bool),
        name!(idempotency_key, Option<String>),
        name!(receipt, Option<i64>),
        name!(assignments, Jsonb),
    )

    /// Confirms each item of a list, and returns a row for each.
    fn contract_confirm_many(
        p_items: Option<Jsonb>,
        p_mode: Option<String>,
        fcinfo: pg_sys::FunctionCallInfo,
    ) {
        let items = argument::json(p_items);
        item_rows(contract(fcinfo, |store| confirm_many_seen(store, items.as_ref(), p_mode.as_deref())))
    }

    /// The native form of `confirm_many`.
    fn native_confirm_many(p_schema: Option<pg_sys::Oid>, p_items: Option<Jsonb>, p_mode: Option<String>) {
        let items = argument::json(p_items);
        item_rows(native(p_schema, |store| confirm_many(store, items.as_ref(), p_mode.as_deref())))
    }
}

fn item_rows(answers: Vec<ItemAnswer>) -> TableIterator<'static, ItemRow> {
    TableIterator::new((1..).zip(answers).map(|(ordinal, answer)| item_row(ordinal, answer)))
}

fn item_row(ordinal: i32, answer: ItemAnswer) -> ItemRow {
    let entry = answer.outcome.entry();
    let assignments: serde_json::Value = answer.rows.iter().map(argument::assignment_json).collect();
    (
        ordinal,
        answer.booking.map(argument::uuid),
        entry.name,
        entry.code,
        answer.sqlstate,
        answer.message,
        answer.detail,
        answer.hint,
        entry.disposition == Disposition::Transient,
        answer.replayed,
        answer.key,
        answer.receipt.map(u64::cast_signed),
        Jsonb(assignments.into()),
    )
}
