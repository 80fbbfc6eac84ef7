//! What became of a key, and giving it up.

use pgrx::prelude::*;
use pgrx::{JsonB, Uuid, pg_sys};

use super::argument::{self, TimestampTz};
use super::contract;
use super::deadline::words;
use crate::commands::attempt::{confirm_outcome, fence};
use crate::rules::attempt::Answer;

/// The one row about a key; its columns are those declared in `sql/contract/attempt.sql`. An xid8 and a pg_lsn travel as the
/// 64 bits that they are.
type AnswerRow = (
    &'static str,
    Option<i64>,
    Option<i64>,
    Option<TimestampTz>,
    JsonB,
    Option<&'static str>,
    Option<&'static str>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i32>,
    Option<String>,
);

/// Did it happen?
#[pg_extern(sql = false)]
fn contract_confirm_outcome(
    p_booking_id: Option<Uuid>,
    p_idempotency_key: Option<String>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TableIterator<
    'static,
    (
        name!(outcome, &'static str),
        name!(receipt, Option<i64>),
        name!(commit_lsn, Option<i64>),
        name!(decided_at, Option<TimestampTz>),
        name!(assignments, JsonB),
        name!(code, Option<&'static str>),
        name!(sqlstate, Option<&'static str>),
        name!(message, Option<String>),
        name!(detail, Option<String>),
        name!(hint, Option<String>),
        name!(pid, Option<i32>),
        name!(gid, Option<String>),
    ),
> {
    let answer = contract(fcinfo, |store| confirm_outcome(store, argument::id(p_booking_id), p_idempotency_key));
    argument::rows(vec![answer_row(answer)])
}

/// The final answer, or a tombstone after which there is none.
#[pg_extern(sql = false)]
fn contract_fence_attempt(
    p_booking_id: Option<Uuid>,
    p_idempotency_key: Option<String>,
    p_wait_ms: Option<i32>,
    p_terminate: Option<bool>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TableIterator<
    'static,
    (
        name!(outcome, &'static str),
        name!(receipt, Option<i64>),
        name!(commit_lsn, Option<i64>),
        name!(decided_at, Option<TimestampTz>),
        name!(assignments, JsonB),
        name!(code, Option<&'static str>),
        name!(sqlstate, Option<&'static str>),
        name!(message, Option<String>),
        name!(detail, Option<String>),
        name!(hint, Option<String>),
        name!(pid, Option<i32>),
        name!(gid, Option<String>),
    ),
> {
    let terminate = p_terminate.unwrap_or(false);
    let answer =
        contract(fcinfo, |store| fence(store, argument::id(p_booking_id), p_idempotency_key, p_wait_ms, terminate));
    argument::rows(vec![answer_row(answer)])
}

fn answer_row(answer: Answer) -> AnswerRow {
    let entry = answer.refusal.as_ref().map(|refusal| refusal.outcome.entry());
    let (message, detail, hint) = words(answer.refusal);
    (
        answer.standing.name(),
        answer.receipt.map(u64::cast_signed),
        None,
        answer.decided_at.map(|at| at.0),
        JsonB(answer.assignments.iter().map(argument::assignment_json).collect()),
        entry.map(|entry| entry.code),
        entry.map(|entry| entry.sqlstate),
        message,
        detail,
        hint,
        answer.holder.pid,
        answer.holder.gid,
    )
}
