//! The faults of the implementation that holdfast replaces (contract §5), as far as they are about keys and about what a
//! booking had before. Each test does the reproduction given there.

use holdfast_e2e::{Call, Floor, assert_untouched, at, atomic_confirm, confirm, confirm_hold, seat, unassign};
use serde_json::{Value, json};
use uuid::Uuid;

/// Confirm by hold, lose the answer, call again with the same key.
#[test]
fn f01_a_lost_answer_is_given_again() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    for (call_of, tables) in
        [(confirm_hold as fn(Uuid, Uuid, &str) -> Call, 0..1), (|h, b, k| atomic_confirm(b, h, k), 1..3)]
    {
        let (booking, hold) = floor.held(&room, &room.tables[tables]);
        let call = call_of(hold, booking, "key");
        let first = floor.done(&call);
        assert!(!first.is_empty());
        let before = floor.snapshot();
        assert_eq!(floor.done(&call), first);
        assert_untouched(&mut floor, &before, "the replay");
    }
}

/// The field in which a second call under the key differs, with its two values.
fn difference(floor: &mut Floor, booking: Uuid, call: &Call) -> (String, Value, Value) {
    let before = floor.snapshot();
    let refusal = floor.refused(call);
    assert_untouched(floor, &before, "the mismatch");
    refusal.says("P0003", &format!("assign_tables_atomic_v2 idempotency mismatch for booking {booking}"));
    let mut differences = refusal.differences();
    assert_eq!(differences.len(), 1, "{refusal:?}");
    differences.remove(0)
}

/// The same key and tables with another window, target, adjacency or actor.
#[test]
fn f02_another_request_under_the_key_is_refused() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    let actor = Uuid::new_v4();
    floor.run(
        "update public.holdfast_booking_statuses set is_confirm_target = true where status = 'checked_in';
         insert into public.holdfast_status_transitions values ('pending', 'checked_in')",
    );
    let call = confirm(booking, &room.tables, "key");
    floor.done(&call);

    let window = |end: &str| json!({"start": "2027-05-01T18:00:00Z", "end": format!("2027-05-01T{end}:00Z")});
    let other_window = call.clone().with("p_start_at", at("18:00")).with("p_end_at", at("19:00"));
    let expected = ("window".to_owned(), window("20:00"), window("19:00"));
    assert_eq!(difference(&mut floor, booking, &other_window), expected);
    let other_target = call.clone().with("p_target_status", "checked_in");
    let expected = ("target_status".to_owned(), json!("confirmed"), json!("checked_in"));
    assert_eq!(difference(&mut floor, booking, &other_target), expected);
    let other_adjacency = call.clone().with("p_require_adjacency", true);
    let expected = ("require_adjacency".to_owned(), json!(false), json!(true));
    assert_eq!(difference(&mut floor, booking, &other_adjacency), expected);

    // A person's call names its actor and is taken literally; so the fields of a person's call are listed too.
    let refusal = floor.refused(&call.clone().with("p_assigned_by", actor));
    refusal.says("P0003", &format!("assign_tables_atomic_v2 idempotency mismatch for booking {booking}"));
    let fields = refusal.differences();
    assert!(fields.contains(&("actor".to_owned(), Value::Null, json!(actor))), "{fields:?}");
    assert_eq!(floor.seats(&call).len(), 2, "the first request keeps its answer");
}

/// The same tables again under a new key, because the booking was rescheduled.
#[test]
fn f03_a_rescheduled_booking_keeps_its_table() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let table = room.tables[0];
    let booking = floor.booking(room.restaurant);
    floor.done(&confirm(booking, &room.tables, "first"));
    floor.set("bookings", booking, "end_at", at("21:00"));
    floor.set("bookings", booking, "start_at", at("19:00"));
    assert_eq!(floor.seats(&confirm(booking, &room.tables, "second")), [seat(table, at("19:00"), at("21:00"))]);
    let windows: Vec<String> = floor.column("select \"window\"::text from public.allocations");
    assert_eq!(windows, ["[\"2027-05-01 19:00:00+00\",\"2027-05-01 21:00:00+00\")"]);
    assert_eq!(floor.count("booking_table_assignments", "true"), 1);
    // And once more without any change: the rows stand as they are.
    assert_eq!(floor.seats(&confirm(booking, &room.tables, "third")), [seat(table, at("19:00"), at("21:00"))]);
}

/// Confirm, unassign all, confirm again.
#[test]
fn f04_an_unassigned_booking_can_be_confirmed_again() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let first = confirm(booking, &room.tables, "first");
    floor.done(&first);
    assert_eq!(floor.done(&unassign(booking)), [json!(room.tables[0])]);
    let refusal = floor.refused(&first);
    refusal.says("P0003", &format!("assign_tables_atomic_v2 returned no assignments for booking {booking}"));
    let again = floor.seats(&confirm(booking, &room.tables, "second"));
    assert_eq!(again, [seat(room.tables[0], at("18:00"), at("20:00"))]);
    assert_eq!(floor.get("bookings", booking, "status").as_deref(), Some("confirmed"));
}

/// Confirm, the guest cancels, a background worker replays the key.
#[test]
fn f05_a_replay_does_not_revive_a_cancelled_booking() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let call = confirm_hold(hold, booking, "key");
    floor.done(&call);
    floor.set("bookings", booking, "status", "cancelled");
    let before = floor.snapshot();
    let refusal = floor.refused(&call);
    refusal
        .says("P0004", "booking_state_conflict")
        .detail("Current status cancelled does not match expected confirmed");
    assert_untouched(&mut floor, &before, "the replay");
}

/// Confirm on table A, then on table B under another key.
#[test]
fn f06_a_second_confirm_replaces_the_tables() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (a, b) = (room.tables[0], room.tables[1]);
    let booking = floor.booking(room.restaurant);
    floor.done(&confirm(booking, &[a], "first"));
    assert_eq!(floor.seats(&confirm(booking, &[b], "second")), [seat(b, at("18:00"), at("20:00"))]);
    let assigned: Vec<Uuid> = floor.column("select table_id from public.booking_table_assignments");
    let claimed: Vec<Uuid> = floor.column("select resource_id from public.allocations");
    assert_eq!((assigned, claimed), (vec![b], vec![b]));
    let other = floor.booking(room.restaurant);
    assert_eq!(floor.seats(&confirm(other, &[a], "key")).len(), 1, "table A is free again");
}

/// A confirm with the booking's own tables while its hold is open.
#[test]
fn f25_a_confirm_by_tables_closes_the_bookings_own_hold() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let (booking, hold) = floor.held(&room, &room.tables[..2]);
    let spare = floor.hold(&room, Some(booking), &room.tables[2..]);
    floor.done(&confirm(booking, &room.tables[..2], "key"));
    assert_eq!(floor.get("table_holds", hold, "status").as_deref(), Some("confirmed"));
    assert_eq!(floor.get("table_holds", spare, "status").as_deref(), Some("cancelled"), "its table was not wanted");
    assert_eq!(floor.count("allocations", "resource_type = 'hold'"), 0, "no mirror is left");
}

/// An empty string as the key.
#[test]
fn f27_an_empty_key_is_refused() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let before = floor.snapshot();
    for call in [
        confirm(booking, &room.tables, ""),
        confirm_hold(hold, booking, ""),
        atomic_confirm(booking, hold, " "),
        holdfast_e2e::assign(booking, &room.tables, ""),
    ] {
        assert_eq!(floor.refused(&call).code("HF303").sqlstate, "23514");
    }
    assert_untouched(&mut floor, &before, "a blank key");
}

/// A failing confirm of a booking that was already confirmed.
#[test]
fn f28_a_failing_confirm_leaves_the_earlier_success_alone() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, other) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    floor.done(&confirm(booking, &room.tables[..1], "first"));
    floor.done(&confirm(other, &room.tables[1..], "other"));
    let before = floor.snapshot();
    floor.refused(&confirm(booking, &room.tables[1..], "second")).says("P0001", "allocations_no_overlap");
    floor.refused(&confirm(booking, &[Uuid::new_v4()], "third"));
    assert_untouched(&mut floor, &before, "the failed confirms");

    floor.run(
        "create function public.guard() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
         create trigger guard after insert on public.booking_assignment_idempotency
         for each row execute function public.guard()",
    );
    floor.refused(&confirm(booking, &room.tables[..1], "fourth")).says("P0001", "no");
    assert_untouched(&mut floor, &before, "a failing trigger");
}
