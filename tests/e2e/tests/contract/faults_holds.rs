//! The faults of contract §5 that are about holds and the clock. Each test does the reproduction given there.

use holdfast_e2e::{
    Call, Floor, Sql, assert_untouched, at, atomic_confirm, behind, confirm, confirm_hold, eventually, seat,
};
use serde_json::json;

/// Another booking's or an anonymous hold on the table; an anonymous hold and its own confirmation.
#[test]
fn f10_a_hold_of_somebody_else_is_a_conflict() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (theirs, anonymous) = (floor.held(&room, &room.tables[..1]).1, floor.hold(&room, None, &room.tables[1..]));
    let booking = floor.booking(room.restaurant);
    for (hold, table) in [(theirs, room.tables[0]), (anonymous, room.tables[1])] {
        let before = floor.snapshot();
        floor
            .refused(&confirm(booking, &[table], "key"))
            .says("P0001", &format!("Hold conflict prevents assignment for booking {booking}"))
            .detail_begins(&format!("Hold {hold} overlaps requested window"))
            .hint_begins("Retry after hold expiration or confirm existing hold.");
        assert_untouched(&mut floor, &before, "the conflict");
    }
    let answer = floor.seats(&confirm_hold(anonymous, booking, "key"));
    assert_eq!(answer, [seat(room.tables[1], at("18:00"), at("20:00"))], "an anonymous hold serves its holder");
    assert_eq!(floor.count("allocations", &format!("resource_id = '{anonymous}'")), 0, "its mirror is gone");
}

/// A hold that has expired, or that is about another time, blocks nobody.
#[test]
fn f10_a_dead_hold_is_no_conflict() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (_, dead) = floor.held(&room, &room.tables);
    floor.set("table_holds", dead, "expires_at", Sql("clock_timestamp() - interval '1 millisecond'"));
    let (_, later) = floor.held(&room, &room.tables);
    floor.run(&format!("update public.table_holds set start_at = '2027-05-01 20:00Z', end_at = '2027-05-01 22:00Z' where id = '{later}'"));
    let booking = floor.booking(room.restaurant);
    assert_eq!(floor.seats(&confirm(booking, &room.tables, "key")).len(), 2);
}

/// Session time zones of New York and Kathmandu.
#[test]
fn f12_the_sessions_time_zone_does_not_matter() {
    for zone in ["America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati", "UTC"] {
        let mut floor = Floor::new();
        let room = floor.room(2);
        let restaurant = room.restaurant;
        floor.set("restaurants", restaurant, "timezone", "America/New_York");
        let (booking, live) = floor.held(&room, &room.tables[..1]);
        let (other, dead) = floor.held(&room, &room.tables[1..]);
        floor.set("table_holds", live, "expires_at", Sql("clock_timestamp() + interval '5 minutes'"));
        floor.set("table_holds", dead, "expires_at", "2026-01-01 00:00:00Z");
        floor.run(&format!("set TimeZone = '{zone}'; set DateStyle = 'German, DMY'"));
        let refusal = floor.refused(&confirm_hold(dead, other, "key"));
        refusal.says("P0001", &format!("Hold {dead} expired at 2026-01-01T00:00:00Z"));
        assert_eq!(floor.seats(&confirm_hold(live, booking, "key")), [seat(room.tables[0], at("18:00"), at("20:00"))]);
        assert!(
            floor.value::<bool>(
                "select changed_at between clock_timestamp() - interval '1 minute' and clock_timestamp()
                 from public.booking_state_history"
            ),
            "history is written with the clock of now, seen from {zone}"
        );
        // Six in the evening in New York is ten in UTC, wherever the session sits.
        let local = floor.booking(restaurant);
        floor.run(&format!(
            "update public.bookings set start_at = null, end_at = null, booking_date = date '2027-05-01',
             start_time = '18:00', end_time = '19:30' where id = '{local}'"
        ));
        let answer = floor.seats(&confirm(local, &room.tables[1..], "key"));
        assert_eq!(answer, [seat(room.tables[1], at("22:00"), at("23:30"))], "seen from {zone}");
    }
}

/// The hold expires while the call waits for a lock.
#[test]
fn f13_a_hold_that_expires_while_waiting_is_expired() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let mut holder = floor.session();
    for lock in [
        format!("select from public.bookings where id = '{booking}' for update"),
        format!("select from public.table_holds where id = '{hold}' for update"),
        format!("select from public.table_inventory where id = '{}' for update", room.tables[0]),
        // Not a lock that we ask for, but a constraint that waits to see whether this row will stand.
        format!(
            "insert into public.allocations (restaurant_id, resource_type, resource_id, \"window\", is_maintenance)
             values ('{}', 'table', '{}', '[2027-05-01 18:00Z, 2027-05-01 19:00Z)', true)",
            room.restaurant, room.tables[0]
        ),
    ] {
        floor.set("table_holds", hold, "expires_at", Sql("clock_timestamp() + interval '2 seconds'"));
        let expires: String = floor.value(
            "select to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') from public.table_holds",
        );
        let expires = format!("{}Z", expires.trim_end_matches('0').trim_end_matches('.'));
        holder.run(&format!("begin; {lock}"));
        let before = floor.snapshot();
        let other = floor.session();
        let waiting = behind(&mut floor, holder.pid, other, &confirm_hold(hold, booking, "key"));
        assert!(
            floor.value::<bool>("select clock_timestamp() < expires_at from public.table_holds"),
            "it waited while live"
        );
        eventually(&mut floor, "select clock_timestamp() > expires_at from public.table_holds");
        holder.run("rollback");
        let (_, answer) = waiting.finish();
        let refusal = answer.expect_err("the hold is dead");
        refusal.says("P0001", &format!("Hold {hold} expired at {expires}")).code("HF202");
        assert_untouched(&mut floor, &before, &lock);
    }
}

/// A hold of status cancelled; no snapshot although the caller expects one.
#[test]
fn f17_a_missing_side_is_a_difference() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let call = confirm_hold(hold, booking, "key");
    floor.set("table_holds", hold, "metadata", "{}");
    let before = floor.snapshot();
    for metadata in ["{}", "null", r#"{"selection": {"snapshot": null}}"#, r#"{"policyVersion": null}"#] {
        floor.set("table_holds", hold, "metadata", metadata);
        let refusal = floor.refused(&call.clone().with("p_expected_adjacency_hash", "abc"));
        refusal.says("P0003", &format!("Adjacency snapshot changed for hold {hold}")).code("HF208");
        let refusal = floor.refused(&call.clone().with("p_expected_policy_version", "v1"));
        refusal
            .says("P0003", &format!("Policy version changed (hold {hold}, expected v1, actual <NULL>)"))
            .code("HF207");
    }
    floor.set("table_holds", hold, "metadata", "{}");
    for status in ["cancelled", "confirmed"] {
        floor.set("table_holds", hold, "status", status);
        floor.refused(&call).says("P0002", &format!("Hold {hold} not found")).code("HF102");
    }
    floor.set("table_holds", hold, "status", "active");
    assert_untouched(&mut floor, &before, "the refusals");
    assert_eq!(floor.seats(&call).len(), 1, "a caller that expects nothing gets it");
}

/// The snapshot that `hold_tables` takes is checked against the floor at the moment of the confirm.
#[test]
fn f17_a_changed_floor_is_noticed() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    let take = Call::new("hold_tables").with("p_booking_id", booking).with("p_table_ids", &room.tables);
    let held = floor.done(&take).remove(0);
    let hold: uuid::Uuid = held["hold_id"].as_str().and_then(|id| id.parse().ok()).expect("a hold");
    let edge = format!("{}->{}", room.tables[0], room.tables[1]);
    let hash: String = floor.value(&format!(
        "select encode(sha256(convert_to('{{\"edges\":[\"{edge}\"],\"undirected\":true}}', 'UTF8')), 'hex')"
    ));
    let selection: serde_json::Value = floor.value("select metadata -> 'selection' from public.table_holds");
    let expected = json!({"tableIds": room.tables, "snapshot": {"zoneIds": [room.zone],
                          "adjacency": {"undirected": true, "edges": [edge], "hash": hash}}});
    assert_eq!(selection, expected);
    let call = confirm_hold(hold, booking, "key").with("p_expected_adjacency_hash", hash.as_str());
    floor.part_all();
    floor.refused(&call).says("P0003", &format!("Adjacency snapshot changed for hold {hold}"));
    floor.join(room.tables[1], room.tables[0]);
    assert_eq!(floor.seats(&call).len(), 2, "the same pair in the other order is the same floor");
}

/// Metadata NULL on the hold.
#[test]
fn f26_a_hold_without_metadata_can_be_confirmed() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    for (table, by_new_call) in [(0, false), (1, true)] {
        let (booking, hold) = floor.held(&room, &room.tables[table..=table]);
        floor.set("table_holds", hold, "metadata", Sql("null"));
        let call = if by_new_call { atomic_confirm(booking, hold, "key") } else { confirm_hold(hold, booking, "key") };
        assert_eq!(floor.seats(&call), [seat(room.tables[table], at("18:00"), at("20:00"))]);
    }
    // And a caller that passes NULL as the metadata of its history.
    let next = floor.room(1);
    let booking = floor.booking(next.restaurant);
    let call = confirm(booking, &next.tables, "key").with("p_history_metadata", Sql("null"));
    assert_eq!(floor.seats(&call).len(), 1);
    let metadata: serde_json::Value =
        floor.value(&format!("select metadata from public.booking_state_history where booking_id = '{booking}'"));
    assert_eq!(metadata, json!({}));
}
