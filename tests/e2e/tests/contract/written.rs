//! What the calls write, to the letter: the rows that other services read (contract §4).

use holdfast_e2e::{Call, Floor, assign, at, confirm, confirm_hold, ground, unassign};
use serde_json::{Value, json};
use uuid::Uuid;

const START: &str = "2027-05-01T18:00:00+00:00";
const END: &str = "2027-05-01T20:00:00+00:00";
const WINDOW: &str = "[\"2027-05-01 18:00:00+00\",\"2027-05-01 20:00:00+00\")";

/// The rows of a table as JSON, without the columns named and those that only the application knows.
fn rows(floor: &mut Floor, table: &str, without: &str, order: &str) -> Vec<Value> {
    let own = ground::own_columns();
    let query = format!("select to_jsonb(t) - '{{{without}{own}}}'::text[] from public.{table} t order by {order}");
    let rows: Vec<Value> = floor.column(&query);
    rows.into_iter().map(ground::hear_row).collect()
}

#[test]
fn a_confirm_by_hold_writes_these_rows() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, hold) = floor.held(&room, &room.tables);
    let (actor, changed_by) = (Uuid::new_v4(), Uuid::new_v4());
    let call = confirm_hold(hold, booking, "key")
        .with("p_assigned_by", actor)
        .with("p_history_changed_by", changed_by)
        .with("p_history_reason", "inline")
        .with("p_history_metadata", json!({"shift": 2}));
    let answer = floor.done(&call);
    let group = &answer[0]["merge_group_id"];
    let ids: Vec<&Value> = answer.iter().map(|row| &row["assignment_id"]).collect();

    let claims = rows(&mut floor, "allocations", "id,created_at", "resource_type, resource_id");
    let claim = |kind: &str, resource: &Value| {
        json!({"booking_id": booking, "restaurant_id": room.restaurant, "resource_type": kind, "resource_id": resource,
               "window": WINDOW, "shadow": false, "is_maintenance": false, "created_by": actor})
    };
    let [a, b] = [0, 1].map(|place| json!(room.tables[place]));
    assert_eq!(claims, [claim("merge_group", group), claim("table", &a), claim("table", &b)]);

    let assignments = rows(&mut floor, "booking_table_assignments", "assigned_at,allocation_id", "table_id");
    let assignment = |id: &Value, table: &Value| {
        json!({"id": id, "booking_id": booking, "table_id": table, "slot_id": null, "assigned_by": actor,
               "idempotency_key": "key", "start_at": START, "end_at": END, "merge_group_id": group})
    };
    assert_eq!(assignments, [assignment(ids[0], &a), assignment(ids[1], &b)]);

    let history = rows(&mut floor, "booking_state_history", "id,changed_at", "changed_at");
    let moved = json!({"booking_id": booking, "from_status": "pending", "to_status": "confirmed",
                       "changed_by": changed_by, "reason": "inline", "metadata": {"shift": 2}});
    assert_eq!(history, [moved]);

    let results = rows(&mut floor, "booking_confirmation_results", "created_at", "booking_id");
    let result = json!({"booking_id": booking, "idempotency_key": "key", "hold_id": hold, "restaurant_id": room.restaurant,
        "table_ids": room.tables, "assignment_window": WINDOW, "actor_id": actor, "metadata": {}});
    assert_eq!(results, [result]);

    let kept = rows(&mut floor, "table_holds", "expires_at,created_at,metadata", "id");
    assert_eq!((&kept[0]["status"], &kept[0]["booking_id"]), (&json!("confirmed"), &json!(booking)));
    assert_eq!(floor.count("table_hold_members", "true"), 2, "the hold keeps its tables");
}

#[test]
fn the_ledger_keeps_the_request_and_the_answer() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, hold) = floor.held(&room, &room.tables);
    let answer = floor.done(&confirm_hold(hold, booking, "key"));
    let entries = rows(
        &mut floor,
        "booking_assignment_idempotency",
        "created_at,expires_at,transaction_id,request",
        "booking_id",
    );
    let ids: Vec<&Value> = answer.iter().map(|row| &row["assignment_id"]).collect();
    let hash = |floor: &mut Floor, text: &str| -> String {
        floor.value(&format!("select encode(sha256(convert_to('{text}', 'UTF8')), 'hex')"))
    };
    let tables = hash(&mut floor, &format!("{},{}", room.tables[0], room.tables[1]));
    let expected = json!({"booking_id": booking, "idempotency_key": "key", "table_ids": room.tables, "assignment_window": WINDOW,
        "merge_group_allocation_id": answer[0]["merge_group_id"], "table_set_hash": tables, "outcome": "confirmed",
        "refusal": null, "assignment_ids": ids, "hold_id": hold, "basis": {"window": "derived"}, "payload_checksum": entries[0]["payload_checksum"]});
    assert_eq!(entries, [expected]);
    let checksum = entries[0]["payload_checksum"].as_str().unwrap_or_default();
    assert!(checksum.len() == 64 && checksum.bytes().all(|byte| byte.is_ascii_hexdigit()), "{checksum}");
    let request: Value = floor.value("select request from public.booking_assignment_idempotency");
    assert_eq!(request["target_status"], "confirmed", "{request}");
    // Booking, tables and window are columns of the row already, and stand there once.
    for field in ["booking", "tables", "start_at", "end_at"] {
        assert_eq!(request.get(field), None, "{request}");
    }
}

/// Dedupe keys as consumers know them: `booking:startZ:endZ:tables` and `booking:hold:hold.confirmed`.
#[test]
fn the_outbox_tells_it_once_with_the_known_keys() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, hold) = floor.held(&room, &room.tables);
    let call = confirm_hold(hold, booking, "key");
    floor.done(&call);
    floor.done(&call);
    let events = rows(
        &mut floor,
        "capacity_outbox",
        "id,created_at,next_attempt_at,payload,claimed_by,last_error",
        "event_type",
    );
    let event = |kind: &str, dedupe: String| {
        json!({"status": "pending", "event_type": kind, "dedupe_key": dedupe, "attempt_count": 0,
               "restaurant_id": room.restaurant, "booking_id": booking, "idempotency_key": "key"})
    };
    let tables = format!("{},{}", room.tables[0], room.tables[1]);
    let sync = format!("{booking}:2027-05-01T18:00:00Z:2027-05-01T20:00:00Z:{tables}");
    let expected = [
        event("capacity.assignment.sync", sync),
        event("capacity.hold.confirmed", format!("{booking}:{hold}:hold.confirmed")),
    ];
    assert_eq!(events, expected);
    assert_eq!(floor.count("capacity_outbox", "next_attempt_at > clock_timestamp()"), 0, "due at once");
}

/// Confirm, unassign, confirm: the same facts are told again, apart from the first time.
#[test]
fn the_outbox_tells_it_again_when_it_happens_again() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    for key in ["one", "two", "three"] {
        floor.done(&confirm(booking, &room.tables, key));
        floor.done(&unassign(booking));
    }
    let keys: Vec<String> = floor.column(
        "select dedupe_key from public.capacity_outbox where event_type = 'capacity.assignment.sync' and idempotency_key is not null
         order by length(dedupe_key)",
    );
    let first = format!("{booking}:2027-05-01T18:00:00Z:2027-05-01T20:00:00Z:{}", room.tables[0]);
    assert_eq!((keys.len(), &keys[0]), (3, &first));
    assert!(
        keys[1..].iter().all(|key| key.starts_with(&first) && key.len() > first.len()) && keys[1] != keys[2],
        "{keys:?}"
    );
}

#[test]
fn a_hold_is_written_with_its_members_and_its_mirror() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    let actor = Uuid::new_v4();
    let take = Call::new("hold_tables").with("p_booking_id", booking).with("p_table_ids", &room.tables);
    let held = floor.done(&take.with("p_created_by", actor)).remove(0);
    let holds = rows(&mut floor, "table_holds", "expires_at,created_at,metadata", "id");
    let expected = json!({"id": held["hold_id"], "booking_id": booking, "restaurant_id": room.restaurant, "zone_id": room.zone,
                          "start_at": START, "end_at": END, "created_by": actor, "status": "active"});
    assert_eq!(holds, [expected]);
    let mirrors = rows(&mut floor, "allocations", "id,created_at,created_by", "id");
    let expected = json!({"booking_id": booking, "restaurant_id": room.restaurant, "resource_type": "hold",
        "resource_id": held["hold_id"], "window": WINDOW, "shadow": true, "is_maintenance": false});
    assert_eq!(mirrors, [expected]);
    let members: Vec<Uuid> = floor.column("select table_id from public.table_hold_members order by 1");
    assert_eq!(members, room.tables);
    let lifetime: f64 =
        floor.value("select extract(epoch from expires_at - clock_timestamp())::float8 from public.table_holds");
    assert!((170.0..=180.0).contains(&lifetime), "180 seconds unless the caller says otherwise: {lifetime}");

    let release = Call::new("release_hold_and_emit").with("p_hold_id", held["hold_id"].as_str().expect("an id"));
    assert_eq!(floor.done(&release), [json!(true)]);
    assert_eq!(floor.count("allocations", "true"), 0, "the mirror is gone");
    let hold: Uuid = held["hold_id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    assert_eq!(floor.get("table_holds", hold, "status").as_deref(), Some("cancelled"));
    assert_eq!(floor.count("capacity_outbox", "event_type = 'capacity.hold.released'"), 1, "and it was told");
}

/// A booking's slot is named when there is one; none is made.
#[test]
fn a_slot_that_exists_is_named() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let slot = floor.insert(
        "booking_slots",
        &[("restaurant_id", &room.restaurant), ("slot_date", &"2027-05-01"), ("slot_time", &"18:00")],
    );
    for (table, time, expected) in [(0, "18:00", Some(slot)), (1, "18:15", None)] {
        let booking = floor.booking(room.restaurant);
        floor.set("bookings", booking, "booking_date", "2027-05-01");
        floor.set("bookings", booking, "start_time", time);
        floor.done(&confirm(booking, &room.tables[table..=table], "key"));
        let found: Option<Uuid> = floor
            .value(&format!("select slot_id from public.booking_table_assignments where booking_id = '{booking}'"));
        assert_eq!(found, expected, "{time}");
    }
    assert_eq!(floor.count("booking_slots", "true"), 1);
}

/// Taking one table out of a group leaves no group of one, and the table that stays keeps its claim.
#[test]
fn a_group_ends_with_its_second_last_table() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let booking = floor.booking(room.restaurant);
    floor.done(&confirm(booking, &room.tables, "key"));
    let take = |table: Uuid| {
        Call::new("unassign_tables_atomic").with("p_booking_id", booking).with("p_table_ids", vec![table])
    };
    floor.done(&take(room.tables[0]));
    assert_eq!(floor.count("booking_table_assignments", "merge_group_id is not null"), 2);
    assert_eq!(floor.count("allocations", "resource_type = 'merge_group'"), 1);
    floor.done(&take(room.tables[1]));
    assert_eq!(floor.count("booking_table_assignments", "merge_group_id is null and allocation_id is not null"), 1);
    assert_eq!(floor.count("allocations", "resource_type = 'merge_group'"), 0);
    assert_eq!(floor.count("allocations", "true"), 1);
}

/// The status of a table is that of now: a running booking reserves or occupies it, another day leaves it alone.
#[test]
fn the_status_of_a_table_is_that_of_now() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (now, table) = (floor.booking(room.restaurant), room.tables[0]);
    let status = |floor: &mut Floor| floor.get("table_inventory", table, "status").expect("a status");
    floor.run("update public.bookings set start_at = now() - interval '1 hour', end_at = now() + interval '1 hour'");
    floor.done(&confirm(now, &[table], "key"));
    assert_eq!(status(&mut floor), "reserved");
    let later = floor.booking(room.restaurant);
    floor.done(&confirm(later, &[table], "key"));
    floor.done(&unassign(later));
    assert_eq!(status(&mut floor), "reserved", "another day's change");
    floor.set("bookings", now, "status", "checked_in");
    floor.done(&Call::new("refresh_table_status").with("p_table_id", table));
    assert_eq!(status(&mut floor), "occupied");
    floor.done(&unassign(now));
    assert_eq!(status(&mut floor), "available");
    floor.set("table_inventory", table, "status", "out_of_service");
    floor.done(&Call::new("refresh_table_status").with("p_table_id", table));
    assert_eq!(status(&mut floor), "out_of_service", "that is a person's word");
}

/// An assign tells that the tables changed, keeps a ledger row, and writes neither history nor a confirmation.
#[test]
fn an_assign_writes_no_history_and_no_confirmation() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.done(&assign(booking, &room.tables, "key").with("p_start_at", at("18:00")).with("p_end_at", at("20:00")));
    assert_eq!(floor.count("booking_state_history", "true"), 0);
    assert_eq!(floor.count("booking_confirmation_results", "true"), 0);
    assert_eq!(floor.count("booking_assignment_idempotency", "idempotency_key = 'key'"), 1);
    assert_eq!(
        floor.get("table_holds", hold, "status").as_deref(),
        Some("confirmed"),
        "its own hold on the table is used up"
    );
    assert_eq!(floor.count("capacity_outbox", "event_type = 'capacity.assignment.sync'"), 1);
}
