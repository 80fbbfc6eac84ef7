//! Compensation takes back exactly what one key did.

use holdfast_e2e::breaks::found;
use holdfast_e2e::{Call, Floor, assert_untouched, assign, confirm, confirm_hold, confirm_outcome, fence};
use serde_json::{Value, json};
use uuid::Uuid;

fn undo(booking: Uuid, key: &str) -> Call {
    Call::new("undo_confirm").with("p_booking_id", booking).with("p_idempotency_key", key)
}

#[test]
fn a_confirm_is_taken_back_whole() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.done(&confirm_hold(hold, booking, "key"));
    assert_eq!(floor.outcome(&confirm_outcome(booking, "key"))["undone_at"], Value::Null);
    let actor = Uuid::new_v4();
    let call = undo(booking, "key")
        .with("p_history_metadata", json!({"why": "paid nothing"}))
        .with("p_history_changed_by", actor);
    let row = floor.outcome(&call);
    assert_eq!(
        (&row["outcome"], &row["code"], &row["status"]),
        (&json!("undone"), &json!("HF012"), &json!("pending")),
        "{row}"
    );
    assert_eq!(row["table_ids"], json!(room.tables));
    for table in ["booking_table_assignments", "allocations"] {
        assert_eq!(floor.count(table, "true"), 0, "{table}");
    }
    assert_eq!(floor.get("bookings", booking, "status").as_deref(), Some("pending"));
    let history: Value = floor.value("select to_jsonb(h) from public.booking_state_history h order by id desc limit 1");
    assert_eq!(
        (&history["from_status"], &history["to_status"], &history["reason"]),
        (&json!("confirmed"), &json!("pending"), &json!("undo_confirm"))
    );
    assert_eq!(
        (&history["metadata"]["undoneKey"], &history["metadata"]["why"]),
        (&json!("key"), &json!("paid nothing"))
    );
    assert_eq!(history["changed_by"], json!(actor));
    assert_eq!(floor.count("capacity_outbox", "event_type = 'capacity.assignment.undone'"), 1);
    let before = floor.snapshot();
    assert_eq!(floor.outcome(&call)["outcome"], "nothing_to_undo", "once");
    assert_untouched(&mut floor, &before, "a second undo");
    floor.refused(&confirm_hold(hold, booking, "key")).code("HF304");
    let answer = floor.outcome(&confirm_outcome(booking, "key"));
    assert_eq!(answer["outcome"], "committed", "it did happen");
    assert_eq!(answer["undone_at"], history["changed_at"], "and was taken back");
    floor.done(&confirm(booking, &room.tables, "new key"));
}

/// F28: what an earlier key gave stays.
#[test]
fn an_earlier_success_stays() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    floor.done(&confirm(booking, &room.tables[..1], "first"));
    floor.done(&confirm(booking, &room.tables[..1], "second"));
    let before = floor.snapshot();
    assert_eq!(floor.outcome(&undo(booking, "second"))["outcome"], "nothing_to_undo", "it found the table standing");
    assert_untouched(&mut floor, &before, "an undo of nothing");
    floor.done(&assign(booking, &room.tables[1..], "more"));
    let row = floor.outcome(&undo(booking, "more"));
    assert_eq!((&row["table_ids"], &row["status"]), (&json!([room.tables[1]]), &json!("confirmed")));
    let left: Vec<Uuid> = floor.column("select table_id from public.booking_table_assignments");
    assert_eq!(left, [room.tables[0]]);
}

#[test]
fn a_status_that_moved_on_is_not_taken_back() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.done(&confirm(booking, &room.tables, "key"));
    for status in ["checked_in", "cancelled"] {
        floor.set("bookings", booking, "status", status);
        let before = floor.snapshot();
        let row = floor.outcome(&undo(booking, "key"));
        assert_eq!((&row["outcome"], &row["sqlstate"]), (&json!("booking_state_conflict"), &json!("P0004")));
        assert_untouched(&mut floor, &before, status);
    }
}

#[test]
fn a_key_that_did_nothing_has_nothing_to_undo() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.done(&fence(booking, "fenced"));
    assert_eq!(floor.outcome(&undo(booking, "fenced"))["outcome"], "nothing_to_undo");
    let row = floor.outcome(&undo(booking, "unknown"));
    assert_eq!(
        (&row["outcome"], &row["code"], &row["sqlstate"]),
        (&json!("never_seen"), &json!("HF310"), &json!("P0002"))
    );
    assert_eq!(floor.outcome(&undo(Uuid::nil(), "key"))["outcome"], "booking_not_found");
    assert_eq!(floor.outcome(&undo(booking, " "))["outcome"], "key_blank");
}

#[test]
fn a_table_that_was_taken_away_since_is_not_missed() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let booking = floor.booking(room.restaurant);
    floor.done(&confirm(booking, &room.tables, "key"));
    floor.done(&holdfast_e2e::unassign(booking).with("p_table_ids", &room.tables[..1]));
    let row = floor.outcome(&undo(booking, "key"));
    assert_eq!((&row["outcome"], &row["table_ids"]), (&json!("undone"), &json!(room.tables[1..])));
    assert_eq!(floor.count("allocations", "true"), 0);
}

#[test]
fn k17_a_key_that_only_moved_the_status_moves_it_back() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    floor.done(&assign(booking, &room.tables[..1], "first"));
    floor.done(&confirm(booking, &room.tables[..1], "second"));
    let row = floor.outcome(&undo(booking, "second"));
    assert_eq!(
        (&row["outcome"], &row["status"], &row["table_ids"]),
        (&json!("undone"), &json!("pending"), &json!([])),
        "{row}"
    );
    let left: Vec<Uuid> = floor.column("select table_id from public.booking_table_assignments");
    assert_eq!(left, [room.tables[0]], "the table is the first key's");
    assert_eq!(found(&mut floor, booking), [""; 0]);
    let before = floor.snapshot();
    assert_eq!(floor.outcome(&undo(booking, "second"))["outcome"], "nothing_to_undo", "once");
    assert_untouched(&mut floor, &before, "a second undo");
    floor.done(&confirm(booking, &room.tables[..1], "third"));
    assert_eq!(floor.outcome(&undo(booking, "second"))["outcome"], "nothing_to_undo", "the third moved it now");
    floor.done(&confirm(booking, &room.tables[..1], "fourth"));
    let row = floor.outcome(&undo(booking, "third"));
    assert_eq!(row["outcome"], "booking_state_conflict", "the fourth stands on it: {row}");
}

#[test]
fn k17_a_key_that_replaced_tables_gives_them_back() {
    let mut floor = Floor::new();
    let room = floor.room(6);
    let booking = floor.booking(room.restaurant);
    let first = floor.seats(&confirm(booking, &room.tables[..2], "first"));
    let rows = "select jsonb_agg(to_jsonb(a) order by a.table_id) from public.booking_table_assignments a";
    let claims = "select jsonb_agg(to_jsonb(a) - 'created_at' order by a.id) from public.allocations a";
    let (before, claimed): (Value, Value) = (floor.value(rows), floor.value(claims));
    floor.done(&confirm(booking, &room.tables[1..4], "second"));
    let row = floor.outcome(&undo(booking, "second"));
    assert_eq!((&row["outcome"], &row["status"]), (&json!("undone"), &json!("confirmed")), "{row}");
    assert_eq!(row["detail"], json!(format!("Given back: {}, {}", room.tables[0], room.tables[1])));
    assert_eq!((floor.value::<Value>(rows), floor.value::<Value>(claims)), (before, claimed), "as they were");
    assert_eq!(floor.seats(&confirm(booking, &room.tables[..2], "first")), first, "a replay of the first");
    assert_eq!(found(&mut floor, booking), [""; 0]);
    let payload: Value =
        floor.value("select payload from public.capacity_outbox where event_type = 'capacity.assignment.undone'");
    assert_eq!(payload["restoredTableIds"], json!(room.tables[..2]));
}

#[test]
fn k17_what_cannot_be_given_back_is_for_a_person() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let (booking, other) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    floor.done(&confirm(booking, &room.tables[..1], "first"));
    floor.done(&confirm(booking, &room.tables[1..2], "second"));
    floor.done(&confirm(other, &room.tables[..1], "key"));
    let before = floor.snapshot();
    let row = floor.outcome(&undo(booking, "second"));
    assert_eq!((&row["outcome"], &row["sqlstate"]), (&json!("undo_undecided"), &json!("P0001")), "{row}");
    assert!(row["detail"].as_str().is_some_and(|detail| detail.contains(&other.to_string())), "{row}");
    assert_untouched(&mut floor, &before, "an undo that a person has to decide");
    floor.set("bookings", other, "status", "cancelled");
    assert_eq!(floor.outcome(&undo(booking, "second"))["outcome"], "undone", "it is over, and makes room");
    // An answer of before this was recorded does not say what it replaced.
    let third = floor.booking(room.restaurant);
    floor.set("bookings", third, "status", "confirmed");
    floor.done(&confirm(third, &room.tables[2..], "key"));
    let row = floor.outcome(&undo(third, "key"));
    assert_eq!(row["outcome"], "undo_undecided", "{row}");
    assert_eq!(row["detail"], "The booking would be confirmed without a table");
}
