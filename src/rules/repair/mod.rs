//! What may be done about a finding, where the facts decide; the rest is for a person.
//!
//! A repair completes what one booking says of itself, or drops what nothing of it stands for. It never takes a table
//! from a booking that has it.

pub mod backfill;
pub mod step;

use serde_json::{Value, json};

use crate::rules::Id;
use crate::rules::booking::table::Resource;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::event::outbox::{self, Tables};
use crate::rules::hold::HoldEnd;
use crate::rules::reconcile::finding::Finding;
use crate::rules::reconcile::finding::catalogue::{FINDINGS, FindingKind};
use crate::rules::reconcile::finding::record::{AllocationRecord, Answered, AssignmentRecord, BookingRecord};
use crate::rules::refusal::{self, Refusal};
use crate::rules::repair::step::{RepairStep, merged};

/// What is to be done about one finding. No step: a person decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub finding: Finding,
    pub step: Option<RepairStep>,
}

/// The steps as the statements take them: by name, each with its values. A hold that is closed without its tables
/// becoming the booking's is told to others.
#[must_use]
pub fn by_name(record: &BookingRecord, steps: &[&RepairStep]) -> Value {
    let mut named = serde_json::Map::new();
    for step in steps {
        let event = match step {
            RepairStep::CloseHold { hold, end: HoldEnd::Cancelled | HoldEnd::Expired } => {
                let booking = &record.booking;
                let event = outbox::hold_released(Some(booking.id), booking.restaurant, *hold, None);
                json!({"event": {"dedupe_key": event.dedupe_key, "payload": event.payload.value()}})
            }
            _ => json!({}),
        };
        let list = named.entry(step.name()).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(merged(step.json(), event));
        }
    }
    Value::Object(named)
}

/// The status that the repair's entry of the history leads away from: the last that it knows, where it differed.
#[must_use]
pub fn history_from(record: &BookingRecord, steps: &[&RepairStep]) -> String {
    let moves = record.history.iter().filter(|entry| entry.from.as_ref() != Some(&entry.to));
    let recorded = moves.max_by_key(|entry| entry.at).map(|entry| entry.to.clone());
    let differed = steps.iter().any(|step| matches!(step, RepairStep::RecordHistory));
    recorded
        .filter(|recorded| differed && *recorded != record.booking.status)
        .unwrap_or_else(|| record.booking.status.clone())
}

/// When the repair's entry of the history was: now, but not before the entries that others wrote by faster clocks, or it
/// would not be the last.
#[must_use]
pub fn history_at(record: &BookingRecord, now: Instant) -> Instant {
    record.history.iter().map(|entry| entry.at).fold(now, Instant::max)
}

/// The tables whose status of now may change with the repair; all of them are locked.
#[must_use]
pub fn touched(record: &BookingRecord, steps: &[&RepairStep]) -> Vec<Id> {
    let now = |window: Option<Window>| window.is_some_and(|window| window.contains(record.now));
    let marked = steps.iter().filter_map(|step| match step {
        RepairStep::Refresh { table } => Some(*table),
        _ => None,
    });
    let assignments =
        record.assignments.iter().filter(|assignment| now(assignment.window)).map(|assignment| assignment.table);
    let allocations =
        record.table_allocations().filter(|allocation| now(allocation.window)).map(|allocation| allocation.resource_id);
    let mut tables: Vec<Id> = marked.chain(assignments).chain(allocations).collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}

/// The findings that a caller wants mended, by name or code; None: all.
pub fn wanted(names: Option<Vec<Option<String>>>) -> Result<Vec<FindingKind>, Refusal> {
    let Some(names) = names else { return Ok(FINDINGS.iter().map(|entry| entry.kind).collect()) };
    let known = |name: Option<String>| {
        let name = name.unwrap_or_else(|| "<NULL>".to_owned());
        FindingKind::named(&name).ok_or_else(|| {
            refusal::argument_invalid(format!("repair_booking does not know the finding {name}"))
                .detail("holdfast.findings lists them")
        })
    };
    names.into_iter().map(known).collect()
}

/// What is to be done, in an order that never undoes itself. What depends on an earlier step waits for the next look.
#[must_use]
pub fn plan(record: &BookingRecord, findings: Vec<Finding>, wanted: &[FindingKind]) -> Vec<Planned> {
    let findings: Vec<Finding> = findings.into_iter().filter(|finding| wanted.contains(&finding.kind)).collect();
    let first: Vec<Planned> = findings
        .into_iter()
        .map(|finding| {
            let step = step(record, &finding);
            Planned { finding, step }
        })
        .collect();
    let assignments = first.iter().any(|planned| matches!(planned.step, Some(RepairStep::AssignTable { .. })));
    let advances = first.iter().any(|planned| matches!(planned.step, Some(RepairStep::Advance { .. })));
    let moves = |assignment: Option<Id>| {
        first.iter().any(
            |planned| matches!(&planned.step, Some(RepairStep::MoveAssignment { assignment: moved, .. }) if Some(*moved) == assignment),
        )
    };
    let waits = |planned: &Planned| match planned.finding.kind {
        FindingKind::WindowOutsideBooking | FindingKind::WindowDiffersFromBooking | FindingKind::WindowLeftBehind => {
            moves(planned.finding.subject)
        }
        FindingKind::ConfirmedWithoutTables
        | FindingKind::MergeGroupIncomplete
        | FindingKind::LedgerSaysConfirmed
        | FindingKind::PartyExceedsTables => assignments,
        FindingKind::HistoryDiffers => advances,
        _ => false,
    };
    first.iter().filter(|planned| !waits(planned)).cloned().collect()
}

fn step(record: &BookingRecord, finding: &Finding) -> Option<RepairStep> {
    let subject = finding.subject.unwrap_or_default();
    match finding.kind {
        FindingKind::AssignmentWithoutAllocation => allocate_table(record, assignment(record, subject)?),
        FindingKind::AllocationWithoutAssignment => settle_allocation(record, allocation(record, subject)?),
        FindingKind::WindowDiffersFromAllocation => agree_on_window(record, assignment(record, subject)?),
        FindingKind::LedgerSaysConfirmed => advance(record),
        FindingKind::AnswerMissing => bind(record, finding.key.as_deref()?),
        FindingKind::HistoryDiffers => Some(RepairStep::RecordHistory),
        FindingKind::EventMissing => emit(record, finding.key.as_deref()?),
        FindingKind::HoldOpenAfterConfirmation => {
            Some(RepairStep::CloseHold { hold: subject, end: HoldEnd::Confirmed })
        }
        FindingKind::HoldWithoutWindow | FindingKind::HoldWithoutTables => {
            Some(RepairStep::CloseHold { hold: subject, end: HoldEnd::Cancelled })
        }
        FindingKind::HoldPastDeadline => Some(RepairStep::CloseHold { hold: subject, end: HoldEnd::Expired }),
        FindingKind::MirrorWithoutHold | FindingKind::AllocationOfEndedBooking => {
            Some(RepairStep::DeleteAllocations(vec![subject]))
        }
        FindingKind::MergeGroupIncomplete => Some(dissolve(record, subject)),
        FindingKind::MergeGroupWithoutAllocation => allocate_group(record, subject),
        FindingKind::TableStatusUnexplained => Some(RepairStep::Refresh { table: subject }),
        // A person decides: two bookings, two restaurants, a key given up, or what the floor is to be.
        _ => None,
    }
}

fn assignment(record: &BookingRecord, id: Id) -> Option<&AssignmentRecord> {
    record.assignments.iter().find(|assignment| assignment.id == id)
}

fn allocation(record: &BookingRecord, id: Id) -> Option<&AllocationRecord> {
    record.allocations.iter().find(|allocation| allocation.id == id)
}

/// Is the table free of others in this window? Then the allocations of bookings that are over, which have to make room.
fn room(record: &BookingRecord, table: Id, window: Window) -> Option<Vec<Id>> {
    let meets = |other: Option<Window>| other.is_none_or(|other| other.overlaps(window));
    let here: Vec<_> = record.rivals.iter().filter(|rival| rival.table == table && meets(rival.window)).collect();
    let free = here.iter().all(|rival| rival.released);
    free.then(|| here.iter().filter(|rival| rival.is_allocation).map(|rival| rival.id).collect())
}

fn allocate_table(record: &BookingRecord, assignment: &AssignmentRecord) -> Option<RepairStep> {
    let window = assignment.window.filter(|_| !assignment.foreign)?;
    Some(RepairStep::AllocateTable { table: assignment.table, window, frees: room(record, assignment.table, window)? })
}

/// The answers that count: from the last confirm on, which set the tables anew.
fn standing(record: &BookingRecord) -> impl DoubleEndedIterator<Item = &Answered> {
    let from = record.answers.iter().rposition(|answer| answer.outcome == "confirmed").unwrap_or(0);
    record.answers.iter().skip(from).filter(|answer| answer.is_success())
}

/// The last answer that gave this table.
fn answer_of(record: &BookingRecord, table: Id) -> Option<&Answered> {
    standing(record).rev().find(|answer| answer.tables.contains(&table))
}

/// An allocation without its table: the last answers decide which half is wrong.
fn settle_allocation(record: &BookingRecord, allocation: &AllocationRecord) -> Option<RepairStep> {
    let table = allocation.resource_id;
    let answer = answer_of(record, table).filter(|answer| answer.window == allocation.window);
    let only_one = record.is_confirm_target() && record.assignments.is_empty();
    if answer.is_some() || only_one {
        let window = allocation.window?;
        room(record, table, window)?;
        let groups = record.allocations.iter().filter(|group| group.resource == Resource::MergeGroup);
        let group = groups.into_iter().find(|group| group.window == allocation.window).map(|group| group.resource_id);
        return Some(RepairStep::AssignTable { table, window, group, key: answer.map(|answer| answer.key.clone()) });
    }
    standing(record).next().map(|_| RepairStep::DeleteAllocations(vec![allocation.id]))
}

/// Two windows of one table: the answer's counts, else the booking's.
fn agree_on_window(record: &BookingRecord, assignment: &AssignmentRecord) -> Option<RepairStep> {
    let allocation = record.allocation_of(assignment)?;
    let truth = answer_of(record, assignment.table).map_or_else(|| record.window(), |answer| answer.window)?;
    if assignment.window == Some(truth) {
        return Some(RepairStep::MoveAllocation {
            allocation: allocation.id,
            window: truth,
            frees: room(record, assignment.table, truth)?,
        });
    }
    (allocation.window == Some(truth))
        .then_some(RepairStep::MoveAssignment { assignment: assignment.id, window: truth })
}

/// The answer's tables all stand, so only the status was left behind; it moves where a declared move leads.
fn advance(record: &BookingRecord) -> Option<RepairStep> {
    let answer = record.last_confirm()?;
    let stands = |table: &Id| {
        record.assignment_on(*table).is_some_and(|assignment| {
            assignment.window == answer.window
                && record.allocation_of(assignment).is_some_and(|allocation| allocation.window == assignment.window)
        })
    };
    let targets = || record.statuses.iter().filter(|rule| rule.is_confirm_target).map(|rule| rule.status.as_str());
    let recorded = record.history.iter().rev().map(|entry| entry.to.as_str()).find(|to| targets().any(|t| t == *to));
    let to = recorded.or_else(|| targets().next().filter(|_| targets().count() == 1))?;
    let declared = record.moves.iter().any(|(from, next)| *from == record.booking.status && next == to);
    let whole = !answer.tables.is_empty() && answer.tables.iter().all(stands);
    (whole && declared).then(|| RepairStep::Advance { to: to.to_owned() })
}

fn bind(record: &BookingRecord, key: &str) -> Option<RepairStep> {
    let mut assignments: Vec<&AssignmentRecord> =
        record.assignments.iter().filter(|assignment| assignment.key.as_deref() == Some(key)).collect();
    assignments.sort_unstable_by_key(|assignment| assignment.table);
    let window = one_window(&assignments)?;
    Some(RepairStep::Bind {
        key: key.to_owned(),
        tables: assignments.iter().map(|assignment| assignment.table).collect(),
        assignments: assignments.iter().map(|assignment| assignment.id).collect(),
        window,
        group: assignments.first().and_then(|assignment| assignment.merge_group),
    })
}

fn one_window(assignments: &[&AssignmentRecord]) -> Option<Window> {
    let window = assignments.first()?.window?;
    assignments.iter().all(|assignment| assignment.window == Some(window)).then_some(window)
}

fn emit(record: &BookingRecord, key: &str) -> Option<RepairStep> {
    let answer = record.answers.iter().find(|answer| answer.key == key)?;
    let booking = &record.booking;
    let assignment = record.assignments.iter().find(|assignment| assignment.key.as_deref() == Some(key));
    let event = outbox::tables_changed(&Tables {
        booking: booking.id,
        restaurant: booking.restaurant,
        tables: &answer.tables,
        freed: &[],
        window: Some(answer.window?),
        merge_group: assignment.and_then(|assignment| assignment.merge_group),
        status: &booking.status,
        key: Some(key),
    });
    Some(RepairStep::Emit { key: key.to_owned(), dedupe_key: event.dedupe_key, payload: event.payload.value() })
}

fn dissolve(record: &BookingRecord, group: Id) -> RepairStep {
    let assignments = record
        .assignments
        .iter()
        .filter(|assignment| assignment.merge_group == Some(group))
        .map(|assignment| assignment.id);
    let of_group =
        |allocation: &&AllocationRecord| allocation.resource == Resource::MergeGroup && allocation.resource_id == group;
    RepairStep::Dissolve {
        assignments: assignments.collect(),
        allocations: record.allocations.iter().filter(of_group).map(|allocation| allocation.id).collect(),
    }
}

fn allocate_group(record: &BookingRecord, group: Id) -> Option<RepairStep> {
    let assignments: Vec<&AssignmentRecord> =
        record.assignments.iter().filter(|assignment| assignment.merge_group == Some(group)).collect();
    Some(RepairStep::AllocateGroup { group, window: one_window(&assignments)? })
}
