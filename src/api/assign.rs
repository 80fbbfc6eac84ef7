//! Adding tables to a booking, and taking them away.

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};
use serde_json::json;

use super::argument::{self, TimestampTz, Uuids};
use super::native::{self, CommandResult, native_functions};
use super::routed;
use crate::commands::rollout;
use crate::commands::unassign::unassign;
use crate::rules::Id;
use crate::rules::attempt::function::Function;
use crate::rules::booking::table::Assignment;
use crate::rules::confirm::request::{Arguments, Intent};
use crate::rules::refusal::outcome::Outcome;

/// What every assign leaves open: no status to move to, no history, nothing expected of a hold.
fn adding(
    booking: Option<Uuid>,
    tables: Option<Uuids>,
    key: Option<String>,
    require_adjacency: Option<bool>,
    actor: Option<Uuid>,
) -> Arguments {
    Arguments {
        intent: Intent::Assign,
        require_adjacency,
        actor: argument::id(actor),
        ..Arguments::by_tables(argument::id(booking), argument::ids(tables), key)
    }
}

fn assigned(call: pg_sys::FunctionCallInfo, function: Function, arguments: Arguments) -> Vec<Assignment> {
    routed(call, |store| rollout::confirmed(store, function, arguments))
}

/// A list of tables in which NULL names nothing.
fn named(tables: Option<Uuids>) -> Option<Vec<Id>> {
    argument::ids(tables).map(|ids| ids.into_iter().flatten().collect())
}

/// Adds tables to a booking without touching its status.
#[pg_extern(sql = false)]
fn contract_assign_tables_atomic_v2(
    p_booking_id: Option<Uuid>,
    p_table_ids: Option<Uuids>,
    p_idempotency_key: Option<String>,
    p_require_adjacency: Option<bool>,
    p_assigned_by: Option<Uuid>,
    p_start_at: Option<TimestampTz>,
    p_end_at: Option<TimestampTz>,
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
        ..adding(p_booking_id, p_table_ids, p_idempotency_key, p_require_adjacency, p_assigned_by)
    };
    let rows = assigned(fcinfo, Function::Assign, arguments);
    argument::rows(
        rows.iter()
            .map(argument::assigned_row)
            .map(|(_, table, start, end, group)| (table, start, end, group))
            .collect(),
    )
}

/// Adds one table.
#[pg_extern(sql = false)]
fn contract_assign_single_table(
    p_booking_id: Option<Uuid>,
    p_table_id: Option<Uuid>,
    p_assigned_by: Option<Uuid>,
    p_idempotency_key: Option<String>,
    fcinfo: pg_sys::FunctionCallInfo,
) {
    let arguments = adding(p_booking_id, Some(vec![p_table_id]), p_idempotency_key, None, p_assigned_by);
    assigned(fcinfo, Function::AssignSingle, arguments);
}

/// Adds tables that are joined.
#[pg_extern(sql = false)]
fn contract_assign_merged_tables(
    p_booking_id: Option<Uuid>,
    p_table_ids: Option<Uuids>,
    p_require_adjacency: Option<bool>,
    p_assigned_by: Option<Uuid>,
    p_idempotency_key: Option<String>,
    fcinfo: pg_sys::FunctionCallInfo,
) {
    let arguments = adding(p_booking_id, p_table_ids, p_idempotency_key, p_require_adjacency, p_assigned_by);
    assigned(fcinfo, Function::AssignMerged, arguments);
}

/// Takes the given tables, or all, from a booking.
#[pg_extern(sql = false)]
fn contract_unassign_tables_atomic(
    p_booking_id: Option<Uuid>,
    p_table_ids: Option<Uuids>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TableIterator<'static, (name!(table_id, Uuid),)> {
    let taken = routed(fcinfo, |store| rollout::unassigned(store, argument::id(p_booking_id), named(p_table_ids)));
    argument::rows(taken.into_iter().map(|table| (argument::uuid(table),)).collect())
}

native_functions! {
    /// The native form of `assign_tables_atomic_v2`.
    fn native_assign_tables(
        p_schema: Option<pg_sys::Oid>,
        p_booking_id: Option<Uuid>,
        p_table_ids: Option<Uuids>,
        p_idempotency_key: Option<String>,
        p_require_adjacency: Option<bool>,
        p_assigned_by: Option<Uuid>,
        p_start_at: Option<TimestampTz>,
        p_end_at: Option<TimestampTz>,
    ) {
        native::confirmed(
            p_schema,
            Function::Assign,
            Arguments {
                start: argument::instant(p_start_at),
                end: argument::instant(p_end_at),
                ..adding(p_booking_id, p_table_ids, p_idempotency_key, p_require_adjacency, p_assigned_by)
            },
        )
    }

    /// The native form of `unassign_tables_atomic`.
    fn native_unassign_tables(p_schema: Option<pg_sys::Oid>, p_booking_id: Option<Uuid>, p_table_ids: Option<Uuids>) {
        native::answered(p_schema, None, |store| {
            let taken = unassign(store, argument::id(p_booking_id), named(p_table_ids))?;
            Ok(CommandResult::now(Outcome::Unassigned, json!({"table_ids": taken})))
        })
    }
}
