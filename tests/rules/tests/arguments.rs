//! The arguments of a call, as SQL hands them over: nonsense ends here, before any row is touched.

use holdfast::rules::booking::window::Instant;
use holdfast::rules::confirm::request::{Arguments, Expectation, History, Intent, Named, Request, Selection};
use holdfast::rules::hold::request::HoldRequest;
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::{ACTOR, BOOKING, HOLD, assert_refused, clock, hours, shown, table_id, table_ids};
use serde_json::json;

fn arguments(named: Named) -> Arguments {
    Arguments {
        intent: Intent::Confirm,
        booking: Some(BOOKING),
        named,
        key: Some("key".to_owned()),
        start: Some(clock(18, 0)),
        end: Some(clock(20, 0)),
        require_adjacency: Some(true),
        actor: Some(ACTOR),
        target: Some("confirmed".to_owned()),
        history: History {
            changed_by: Some(ACTOR),
            reason: Some("r".to_owned()),
            metadata: Some(json!({"a": 1}).into()),
        },
        expectation: Expectation { policy_version: Some("7".to_owned()), adjacency_hash: Some("h".to_owned()) },
    }
}

fn by_tables() -> Arguments {
    arguments(Named::Tables(Some(vec![Some(table_id(2)), Some(table_id(1)), Some(table_id(2))])))
}

fn by_hold() -> Arguments {
    arguments(Named::Hold(Some(HOLD)))
}

#[test]
fn what_makes_sense_is_passed_on_whole() {
    for (given, selection) in [(by_tables(), Selection::Tables(table_ids(&[1, 2]))), (by_hold(), Selection::Hold(HOLD))]
    {
        let expected = Request {
            intent: Intent::Confirm,
            booking: BOOKING,
            selection,
            key: Some("key".to_owned()),
            window: Some(hours(18, 20)),
            require_adjacency: true,
            actor: Some(ACTOR),
            target: Some("confirmed".to_owned()),
            history: given.history.clone(),
            expectation: given.expectation.clone(),
        };
        assert_eq!(given.check(), Ok(expected));
    }
}

#[test]
fn what_was_left_open_stays_open() {
    let open = Arguments { start: None, end: None, key: None, require_adjacency: None, ..by_tables() };
    let request = open.check().expect("in order");
    assert_eq!((request.window, request.key, request.require_adjacency), (None, None, false));
    assert!(!Arguments { require_adjacency: Some(false), ..by_tables() }.check().expect("in order").require_adjacency);
}

type Case = (Arguments, Outcome, &'static str, String);

/// Each call lacks one thing; the last ones lack several, and the first of them is named.
fn nonsense() -> Vec<Case> {
    let hold_gone = Arguments { named: Named::Hold(None), ..by_hold() };
    let no_tables = Arguments { named: Named::Tables(None), ..by_tables() };
    let half = "requires both start and end when providing custom window";
    let blank = || Some(" ".to_owned());
    vec![
        (
            Arguments { booking: None, ..by_tables() },
            Outcome::BookingNotFound,
            "P0002",
            "Booking <NULL> not found".to_owned(),
        ),
        (hold_gone.clone(), Outcome::HoldNotFound, "P0002", "Hold <NULL> not found".to_owned()),
        (
            no_tables.clone(),
            Outcome::TablesMissing,
            "23514",
            "assign_tables_atomic_v2 requires at least one table id".to_owned(),
        ),
        (
            Arguments { key: blank(), ..by_tables() },
            Outcome::KeyBlank,
            "23514",
            "Idempotency key must not be blank".to_owned(),
        ),
        (
            Arguments { end: None, ..by_tables() },
            Outcome::WindowHalfGiven,
            "22023",
            format!("assign_tables_atomic_v2 {half}"),
        ),
        (
            Arguments { start: None, ..by_hold() },
            Outcome::WindowHalfGiven,
            "22023",
            format!("confirm_hold_assignment_tx {half}"),
        ),
        (
            Arguments { booking: None, key: blank(), ..no_tables.clone() },
            Outcome::BookingNotFound,
            "P0002",
            "Booking <NULL> not found".to_owned(),
        ),
        (
            Arguments { key: blank(), end: None, ..hold_gone },
            Outcome::HoldNotFound,
            "P0002",
            "Hold <NULL> not found".to_owned(),
        ),
        (
            Arguments { key: blank(), end: None, ..by_tables() },
            Outcome::KeyBlank,
            "23514",
            "Idempotency key must not be blank".to_owned(),
        ),
    ]
}

#[test]
fn nonsense_is_refused_in_order() {
    for (given, outcome, sqlstate, message) in nonsense() {
        let refusal = given.check().expect_err("nonsense");
        assert_refused(&refusal, outcome, sqlstate, &message, None);
    }
    let invalid = Arguments { start: Some(clock(20, 0)), end: Some(Instant::FOREVER), ..by_hold() };
    let refusal = invalid.check().expect_err("nonsense");
    let detail = "Start 2027-05-01T20:00:00Z, end infinity";
    let message = "confirm_hold_assignment_tx got an invalid custom window";
    assert_refused(&refusal, Outcome::WindowInvalid, "22023", message, Some(detail));
}

#[test]
fn a_wanted_hold_is_passed_on_whole() {
    let ids = Some(vec![Some(table_id(2)), Some(table_id(1)), Some(table_id(1))]);
    let wanted = HoldRequest::check(Some(BOOKING), ids.clone(), None, None, None).expect("in order");
    let expected = HoldRequest {
        booking: Some(BOOKING),
        tables: table_ids(&[1, 2]),
        window: None,
        ttl_seconds: 180,
        created_by: None,
        metadata: None,
        key: None,
        wait_ms: None,
    };
    assert_eq!(wanted, expected);
    let metadata = Some(json!({"policyVersion": "7"}).into());
    let taken = wanted.by(Some(ACTOR), metadata.clone());
    assert_eq!(taken, HoldRequest { created_by: Some(ACTOR), metadata, ..expected });
    let anonymous = HoldRequest::check(None, ids, Some(clock(18, 0)), Some(clock(20, 0)), Some(5)).expect("in order");
    assert_eq!((anonymous.booking, anonymous.window, anonymous.ttl_seconds), (None, Some(hours(18, 20)), 5));
}

#[test]
fn a_senseless_hold_is_not_taken() {
    let one = || Some(vec![Some(table_id(1))]);
    let outcome =
        |wanted: Result<HoldRequest, holdfast::rules::refusal::Refusal>| wanted.expect_err("nonsense").outcome;
    let refusal = HoldRequest::check(None, one(), None, None, None).expect_err("when?");
    let message = "hold_tables without a booking requires a window";
    assert_refused(&refusal, Outcome::ArgumentInvalid, "22023", message, None);
    let refusal = HoldRequest::check(Some(BOOKING), one(), Some(clock(18, 0)), None, None).expect_err("until when?");
    let message = "hold_tables requires both start and end when providing custom window";
    assert_refused(&refusal, Outcome::WindowHalfGiven, "22023", message, None);
    assert_eq!(outcome(HoldRequest::check(Some(BOOKING), None, None, None, None)), Outcome::TablesMissing);
    assert_eq!(outcome(HoldRequest::check(Some(BOOKING), one(), None, None, Some(0))), Outcome::ArgumentInvalid);
    let refusal = HoldRequest::check(Some(BOOKING), Some(vec![None]), None, None, None).expect_err("which?");
    assert!(refusal.message.ends_with(&shown(BOOKING)), "{refusal:?}");
}
