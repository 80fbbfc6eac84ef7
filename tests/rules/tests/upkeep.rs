//! When tasks are due, and how long the worker stays and rests.

use holdfast::rules::booking::window::Instant;
use holdfast::rules::upkeep::agenda::{Agenda, Reread};
use holdfast::rules::upkeep::pace::{
    GAP_MS, THROTTLE_MS, after_failure, late_from, quiet, skipped, stays, throttle_ms,
};
use holdfast::rules::upkeep::schema_memory::SchemaMemory;
use holdfast::rules::upkeep::task::{TASKS, Task};
use holdfast::rules::upkeep::task_status::next_run;

const NOW: Instant = Instant(1_000_000_000_000);
/// Of a schema in which nobody wrote since the last run, and nothing was left.
const CALM: SchemaMemory = SchemaMemory {
    changed: false,
    commits: false,
    unscanned: false,
    ended_at: Instant(1_000_000_000_000 + 11_000_000),
    ..SchemaMemory::NEW
};

fn after(seconds: i64) -> Instant {
    NOW.after_seconds(seconds)
}

/// Milliseconds until the next run.
fn pause(agenda: &Agenda, memory: &SchemaMemory) -> i64 {
    (agenda.next(memory, NOW, quiet(NOW, true)).0 - NOW.0) / 1000
}

#[test]
fn what_ended_is_pruned_once_an_hour_whoever_writes() {
    let mut memory = SchemaMemory::NEW;
    memory.ran(Task::PruneEnded, NOW, 1000, true, 5);
    assert_eq!(memory.ended_at, after(5), "there is more");
    memory.ran(Task::PruneEnded, NOW, 7, false, 5);
    assert_eq!(memory.ended_at, after(3600));
    assert_eq!(SchemaMemory { changed: true, ..memory }.begun().ended_at, after(3600));
}

#[test]
fn a_schema_without_work_is_left_alone_for_an_hour() {
    const CALM: SchemaMemory = SchemaMemory { ended_at: Instant::FOREVER, ..self::CALM };
    let idle = Agenda { commits: Some(Instant::NEVER), live: Some(Instant::NEVER), ..Agenda::default() };
    assert_eq!(TASKS.iter().find(|task| idle.at(**task, &CALM) < Instant::FOREVER), None);
    assert_eq!(pause(&idle, &CALM), 3_600_000);
    assert_eq!(quiet(NOW, false), after(60), "unless the server does not count what is written");
    assert_eq!(skipped(NOW), after(60));
}

#[test]
fn it_comes_back_when_the_next_thing_is_due() {
    let agenda = Agenda { expire: Some(after(90)), outbox: Some(after(200)), ..Agenda::default() };
    let later = SchemaMemory { ended_at: after(3600), ..CALM };
    assert_eq!(pause(&agenda, &later), 90_000);
    assert_eq!(pause(&agenda, &CALM), 11_000, "what ended is pruned");
    let agenda = Agenda { notify: Some(after(5)), ..agenda };
    assert_eq!(pause(&agenda, &CALM), 5000);
    assert_eq!(pause(&agenda, &SchemaMemory { notify_at: after(30), ..later }), 30_000, "they were told already");
}

/// While the rest of a run is still to come, only what somebody waits for calls again.
#[test]
fn what_is_urgent_does_not_wait_for_the_rest() {
    let agenda = Agenda { expire: Some(after(90)), outbox: Some(Instant::NEVER), ..Agenda::default() };
    let urgent = |agenda: &Agenda| (agenda.next_urgent(&SchemaMemory::NEW, NOW).0 - NOW.0) / 1000;
    assert_eq!(urgent(&agenda), 90_000, "not for what is pruned, or recorded when somebody writes");
    assert_eq!(urgent(&Agenda { notify: Some(after(5)), ..agenda }), 5000);
    assert_eq!(urgent(&Agenda { expire: Some(after(-5)), ..agenda }), 1000, "it could not be done");
    assert_eq!(Agenda::default().next_urgent(&SchemaMemory::NEW, NOW), Instant::FOREVER);
}

#[test]
fn each_task_is_due_when_it_has_something_to_do() {
    let all = Agenda {
        is_subscriber: false,
        retry: Some(after(1)),
        expire: Some(after(2)),
        notify: Some(after(3)),
        commits: Some(after(4)),
        live: Some(after(5)),
        has_live: true,
        bookings: Some(after(6)),
        ledger: Some(after(7)),
        attempts: Some(after(8)),
        ended_holds: Some(after(9)),
        outbox: Some(after(10)),
        disagreements: Some(after(11)),
    };
    let at = |memory: &SchemaMemory| -> Vec<Instant> { TASKS.iter().map(|task| all.at(*task, memory)).collect() };
    let (never, forever) = (Instant::NEVER, Instant::FOREVER);
    let expected = [1, 2, 3, 4, 5, 6].map(after);
    let prunes = [7, 8, 9, 10, 11].map(after);
    let changed: Vec<Instant> = [&[never], expected.as_slice(), &[never], prunes.as_slice(), &[never]].concat();
    assert_eq!(at(&SchemaMemory::NEW), changed);
    let scanned = [1, 2, 3].map(after);
    let calm: Vec<Instant> =
        [&[forever], scanned.as_slice(), &[forever, after(5), after(6), forever], prunes.as_slice(), &[after(11)]]
            .concat();
    assert_eq!(at(&CALM), calm);
    let filled = Agenda { is_subscriber: true, ..all };
    assert!(TASKS.iter().all(|task| filled.at(*task, &SchemaMemory::NEW) == forever), "another server does it");
    let dead = Agenda { has_live: false, ..all };
    assert_eq!(dead.at(Task::ScanLiveBookings, &CALM), forever, "nothing is live, and nobody wrote");
    assert_eq!(dead.at(Task::ScanLiveBookings, &SchemaMemory { unscanned: true, ..CALM }), after(5));
    assert_eq!(dead.at(Task::ScanCommits, &SchemaMemory { commits: true, ..CALM }), after(4));
}

#[test]
fn what_could_not_be_done_is_tried_again_less_and_less_often() {
    let locked = Agenda { expire: Some(after(-5)), ..Agenda::default() };
    let pauses: Vec<i64> = (0..=6).map(|fruitless| pause(&locked, &SchemaMemory { fruitless, ..CALM })).collect();
    assert_eq!(pauses, [GAP_MS, 1000, 2000, 4000, 8000, 8000, 8000], "but always within ten seconds");
    assert_eq!(pause(&locked, &SchemaMemory { fruitless: u32::MAX, ..CALM }), 8000);
}

#[test]
fn who_does_not_take_events_is_told_less_and_less_often() {
    let mut memory = CALM;
    let mut pauses = vec![];
    for _ in 0..8 {
        memory.ran(Task::NotifyOutbox, NOW, 1, false, 5);
        pauses.push((memory.notify_at.0 - NOW.0) / 1_000_000);
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
    memory.ran(Task::NotifyOutbox, NOW, 1, false, 3600);
    assert_eq!(memory.notify_at, after(3600), "never more often than the interval");
    let before = memory;
    memory.ran(Task::NotifyOutbox, after(9), 0, false, 5);
    assert_eq!(memory, before, "nothing was due");
    memory.changed = true;
    assert_eq!(memory.begun(), SchemaMemory { ended_at: CALM.ended_at, ..SchemaMemory::NEW }, "somebody wrote");
    assert_eq!(before.begun(), before);
}

#[test]
fn live_bookings_that_nobody_changes_are_scanned_less_and_less_often() {
    let mut memory = SchemaMemory::NEW;
    let mut pauses = vec![];
    for _ in 0..8 {
        memory.ran(Task::ScanLiveBookings, NOW, 0, false, 5);
        pauses.push((memory.scan_at.0 - NOW.0) / 60_000_000);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert!(!memory.unscanned);
    memory.ran(Task::ScanLiveBookings, NOW, 1, false, 5);
    assert_eq!(memory.scan_at, Instant::NEVER, "something is left to mend");
    memory.ran(Task::ScanLiveBookings, NOW, 0, true, 5);
    assert_eq!(memory.scan_at, Instant::NEVER, "the batch was full");
}

#[test]
fn commits_are_scanned_until_none_is_left() {
    let mut memory = SchemaMemory::NEW;
    memory.ran(Task::ScanCommits, NOW, 1000, true, 5);
    assert!(memory.commits);
    memory.ran(Task::ScanCommits, NOW, 3, false, 5);
    assert!(!memory.commits);
    let before = memory;
    memory.ran(Task::ExpireHolds, NOW, 3, true, 5);
    assert_eq!(memory, before);
}

#[test]
fn a_round_is_followed_by_a_rest_forty_times_as_long_within_bounds() {
    for (took, expected) in [(-5, GAP_MS), (0, GAP_MS), (12, 500), (13, 520), (50, 2000), (126, THROTTLE_MS)] {
        assert_eq!(throttle_ms(took, -2000), expected, "{took}");
    }
    for (late, expected) in
        [(i64::MIN, THROTTLE_MS), (-2000, THROTTLE_MS), (-1500, 4500), (0, 3000), (2000, 1000), (3000, GAP_MS)]
    {
        assert_eq!(
            throttle_ms(i64::MAX, late),
            expected,
            "nobody's deadline is passed by more than three seconds: {late}"
        );
    }
    assert_eq!(throttle_ms(1, i64::MAX), GAP_MS);
    assert_eq!((late_from(NOW, false), late_from(NOW, true)), (NOW, after(2)), "a call has no deadline");
    assert_eq!(late_from(Instant::FOREVER, true), Instant::FOREVER);
}

#[test]
fn a_worker_stays_for_what_is_due_soon_but_not_for_ever() {
    assert!(stays(NOW, NOW, NOW) && stays(NOW, after(5), NOW) && stays(NOW, after(-5), after(-59)));
    assert!(!stays(NOW, Instant(after(5).0 + 1), NOW), "what is due later is not waited for");
    assert!(!stays(NOW, NOW, after(-60)), "it has been here long enough");
}

#[test]
fn errors_are_waited_out() {
    let pauses: Vec<i64> = (1..=8).map(|failures| (after_failure(NOW, failures).0 - NOW.0) / 1_000_000).collect();
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
    assert_eq!(after_failure(NOW, u32::MAX), after(300));
    assert_eq!(after_failure(NOW, 0), after(5));
}

/// What nobody waits for is done a batch at a time; and the names are those that people see.
#[test]
fn tasks_have_names() {
    let names: Vec<&str> = TASKS.iter().map(|task| task.name()).collect();
    let patient: Vec<&str> = TASKS.iter().filter(|task| task.is_patient()).map(|task| task.name()).collect();
    assert_eq!(patient, names[8..]);
    let urgent: Vec<&str> = TASKS.iter().filter(|task| task.is_urgent()).map(|task| task.name()).collect();
    assert_eq!(urgent, names[..4]);
    assert!(TASKS.iter().enumerate().all(|(at, task)| *task as usize == at), "in the order of the type");
    assert_eq!(
        names,
        [
            "record_attempts",
            "retry_attempts",
            "expire_holds",
            "notify_outbox",
            "scan_commits",
            "scan_live_bookings",
            "scan_bookings",
            "record_disagreements",
            "prune_ledger",
            "prune_attempts",
            "prune_ended_holds",
            "prune_outbox",
            "prune_disagreements",
            "prune_ended",
        ]
    );
}

/// What the worker itself moved is read again, and nothing else.
#[test]
fn an_agenda_is_right_until_somebody_else_writes() {
    let read = Agenda { expire: Some(after(-1)), notify: Some(after(90)), has_live: true, ..Agenda::default() };
    let (instants, has_live) = read.kept();
    assert_eq!(Agenda::from_kept(instants, has_live), read);
    let mut agenda = read;
    assert_eq!(agenda.ran(Task::ExpireHolds, NOW, 0), Reread::Holds, "it was locked, or went into quarantine");
    assert_eq!(agenda, read);
    assert_eq!(agenda.ran(Task::ExpireHolds, NOW, 3), Reread::Holds);
    assert_eq!(agenda.notify, Some(NOW), "what became of them is told");
    assert_eq!(agenda.ran(Task::NotifyOutbox, NOW, 1), Reread::Nothing);
    assert_eq!(agenda.ran(Task::NotifyOutbox, NOW, 0), Reread::All, "nothing was due");
    assert!(TASKS[4..].iter().all(|task| agenda.ran(*task, NOW, 1) == Reread::All));
    assert!(Reread::All > Reread::Holds && Reread::Holds > Reread::Nothing);
}

/// What a consumer was told of once is no reason not to tell it of what came.
#[test]
fn who_listens_is_told_of_holds_that_ran_out() {
    let mut memory = SchemaMemory { notify_at: after(300), told: 6, ..CALM };
    memory.ran(Task::ExpireHolds, NOW, 0, false, 5);
    assert_eq!((memory.notify_at, memory.told), (after(300), 6));
    memory.ran(Task::ExpireHolds, NOW, 1, false, 5);
    assert_eq!((memory.notify_at, memory.told), (Instant::NEVER, 0));
}

/// Whoever writes calls the worker, but for what the agenda says anyway.
#[test]
fn the_worker_does_not_call_itself() {
    let quiet: Vec<&str> = TASKS.iter().filter(|task| task.leaves_nothing()).map(|task| task.name()).collect();
    assert_eq!(
        quiet,
        [
            "expire_holds",
            "prune_ledger",
            "prune_attempts",
            "prune_ended_holds",
            "prune_outbox",
            "prune_disagreements",
            "prune_ended"
        ]
    );
}

/// The worker comes for a task when it comes to the schema, and no earlier than the task is due there.
#[test]
fn a_task_runs_next_when_it_is_due_and_the_worker_comes() {
    let known = (Agenda { expire: Some(after(30)), ..Agenda::default() }, CALM);
    let next = |task, schema, known: Option<&(Agenda, SchemaMemory)>| next_run(task, schema, known);
    assert_eq!(next(Task::ExpireHolds, after(20), Some(&known)), Some(after(30)), "due later than somebody comes");
    assert_eq!(next(Task::ExpireHolds, after(40), Some(&known)), Some(after(40)), "and earlier");
    assert_eq!(next(Task::NotifyOutbox, after(20), Some(&known)), None, "nothing to tell");
    assert_eq!(next(Task::NotifyOutbox, after(20), None), Some(after(20)), "nobody knows yet");
    assert_eq!(next(Task::NotifyOutbox, Instant::FOREVER, None), None, "when somebody writes");
    assert_eq!(next(Task::NotifyOutbox, Instant::NEVER, None), None, "as soon as somebody comes at all");
}
