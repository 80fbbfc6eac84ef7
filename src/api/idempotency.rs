//! Keys: finding a booking by its key, and what a DBA asks of keys and their ledger.

use pgrx::datum::Interval;
use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};

use super::argument::{self, Label, TimestampTz};
use super::{contract_look, native_rows};
use crate::commands::{Work, idempotency};

/// The bookings that carry a key.
#[pg_extern(sql = false)]
fn contract_booking_by_idempotency_key(
    p_key: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TableIterator<
    'static,
    (
        name!(booking_id, Uuid),
        name!(restaurant_id, Uuid),
        name!(status, Label),
        name!(start_at, Option<TimestampTz>),
        name!(end_at, Option<TimestampTz>),
    ),
> {
    let found = contract_look(fcinfo, |store| idempotency::booking_by_key(store, p_key));
    let row = |found: idempotency::Keyed| {
        let (start, end) = (found.start.map(|at| at.0), found.end.map(|at| at.0));
        (argument::uuid(found.booking), argument::uuid(found.restaurant), found.status, start, end)
    };
    argument::rows(found.into_iter().map(row).collect())
}

/// The indexes that keys and pruning rely on, each with what to run if it is not there.
#[pg_extern(sql = false)]
fn native_ensure_idempotency_index(
    p_schema: Option<pg_sys::Oid>,
) -> TableIterator<'static, (name!(index_name, String), name!(state, &'static str), name!(statement, Option<String>))> {
    native_rows(p_schema, Work::Restricted, idempotency::ensure_index, |line| (line.index, line.state, line.statement))
}

/// Keys that several bookings share, blank ones, and those whose booking changed.
#[pg_extern(sql = false)]
fn native_idempotency_conflicts(
    p_schema: Option<pg_sys::Oid>,
) -> TableIterator<
    'static,
    (
        name!(finding, String),
        name!(booking_id, Option<Uuid>),
        name!(idempotency_key, Option<String>),
        name!(detail, Option<String>),
    ),
> {
    native_rows(p_schema, Work::Restricted, idempotency::conflicts, |row| {
        (row.finding, row.booking.map(argument::uuid), row.key, row.detail)
    })
}

/// Forgets one batch of old answers.
#[pg_extern(sql = false)]
fn native_prune_idempotency(
    p_schema: Option<pg_sys::Oid>,
    p_older_than: Option<Interval>,
    p_batch: Option<i32>,
) -> TableIterator<'static, (name!(pruned, i64), name!(bookings, i64), name!(more, bool))> {
    let age = p_older_than.map(|age| age.as_micros());
    let prune = |store: &_| Ok(vec![idempotency::prune(store, age, p_batch)?]);
    native_rows(p_schema, Work::Writing, prune, |(pruned, more)| (pruned.answers, pruned.bookings, more))
}
