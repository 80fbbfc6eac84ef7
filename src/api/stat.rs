//! What was counted and timed, for the views `holdfast.stat_attempts`, `stat_confirm`, `stat_outcomes` and `stat_phase`.

use pgrx::pg_sys::Oid;
use pgrx::prelude::*;

use super::argument::{self, TimestampTz};
use crate::commands::stat::{self, OutcomeCount};
use crate::rules::refusal::outcome::Outcome;
use crate::rules::statistics::histogram::{Histogram, bounds_ms};
use crate::rules::statistics::phase_times::{TIMED, TimedPhase};
use crate::rules::statistics::{Counts, Labels};

/// Database, schema, its name, function and path. Without a database where the table of label sets had no room.
type LabelColumns = (Option<Oid>, Option<Oid>, Option<String>, Option<&'static str>, Option<&'static str>);

fn columns(labels: &Labels) -> LabelColumns {
    let oid = |number: u32| (number != 0).then(|| Oid::from(number));
    let name = (labels.schema != 0).then(|| labels.schema_name.clone());
    (oid(labels.database), oid(labels.schema), name, Some(labels.function.name()), Some(labels.path.name()))
}

fn numbers(counted: &[u64]) -> Vec<i64> {
    counted.iter().map(|number| number.cast_signed()).collect()
}

/// How often each outcome was reached.
#[pg_extern(sql = false)]
fn native_outcome_counts() -> TableIterator<
    'static,
    (
        name!(database_id, Option<Oid>),
        name!(schema_id, Option<Oid>),
        name!(schema_name, Option<String>),
        name!(function, Option<&'static str>),
        name!(path, Option<&'static str>),
        name!(outcome, &'static str),
        name!(code, &'static str),
        name!(disposition, &'static str),
        name!(count, Option<i64>),
        name!(epoch, Option<TimestampTz>),
    ),
> {
    let row = |reached: OutcomeCount| {
        let (database, schema, name, function, path) = reached.labels.as_ref().map(columns).unwrap_or_default();
        let (number, epoch) = reached.counted.unzip();
        let (entry, number) = (reached.entry, number.map(u64::cast_signed));
        let (epoch, disposition) = (epoch.map(|epoch| epoch.0), entry.disposition.name());
        (database, schema, name, function, path, entry.name, entry.code, disposition, number, epoch)
    };
    argument::rows(stat::outcomes().into_iter().map(row).collect())
}

/// One row: what is running, and what was counted, over all.
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
        name!(counters, Option<Vec<i64>>),
    ),
> {
    let read = stat::read();
    let sum = read.as_ref().map(stat::sum);
    let number = |of: fn(&Counts) -> u64| sum.as_ref().map(of).map(u64::cast_signed);
    argument::rows(vec![(
        read.is_some(),
        read.as_ref().map(|read| read.epoch.0),
        number(|sum| sum.started),
        number(Counts::ended),
        number(|sum| sum.in_flight),
        number(|sum| sum.prepared),
        sum.as_ref().map(|sum| numbers(&sum.counters)),
    )])
}

/// The same for each label set.
#[pg_extern(sql = false)]
fn native_call_counts() -> TableIterator<
    'static,
    (
        name!(database_id, Option<Oid>),
        name!(schema_id, Option<Oid>),
        name!(schema_name, Option<String>),
        name!(function, Option<&'static str>),
        name!(path, Option<&'static str>),
        name!(started, i64),
        name!(ended, i64),
        name!(in_flight, i64),
        name!(prepared, i64),
        name!(timeout_before_confirm, i64),
        name!(counters, Vec<i64>),
        name!(total_ms, f64),
        name!(epoch, TimestampTz),
    ),
> {
    let Some(read) = stat::read() else { return argument::rows(Vec::new()) };
    let row = |(labels, counts): &(Labels, Counts)| {
        let (database, schema, name, function, path) = columns(labels);
        (
            database,
            schema,
            name,
            function,
            path,
            counts.started.cast_signed(),
            counts.ended().cast_signed(),
            counts.in_flight.cast_signed(),
            counts.prepared.cast_signed(),
            counts.of(Outcome::TimeoutBeforeConfirm).cast_signed(),
            numbers(&counts.counters),
            milliseconds(&counts.times[TimedPhase::Call as usize]),
            read.epoch.0,
        )
    };
    argument::rows(read.label_sets.iter().map(row).collect())
}

fn milliseconds(times: &Histogram) -> f64 {
    times.total_us as f64 / 1000.0
}

/// How long calls and their phases took.
#[pg_extern(sql = false)]
fn native_phase_counts() -> TableIterator<
    'static,
    (
        name!(database_id, Option<Oid>),
        name!(schema_id, Option<Oid>),
        name!(schema_name, Option<String>),
        name!(function, Option<&'static str>),
        name!(path, Option<&'static str>),
        name!(phase, &'static str),
        name!(calls, i64),
        name!(total_ms, f64),
        name!(p50_ms, Option<f64>),
        name!(p95_ms, Option<f64>),
        name!(p99_ms, Option<f64>),
        name!(le_ms, Vec<f64>),
        name!(buckets, Vec<i64>),
    ),
> {
    let Some(read) = stat::read() else { return argument::rows(Vec::new()) };
    let row = |labels: &Labels, phase: &TimedPhase, times: &Histogram| {
        let (database, schema, name, function, path) = columns(labels);
        let quantile = |part| times.quantile_ms(part);
        (
            database,
            schema,
            name,
            function,
            path,
            phase.name(),
            times.count().cast_signed(),
            milliseconds(times),
            quantile(0.5),
            quantile(0.95),
            quantile(0.99),
            bounds_ms(),
            numbers(&times.cumulative()),
        )
    };
    let of = |(labels, counts): &(Labels, Counts)| {
        let timed = TIMED.iter().zip(&counts.times).filter(|(_, times)| times.count() > 0);
        timed.map(|(phase, times)| row(labels, phase, times)).collect::<Vec<_>>()
    };
    argument::rows(read.label_sets.iter().flat_map(of).collect())
}

/// Begins to count from zero.
#[pg_extern(sql = false)]
fn native_stat_reset() -> bool {
    stat::reset()
}
