//! An attempt whose session ended before it: what is noted of it, and what that says of its key.

use holdfast::rules::Id;
use holdfast::rules::attempt::auto_assign::Initiator;
use holdfast::rules::attempt::orphaned::{Orphaned, WORDS, later, makes_room};
use holdfast::rules::attempt::phase::Phase;
use holdfast::rules::attempt::{AttemptEntry, KeyFacts, KeyState, LastAttempt, answer};
use holdfast::rules::booking::window::Instant;
use holdfast::rules::confirm::request::{KEY_MAX_BYTES, Request, Selection};
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::{BOOKING, HOLD, ask, ask_hold, table_id};
use proptest::prelude::*;

fn note(key: &str) -> Orphaned {
    let request = Request { key: Some(key.to_owned()), ..ask_hold() };
    Orphaned { ended: Instant(9), pid: 42, ..Orphaned::begun(&request, Instant(5)).expect("it has a key") }
}

fn phases() -> impl Strategy<Value = Phase> {
    use Phase::*;
    prop::sample::select(vec![Arguments, Replay, BookingLock, HoldLock, TableLock, Decide, Apply, Settle, Done])
}

prop_compose! {
    fn notes()(
        oids in any::<(u32, u32)>(),
        ids in any::<(u128, Option<u128>)>(),
        attempt in prop::option::of(1..u128::MAX),
        key in "\\PC{0,680}",
        trigger in prop::sample::select(vec![None, Some(Initiator::Inline), Some(Initiator::Background)]),
        at in any::<(i64, i64)>(),
        phase in phases(),
        pid in any::<i32>(),
        transaction in prop::option::of(1..u64::MAX),
    ) -> Orphaned {
        Orphaned {
            database: oids.0,
            schema: oids.1,
            booking: Id::from_u128(ids.0),
            key,
            hold: ids.1.map(Id::from_u128),
            trigger,
            started: Instant(at.0),
            ended: Instant(at.1),
            phase,
            pid,
            transaction,
            attempt: attempt.map(Id::from_u128),
        }
    }
}

proptest! {
    #[test]
    fn numbers_say_the_same(note in notes().prop_filter("a call refuses longer keys", |note| note.key.len() <= KEY_MAX_BYTES)) {
        prop_assert_eq!(Orphaned::of_words(&note.to_words()), Some(note));
    }

    /// Whatever lies in the memory, reading it does not fail.
    #[test]
    fn any_numbers_can_be_read(words in prop::collection::vec(any::<u64>(), WORDS)) {
        let _ = Orphaned::of_words(&words.try_into().expect("as many"));
    }
}

#[test]
fn the_longest_key_fits() {
    for length in [1, 7, 8, 9, KEY_MAX_BYTES] {
        let note = note(&"k".repeat(length));
        assert_eq!(Orphaned::of_words(&note.to_words()), Some(note));
    }
    let too_long = note(&"k".repeat(KEY_MAX_BYTES + 1));
    assert_eq!(Orphaned::of_words(&too_long.to_words()).expect("it is cut").key.len(), KEY_MAX_BYTES);
}

#[test]
fn it_begins_as_it_was_asked() {
    let begun = note("key");
    assert_eq!((begun.booking, begun.hold, begun.key.as_str()), (BOOKING, Some(HOLD), "key"));
    assert_eq!((begun.started, begun.trigger, begun.attempt, begun.transaction), (Instant(5), None, None, None));
    let by_tables = Request { key: Some("key".to_owned()), ..ask(Selection::Tables(vec![table_id(1)])) };
    assert_eq!(Orphaned::begun(&by_tables, Instant(5)).expect("a note").hold, None);
    assert_eq!(Orphaned::begun(&Request { key: None, ..ask_hold() }, Instant(5)), None, "nobody can ask for it");
}

#[test]
fn it_is_of_one_key() {
    let note = Orphaned { database: 1, schema: 2, ..note("key") };
    assert!(note.is_of(1, 2, BOOKING, "key"));
    assert!(!note.is_of(9, 2, BOOKING, "key"));
    assert!(!note.is_of(1, 9, BOOKING, "key"));
    assert!(!note.is_of(1, 2, HOLD, "key"));
    assert!(!note.is_of(1, 2, BOOKING, "other"));
}

#[test]
fn it_did_not_happen_and_may_be_tried_again() {
    let last = Orphaned { transaction: Some(7), phase: Phase::TableLock, ..note("key") }.last();
    let refusal = last.refusal.clone().expect("words");
    assert_eq!(refusal.outcome, Outcome::Failed);
    assert_eq!(refusal.message, format!("The attempt for booking {BOOKING} was cut off with its session"));
    let detail = refusal.detail.expect("a detail");
    assert!(detail.starts_with("Process 42 ended at ") && detail.ends_with("in phase table_lock"), "{detail}");
    let said = answer(KeyFacts { last: Some(last.clone()), ..KeyFacts::default() });
    assert_eq!((said.standing, said.receipt, said.decided_at), (KeyState::Refused, Some(7), Some(Instant(9))));
    // It never stands against what was committed.
    let entry =
        Some(AttemptEntry { outcome: "confirmed".to_owned(), decided_at: Some(Instant(1)), ..AttemptEntry::default() });
    assert_eq!(answer(KeyFacts { entry, last: Some(last), ..KeyFacts::default() }).standing, KeyState::Committed);
}

#[test]
fn the_later_end_counts() {
    let at = |at: i64| Some(LastAttempt { decided_at: Some(Instant(at)), ..LastAttempt::default() });
    assert_eq!(later(at(1), at(2)), at(2));
    assert_eq!(later(at(2), at(1)), at(2));
    assert_eq!(later(at(1), None), at(1));
    assert_eq!(later(None, at(1)), at(1));
    assert_eq!(later(None, None), None);
}

/// J11: who fills the room makes room, not the other whose note is older.
#[test]
fn nobody_takes_a_note_from_another_schema() {
    let of = |schema: u32, ended: i64| Orphaned { schema, ended: Instant(ended), ..note("key") };
    let mut notes: Vec<(usize, Orphaned)> = vec![(0, of(7, 1))];
    notes.extend((1..128).map(|place| (place, of(8, 100 + place as i64))));
    assert_eq!(makes_room(&notes), Some(1), "the oldest of the schema that has most");
    // Another database's schema of the same number is another.
    notes[0].1.database = 3;
    assert_eq!(makes_room(&notes), Some(1));
    assert_eq!(makes_room(&notes[..2]), Some(0), "of one each, the oldest");
    assert_eq!(makes_room(&[]), None);
}
