//! Who has the lock that an attempt gave up waiting for: of all functions and phases, told from a span's first words.

use holdfast::rules::Id;
use holdfast::rules::attempt::function::{FUNCTIONS, Function, Path};
use holdfast::rules::attempt::phase::Phase;
use holdfast::rules::booking::window::Instant;
use holdfast::rules::refusal::outcome::Outcome;
use holdfast::rules::trace::lock_holder::{LockHolder, gave_up_waiting};
use holdfast::rules::trace::span::{LOCK_WORDS, Span, WORDS};

fn at(function: Function, phase: Phase, pid: i32) -> Span {
    let (booking, hold) = (Some(Id::from_u128(1)), Some(Id::from_u128(2)));
    Span { pid, phase, booking, hold, ..Span::begun(function, Path::Manual, Instant(1)) }
}

fn holder(span: &Span) -> LockHolder {
    let mut words = [0; WORDS];
    span.write(|at, value| words[at] = value);
    let first: [u64; LOCK_WORDS] = std::array::from_fn(|at| words[at]);
    LockHolder::of_words(&first).expect("a span")
}

fn has(other: &Span, waiter: &Span) -> bool {
    holder(other).has_lock_of(waiter)
}

#[test]
fn whoever_is_past_the_lock_has_it() {
    for (waits, from) in [(Phase::BookingLock, 3), (Phase::HoldLock, 4)] {
        let waiter = at(Function::ConfirmByHold, waits, 1);
        for (number, phase) in Phase::ALL.into_iter().enumerate() {
            assert_eq!(has(&at(Function::Undo, phase, 2), &waiter), number >= from, "{phase:?}");
        }
    }
}

#[test]
fn a_lock_is_of_one_booking_or_hold_of_one_schema() {
    let waiter = at(Function::ConfirmByHold, Phase::BookingLock, 1);
    let other = at(Function::ConfirmByHold, Phase::Done, 2);
    assert!(has(&other, &waiter));
    assert_eq!((holder(&other).pid, holder(&other).booking, holder(&other).hold), (2, other.booking, other.hold));
    for stranger in [
        Span { pid: 1, ..other.clone() },
        Span { schema: 7, ..other.clone() },
        Span { database: 7, ..other.clone() },
        Span { booking: Some(Id::from_u128(3)), ..other.clone() },
        Span { booking: None, ..other.clone() },
    ] {
        assert!(!has(&stranger, &waiter), "{stranger:?}");
    }
    let of_nothing = Span { booking: None, hold: None, ..waiter.clone() };
    assert!(!has(&Span { booking: None, hold: None, ..other.clone() }, &of_nothing), "nothing is not the same thing");
    assert!(!has(&other, &at(Function::ConfirmByHold, Phase::TableLock, 1)), "which table, nobody says");
    let on_hold = at(Function::ConfirmByHold, Phase::HoldLock, 1);
    assert!(!has(&Span { hold: Some(Id::from_u128(3)), ..other }, &on_hold));
}

#[test]
fn who_ends_a_hold_has_no_booking_locked() {
    let waiter = at(Function::ConfirmByHold, Phase::BookingLock, 1);
    let without: Vec<&str> =
        FUNCTIONS.iter().filter(|of| !has(&at(**of, Phase::Done, 2), &waiter)).map(|of| of.name()).collect();
    assert_eq!(without, ["extend_hold", "release_hold_and_emit", "refresh_table_status"]);
    assert!(has(&at(Function::Release, Phase::Done, 2), &at(Function::ConfirmByHold, Phase::HoldLock, 1)));
}

#[test]
fn only_who_was_stopped_at_a_lock_gave_up_waiting() {
    assert!(gave_up_waiting(Phase::BookingLock, Outcome::LockTimeout));
    assert!(gave_up_waiting(Phase::HoldLock, Outcome::TimeoutBeforeConfirm));
    assert!(!gave_up_waiting(Phase::BookingLock, Outcome::BookingNotFound), "it did not wait too long");
    assert!(!gave_up_waiting(Phase::Apply, Outcome::Failed));
}
