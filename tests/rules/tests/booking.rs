//! The booking: the window that counts, and where its status may go.

use holdfast::rules::booking::window::{Instant, Window};
use holdfast::rules::booking::{
    BookingWindow, StatusRules, assignment_state, may_move, may_take_tables, resolve_window,
};
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::evening::windows;
use holdfast_rules_tests::{BOOKING, assert_refused, booking, clock, hours, own_window, shown, statuses};
use proptest::prelude::*;

/// Contract §3, as `holdfast_status_transitions` has it.
const MOVES: &[(&str, &[&str])] = &[
    ("pending_allocation", &["pending"]),
    ("confirmed", &["pending", "pending_allocation", "PRIORITY_WAITLIST", "no_show"]),
    ("cancelled", &["pending", "pending_allocation", "confirmed", "PRIORITY_WAITLIST"]),
    ("checked_in", &["confirmed", "PRIORITY_WAITLIST"]),
    ("no_show", &["confirmed", "PRIORITY_WAITLIST", "checked_in"]),
    ("completed", &["checked_in"]),
    ("pending", &[]),
];

fn rules(target: &str) -> StatusRules {
    let from = MOVES.iter().find(|(to, _)| *to == target).map_or(&[][..], |(_, from)| from);
    StatusRules { target_reached_from: from.iter().map(|label| (*label).to_owned()).collect(), ..statuses() }
}

#[test]
fn the_booking_needs_both_ends() {
    for own in [
        BookingWindow::default(),
        BookingWindow { start: Some(clock(18, 0)), end: None },
        BookingWindow { start: None, end: Some(clock(20, 0)) },
    ] {
        for given in [None, Some(hours(18, 20))] {
            let refusal = resolve_window(BOOKING, given, own).expect_err("no window");
            let message = format!("Booking {} missing start/end window", shown(BOOKING));
            assert_refused(&refusal, Outcome::BookingWindowMissing, "22000", &message, None);
        }
    }
}

#[test]
fn the_bookings_window_is_finite_and_in_order() {
    for (start, end, detail) in [
        (clock(20, 0), clock(18, 0), "Start 2027-05-01T20:00:00Z, end 2027-05-01T18:00:00Z"),
        (clock(18, 0), clock(18, 0), "Start 2027-05-01T18:00:00Z, end 2027-05-01T18:00:00Z"),
        (clock(18, 0), Instant::FOREVER, "Start 2027-05-01T18:00:00Z, end infinity"),
        (Instant::NEVER, clock(18, 0), "Start -infinity, end 2027-05-01T18:00:00Z"),
    ] {
        let own = BookingWindow { start: Some(start), end: Some(end) };
        let refusal = resolve_window(BOOKING, None, own).expect_err("invalid window");
        let message = format!("Booking {} has invalid time window", shown(BOOKING));
        assert_refused(&refusal, Outcome::BookingWindowInvalid, "22000", &message, Some(detail));
    }
}

#[test]
fn a_custom_window_must_meet_the_bookings() {
    let own = own_window(18, 20);
    assert_eq!(resolve_window(BOOKING, None, own), Ok(hours(18, 20)));
    for given in [hours(18, 20), hours(19, 21), hours(17, 19), hours(16, 23)] {
        assert_eq!(resolve_window(BOOKING, Some(given), own), Ok(given));
    }
    // F16, and the edges of the half-open window.
    for given in [hours(20, 22), hours(16, 18), hours(24 * 365, 24 * 365 + 2)] {
        let refusal = resolve_window(BOOKING, Some(given), own).expect_err("elsewhere");
        let message = format!("Window {given} does not meet the window of booking {}", shown(BOOKING));
        let detail = "The booking's window is [2027-05-01T18:00:00Z, 2027-05-01T20:00:00Z)";
        assert_refused(&refusal, Outcome::WindowOutsideBooking, "23514", &message, Some(detail));
    }
}

#[test]
fn a_status_moves_as_declared_or_to_itself() {
    let labels = [
        "pending",
        "pending_allocation",
        "confirmed",
        "checked_in",
        "completed",
        "cancelled",
        "no_show",
        "PRIORITY_WAITLIST",
    ];
    for target in labels {
        let rules = rules(target);
        for current in labels {
            let legal = current == target || rules.target_reached_from.iter().any(|from| from == current);
            assert_eq!(may_move(current, target, &rules).is_ok(), legal, "{current} to {target}");
        }
    }
}

#[test]
fn an_illegal_move_names_every_status_it_could_start_from() {
    let cases = [
        (
            "cancelled",
            "confirmed",
            "Current status cancelled does not match expected pending, pending_allocation, PRIORITY_WAITLIST, no_show, \
             confirmed",
        ),
        ("confirmed", "pending", "Current status confirmed does not match expected pending"),
        (
            "completed",
            "checked_in",
            "Current status completed does not match expected confirmed, PRIORITY_WAITLIST, checked_in",
        ),
    ];
    for (current, target, detail) in cases {
        let refusal = may_move(current, target, &rules(target)).expect_err("illegal");
        assert_refused(&refusal, Outcome::StatusConflict, "P0004", "booking_state_conflict", Some(detail));
        assert_eq!(refusal.hint, "HF304: Read the booking again before deciding what to do.");
    }
}

#[test]
fn a_confirm_needs_a_confirmable_target() {
    let rules = StatusRules { target_is_confirmable: false, ..rules("cancelled") };
    let refusal = may_take_tables(&booking(), Some("cancelled"), &rules).expect_err("F8");
    let message = format!("Booking {} cannot be confirmed into status cancelled", shown(BOOKING));
    assert_refused(&refusal, Outcome::TargetNotConfirmable, "23514", &message, None);
    // Also where the booking has that status already.
    let mut gone = booking();
    gone.status = "cancelled".to_owned();
    assert!(may_take_tables(&gone, Some("cancelled"), &rules).is_err());
}

#[test]
fn tables_are_given_to_bookings_that_may_have_them() {
    let mut own = booking();
    assert_eq!(may_take_tables(&own, Some("confirmed"), &rules("confirmed")), Ok(()));
    assert_eq!(may_take_tables(&own, None, &rules("confirmed")), Ok(()));
    // F7: a terminal booking neither moves nor takes tables.
    own.status = "cancelled".to_owned();
    let refusal = may_take_tables(&own, Some("confirmed"), &rules("confirmed")).expect_err("terminal");
    assert_eq!(refusal.outcome, Outcome::StatusConflict);
    let ended = StatusRules { current_holds_tables: false, ..rules("confirmed") };
    let refusal = may_take_tables(&own, None, &ended).expect_err("terminal");
    let detail = "Current status cancelled does not match expected a status that holds tables";
    assert_refused(&refusal, Outcome::StatusConflict, "P0004", "booking_state_conflict", Some(detail));
    // With a target, the move decides, not what the status of before may hold.
    own.status = "no_show".to_owned();
    assert_eq!(
        may_take_tables(&own, Some("confirmed"), &StatusRules { current_holds_tables: false, ..rules("confirmed") }),
        Ok(())
    );
}

#[test]
fn tables_stand_assigned_when_each_has_its_claim() {
    let cases = [
        (0, 0, "unassigned"),
        (0, 1, "unassigned"),
        (1, 1, "assigned"),
        (3, 3, "assigned"),
        (3, 2, "inconsistent"),
        (3, 0, "inconsistent"),
        (1, 2, "inconsistent"),
    ];
    for (assigned, claimed, state) in cases {
        assert_eq!(assignment_state(assigned, claimed, false), state, "{assigned} {claimed}");
        let over = if state == "inconsistent" { "unassigned" } else { state };
        assert_eq!(assignment_state(assigned, claimed, true), over, "of one that is over: {assigned} {claimed}");
    }
}

proptest! {
    #[test]
    fn the_resolved_window_meets_the_bookings(given in prop::option::of(windows()), own in windows()) {
        let ends = BookingWindow { start: Some(own.start()), end: Some(own.end()) };
        match resolve_window(BOOKING, given, ends) {
            Ok(window) => {
                prop_assert!(window.overlaps(own));
                prop_assert_eq!(window, given.unwrap_or(own));
            }
            Err(refusal) => {
                prop_assert_eq!(refusal.outcome, Outcome::WindowOutsideBooking);
                prop_assert!(!given.is_some_and(|given| given.overlaps(own)));
            }
        }
    }

    #[test]
    fn ends_that_are_no_window_never_pass(start: i64, end: i64, given in prop::option::of(windows())) {
        let ends = BookingWindow { start: Some(Instant(start)), end: Some(Instant(end)) };
        if Window::new(Instant(start), Instant(end)).is_none() {
            let refusal = resolve_window(BOOKING, given, ends).expect_err("no window");
            prop_assert_eq!(refusal.outcome, Outcome::BookingWindowInvalid);
        }
    }
}
