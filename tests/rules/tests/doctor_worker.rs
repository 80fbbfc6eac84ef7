//! What doctor says of the worker.

use holdfast::rules::doctor::finding::State;
use holdfast::rules::doctor::worker::{Upkeep, findings};

#[test]
fn nothing_is_said_of_a_worker_that_works() {
    assert_eq!(findings(&Upkeep::default()), []);
    // It met a deadlock, or a schema that is being attached.
    assert_eq!(findings(&Upkeep { failures: 1, ..Upkeep::default() }), []);
}

#[test]
fn each_reason_why_holds_stay_open_is_said() {
    let reasons = [
        (Upkeep { no_place: true, ..Upkeep::default() }, "more databases"),
        (Upkeep { unplaced: 7, ..Upkeep::default() }, "7 attached schemas"),
        (Upkeep { paused: Some("read only"), ..Upkeep::default() }, "(read only)"),
        (
            Upkeep { paused: Some("worker off"), ..Upkeep::default() },
            "set holdfast.worker or default_transaction_read_only",
        ),
        (Upkeep { skipped: true, ..Upkeep::default() }, "worker_excluded_schemas"),
        (Upkeep { failures: 2, ..Upkeep::default() }, "2 runs"),
    ];
    for (upkeep, words) in reasons {
        let found = findings(&upkeep);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].what.as_str(), found[0].state, found[0].promise), ("worker", State::Risky, "G7"));
        assert!(found[0].why.contains(words), "{}", found[0].why);
    }
}
