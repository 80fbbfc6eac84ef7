//! Tables and allocations: each half with its other half, for one window, and nobody else on them.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::catalogue::FindingKind;
use super::record::{AllocationRecord, AssignmentRecord, Basis, BookingRecord, Rival};
use crate::rules::Id;
use crate::rules::booking::table::Resource;
use crate::rules::booking::window::{Instant, Window};

pub fn decide(record: &BookingRecord) -> Vec<Finding> {
    let mut findings = tenants(record);
    findings.extend(status_of_tables(record));
    if record.is_over() {
        // Assignments of a booking that is over are the record of who sat where.
        findings.extend(left_behind(record));
        return findings;
    }
    findings.extend(record.assignments.iter().flat_map(|assignment| allocated(record, assignment)));
    findings.extend(record.assignments.iter().filter_map(|assignment| in_time(record, assignment)));
    findings.extend(unassigned(record));
    findings.extend(groups(record));
    findings.extend(rivals(record));
    findings.extend(neighbours(record));
    if record.is_confirm_target() && !record.is_seated_later && record.assignments.is_empty() {
        let detail = format!("Status {}, no assignment", record.booking.status);
        findings.push(Finding::new(FindingKind::ConfirmedWithoutTables, detail).row("bookings", record.booking.id));
    }
    findings
}

/// A table and its allocation, for one window.
fn allocated(record: &BookingRecord, assignment: &AssignmentRecord) -> Option<Finding> {
    let Some(allocation) = record.allocation_of(assignment) else {
        let detail = format!("Table {} is not allocated", assignment.table);
        return Some(
            Finding::new(FindingKind::AssignmentWithoutAllocation, detail)
                .row(ASSIGNMENTS, assignment.id)
                .about(assignment.id),
        );
    };
    if allocation.window == assignment.window {
        return None;
    }
    let detail = format!(
        "Table {} is assigned for {} and allocated for {}",
        assignment.table,
        shown(assignment.window),
        shown(allocation.window)
    );
    let finding = Finding::new(FindingKind::WindowDiffersFromAllocation, detail);
    Some(finding.row(ASSIGNMENTS, assignment.id).row(ALLOCATIONS, allocation.id).about(assignment.id))
}

/// A table at the booking's time. A confirm may ask for another window, but for one that meets the booking's.
fn in_time(record: &BookingRecord, assignment: &AssignmentRecord) -> Option<Finding> {
    let (own, window) = (record.window()?, assignment.window?);
    let kind = match (own == window, own.overlaps(window)) {
        (true, _) => return None,
        (false, true) if record.basis_of(assignment) == Some(Basis::Derived) => FindingKind::WindowLeftBehind,
        (false, true) => FindingKind::WindowDiffersFromBooking,
        (false, false) => FindingKind::WindowOutsideBooking,
    };
    let detail = format!("Table {} is assigned for {window}, the booking's window is {own}", assignment.table);
    Some(
        Finding::new(kind, detail)
            .row("bookings", record.booking.id)
            .row(ASSIGNMENTS, assignment.id)
            .about(assignment.id),
    )
}

fn unassigned(record: &BookingRecord) -> Vec<Finding> {
    let lonely = record.table_allocations().filter(|allocation| record.assignment_on(allocation.resource_id).is_none());
    lonely
        .map(|allocation| {
            let detail = format!("Table {} is allocated for {}", allocation.resource_id, shown(allocation.window));
            Finding::new(FindingKind::AllocationWithoutAssignment, detail)
                .row(ALLOCATIONS, allocation.id)
                .about(allocation.id)
        })
        .collect()
}

/// What a booking that is over still keeps from others, in a time to come.
fn left_behind(record: &BookingRecord) -> Vec<Finding> {
    let ends_later = |allocation: &&AllocationRecord| allocation.window.is_none_or(|window| window.end() > record.now);
    record
        .table_allocations()
        .filter(ends_later)
        .map(|allocation| {
            let detail = format!(
                "Status {}, and table {} is allocated for {}",
                record.booking.status,
                allocation.resource_id,
                shown(allocation.window)
            );
            Finding::new(FindingKind::AllocationOfEndedBooking, detail)
                .row(ALLOCATIONS, allocation.id)
                .about(allocation.id)
        })
        .collect()
}

/// Several tables are one group with an allocation of its own; a group of one is none.
fn groups(record: &BookingRecord) -> Vec<Finding> {
    let mut members: BTreeMap<Id, Vec<&AssignmentRecord>> = BTreeMap::new();
    for assignment in &record.assignments {
        if let Some(group) = assignment.merge_group {
            members.entry(group).or_default().push(assignment);
        }
    }
    let allocations: BTreeMap<Id, &AllocationRecord> = record
        .allocations
        .iter()
        .filter(|allocation| allocation.resource == Resource::MergeGroup)
        .map(|allocation| (allocation.resource_id, allocation))
        .collect();
    let known: BTreeSet<Id> = members.keys().chain(allocations.keys()).copied().collect();
    known
        .into_iter()
        .filter_map(|group| {
            let assignments = members.get(&group).map(Vec::as_slice).unwrap_or_default();
            let allocation = allocations.get(&group);
            let (kind, detail) = match (assignments.len(), allocation) {
                (0 | 1, _) => (
                    FindingKind::MergeGroupIncomplete,
                    format!("Group {group} has {} of its tables", assignments.len()),
                ),
                (_, None) => {
                    (FindingKind::MergeGroupWithoutAllocation, format!("Group {group} of {} tables", assignments.len()))
                }
                _ => return None,
            };
            let finding = assignments
                .iter()
                .fold(Finding::new(kind, detail), |finding, assignment| finding.row(ASSIGNMENTS, assignment.id));
            let finding =
                allocation.iter().fold(finding, |finding, allocation| finding.row(ALLOCATIONS, allocation.id));
            Some(finding.about(group))
        })
        .collect()
}

/// Others on the booking's tables, at the booking's times; once for each of them and table.
fn rivals(record: &BookingRecord) -> Vec<Finding> {
    let mut seen: BTreeSet<(Option<Id>, Id)> = BTreeSet::new();
    let live = record.rivals.iter().filter(|rival| !rival.released);
    live.filter(|rival| seen.insert((rival.owner, rival.table)))
        .map(|rival| {
            let owner = rival.owner.map_or_else(|| "maintenance".to_owned(), |owner| format!("booking {owner}"));
            let detail = format!("Table {} is also taken by {owner} in window {}", rival.table, shown(rival.window));
            let table = if rival.is_allocation { ALLOCATIONS } else { ASSIGNMENTS };
            Finding::new(FindingKind::DoubleBooked, detail).row(table, rival.id).about(rival.table)
        })
        .collect()
}

/// Others at the booking's tables while it takes place there, though the tables are assigned for other times.
fn neighbours(record: &BookingRecord) -> Vec<Finding> {
    let meets = |assignment: &AssignmentRecord, other: Option<Window>| {
        record.time_at(assignment).zip(other).is_some_and(|(time, other)| time.overlaps(other))
    };
    let here = |rival: &&Rival| {
        record.is_live() && record.assignment_on(rival.table).is_some_and(|assignment| meets(assignment, rival.window))
    };
    let found = record.neighbours.iter().filter(here).map(|rival| {
        let owner = rival.owner.unwrap_or_default();
        let detail = format!("At table {} booking {owner} takes place in window {}", rival.table, shown(rival.window));
        Finding::new(FindingKind::BookingsOverlap, detail).row(ASSIGNMENTS, rival.id).about(rival.table)
    });
    found.collect()
}

fn tenants(record: &BookingRecord) -> Vec<Finding> {
    let home = record.booking.restaurant;
    let assignments = record.assignments.iter().filter(|assignment| assignment.foreign).map(|assignment| {
        let detail = format!("Table {} belongs to another restaurant than the booking", assignment.table);
        Finding::new(FindingKind::OtherTenant, detail).row(ASSIGNMENTS, assignment.id).about(assignment.id)
    });
    let allocations = record.allocations.iter().filter(|allocation| allocation.restaurant != home).map(|allocation| {
        let detail =
            format!("Allocation {} is of restaurant {}, the booking of {home}", allocation.id, allocation.restaurant);
        Finding::new(FindingKind::OtherTenant, detail).row(ALLOCATIONS, allocation.id).about(allocation.id)
    });
    let holds = record.holds.iter().filter(|hold| hold.restaurant != home || hold.foreign_member).map(|hold| {
        let detail = format!("Hold {} or one of its tables is of another restaurant than the booking", hold.id);
        Finding::new(FindingKind::OtherTenant, detail).row("table_holds", hold.id).about(hold.id)
    });
    assignments.chain(allocations).chain(holds).collect()
}

fn status_of_tables(record: &BookingRecord) -> Vec<Finding> {
    let marked = record.assignments.iter().filter(|assignment| assignment.status_unexplained);
    marked
        .map(|assignment| {
            let detail = format!("Table {} is marked as in use", assignment.table);
            Finding::new(FindingKind::TableStatusUnexplained, detail)
                .row("table_inventory", assignment.table)
                .about(assignment.table)
        })
        .collect()
}

const ASSIGNMENTS: &str = "booking_table_assignments";
const ALLOCATIONS: &str = "allocations";

fn shown(window: Option<Window>) -> String {
    let unusable = || format!("{} to {}", Instant::NEVER, Instant::FOREVER);
    window.map_or_else(unusable, |window| window.to_string())
}
