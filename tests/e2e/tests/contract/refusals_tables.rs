//! The refusals of the contract (§2) that are about the chosen tables.

use holdfast_e2e::{Call, Floor, Refusal, Room, Sql, assert_untouched, assign, confirm};
use uuid::Uuid;

fn refused(floor: &mut Floor, call: &Call) -> Refusal {
    let before = floor.snapshot();
    let refusal = floor.refused(call);
    assert_untouched(floor, &before, &refusal.message);
    refusal
}

/// A room of three tables and a booking that wants one or all of them.
fn evening(floor: &mut Floor) -> (Room, Uuid) {
    let room = floor.room(3);
    let booking = floor.booking(room.restaurant);
    (room, booking)
}

#[test]
fn no_tables_given() {
    let mut floor = Floor::new();
    let (_, booking) = evening(&mut floor);
    let null = confirm(booking, &[], "key").with("p_table_ids", Sql("null"));
    let refusal = refused(&mut floor, &null);
    refusal.says("23514", "assign_tables_atomic_v2 requires at least one table id").code("HF502");
    let refusal = refused(&mut floor, &confirm(booking, &[], "key"));
    refusal.says("23514", "assign_tables_atomic_v2 requires at least one valid table id").code("HF502");
}

#[test]
fn table_of_another_restaurant() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    let foreign = floor.room(1).tables[0];
    let refusal = refused(&mut floor, &confirm(booking, &[room.tables[0], foreign], "key"));
    refusal.says("23503", &format!("Table {foreign} belongs to a different restaurant")).code("HF501");
}

#[test]
fn table_without_a_zone() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    let table = room.tables[1];
    floor.set("table_inventory", table, "zone_id", Sql("null"));
    let refusal = refused(&mut floor, &confirm(booking, &room.tables, "key"));
    refusal.says("23514", &format!("Table {table} is not assigned to a zone")).code("HF503");
}

#[test]
fn table_inactive() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    let table = room.tables[2];
    floor.set("table_inventory", table, "active", false);
    let refusal = refused(&mut floor, &confirm(booking, &room.tables, "key"));
    refusal.says("23514", &format!("Table {table} is inactive")).code("HF504");
}

#[test]
fn tables_of_two_zones() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    let mut both = [room.tables[0], floor.room_in(room.restaurant, 1).tables[0]];
    both.sort_unstable();
    let zone = |floor: &mut Floor, table| floor.get("table_inventory", table, "zone_id").expect("a zone");
    let (expected, found) = (zone(&mut floor, both[0]), zone(&mut floor, both[1]));
    let refusal = refused(&mut floor, &confirm(booking, &both, "key"));
    let message = format!("All tables must belong to the same zone (found {found}, expected {expected})");
    refusal.says("23514", &message).code("HF506");
}

#[test]
fn fixed_table_in_a_group() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    let table = room.tables[1];
    floor.set("table_inventory", table, "mobility", "fixed");
    let refusal = refused(&mut floor, &confirm(booking, &room.tables, "key"));
    refusal.says("23514", &format!("Merged assignments require movable tables ({table} is fixed)")).code("HF507");
    assert_eq!(floor.seats(&confirm(booking, &[table], "alone")).len(), 1, "alone it may stay where it is");
}

#[test]
fn booking_with_tables_in_another_zone() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    let elsewhere = floor.room_in(room.restaurant, 1);
    floor.done(&assign(booking, &room.tables[..1], "one"));
    floor.set("bookings", booking, "assigned_zone_id", Sql("null"));
    let refusal = refused(&mut floor, &assign(booking, &elsewhere.tables, "two"));
    refusal.says("23514", &format!("Booking {booking} already has assignments in a different zone")).code("HF508");
}

#[test]
fn booking_locked_to_another_zone() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    let lock = floor.zone(room.restaurant);
    floor.set("bookings", booking, "assigned_zone_id", lock);
    let zone = room.zone;
    let refusal = refused(&mut floor, &confirm(booking, &room.tables, "key"));
    refusal.says("23514", &format!("Booking {booking} locked to zone {lock}, cannot assign zone {zone}")).code("HF509");
}

#[test]
fn tables_not_adjacent() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    let ends = [room.tables[0], room.tables[2]];
    let call = confirm(booking, &ends, "key").with("p_require_adjacency", true);
    let refusal = refused(&mut floor, &call);
    refusal.says("23514", &format!("Table {} is not adjacent to the selected set", ends[1])).code("HF510");
    assert_eq!(floor.seats(&call.with("p_table_ids", &room.tables)).len(), 3, "with the one between them");
}
