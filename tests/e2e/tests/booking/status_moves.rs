//! A status move looks at tables: what confirms or seats a party needs tables that stand and seat it (K8, K9).

use holdfast_e2e::{Call, Floor, Refusal, Session, Sql, assert_untouched, assign, check_in, confirm, unassign};
use uuid::Uuid;

fn moved(booking: Uuid, to: &str) -> Call {
    Call::new("apply_booking_state_transition")
        .with("p_booking_id", booking)
        .with("p_status", to)
        .with("p_checked_in_at", Sql("null"))
        .with("p_checked_out_at", Sql("null"))
        .with("p_updated_at", Sql("null"))
        .with("p_history_from", Sql("null"))
        .with("p_history_to", Sql("null"))
        .with("p_history_changed_by", Sql("null"))
        .with("p_history_changed_at", Sql("null"))
        .with("p_history_reason", "test")
}

fn without_tables(refusal: &Refusal, booking: Uuid) {
    let text = format!("Cannot confirm booking {booking}: No table assignments exist. Assign tables first.");
    refusal.says("P0001", &text).code("HF307");
}

#[test]
fn k08_no_booking_is_confirmed_without_a_table() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let before = floor.snapshot();
    without_tables(&floor.refused(&moved(booking, "confirmed")), booking);
    assert_untouched(&mut floor, &before, "a refused move");
    floor.done(&assign(booking, &room.tables, "key"));
    assert_eq!(floor.done(&moved(booking, "confirmed"))[0]["status"], "confirmed");
    floor.run("delete from public.allocations");
    assert_eq!(floor.done(&moved(booking, "confirmed"))[0]["status"], "confirmed", "it is confirmed already");
    floor.done(&unassign(booking));
    without_tables(&floor.refused(&check_in(booking, "confirmed")), booking);
    assert_eq!(floor.done(&moved(booking, "no_show"))[0]["status"], "no_show", "which needs none");
}

#[test]
fn k08_a_table_that_is_assigned_and_not_allocated_does_not_stand() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.done(&assign(booking, &room.tables, "key"));
    floor.run("delete from public.allocations");
    let detail = format!("Table {} is assigned to the booking and not allocated", room.tables[0]);
    let refusal = floor.refused(&moved(booking, "confirmed"));
    without_tables(&refusal, booking);
    refusal.detail(&detail);
}

/// A confirmed booking whose table was given to another one meanwhile, by a person who knew.
fn given_away(floor: &mut Floor, status: &str) -> (Uuid, Uuid, Uuid) {
    let room = floor.room(1);
    let (late, next) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    floor.done(&confirm(late, &room.tables, "key"));
    floor.set("bookings", late, "status", "cancelled");
    floor.done(&confirm(next, &room.tables, "key"));
    floor.set("bookings", late, "status", status);
    (late, next, room.tables[0])
}

#[test]
fn k08_nobody_comes_back_to_a_table_that_was_given_away() {
    let mut floor = Floor::new();
    floor.run("insert into public.holdfast_status_transitions values ('cancelled', 'confirmed')");
    for status in ["no_show", "cancelled"] {
        let (late, next, table) = given_away(&mut floor, status);
        let refusal = floor.refused(&moved(late, "confirmed"));
        let detail =
            format!("Table {table} is taken by booking {next} in window [2027-05-01T18:00:00Z, 2027-05-01T20:00:00Z)");
        refusal.says("P0004", "booking_state_conflict").code("HF308").detail(&detail);
        assert_eq!(floor.get("bookings", late, "status").as_deref(), Some(status));
    }
    floor.run("delete from public.holdfast_status_transitions where from_status = 'cancelled'");
}

#[test]
fn k08_a_house_that_confirms_first_and_seats_later_says_so() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.run("update public.holdfast_booking_statuses set needs_tables = false where status = 'confirmed'");
    assert_eq!(floor.done(&moved(booking, "confirmed"))[0]["status"], "confirmed");
    without_tables(&floor.refused(&check_in(booking, "confirmed")), booking);
    floor.done(&assign(booking, &room.tables, "key"));
    floor.done(&check_in(booking, "confirmed"));
    floor.run("update public.holdfast_booking_statuses set needs_tables = null where status = 'confirmed'");
}

#[test]
fn k08_a_schema_that_was_attached_before_gets_the_column_by_attach() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.run("alter table public.holdfast_booking_statuses drop column needs_tables");
    let mut service: Session = floor.session();
    without_tables(&service.refused(&moved(booking, "confirmed")), booking);
    floor.run("select holdfast.attach('public')");
    floor.run("update public.holdfast_booking_statuses set needs_tables = false where status = 'confirmed'");
    assert_eq!(service.done(&moved(booking, "confirmed"))[0]["status"], "confirmed");
}

#[test]
fn k09_twelve_guests_are_not_seated_at_a_table_for_four_by_a_move() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    floor.set("bookings", booking, "party_size", 12);
    floor.done(&assign(booking, &room.tables, "key"));
    let before = floor.snapshot();
    let refusal = floor.refused(&moved(booking, "confirmed"));
    assert_eq!(refusal.code("HF511").sqlstate, "23514");
    assert_untouched(&mut floor, &before, "twelve on eight chairs");
    floor.set("bookings", booking, "party_size", 8);
    floor.done(&moved(booking, "confirmed"));
}

/// Two who want one table: the move waits for whoever has the table locked, and sees what they did.
#[test]
fn k08_a_move_sees_what_it_waited_for() {
    let mut floor = Floor::new();
    floor.run("insert into public.holdfast_status_transitions values ('cancelled', 'confirmed')");
    let room = floor.room(1);
    let (late, next) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    floor.done(&confirm(late, &room.tables, "key"));
    floor.set("bookings", late, "status", "cancelled");
    let mut first = floor.session();
    first.run("begin");
    first.done(&confirm(next, &room.tables, "key"));
    let mut second = floor.session();
    second.run("begin isolation level repeatable read; select 1");
    let waiting = holdfast_e2e::behind(&mut floor, first.pid, second, &moved(late, "confirmed"));
    first.run("commit");
    let (_, answer) = waiting.finish();
    let refusal = answer.expect_err("the table is gone");
    assert!(["P0004", "40001"].contains(&refusal.sqlstate.as_str()), "{refusal:?}");
    assert_eq!(floor.get("bookings", late, "status").as_deref(), Some("cancelled"));
}
