//! Confirming a booking: by its tables or by its hold.

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};

use super::argument::{self, Jsonb, Label, TimestampTz, Uuids};
use super::native::{self, native_functions};
use super::routed;
use crate::commands::rollout;
use crate::rules::attempt::function::Function;
use crate::rules::booking::table::Assignment;
use crate::rules::confirm::request::{Arguments, Expectation};

/// Confirms and keeps the answer's rows; the contract's calls raise their refusals.
fn confirmed(call: pg_sys::FunctionCallInfo, function: Function, arguments: Arguments) -> Vec<Assignment> {
    routed(call, |store| rollout::confirmed(store, function, arguments))
}

/// Sets the booking's tables to exactly the given set, moves it to the target status, and closes its holds.
#[pg_extern(sql = false)]
fn contract_confirm_hold_assignment_with_transition(
    p_booking_id: Option<Uuid>,
    p_table_ids: Option<Uuids>,
    p_idempotency_key: Option<String>,
    p_require_adjacency: Option<bool>,
    p_assigned_by: Option<Uuid>,
    p_start_at: Option<TimestampTz>,
    p_end_at: Option<TimestampTz>,
    p_target_status: Option<Label>,
    p_history_changed_by: Option<Uuid>,
    p_history_reason: Option<String>,
    p_history_metadata: Option<Jsonb>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TableIterator<
    'static,
    (
        name!(table_id, Uuid),
        name!(start_at, Option<TimestampTz>),
        name!(end_at, Option<TimestampTz>),
        name!(merge_group_id, Option<Uuid>),
    ),
> {
    let arguments = Arguments {
        start: argument::instant(p_start_at),
        end: argument::instant(p_end_at),
        require_adjacency: p_require_adjacency,
        actor: argument::id(p_assigned_by),
        target: argument::label(p_target_status),
        history: argument::history(p_history_changed_by, p_history_reason, p_history_metadata),
        ..Arguments::by_tables(argument::id(p_booking_id), argument::ids(p_table_ids), p_idempotency_key)
    };
    let rows = confirmed(fcinfo, Function::ConfirmByTables, arguments);
    argument::rows(
        rows.iter()
            .map(argument::assigned_row)
            .map(|(_, table, start, end, group)| (table, start, end, group))
            .collect(),
    )
}

/// Confirms what the hold keeps; without a target status, the status stays as it is.
#[pg_extern(sql = false)]
fn contract_confirm_hold_assignment_tx(
    p_hold_id: Option<Uuid>,
    p_booking_id: Option<Uuid>,
    p_idempotency_key: Option<String>,
    p_require_adjacency: Option<bool>,
    p_assigned_by: Option<Uuid>,
    p_window_start: Option<TimestampTz>,
    p_window_end: Option<TimestampTz>,
    p_expected_policy_version: Option<String>,
    p_expected_adjacency_hash: Option<String>,
    p_target_status: Option<Label>,
    p_history_reason: Option<String>,
    p_history_metadata: Option<Jsonb>,
    p_history_changed_by: Option<Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TableIterator<
    'static,
    (
        name!(assignment_id, Uuid),
        name!(table_id, Uuid),
        name!(start_at, Option<TimestampTz>),
        name!(end_at, Option<TimestampTz>),
        name!(merge_group_id, Option<Uuid>),
    ),
> {
    let arguments = Arguments {
        start: argument::instant(p_window_start),
        end: argument::instant(p_window_end),
        require_adjacency: p_require_adjacency,
        actor: argument::id(p_assigned_by),
        target: argument::label(p_target_status),
        history: argument::history(p_history_changed_by, p_history_reason, p_history_metadata),
        expectation: Expectation {
            policy_version: p_expected_policy_version,
            adjacency_hash: p_expected_adjacency_hash,
        },
        ..Arguments::by_hold(argument::id(p_booking_id), argument::id(p_hold_id), p_idempotency_key)
    };
    argument::rows(confirmed(fcinfo, Function::ConfirmByHold, arguments).iter().map(argument::assigned_row).collect())
}

/// Validates the hold, derives window and tables from it, confirms, closes the hold.
#[pg_extern(sql = false)]
fn contract_atomic_confirm_and_transition(
    p_booking_id: Option<Uuid>,
    p_hold_id: Option<Uuid>,
    p_idempotency_key: Option<String>,
    p_assigned_by: Option<Uuid>,
    p_history_reason: Option<String>,
    p_history_metadata: Option<Jsonb>,
    p_history_changed_by: Option<Uuid>,
    p_target_status: Option<Label>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TableIterator<
    'static,
    (
        name!(assignment_id, Uuid),
        name!(table_id, Uuid),
        name!(start_at, Option<TimestampTz>),
        name!(end_at, Option<TimestampTz>),
        name!(merge_group_id, Option<Uuid>),
    ),
> {
    let arguments = Arguments {
        actor: argument::id(p_assigned_by),
        target: argument::label(p_target_status),
        history: argument::history(p_history_changed_by, p_history_reason, p_history_metadata),
        ..Arguments::by_hold(argument::id(p_booking_id), argument::id(p_hold_id), p_idempotency_key)
    };
    argument::rows(confirmed(fcinfo, Function::AtomicConfirm, arguments).iter().map(argument::assigned_row).collect())
}

native_functions! {
    /// The native form of `confirm_hold_assignment_with_transition`.
    fn native_confirm_tables(
        p_schema: Option<pg_sys::Oid>,
        p_booking_id: Option<Uuid>,
        p_table_ids: Option<Uuids>,
        p_idempotency_key: Option<String>,
        p_require_adjacency: Option<bool>,
        p_assigned_by: Option<Uuid>,
        p_start_at: Option<TimestampTz>,
        p_end_at: Option<TimestampTz>,
        p_target_status: Option<String>,
        p_history_changed_by: Option<Uuid>,
        p_history_reason: Option<String>,
        p_history_metadata: Option<Jsonb>,
    ) {
        native::confirmed(
            p_schema,
            Function::ConfirmByTables,
            Arguments {
                start: argument::instant(p_start_at),
                end: argument::instant(p_end_at),
                require_adjacency: p_require_adjacency,
                actor: argument::id(p_assigned_by),
                target: p_target_status,
                history: argument::history(p_history_changed_by, p_history_reason, p_history_metadata),
                ..Arguments::by_tables(argument::id(p_booking_id), argument::ids(p_table_ids), p_idempotency_key)
            },
        )
    }

    /// The native form of `confirm_hold_assignment_tx`.
    fn native_confirm_hold(
        p_schema: Option<pg_sys::Oid>,
        p_hold_id: Option<Uuid>,
        p_booking_id: Option<Uuid>,
        p_idempotency_key: Option<String>,
        p_require_adjacency: Option<bool>,
        p_assigned_by: Option<Uuid>,
        p_window_start: Option<TimestampTz>,
        p_window_end: Option<TimestampTz>,
        p_expected_policy_version: Option<String>,
        p_expected_adjacency_hash: Option<String>,
        p_target_status: Option<String>,
        p_history_reason: Option<String>,
        p_history_metadata: Option<Jsonb>,
        p_history_changed_by: Option<Uuid>,
    ) {
        native::confirmed(
            p_schema,
            Function::ConfirmByHold,
            Arguments {
                start: argument::instant(p_window_start),
                end: argument::instant(p_window_end),
                require_adjacency: p_require_adjacency,
                actor: argument::id(p_assigned_by),
                target: p_target_status,
                history: argument::history(p_history_changed_by, p_history_reason, p_history_metadata),
                expectation: Expectation {
                    policy_version: p_expected_policy_version,
                    adjacency_hash: p_expected_adjacency_hash,
                },
                ..Arguments::by_hold(argument::id(p_booking_id), argument::id(p_hold_id), p_idempotency_key)
            },
        )
    }
}
