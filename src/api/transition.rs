//! Moving a booking's status, and bringing a table's to that of now.

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};
use serde_json::json;

use super::argument::{self, Jsonb, Label, TimestampTz};
use super::native::{self, CommandResult, native_functions};
use super::routed;
use crate::commands::rollout;
use crate::commands::table_status;
use crate::commands::transition::{TransitionArguments, transition};
use crate::rules::booking::window::Instant;
use crate::rules::refusal::outcome::Outcome;

/// Moves a booking along a declared move and writes its history.
#[pg_extern(sql = false)]
fn contract_apply_booking_state_transition(
    p_booking_id: Option<Uuid>,
    p_status: Option<Label>,
    p_checked_in_at: Option<TimestampTz>,
    p_checked_out_at: Option<TimestampTz>,
    p_updated_at: Option<TimestampTz>,
    p_history_from: Option<Label>,
    p_history_to: Option<Label>,
    p_history_changed_by: Option<Uuid>,
    p_history_changed_at: Option<TimestampTz>,
    p_history_reason: Option<String>,
    p_history_metadata: Option<Jsonb>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TableIterator<
    'static,
    (
        name!(status, Label),
        name!(checked_in_at, Option<TimestampTz>),
        name!(checked_out_at, Option<TimestampTz>),
        name!(updated_at, Option<TimestampTz>),
    ),
> {
    let wanted = TransitionArguments {
        booking: argument::id(p_booking_id),
        to: argument::label(p_status),
        checked_in_at: argument::instant(p_checked_in_at),
        checked_out_at: argument::instant(p_checked_out_at),
        updated_at: argument::instant(p_updated_at),
        changed_at: argument::instant(p_history_changed_at),
        history_from: argument::label(p_history_from),
        history_to: argument::label(p_history_to),
        history: argument::history(p_history_changed_by, p_history_reason, p_history_metadata),
    };
    let landed = routed(fcinfo, |store| rollout::transitioned(store, &wanted));
    let micros = |at: Option<Instant>| at.map(|at| at.0);
    argument::rows(vec![(
        landed.status,
        micros(landed.checked_in_at),
        micros(landed.checked_out_at),
        micros(landed.updated_at),
    )])
}

/// Sets a table's status to that of now.
#[pg_extern(sql = false)]
fn contract_refresh_table_status(p_table_id: Option<Uuid>, fcinfo: pg_sys::FunctionCallInfo) {
    routed(fcinfo, |store| rollout::refreshed(store, argument::id(p_table_id)));
}

native_functions! {
    /// The native form of `apply_booking_state_transition`.
    fn native_transition_booking(
        p_schema: Option<pg_sys::Oid>,
        p_booking_id: Option<Uuid>,
        p_status: Option<String>,
        p_checked_in_at: Option<TimestampTz>,
        p_checked_out_at: Option<TimestampTz>,
        p_updated_at: Option<TimestampTz>,
        p_history_from: Option<String>,
        p_history_to: Option<String>,
        p_history_changed_by: Option<Uuid>,
        p_history_changed_at: Option<TimestampTz>,
        p_history_reason: Option<String>,
        p_history_metadata: Option<Jsonb>,
    ) {
        let wanted = TransitionArguments {
            booking: argument::id(p_booking_id),
            to: p_status,
            checked_in_at: argument::instant(p_checked_in_at),
            checked_out_at: argument::instant(p_checked_out_at),
            updated_at: argument::instant(p_updated_at),
            changed_at: argument::instant(p_history_changed_at),
            history_from: p_history_from,
            history_to: p_history_to,
            history: argument::history(p_history_changed_by, p_history_reason, p_history_metadata),
        };
        native::answered(p_schema, None, |store| {
            let landed = transition(store, &wanted)?;
            let text = |at: Option<Instant>| at.map(|at| at.to_string());
            Ok(CommandResult::now(
                Outcome::Transitioned,
                json!({
                    "status": wanted.to,
                    "checked_in_at": text(landed.checked_in_at),
                    "checked_out_at": text(landed.checked_out_at),
                    "updated_at": text(landed.updated_at),
                }),
            ))
        })
    }

    /// The native form of `refresh_table_status`.
    fn native_refresh_table_status(p_schema: Option<pg_sys::Oid>, p_table_id: Option<Uuid>) {
        native::answered(p_schema, None, |store| {
            table_status::refresh(store, argument::id(p_table_id))?;
            Ok(CommandResult::now(Outcome::Refreshed, json!({"table_id": argument::id(p_table_id)})))
        })
    }
}
