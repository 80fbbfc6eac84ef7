//! A status move on its own.

use holdfast::rules::booking::StatusRules;
use holdfast::rules::outcome::Outcome;
use holdfast::rules::transition::{Move, check_arguments, decide};
use holdfast_rules_tests::{assert_refused, statuses};

fn to<'a>(to: Option<&'a str>, from: Option<&'a str>, history_to: Option<&'a str>) -> Move<'a> {
    Move { to, history_from: from, history_to }
}

#[test]
fn the_target_is_returned_where_the_arguments_make_sense() {
    assert_eq!(check_arguments(&to(Some("confirmed"), None, None)), Ok("confirmed"));
    assert_eq!(check_arguments(&to(Some("confirmed"), Some("pending"), Some("confirmed"))), Ok("confirmed"));
}

#[test]
fn nonsense_is_refused_before_any_row_is_touched() {
    let cases = [
        (to(None, None, None), "apply_booking_state_transition requires a status"),
        (to(None, Some("pending"), Some("confirmed")), "apply_booking_state_transition requires a status"),
        (
            to(Some("confirmed"), Some("pending"), Some("cancelled")),
            "apply_booking_state_transition got status confirmed but history to cancelled",
        ),
    ];
    for (asked, message) in cases {
        let refusal = check_arguments(&asked).expect_err("nonsense");
        assert_refused(&refusal, Outcome::ArgumentInvalid, "22023", message, None);
    }
}

/// What the caller read, what is, whether the move is declared, and the detail of the refusal.
type Case = (Option<&'static str>, &'static str, bool, Option<&'static str>);

#[test]
fn the_status_is_the_one_that_the_caller_read_and_the_move_a_declared_one() {
    let cases: &[Case] = &[
        (Some("pending"), "pending", true, None),
        (None, "pending", true, None),
        (None, "confirmed", false, None),
        (Some("confirmed"), "confirmed", false, None),
        // F11: changed under the caller, legal as the move itself would be.
        (
            Some("pending"),
            "pending_allocation",
            true,
            Some("Current status pending_allocation does not match expected pending"),
        ),
        (Some("pending"), "confirmed", true, Some("Current status confirmed does not match expected pending")),
        (
            None,
            "cancelled",
            true,
            Some("Current status cancelled does not match expected pending, pending_allocation, confirmed"),
        ),
        (Some("pending"), "pending", false, Some("Current status pending does not match expected confirmed")),
    ];
    for (read, current, declared, detail) in cases {
        let mut rules: StatusRules = statuses();
        if !declared {
            rules.target_reached_from.clear();
        }
        match (decide(&to(Some("confirmed"), *read, None), "confirmed", current, &rules), detail) {
            (Ok(()), None) => {}
            (Err(refusal), Some(detail)) => {
                assert_refused(&refusal, Outcome::StatusConflict, "P0004", "booking_state_conflict", Some(detail));
            }
            (decided, _) => panic!("read {read:?}, is {current}: {decided:?}"),
        }
    }
}
