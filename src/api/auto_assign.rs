//! The automatic attempt, inline or in the background.

use pgrx::prelude::*;
use pgrx::{JsonB, Uuid, pg_sys};

use super::argument;
use super::contract;
use super::deadline::report_row;
use crate::commands::auto_assign;

/// Confirms a booking by its hold under its own key, unless that is done or somebody is at it.
#[pg_extern(sql = false)]
fn contract_run_auto_assign(
    p_booking_id: Option<Uuid>,
    p_hold_id: Option<Uuid>,
    p_timeout_ms: Option<i32>,
    p_trigger: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TableIterator<
    'static,
    (
        name!(outcome, &'static str),
        name!(phase, &'static str),
        name!(elapsed_ms, i32),
        name!(attempts, i32),
        name!(assignments, JsonB),
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
    ),
> {
    let (booking, hold) = (argument::id(p_booking_id), argument::id(p_hold_id));
    let report = contract(fcinfo, |store| auto_assign::run(store, booking, hold, p_timeout_ms, p_trigger));
    argument::rows(vec![report_row(report)])
}
