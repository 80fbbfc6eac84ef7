//! The story of a booking: in order, in words, and with what to do.

use holdfast::rules::Id;
use holdfast::rules::attempt::function::{Function, Path};
use holdfast::rules::attempt::phase::Phase;
use holdfast::rules::booking::window::Instant;
use holdfast::rules::refusal::failure::{Failure, ServerError, sqlstate_pack};
use holdfast::rules::refusal::outcome::Outcome;
use holdfast::rules::refusal::{self};
use holdfast::rules::trace::span::{BOOKING_WORDS, KEY_BYTES, Span, TransactionEnd};
use holdfast::rules::trace::story::{
    Source, StoredFact, StoredKind, in_flight, nothing, of_span, of_stored, ordered, unreadable,
};
use serde_json::json;

fn span(outcome: Outcome) -> Span {
    let mut span = Span::begun(Function::ConfirmByTables, Path::Manual, Instant(1_000_000));
    (span.key, span.pid, span.hold) = (Some("key".to_owned()), 42, Some(Id::from_u128(7)));
    span.reach(Phase::BookingLock, Instant(1_000_000));
    span.end(outcome, Instant(1_250_000));
    span
}

fn stored(kind: StoredKind, label: &str, label2: Option<&str>) -> (Source, String, String) {
    let fact = StoredFact {
        at: Some(Instant(5)),
        key: Some("key".to_owned()),
        id: Some(Id::from_u128(9)),
        label: label.to_owned(),
        label2: label2.map(str::to_owned),
        detail: json!({"tries": 2, "message": null}),
    };
    let entry = of_stored(kind, fact);
    assert_eq!(entry.at, Some(Instant(5)));
    assert_eq!(entry.detail["tries"], 2);
    assert!(entry.detail.get("message").is_none(), "what is not known is left out: {}", entry.detail);
    let id = if kind == StoredKind::Move { "changedBy" } else { "holdId" };
    assert_eq!((&entry.detail["idempotencyKey"], &entry.detail[id]), (&json!("key"), &json!(Id::from_u128(9))));
    (entry.source, entry.what, entry.advice)
}

#[test]
fn an_attempt_says_what_it_came_to_and_what_became_of_that() {
    let refused = of_span(&span(Outcome::HoldConflict), TransactionEnd::RolledBack);
    assert!(refused.what.ends_with(": hold_conflict, rolled back"), "{}", refused.what);
    assert_eq!(refused.advice, Outcome::HoldConflict.entry().advice);
    assert_eq!((refused.at, refused.source), (Some(Instant(1_250_000)), Source::Spans));
    assert_eq!((&refused.detail["tookMs"], &refused.detail["parts"]), (&json!(250.0), &json!({"lockMs": 250.0})));
    assert_eq!((&refused.detail["phase"], &refused.detail["idempotencyKey"]), (&json!("booking_lock"), &json!("key")));
    assert!(refused.detail.get("blockerPid").is_none() && refused.detail.get("sqlstate").is_none());
    let again = Span { replayed: true, ..span(Outcome::Confirmed) };
    assert!(of_span(&again, TransactionEnd::Committed).what.ends_with(": confirmed, an earlier answer, committed"));
    let mut advice = Vec::new();
    for (end, word) in [
        (TransactionEnd::Pending, "its transaction is open"),
        (TransactionEnd::Committed, "committed"),
        (TransactionEnd::RolledBack, "rolled back"),
        (TransactionEnd::Prepared, "prepared"),
    ] {
        let entry = of_span(&span(Outcome::Confirmed), end);
        assert!(entry.what.ends_with(&format!(": confirmed, {word}")), "{}", entry.what);
        advice.push(entry.advice);
    }
    assert!(advice[0].contains("holdfast.in_flight") && advice[3].contains("PREPARED"), "{advice:?}");
    assert!(advice[1].is_empty() && advice[2].contains("Call again with the same key"), "{advice:?}");
}

#[test]
fn what_is_written_down_is_told_in_words() {
    let open = of_stored_cases();
    for ((source, what, advice), (expected_source, expected, has_advice)) in open {
        assert_eq!((source, what.as_str(), !advice.is_empty()), (expected_source, expected, has_advice), "{advice}");
    }
}

type Told = ((Source, String, String), (Source, &'static str, bool));

fn of_stored_cases() -> Vec<Told> {
    vec![
        (
            stored(StoredKind::Attempt, "timeout_before_confirm", Some("table_lock")),
            (Source::Attempts, "an attempt ended in phase table_lock: timeout_before_confirm", true),
        ),
        (stored(StoredKind::Answer, "confirmed", None), (Source::Ledger, "the key is bound: confirmed", false)),
        (
            stored(StoredKind::Move, "confirmed", Some("pending")),
            (Source::History, "status pending became confirmed", false),
        ),
        (stored(StoredKind::Move, "pending", None), (Source::History, "status nothing became pending", false)),
        (stored(StoredKind::Hold, "active", None), (Source::Holds, "a hold is active, and runs out", false)),
        (stored(StoredKind::EndedHold, "expired", None), (Source::Holds, "a hold ended: expired", false)),
        (
            stored(StoredKind::Event, "capacity.assignment.sync", Some("dead")),
            (Source::Outbox, "event capacity.assignment.sync is dead", true),
        ),
        (
            stored(StoredKind::Event, "capacity.assignment.sync", Some("pending")),
            (Source::Outbox, "event capacity.assignment.sync is pending", true),
        ),
        (
            stored(StoredKind::Event, "capacity.assignment.sync", Some("done")),
            (Source::Outbox, "event capacity.assignment.sync is done", false),
        ),
    ]
}

#[test]
fn it_is_told_in_the_order_of_time() {
    let at = |at, kind| {
        let fact = StoredFact { at, key: None, id: None, label: "x".to_owned(), label2: None, detail: json!({}) };
        of_stored(kind, fact)
    };
    let told = ordered(vec![
        at(Some(Instant(3)), StoredKind::Event),
        at(Some(Instant(3)), StoredKind::Attempt),
        at(None, StoredKind::Hold),
        at(Some(Instant(1)), StoredKind::Move),
    ]);
    let sources: Vec<&str> = told.iter().map(|entry| entry.source.name()).collect();
    assert_eq!(sources, ["holds", "history", "attempts", "outbox"]);
    let running = in_flight(&span(Outcome::Failed));
    assert!(running.what.ends_with(": in phase booking_lock") && running.advice.contains("process 42"), "{running:?}");
    assert_eq!((running.at, running.source.name()), (Some(Instant(1_250_000)), "in_flight"));
}

#[test]
fn where_nothing_is_known_it_says_why() {
    assert!(nothing(false).advice.contains("shared_preload_libraries"));
    assert!(!nothing(true).advice.contains("shared_preload_libraries"));
    assert_eq!((nothing(true).at, nothing(true).what.as_str()), (None, "nothing is known"));
}

#[test]
fn tables_that_cannot_be_read_are_said_to_be() {
    let locked = Failure::Server(Box::new(ServerError { sqlstate: sqlstate_pack("55P03"), ..ServerError::default() }));
    assert_eq!(unreadable(&locked).detail, json!({"sqlstate": "55P03"}));
    let gone = Failure::Undone(refusal::argument_invalid("x"));
    assert_eq!(unreadable(&gone).detail, json!({"sqlstate": Outcome::ArgumentInvalid.entry().sqlstate}));
}

#[test]
fn a_span_is_found_by_its_first_words() {
    let mut span = span(Outcome::Confirmed);
    (span.database, span.schema, span.booking) = (5, 6, Some(Id::from_u128(7 << 64 | 8)));
    let mut words = [0; BOOKING_WORDS];
    span.write(|at, value| {
        if let Some(word) = words.get_mut(at) {
            *word = value;
        }
    });
    let is_about = |database, schema, booking| Span::is_about(&words, database, schema, Id::from_u128(booking));
    assert!(is_about(5, 6, 7 << 64 | 8));
    assert!(!is_about(4, 6, 7 << 64 | 8) && !is_about(5, 7, 7 << 64 | 8) && !is_about(5, 6, 7 << 64));
}

#[test]
fn a_long_key_is_known_by_its_beginning() {
    let long = "k".repeat(KEY_BYTES + 1);
    assert!(Span::is_kept_of(&long[..KEY_BYTES], &long));
    assert!(!Span::is_kept_of(&long[..KEY_BYTES - 1], &long));
    assert!(Span::is_kept_of("key", "key") && !Span::is_kept_of("key", "key 2"));
}
