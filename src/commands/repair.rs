//! Mending one booking: planned from what it says of itself, done under its locks, written into its history.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Call, CallEnd};
use crate::rules::Id;
use crate::rules::attempt::function::{Function, Path};
use crate::rules::attempt::phase::Phase;
use crate::rules::json::Json;
use crate::rules::reconcile::finding::{self, Finding, catalogue::FindingKind, record::BookingRecord};
use crate::rules::refusal;
use crate::rules::refusal::failure::{Collision, Failure};
use crate::rules::refusal::outcome::Outcome;
use crate::rules::repair::step::RepairStep;
use crate::rules::repair::{self, Planned};
use crate::store::Store;
use crate::telemetry::recording::AttemptSubject;

/// What one repair depends on another shows only when that is done; no booking needs as many looks.
const LOOKS: usize = 5;

/// One row of the plan, or of what was done.
pub struct Repaired {
    pub finding: Finding,
    /// `planned`, `done`, or `person`.
    pub action: &'static str,
    pub step: Option<RepairStep>,
}

/// Plans the repair of a booking, and does it unless it is only asked for.
pub fn repair(
    store: &Store,
    booking: Option<Id>,
    findings: Option<Vec<Option<String>>>,
    dry_run: bool,
) -> Result<Vec<Repaired>, Failure> {
    if !dry_run {
        return repaired(Call::begin(store, Function::Repair), booking, findings);
    }
    let id = booking.ok_or_else(|| refusal::booking_not_found(None))?;
    let wanted = repair::wanted(findings)?;
    let record = read(store, id)?;
    let plan = repair::plan(&record, finding::decide(&record), &wanted);
    Ok(plan.into_iter().map(|planned| shown(planned, "planned")).collect())
}

/// What the owner's policy says, after a scan.
pub fn by_policy(store: &Store, booking: Id, findings: Vec<Option<String>>) -> Result<Vec<Repaired>, Failure> {
    repaired(Call::on_path(store, Function::Repair, Path::Background), Some(booking), Some(findings))
}

fn repaired(call: Call, booking: Option<Id>, findings: Option<Vec<Option<String>>>) -> Result<Vec<Repaired>, Failure> {
    let ended = |_: &Vec<Repaired>| CallEnd::Written(Outcome::Repaired, None);
    call.run(ended, |call| {
        call.is_about(&AttemptSubject { booking, ..AttemptSubject::default() });
        let id = booking.ok_or_else(|| refusal::booking_not_found(None))?;
        repair_in_steps(call, id, &repair::wanted(findings)?)
    })
}

fn repair_in_steps(call: &Call, id: Id, wanted: &[FindingKind]) -> Result<Vec<Repaired>, Failure> {
    let store = call.store;
    call.reach(Phase::BookingLock);
    call.is_at(lock(store, id)?);
    let mut done = Vec::new();
    for look in 1..=LOOKS {
        call.reach(Phase::Decide);
        let record = read(store, id)?;
        let plan = repair::plan(&record, finding::decide(&record), wanted);
        let last = look == LOOKS || plan.iter().all(|planned| planned.step.is_none());
        if last {
            done.extend(plan.into_iter().map(|planned| shown(planned, "person")));
            break;
        }
        let steps: Vec<Planned> = plan.into_iter().filter(|planned| planned.step.is_some()).collect();
        call.reach(Phase::Apply);
        apply(store, &record, &steps)?;
        done.extend(steps.into_iter().map(|planned| shown(planned, "done")));
    }
    Ok(done)
}

fn shown(planned: Planned, action: &'static str) -> Repaired {
    let action = if planned.step.is_some() { action } else { "person" };
    Repaired { finding: planned.finding, action, step: planned.step }
}

fn read(store: &Store, booking: Id) -> Result<BookingRecord, Failure> {
    let record = store.drift_read(booking, store.clock())?;
    Ok(record.ok_or_else(|| refusal::booking_not_found(Some(booking)))?)
}

/// The documented order: the booking, its holds, its tables and those of its allocations. Returns the restaurant.
fn lock(store: &Store, booking: Id) -> Result<Id, Failure> {
    let restaurant = store.booking_lock(booking)?.ok_or_else(|| refusal::booking_not_found(Some(booking)))?.restaurant;
    store.holds_lock(Some(booking), None)?;
    let record = read(store, booking)?;
    let tables: BTreeSet<Id> = record.table_allocations().map(|allocation| allocation.resource_id).collect();
    store.tables_lock(Some(booking), None, &tables.into_iter().collect::<Vec<Id>>())?;
    Ok(restaurant)
}

/// Writes the steps of one look, and one entry of the history that holds every row as it was.
fn apply(store: &Store, record: &BookingRecord, plan: &[Planned]) -> Result<(), Failure> {
    let (booking, now) = (record.booking.id, store.clock());
    let steps: Vec<&RepairStep> = plan.iter().filter_map(|planned| planned.step.as_ref()).collect();
    let tables: Vec<Id> = record.assignments.iter().map(|assignment| assignment.table).collect();
    let collision = Collision { booking, tables: &tables, key: None, schema: store.schema() };
    let changes =
        store.repair_apply(booking, &repair::by_name(record, &steps), now).map_err(|failure| match failure {
            Failure::Server(error) => collision.decide(*error),
            other => other,
        })?;
    let findings: Vec<&str> = plan.iter().map(|planned| planned.finding.kind.entry().name).collect();
    let words: Vec<Value> = steps.iter().map(|step| json!({"step": step.name(), "with": step.json()})).collect();
    let (findings, words) = (json!(findings).into(), json!(words).into());
    let metadata = Json::object([("findings", findings), ("steps", words), ("changes", Json::array(changes))]);
    let to = steps.iter().find_map(|step| match step {
        RepairStep::Advance { to } => Some(to.as_str()),
        _ => None,
    });
    let from = repair::history_from(record, &steps);
    let entry = (from.as_str(), to.unwrap_or(&record.booking.status));
    let at = repair::history_at(record, now);
    let written = store.repair_record(booking, entry, to.is_some(), metadata, at)?;
    super::assert_written("Repair", &[1], &[written as i64])?;
    super::refresh(store, &repair::touched(record, &steps))
}
