//! The faults of contract §5 that are about statuses, windows and the floor. Each test does the reproduction given there.

use holdfast_e2e::{Floor, Sql, assert_untouched, at, check_in, confirm, seat};
use uuid::Uuid;

/// The statuses from which a booking may be confirmed.
const CONFIRMABLE: [&str; 5] = ["confirmed", "no_show", "pending", "pending_allocation", "PRIORITY_WAITLIST"];

/// Status cancelled, completed or checked_in, then confirm.
#[test]
fn f07_a_booking_that_is_over_is_not_confirmed() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    for status in ["cancelled", "completed", "checked_in"] {
        let booking = floor.booking(room.restaurant);
        floor.set("bookings", booking, "checked_in_at", at("18:03"));
        floor.set("bookings", booking, "checked_out_at", at("19:50"));
        floor.set("bookings", booking, "status", status);
        let before = floor.snapshot();
        floor.refused(&confirm(booking, &room.tables, "key")).says_status(status, &CONFIRMABLE).code("HF304");
        assert_untouched(&mut floor, &before, status);
    }
    for status in CONFIRMABLE {
        let room = floor.room(1);
        let booking = floor.booking(room.restaurant);
        floor.set("bookings", booking, "status", status);
        assert_eq!(floor.seats(&confirm(booking, &room.tables, "key")).len(), 1, "{status}");
        assert_eq!(floor.get("bookings", booking, "status").as_deref(), Some("confirmed"));
    }
}

/// Target status cancelled or no_show.
#[test]
fn f08_a_confirm_leads_only_to_a_confirmed_status() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.set("bookings", booking, "status", "confirmed");
    let before = floor.snapshot();
    for target in ["cancelled", "no_show", "completed", "pending"] {
        let refusal = floor.refused(&confirm(booking, &room.tables, "key").with("p_target_status", target));
        assert_eq!(refusal.code("HF305").sqlstate, "23514");
        assert_untouched(&mut floor, &before, target);
    }
}

/// Cancel a confirmed booking, confirm another on its table.
#[test]
fn f09_a_cancelled_booking_frees_its_table() {
    for status in ["cancelled", "completed"] {
        let mut floor = Floor::new();
        let room = floor.room(2);
        let (gone, next) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
        floor.done(&confirm(gone, &room.tables, "key"));
        floor.set("bookings", gone, "status", status);
        let table = room.tables[0];
        assert_eq!(floor.seats(&confirm(next, &[table], "key")), [seat(table, at("18:00"), at("20:00"))]);
        let live: Vec<Uuid> = floor.column(&format!(
            "select booking_id from public.allocations where resource_type = 'table' and resource_id = '{table}'"
        ));
        assert_eq!(live, [next]);
    }
}

/// A no-show may still come: its table is not free.
#[test]
fn f09_a_no_show_keeps_its_table() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (late, next) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    floor.done(&confirm(late, &room.tables, "key"));
    floor.set("bookings", late, "status", "no_show");
    floor.refused(&confirm(next, &room.tables, "key")).says("P0001", "allocations_no_overlap");
}

/// The status is changed under the caller.
#[test]
fn f11_a_changed_status_is_named() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.set("bookings", booking, "status", "confirmed");
    let mut guest = floor.session();
    guest.run(&format!("begin; update public.bookings set status = 'cancelled' where id = '{booking}'"));
    let other = floor.session();
    let waiting = holdfast_e2e::behind(&mut floor, guest.pid, other, &check_in(booking, "confirmed"));
    guest.run("commit");
    let (_, answer) = waiting.finish();
    let refusal = answer.expect_err("the guest was faster");
    refusal
        .says("P0004", "booking_state_conflict")
        .detail("Current status cancelled does not match expected confirmed");
    // A move that is not declared is refused in the same words.
    floor
        .refused(&check_in(booking, "cancelled"))
        .says_status("cancelled", &["checked_in", "confirmed", "PRIORITY_WAITLIST"]);
}

/// Tables a–b and c–d with adjacency required.
#[test]
fn f14_two_pairs_are_not_connected() {
    let mut floor = Floor::new();
    let room = floor.room(4);
    floor.part_all();
    let [a, b, c, d] = [room.tables[0], room.tables[1], room.tables[2], room.tables[3]];
    floor.join(a, b);
    floor.join(d, c);
    let booking = floor.booking(room.restaurant);
    let call = confirm(booking, &room.tables, "key").with("p_require_adjacency", true);
    floor.refused(&call).says("23514", &format!("Table {c} is not adjacent to the selected set")).code("HF510");
    floor.join(d, b);
    assert_eq!(floor.seats(&call).len(), 4, "a–b–d–c is one set, whatever the direction of its edges");
}

/// A party of twelve on a table for two; a table out of service.
#[test]
fn f15_party_and_service_are_checked() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let table = room.tables[0];
    let booking = floor.booking(room.restaurant);
    floor.set("bookings", booking, "party_size", 12);
    floor.set("table_inventory", table, "capacity", 2);
    let before = floor.snapshot();
    assert_eq!(floor.refused(&confirm(booking, &[table], "key")).code("HF511").sqlstate, "23514");
    assert_untouched(&mut floor, &before, "the refusal");
    // Two seats and four: six fit, seven do not, unless the restaurant says that one more does.
    floor.set("bookings", booking, "party_size", 7);
    assert_eq!(floor.refused(&confirm(booking, &room.tables, "key")).code("HF511").sqlstate, "23514");
    floor.run(&format!("insert into public.holdfast_capacity_policies values ('{}', 1)", room.restaurant));
    assert_eq!(floor.seats(&confirm(booking, &room.tables, "key")).len(), 2);

    let next = floor.room(1);
    let booking = floor.booking(next.restaurant);
    floor.set("table_inventory", next.tables[0], "status", "out_of_service");
    assert_eq!(floor.refused(&confirm(booking, &next.tables, "key")).code("HF505").sqlstate, "23514");
}

/// A custom window in 2040 for a booking of 2027.
#[test]
fn f16_a_window_must_meet_the_booking() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let (start, end) = (Sql("timestamptz '2040-05-01 18:00+00'"), Sql("timestamptz '2040-05-01 20:00+00'"));
    let before = floor.snapshot();
    let by_tables = confirm(booking, &room.tables, "key").with("p_start_at", start).with("p_end_at", end);
    assert_eq!(floor.refused(&by_tables).code("HF405").sqlstate, "23514");
    let by_hold = holdfast_e2e::confirm_hold(hold, booking, "key")
        .with("p_window_start", Sql("timestamptz '2040-05-01 18:00+00'"))
        .with("p_window_end", Sql("timestamptz '2040-05-01 20:00+00'"));
    assert_eq!(floor.refused(&by_hold).code("HF405").sqlstate, "23514");
    // A window that only touches the booking's end does not meet it either.
    let touching = confirm(booking, &room.tables, "key").with("p_start_at", at("20:00")).with("p_end_at", at("21:00"));
    assert_eq!(floor.refused(&touching).code("HF405").sqlstate, "23514");
    assert_untouched(&mut floor, &before, "the refusals");
    let longer = confirm(booking, &room.tables, "key").with("p_start_at", at("17:30")).with("p_end_at", at("21:00"));
    assert_eq!(floor.seats(&longer), [seat(room.tables[0], at("17:30"), at("21:00"))]);
}
