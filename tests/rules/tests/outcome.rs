//! The catalogue, and every refusal of the contract in its own words.

use std::collections::BTreeSet;

use holdfast::rules::Id;
use holdfast::rules::refusal::outcome::{Again, CATALOGUE, Disposition, Outcome};
use holdfast::rules::refusal::{self, Refusal};
use holdfast_rules_tests::{BOOKING, HOLD, OTHER_BOOKING, assert_refused, clock, hours, shown, table_id};
use serde_json::json;

#[test]
fn codes_and_names_are_unique_and_codes_ascend() {
    let codes: Vec<&str> = CATALOGUE.iter().map(|entry| entry.code).collect();
    assert!(codes.is_sorted_by(|one, next| one < next), "{codes:?}");
    let names: BTreeSet<&str> = CATALOGUE.iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), CATALOGUE.len());
    for entry in CATALOGUE {
        let digits = entry.code.strip_prefix("HF").expect("codes start with HF");
        assert!(digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{}", entry.code);
        assert!(entry.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", entry.name);
        assert_eq!(entry.outcome.entry(), entry);
    }
}

#[test]
fn each_entry_agrees_with_itself() {
    for entry in CATALOGUE {
        let success = entry.disposition == Disposition::Success;
        assert_eq!(entry.sqlstate == "00000", success, "{}", entry.code);
        assert_eq!((200..300).contains(&entry.http_status), success, "{}", entry.code);
        assert_eq!(entry.advice.is_empty(), success, "{}", entry.code);
        assert_eq!(entry.code < "HF1", success, "{}", entry.code);
        assert_eq!(entry.sqlstate.len(), 5);
        assert!(entry.sentence.ends_with('.'), "{}", entry.sentence);
        // Callers take these for "not installed" and leave the atomic path for good.
        assert!(!["42883", "42P01"].contains(&entry.sqlstate), "{}", entry.code);
    }
    let transient: Vec<&str> =
        CATALOGUE.iter().filter(|entry| entry.disposition == Disposition::Transient).map(|entry| entry.code).collect();
    assert_eq!(
        transient,
        [
            "HF209", "HF601", "HF602", "HF603", "HF611", "HF612", "HF613", "HF614", "HF615", "HF616", "HF618", "HF619",
            "HF710"
        ]
    );
}

/// Only these belong into a loop: of the rest, the same call at once comes to the same.
#[test]
fn few_outcomes_are_called_again_at_once() {
    let at_once: Vec<&str> =
        CATALOGUE.iter().filter(|entry| entry.outcome.again() == Again::AtOnce).map(|entry| entry.name).collect();
    assert_eq!(at_once, ["key_in_progress", "serialization_failure", "deadlock", "lock_timeout"]);
    for entry in CATALOGUE {
        let never = entry.outcome.again() == Again::Never;
        assert_eq!(never, entry.disposition != Disposition::Transient, "{}", entry.name);
    }
}

#[test]
fn dispositions_have_names() {
    assert_eq!(Disposition::Success.name(), "success");
    assert_eq!(Disposition::Final.name(), "final");
    assert_eq!(Disposition::Transient.name(), "transient");
}

/// Refusal, SQLSTATE, message, detail and hint. The rules that refuse without a builder are in their own topics.
type Row = (Refusal, &'static str, String, Option<String>, &'static str);

fn not_found() -> Vec<Row> {
    let booking = shown(BOOKING);
    let hold = shown(HOLD);
    let table = shown(table_id(7));
    let booking_hint = "HF101: Check the id of the booking.";
    let hold_hint = "HF102: Take a new hold; ask again with the key of the first call if its answer was lost.";
    vec![
        (
            refusal::booking_not_found(Some(BOOKING)),
            "P0002",
            format!("Booking {booking} not found"),
            None,
            booking_hint,
        ),
        (refusal::booking_not_found(None), "P0002", "Booking <NULL> not found".to_owned(), None, booking_hint),
        (refusal::hold_not_found(Some(HOLD)), "P0002", format!("Hold {hold} not found"), None, hold_hint),
        (refusal::hold_not_found(None), "P0002", "Hold <NULL> not found".to_owned(), None, hold_hint),
        (
            refusal::tables_not_found(BOOKING, &[Some(table_id(7)), None]),
            "P0002",
            format!("Unable to load all requested tables for booking {booking}"),
            Some(format!("Not found: {table}, <NULL>")),
            "HF103: Check the ids of the tables.",
        ),
        (
            refusal::table_not_found(Some(table_id(7))),
            "P0002",
            format!("Table {table} not found"),
            None,
            "HF104: Check the id of the table.",
        ),
        (
            refusal::table_not_found(None),
            "P0002",
            "Table <NULL> not found".to_owned(),
            None,
            "HF104: Check the id of the table.",
        ),
    ]
}

fn of_holds() -> Vec<Row> {
    let (booking, hold) = (shown(BOOKING), shown(HOLD));
    vec![
        (
            refusal::hold_of_other_booking(HOLD, OTHER_BOOKING, BOOKING),
            "P0001",
            format!("Hold {hold} belongs to booking {} (expected {booking})", shown(OTHER_BOOKING)),
            None,
            "HF201: Confirm with a hold of this booking.",
        ),
        (
            refusal::hold_expired(HOLD, clock(17, 30)),
            "P0001",
            format!("Hold {hold} expired at 2027-05-01T17:30:00Z"),
            None,
            "HF202: Take a new hold and confirm that one.",
        ),
        (
            refusal::hold_conflict(BOOKING, HOLD),
            "P0001",
            format!("Hold conflict prevents assignment for booking {booking}"),
            Some(format!("Hold {hold} overlaps requested window")),
            "Retry after hold expiration or confirm existing hold.",
        ),
        (
            refusal::policy_version_changed(HOLD, "8", Some("7")),
            "P0003",
            format!("Policy version changed (hold {hold}, expected 8, actual 7)"),
            None,
            "HF207: Take a new hold under the current policy.",
        ),
        (
            refusal::policy_version_changed(HOLD, "8", None),
            "P0003",
            format!("Policy version changed (hold {hold}, expected 8, actual <NULL>)"),
            None,
            "HF207: Take a new hold under the current policy.",
        ),
        (
            refusal::adjacency_snapshot_changed(HOLD, "what changed"),
            "P0003",
            format!("Adjacency snapshot changed for hold {hold}"),
            Some("what changed".to_owned()),
            "HF208: Take a new hold on the floor as it is now.",
        ),
    ]
}

fn of_keys_and_statuses() -> Vec<Row> {
    let booking = shown(BOOKING);
    let status_hint = "HF304: Read the booking again before deciding what to do.";
    vec![
        (
            refusal::answer_gone(BOOKING),
            "P0003",
            format!("assign_tables_atomic_v2 returned no assignments for booking {booking}"),
            None,
            "HF302: Use a new key to start afresh.",
        ),
        (
            refusal::status_conflict("cancelled", &["pending".to_owned(), "confirmed".to_owned()]),
            "P0004",
            "booking_state_conflict".to_owned(),
            Some("Current status cancelled does not match expected pending, confirmed".to_owned()),
            status_hint,
        ),
        (
            refusal::status_conflict("cancelled", &[]),
            "P0004",
            "booking_state_conflict".to_owned(),
            Some("Current status cancelled does not match expected another status".to_owned()),
            status_hint,
        ),
        (
            refusal::target_not_confirmable(BOOKING, "no_show"),
            "23514",
            format!("Booking {booking} cannot be confirmed into status no_show"),
            None,
            "HF305: Pass a status that holdfast_booking_statuses marks is_confirm_target.",
        ),
        (
            refusal::key_in_progress(BOOKING, "my-key"),
            "40001",
            format!("Another attempt bound the key of booking {booking} at the same moment"),
            Some("Key my-key".to_owned()),
            "HF603: Retry the transaction with the same key: it will get that answer.",
        ),
    ]
}

fn of_windows_and_tables() -> Vec<Row> {
    let (booking, table) = (shown(BOOKING), shown(table_id(7)));
    let window = "[2027-05-01T18:00:00Z, 2027-05-01T20:00:00Z)";
    vec![
        (
            refusal::window_half_given("confirm_hold_assignment_tx"),
            "22023",
            "confirm_hold_assignment_tx requires both start and end when providing custom window".to_owned(),
            None,
            "HF401: Pass both ends, or neither.",
        ),
        (
            refusal::window_outside_booking(BOOKING, hours(8, 9), hours(18, 20)),
            "23514",
            format!(
                "Window [2027-05-01T08:00:00Z, 2027-05-01T09:00:00Z) does not meet the window of booking {booking}"
            ),
            Some(format!("The booking's window is {window}")),
            "HF405: Pass a window that overlaps the booking's, or reschedule the booking first.",
        ),
        (
            refusal::allocation_conflict(BOOKING, table_id(7)),
            "P0001",
            "allocations_no_overlap".to_owned(),
            Some(format!("Resource {table} overlaps requested window for booking {booking}")),
            "HF601: Choose another table or another time.",
        ),
        (
            refusal::assignment_conflict(table_id(7), OTHER_BOOKING, hours(18, 20)),
            "P0001",
            format!("assign_tables_atomic_v2 assignment overlap for table {table}"),
            Some(format!("Table {table} is assigned to booking {} in window {window}", shown(OTHER_BOOKING))),
            "HF602: Choose another table or another time.",
        ),
        (refusal::argument_invalid("nonsense"), "22023", "nonsense".to_owned(), None, "HF701: Correct the argument."),
        (
            refusal::broken_invariant("confirm_apply", &[1, 2], &[1, 0]),
            "XX000",
            "confirm_apply did not write the rows it was told to".to_owned(),
            Some("Expected [1, 2], found [1, 0]".to_owned()),
            "HF703: Look for a trigger that swallows rows; nothing was changed.",
        ),
    ]
}

#[test]
fn refusals_have_the_words_of_the_contract() {
    for rows in [not_found(), of_holds(), of_keys_and_statuses(), of_windows_and_tables()] {
        for (refusal, sqlstate, message, detail, hint) in rows {
            assert_refused(&refusal, refusal.outcome, sqlstate, &message, detail.as_deref());
            assert_eq!(refusal.hint, hint);
        }
    }
}

/// A hold for nobody yet has no booking to name.
#[test]
fn no_booking_is_shown_as_null() {
    let nobody = Id::nil();
    let (hold, table) = (refusal::hold_conflict(nobody, HOLD), refusal::allocation_conflict(nobody, table_id(7)));
    assert_eq!(hold.message, "Hold conflict prevents assignment for booking <NULL>");
    let detail = format!("Resource {} overlaps requested window for booking <NULL>", shown(table_id(7)));
    assert_eq!(table.detail.as_deref(), Some(detail.as_str()));
    let unknown = refusal::tables_not_found(nobody, &[None]);
    assert_eq!(unknown.message, "Unable to load all requested tables for booking <NULL>");
}

#[test]
fn a_refusal_is_named_after_its_outcome() {
    let outcomes = [
        (refusal::booking_not_found(None), Outcome::BookingNotFound),
        (refusal::hold_not_found(None), Outcome::HoldNotFound),
        (refusal::tables_not_found(BOOKING, &[None]), Outcome::TablesNotFound),
        (refusal::table_not_found(None), Outcome::TableNotFound),
        (refusal::hold_of_other_booking(HOLD, BOOKING, BOOKING), Outcome::HoldOfOtherBooking),
        (refusal::hold_expired(HOLD, clock(17, 0)), Outcome::HoldExpired),
        (refusal::hold_conflict(BOOKING, HOLD), Outcome::HoldConflict),
        (refusal::policy_version_changed(HOLD, "1", None), Outcome::PolicyVersionChanged),
        (refusal::adjacency_snapshot_changed(HOLD, ""), Outcome::AdjacencySnapshotChanged),
        (refusal::answer_gone(BOOKING), Outcome::AnswerGone),
        (refusal::status_conflict("", &[]), Outcome::StatusConflict),
        (refusal::target_not_confirmable(BOOKING, ""), Outcome::TargetNotConfirmable),
        (refusal::key_in_progress(BOOKING, ""), Outcome::KeyInProgress),
        (refusal::window_half_given(""), Outcome::WindowHalfGiven),
        (refusal::window_outside_booking(BOOKING, hours(1, 2), hours(3, 4)), Outcome::WindowOutsideBooking),
        (refusal::allocation_conflict(BOOKING, HOLD), Outcome::AllocationConflict),
        (refusal::assignment_conflict(HOLD, BOOKING, hours(1, 2)), Outcome::AssignmentConflict),
        (refusal::argument_invalid(""), Outcome::ArgumentInvalid),
        (refusal::broken_invariant("", &[], &[]), Outcome::BrokenInvariant),
    ];
    for (refusal, outcome) in outcomes {
        assert_eq!(refusal.outcome, outcome);
    }
}

/// Final refusals bind; a mismatch is another request's, and without a booking there is no ledger to write to.
#[test]
fn final_refusals_bind_their_key() {
    let never = [Outcome::KeyMismatch, Outcome::AnswerGone, Outcome::BookingNotFound];
    for entry in CATALOGUE {
        let binds = entry.disposition == Disposition::Final && !never.contains(&entry.outcome);
        assert_eq!(Refusal::new(entry.outcome, "").binds_key(), binds, "{}", entry.name);
    }
}

#[test]
fn a_refusal_is_kept_in_the_ledger_as_it_was_said() {
    for entry in CATALOGUE {
        for said in [
            Refusal::new(entry.outcome, "words"),
            Refusal::new(entry.outcome, "words").detail("more words").hint("advice"),
        ] {
            let kept = serde_json::to_value(&said).expect("to JSON");
            assert_eq!(serde_json::from_value::<Refusal>(kept).expect("from JSON"), said);
        }
    }
    // Whether it was a replay is for this call to say, not for the ledger.
    let again = Refusal { replayed: true, ..refusal::hold_not_found(None) };
    let kept = serde_json::to_value(again).expect("to JSON");
    assert!(!serde_json::from_value::<Refusal>(kept).expect("from JSON").replayed);
    let kept = serde_json::to_value(refusal::hold_not_found(None)).expect("to JSON");
    let hint = "HF102: Take a new hold; ask again with the key of the first call if its answer was lost.";
    assert_eq!(kept, json!({"outcome": "hold_not_found", "message": "Hold <NULL> not found", "hint": hint}));
}
