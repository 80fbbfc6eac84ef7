//! When the worker comes to a database again.

use holdfast::rules::visit::{GAP_MS, REST_MS, Visit, due, next, rest_ms, turns};
use holdfast::rules::window::Instant;

const NOW: Instant = Instant(1_000_000_000_000);

/// Milliseconds until the next visit.
fn pause(visit: Visit, failures: u32, interval: i32, jitter: u32) -> i64 {
    (next(NOW, visit, 700, failures, interval, jitter).0 - NOW.0) / 1000
}

#[test]
fn what_is_done_rests_for_the_interval() {
    assert_eq!(pause(Visit::Done, 0, 5, 500), 5000);
    assert_eq!(pause(Visit::Done, 0, 5, 0), 4500, "nine tenths");
    assert_eq!(pause(Visit::Done, 0, 5, 999), 5499, "to eleven tenths");
    assert_eq!(pause(Visit::Done, 0, 5, u32::MAX), 5499);
    assert_eq!(pause(Visit::Done, 0, 3600, 500), 3_600_000);
}

#[test]
fn what_is_left_over_waits_only_for_the_rest() {
    assert_eq!(pause(Visit::More, 0, 3600, 0), 700);
}

#[test]
fn a_visit_is_followed_by_a_rest_forty_times_as_long_within_bounds() {
    for (took, expected) in [(-5, GAP_MS), (0, GAP_MS), (12, 500), (13, 520), (50, 2000), (126, REST_MS)] {
        assert_eq!(rest_ms(took), expected, "{took}");
    }
    assert_eq!(rest_ms(i64::MAX), REST_MS);
}

#[test]
fn a_database_without_work_is_looked_at_now_and_then() {
    assert_eq!(pause(Visit::Idle, 0, 5, 500), 300_000);
    assert_eq!(pause(Visit::Idle, 0, 3600, 500), 3_600_000);
}

#[test]
fn errors_are_waited_out() {
    let pauses: Vec<i64> = (1..=9).map(|failures| pause(Visit::Failed, failures, 5, 500) / 1000).collect();
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    assert_eq!(pause(Visit::Failed, u32::MAX, 1, 500), 300_000);
    assert_eq!(pause(Visit::Failed, 3, 3600, 500), 3_600_000, "never more often than when all is well");
    assert_eq!(pause(Visit::Failed, 0, 5, 500), 5000);
}

#[test]
fn a_visit_is_due_when_it_was_planned_or_when_a_commit_calls() {
    let (before, after) = (Instant(NOW.0 - 1), Instant(NOW.0 + 1));
    assert!(due(NOW, false, Instant::NEVER, NOW, 0), "planned for now");
    assert!(!due(NOW, false, Instant::NEVER, after, 0));
    assert!(due(NOW, true, NOW, after, 0), "called");
    assert!(!due(before, true, NOW, after, 0), "but not right after the last");
    assert!(!due(NOW, true, NOW, after, 1), "nor while errors are waited out");
    assert!(due(NOW, true, NOW, NOW, 7), "until their time has come");
}

/// What takes all of a visit's time each time is followed by the others, and comes last.
#[test]
fn a_visit_goes_on_where_the_last_one_ended() {
    let turns = |number, first| turns(number, first).collect::<Vec<_>>();
    assert_eq!(turns(4, 0), [0, 1, 2, 3]);
    assert_eq!(turns(4, 3), [3, 0, 1, 2]);
    // A schema was detached meanwhile.
    assert_eq!(turns(4, 4), [0, 1, 2, 3]);
    assert_eq!(turns(0, 7), [0; 0]);
}
