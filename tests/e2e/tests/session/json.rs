//! JSON stays the server's: its value, its equality, its text; whatever a caller or the application wrote into it.

use holdfast_e2e::{Call, Floor, Sql, atomic_confirm, confirm, confirm_hold, native, within};
use serde_json::json;
use uuid::Uuid;

/// What a double rounds, what serde refuses, and what has more levels than a careful parser reads.
const ODD: &[&str] = &[
    r#"'{"orderId": 12345678901234567890123, "rate": 1.10, "whole": 10.0}'::jsonb"#,
    r#"'{"n": 1e400, "m": -1.7976931348623157e308, "s": 1e-400}'::jsonb"#,
    r#"(repeat('{"a": [', 100) || 'null' || repeat(']}', 100))::jsonb"#,
    r#"(repeat('[', 2500) || '1.10' || repeat(']', 2500))::jsonb"#,
    "'null'::jsonb",
    "'[1, 2.50]'::jsonb",
    r#"'"words"'::jsonb"#,
    r#"jsonb_build_object('orderId', 12345678901234567890123, 'deep', (repeat('[', 2000) || repeat(']', 2000))::jsonb)"#,
];

fn is(floor: &mut Floor, sql: &str) -> bool {
    floor.value(&format!("select coalesce(({sql}), false)"))
}

#[test]
fn history_metadata_is_written_as_given() {
    let mut floor = Floor::new();
    let room = floor.room(ODD.len());
    for (odd, table) in ODD.iter().zip(&room.tables) {
        let booking = floor.booking(room.restaurant);
        let call = confirm(booking, &[*table], "key").with("p_history_metadata", Sql(odd));
        let call = call.with("p_assigned_by", room.restaurant);
        assert_eq!(floor.done(&call).len(), 1, "{odd}");
        let text = format!(
            "select metadata::text = {odd}::text from public.booking_state_history where booking_id = '{booking}'"
        );
        assert!(is(&mut floor, &text), "{odd}");
        assert_eq!(floor.done(&call).len(), 1, "its replay: {odd}");
        let undo = Call::new("undo_confirm").with("p_booking_id", booking).with("p_idempotency_key", "key");
        assert_eq!(floor.outcome(&undo.with("p_history_metadata", Sql(odd)))["outcome"], "undone", "{odd}");
    }
    assert_eq!(
        floor.count(
            "booking_state_history",
            "metadata -> 'orderId' = '12345678901234567890123' and metadata ? 'undoneKey'"
        ),
        2
    );
}

/// Two requests under one key are one exactly when jsonb calls their metadata equal.
#[test]
fn requests_are_compared_as_jsonb_compares() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let call = |metadata: &str| {
        confirm(booking, &room.tables, "key")
            .with("p_assigned_by", room.restaurant)
            .with("p_history_metadata", Sql(&format!("'{metadata}'::jsonb")))
    };
    floor.done(&call(r#"{"order": 12345678901234567890123, "rate": 1.10, "whole": 10}"#));
    floor.done(&call(r#"{"whole": 10.0, "rate": 1.1, "order": 12345678901234567890123.0}"#));
    let other = floor.refused(&call(r#"{"order": 12345678901234567890124, "rate": 1.10, "whole": 10}"#));
    assert!(other.hint.as_deref().is_some_and(|hint| hint.contains("12345678901234567890124")), "{other:?}");
    assert_eq!(other.sqlstate, "P0003");
}

/// An answer that an earlier release bound to a key is still the answer.
#[test]
fn answers_of_before_are_replayed() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let call = confirm(booking, &room.tables, "key")
        .with("p_assigned_by", room.restaurant)
        .with("p_history_metadata", json!({"b": [1, "x"], "a": 1.5}));
    floor.done(&call);
    // As serde wrote it: keys in order, no spaces.
    let canonical = "select encode(sha256(convert_to(format(
        '{\"actor\":%s,\"booking\":%s,\"changed_by\":null,\"hold\":null,\"intent\":\"confirm\",\"metadata\":{\"a\":1.5,\"b\":[1,\"x\"]},\"reason\":%s,\"require_adjacency\":false,\"tables\":%s,\"target_status\":\"confirmed\",\"window\":%s}',
        request -> 'actor', to_json(booking_id), request -> 'reason', array_to_json(table_ids),
        '{\"end\":\"2027-05-01T20:00:00Z\",\"start\":\"2027-05-01T18:00:00Z\"}'), 'UTF8')), 'hex')
        = payload_checksum from public.booking_assignment_idempotency";
    assert!(floor.value::<bool>(canonical));
    // 10.0 was written into the checksum as it was given: the fields decide then.
    floor.run("update public.booking_assignment_idempotency set payload_checksum = 'of another spelling'");
    assert_eq!(floor.done(&call).len(), 1);
    // Until the release that this is, an entry kept the whole request; now it keeps what its other columns do not say.
    let kept =
        "select string_agg(k, ' ' order by k) from public.booking_assignment_idempotency, jsonb_object_keys(request) k";
    assert_eq!(floor.value::<String>(kept), "actor intent metadata reason target_status");
    floor.run(
        "update public.booking_assignment_idempotency set request = request || jsonb_build_object('booking', booking_id,
           'tables', to_jsonb(table_ids), 'require_adjacency', false, 'hold', null, 'changed_by', null,
           'window', jsonb_build_object('start', '2027-05-01T18:00:00Z', 'end', '2027-05-01T20:00:00Z'))",
    );
    assert_eq!(floor.done(&call).len(), 1);
    let elsewhere = confirm(booking, &[Uuid::new_v4()], "key").with("p_assigned_by", room.restaurant);
    assert_eq!(floor.refused(&elsewhere).sqlstate, "P0003");
}

#[test]
fn a_policy_version_is_the_text_that_was_written() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.run(&format!(r#"update public.table_holds set metadata = '{{"policyVersion": 1.10}}' where id = '{hold}'"#));
    let expecting = |version: &str| confirm_hold(hold, booking, "key").with("p_expected_policy_version", version);
    let refused = floor.refused(&expecting("1.1"));
    refused.says("P0003", &format!("Policy version changed (hold {hold}, expected 1.1, actual 1.10)"));
    assert_eq!(floor.done(&expecting("1.10")).len(), 1);
}

/// The application writes its holds itself, with anything in them: every call works, and says so in its row.
#[test]
fn a_hold_with_odd_metadata_can_be_used() {
    let mut floor = Floor::new();
    for odd in ODD {
        let room = floor.room(4);
        let mut held = |table: Uuid| {
            let (booking, hold) = floor.held(&room, &[table]);
            floor.run(&format!("update public.table_holds set metadata = {odd} where id = '{hold}'"));
            (booking, hold)
        };
        let held: Vec<(Uuid, Uuid)> = room.tables.iter().map(|table| held(*table)).collect();
        let explain = Call::new("explain_confirm").with("p_booking_id", held[0].0).with("p_hold_id", held[0].1);
        assert!(!floor.done(&explain).is_empty(), "{odd}");
        assert_eq!(floor.done(&confirm_hold(held[0].1, held[0].0, "key")).len(), 1, "{odd}");
        assert_eq!(floor.done(&atomic_confirm(held[1].0, held[1].1, "key")).len(), 1, "{odd}");
        assert_eq!(floor.outcome(&within(held[2].0, held[2].1, "key", 5000))["outcome"], "confirmed", "{odd}");
        let release = Call::new("release_hold_and_emit").with("p_hold_id", held[3].1);
        assert_eq!(floor.done(&release), [json!(true)], "{odd}");
    }
}

#[test]
fn a_hold_keeps_what_its_taker_says() {
    let mut floor = Floor::new();
    for odd in ODD {
        let room = floor.room(2);
        for (table, call) in room.tables.iter().zip([Call::new("hold_tables"), native("hold_tables")]) {
            let booking = floor.booking(room.restaurant);
            let call =
                call.with("p_booking_id", booking).with("p_table_ids", vec![*table]).with("p_metadata", Sql(odd));
            floor.done(&call);
            let kept = format!(
                "select case jsonb_typeof({odd}) when 'object' then metadata @> {odd} and metadata ? 'selection'
                        when 'null' then metadata ? 'selection' else metadata::text = {odd}::text end
                 from public.table_holds where booking_id = '{booking}'"
            );
            assert!(is(&mut floor, &kept), "{odd}");
        }
    }
}

/// Deeper than the server itself reads: a refusal of its own, never a panic.
#[test]
fn what_the_server_cannot_hold_is_its_own_refusal() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let deep = Sql("(repeat('[', 1000000) || repeat(']', 1000000))::jsonb");
    assert_eq!(
        floor.refused(&confirm(booking, &room.tables, "key").with("p_history_metadata", deep)).sqlstate,
        "54001"
    );
}

/// An event passes through the outbox as the application wrote it.
#[test]
fn an_event_keeps_its_payload() {
    let mut floor = Floor::new();
    floor.run(
        "insert into public.capacity_outbox (event_type, dedupe_key, restaurant_id, payload)
         values ('theirs', 'k', gen_random_uuid(), '{\"n\": 12345678901234567890123, \"m\": 1.10, \"l\": 1e400}')",
    );
    let claimed: bool = floor.value(
        "select c.payload::text = o.payload::text from public.outbox_claim('a') c join public.capacity_outbox o on o.id = c.id",
    );
    assert!(claimed);
}
