//! What a call that takes a hold means for the holds that its caller has already (K10).

use holdfast::rules::hold::request::{HoldRequest, OwnHolds, may_extend};
use holdfast::rules::hold::{Hold, HoldPolicy};
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::{BOOKING, HOLD, OTHER_BOOKING, clock, hold, hours, now, table_id};
use serde_json::json;

fn request(numbers: &[u128], ttl: i32, key: Option<&str>) -> HoldRequest {
    let ids = numbers.iter().map(|number| Some(table_id(*number))).collect();
    let request = HoldRequest::check(Some(BOOKING), Some(ids), None, None, Some(ttl)).expect("in order");
    request.under(key.map(str::to_owned), None).expect("in order")
}

/// What such a request left behind.
fn left(request: &HoldRequest) -> Hold {
    Hold {
        booking: Some(BOOKING),
        members: request.tables.clone(),
        start: Some(clock(18, 0)),
        end: Some(clock(20, 0)),
        expires_at: now().after_seconds(60),
        metadata: request.noted(json!({}).into()),
        ..hold(&[])
    }
}

fn own(request: &HoldRequest, holds: Vec<Hold>) -> Result<OwnHolds, Outcome> {
    request.own(hours(18, 20), holds, now()).map_err(|refusal| refusal.outcome)
}

#[test]
fn a_hold_lasts_a_second_at_least() {
    let of = |ttl| HoldRequest::check(Some(BOOKING), Some(vec![Some(table_id(1))]), None, None, Some(ttl));
    assert_eq!(of(1).map(|request| request.ttl_seconds), Ok(1));
    assert_eq!(of(0).map_err(|refusal| refusal.outcome), Err(Outcome::ArgumentInvalid));
}

#[test]
fn the_same_request_gets_its_hold_again() {
    for key in [None, Some("one")] {
        let request = request(&[1, 2], 180, key);
        let first = left(&request);
        assert_eq!(own(&request, vec![first.clone()]), Ok(OwnHolds::Again(first)));
    }
    // One that the application wrote itself says nothing of its lifetime.
    let written = Hold { metadata: json!({"selection": {}}).into(), ..left(&request(&[1], 180, None)) };
    assert_eq!(own(&request(&[1], 600, None), vec![written.clone()]), Ok(OwnHolds::Again(written)));
}

#[test]
fn another_request_takes_the_place_of_what_it_would_collide_with() {
    let first = left(&request(&[1], 180, None));
    for other in [request(&[1, 2], 180, None), request(&[1], 600, None), request(&[1], 180, Some("two"))] {
        assert_eq!(own(&other, vec![first.clone()]), Ok(OwnHolds::Replaced(vec![first.clone()])));
    }
    // On other tables, or at another time, both stand.
    assert_eq!(own(&request(&[2], 180, None), vec![first.clone()]), Ok(OwnHolds::Replaced(vec![])));
    let later = Hold { start: Some(clock(20, 0)), end: Some(clock(22, 0)), ..first.clone() };
    assert_eq!(own(&request(&[1], 180, None), vec![later]), Ok(OwnHolds::Replaced(vec![])));
    // One whose time is over makes room, and is never given again.
    let dead = Hold { expires_at: now(), ..first };
    assert_eq!(own(&request(&[1], 180, None), vec![dead.clone()]), Ok(OwnHolds::Replaced(vec![dead])));
}

#[test]
fn a_key_of_a_live_hold_is_for_one_request() {
    let first = left(&request(&[1], 180, Some("one")));
    for other in [request(&[1, 2], 180, Some("one")), request(&[1], 600, Some("one"))] {
        assert_eq!(own(&other, vec![first.clone()]), Err(Outcome::KeyMismatch));
    }
    let refusal = request(&[2], 180, Some("one")).own(hours(18, 20), vec![first.clone()], now()).expect_err("another");
    assert_eq!(refusal.detail.as_deref(), Some("Idempotency key one has a live hold that differs in tables"));
    let dead = Hold { expires_at: now(), ..first };
    assert!(matches!(own(&request(&[1, 2], 180, Some("one")), vec![dead]), Ok(OwnHolds::Replaced(_))));
}

#[test]
fn the_deadline_is_what_the_schema_allows() {
    let request = request(&[1], 180, None);
    let deadline = |policy| request.deadline(hours(18, 20), now(), policy);
    assert_eq!(deadline(HoldPolicy::default()), Ok(now().after_seconds(180)));
    let bound = HoldPolicy { to_window_end: true, ..HoldPolicy::default() };
    assert_eq!(deadline(bound), Ok(clock(20, 0).max(now().after_seconds(180))));
    let short = HoldPolicy { longest_seconds: 179, ..HoldPolicy::default() };
    assert_eq!(deadline(short).expect_err("too long").outcome, Outcome::ArgumentInvalid);
}

#[test]
fn only_a_live_hold_is_extended() {
    let live = left(&request(&[1], 180, None));
    assert_eq!(may_extend(&live, None, now()), Ok(()));
    assert_eq!(may_extend(&live, Some(BOOKING), now()), Ok(()));
    let outcome = |hold: &Hold, booking| may_extend(hold, booking, now()).expect_err("refused").outcome;
    assert_eq!(outcome(&live, Some(OTHER_BOOKING)), Outcome::HoldOfOtherBooking);
    assert_eq!(outcome(&Hold { expires_at: now(), ..live.clone() }, None), Outcome::HoldExpired);
    let ended = may_extend(&Hold { status: "cancelled".to_owned(), ..live }, None, now()).expect_err("released");
    assert_eq!(ended.message, format!("Hold {HOLD} not found"));
    assert!(ended.hint.starts_with("HF102: The hold was released. "), "{}", ended.hint);
}
