//! Once per key (G3), one answer per key (G4): what the ledger binds, and what it does not.

use holdfast_e2e::{
    Call, Floor, Sql, assert_untouched, assign, at, atomic_confirm, confirm, confirm_hold, native, unassign,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// The native call beside [`confirm`].
fn native_confirm(booking: Uuid, tables: &[Uuid], key: &str) -> Call {
    native("confirm_tables").with("p_booking_id", booking).with("p_table_ids", tables).with("p_idempotency_key", key)
}

/// The native call beside [`confirm_hold`].
fn native_confirm_hold(hold: Uuid, booking: Uuid, key: &str) -> Call {
    native("confirm_hold")
        .with("p_hold_id", hold)
        .with("p_booking_id", booking)
        .with("p_idempotency_key", key)
        .with("p_target_status", "confirmed")
}

/// The columns of a native answer that say why.
fn refusal(row: &Value) -> [&Value; 6] {
    ["outcome", "code", "sqlstate", "message", "detail", "hint"].map(|column| &row[column])
}

#[test]
fn a_native_call_answers_one_row_and_says_when_it_replays() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    let call = native_confirm(booking, &room.tables, "key");
    let first = floor.outcome(&call);
    let columns: Vec<&str> = first.as_object().expect("a row").keys().map(String::as_str).collect();
    let expected = [
        "code",
        "detail",
        "hint",
        "idempotency_key",
        "message",
        "outcome",
        "receipt",
        "replayed",
        "result",
        "sqlstate",
        "transient",
    ];
    assert_eq!(columns, expected);
    assert_eq!(refusal(&first)[..3], [&json!("confirmed"), &json!("HF001"), &json!("00000")]);
    assert_eq!((&first["replayed"], &first["transient"]), (&json!(false), &json!(false)));
    assert_eq!(first["idempotency_key"], "key");
    let ledger: Value = floor.value("select to_jsonb(l) from public.booking_assignment_idempotency l");
    assert_eq!(first["receipt"], ledger["transaction_id"]);
    let again = floor.outcome(&call);
    let mut expected = first.clone();
    expected["replayed"] = json!(true);
    assert_eq!(again, expected, "the first answer, marked as replayed");
    let wrapper: Vec<Value> = floor.done(&confirm(booking, &room.tables, "key"));
    assert_eq!(wrapper.len(), 2, "the wrapper and the native call share the key");
}

#[test]
fn every_field_that_differs_is_named() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    let (actor, second) = (Uuid::new_v4(), Uuid::new_v4());
    let call = confirm(booking, &room.tables[..1], "key")
        .with("p_assigned_by", actor)
        .with("p_history_reason", "by hand")
        .with("p_history_changed_by", actor)
        .with("p_history_metadata", json!({"a": 1}));
    floor.done(&call);
    let other = call
        .clone()
        .with("p_table_ids", &room.tables)
        .with("p_start_at", at("18:30"))
        .with("p_end_at", at("20:00"))
        .with("p_require_adjacency", true)
        .with("p_assigned_by", second)
        .with("p_history_reason", "by foot")
        .with("p_history_changed_by", second)
        .with("p_history_metadata", json!({"a": 2}));
    let refusal = floor.refused(&other);
    refusal
        .says("P0003", &format!("assign_tables_atomic_v2 idempotency mismatch for booking {booking}"))
        .detail("Idempotency key reuse detected with a different table set");
    let window = |start: &str| json!({"start": format!("2027-05-01T{start}:00Z"), "end": "2027-05-01T20:00:00Z"});
    let mut found = refusal.differences();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("actor", json!(actor), json!(second)),
        ("changed_by", json!(actor), json!(second)),
        ("metadata", json!({"a": 1}), json!({"a": 2})),
        ("reason", json!("by hand"), json!("by foot")),
        ("require_adjacency", json!(false), json!(true)),
        ("tables", json!([room.tables[0]]), json!(room.tables)),
        ("window", window("18:00"), window("18:30")),
    ];
    assert_eq!(found, expected.map(|(field, first, this)| (field.to_owned(), first, this)));
    assert_eq!(floor.seats(&call).len(), 1, "the key still has its first answer");
}

/// Without an actor, paths that share a key may bring holds and words of their own.
#[test]
fn automatic_paths_share_a_key() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let answer = floor.done(&confirm_hold(hold, booking, "key").with("p_history_reason", "inline"));
    let again = floor.hold(&room, Some(booking), &room.tables);
    let background = confirm_hold(again, booking, "key").with("p_history_reason", "background");
    assert_eq!(floor.done(&background), answer);
    let by_tables = floor.seats(&confirm(booking, &room.tables, "key"));
    assert_eq!(by_tables.len(), 1, "and by tables");
}

#[test]
fn a_replay_needs_no_hold() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, hold) = floor.held(&room, &room.tables);
    let call = atomic_confirm(booking, hold, "key");
    let answer = floor.done(&call);
    floor.run(&format!("update public.booking_confirmation_results set hold_id = null; delete from public.table_holds where id = '{hold}'"));
    let before = floor.snapshot();
    assert_eq!(floor.done(&call), answer);
    assert_untouched(&mut floor, &before, "the replay");
}

#[test]
fn a_replay_is_refused_when_the_booking_has_moved_on() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let call = confirm(booking, &room.tables, "key");
    let answer = floor.done(&call);
    for status in ["checked_in", "no_show", "cancelled"] {
        floor.set("bookings", booking, "status", status);
        floor.refused(&call).says_status(status, &["confirmed"]);
    }
    floor.set("bookings", booking, "status", "confirmed");
    assert_eq!(floor.done(&call), answer, "it is confirmed again: the answer is as true as before");
}

#[test]
fn a_replay_is_refused_when_the_tables_are_no_longer_the_answer() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    let call = confirm(booking, &room.tables[..1], "key");
    floor.done(&call);
    floor.done(&unassign(booking));
    let gone = format!("assign_tables_atomic_v2 returned no assignments for booking {booking}");
    floor.refused(&call).says("P0003", &gone);
    // The same table again, but for another request: still not the answer of the first key.
    floor.done(&confirm(booking, &room.tables[..1], "second"));
    floor.refused(&call).says("P0003", &gone);
    floor.done(&confirm(booking, &room.tables[1..], "third"));
    floor.refused(&call).says("P0003", &gone);
}

#[test]
fn a_final_refusal_that_was_returned_is_sticky() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, table) = (floor.booking(room.restaurant), room.tables[0]);
    floor.set("table_inventory", table, "active", false);
    let call = native_confirm(booking, &[table], "key");
    let first = floor.outcome(&call);
    assert_eq!(refusal(&first)[..3], [&json!("table_inactive"), &json!("HF504"), &json!("23514")]);
    assert_eq!(first["message"], format!("Table {table} is inactive"));
    assert_eq!(
        (&first["replayed"], &first["transient"], &first["result"]),
        (&json!(false), &json!(false), &Value::Null)
    );
    floor.set("table_inventory", table, "active", true);
    let again = floor.outcome(&call);
    assert_eq!(refusal(&again), refusal(&first), "also after the cause has gone");
    assert_eq!(again["replayed"], json!(true));
    floor.refused(&confirm(booking, &[table], "key")).says("23514", &format!("Table {table} is inactive"));
    let other = floor.outcome(&native_confirm(booking, &room.tables[1..], "key"));
    assert_eq!(refusal(&other)[..3], [&json!("key_mismatch"), &json!("HF301"), &json!("P0003")]);
    assert_eq!(floor.outcome(&native_confirm(booking, &[table], "new"))["outcome"], "confirmed");
}

#[test]
fn a_refused_hold_is_sticky() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.set("table_holds", hold, "expires_at", "2026-01-01 00:00Z");
    let call = native_confirm_hold(hold, booking, "key");
    let first = floor.outcome(&call);
    assert_eq!(refusal(&first)[..3], [&json!("hold_expired"), &json!("HF202"), &json!("P0001")]);
    assert_eq!(first["message"], format!("Hold {hold} expired at 2026-01-01T00:00:00Z"));
    floor.set("table_holds", hold, "expires_at", Sql("clock_timestamp() + interval '1 hour'"));
    let again = floor.outcome(&call);
    assert_eq!(refusal(&again), refusal(&first));
    assert_eq!(again["replayed"], json!(true));
    assert_eq!(floor.get("bookings", booking, "status").as_deref(), Some("pending"));
}

/// What was raised is rolled back, so it binds nothing; what was returned and rolled back neither.
#[test]
fn a_final_refusal_that_was_not_committed_binds_nothing() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, table) = (floor.booking(room.restaurant), room.tables[0]);
    floor.set("table_inventory", table, "active", false);
    floor.refused(&confirm(booking, &room.tables, "key"));
    floor.run("begin");
    assert_eq!(floor.outcome(&native_confirm(booking, &room.tables, "key"))["outcome"], "table_inactive");
    floor.run("rollback");
    assert_eq!(floor.count("booking_assignment_idempotency", "true"), 0);
    floor.set("table_inventory", table, "active", true);
    assert_eq!(floor.outcome(&native_confirm(booking, &room.tables, "key"))["outcome"], "confirmed");
}

#[test]
fn a_transient_refusal_binds_nothing() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (_, theirs) = floor.held(&room, &room.tables[..1]);
    let booking = floor.booking(room.restaurant);
    let call = native_confirm(booking, &room.tables, "key");
    let before = floor.snapshot();
    let first = floor.outcome(&call);
    assert_eq!(refusal(&first)[..3], [&json!("hold_conflict"), &json!("HF209"), &json!("P0001")]);
    assert_eq!(first["transient"], true);
    let detail = first["detail"].as_str().expect("a detail");
    assert!(detail.starts_with(&format!("Hold {theirs} overlaps requested window: ")), "{detail}");
    assert_untouched(&mut floor, &before, "a transient refusal");
    floor.done(&Call::new("release_hold_and_emit").with("p_hold_id", theirs));
    let other = floor.booking(room.restaurant);
    floor.done(&confirm(other, &room.tables[1..], "key"));
    assert_eq!(floor.outcome(&call)["outcome"], "allocation_conflict");
    floor.done(&unassign(other));
    let answer = floor.outcome(&call);
    assert_eq!((&answer["outcome"], &answer["replayed"]), (&json!("confirmed"), &json!(false)));
}

#[test]
fn no_key_leaves_no_ledger_row() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let call = confirm(booking, &room.tables, "key").with("p_idempotency_key", Sql("null"));
    assert_eq!(floor.seats(&call).len(), 1);
    assert_eq!(floor.count("booking_assignment_idempotency", "true"), 0);
    assert_eq!(floor.seats(&call).len(), 1, "and again: the tables stand as asked");
    let row = floor.outcome(&native_confirm(booking, &[Uuid::new_v4()], "key").with("p_idempotency_key", Sql("null")));
    assert_eq!((&row["outcome"], &row["idempotency_key"]), (&json!("tables_not_found"), &Value::Null));
    assert_eq!(floor.count("booking_assignment_idempotency", "true"), 0, "a refusal without a key is bound to nothing");
}

/// A key belongs to its booking; a booking may have several keys.
#[test]
fn the_scope_of_a_key_is_its_booking() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (first, second) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    floor.done(&confirm(first, &room.tables[..1], "key"));
    assert_eq!(floor.seats(&confirm(second, &room.tables[1..], "key")).len(), 1);
    assert_eq!(floor.seats(&confirm(first, &room.tables[..1], "other key")).len(), 1);
    let keys: Vec<String> = floor.column(
        "select idempotency_key from public.booking_assignment_idempotency where outcome = 'confirmed' order by 1",
    );
    assert_eq!(keys, ["key", "key", "other key"]);
    assert_eq!(floor.count("booking_table_assignments", "true"), 2, "the second key found the table standing");
}

/// A confirm and an assign are different requests.
#[test]
fn an_assign_is_not_the_answer_to_a_confirm() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let call = assign(booking, &room.tables, "key");
    let answer = floor.done(&call);
    assert_eq!(floor.done(&call), answer);
    let refusal = floor.refused(&confirm(booking, &room.tables, "key"));
    refusal.says("P0003", &format!("assign_tables_atomic_v2 idempotency mismatch for booking {booking}"));
    let fields: Vec<String> = refusal.differences().into_iter().map(|difference| difference.0).collect();
    assert_eq!(fields, ["intent", "target_status"]);
}
