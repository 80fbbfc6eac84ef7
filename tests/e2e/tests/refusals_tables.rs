//! The refusals of the contract (§2) that are about the chosen tables, and errors of the application's own triggers.

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

/// An application's guard: it raises whatever a test wants, whenever the statement fires it.
fn guard(floor: &mut Floor, on: &str, raise: &str) {
    floor.run(&format!(
        "create or replace function public.guard() returns trigger language plpgsql as $$ begin {raise}; end $$;
         create or replace trigger guard before {on} for each row execute function public.guard()"
    ));
}

/// The guard of the contract: a booking becomes confirmed only when it has tables.
#[test]
fn guard_of_the_application() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    let text = format!("Cannot confirm booking {booking}: No table assignments exist. Assign a table first.");
    guard(&mut floor, "update of status on public.bookings", &format!("raise exception '{text}'"));
    let refusal = refused(&mut floor, &confirm(booking, &room.tables, "key"));
    refusal.says("P0001", &text);
    assert_eq!((refusal.detail, refusal.hint), (None, None), "the words of the application, and only those");
}

/// The real guard looks for the tables: when it fires, they are there.
#[test]
fn guard_of_the_application_is_content() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    let condition = "if new.status = 'confirmed' and not exists (select from public.booking_table_assignments
                     where booking_id = new.id) then raise exception 'Cannot confirm booking'; end if; return new";
    guard(&mut floor, "update of status on public.bookings", condition);
    assert_eq!(floor.seats(&confirm(booking, &room.tables[..1], "key")).len(), 1);
}

#[test]
fn errors_of_triggers_pass_whole() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    guard(
        &mut floor,
        "insert on public.booking_table_assignments",
        "raise exception using errcode = 'AB123', message = 'Das Lokal ist „zu“', detail = 'Seit 23 Uhr', hint = 'Morgen wieder',
         constraint = 'opening_hours', table = 'evenings', column = 'closes_at', schema = 'town', datatype = 'clock'",
    );
    let refusal = refused(&mut floor, &confirm(booking, &room.tables, "key"));
    refusal.says("AB123", "Das Lokal ist „zu“").detail("Seit 23 Uhr").hint("Morgen wieder");
    let fields = [refusal.constraint, refusal.table, refusal.column, refusal.schema, refusal.datatype];
    let expected = ["opening_hours", "evenings", "closes_at", "town", "clock"];
    assert_eq!(fields.map(Option::unwrap_or_default), expected);
}

/// Conditions that our own code gives a meaning to are not ours when a trigger raises them.
#[test]
fn errors_of_triggers_are_not_taken_for_ours() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    for code in ["P0002", "P0003", "P0004", "23505", "23P01", "40001", "40P01", "55P03", "57014", "22023", "XX000"] {
        let raise =
            format!("raise exception using errcode = '{code}', message = 'the application said so', detail = 'once'");
        guard(&mut floor, "insert on public.booking_state_history", &raise);
        let refusal = refused(&mut floor, &confirm(booking, &room.tables, "key"));
        refusal.says(code, "the application said so").detail("once");
        assert_eq!(refusal.hint, None);
    }
}

/// A constraint of the application's own speaks for itself.
#[test]
fn constraints_of_the_application_pass_whole() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    floor.run("alter table public.booking_table_assignments add constraint no_table_at_all check (table_id is null)");
    let refusal = refused(&mut floor, &confirm(booking, &room.tables[..1], "key"));
    let message = "new row for relation \"booking_table_assignments\" violates check constraint \"no_table_at_all\"";
    refusal.says("23514", message);
    assert_eq!(refusal.constraint.as_deref(), Some("no_table_at_all"));
    assert_eq!(refusal.table.as_deref(), Some("booking_table_assignments"));
    assert_eq!(refusal.schema.as_deref(), Some("public"));
}

/// A trigger that swallows a row must not lead to a half confirm.
#[test]
fn rows_swallowed_by_a_trigger_are_noticed() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    for table in ["booking_table_assignments", "allocations", "booking_state_history", "booking_assignment_idempotency"]
    {
        guard(&mut floor, &format!("insert on public.{table}"), "return null");
        let refusal = refused(&mut floor, &confirm(booking, &room.tables, "key"));
        assert_eq!(refusal.code("HF703").sqlstate, "XX000", "{table}");
        floor.run(&format!("drop trigger guard on public.{table}"));
    }
    assert_eq!(floor.seats(&confirm(booking, &room.tables, "key")).len(), 3);
}
