//! What is counted: labels, times, and the file that keeps them.

use holdfast::rules::attempt::function::{FUNCTIONS, Function, PATHS, Path};
use holdfast::rules::attempt::phase::Phase;
use holdfast::rules::refusal::outcome::Outcome;
use holdfast::rules::statistics::counter::{COUNTERS, Counter};
use holdfast::rules::statistics::histogram::{BOUNDS_US, BUCKETS, Histogram, bounds_ms, bucket};
use holdfast::rules::statistics::phase_times::{PhaseTimes, TIMED, TimedPhase};
use holdfast::rules::statistics::saved::{Promised, Saved};
use holdfast::rules::statistics::{Counts, Labels};

#[test]
fn every_row_of_a_table_has_its_own_name_and_place() {
    for (at, entry) in COUNTERS.iter().enumerate() {
        assert_eq!((entry.counter as usize, entry.counter.entry()), (at, entry));
    }
    assert_eq!(Counter::Replayed.entry().name, "replayed");
    for (at, function) in FUNCTIONS.iter().enumerate() {
        assert_eq!(*function as usize, at);
        assert_eq!(FUNCTIONS.iter().filter(|other| other.name() == function.name()).count(), 1);
    }
    for (at, phase) in TIMED.iter().enumerate() {
        assert_eq!(*phase as usize, at);
    }
    let names = ["call", "replay", "lock", "validate", "write", "commit"];
    assert_eq!(TIMED.map(TimedPhase::name), names);
}

#[test]
fn a_word_that_is_no_path_is_manual() {
    for (at, path) in PATHS.into_iter().enumerate() {
        assert_eq!((path as usize, Path::of(path.name())), (at, path));
    }
    assert_eq!(PATHS.map(Path::name), ["inline", "background", "manual"]);
    assert_eq!([Path::of("Inline"), Path::of("")], [Path::Manual; 2]);
}

#[test]
fn a_time_falls_into_the_bucket_that_it_does_not_exceed() {
    assert_eq!([bucket(0), bucket(100), bucket(101), bucket(60_000_000), bucket(u64::MAX)], [0, 0, 1, 21, 22]);
    assert!(BOUNDS_US.is_sorted());
    assert_eq!((bounds_ms()[0], bounds_ms().len() + 1), (0.1, BUCKETS));
}

#[test]
fn quantiles_lie_within_their_bucket() {
    let mut times = Histogram::default();
    assert_eq!(times.quantile_ms(0.5), None);
    (0..98).for_each(|_| times.add(1_500));
    times.add(90_000);
    times.add(120_000_000);
    assert_eq!((times.count(), times.total_us), (100, 98 * 1_500 + 120_090_000));
    assert_eq!(times.cumulative()[3..6], [0, 98, 98]);
    assert_eq!(times.cumulative()[13..], [99, 99, 99, 99, 99, 99, 99, 99, 99, 100]);
    let within = |part: f64, least: f64, most: f64| {
        let found = times.quantile_ms(part).expect("measured");
        assert!(found >= least && found <= most, "{part}: {found}");
    };
    within(0.5, 1.4, 1.6);
    within(0.98, 2.0, 2.0);
    within(0.99, 50.0, 100.0);
    // Half of them lie in the first of two buckets, at its end.
    let mut two = Histogram::default();
    [50, 150].into_iter().for_each(|us| two.add(us));
    assert_eq!((two.quantile_ms(0.5), two.quantile_ms(1.0)), (Some(0.1), Some(BOUNDS_US[1] as f64 / 1000.0)));
    // Longer than the last bound: told as that bound.
    within(1.0, 60_000.0, 60_000.0);
}

#[test]
fn phases_add_up_to_the_call() {
    let mut times = PhaseTimes::default();
    let steps = [
        (Phase::Replay, 10),
        (Phase::BookingLock, 13),
        (Phase::HoldLock, 20),
        (Phase::TableLock, 21),
        (Phase::Decide, 30),
        // A second try.
        (Phase::Replay, 50),
        (Phase::BookingLock, 55),
        (Phase::Decide, 60),
        (Phase::Apply, 70),
        (Phase::Settle, 80),
        (Phase::Done, 100),
    ];
    steps.into_iter().for_each(|(phase, at)| times.reach(phase, at));
    assert_eq!(times.end(103), [Some(103), Some(8), Some(22), Some(30), Some(30), None]);
    let mut refused = PhaseTimes::default();
    assert_eq!(refused.end(5), [Some(5), None, None, None, None, None]);
    refused.reach(Phase::BookingLock, 5);
    assert_eq!(refused.end(9), [Some(9), None, Some(4), None, None, None]);
}

fn labels(function: Function, path: Path) -> Labels {
    Labels { database: 16_384, schema: 99, schema_name: "bistro \"ä\"\n".to_owned(), function, path }
}

fn counts() -> Counts {
    let mut counts = Counts { started: 7, prepared: 3, ..Counts::default() };
    counts.outcomes[Outcome::Confirmed as usize] = 3;
    counts.outcomes[Outcome::RolledBack as usize] = 1;
    counts.counters[Counter::Retries as usize] = 5;
    counts.times[TimedPhase::Commit as usize].add(1_234);
    counts
}

fn saved() -> Saved {
    let promised = Promised { label_set: 1, outcome: Outcome::Assigned as usize, number: 3, in_time: 1, late: 2 };
    let empty = Counts::default();
    let label_sets = vec![
        (labels(Function::AutoAssign, Path::Background), empty),
        (labels(Function::ConfirmByHold, Path::Manual), counts()),
    ];
    Saved { epoch: -5, label_sets, prepared: vec![(u64::MAX, promised)] }
}

#[test]
fn what_is_kept_is_read_again() {
    assert_eq!(Saved::of_text(&saved().to_text()), Ok(saved()));
    assert_eq!(Saved::of_text(&Saved::default().to_text()), Ok(Saved::default()));
}

#[test]
fn a_damaged_file_is_refused_whole() {
    let text = saved().to_text();
    let refused = |text: &str| Saved::of_text(text).expect_err("it is damaged");
    assert_eq!(refused(""), "another release wrote it");
    assert_eq!(refused(&text.replacen("statistics 1", "statistics 2", 1)), "another release wrote it");
    assert_eq!(refused("holdfast statistics 1"), "it is cut off");
    assert_eq!(refused(&text.replace("\"started\":7", "\"started\":8")), "its checksum is wrong");
    // Wherever it ends too early, or a character is another, nothing of it is used.
    for at in (0..text.len() - 1).filter(|at| text.is_char_boundary(*at)) {
        assert!(Saved::of_text(&text[..at]).is_err(), "cut at {at}");
        let mut other = text.clone().into_bytes();
        other[at] = if other[at] == b'7' { b'8' } else { b'7' };
        let other = String::from_utf8_lossy(&other);
        assert!(other == text || Saved::of_text(&other).is_err(), "another character at {at}");
    }
}

/// The checksum is right, and what it says is not.
#[test]
fn a_sum_that_does_not_hold_is_refused() {
    let refused = |change: fn(&mut Saved)| {
        let mut saved = saved();
        change(&mut saved);
        Saved::of_text(&saved.to_text()).is_err()
    };
    assert!(refused(|saved| saved.label_sets[1].1.started = 8));
    assert!(refused(|saved| saved.label_sets[1].1.outcomes[0] += 1));
    assert!(refused(|saved| saved.prepared[0].1.label_set = 2), "no such label set");
}

#[test]
fn counts_add_up() {
    let mut sum = counts();
    sum.add(&Counts { in_flight: 4, ..counts() });
    assert_eq!((sum.started, sum.ended(), sum.prepared, sum.in_flight), (14, 8, 6, 4));
    assert_eq!((sum.of(Outcome::Confirmed), sum.counted(Counter::Retries)), (6, 10));
    let commit = &sum.times[TimedPhase::Commit as usize];
    assert_eq!((commit.count(), commit.total_us), (2, 2_468));
}
