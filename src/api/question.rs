//! Questions that change nothing.

use pgrx::prelude::*;
use pgrx::{JsonB, Uuid, pg_sys};
use serde_json::json;

use super::argument;
use super::contract;
use super::native::{self, Done, native_functions};
use crate::commands::reconcile::reconcile;
use crate::rules::idempotency_key;
use crate::rules::outcome::Outcome;

/// The deterministic key of a booking.
#[pg_extern(sql = false)]
fn contract_auto_assign_idempotency_key(
    p_booking_id: Uuid,
    p_restaurant_id: Uuid,
    p_party_size: i32,
    p_booking_date: Date,
    p_start_time: Time,
) -> String {
    let date = format!("{:04}-{:02}-{:02}", p_booking_date.year(), p_booking_date.month(), p_booking_date.day());
    let (hour, minute, second, _) = p_start_time.to_hms_micro();
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    let id = |uuid: Uuid| argument::id(Some(uuid)).unwrap_or_default();
    idempotency_key::auto_assign(id(p_booking_id), id(p_restaurant_id), p_party_size, &date, &time)
}

/// A booking's status, how its tables stand, and what does not agree.
#[pg_extern(sql = false)]
fn contract_reconcile_booking(
    p_booking_id: Option<Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TableIterator<'static, (name!(booking_state, String), name!(assignment_state, &'static str), name!(findings, JsonB))>
{
    let found = contract(fcinfo, |store| reconcile(store, argument::id(p_booking_id)));
    argument::rows(vec![(found.booking_state, found.assignment_state, JsonB(found.findings))])
}

native_functions! {
    /// The native form of `reconcile_booking`.
    fn native_reconcile_booking(p_schema: Option<pg_sys::Oid>, p_booking_id: Option<Uuid>) {
        native::answered(p_schema, None, |store| {
            let found = reconcile(store, argument::id(p_booking_id))?;
            Ok(Done::now(
                Outcome::Reconciled,
                json!({
                    "booking_state": found.booking_state, "assignment_state": found.assignment_state,
                    "findings": found.findings,
                }),
            ))
        })
    }
}
