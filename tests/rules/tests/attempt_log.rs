//! Which attempts are written to the log, in what words, and how many.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use holdfast::rules::attempt::function::{Function, Path};
use holdfast::rules::booking::window::Instant;
use holdfast::rules::refusal;
use holdfast::rules::refusal::failure::sqlstate_pack;
use holdfast::rules::refusal::outcome::{CATALOGUE, Disposition, Outcome};
use holdfast::rules::trace::attempt_log::{LoggedAttempts, Place, is_logged, line};
use holdfast::rules::trace::span::Span;
use holdfast::shared_memory::rate::Rate;
use holdfast_rules_tests::{BOOKING, HOLD};
use serde_json::{Value, json};

fn span(outcome: Outcome) -> Span {
    let mut span = Span::begun(Function::ConfirmByHold, Path::Inline, Instant(1_000));
    (span.booking, span.trace, span.id) = (Some(BOOKING), 0xabc, 0xdef);
    span.key = Some("key of Zoë 🦀\n".to_owned());
    span.end(outcome, Instant(3_500));
    span
}

fn place() -> Place {
    Place { database: "bistro".to_owned(), schema: "Große Räume".to_owned() }
}

#[test]
fn a_level_has_what_the_one_before_has() {
    for entry in CATALOGUE {
        let logged = [LoggedAttempts::Off, LoggedAttempts::Failed, LoggedAttempts::Refused]
            .map(|level| is_logged(level, entry.outcome));
        let expected = match entry.disposition {
            Disposition::Success => [false; 3],
            _ => [false, entry.http_status >= 500, true],
        };
        assert_eq!(logged, expected, "{}", entry.name);
    }
    assert!(is_logged(LoggedAttempts::Failed, Outcome::TimeoutBeforeConfirm));
    assert!(is_logged(LoggedAttempts::Failed, Outcome::Deadlock));
    assert!(!is_logged(LoggedAttempts::Failed, Outcome::HoldConflict));
}

#[test]
fn a_line_is_one_object_in_ascii() {
    let mut refused = span(Outcome::HoldNotFound);
    refused.refused(&refusal::hold_not_found(Some(HOLD)));
    let text = line(&refused, &place(), 7);
    assert!(text.is_ascii() && !text.contains('\n') && text.starts_with("{\"event\":\"holdfast.attempt\","), "{text}");
    let told: Value = serde_json::from_str(&text).expect("JSON");
    let expected = json!({
        "event": "holdfast.attempt", "database": "bistro", "schema": "Große Räume",
        "function": "confirm_hold_assignment_tx", "path": "inline", "booking_id": BOOKING, "hold_id": null,
        "idempotency_key": "key of Zoë 🦀\n", "trace_id": format!("{:032x}", 0xabc), "span_id": format!("{:016x}", 0xdef),
        "outcome": "hold_not_found", "code": "HF102", "sqlstate": "P0002", "replayed": false, "phase": "arguments",
        "ms": 2.5, "message": format!("Hold {HOLD} not found"), "suppressed": 7,
    });
    assert_eq!(told, expected);
}

/// What a trigger raised has its own SQLSTATE; what was only returned has the catalogue's.
#[test]
fn a_line_says_what_was_raised() {
    let of = |span: &Span| -> Value { serde_json::from_str(&line(span, &place(), 0)).expect("JSON") };
    let failed = Span { sqlstate: sqlstate_pack("XY123"), key: None, ..span(Outcome::Failed) };
    assert_eq!((&of(&failed)["sqlstate"], &of(&failed)["idempotency_key"]), (&json!("XY123"), &Value::Null));
    assert_eq!(of(&span(Outcome::TimeoutBeforeConfirm))["sqlstate"], "55P03");
    let long = Span { message: Some("ä".repeat(1000)), key: Some("k".repeat(2000)), ..span(Outcome::Failed) };
    assert!(line(&long, &place(), 0).len() < 2500, "a line has an end");
}

#[test]
fn a_second_permits_so_many_and_tells_what_it_did_not() {
    let rate = Rate::new();
    let said: Vec<_> = [7, 7, 7, 7, 8, 8, 9].map(|second| rate.permit(second, 2)).to_vec();
    assert_eq!(said, [Some(0), Some(0), None, None, Some(2), Some(0), Some(0)]);
    assert_eq!([6, 6, 6].map(|second| rate.permit(second, 2)), [Some(0), Some(0), None], "a clock that was set back");
    assert_eq!(rate.permit(7, 2), Some(1));
}

/// Whatever meets, each is permitted or told of later, once.
#[test]
fn nothing_goes_uncounted() {
    let (rate, permitted, told) = (Rate::new(), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..10_000 {
                    if let Some(suppressed) = rate.permit(number / 100, 5) {
                        permitted.fetch_add(1, Relaxed);
                        told.fetch_add(suppressed, Relaxed);
                    }
                }
            });
        }
    });
    let last = rate.permit(u32::MAX, 5).expect("a new second");
    assert_eq!(permitted.into_inner() + told.into_inner() + last, 40_000);
}
