//! Taking a hold, and handing it back.

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};
use serde_json::json;

use super::argument::{self, Jsonb, TimestampTz, Uuids};
use super::native::{self, CommandResult, native_functions};
use super::{contract, routed};
use crate::commands::hold::{self, Held};
use crate::commands::release::release;
use crate::commands::rollout;
use crate::rules::hold::request::HoldRequest;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;

/// What release 0.1.0 installed, with two arguments fewer: a schema that still has it is attached again first.
fn outdated() -> Failure {
    Refusal::new(Outcome::NotAttached, "hold_tables is that of an earlier release here").into()
}

/// The contract's of release 0.1.0.
#[pg_extern(sql = false)]
fn contract_hold_tables(fcinfo: pg_sys::FunctionCallInfo) {
    contract(fcinfo, |_| Err::<(), _>(outdated()));
}

/// Holds tables for a booking until a deadline.
#[pg_extern(sql = false)]
fn contract_hold_tables_under_key(
    p_booking_id: Option<Uuid>,
    p_table_ids: Option<Uuids>,
    p_start_at: Option<TimestampTz>,
    p_end_at: Option<TimestampTz>,
    p_ttl_seconds: Option<i32>,
    p_created_by: Option<Uuid>,
    p_metadata: Option<Jsonb>,
    p_idempotency_key: Option<String>,
    p_wait_ms: Option<i32>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TableIterator<
    'static,
    (
        name!(hold_id, Uuid),
        name!(booking_id, Option<Uuid>),
        name!(table_ids, Vec<Uuid>),
        name!(start_at, TimestampTz),
        name!(end_at, TimestampTz),
        name!(expires_at, TimestampTz),
    ),
> {
    let Held { hold, booking, tables, window, expires_at, .. } = contract(fcinfo, |store| {
        let request = HoldRequest::check(
            argument::id(p_booking_id),
            argument::ids(p_table_ids),
            argument::instant(p_start_at),
            argument::instant(p_end_at),
            p_ttl_seconds,
        );
        let (actor, metadata) = (argument::id(p_created_by), argument::json(p_metadata));
        let request = request.and_then(|request| request.by(actor, metadata).under(p_idempotency_key, p_wait_ms));
        hold::take(store, request)
    });
    let tables = tables.into_iter().map(argument::uuid).collect();
    let booking = booking.map(argument::uuid);
    argument::rows(vec![(argument::uuid(hold), booking, tables, window.start().0, window.end().0, expires_at.0)])
}

/// Gives a live hold more time.
#[pg_extern(sql = false)]
fn contract_extend_hold(
    p_hold_id: Option<Uuid>,
    p_ttl_seconds: Option<i32>,
    p_booking_id: Option<Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TimestampTz {
    let booking = argument::id(p_booking_id);
    contract(fcinfo, |store| hold::extend(store, argument::id(p_hold_id), p_ttl_seconds, booking)).0
}

/// Hands a hold back and says whether it was live.
#[pg_extern(sql = false)]
fn contract_release_hold_and_emit(
    p_hold_id: Option<Uuid>,
    p_actor_id: Option<Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> bool {
    routed(fcinfo, |store| rollout::released(store, argument::id(p_hold_id), argument::id(p_actor_id)))
}

native_functions! {
    /// The native form of release 0.1.0.
    fn native_hold_tables(p_schema: Option<pg_sys::Oid>) {
        native::answered(p_schema, None, |_| Err(outdated()))
    }

    /// The native form of `hold_tables`.
    fn native_hold_tables_under_key(
        p_schema: Option<pg_sys::Oid>,
        p_booking_id: Option<Uuid>,
        p_table_ids: Option<Uuids>,
        p_start_at: Option<TimestampTz>,
        p_end_at: Option<TimestampTz>,
        p_ttl_seconds: Option<i32>,
        p_created_by: Option<Uuid>,
        p_metadata: Option<Jsonb>,
        p_idempotency_key: Option<String>,
        p_wait_ms: Option<i32>,
    ) {
        native::answered(p_schema, p_idempotency_key.clone(), |store| {
            let request = HoldRequest::check(
                argument::id(p_booking_id),
                argument::ids(p_table_ids),
                argument::instant(p_start_at),
                argument::instant(p_end_at),
                p_ttl_seconds,
            );
            let (actor, metadata) = (argument::id(p_created_by), argument::json(p_metadata));
            let request =
                request.and_then(|request| request.by(actor, metadata).under(p_idempotency_key, p_wait_ms));
            let held = hold::take(store, request)?;
            let replayed = held.replayed;
            let done = CommandResult::now(
                Outcome::Held,
                json!({
                    "hold_id": held.hold,
                    "booking_id": held.booking,
                    "table_ids": held.tables,
                    "start_at": held.window.start().to_string(),
                    "end_at": held.window.end().to_string(),
                    "expires_at": held.expires_at.to_string(),
                }),
            );
            Ok(CommandResult { replayed, ..done })
        })
    }

    /// The native form of `extend_hold`.
    fn native_extend_hold(
        p_schema: Option<pg_sys::Oid>,
        p_hold_id: Option<Uuid>,
        p_ttl_seconds: Option<i32>,
        p_booking_id: Option<Uuid>,
    ) {
        native::answered(p_schema, None, |store| {
            let hold = argument::id(p_hold_id);
            let expires_at = hold::extend(store, hold, p_ttl_seconds, argument::id(p_booking_id))?;
            Ok(CommandResult::now(Outcome::Extended, json!({"hold_id": hold, "expires_at": expires_at.to_string()})))
        })
    }

    /// The native form of `release_hold_and_emit`.
    fn native_release_hold(p_schema: Option<pg_sys::Oid>, p_hold_id: Option<Uuid>, p_actor_id: Option<Uuid>) {
        native::answered(p_schema, None, |store| {
            let outcome = release(store, argument::id(p_hold_id), argument::id(p_actor_id))?;
            Ok(CommandResult::now(outcome, json!({"hold_id": argument::id(p_hold_id)})))
        })
    }
}
