//! Party and tables: F15, by the restaurant's policy alone.

use holdfast::rules::booking::Booking;
use holdfast::rules::booking::capacity::{CapacityPolicy, check};
use holdfast::rules::booking::table::Table;
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::{BOOKING, assert_refused, booking, shown, table, table_id};
use proptest::prelude::*;

fn party(size: i32) -> Booking {
    Booking { party_size: size, ..booking() }
}

fn seats(capacity: i32) -> Table {
    Table { capacity, min_party_size: None, ..table(1) }
}

fn policy(extra_seats: i32, enforce_min_party: bool) -> CapacityPolicy {
    CapacityPolicy { extra_seats, enforce_min_party }
}

#[test]
fn a_table_seats_its_largest_declared_party_else_its_capacity() {
    assert_eq!(seats(4).seats(), 4);
    assert_eq!(Table { max_party_size: Some(6), ..seats(4) }.seats(), 6);
    assert_eq!(Table { max_party_size: Some(3), ..seats(4) }.seats(), 3);
}

#[test]
fn a_party_fits_or_the_seats_are_named() {
    let (two, four) = (seats(2), seats(4));
    let cases: &[(i32, &[&Table], i32, Option<&str>)] = &[
        (4, &[&four], 0, None),
        (5, &[&four], 1, None),
        (6, &[&two, &four], 0, None),
        (12, &[&two], 0, Some("The tables seat 2, the policy accepts 0 more")),
        (7, &[&two, &four], 0, Some("The tables seat 6, the policy accepts 0 more")),
        (8, &[&two, &four], 1, Some("The tables seat 6, the policy accepts 1 more")),
        (1, &[], 0, Some("The tables seat 0, the policy accepts 0 more")),
    ];
    for (size, tables, extra, detail) in cases {
        match (check(&party(*size), tables, policy(*extra, true)), detail) {
            (Ok(()), None) => {}
            (Err(refusal), Some(detail)) => {
                let message =
                    format!("Party of {size} of booking {} exceeds the capacity of its tables", shown(BOOKING));
                assert_refused(&refusal, Outcome::PartyTooLarge, "23514", &message, Some(detail));
            }
            (checked, _) => panic!("party of {size}: {checked:?}"),
        }
    }
}

#[test]
fn a_small_party_is_refused_where_the_policy_says_so() {
    let large = Table { min_party_size: Some(4), capacity: 8, ..table(2) };
    assert_eq!(check(&party(3), &[&large], policy(0, false)), Ok(()));
    assert_eq!(check(&party(4), &[&large], policy(0, true)), Ok(()));
    assert_eq!(check(&party(3), &[&seats(4)], policy(0, true)), Ok(()));
    let refusal = check(&party(3), &[&seats(4), &large], policy(0, true)).expect_err("too small");
    let message = format!("Party of 3 of booking {} is too small for table {}", shown(BOOKING), shown(table_id(2)));
    assert_refused(&refusal, Outcome::PartyTooSmall, "23514", &message, Some("The table takes parties from 4"));
}

#[test]
fn sums_do_not_overflow() {
    let vast = Table { capacity: i32::MAX, ..seats(0) };
    assert_eq!(check(&party(i32::MAX), &[&vast, &vast], policy(i32::MAX, true)), Ok(()));
}

proptest! {
    #[test]
    fn fitting_is_a_sum(sizes in prop::collection::vec(0..10_i32, 1..4), size in 1..30_i32, extra in 0..3_i32) {
        let tables: Vec<Table> = sizes.iter().map(|capacity| seats(*capacity)).collect();
        let fits = size <= sizes.iter().sum::<i32>() + extra;
        prop_assert_eq!(check(&party(size), &tables.iter().collect::<Vec<_>>(), policy(extra, true)).is_ok(), fits);
    }

    #[test]
    fn more_room_never_turns_a_yes_into_a_no(size in 1..12_i32, capacity in 0..10_i32, extra in 0..3_i32) {
        if check(&party(size), &[&seats(capacity)], policy(extra, false)).is_ok() {
            prop_assert!(check(&party(size), &[&seats(capacity + 1)], policy(extra, false)).is_ok());
            prop_assert!(check(&party(size), &[&seats(capacity)], policy(extra + 1, false)).is_ok());
        }
    }
}
