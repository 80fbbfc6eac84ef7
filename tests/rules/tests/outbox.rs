//! Events: names and dedupe keys that others rely on.

use holdfast::rules::outbox::{Event, assignment_sync, hold_confirmed, hold_released};
use holdfast::rules::request::Request;
use holdfast_rules_tests::{ACTOR, BOOKING, HOLD, RESTAURANT, ask_tables, hours, shown, table_id, table_ids};
use serde_json::json;

fn request() -> Request {
    Request::new(&ask_tables(&[1, 2]), table_ids(&[1, 2]), hours(18, 20))
}

#[test]
fn an_assignment_is_told_once_for_booking_window_and_tables() {
    let (booking, one, two) = (shown(BOOKING), shown(table_id(1)), shown(table_id(2)));
    let event = assignment_sync(BOOKING, RESTAURANT, &request(), "confirmed");
    let expected = Event {
        event_type: "capacity.assignment.sync",
        dedupe_key: format!("{booking}:2027-05-01T18:00:00Z:2027-05-01T20:00:00Z:{one},{two}"),
        payload: json!({
            "bookingId": booking, "restaurantId": shown(RESTAURANT), "tableIds": [one, two],
            "startAt": "2027-05-01T18:00:00Z", "endAt": "2027-05-01T20:00:00Z", "status": "confirmed",
        }),
    };
    assert_eq!(event, expected);
}

#[test]
fn a_confirmed_hold_is_told_once() {
    let (booking, hold) = (shown(BOOKING), shown(HOLD));
    let expected = Event {
        event_type: "capacity.hold.confirmed",
        dedupe_key: format!("{booking}:{hold}:hold.confirmed"),
        payload: json!({
            "bookingId": booking, "restaurantId": shown(RESTAURANT), "holdId": hold,
            "tableIds": [shown(table_id(1)), shown(table_id(2))],
            "startAt": "2027-05-01T18:00:00Z", "endAt": "2027-05-01T20:00:00Z",
        }),
    };
    assert_eq!(hold_confirmed(BOOKING, RESTAURANT, HOLD, &request()), expected);
}

#[test]
fn a_released_hold_is_told_once_also_without_a_booking() {
    let hold = shown(HOLD);
    let event = hold_released(Some(BOOKING), RESTAURANT, HOLD, Some(ACTOR));
    let expected = Event {
        event_type: "capacity.hold.released",
        dedupe_key: format!("{}:{hold}:hold.released", shown(BOOKING)),
        payload: json!({
            "bookingId": shown(BOOKING), "restaurantId": shown(RESTAURANT), "holdId": hold, "actorId": shown(ACTOR),
        }),
    };
    assert_eq!(event, expected);
    let anonymous = hold_released(None, RESTAURANT, HOLD, None);
    assert_eq!(anonymous.dedupe_key, format!("none:{hold}:hold.released"));
    assert_eq!(
        anonymous.payload,
        json!({"bookingId": null, "restaurantId": shown(RESTAURANT), "holdId": hold, "actorId": null})
    );
}
