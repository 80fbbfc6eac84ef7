//! Shadow mode: what the original functions and ours did not agree on.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::argument::{self, Jsonb, TimestampTz};
use super::native_rows;
use crate::commands::Work;
use crate::commands::shadow::{self, Number, Reported, ShadowCounts};

/// The name of the row for disagreements that show no known fault.
const OTHER: (&str, &str) = ("other", "The two do not agree, and it is none of the known faults.");

/// Every known fault, how often it was seen, and what doctor says of it.
#[pg_extern(sql = false)]
fn native_shadow_report(
    p_schema: Option<pg_sys::Oid>,
) -> TableIterator<
    'static,
    (
        name!(fault, &'static str),
        name!(what, &'static str),
        name!(found_by, Vec<&'static str>),
        name!(seen, i64),
        name!(first_seen, Option<TimestampTz>),
        name!(last_seen, Option<TimestampTz>),
        name!(example, Option<Jsonb>),
        name!(findings, Vec<String>),
    ),
> {
    let row = |reported: Reported| {
        let (fault, what) = reported.fault.map_or(OTHER, |fault| (fault.name(), fault.sentence()));
        let found_by = reported.found_by();
        let seen = reported.seen;
        (
            fault,
            what,
            found_by,
            seen.as_ref().map_or(0, |seen| seen.count.into()),
            seen.as_ref().and_then(|seen| seen.first).map(|at| at.0),
            seen.as_ref().and_then(|seen| seen.last).map(|at| at.0),
            seen.and_then(|seen| seen.example).map(Jsonb),
            reported.findings,
        )
    };
    native_rows(p_schema, Work::Restricted, shadow::report, row)
}

/// How often the two agreed, by schema of this database.
#[pg_extern(sql = false)]
fn native_shadow_counts() -> TableIterator<
    'static,
    (
        name!(schema_id, pg_sys::Oid),
        name!(judged, i64),
        name!(agreed, i64),
        name!(disagreed, i64),
        name!(undecided, i64),
        name!(skipped, i64),
        name!(failed, i64),
        name!(lost, i64),
    ),
> {
    let row = |counts: ShadowCounts| {
        (
            pg_sys::Oid::from_u32(counts.schema),
            counts.of(Number::StepResult),
            counts.of(Number::Agreed),
            counts.of(Number::Disagreed),
            counts.of(Number::Undecided),
            counts.of(Number::Skipped),
            counts.of(Number::Failed),
            counts.of(Number::Lost),
        )
    };
    argument::rows(shadow::counts().into_iter().map(row).collect())
}
