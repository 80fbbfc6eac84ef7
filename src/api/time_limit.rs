//! Confirming within a limit in time.

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};
use serde_json::Value;

use super::argument::{self, Jsonb, Label};
use super::{contract, native};
use crate::commands::time_limit::within;
use crate::rules::Id;
use crate::rules::attempt::Report;
use crate::rules::confirm::request::{Arguments, History};
use crate::rules::refusal::Refusal;

/// The one row of an attempt; its columns are those declared in `sql/contract/time_limit.sql`.
pub type ReportRow = (
    &'static str,
    &'static str,
    i32,
    i32,
    Jsonb,
    &'static str,
    &'static str,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i32>,
    bool,
    Option<String>,
    bool,
    Option<i64>,
);

/// Declares functions that return a `ReportRow`.
macro_rules! report_functions {
    ($($functions:tt)*) => {
        $crate::api::functions_returning! {
            (
                name!(outcome, &'static str),
                name!(phase, &'static str),
                name!(elapsed_ms, i32),
                name!(attempts, i32),
                name!(assignments, $crate::api::argument::Jsonb),
                name!(code, &'static str),
                name!(sqlstate, &'static str),
                name!(message, Option<String>),
                name!(detail, Option<String>),
                name!(hint, Option<String>),
                name!(retry_after_ms, Option<i32>),
                name!(replayed, bool),
                name!(idempotency_key, Option<String>),
                name!(hold_released, bool),
                name!(receipt, Option<i64>),
            )
            $($functions)*
        }
    };
}
pub(super) use report_functions;

report_functions! {
    /// Confirms a hold within a limit in time, and returns whatever came of it.
    fn contract_atomic_confirm_and_transition_within(
        p_booking_id: Option<Uuid>,
        p_hold_id: Option<Uuid>,
        p_idempotency_key: Option<String>,
        p_timeout_ms: Option<i32>,
        p_assigned_by: Option<Uuid>,
        p_history_reason: Option<String>,
        p_history_metadata: Option<Jsonb>,
        p_history_changed_by: Option<Uuid>,
        p_target_status: Option<Label>,
        fcinfo: pg_sys::FunctionCallInfo,
    ) {
        let history = argument::history(p_history_changed_by, p_history_reason, p_history_metadata);
        let (booking, target) = (argument::id(p_booking_id), argument::label(p_target_status));
        let arguments = arguments(booking, p_hold_id, p_idempotency_key, p_assigned_by, history, target);
        reported(contract(fcinfo, |store| within(store, arguments, p_timeout_ms)))
    }

    /// The native form of `atomic_confirm_and_transition_within`.
    fn native_confirm_hold_within(
        p_schema: Option<pg_sys::Oid>,
        p_booking_id: Option<Uuid>,
        p_hold_id: Option<Uuid>,
        p_idempotency_key: Option<String>,
        p_timeout_ms: Option<i32>,
        p_assigned_by: Option<Uuid>,
        p_history_reason: Option<String>,
        p_history_metadata: Option<Jsonb>,
        p_history_changed_by: Option<Uuid>,
        p_target_status: Option<String>,
    ) {
        let history = argument::history(p_history_changed_by, p_history_reason, p_history_metadata);
        let booking = argument::id(p_booking_id);
        let arguments = arguments(booking, p_hold_id, p_idempotency_key, p_assigned_by, history, p_target_status);
        reported(native(p_schema, |store| within(store, arguments, p_timeout_ms)))
    }
}

fn arguments(
    booking: Option<Id>,
    hold: Option<Uuid>,
    key: Option<String>,
    actor: Option<Uuid>,
    history: History,
    target: Option<String>,
) -> Arguments {
    Arguments { actor: argument::id(actor), target, history, ..Arguments::by_hold(booking, argument::id(hold), key) }
}

pub fn reported(report: Report) -> TableIterator<'static, ReportRow> {
    let entry = report.outcome.entry();
    let (message, detail, hint) = words(report.refusal);
    argument::rows(vec![(
        entry.name,
        report.phase.name(),
        milliseconds(report.elapsed_ms),
        report.tries,
        Jsonb(report.assignments.iter().map(argument::assignment_json).collect::<Value>().into()),
        entry.code,
        entry.sqlstate,
        message,
        detail,
        hint,
        report.retry_after_ms.map(milliseconds),
        report.replayed,
        report.key,
        report.hold_released,
        report.receipt.map(u64::cast_signed),
    )])
}

fn milliseconds(ms: i64) -> i32 {
    i32::try_from(ms).unwrap_or(i32::MAX)
}

/// Message, detail and hint of a refusal.
pub fn words(refusal: Option<Refusal>) -> (Option<String>, Option<String>, Option<String>) {
    let words = refusal.map(|refusal| (Some(refusal.message), refusal.detail, Some(refusal.hint)));
    words.unwrap_or_default()
}
