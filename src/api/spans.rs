//! The last attempts and those in flight, for the views `holdfast.spans`, `holdfast.in_flight` and `holdfast.stat_spans`.

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};

use super::argument::{self, TimestampTz};
use crate::commands::spans::{self, SpanRow};
use crate::rules::Id;
use crate::rules::trace::span::Span;

fn uuid(id: Option<Id>) -> Option<Uuid> {
    id.map(argument::uuid)
}

fn trace(span: &Span) -> Option<String> {
    (span.trace != 0).then(|| format!("{:032x}", span.trace))
}

fn place(number: u32) -> Option<i32> {
    i32::try_from(number).ok().filter(|number| *number > 0)
}

fn number(id: u64) -> Option<String> {
    (id != 0).then(|| format!("{id:016x}"))
}

/// A row for each attempt, and one for each of its parts.
#[pg_extern(sql = false)]
fn native_recorded_spans() -> TableIterator<
    'static,
    (
        name!(trace_id, Option<String>),
        name!(span_id, Option<String>),
        name!(parent_span_id, Option<String>),
        name!(name, String),
        name!(part, Option<&'static str>),
        name!(started_at, TimestampTz),
        name!(ended_at, TimestampTz),
        name!(outcome, &'static str),
        name!(code, &'static str),
        name!(sqlstate, Option<String>),
        name!(message, Option<String>),
        name!(detail, Option<String>),
        name!(replayed, bool),
        name!(transaction_end, &'static str),
        name!(transaction_id, Option<i64>),
        name!(database_id, pg_sys::Oid),
        name!(schema_id, pg_sys::Oid),
        name!(function, &'static str),
        name!(path, &'static str),
        name!(booking_id, Option<Uuid>),
        name!(restaurant_id, Option<Uuid>),
        name!(hold_id, Option<Uuid>),
        name!(idempotency_key, Option<String>),
        name!(pid, i32),
        name!(blocker_pid, Option<i32>),
        name!(blocker_booking_id, Option<Uuid>),
        name!(blocker_hold_id, Option<Uuid>),
        name!(blocker_until, Option<TimestampTz>),
        name!(is_cut, bool),
    ),
> {
    let row = |SpanRow { span, id, parent, name, part, started, ended, sqlstate, end, transaction, blocker }| {
        (
            trace(&span),
            number(id),
            number(parent),
            name,
            part,
            started.0,
            ended.0,
            span.outcome.entry().name,
            span.outcome.entry().code,
            sqlstate,
            span.message,
            span.detail,
            span.replayed,
            end.name(),
            transaction,
            pg_sys::Oid::from_u32(span.database),
            pg_sys::Oid::from_u32(span.schema),
            span.function.name(),
            span.path.name(),
            uuid(span.booking),
            uuid(span.restaurant),
            uuid(span.hold),
            span.key,
            span.pid,
            blocker,
            uuid(span.blocked_by.booking),
            uuid(span.blocked_by.hold),
            span.blocked_by.until.map(|until| until.0),
            span.cut,
        )
    };
    argument::rows(spans::recorded().into_iter().map(row).collect())
}

/// What each session is at.
#[pg_extern(sql = false)]
fn native_attempts_in_flight() -> TableIterator<
    'static,
    (
        name!(pid, i32),
        name!(database_id, pg_sys::Oid),
        name!(schema_id, pg_sys::Oid),
        name!(function, &'static str),
        name!(path, &'static str),
        name!(booking_id, Option<Uuid>),
        name!(restaurant_id, Option<Uuid>),
        name!(hold_id, Option<Uuid>),
        name!(idempotency_key, Option<String>),
        name!(phase, &'static str),
        name!(started_at, TimestampTz),
        name!(since, TimestampTz),
        name!(trace_id, Option<String>),
        name!(span_id, Option<String>),
        name!(item, Option<i32>),
        name!(items, Option<i32>),
    ),
> {
    let row = |span: Span| {
        (
            span.pid,
            pg_sys::Oid::from_u32(span.database),
            pg_sys::Oid::from_u32(span.schema),
            span.function.name(),
            span.path.name(),
            uuid(span.booking),
            uuid(span.restaurant),
            uuid(span.hold),
            span.key.clone(),
            span.phase.name(),
            span.started.0,
            span.since.0,
            trace(&span),
            number(span.id),
            place(span.item.0),
            place(span.item.1),
        )
    };
    argument::rows(spans::in_flight().into_iter().map(row).collect())
}

/// One row: how many were written down, and how many of them are gone.
#[pg_extern(sql = false)]
fn native_span_counts() -> TableIterator<
    'static,
    (
        name!(preloaded, bool),
        name!(room, Option<i64>),
        name!(written, Option<i64>),
        name!(held, Option<i64>),
        name!(dropped, Option<i64>),
        name!(observed, Option<i64>),
        name!(unobserved, Option<i64>),
    ),
> {
    let counts = spans::counts();
    let number = |of: fn(&spans::SpanCounts) -> u64| counts.as_ref().map(of).map(u64::cast_signed);
    argument::rows(vec![(
        counts.is_some(),
        number(|counts| counts.room),
        number(|counts| counts.written),
        number(|counts| counts.held),
        number(|counts| counts.dropped),
        number(|counts| counts.observed),
        number(|counts| counts.unobserved),
    )])
}
