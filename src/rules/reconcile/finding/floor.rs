//! The booking's tables as they are now: do they seat the party, can they be used, do they stand together?

use std::collections::BTreeSet;

use super::Finding;
use super::catalogue::FindingKind;
use super::record::{AssignmentRecord, BookingRecord, TableState};
use crate::rules::Id;
use crate::rules::booking::adjacency;

pub fn decide(record: &BookingRecord) -> Vec<Finding> {
    if !record.is_live() {
        return Vec::new();
    }
    let mut findings: Vec<Finding> =
        record.assignments.iter().filter_map(|assignment| usable(record, assignment)).collect();
    findings.extend(party(record));
    findings.extend(zones(record));
    findings.extend(adjacent(record));
    findings
}

fn states(record: &BookingRecord) -> impl Iterator<Item = &TableState> {
    record.assignments.iter().filter_map(|assignment| record.tables.get(&assignment.table))
}

fn usable(record: &BookingRecord, assignment: &AssignmentRecord) -> Option<Finding> {
    let state = record.tables.get(&assignment.table)?;
    let (kind, what) = match (state.active, state.out_of_service) {
        (false, _) => (FindingKind::TableInactive, "is not in use"),
        (true, true) => (FindingKind::TableOutOfService, "is out of service"),
        (true, false) => return None,
    };
    let finding = Finding::new(kind, format!("Table {} {what}", assignment.table));
    Some(
        finding
            .row("booking_table_assignments", assignment.id)
            .row("table_inventory", assignment.table)
            .about(assignment.id),
    )
}

fn party(record: &BookingRecord) -> Option<Finding> {
    let seats: i64 = states(record).map(|state| i64::from(state.seats)).sum();
    let party = i64::from(record.booking.party_size);
    let fits = party <= seats + i64::from(record.extra_seats);
    if fits || record.assignments.is_empty() || !record.is_confirm_target() {
        return None;
    }
    let detail = format!("Party of {party}, its tables seat {seats}, the policy accepts {} more", record.extra_seats);
    Some(Finding::new(FindingKind::PartyExceedsTables, detail).row("bookings", record.booking.id))
}

fn zones(record: &BookingRecord) -> Option<Finding> {
    let zones: BTreeSet<Option<Id>> = states(record).map(|state| state.zone).collect();
    if zones.len() < 2 && !zones.contains(&None) {
        return None;
    }
    let names: Vec<String> =
        zones.iter().map(|zone| zone.map_or_else(|| "none".to_owned(), |id| id.to_string())).collect();
    let detail = format!("Zones {}", names.join(", "));
    Some(Finding::new(FindingKind::TablesInTwoZones, detail).row("bookings", record.booking.id))
}

/// Only where the answer that gave them asked for it.
fn adjacent(record: &BookingRecord) -> Option<Finding> {
    let request = record.last_answer().is_some_and(|answer| answer.adjacent);
    let tables: Vec<Id> = record.assignments.iter().map(|assignment| assignment.table).collect();
    let apart = adjacency::check_connected(&tables, &record.edges).err().filter(|_| request)?;
    Some(Finding::new(FindingKind::TablesNotAdjacent, apart.message).row("bookings", record.booking.id))
}
