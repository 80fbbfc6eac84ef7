//! The outbox: claim, acknowledge, fail; once for outboxes that number their events, once for those that do not.

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};

use super::argument::{self, Jsonb, TimestampTz};
use super::contract;
use crate::commands::outbox::{self, Claimed};
use crate::rules::Id;
use crate::rules::event::lease::LeaseRequest;

/// An event as its consumer reads it, without its id.
type EventRow = (String, Option<String>, i32, Option<Uuid>, Option<Uuid>, Option<String>, Option<Jsonb>);

fn claimed(
    call: pg_sys::FunctionCallInfo,
    consumer: Option<&str>,
    limit: Option<i32>,
    lease_seconds: Option<i32>,
) -> impl Iterator<Item = (String, EventRow)> {
    let row = |event: Claimed| {
        let (restaurant, booking) = (event.restaurant.map(argument::uuid), event.booking.map(argument::uuid));
        let payload = event.payload.map(Jsonb);
        let rest = (event.event_type, event.dedupe_key, event.attempt_count, restaurant, booking, event.key, payload);
        (event.id, rest)
    };
    let events = contract(call, |store| outbox::claim(store, &LeaseRequest::check(consumer, limit, lease_seconds)?));
    events.into_iter().map(row)
}

fn failed(
    call: pg_sys::FunctionCallInfo,
    id: &str,
    error: Option<&str>,
    consumer: Option<&str>,
    retry_seconds: Option<i32>,
) -> Vec<(&'static str, Option<TimestampTz>)> {
    let answer = contract(call, |store| outbox::fail(store, id, error, consumer, retry_seconds));
    answer.into_iter().map(|(status, until)| (status, until.map(|at| at.0))).collect()
}

/// Takes and gives ids as text: the number or the UUID that the outbox calls its events by.
fn shown<T: ToString>(ids: Option<Vec<Option<T>>>) -> Vec<String> {
    ids.into_iter().flatten().flatten().map(|id| id.to_string()).collect()
}

fn number(id: &str) -> i64 {
    id.parse().unwrap_or_default()
}

fn uuid(id: &str) -> Uuid {
    argument::uuid(Id::parse_str(id).unwrap_or_default())
}

/// Declares the three functions for one type of id: pgrx has to read the columns in each signature.
macro_rules! outbox_functions {
    ($id:ty, $read:expr, $claim:ident, $ack:ident, $fail:ident) => {
        /// Gives due events to a consumer.
        #[pg_extern(sql = false)]
        fn $claim(
            p_consumer: Option<&str>,
            p_limit: Option<i32>,
            p_lease_seconds: Option<i32>,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> TableIterator<
            'static,
            (
                name!(id, $id),
                name!(event_type, String),
                name!(dedupe_key, Option<String>),
                name!(attempt_count, i32),
                name!(restaurant_id, Option<Uuid>),
                name!(booking_id, Option<Uuid>),
                name!(idempotency_key, Option<String>),
                name!(payload, Option<Jsonb>),
            ),
        > {
            let row = |(id, (kind, dedupe, attempts, restaurant, booking, key, payload)): (String, EventRow)| {
                ($read(&id), kind, dedupe, attempts, restaurant, booking, key, payload)
            };
            argument::rows(claimed(fcinfo, p_consumer, p_limit, p_lease_seconds).map(row).collect())
        }

        /// Marks events as delivered.
        #[pg_extern(sql = false)]
        fn $ack(
            p_ids: Option<Vec<Option<$id>>>,
            p_consumer: Option<&str>,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> TableIterator<'static, (name!(id, $id),)> {
            let ids = shown(p_ids);
            let done = contract(fcinfo, |store| outbox::ack(store, &ids, p_consumer));
            argument::rows(done.iter().map(|id| ($read(id),)).collect())
        }

        /// Gives an event back that could not be delivered.
        #[pg_extern(sql = false)]
        fn $fail(
            p_id: Option<$id>,
            p_error: Option<&str>,
            p_consumer: Option<&str>,
            p_retry_seconds: Option<i32>,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> TableIterator<'static, (name!(status, &'static str), name!(next_attempt_at, Option<TimestampTz>))> {
            let id = shown(Some(vec![p_id])).pop().unwrap_or_default();
            argument::rows(failed(fcinfo, &id, p_error, p_consumer, p_retry_seconds))
        }
    };
}

outbox_functions!(i64, number, contract_outbox_claim, contract_outbox_ack, contract_outbox_fail);
outbox_functions!(Uuid, uuid, contract_outbox_claim_uuid, contract_outbox_ack_uuid, contract_outbox_fail_uuid);
