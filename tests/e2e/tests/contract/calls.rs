//! Every function of the contract, called with every argument by its name.

use holdfast_e2e::{Call, Floor, Literal, assign, at, confirm, confirm_hold, ground, unassign};
use serde_json::{Value, json};
use uuid::Uuid;

/// A row of an answer on the evening of the tests, with the ids that nobody can know before replaced.
fn row(table: Uuid, start: &str, end: &str, merge_group: Value) -> Value {
    json!({"table_id": table, "start_at": format!("2027-05-01T{start}:00+00:00"),
           "end_at": format!("2027-05-01T{end}:00+00:00"), "merge_group_id": merge_group})
}

fn rows(floor: &mut Floor, call: &Call) -> Vec<Value> {
    let mut rows = floor.done(call);
    for row in &mut rows {
        for id in ["assignment_id", "merge_group_id"] {
            if let Some(value) = row.get_mut(id).filter(|value| value.is_string()) {
                *value = json!("an id");
            }
        }
    }
    rows
}

/// What the history is to say.
fn by_hand(call: Call, actor: Uuid) -> Call {
    call.with("p_assigned_by", actor)
        .with("p_history_changed_by", actor)
        .with("p_history_reason", "by hand")
        .with("p_history_metadata", json!({"shift": "late"}))
}

/// The one history row of a booking.
fn history(floor: &mut Floor, booking: Uuid) -> Value {
    let own = ground::own_columns();
    ground::hear_row(floor.value(&format!(
        "select to_jsonb(h) - '{{id,changed_at{own}}}'::text[] from public.booking_state_history h where booking_id = {}",
        booking.literal()
    )))
}

#[test]
fn tables_are_confirmed_by_named_arguments() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let (booking, actor) = (floor.booking(room.restaurant), Uuid::new_v4());
    let call = by_hand(confirm(booking, &room.tables[..2], "key"), actor)
        .with("p_require_adjacency", true)
        .with("p_start_at", at("18:00"))
        .with("p_end_at", at("21:30"))
        .with("p_target_status", "confirmed");
    let expected: Vec<Value> = room.tables[..2].iter().map(|id| row(*id, "18:00", "21:30", json!("an id"))).collect();
    assert_eq!(rows(&mut floor, &call), expected);
    assert_eq!(floor.get("bookings", booking, "status").as_deref(), Some("confirmed"));
    let expected = json!({"booking_id": booking, "from_status": "pending", "to_status": "confirmed",
                          "changed_by": actor, "reason": "by hand", "metadata": {"shift": "late"}});
    assert_eq!(history(&mut floor, booking), expected);
}

#[test]
fn a_hold_is_confirmed_by_named_arguments() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, hold) = floor.held(&room, &room.tables[1..]);
    let actor = Uuid::new_v4();
    let call = by_hand(confirm_hold(hold, booking, "key"), actor)
        .with("p_require_adjacency", false)
        .with("p_window_start", at("18:00"))
        .with("p_window_end", at("19:30"))
        .with("p_expected_policy_version", None::<String>)
        .with("p_expected_adjacency_hash", None::<String>)
        .with("p_target_status", "confirmed");
    let mut expected = row(room.tables[1], "18:00", "19:30", Value::Null);
    expected["assignment_id"] = json!("an id");
    assert_eq!(rows(&mut floor, &call), [expected]);
    assert_eq!(floor.get("bookings", booking, "status").as_deref(), Some("confirmed"));
    assert_eq!(history(&mut floor, booking)["changed_by"], json!(actor));
}

#[test]
fn a_hold_without_a_target_is_consumed_and_the_status_stays() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    assert_eq!(floor.seats(&confirm_hold(hold, booking, "key").without("p_target_status")).len(), 1);
    assert_eq!(floor.get("bookings", booking, "status").as_deref(), Some("pending"));
    assert_eq!(floor.get("table_holds", hold, "status").as_deref(), Some("confirmed"));
    assert_eq!(floor.count("booking_state_history", "true"), 0);
}

#[test]
fn tables_are_added_by_named_arguments() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    let call = assign(booking, &room.tables[..1], "one")
        .with("p_require_adjacency", false)
        .with("p_assigned_by", Uuid::new_v4())
        .with("p_start_at", at("18:00"))
        .with("p_end_at", at("20:00"));
    assert_eq!(rows(&mut floor, &call), [row(room.tables[0], "18:00", "20:00", Value::Null)]);
    let both = assign(booking, &room.tables[1..], "two");
    assert_eq!(rows(&mut floor, &both), [row(room.tables[1], "18:00", "20:00", Value::Null)]);
    assert_eq!(floor.count("booking_table_assignments", "true"), 2, "an assign adds");
    assert_eq!(floor.get("bookings", booking, "status").as_deref(), Some("pending"));
}

#[test]
fn rows_come_by_table_and_duplicate_ids_collapse() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let booking = floor.booking(room.restaurant);
    let [a, b, c] = [room.tables[0], room.tables[1], room.tables[2]];
    let seats = floor.seats(&confirm(booking, &[c, a, b, a, c], "key"));
    assert_eq!(seats.iter().map(|seat| seat.table).collect::<Vec<_>>(), [a, b, c]);
    let group = seats[0].merge_group.expect("a group");
    assert!(seats.iter().all(|seat| seat.merge_group == Some(group)));
    let claim = format!("resource_type = 'merge_group' and id = '{group}' and resource_id = '{group}'");
    assert_eq!(floor.count("allocations", &claim), 1);
}

#[test]
fn single_and_merged_tables_are_assigned_and_unassigned_by_named_arguments() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let actor = Uuid::new_v4();
    let single = floor.booking(room.restaurant);
    let call = Call::new("assign_single_table").with("p_booking_id", single).with("p_table_id", room.tables[0]);
    let answer = floor.done(&call.with("p_assigned_by", actor).with("p_idempotency_key", "one"));
    assert_eq!(answer, [json!("")], "void, as JSON");
    let merged = floor.booking(room.restaurant);
    let pair = &room.tables[1..];
    let call = Call::new("assign_merged_tables").with("p_booking_id", merged).with("p_table_ids", pair);
    floor.done(&call.with("p_require_adjacency", true).with("p_assigned_by", actor).with("p_idempotency_key", "two"));
    assert_eq!(floor.count("booking_table_assignments", &format!("assigned_by = '{actor}'")), 3);
    assert_eq!(floor.count("booking_table_assignments", "merge_group_id is not null"), 2);

    let one = Call::new("unassign_tables_atomic").with("p_booking_id", merged).with("p_table_ids", &pair[..1]);
    assert_eq!(floor.done(&one), [json!(pair[0])]);
    assert_eq!(floor.done(&unassign(merged)), [json!(pair[1])]);
    assert_eq!(floor.done(&unassign(merged)), Vec::<Value>::new());
    assert_eq!(floor.count("allocations", "true"), 1, "only the single table is still taken");
}

#[test]
fn a_transition_is_applied_by_named_arguments() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.done(&confirm(booking, &room.tables, "key"));
    let actor = Uuid::new_v4();
    let call = Call::new("apply_booking_state_transition")
        .with("p_booking_id", booking)
        .with("p_status", "checked_in")
        .with("p_checked_in_at", at("18:05"))
        .with("p_checked_out_at", None::<bool>)
        .with("p_updated_at", at("18:06"))
        .with("p_history_from", "confirmed")
        .with("p_history_to", "checked_in")
        .with("p_history_changed_by", actor)
        .with("p_history_changed_at", at("18:07"))
        .with("p_history_reason", "they are here")
        .with("p_history_metadata", json!({"door": 2}));
    let expected = json!({"status": "checked_in", "checked_in_at": "2027-05-01T18:05:00+00:00",
                          "checked_out_at": null, "updated_at": "2027-05-01T18:06:00+00:00"});
    assert_eq!(floor.done(&call), [expected]);
    let own = ground::own_columns();
    let history: Value = floor.value(&format!(
        "select to_jsonb(h) - '{{id{own}}}'::text[] from public.booking_state_history h
         where booking_id = '{booking}' and to_status = 'checked_in'"
    ));
    let history = ground::hear_row(history);
    let expected = json!({"booking_id": booking, "from_status": "confirmed", "to_status": "checked_in",
        "changed_by": actor, "changed_at": "2027-05-01T18:07:00+00:00", "reason": "they are here", "metadata": {"door": 2}});
    assert_eq!(history, expected);
}

#[test]
fn a_hold_is_taken_released_and_confirmed_by_named_arguments() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    let actor = Uuid::new_v4();
    let take = Call::new("hold_tables")
        .with("p_booking_id", booking)
        .with("p_table_ids", &room.tables)
        .with("p_start_at", at("18:00"))
        .with("p_end_at", at("19:00"))
        .with("p_ttl_seconds", 60)
        .with("p_created_by", actor)
        .with("p_metadata", json!({"policyVersion": "v1"}));
    let held = floor.done(&take).remove(0);
    assert_eq!((&held["booking_id"], &held["table_ids"]), (&json!(booking), &json!(room.tables)));
    let window = (&held["start_at"], &held["end_at"]);
    assert_eq!(window, (&json!("2027-05-01T18:00:00+00:00"), &json!("2027-05-01T19:00:00+00:00")));
    let hold = held["hold_id"].as_str().expect("an id").to_owned();
    let release = Call::new("release_hold_and_emit").with("p_hold_id", hold.as_str()).with("p_actor_id", actor);
    assert_eq!(floor.done(&release), [json!(true)]);
    assert_eq!(floor.done(&release), [json!(false)], "there is no live hold any more");

    let held = floor.done(&take).remove(0);
    let confirm = Call::new("atomic_confirm_and_transition")
        .with("p_booking_id", booking)
        .with("p_hold_id", held["hold_id"].as_str().expect("an id"))
        .with("p_idempotency_key", "key")
        .with("p_assigned_by", actor)
        .with("p_history_reason", "inline")
        .with("p_history_metadata", json!({}))
        .with("p_history_changed_by", actor);
    let seats = floor.seats(&confirm);
    assert_eq!(seats.iter().map(|seat| seat.table).collect::<Vec<_>>(), room.tables);
    assert!(seats.iter().all(|seat| seat.start == at("18:00") && seat.end == at("19:00")));
    let state = floor.done(&Call::new("reconcile_booking").with("p_booking_id", booking)).remove(0);
    assert_eq!(state["booking_state"], "confirmed");
    assert_eq!(
        state.as_object().map(|row| row.keys().cloned().collect()),
        Some(["assignment_state", "booking_state", "findings"].map(str::to_owned).to_vec())
    );
}

#[test]
fn a_table_status_is_refreshed_by_named_arguments() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.done(&confirm(booking, &room.tables, "key"));
    assert_eq!(floor.get("table_inventory", room.tables[0], "status").as_deref(), Some("available"), "another day");
    floor.run(
        "update public.allocations set \"window\" = tstzrange(now() - interval '1 hour', now() + interval '1 hour')",
    );
    let refresh = Call::new("refresh_table_status").with("p_table_id", room.tables[0]);
    assert_eq!(floor.done(&refresh), [json!("")]);
    assert_eq!(floor.get("table_inventory", room.tables[0], "status").as_deref(), Some("reserved"));
}

#[test]
fn the_key_of_a_booking_follows_the_contracts_recipe() {
    let mut floor = Floor::new();
    let call = Call::new("auto_assign_idempotency_key")
        .with("p_booking_id", "11111111-1111-4111-8111-111111111111")
        .with("p_restaurant_id", "22222222-2222-4222-8222-222222222222")
        .with("p_party_size", 4)
        .with("p_booking_date", "2027-05-01")
        .with("p_start_time", "18:00");
    let recipe: String = floor.value(
        "select 'booking-11111111-1111-4111-8111-111111111111-auto-assign-' || left(encode(sha256(convert_to(
         '11111111-1111-4111-8111-111111111111|22222222-2222-4222-8222-222222222222|4|2027-05-01T18:00:00', 'UTF8')), 'hex'), 12)",
    );
    assert_eq!(floor.done(&call), [json!(recipe)]);
}
