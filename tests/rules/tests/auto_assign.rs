//! The automatic attempt: its key, its hold, its result.

use holdfast::rules::Id;
use holdfast::rules::attempt::auto_assign::{
    AttemptInput, GivenHold, Initiator, hold, key, last_result, renewed_key, retryable, stands,
};
use holdfast::rules::attempt::function::Path;
use holdfast::rules::booking::Booking;
use holdfast::rules::booking::table::{Blocker, Occupant, Table};
use holdfast::rules::booking::window::Instant;
use holdfast::rules::confirm::idempotency_key;
use holdfast::rules::confirm::snapshot::Snapshot;
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::{
    BOOKING, HOLD, OTHER_BOOKING, assignment, booking, claim, hours, own_window, snapshot, table, table_id,
};
use serde_json::json;

const NOW: Instant = Instant(1000);

fn found() -> AttemptInput {
    AttemptInput {
        booking: BOOKING,
        restaurant: Id::from_u128(5),
        status: "pending".to_owned(),
        targets: vec!["CONFIRMED".to_owned(), "confirmed".to_owned()],
        party_size: 2,
        date: Some("2027-05-01".to_owned()),
        time: Some("18:00:00".to_owned()),
        key: None,
        window_derived: true,
        has_tables: false,
        given: None,
        own_hold: None,
    }
}

fn recipe(party: i32) -> String {
    idempotency_key::auto_assign(BOOKING, Id::from_u128(5), party, "2027-05-01", "18:00:00")
}

#[test]
fn the_key_is_made_once_and_follows_the_booking() {
    let of = |found: AttemptInput| key(&found).map(|key| (key.text, key.is_new)).map_err(|refusal| refusal.outcome);
    let kept = |text: &str| Some(text.to_owned());
    let confirmed = || "confirmed".to_owned();
    assert_eq!(of(found()), Ok((recipe(2), true)));
    assert_eq!(of(AttemptInput { status: confirmed(), ..found() }), Ok((recipe(2), false)));
    assert_eq!(of(AttemptInput { key: kept(&recipe(2)), ..found() }), Ok((recipe(2), false)));
    assert_eq!(of(AttemptInput { key: kept(&recipe(3)), ..found() }), Ok((recipe(2), true)), "the party changed");
    assert_eq!(of(AttemptInput { key: kept(&recipe(3)), status: confirmed(), ..found() }), Ok((recipe(3), false)));
    assert_eq!(of(AttemptInput { key: kept("own"), ..found() }), Ok(("own".to_owned(), false)), "not ours to change");
    assert_eq!(of(AttemptInput { date: None, key: kept(&recipe(3)), ..found() }), Ok((recipe(3), false)));
    assert_eq!(of(AttemptInput { date: None, ..found() }), Err(Outcome::BookingWindowMissing));
    assert_eq!(of(AttemptInput { time: None, ..found() }), Err(Outcome::BookingWindowMissing));
}

#[test]
fn who_asks_says_which_way_an_attempt_came() {
    assert_eq!([Initiator::Inline, Initiator::Background].map(Initiator::path), [Path::Inline, Path::Background]);
}

#[test]
fn a_live_hold_is_found_or_none() {
    let (given, own) = (HOLD, Id::from_u128(77));
    let of = |booking: Option<Id>, status: &str, expires_at: i64, own_hold: Option<Id>| {
        let given = GivenHold { id: given, booking, status: status.to_owned(), expires_at: Instant(expires_at) };
        hold(&AttemptInput { given: Some(given), own_hold, ..found() }, NOW)
    };
    assert_eq!(of(Some(BOOKING), "active", 1001, Some(own)), Some(given));
    assert_eq!(of(None, "active", 1001, Some(own)), Some(given));
    assert_eq!(of(Some(BOOKING), "active", 1000, Some(own)), Some(own), "dead from its deadline on");
    assert_eq!(of(Some(BOOKING), "cancelled", 1001, Some(own)), Some(own));
    assert_eq!(of(Some(BOOKING), "cancelled", 1001, None), None);
    assert_eq!(of(Some(Id::from_u128(99)), "cancelled", 0, Some(own)), Some(given), "for the confirm to refuse");
    assert_eq!(hold(&AttemptInput { own_hold: Some(own), ..found() }, NOW), Some(own));
    assert_eq!(hold(&found(), NOW), None);
}

#[test]
fn done_means_confirmed_with_tables() {
    let done =
        |status: &str, has_tables| AttemptInput { status: status.to_owned(), has_tables, ..found() }.is_confirmed();
    assert!(done("confirmed", true));
    assert!(!done("confirmed", false) && !done("pending", true) && !done("checked_in", true));
}

#[test]
fn a_trigger_is_one_of_two() {
    assert_eq!(Initiator::of(None), Ok(Initiator::Inline));
    for trigger in [Initiator::Inline, Initiator::Background] {
        assert_eq!(Initiator::of(Some(trigger.name())), Ok(trigger));
    }
    assert_eq!(Initiator::of(Some("hand")).map_err(|refusal| refusal.outcome), Err(Outcome::ArgumentInvalid));
}

#[test]
fn the_result_has_the_shape_that_services_read() {
    let id = Id::from_u128(3);
    let expected = json!({"success": true, "reason": null, "durationMs": 12, "attemptId": id, "trigger": "inline"});
    assert_eq!(last_result(Outcome::Confirmed, 12, id, Initiator::Inline), expected);
    let failed = last_result(Outcome::NoHold, 12, id, Initiator::Background);
    assert_eq!((&failed["success"], &failed["reason"]), (&json!(false), &json!("no_hold")));
}

#[test]
fn what_may_pass_is_tried_again_and_what_is_final_is_not() {
    let again: Vec<&str> = retryable().collect();
    for name in ["no_hold", "timeout_before_confirm", "deadlock", "hold_conflict", "allocation_conflict"] {
        assert!(again.contains(&name), "{name}");
    }
    for name in ["confirmed", "party_too_large", "hold_expired", "fenced", "key_mismatch", "booking_state_conflict"] {
        assert!(!again.contains(&name), "{name}");
    }
}

/// Table 1 for the booking's window, assigned and allocated.
fn seated() -> Snapshot {
    let window = hours(18, 20);
    Snapshot { assignments: vec![assignment(1, window, None)], allocations: vec![claim(1, window)], ..snapshot() }
}

#[test]
fn what_is_confirmed_stands_for_its_window_its_party_and_tables_as_they_are() {
    let with = |table: Table| Snapshot { tables: [(table_id(1), table)].into(), ..seated() };
    let of = |booking: Booking| Snapshot { booking, ..seated() };
    let id = Id::from_u128(0x900);
    let taken = Snapshot {
        blockers: vec![Blocker::Allocation { id, table: table_id(1), released: false }],
        occupants: [(id, Occupant { booking: Some(OTHER_BOOKING), window: Some(hours(19, 21)), until: None })].into(),
        ..seated()
    };
    let cases = [
        (seated(), true, true),
        (of(Booking { window: own_window(19, 21), ..booking() }), true, false),
        (of(Booking { window: own_window(19, 21), ..booking() }), false, true),
        (of(Booking { window: own_window(20, 22), ..booking() }), false, false),
        (of(Booking { party_size: 5, ..booking() }), true, false),
        (with(Table { active: false, ..table(1) }), true, false),
        (with(Table { out_of_service: true, ..table(1) }), true, false),
        (with(Table { zone: None, ..table(1) }), true, false),
        (Snapshot { allocations: vec![], ..seated() }, true, false),
        (taken, true, false),
    ];
    for (number, (snapshot, derived, expected)) in cases.iter().enumerate() {
        assert_eq!(stands(snapshot, *derived), *expected, "case {number}");
    }
}

#[test]
fn an_attempt_for_what_stands_no_more_has_a_key_that_is_not_bound() {
    let of = |key: &str, hold| {
        let renewed = renewed_key(&AttemptInput { key: Some(key.to_owned()), ..found() }, hold);
        renewed.map(|key| (key.text, key.is_new))
    };
    let again = idempotency_key::auto_assign_again(BOOKING, HOLD);
    assert_eq!(of(&recipe(3), Some(HOLD)), Some((recipe(2), true)), "party or time changed");
    assert_eq!(of(&recipe(2), Some(HOLD)), Some((again, true)), "its tables changed");
    assert_eq!(of(&recipe(2), None), Some((recipe(2), true)), "there is nothing to confirm");
    assert_eq!(of("own", Some(HOLD)), Some((recipe(2), false)), "the application's stays on the booking");
    assert_eq!(renewed_key(&AttemptInput { date: None, ..found() }, None), None);
}
