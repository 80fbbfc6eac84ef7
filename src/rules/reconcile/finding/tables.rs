//! Tables and claims: each half with its other half, for one window, and nobody else on them.

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
    findings.extend(record.seats.iter().flat_map(|seat| claimed(record, seat)));
    findings.extend(record.seats.iter().filter_map(|seat| in_time(record, seat)));
    findings.extend(unseated(record));
    findings.extend(groups(record));
    findings.extend(rivals(record));
    findings.extend(neighbours(record));
    if record.is_confirm_target() && record.seats.is_empty() {
        let detail = format!("Status {}, no assignment", record.booking.status);
        findings.push(Finding::new(FindingKind::ConfirmedWithoutTables, detail).row("bookings", record.booking.id));
    }
    findings
}

/// A table and its claim, for one window.
fn claimed(record: &BookingRecord, seat: &AssignmentRecord) -> Option<Finding> {
    let Some(claim) = record.claim_of(seat) else {
        let detail = format!("Table {} is not claimed", seat.table);
        return Some(Finding::new(FindingKind::AssignmentWithoutAllocation, detail).row(SEATS, seat.id).about(seat.id));
    };
    if claim.window == seat.window {
        return None;
    }
    let detail =
        format!("Table {} is assigned for {} and claimed for {}", seat.table, shown(seat.window), shown(claim.window));
    let finding = Finding::new(FindingKind::WindowDiffersFromAllocation, detail);
    Some(finding.row(SEATS, seat.id).row(CLAIMS, claim.id).about(seat.id))
}

/// A table at the booking's time. A confirm may ask for another window, but for one that meets the booking's.
fn in_time(record: &BookingRecord, seat: &AssignmentRecord) -> Option<Finding> {
    let (own, window) = (record.window()?, seat.window?);
    let kind = match (own == window, own.overlaps(window)) {
        (true, _) => return None,
        (false, true) if record.basis_of(seat) == Some(Basis::Derived) => FindingKind::WindowLeftBehind,
        (false, true) => FindingKind::WindowDiffersFromBooking,
        (false, false) => FindingKind::WindowOutsideBooking,
    };
    let detail = format!("Table {} is assigned for {window}, the booking's window is {own}", seat.table);
    Some(Finding::new(kind, detail).row("bookings", record.booking.id).row(SEATS, seat.id).about(seat.id))
}

fn unseated(record: &BookingRecord) -> Vec<Finding> {
    let lonely = record.table_claims().filter(|claim| record.seat_on(claim.resource_id).is_none());
    lonely
        .map(|claim| {
            let detail = format!("Table {} is claimed for {}", claim.resource_id, shown(claim.window));
            Finding::new(FindingKind::AllocationWithoutAssignment, detail).row(CLAIMS, claim.id).about(claim.id)
        })
        .collect()
}

/// What a booking that is over still keeps from others, in a time to come.
fn left_behind(record: &BookingRecord) -> Vec<Finding> {
    let ends_later = |claim: &&AllocationRecord| claim.window.is_none_or(|window| window.end() > record.now);
    record
        .table_claims()
        .filter(ends_later)
        .map(|claim| {
            let detail = format!(
                "Status {}, and table {} is claimed for {}",
                record.booking.status,
                claim.resource_id,
                shown(claim.window)
            );
            Finding::new(FindingKind::ClaimOfEndedBooking, detail).row(CLAIMS, claim.id).about(claim.id)
        })
        .collect()
}

/// Several tables are one group with a claim of its own; a group of one is none.
fn groups(record: &BookingRecord) -> Vec<Finding> {
    let mut members: BTreeMap<Id, Vec<&AssignmentRecord>> = BTreeMap::new();
    for seat in &record.seats {
        if let Some(group) = seat.merge_group {
            members.entry(group).or_default().push(seat);
        }
    }
    let claims: BTreeMap<Id, &AllocationRecord> = record
        .claims
        .iter()
        .filter(|claim| claim.resource == Resource::MergeGroup)
        .map(|claim| (claim.resource_id, claim))
        .collect();
    let known: BTreeSet<Id> = members.keys().chain(claims.keys()).copied().collect();
    known
        .into_iter()
        .filter_map(|group| {
            let seats = members.get(&group).map(Vec::as_slice).unwrap_or_default();
            let claim = claims.get(&group);
            let (kind, detail) = match (seats.len(), claim) {
                (0 | 1, _) => {
                    (FindingKind::MergeGroupIncomplete, format!("Group {group} has {} of its tables", seats.len()))
                }
                (_, None) => (FindingKind::MergeGroupUnclaimed, format!("Group {group} of {} tables", seats.len())),
                _ => return None,
            };
            let finding = seats.iter().fold(Finding::new(kind, detail), |finding, seat| finding.row(SEATS, seat.id));
            let finding = claim.iter().fold(finding, |finding, claim| finding.row(CLAIMS, claim.id));
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
            let table = if rival.is_claim { CLAIMS } else { SEATS };
            Finding::new(FindingKind::DoubleBooked, detail).row(table, rival.id).about(rival.table)
        })
        .collect()
}

/// Others at the booking's tables while it takes place there, though the tables are assigned for other times.
fn neighbours(record: &BookingRecord) -> Vec<Finding> {
    let meets = |seat: &AssignmentRecord, other: Option<Window>| {
        record.time_at(seat).zip(other).is_some_and(|(time, other)| time.overlaps(other))
    };
    let here =
        |rival: &&Rival| record.is_live() && record.seat_on(rival.table).is_some_and(|seat| meets(seat, rival.window));
    let found = record.neighbours.iter().filter(here).map(|rival| {
        let owner = rival.owner.unwrap_or_default();
        let detail = format!("At table {} booking {owner} takes place in window {}", rival.table, shown(rival.window));
        Finding::new(FindingKind::BookingsOverlap, detail).row(SEATS, rival.id).about(rival.table)
    });
    found.collect()
}

fn tenants(record: &BookingRecord) -> Vec<Finding> {
    let home = record.booking.restaurant;
    let seats = record.seats.iter().filter(|seat| seat.foreign).map(|seat| {
        let detail = format!("Table {} belongs to another restaurant than the booking", seat.table);
        Finding::new(FindingKind::OtherTenant, detail).row(SEATS, seat.id).about(seat.id)
    });
    let claims = record.claims.iter().filter(|claim| claim.restaurant != home).map(|claim| {
        let detail = format!("Claim {} is of restaurant {}, the booking of {home}", claim.id, claim.restaurant);
        Finding::new(FindingKind::OtherTenant, detail).row(CLAIMS, claim.id).about(claim.id)
    });
    let holds = record.holds.iter().filter(|hold| hold.restaurant != home || hold.foreign_member).map(|hold| {
        let detail = format!("Hold {} or one of its tables is of another restaurant than the booking", hold.id);
        Finding::new(FindingKind::OtherTenant, detail).row("table_holds", hold.id).about(hold.id)
    });
    seats.chain(claims).chain(holds).collect()
}

fn status_of_tables(record: &BookingRecord) -> Vec<Finding> {
    let marked = record.seats.iter().filter(|seat| seat.status_unexplained);
    marked
        .map(|seat| {
            let detail = format!("Table {} is marked as in use", seat.table);
            Finding::new(FindingKind::TableStatusUnexplained, detail)
                .row("table_inventory", seat.table)
                .about(seat.table)
        })
        .collect()
}

const SEATS: &str = "booking_table_assignments";
const CLAIMS: &str = "allocations";

fn shown(window: Option<Window>) -> String {
    let unusable = || format!("{} to {}", Instant::NEVER, Instant::FOREVER);
    window.map_or_else(unusable, |window| window.to_string())
}
