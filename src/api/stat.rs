//! What was counted, for the views `holdfast.stat_outcomes` and `holdfast.stat_attempts`.

use pgrx::prelude::*;

use super::argument::{self, TimestampTz};
use crate::commands::stat::{self, Counts};
use crate::rules::booking::window::Instant;
use crate::rules::refusal::outcome::OutcomeEntry;

/// How often each outcome was reached.
#[pg_extern(sql = false)]
fn native_outcome_counts() -> TableIterator<
    'static,
    (
        name!(outcome, &'static str),
        name!(code, &'static str),
        name!(disposition, &'static str),
        name!(count, Option<i64>),
        name!(epoch, Option<TimestampTz>),
    ),
> {
    let row = |(entry, counted): (&'static OutcomeEntry, Option<_>)| {
        let (number, epoch) = counted.unzip();
        let disposition = entry.disposition.name();
        (entry.name, entry.code, disposition, number.map(u64::cast_signed), epoch.map(|epoch: Instant| epoch.0))
    };
    argument::rows(stat::outcomes().into_iter().map(row).collect())
}

/// One row: what is running, and what was counted.
#[pg_extern(sql = false)]
fn native_attempt_counts() -> TableIterator<
    'static,
    (
        name!(preloaded, bool),
        name!(epoch, Option<TimestampTz>),
        name!(started, Option<i64>),
        name!(ended, Option<i64>),
        name!(in_flight, Option<i64>),
        name!(prepared, Option<i64>),
        name!(replayed, Option<i64>),
        name!(retries, Option<i64>),
        name!(completed_in_time, Option<i64>),
        name!(timeout_after_confirm, Option<i64>),
    ),
> {
    let read = stat::attempts();
    let number = |of: fn(&Counts) -> u64| read.as_ref().map(of).map(u64::cast_signed);
    argument::rows(vec![(
        read.is_some(),
        read.as_ref().map(|read| read.epoch.0),
        number(|read| read.started),
        number(|read| read.ended),
        number(|read| read.in_flight),
        number(|read| read.prepared),
        number(|read| read.replayed),
        number(|read| read.retries),
        number(|read| read.completed_in_time),
        number(|read| read.timeout_after_confirm),
    )])
}
