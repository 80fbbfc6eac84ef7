//! A status move on its own.

use holdfast::rules::Id;
use holdfast::rules::booking::table::{Assignment, Blocker, Occupant, Table};
use holdfast::rules::booking::transition::{Move, check_arguments, check_tables, decide, needs_tables, span};
use holdfast::rules::booking::window::Window;
use holdfast::rules::booking::{Booking, StatusRules};
use holdfast::rules::confirm::snapshot::Snapshot;
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::{
    BOOKING, HOLD, OTHER_BOOKING, assert_refused, assignment, booking, claim, hours, own_window, shown, snapshot,
    statuses, table, table_id,
};

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
    for (request, message) in cases {
        let refusal = check_arguments(&request).expect_err("nonsense");
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

#[test]
fn only_a_move_into_a_status_that_needs_tables_looks_at_them() {
    let seats_later = StatusRules { target_needs_tables: false, ..statuses() };
    assert!(needs_tables("pending", "confirmed", &statuses()));
    assert!(!needs_tables("pending", "confirmed", &seats_later));
    assert!(!needs_tables("confirmed", "confirmed", &statuses()), "it is there already");
}

#[test]
fn the_tables_are_asked_for_at_the_times_for_which_they_are_assigned() {
    let unbooked = Booking { window: own_window(20, 18), ..booking() };
    let timeless = Assignment { window: None, ..assignment(1, hours(18, 20), None) };
    let cases: &[(&Booking, Vec<Assignment>, Option<Window>)] = &[
        (&booking(), vec![], None),
        (&booking(), vec![assignment(1, hours(17, 19), None)], Some(hours(17, 19))),
        (&booking(), vec![assignment(1, hours(17, 19), None), assignment(2, hours(18, 21), None)], Some(hours(17, 21))),
        (&booking(), vec![timeless], Some(hours(18, 20))),
        (&unbooked, vec![timeless], None),
    ];
    for (booking, assignments, expected) in cases {
        assert_eq!(span(booking, assignments), *expected, "{assignments:?}");
    }
}

/// Table 1, assigned and allocated from six to eight.
fn seated() -> Snapshot {
    let window = hours(18, 20);
    Snapshot { assignments: vec![assignment(1, window, None)], allocations: vec![claim(1, window)], ..snapshot() }
}

fn blocked(blocker: Blocker, owner: Option<Id>, window: Window) -> Snapshot {
    let id = match blocker {
        Blocker::Hold { hold, .. } => hold,
        Blocker::Allocation { id, .. } | Blocker::Assignment { id, .. } => id,
    };
    let occupant = Occupant { booking: owner, window: Some(window), until: None };
    Snapshot { blockers: vec![blocker], occupants: [(id, occupant)].into(), ..seated() }
}

#[test]
fn tables_that_stand_and_seat_the_party_let_it_in() {
    assert_eq!(check_tables(&seated(), &statuses()), Ok(()));
    let group = Some(Id::from_u128(0x77));
    let window = hours(18, 20);
    let two = Snapshot {
        booking: Booking { party_size: 8, ..booking() },
        assignments: vec![assignment(1, window, group), assignment(2, window, group)],
        allocations: vec![claim(1, window), claim(2, window)],
        ..snapshot()
    };
    assert_eq!(check_tables(&two, &statuses()), Ok(()), "eight at two tables for four");
}

#[test]
fn without_tables_the_guard_of_the_contract_speaks() {
    let text = format!("Cannot confirm booking {}: No table assignments exist. Assign tables first.", shown(BOOKING));
    let unallocated = format!("Table {} is assigned to the booking and not allocated", shown(table_id(1)));
    let cases = [
        (snapshot(), None),
        (Snapshot { allocations: vec![], ..seated() }, Some(unallocated.as_str())),
        (Snapshot { allocations: vec![claim(1, hours(18, 19))], ..seated() }, Some(unallocated.as_str())),
        (Snapshot { allocations: vec![claim(2, hours(18, 20))], ..seated() }, Some(unallocated.as_str())),
    ];
    for (snapshot, detail) in cases {
        let refusal = check_tables(&snapshot, &statuses()).expect_err("no tables");
        assert_refused(&refusal, Outcome::TablesNotAssigned, "P0001", &text, detail);
    }
}

#[test]
fn from_a_status_that_needs_them_too_they_are_not_measured_again() {
    let rules = StatusRules { current_needs_tables: true, ..statuses() };
    let small = Snapshot { booking: Booking { party_size: 5, ..booking() }, allocations: vec![], ..seated() };
    assert_eq!(check_tables(&small, &rules), Ok(()));
    assert_eq!(check_tables(&snapshot(), &rules).expect_err("no table at all").outcome, Outcome::TablesNotAssigned);
}

#[test]
fn a_party_is_not_seated_on_tables_that_are_too_small() {
    let large = Snapshot { booking: Booking { party_size: 12, ..booking() }, ..seated() };
    let refusal = check_tables(&large, &statuses()).expect_err("twelve at a table for four");
    assert_eq!(refusal.outcome, Outcome::PartyTooLarge);
    let narrow = [(table_id(1), Table { max_party_size: Some(1), ..table(1) })].into();
    let refusal = check_tables(&Snapshot { tables: narrow, ..seated() }, &statuses()).expect_err("two at one");
    assert_eq!(refusal.outcome, Outcome::PartyTooLarge);
}

#[test]
fn who_has_a_table_of_the_booking_is_named() {
    let (id, table) = (Id::from_u128(0x900), table_id(1));
    let window = hours(19, 21);
    let allocation = Blocker::Allocation { id, table, released: false };
    let assigned = Blocker::Assignment { id, table, owner: OTHER_BOOKING, window, released: false };
    let hold = Blocker::Hold { hold: HOLD, table };
    let other = format!("booking {}", shown(OTHER_BOOKING));
    let cases = [
        (blocked(allocation, Some(OTHER_BOOKING), window), Some(other.clone())),
        (blocked(assigned, Some(OTHER_BOOKING), window), Some(other.clone())),
        (blocked(allocation, None, window), Some("maintenance".to_owned())),
        (blocked(hold, Some(OTHER_BOOKING), window), Some(format!("hold {} of {other}", shown(HOLD)))),
        (blocked(hold, None, window), Some(format!("hold {}", shown(HOLD)))),
        // One's own hold, what is free by now, and another time than that of the table.
        (blocked(hold, Some(BOOKING), window), None),
        (blocked(Blocker::Allocation { id, table, released: true }, Some(OTHER_BOOKING), window), None),
        (blocked(allocation, Some(OTHER_BOOKING), hours(20, 22)), None),
    ];
    for (snapshot, who) in cases {
        match (check_tables(&snapshot, &statuses()), who) {
            (Ok(()), None) => {}
            (Err(refusal), Some(who)) => {
                let detail = format!("Table {} is taken by {who} in window {window}", shown(table));
                assert_refused(&refusal, Outcome::TablesTaken, "P0004", "booking_state_conflict", Some(&detail));
            }
            (decided, who) => panic!("{who:?}: {decided:?}"),
        }
    }
}
