//! Instants and windows: order, overlap, and the one way in which they are printed.

use chrono::{DateTime, SecondsFormat};
use holdfast::rules::booking::window::{Instant, Window};
use holdfast_rules_tests::{clock, hours};
use proptest::prelude::*;

/// 2000-01-01 in microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;
const MINUTE: i64 = 60_000_000;

#[test]
fn instants_print_as_utc() {
    let cases = [
        (0, "2000-01-01T00:00:00Z"),
        (862_444_800_000_000, "2027-05-01T00:00:00Z"),
        (862_509_600_000_000, "2027-05-01T18:00:00Z"),
        (862_509_600_500_000, "2027-05-01T18:00:00.5Z"),
        (862_509_600_000_001, "2027-05-01T18:00:00.000001Z"),
        (-1, "1999-12-31T23:59:59.999999Z"),
        (-EPOCH, "1970-01-01T00:00:00Z"),
        (5_097_600_000_000, "2000-02-29T00:00:00Z"),
        (i64::MAX, "infinity"),
        (i64::MIN, "-infinity"),
        // Past the years that the calendar of the messages knows, and still a sentence.
        (i64::MAX - 1, "9223372036854775806 microseconds from 2000-01-01T00:00:00Z"),
        (i64::MIN + 1, "-9223372036854775807 microseconds from 2000-01-01T00:00:00Z"),
    ];
    for (us, words) in cases {
        assert_eq!(Instant(us).to_string(), words);
    }
    assert_eq!(clock(18, 30).to_string(), "2027-05-01T18:30:00Z");
}

#[test]
fn windows_print_half_open() {
    assert_eq!(hours(18, 20).to_string(), "[2027-05-01T18:00:00Z, 2027-05-01T20:00:00Z)");
}

#[test]
fn infinity_is_not_finite() {
    assert!(!Instant::FOREVER.is_finite());
    assert!(!Instant::NEVER.is_finite());
    assert!(Instant(i64::MAX - 1).is_finite());
    assert!(Instant(i64::MIN + 1).is_finite());
    assert!(Instant(0).is_finite());
}

#[test]
fn seconds_later() {
    assert_eq!(clock(18, 0).after_seconds(90 * 60), clock(19, 30));
    assert_eq!(clock(18, 0).after_seconds(-60), clock(17, 59));
    assert_eq!(clock(18, 0).after_seconds(0), clock(18, 0));
    assert_eq!(Instant(1).after_seconds(1), Instant(1_000_001));
    assert_eq!(clock(18, 0).after_seconds(i64::MAX), Instant::FOREVER);
    assert_eq!(clock(18, 0).after_seconds(i64::MIN), Instant(i64::MIN + 862_509_600_000_000));
}

#[test]
fn a_window_is_finite_and_in_order() {
    let (six, eight) = (clock(18, 0), clock(20, 0));
    let window = Window::new(six, eight).expect("in order");
    assert_eq!((window.start(), window.end()), (six, eight));
    for (start, end) in [
        (eight, six),
        (six, six),
        (six, Instant::FOREVER),
        (Instant::NEVER, six),
        (Instant::NEVER, Instant::FOREVER),
        (Instant::FOREVER, Instant::NEVER),
    ] {
        assert_eq!(Window::new(start, end), None, "{start} {end}");
    }
    assert!(Window::new(six, Instant(six.0 + 1)).is_some());
}

#[test]
fn windows_that_touch_do_not_overlap() {
    let cases = [
        (hours(18, 20), hours(18, 20), true),
        (hours(18, 20), hours(19, 21), true),
        (hours(18, 20), hours(17, 23), true),
        (hours(18, 20), hours(20, 22), false),
        (hours(18, 20), hours(21, 22), false),
    ];
    for (one, other, overlap) in cases {
        assert_eq!(one.overlaps(other), overlap, "{one} {other}");
        assert_eq!(other.overlaps(one), overlap, "{other} {one}");
    }
}

#[test]
fn a_window_contains_its_start_and_not_its_end() {
    let window = hours(18, 20);
    for (at, inside) in [
        (clock(17, 59), false),
        (clock(18, 0), true),
        (clock(19, 0), true),
        (Instant(clock(20, 0).0 - 1), true),
        (clock(20, 0), false),
        (clock(21, 0), false),
    ] {
        assert_eq!(window.contains(at), inside, "{at}");
    }
}

/// Windows of a few minutes, so that all of their minutes can be counted.
fn short() -> impl Strategy<Value = Window> {
    (0_i64..40, 1_i64..20).prop_map(|(from, length)| {
        Window::new(Instant(from * MINUTE), Instant((from + length) * MINUTE)).expect("in order")
    })
}

proptest! {
    #[test]
    fn overlap_is_a_common_minute(one in short(), other in short()) {
        let common = (0..60).any(|minute| {
            let at = Instant(minute * MINUTE);
            one.contains(at) && other.contains(at)
        });
        prop_assert_eq!(one.overlaps(other), common);
        prop_assert_eq!(other.overlaps(one), common);
        prop_assert!(one.overlaps(one));
    }

    #[test]
    fn every_pair_of_instants_is_a_window_or_not(start: i64, end: i64) {
        let window = Window::new(Instant(start), Instant(end));
        let sound = start < end && start != i64::MIN && end != i64::MAX;
        prop_assert_eq!(window.is_some(), sound);
        if let Some(window) = window {
            prop_assert!(window.contains(Instant(start)) && !window.contains(Instant(end)));
        }
    }

    /// From the year 1 to the year 9999, to the microsecond.
    #[test]
    fn instants_print_as_another_calendar_prints_them(us in -63_082_281_600_000_000_i64..252_455_615_999_999_999) {
        let at = DateTime::from_timestamp_micros(us + EPOCH).expect("a year of four digits");
        let printed = at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let (seconds, fraction) = printed.trim_end_matches('Z').split_once('.').expect("microseconds");
        let fraction = fraction.trim_end_matches('0');
        let dot = if fraction.is_empty() { "" } else { "." };
        prop_assert_eq!(Instant(us).to_string(), format!("{seconds}{dot}{fraction}Z"));
    }
}
