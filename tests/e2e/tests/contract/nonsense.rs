//! Arguments that make no sense are refused in words, whatever they are: no crash, no internal error, no trace.

use holdfast_e2e::{Call, Floor, Literal, Refusal, Room, Sql, at, confirm, confirm_hold, ground};
use serde_json::json;
use uuid::Uuid;

/// Every wrapper, with arguments that make sense.
fn sensible(room: &Room, booking: Uuid, hold: Uuid) -> Vec<Call> {
    let tables = &room.tables;
    vec![
        confirm(booking, tables, "key"),
        confirm_hold(hold, booking, "key"),
        holdfast_e2e::atomic_confirm(booking, hold, "key"),
        holdfast_e2e::assign(booking, tables, "key"),
        holdfast_e2e::unassign(booking),
        Call::new("assign_single_table").with("p_booking_id", booking).with("p_table_id", tables[0]),
        Call::new("assign_merged_tables").with("p_booking_id", booking).with("p_table_ids", tables),
        Call::new("hold_tables").with("p_booking_id", booking).with("p_table_ids", tables),
        Call::new("release_hold_and_emit").with("p_hold_id", hold),
        Call::new("refresh_table_status").with("p_table_id", tables[0]),
        Call::new("reconcile_booking").with("p_booking_id", booking),
        Call::new("apply_booking_state_transition")
            .with("p_booking_id", booking)
            .with("p_status", "confirmed")
            .with("p_checked_in_at", at("18:00"))
            .with("p_checked_out_at", at("19:00"))
            .with("p_updated_at", at("18:00"))
            .with("p_history_from", "pending")
            .with("p_history_to", "confirmed")
            .with("p_history_changed_by", booking)
            .with("p_history_changed_at", at("18:00"))
            .with("p_history_reason", "why"),
    ]
}

/// SQLSTATEs that callers know how to read.
fn is_understood(refusal: &Refusal) -> bool {
    ["P0001", "P0002", "P0003", "P0004", "22000", "22023", "23503", "23514"].contains(&refusal.sqlstate.as_str())
}

#[test]
fn any_argument_may_be_null() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    for which in 0..12 {
        let names: Vec<String> = {
            let call = sensible(&room, Uuid::nil(), Uuid::nil()).remove(which).sql();
            let function = call.trim_start_matches("public.").split('(').next().expect("a name").to_owned();
            floor.value(&format!("select proargnames[1:pronargs] from pg_proc where pronamespace = 'public'::regnamespace and proname = {}", function.literal()))
        };
        for name in &names {
            floor.run("begin");
            let (booking, hold) = floor.held(&room, &room.tables);
            let call = sensible(&room, booking, hold).remove(which).with(name, Sql("null"));
            if let Err(refusal) = floor.call(&call) {
                assert!(is_understood(&refusal), "{}\n{refusal:?}", call.sql());
                assert!(refusal.hint.is_some(), "{refusal:?}");
            }
            floor.run("rollback");
        }
    }
}

#[test]
fn null_ids_are_named_as_null() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let null = || Sql("null");
    floor
        .refused(&confirm(booking, &room.tables, "key").with("p_booking_id", null()))
        .says("P0002", "Booking <NULL> not found");
    floor.refused(&confirm_hold(hold, booking, "key").with("p_hold_id", null())).says("P0002", "Hold <NULL> not found");
    let single = Call::new("assign_single_table").with("p_booking_id", booking).with("p_table_id", null());
    assert!(is_understood(&floor.refused(&single)));
    let release = Call::new("release_hold_and_emit").with("p_hold_id", null());
    assert_eq!(floor.done(&release), [json!(false)], "no hold is no live hold");
}

/// Windows at the ends of time, backwards, and empty.
#[test]
fn odd_windows_are_refused() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let before = floor.snapshot();
    for (start, end) in [
        ("-infinity", "infinity"),
        ("2027-05-01 18:00Z", "infinity"),
        ("-infinity", "2027-05-01 20:00Z"),
        ("2027-05-01 20:00Z", "2027-05-01 18:00Z"),
        ("2027-05-01 18:00Z", "2027-05-01 18:00Z"),
        ("4713-01-01 00:00Z BC", "4713-01-02 00:00Z BC"),
        ("294276-12-31 00:00Z", "294276-12-31 23:00Z"),
    ] {
        let calls = [
            confirm(booking, &room.tables, "key").with("p_start_at", start).with("p_end_at", end),
            confirm_hold(hold, booking, "key").with("p_window_start", start).with("p_window_end", end),
            Call::new("hold_tables")
                .with("p_booking_id", booking)
                .with("p_table_ids", &room.tables)
                .with("p_start_at", start)
                .with("p_end_at", end),
        ];
        for call in calls {
            let refusal = floor.refused(&call);
            assert!(["22023", "23514"].contains(&refusal.sqlstate.as_str()), "{}\n{refusal:?}", call.sql());
        }
    }
    holdfast_e2e::assert_untouched(&mut floor, &before, "odd windows");
}

/// The longest window that there is: an hour in the Stone Age to one in the far future.
#[test]
fn a_window_may_be_long() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let call = confirm(booking, &room.tables, "key")
        .with("p_start_at", "4713-01-01 00:00Z BC")
        .with("p_end_at", "294276-12-31 23:00Z");
    assert_eq!(floor.call(&call).expect("it meets the booking's own").len(), 1);
    assert_eq!(floor.call(&call).expect("a replay").len(), 1);
}

/// Arrays of any shape are lists of tables.
#[test]
fn odd_arrays_are_lists() {
    let mut floor = Floor::new();
    let room = floor.room(4);
    let [a, b, c, d] = [0, 1, 2, 3].map(|place| room.tables[place].literal());
    for (array, tables) in [
        (format!("array[[{a}, {b}], [{c}, {d}]]"), 4),
        (format!("('[5:6]={{' || {a} || ',' || {b} || '}}')::uuid[]"), 2),
        (format!("array(select {a} from generate_series(1, 5000))"), 1),
    ] {
        let booking = floor.booking(room.restaurant);
        let call = confirm(booking, &[], "key").with("p_table_ids", Sql(&array));
        assert_eq!(floor.seats(&call).len(), tables, "{array}");
        floor.done(&holdfast_e2e::unassign(booking));
    }
    let booking = floor.booking(room.restaurant);
    let many = confirm(booking, &[], "key")
        .with("p_table_ids", Sql("array(select gen_random_uuid() from generate_series(1, 5000))"));
    floor.refused(&many).says("P0002", &format!("Unable to load all requested tables for booking {booking}"));
}

/// Texts and JSON of any kind are taken as they are.
#[test]
fn odd_texts_and_documents_are_kept() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    for (number, document) in
        [json!([1, 2]), json!("text"), json!(null), json!({"a": {"b": "\u{1F37D} ' \\ \" %s {}"}})]
            .into_iter()
            .enumerate()
    {
        let booking = floor.booking(room.restaurant);
        let key = format!("key {number} ' \" \\ %s {{}} \u{1F37D}");
        let call = confirm(booking, &room.tables, &key)
            .with("p_history_metadata", document.clone())
            .with("p_history_reason", key.as_str());
        assert_eq!(floor.seats(&call).len(), 1);
        assert_eq!(floor.seats(&call).len(), 1, "a replay");
        let kept: (serde_json::Value, String, String) = {
            let kept = ground::say(
                "select h.metadata, h.reason, l.idempotency_key from public.booking_state_history h
                 join public.booking_assignment_idempotency l using (booking_id) where booking_id = $1",
            );
            let row = floor.client.query_one(&*kept, &[&booking]).expect("one row");
            (row.get(0), row.get(1), row.get(2))
        };
        assert_eq!(kept, (document, key.clone(), key));
        floor.done(&holdfast_e2e::unassign(booking));
    }
}

#[test]
fn odd_metadata_of_a_hold_does_no_harm() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    for metadata in [
        json!([]),
        json!("text"),
        json!(7),
        json!({"selection": []}),
        json!({"selection": {"tableIds": "none", "snapshot": {"zoneIds": 3, "adjacency": "x"}}}),
        json!({"selection": {"tableIds": [1, null], "snapshot": {"adjacency": {"edges": ["a", null]}}}}),
        json!({"requireAdjacency": "yes", "policyVersion": {"a": 1}}),
    ] {
        let (booking, hold) = floor.held(&room, &room.tables);
        floor.set("table_holds", hold, "metadata", metadata.clone());
        match floor.call(&confirm_hold(hold, booking, "key")) {
            Ok(rows) => assert_eq!(rows.len(), 1),
            Err(refusal) => assert!(is_understood(&refusal), "{metadata}: {refusal:?}"),
        }
        floor.run("delete from public.booking_state_history; delete from public.bookings");
    }
    let booking = floor.booking(room.restaurant);
    for lifetime in [0, -1, i32::MIN, i32::MAX] {
        let call = Call::new("hold_tables").with("p_booking_id", booking).with("p_table_ids", &room.tables);
        assert_eq!(floor.refused(&call.with("p_ttl_seconds", lifetime)).sqlstate, "22023");
    }
}

/// A key longer than an index can hold.
#[test]
fn a_long_key_is_kept_or_refused_in_words() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.run("create table public.noise as select string_agg(md5(i::text), '') as key from generate_series(1, 400) i");
    let key: String = floor.value("select key from public.noise");
    let call = confirm(booking, &room.tables, &key[..2000]);
    assert_eq!(floor.seats(&call).len(), 1);
    assert_eq!(floor.seats(&call).len(), 1, "a replay");
    let refusal = floor.refused(&confirm(booking, &room.tables, &key));
    assert!(is_understood(&refusal), "{refusal:?}");
}
