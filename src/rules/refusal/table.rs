//! Refusals that a table is the reason of: unknown, unusable, not joined, not free.

use crate::rules::Id;
use crate::rules::booking::window::Window;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::refusal::{Refusal, of_booking, shown};

#[must_use]
pub fn tables_not_found(booking: Id, missing: &[Option<Id>]) -> Refusal {
    let missing: Vec<String> = missing.iter().map(|id| shown(*id)).collect();
    Refusal::new(
        Outcome::TablesNotFound,
        format!("Unable to load all requested tables for booking {}", of_booking(booking)),
    )
    .detail(format!("Not found: {}", missing.join(", ")))
}

#[must_use]
pub fn table_not_found(table: Option<Id>) -> Refusal {
    Refusal::new(Outcome::TableNotFound, format!("Table {} not found", shown(table)))
}

#[must_use]
pub fn allocation_conflict(booking: Id, table: Id) -> Refusal {
    Refusal::new(Outcome::AllocationConflict, "allocations_no_overlap")
        .detail(format!("Resource {table} overlaps requested window for booking {}", of_booking(booking)))
}

#[must_use]
pub fn assignment_conflict(table: Id, owner: Id, window: Window) -> Refusal {
    Refusal::new(Outcome::AssignmentConflict, format!("assign_tables_atomic_v2 assignment overlap for table {table}"))
        .detail(format!("Table {table} is assigned to booking {owner} in window {window}"))
}

/// `what` is "table id" or "valid table id".
#[must_use]
pub fn tables_missing(what: &str) -> Refusal {
    Refusal::new(Outcome::TablesMissing, format!("assign_tables_atomic_v2 requires at least one {what}"))
}

#[must_use]
pub fn table_of_other_restaurant(table: Id) -> Refusal {
    Refusal::new(Outcome::TableOfOtherRestaurant, format!("Table {table} belongs to a different restaurant"))
}

#[must_use]
pub fn table_without_zone(table: Id) -> Refusal {
    Refusal::new(Outcome::TableWithoutZone, format!("Table {table} is not assigned to a zone"))
}

#[must_use]
pub fn table_inactive(table: Id) -> Refusal {
    Refusal::new(Outcome::TableInactive, format!("Table {table} is inactive"))
}

#[must_use]
pub fn table_out_of_service(table: Id) -> Refusal {
    Refusal::new(Outcome::TableOutOfService, format!("Table {table} is out of service"))
}

#[must_use]
pub fn tables_in_different_zones(expected: Id, found: Id) -> Refusal {
    let message = format!("All tables must belong to the same zone (found {found}, expected {expected})");
    Refusal::new(Outcome::TablesInDifferentZones, message)
}

#[must_use]
pub fn other_zone_assigned(booking: Id) -> Refusal {
    let message = format!("Booking {booking} already has assignments in a different zone");
    Refusal::new(Outcome::OtherZoneAssigned, message)
}

#[must_use]
pub fn zone_locked(booking: Id, lock: Id, zone: Id) -> Refusal {
    let message = format!("Booking {booking} locked to zone {lock}, cannot assign zone {zone}");
    Refusal::new(Outcome::ZoneLocked, message)
}

#[must_use]
pub fn table_not_movable(table: Id, mobility: &str) -> Refusal {
    let message = format!("Merged assignments require movable tables ({table} is {mobility})");
    Refusal::new(Outcome::TableNotMovable, message)
}

#[must_use]
pub fn tables_not_adjacent(apart: Id) -> Refusal {
    Refusal::new(Outcome::TablesNotAdjacent, format!("Table {apart} is not adjacent to the selected set"))
}
