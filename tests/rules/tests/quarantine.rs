//! What is set aside, and for how long.

use holdfast::rules::booking::window::Instant;
use holdfast::rules::refusal::Refusal;
use holdfast::rules::refusal::failure::{Failure, ServerError, sqlstate_pack};
use holdfast::rules::refusal::outcome::Outcome;
use holdfast::rules::upkeep::quarantine::{is_its_own, until, words};

const NOW: Instant = Instant(1_000_000_000_000);

fn server(code: &str) -> Failure {
    ServerError { sqlstate: sqlstate_pack(code), message: "no".to_owned(), ..ServerError::default() }.into()
}

#[test]
fn what_a_trigger_or_a_constraint_says_is_of_one() {
    for code in ["ZZ001", "P0001", "23505", "23514", "22023", "42501", "55000"] {
        assert!(is_its_own(&server(code)), "{code}");
    }
    assert!(is_its_own(&Failure::Undone(Refusal::new(Outcome::BrokenInvariant, "no"))));
}

#[test]
fn what_all_could_have_met_is_not() {
    for code in ["25006", "40001", "40P01", "40000", "55P03", "57014", "57P01", "53300", "58030", "XX000"] {
        assert!(!is_its_own(&server(code)), "{code}");
    }
    assert!(!is_its_own(&Failure::Refused(Refusal::new(Outcome::BookingNotFound, "no"))));
    assert!(!is_its_own(&Failure::Undone(Refusal::new(Outcome::NotAttached, "no"))));
}

#[test]
fn each_time_is_twice_as_long_up_to_an_hour() {
    let minutes = |failures| (until(NOW, failures).0 - NOW.0) / 60_000_000;
    let expected = [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (11, 60), (i32::MAX, 60), (0, 1), (i32::MIN, 1)];
    for (failures, expected) in expected {
        assert_eq!(minutes(failures), expected, "{failures}");
    }
}

#[test]
fn the_words_begin_with_the_code() {
    assert_eq!(words(&server("ZZ001")), "ZZ001: no");
    assert_eq!(words(&Failure::Undone(Refusal::new(Outcome::BrokenInvariant, "no"))), "XX000: no");
    assert_eq!(words(&Failure::Refused(Refusal::new(Outcome::BookingNotFound, "no"))), "P0002: no");
}
