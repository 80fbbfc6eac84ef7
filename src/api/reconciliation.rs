//! What about a booking does not agree, and its repair.

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};
use serde_json::{Value, json};

use super::argument::{self, Jsonb};
use super::native::{CommandResult, answered, answered_look, native_functions};
use super::{contract, contract_look, native, native_look};
use crate::commands::audit::audit;
use crate::commands::backfill::{Backfilled, backfill};
use crate::commands::reconcile::reconcile;
use crate::commands::repair::{Repaired, repair};
use crate::commands::upkeep::scan_commits::{Mismatch, verify};
use crate::rules::refusal::outcome::Outcome;
use crate::rules::repair::step::RepairStep;

/// A booking's status, how its tables stand, and what does not agree.
#[pg_extern(sql = false)]
fn contract_reconcile_booking(
    p_booking_id: Option<Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TableIterator<'static, (name!(booking_state, String), name!(assignment_state, &'static str), name!(findings, Jsonb))>
{
    let found = contract_look(fcinfo, |store| reconcile(store, argument::id(p_booking_id)));
    argument::rows(vec![(found.booking_state, found.assignment_state, Jsonb(found.findings.into()))])
}

/// The plan of a repair, or what it did.
#[pg_extern(sql = false)]
fn contract_repair_booking(
    p_booking_id: Option<Uuid>,
    p_findings: Option<Vec<Option<String>>>,
    p_dry_run: Option<bool>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TableIterator<
    'static,
    (
        name!(finding, &'static str),
        name!(severity, &'static str),
        name!(action, &'static str),
        name!(step, Option<&'static str>),
        name!(detail, String),
        name!(changes, Option<Jsonb>),
    ),
> {
    let rows =
        contract(fcinfo, |store| repair(store, argument::id(p_booking_id), p_findings, p_dry_run.unwrap_or(true)));
    let row = |row: Repaired| {
        let entry = row.finding.kind.entry();
        let step = row.step.as_ref();
        let changes = step.map(|step| Jsonb(step.json().into()));
        (entry.name, entry.severity.name(), row.action, step.map(RepairStep::name), row.finding.detail, changes)
    };
    argument::rows(rows.into_iter().map(row).collect())
}

/// The certificate of a schema.
#[pg_extern(sql = false)]
fn native_audit(p_schema: Option<pg_sys::Oid>) -> Jsonb {
    Jsonb(native_look(p_schema, audit).into())
}

/// One batch of commits, looked at again.
#[pg_extern(sql = false)]
fn native_verify_commits(
    p_schema: Option<pg_sys::Oid>,
    p_batch: Option<i32>,
) -> TableIterator<
    'static,
    (name!(booking_id, Uuid), name!(findings, Vec<&'static str>), name!(repaired, bool), name!(detail, String)),
> {
    let (_, rows) = native(p_schema, |store| verify(store, p_batch));
    let row = |row: Mismatch| {
        let names = row.findings.iter().map(|finding| finding.kind.entry().name).collect();
        let details: Vec<&str> = row.findings.iter().map(|finding| finding.detail.as_str()).collect();
        (argument::uuid(row.booking), names, row.repaired, details.join("; "))
    };
    argument::rows(rows.into_iter().map(row).collect())
}

/// What live bookings from before adoption lack, or got.
#[pg_extern(sql = false)]
fn native_backfill(
    p_schema: Option<pg_sys::Oid>,
    p_dry_run: Option<bool>,
) -> TableIterator<
    'static,
    (
        name!(booking_id, Uuid),
        name!(finding, &'static str),
        name!(severity, &'static str),
        name!(action, &'static str),
        name!(step, Option<&'static str>),
        name!(detail, String),
    ),
> {
    let rows = native(p_schema, |store| backfill(store, p_dry_run.unwrap_or(true)));
    let row = |Backfilled { booking, row }: Backfilled| {
        let (entry, step) = (row.finding.kind.entry(), row.step.as_ref());
        let booking = argument::uuid(booking);
        (booking, entry.name, entry.severity.name(), row.action, step.map(RepairStep::name), row.finding.detail)
    };
    argument::rows(rows.into_iter().map(row).collect())
}

native_functions! {
    /// The native form of `reconcile_booking`.
    fn native_reconcile_booking(p_schema: Option<pg_sys::Oid>, p_booking_id: Option<Uuid>) {
        answered_look(p_schema, None, |store| {
            let found = reconcile(store, argument::id(p_booking_id))?;
            Ok(CommandResult::now(
                Outcome::Reconciled,
                json!({
                    "booking_state": found.booking_state, "assignment_state": found.assignment_state,
                    "findings": found.findings,
                }),
            ))
        })
    }

    /// The native form of `repair_booking`.
    fn native_repair_booking(
        p_schema: Option<pg_sys::Oid>,
        p_booking_id: Option<Uuid>,
        p_findings: Option<Vec<Option<String>>>,
        p_dry_run: Option<bool>,
    ) {
        answered(p_schema, None, |store| {
            let rows = repair(store, argument::id(p_booking_id), p_findings, p_dry_run.unwrap_or(true))?;
            Ok(CommandResult::now(Outcome::Repaired, rows.iter().map(planned).collect()))
        })
    }
}

fn planned(row: &Repaired) -> Value {
    let entry = row.finding.kind.entry();
    let step = row.step.as_ref();
    json!({
        "finding": entry.name, "severity": entry.severity.name(), "action": row.action, "step": step.map(RepairStep::name),
        "detail": row.finding.detail, "changes": step.map(RepairStep::json),
    })
}
