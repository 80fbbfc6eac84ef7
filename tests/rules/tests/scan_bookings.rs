//! How often every live booking is looked at.

use holdfast::rules::booking::window::Instant;
use holdfast::rules::upkeep::scan_bookings::{
    FULL_SCAN_MINUTES, INTERVAL_SECONDS, Probed, batch_is_throttled, full_scan_batch, full_scan_cutoff, next,
    next_of_batch, worth_reading_ahead,
};

const BEGAN: Instant = Instant(1_000_000_000_000);

fn after(ms: i64) -> Instant {
    Instant(BEGAN.0 + ms * 1000)
}

#[test]
fn a_short_look_rests_for_the_interval() {
    assert_eq!(next(BEGAN, after(20), 10), after(10_020));
    assert_eq!(next(BEGAN, BEGAN, 1), after(1000));
    assert_eq!(next(BEGAN, after(250), 10), after(10_250));
}

#[test]
fn a_long_one_rests_forty_times_as_long_as_it_took() {
    assert_eq!(next(BEGAN, after(251), 10), after(251 + 40 * 251));
    assert_eq!(next(BEGAN, after(1500), 10), after(61_500));
    assert_eq!(next(after(5), BEGAN, 10), after(10_000), "a clock that was set back");
}

#[test]
fn one_that_had_to_wait_is_not_long_in_coming_back() {
    assert_eq!(next(BEGAN, after(1501), 10), after(61_501));
    assert_eq!(next(BEGAN, after(30_000), 10), after(90_000));
    assert_eq!(next(BEGAN, after(30_000), 300), after(330_000), "unless the interval is longer");
    assert_eq!(next_of_batch(BEGAN, after(601)), after(60_601));
    assert_eq!(next_of_batch(BEGAN, after(30_000)), after(90_000));
}

#[test]
fn a_batch_is_throttled_a_hundred_times_as_long() {
    assert_eq!(next_of_batch(BEGAN, after(100)), after(10_100));
    assert_eq!(next_of_batch(BEGAN, after(600)), after(60_600));
    assert_eq!(next_of_batch(BEGAN, BEGAN), BEGAN);
}

/// As the settings' table says: 10 s, 1 d.
#[test]
fn unless_somebody_says_otherwise() {
    assert_eq!((INTERVAL_SECONDS, FULL_SCAN_MINUTES), (10, 1440));
}

#[test]
fn a_pass_follows_one_that_began_long_ago() {
    assert_eq!(full_scan_cutoff(after(3_600_000), 60), BEGAN);
    assert_eq!(full_scan_cutoff(BEGAN, 0), BEGAN);
}

#[test]
fn a_batch_of_a_pass_is_a_quarter_within_bounds() {
    for (batch, expected) in [(1, 1), (3, 1), (8, 2), (1000, 250), (4000, 1000), (100_000, 1000)] {
        assert_eq!(full_scan_batch(batch), expected, "{batch}");
    }
}

#[test]
fn an_index_is_read_ahead_where_most_of_it_is_asked_for() {
    let worth = |pages, bookings, kept| worth_reading_ahead(Probed { pages, bookings, kept });
    assert!(worth(18_874, 20_000, 524_288), "the history of a million bookings");
    assert!(worth(80_000, 20_000, 800_000) && !worth(80_001, 20_000, 800_000), "few of its pages would be asked for");
    assert!(worth(65_536, 20_000, 524_288) && !worth(65_537, 20_000, 524_288), "it would drive out what others need");
    assert!(!worth(1, 0, 524_288), "nothing is live");
}

#[test]
fn an_empty_batch_is_throttled_when_it_took_long() {
    assert!(batch_is_throttled(1, BEGAN, BEGAN) && batch_is_throttled(0, BEGAN, after(11)));
    assert!(!batch_is_throttled(0, BEGAN, after(10)) && !batch_is_throttled(0, after(5), BEGAN));
}
