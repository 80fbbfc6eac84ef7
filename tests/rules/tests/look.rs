//! How often every live booking is looked at.

use holdfast::rules::look::{next, next_of_batch, pass_batch, pass_cutoff};
use holdfast::rules::window::Instant;

const BEGAN: Instant = Instant(1_000_000_000_000);

fn after(ms: i64) -> Instant {
    Instant(BEGAN.0 + ms * 1000)
}

#[test]
fn a_short_look_rests_for_the_interval() {
    assert_eq!(next(BEGAN, after(20), 10), after(10_020));
    assert_eq!(next(BEGAN, BEGAN, 1), after(1000));
    assert_eq!(next(BEGAN, after(500), 10), after(10_500));
}

#[test]
fn a_long_one_rests_twenty_times_as_long_as_it_took() {
    assert_eq!(next(BEGAN, after(501), 10), after(501 + 20 * 501));
    assert_eq!(next(BEGAN, after(4000), 10), after(84_000));
    assert_eq!(next(after(5), BEGAN, 10), after(10_000), "a clock that was set back");
}

#[test]
fn a_batch_of_a_pass_rests_twenty_times_as_long() {
    assert_eq!(next_of_batch(BEGAN, after(100)), after(2100));
    assert_eq!(next_of_batch(BEGAN, BEGAN), BEGAN);
}

#[test]
fn a_pass_follows_one_that_began_long_ago() {
    assert_eq!(pass_cutoff(after(3_600_000), 60), BEGAN);
    assert_eq!(pass_cutoff(BEGAN, 0), BEGAN);
}

#[test]
fn a_batch_of_a_pass_is_a_quarter_within_bounds() {
    for (batch, expected) in [(1, 1), (3, 1), (8, 2), (1000, 250), (4000, 1000), (100_000, 1000)] {
        assert_eq!(pass_batch(batch), expected, "{batch}");
    }
}
