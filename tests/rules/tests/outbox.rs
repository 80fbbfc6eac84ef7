//! Events: names and dedupe keys that others rely on.

use holdfast::rules::booking::Booking;
use holdfast::rules::booking::table::Assignment;
use holdfast::rules::confirm::resolved_request::{ResolvedRequest, table_set_hash};
use holdfast::rules::event::outbox::{
    Confirmed, Event, RemainingTables, Tables, hold_confirmed, hold_released, tables_changed,
};
use holdfast_rules_tests::{
    ACTOR, BOOKING, HOLD, NOBODY, RESTAURANT, ZONE, ask_tables, hold, hours, shown, snapshot, table_id, table_ids,
};
use serde_json::json;

fn resolved() -> ResolvedRequest {
    ResolvedRequest::new(&ask_tables(&[1, 2]), table_ids(&[1, 2]), hours(18, 20))
}

fn told(tables: &[holdfast::rules::Id], freed: &[holdfast::rules::Id]) -> Event {
    tables_changed(&Tables {
        booking: BOOKING,
        restaurant: RESTAURANT,
        tables,
        freed,
        window: Some(hours(18, 20)),
        merge_group: Some(NOBODY),
        status: "confirmed",
        key: Some("key"),
    })
}

#[test]
fn an_assignment_is_told_once_for_booking_window_and_tables() {
    let (booking, one, two) = (shown(BOOKING), shown(table_id(1)), shown(table_id(2)));
    let expected = Event {
        event_type: "capacity.assignment.sync",
        dedupe_key: format!("{booking}:2027-05-01T18:00:00Z:2027-05-01T20:00:00Z:{one},{two}"),
        restaurant: RESTAURANT,
        booking: Some(BOOKING),
        key: Some("key".to_owned()),
        payload: json!({
            "bookingId": booking, "restaurantId": shown(RESTAURANT), "tableIds": [one, two],
            "freedTableIds": [shown(table_id(3))], "mergeGroupId": shown(NOBODY), "idempotencyKey": "key",
            "startAt": "2027-05-01T18:00:00Z", "endAt": "2027-05-01T20:00:00Z", "status": "confirmed",
        })
        .into(),
    };
    assert_eq!(told(&table_ids(&[1, 2]), &table_ids(&[3])), expected);
}

#[test]
fn many_tables_are_named_by_their_hash() {
    let key = |numbers: std::ops::RangeInclusive<u128>| {
        let tables: Vec<_> = numbers.map(table_id).collect();
        (told(&tables, &[]).dedupe_key, table_set_hash(&tables))
    };
    let (eight, hash) = key(1..=8);
    assert!(eight.ends_with(&shown(table_id(8))) && !eight.contains(&hash));
    let (nine, hash) = key(1..=9);
    assert!(nine.ends_with(&format!("T20:00:00Z:{hash}")), "{nine}");
    assert!(key(1..=71).0.len() < 200);
}

#[test]
fn a_confirmed_hold_is_told_with_all_that_it_was() {
    let (booking, id) = (shown(BOOKING), shown(HOLD));
    let held = holdfast::rules::hold::Hold { metadata: json!({"policyVersion": "7"}).into(), ..hold(&[1, 2]) };
    let done = Confirmed {
        booking: BOOKING,
        restaurant: RESTAURANT,
        hold: &held,
        zone: Some(ZONE),
        actor: Some(ACTOR),
        resolved: &resolved(),
        key: Some("key"),
    };
    let expected = Event {
        event_type: "capacity.hold.confirmed",
        dedupe_key: format!("{booking}:{id}:hold.confirmed"),
        restaurant: RESTAURANT,
        booking: Some(BOOKING),
        key: Some("key".to_owned()),
        payload: json!({
            "bookingId": booking, "restaurantId": shown(RESTAURANT), "holdId": id,
            "tableIds": [shown(table_id(1)), shown(table_id(2))], "zoneId": shown(ZONE), "actorId": shown(ACTOR),
            "startAt": "2027-05-01T18:00:00Z", "endAt": "2027-05-01T20:00:00Z",
            "expiresAt": held.expires_at.to_string(), "metadata": {"policyVersion": "7"}, "idempotencyKey": "key",
        })
        .into(),
    };
    assert_eq!(hold_confirmed(&done), expected);
    let bare = holdfast::rules::hold::Hold { metadata: json!(null).into(), ..held.clone() };
    assert_eq!(hold_confirmed(&Confirmed { hold: &bare, ..done }).payload.value()["metadata"], json!({}));
}

#[test]
fn a_released_hold_is_told_once_also_without_a_booking() {
    let hold = shown(HOLD);
    let event = hold_released(Some(BOOKING), RESTAURANT, HOLD, Some(ACTOR));
    let expected = Event {
        event_type: "capacity.hold.released",
        dedupe_key: format!("{}:{hold}:hold.released", shown(BOOKING)),
        restaurant: RESTAURANT,
        booking: Some(BOOKING),
        key: None,
        payload: json!({
            "bookingId": shown(BOOKING), "restaurantId": shown(RESTAURANT), "holdId": hold, "actorId": shown(ACTOR),
        })
        .into(),
    };
    assert_eq!(event, expected);
    let anonymous = hold_released(None, RESTAURANT, HOLD, None);
    assert_eq!(anonymous.dedupe_key, format!("none:{hold}:hold.released"));
    assert_eq!(
        anonymous.payload.value(),
        json!({"bookingId": null, "restaurantId": shown(RESTAURANT), "holdId": hold, "actorId": null})
    );
}

/// What stays, what goes, and the window of the first that is known.
#[test]
fn what_is_left_of_a_bookings_tables() {
    let booking = Booking { id: BOOKING, restaurant: RESTAURANT, ..snapshot().booking };
    let row = |number: u128, window| Assignment {
        id: NOBODY,
        table: table_id(number),
        window: Some(window),
        merge_group: Some(NOBODY),
    };
    let rows = [row(3, hours(18, 20)), row(1, hours(19, 21)), row(2, hours(18, 20))];
    let left = |goes: &[u128]| {
        let left = RemainingTables::of(&rows, |table| table_ids(goes).contains(&table), booking.window);
        tables_changed(&left.tables(&booking, "confirmed", None)).payload.value()
    };
    let one = left(&[3]);
    assert_eq!(one["tableIds"], json!([shown(table_id(1)), shown(table_id(2))]));
    assert_eq!((&one["freedTableIds"], &one["mergeGroupId"]), (&json!([shown(table_id(3))]), &json!(shown(NOBODY))));
    assert_eq!(one["startAt"], "2027-05-01T19:00:00Z");
    assert_eq!(left(&[1, 2])["mergeGroupId"], json!(null), "a group of one is none");
    let none = left(&[1, 2, 3]);
    assert_eq!((&none["tableIds"], &none["startAt"]), (&json!([]), &json!("2027-05-01T18:00:00Z")));
    let nothing = RemainingTables::of(&[], |_| true, Default::default());
    let nothing = tables_changed(&nothing.tables(&booking, "confirmed", None));
    assert_eq!(
        (nothing.payload.value()["startAt"].clone(), nothing.dedupe_key),
        (json!(null), format!("{}:none:none:", shown(BOOKING)))
    );
}

/// Whoever writes an event knows its version only then: it is the last that the text says.
#[test]
fn a_payload_is_open_for_its_version() {
    let event = told(&table_ids(&[1]), &[]);
    let open = event.open_payload().expect("fields");
    let closed: serde_json::Value = serde_json::from_str(&format!("{open}7}}")).expect("JSON");
    assert_eq!(closed["version"], 7);
    assert_eq!(closed["bookingId"], json!(BOOKING));
    for text in ["{}", "[1]", "null"] {
        let payload = holdfast::rules::json::Json::of_text(text.to_owned());
        assert_eq!(Event { payload, ..event.clone() }.open_payload(), None, "{text}");
    }
    let other = hold_released(Some(BOOKING), RESTAURANT, HOLD, None);
    assert!(event.is_beside(&event) && !event.is_beside(&other), "a pair is of one call");
}
