//! The catalogues, for the views `holdfast.outcomes` and `holdfast.findings`.

use pgrx::prelude::*;

use super::argument;
use crate::rules::reconcile::finding::catalogue::FINDINGS;
use crate::rules::refusal::outcome::CATALOGUE;

/// Every outcome that a call can come to.
#[pg_extern(sql = false)]
fn native_outcome_catalogue() -> TableIterator<
    'static,
    (
        name!(name, &'static str),
        name!(code, &'static str),
        name!(sqlstate, &'static str),
        name!(disposition, &'static str),
        name!(sentence, &'static str),
        name!(advice, &'static str),
        name!(http_status, i32),
    ),
> {
    let row = |entry: &crate::rules::refusal::outcome::OutcomeEntry| {
        let disposition = entry.disposition.name();
        (entry.name, entry.code, entry.sqlstate, disposition, entry.sentence, entry.advice, entry.http_status)
    };
    argument::rows(CATALOGUE.iter().map(row).collect())
}

/// Every finding of a reconciliation.
#[pg_extern(sql = false)]
fn native_finding_catalogue() -> TableIterator<
    'static,
    (
        name!(name, &'static str),
        name!(code, &'static str),
        name!(severity, &'static str),
        name!(promise, &'static str),
        name!(sentence, &'static str),
        name!(repair, &'static str),
    ),
> {
    let row = |entry: &crate::rules::reconcile::finding::catalogue::FindingEntry| {
        (entry.name, entry.code, entry.severity.name(), entry.promise, entry.sentence, entry.repair)
    };
    argument::rows(FINDINGS.iter().map(row).collect())
}
