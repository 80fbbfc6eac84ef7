//! One answer per key: what replays, what is refused, and what deserves a fresh look.

use holdfast::rules::booking::BookingWindow;
use holdfast::rules::booking::table::Assignment;
use holdfast::rules::booking::window::Window;
use holdfast::rules::confirm::fingerprint::Fingerprint;
use holdfast::rules::confirm::replay::{CurrentBooking, LedgerEntry, ReplayDecision, decide, decide_refusal, resolve};
use holdfast::rules::confirm::request::{History, Request, Selection};
use holdfast::rules::confirm::resolved_request::ResolvedRequest;
use holdfast::rules::refusal::outcome::Outcome;
use holdfast::rules::refusal::{self, Refusal};
use holdfast_rules_tests::evening::calls;
use holdfast_rules_tests::{
    ACTOR, BOOKING, HOLD, NOBODY, ask_hold, ask_tables, assert_refused, assignment, hours, own_window, shown, table_id,
    table_ids,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What a first confirm of these tables left in the ledger.
fn entry(request: &Request, numbers: &[u128], window: Window) -> LedgerEntry {
    let fingerprint = Fingerprint::resolved(request, &table_ids(numbers), window);
    LedgerEntry {
        refusal: None,
        checksum: Some(fingerprint.checksum()),
        request: Some(fingerprint),
        tables: table_ids(numbers),
        window: Some(window),
        assignment_ids: Some(rows(numbers, window).iter().map(|row| row.id).collect()),
        hold: match request.selection {
            Selection::Hold(hold) => Some(hold),
            Selection::Tables(_) => None,
        },
        receipt: Some(7),
    }
}

/// What the functions that holdfast replaced left: tables and window.
fn older_entry(numbers: &[u128], window: Window) -> LedgerEntry {
    LedgerEntry { tables: table_ids(numbers), window: Some(window), ..LedgerEntry::default() }
}

fn rows(numbers: &[u128], window: Window) -> Vec<Assignment> {
    numbers.iter().map(|number| assignment(*number, window, None)).collect()
}

/// The booking after that confirm.
fn standing(numbers: &[u128], window: Window) -> CurrentBooking {
    CurrentBooking { status: "confirmed".to_owned(), window: own_window(18, 20), assignments: rows(numbers, window) }
}

fn resolved(request: &Request, numbers: &[u128], window: Window) -> ResolvedRequest {
    ResolvedRequest::new(request, table_ids(numbers), window)
}

#[track_caller]
fn refused(decision: ReplayDecision) -> Refusal {
    match decision {
        ReplayDecision::Refuse(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[track_caller]
fn assert_mismatch(decision: ReplayDecision, what: &str, differences: &Value) {
    let refusal = refused(decision);
    let message = format!("assign_tables_atomic_v2 idempotency mismatch for booking {}", shown(BOOKING));
    let detail = format!("Idempotency key reuse detected with a different {what}");
    assert_refused(&refusal, Outcome::KeyMismatch, "P0003", &message, Some(&detail));
    assert!(!refusal.replayed, "a mismatch was never the answer before");
    let hint: Value = serde_json::from_str(&refusal.hint).expect("JSON");
    assert_eq!(&hint, differences);
}

#[test]
fn a_call_by_tables_stands_for_them_in_the_resolved_window() {
    let (request, nothing) = (ask_tables(&[1, 2]), LedgerEntry::default());
    let now = standing(&[1, 2], hours(18, 20));
    assert_eq!(resolve(&request, &nothing, &now), Some(Ok(resolved(&request, &[1, 2], hours(18, 20)))));
    let custom = Request { window: Some(hours(19, 21)), ..request.clone() };
    assert_eq!(resolve(&custom, &nothing, &now), Some(Ok(resolved(&custom, &[1, 2], hours(19, 21)))));
    let far = Request { window: Some(hours(8, 9)), ..request.clone() };
    let refusal = resolve(&far, &nothing, &now).expect("resolved").expect_err("elsewhere");
    assert_eq!(refusal.outcome, Outcome::WindowOutsideBooking);
    let lost = CurrentBooking { window: BookingWindow::default(), ..now };
    let refusal = resolve(&request, &nothing, &lost).expect("resolved").expect_err("no window");
    assert_eq!(refusal.outcome, Outcome::BookingWindowMissing);
}

/// F1: the hold may be gone by now, what it stood for is in the entry.
#[test]
fn a_call_by_the_entrys_hold_stands_for_the_entrys_tables() {
    let first = entry(&ask_hold(), &[1, 2], hours(18, 20));
    let now = standing(&[1, 2], hours(18, 20));
    assert_eq!(resolve(&ask_hold(), &first, &now), Some(Ok(resolved(&ask_hold(), &[1, 2], hours(18, 20)))));
    let custom = Request { window: Some(hours(19, 21)), ..ask_hold() };
    assert_eq!(resolve(&custom, &first, &now), Some(Ok(resolved(&custom, &[1, 2], hours(19, 21)))));
}

#[test]
fn another_hold_has_to_be_read_first() {
    let now = standing(&[1, 2], hours(18, 20));
    let other = LedgerEntry { hold: Some(NOBODY), ..entry(&ask_hold(), &[1, 2], hours(18, 20)) };
    assert_eq!(resolve(&ask_hold(), &other, &now), None);
    assert_eq!(resolve(&ask_hold(), &older_entry(&[1, 2], hours(18, 20)), &now), None);
    let windowless = LedgerEntry { window: None, ..entry(&ask_hold(), &[1, 2], hours(18, 20)) };
    assert_eq!(resolve(&ask_hold(), &windowless, &now), None);
}

#[test]
fn the_same_request_gets_the_first_answer() {
    let window = hours(18, 20);
    for request in [ask_tables(&[1, 2]), ask_hold(), Request { actor: Some(ACTOR), ..ask_hold() }] {
        let decision = decide(
            &request,
            &resolved(&request, &[1, 2], window),
            &entry(&request, &[1, 2], window),
            &standing(&[1, 2], window),
        );
        assert_eq!(decision, ReplayDecision::Replay(rows(&[1, 2], window)));
    }
    // Other tables of the booking are not part of the answer, whatever the order of its rows.
    let request = ask_tables(&[1, 2]);
    let mut now = standing(&[3, 2, 1], window);
    now.assignments[0].merge_group = Some(NOBODY);
    let decision = decide(&request, &resolved(&request, &[1, 2], window), &entry(&request, &[1, 2], window), &now);
    assert_eq!(decision, ReplayDecision::Replay(rows(&[1, 2], window)));
}

#[test]
fn another_request_is_refused_and_every_difference_named() {
    let window = hours(18, 20);
    let request = ask_tables(&[1, 2]);
    let first = entry(&request, &[1, 2], window);
    let (one, two) = (shown(table_id(1)), shown(table_id(2)));
    let now = standing(&[1, 2], window);

    let other = resolved(&request, &[1], window);
    let differences = json!([{"field": "tables", "first": [one, two], "this": [one]}]);
    assert_mismatch(decide(&request, &other, &first, &now), "table set", &differences);

    // F2.
    let later = Request { window: Some(hours(19, 21)), ..request.clone() };
    let window_difference = json!({
        "field": "window",
        "first": {"start": "2027-05-01T18:00:00Z", "end": "2027-05-01T20:00:00Z"},
        "this": {"start": "2027-05-01T19:00:00Z", "end": "2027-05-01T21:00:00Z"},
    });
    let decision = decide(&later, &resolved(&later, &[1, 2], hours(19, 21)), &first, &now);
    assert_mismatch(decision, "window", &json!([window_difference]));

    let several = Request { require_adjacency: true, target: Some("checked_in".to_owned()), ..later };
    let decision = decide(&several, &resolved(&several, &[1, 2], hours(19, 21)), &first, &now);
    let differences = json!([
        {"field": "require_adjacency", "first": false, "this": true},
        {"field": "target_status", "first": "confirmed", "this": "checked_in"},
        window_difference,
    ]);
    assert_mismatch(decision, "require_adjacency, target_status, window", &differences);
    // With the tables among them, DETAIL stays the contract's.
    let decision = decide(&several, &resolved(&several, &[1], hours(19, 21)), &first, &now);
    assert_eq!(refused(decision).detail.as_deref(), Some("Idempotency key reuse detected with a different table set"));
}

/// Written before holdfast: tables and window are compared, the rest was not recorded.
#[test]
fn an_older_answer_is_replayed_by_tables_and_window() {
    let window = hours(18, 20);
    let first = older_entry(&[1, 2], window);
    let now = standing(&[1, 2], window);
    let request = Request { require_adjacency: true, actor: Some(ACTOR), ..ask_tables(&[1, 2]) };
    let decision = decide(&request, &resolved(&request, &[1, 2], window), &first, &now);
    assert_eq!(decision, ReplayDecision::Replay(rows(&[1, 2], window)));
    let differences = json!([{
        "field": "tables", "first": [shown(table_id(1)), shown(table_id(2))], "this": [shown(table_id(1))],
    }]);
    assert_mismatch(decide(&request, &resolved(&request, &[1], window), &first, &now), "table set", &differences);
    let difference = |from: Value| json!([{"field": "window", "first": from, "this": {"start": "2027-05-01T19:00:00Z", "end": "2027-05-01T21:00:00Z"}}]);
    let known = json!({"start": "2027-05-01T18:00:00Z", "end": "2027-05-01T20:00:00Z"});
    let later = resolved(&request, &[1, 2], hours(19, 21));
    assert_mismatch(decide(&request, &later, &first, &now), "window", &difference(known));
    let windowless = LedgerEntry { window: None, ..first };
    assert_mismatch(decide(&request, &later, &windowless, &now), "window", &difference(Value::Null));
}

/// A checksum that agrees settles it; one that does not is looked into.
#[test]
fn the_checksum_is_a_short_cut() {
    let window = hours(18, 20);
    let request = ask_tables(&[1, 2]);
    let now = standing(&[1, 2], window);
    let first = entry(&request, &[1, 2], window);
    let answer = ReplayDecision::Replay(rows(&[1, 2], window));
    let without = LedgerEntry { checksum: None, ..first.clone() };
    assert_eq!(decide(&request, &resolved(&request, &[1, 2], window), &without, &now), answer);
    let of_old = LedgerEntry { checksum: Some("md5".to_owned()), ..first.clone() };
    assert_eq!(decide(&request, &resolved(&request, &[1, 2], window), &of_old, &now), answer);
    let alone = LedgerEntry { request: Some(Fingerprint::default()), ..first };
    assert_eq!(decide(&request, &resolved(&request, &[1, 2], window), &alone, &now), answer);
}

/// F5.
#[test]
fn a_booking_that_left_the_status_is_not_answered_as_if_all_were_well() {
    let window = hours(18, 20);
    let request = ask_tables(&[1]);
    let now = CurrentBooking { status: "cancelled".to_owned(), ..standing(&[1], window) };
    let refusal = refused(decide(&request, &resolved(&request, &[1], window), &entry(&request, &[1], window), &now));
    let detail = "Current status cancelled does not match expected confirmed";
    assert_refused(&refusal, Outcome::StatusConflict, "P0004", "booking_state_conflict", Some(detail));
    // A call that names no status asks for none.
    let request = Request { target: None, ..request };
    let decision = decide(&request, &resolved(&request, &[1], window), &entry(&request, &[1], window), &now);
    assert_eq!(decision, ReplayDecision::Replay(rows(&[1], window)));
}

/// F4.
#[test]
fn an_answer_whose_tables_are_gone_is_gone() {
    let window = hours(18, 20);
    let request = ask_tables(&[1, 2]);
    let first = entry(&request, &[1, 2], window);
    let mut renewed = standing(&[1, 2], window);
    renewed.assignments[1].id = NOBODY;
    let mut moved = standing(&[1, 2], window);
    moved.assignments[1].window = Some(hours(19, 21));
    let mut windowless = standing(&[1, 2], window);
    windowless.assignments[1].window = None;
    for now in [standing(&[], window), standing(&[1], window), standing(&[1, 3], window), renewed, moved, windowless] {
        let refusal = refused(decide(&request, &resolved(&request, &[1, 2], window), &first, &now));
        let message = format!("assign_tables_atomic_v2 returned no assignments for booking {}", shown(BOOKING));
        assert_refused(&refusal, Outcome::AnswerGone, "P0003", &message, None);
    }
    let request = ask_tables(&[]);
    let empty = entry(&request, &[], window);
    let decision = decide(&request, &resolved(&request, &[], window), &empty, &standing(&[1], window));
    assert_eq!(refused(decision).outcome, Outcome::AnswerGone);
}

/// An older entry knows no row ids: the tables in the window are the answer.
#[test]
fn an_older_answer_stands_as_long_as_its_tables_do() {
    let window = hours(18, 20);
    let request = ask_tables(&[1, 2]);
    let mut renewed = standing(&[1, 2], window);
    renewed.assignments[1].id = NOBODY;
    let decision = decide(&request, &resolved(&request, &[1, 2], window), &older_entry(&[1, 2], window), &renewed);
    assert_eq!(decision, ReplayDecision::Replay(renewed.assignments.clone()));
    let decision =
        decide(&request, &resolved(&request, &[1, 2], window), &older_entry(&[1, 2], window), &standing(&[1], window));
    assert_eq!(refused(decision).outcome, Outcome::AnswerGone);
}

fn refusal_entry(request: &Request) -> (Refusal, LedgerEntry) {
    let said = refusal::hold_not_found(Some(HOLD));
    let literal = Fingerprint::literal(request);
    let hold = entry(request, &[], hours(18, 20)).hold;
    (said.clone(), LedgerEntry { refusal: Some(said), request: Some(literal), hold, ..LedgerEntry::default() })
}

#[test]
fn a_recorded_refusal_answers_the_same_call() {
    for request in [ask_tables(&[1]), ask_hold(), Request { actor: Some(ACTOR), ..ask_hold() }] {
        let (said, first) = refusal_entry(&request);
        let again = ReplayDecision::Refuse(Refusal { replayed: true, ..said.clone() });
        assert_eq!(decide_refusal(&request, &said, &first), again);
        let unrecorded = LedgerEntry { request: None, ..first };
        assert_eq!(decide_refusal(&request, &said, &unrecorded), again);
    }
}

#[test]
fn a_recorded_refusal_does_not_bind_another_hold_of_an_automatic_path() {
    let other = Request { selection: Selection::Hold(NOBODY), ..ask_hold() };
    let (said, first) = refusal_entry(&ask_hold());
    assert_eq!(decide_refusal(&other, &said, &first), ReplayDecision::Fresh);
    let (said, by_tables) = refusal_entry(&ask_tables(&[1]));
    assert_eq!(decide_refusal(&ask_hold(), &said, &by_tables), ReplayDecision::Fresh);
    // A person who names another hold asks for something else under the same key.
    let person = |request: Request| Request { actor: Some(ACTOR), ..request };
    let (said, first) = refusal_entry(&person(ask_hold()));
    let differences = json!([{"field": "hold", "first": shown(HOLD), "this": shown(NOBODY)}]);
    assert_mismatch(decide_refusal(&person(other), &said, &first), "hold", &differences);
}

#[test]
fn a_recorded_refusal_is_not_the_answer_to_another_call() {
    let (said, first) = refusal_entry(&ask_tables(&[1]));
    let differences = json!([{"field": "tables", "first": [shown(table_id(1))], "this": [shown(table_id(2))]}]);
    assert_mismatch(decide_refusal(&ask_tables(&[2]), &said, &first), "table set", &differences);
    let (said, first) = refusal_entry(&ask_hold());
    let differences = json!([
        {"field": "hold", "first": shown(HOLD), "this": null},
        {"field": "tables", "first": null, "this": [shown(table_id(1))]},
    ]);
    assert_mismatch(decide_refusal(&ask_tables(&[1]), &said, &first), "table set", &differences);
}

/// Small changes between a first and a second call: any of them may be none.
fn another(request: &Request, numbers: &[u128], change: u8) -> (Request, Vec<u128>) {
    let mut other = request.clone();
    let mut numbers = numbers.to_vec();
    match change {
        0 => other.target = Some("checked_in".to_owned()),
        1 => other.window = Some(hours(1, 2)),
        2 => numbers = vec![5, 6],
        3 => other.actor = other.actor.map(|_| NOBODY),
        4 => other.history = History { reason: Some("other".to_owned()), ..other.history },
        5 => other.selection = Selection::Hold(NOBODY),
        _ => {}
    }
    (other, numbers)
}

/// Is this call, by what it says, the first one?
fn same(one: &(Request, Vec<u128>), other: &(Request, Vec<u128>), windows: (Window, Window)) -> bool {
    let hold = |request: &Request| match request.selection {
        Selection::Hold(hold) => Some(hold),
        Selection::Tables(_) => None,
    };
    let literal = one.0.actor.is_none() || (one.0.history == other.0.history && hold(&one.0) == hold(&other.0));
    one.0.target == other.0.target
        && one.0.intent == other.0.intent
        && one.0.require_adjacency == other.0.require_adjacency
        && one.0.actor == other.0.actor
        && one.1 == other.1
        && windows.0 == windows.1
        && literal
}

proptest! {
    /// A replay is an answer to the same request, for a booking that still has the status and every row.
    #[test]
    fn a_replay_is_the_same_request_with_its_status_and_rows(
        first in calls(), change in 0..12_u8, status in "confirmed|checked_in|cancelled", gone in 0..6_u128,
    ) {
        let second = another(&first.0, &first.1, change);
        let of = |request: &Request| request.window.unwrap_or(hours(18, 20));
        let windows = (of(&first.0), of(&second.0));
        let kept = entry(&first.0, &first.1, windows.0);
        let mut now = standing(&[1, 2, 3, 4, 5, 6], windows.0);
        now.status = status;
        now.assignments.retain(|row| row.table != table_id(gone));
        let decision = decide(&second.0, &resolved(&second.0, &second.1, windows.1), &kept, &now);

        let stands = second.0.target.as_ref().is_none_or(|target| *target == now.status);
        let intact = !first.1.contains(&gone);
        let outcome = match &decision {
            ReplayDecision::Refuse(refusal) => Some(refusal.outcome),
            _ => None,
        };
        if !same(&first, &second, windows) {
            prop_assert_eq!(outcome, Some(Outcome::KeyMismatch));
        } else if !stands {
            prop_assert_eq!(outcome, Some(Outcome::StatusConflict));
        } else if !intact {
            prop_assert_eq!(outcome, Some(Outcome::AnswerGone));
        } else {
            prop_assert_eq!(decision, ReplayDecision::Replay(rows(&first.1, windows.0)));
        }
    }

    /// No recorded refusal is ever turned into an answer.
    #[test]
    fn a_recorded_refusal_is_never_a_replay(first in calls(), change in 0..12_u8) {
        let (second, _) = another(&first.0, &first.1, change);
        let (said, kept) = refusal_entry(&first.0);
        let decision = decide_refusal(&second, &said, &kept);
        prop_assert!(!matches!(decision, ReplayDecision::Replay(_)));
        let anew = second.actor.is_none() && matches!(second.selection, Selection::Hold(hold) if kept.hold != Some(hold));
        prop_assert_eq!(decision == ReplayDecision::Fresh, anew);
        if second == first.0 {
            prop_assert_eq!(decision, ReplayDecision::Refuse(Refusal { replayed: true, ..said }));
        }
    }
}
