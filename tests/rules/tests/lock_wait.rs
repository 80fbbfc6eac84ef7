//! What calls wait for: a phase waited if a wait began in it.

use holdfast::rules::attempt::phase::Phase;
use holdfast::rules::statistics::counter::Counter;
use holdfast::rules::statistics::lock_wait::{LockWait, counters};

#[test]
fn a_phase_in_which_a_wait_began_waited() {
    let mut wait = LockWait::default();
    // The session waited for something before this call.
    assert_eq!(wait.reach(Some(Phase::Replay), 5, 70), None);
    assert_eq!(wait.reach(Some(Phase::BookingLock), 10, 70), None, "no lock of ours before it");
    assert_eq!(
        wait.reach(Some(Phase::HoldLock), 1_000, 90),
        Some(([Counter::BookingWaits, Counter::BookingWaitUs], 990))
    );
    assert_eq!(wait.reach(Some(Phase::TableLock), 1_100, 90), None, "it went through");
    assert_eq!(wait.reach(Some(Phase::Decide), 1_150, 95), Some(([Counter::TableWaits, Counter::TableWaitUs], 50)));
    assert_eq!(wait.reach(Some(Phase::Apply), 1_200, 96), None, "reading waits for no lock of ours");
    assert_eq!(wait.reach(None, 1_500, 99), Some(([Counter::WriteWaits, Counter::WriteWaitUs], 300)));
    assert_eq!(wait.reach(None, 1_600, 101), None, "nothing runs");
}

#[test]
fn a_kind_of_lock_has_counters_of_its_own() {
    let known: Vec<_> = Phase::ALL.iter().filter_map(|phase| counters(*phase)).collect();
    assert_eq!(known.len(), 5);
    for [waits, us] in known {
        assert_eq!((waits.entry().unit, us.entry().unit), ("waits", "microseconds"));
        assert_eq!(waits.entry().name.replace("_waits", "_wait_us"), us.entry().name);
    }
}
