//! What became of a key, and giving it up.

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};
use serde_json::Value;

use super::argument::{self, Jsonb, TimestampTz};
use super::time_limit::words;
use super::{contract, contract_look, functions_returning, native, native_look};
use crate::commands::attempt::{confirm_outcome, fence};
use crate::rules::attempt::KeyOutcome;

/// The one row about a key; its columns are those declared in `sql/contract/attempt.sql`. An xid8 travels as the 64 bits
/// that it is.
type KeyOutcomeRow = (
    &'static str,
    Option<i64>,
    Option<TimestampTz>,
    Option<TimestampTz>,
    Jsonb,
    Option<&'static str>,
    Option<&'static str>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i32>,
    Option<String>,
);

functions_returning! {
    (
        name!(outcome, &'static str),
        name!(receipt, Option<i64>),
        name!(decided_at, Option<TimestampTz>),
        name!(undone_at, Option<TimestampTz>),
        name!(assignments, Jsonb),
        name!(code, Option<&'static str>),
        name!(sqlstate, Option<&'static str>),
        name!(message, Option<String>),
        name!(detail, Option<String>),
        name!(hint, Option<String>),
        name!(pid, Option<i32>),
        name!(gid, Option<String>),
    )

    /// Did it happen?
    fn contract_confirm_outcome(
        p_booking_id: Option<Uuid>,
        p_idempotency_key: Option<String>,
        fcinfo: pg_sys::FunctionCallInfo,
    ) {
        let booking = argument::id(p_booking_id);
        answered(contract_look(fcinfo, |store| confirm_outcome(store, booking, p_idempotency_key)))
    }

    /// The native form of `confirm_outcome`.
    fn native_confirm_outcome(
        p_schema: Option<pg_sys::Oid>,
        p_booking_id: Option<Uuid>,
        p_idempotency_key: Option<String>,
    ) {
        let booking = argument::id(p_booking_id);
        answered(native_look(p_schema, |store| confirm_outcome(store, booking, p_idempotency_key)))
    }

    /// The final answer, or a tombstone after which there is none.
    fn contract_fence_attempt(
        p_booking_id: Option<Uuid>,
        p_idempotency_key: Option<String>,
        p_wait_ms: Option<i32>,
        p_terminate: Option<bool>,
        fcinfo: pg_sys::FunctionCallInfo,
    ) {
        let (booking, terminate) = (argument::id(p_booking_id), p_terminate.unwrap_or(false));
        answered(contract(fcinfo, |store| fence(store, booking, p_idempotency_key, p_wait_ms, terminate)))
    }

    /// The native form of `fence_attempt`.
    fn native_fence_attempt(
        p_schema: Option<pg_sys::Oid>,
        p_booking_id: Option<Uuid>,
        p_idempotency_key: Option<String>,
        p_wait_ms: Option<i32>,
        p_terminate: Option<bool>,
    ) {
        let (booking, terminate) = (argument::id(p_booking_id), p_terminate.unwrap_or(false));
        answered(native(p_schema, |store| fence(store, booking, p_idempotency_key, p_wait_ms, terminate)))
    }
}

fn answered(answer: KeyOutcome) -> TableIterator<'static, KeyOutcomeRow> {
    let entry = answer.refusal.as_ref().map(|refusal| refusal.outcome.entry());
    let (message, detail, hint) = words(answer.refusal);
    argument::rows(vec![(
        answer.standing.name(),
        answer.receipt.map(u64::cast_signed),
        answer.decided_at.map(|at| at.0),
        answer.undone_at.map(|at| at.0),
        Jsonb(answer.assignments.iter().map(argument::assignment_json).collect::<Value>().into()),
        entry.map(|entry| entry.code),
        entry.map(|entry| entry.sqlstate),
        message,
        detail,
        hint,
        answer.holder.pid,
        answer.holder.gid,
    )])
}
