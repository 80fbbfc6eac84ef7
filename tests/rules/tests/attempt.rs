//! What can be said of a key: it never guesses.

use holdfast::rules::Id;
use holdfast::rules::attempt::phase::Phase;
use holdfast::rules::attempt::{
    AttemptEntry, Holder, KeyFacts, KeyOutcome, KeyState, LastAttempt, answer, key, lock_number, may_release,
    tombstone, turn_number, wait_ms,
};
use holdfast::rules::booking::window::Instant;
use holdfast::rules::confirm::replay::{self, ReplayDecision};
use holdfast::rules::hold::Hold;
use holdfast::rules::refusal::outcome::{CATALOGUE, Outcome};
use holdfast::rules::refusal::{self, Refusal};
use holdfast_rules_tests::{BOOKING, HOLD, ask_hold};

fn entry(outcome: &str, refusal: Option<Refusal>, at: i64) -> AttemptEntry {
    let decided_at = Some(Instant(at));
    AttemptEntry { outcome: outcome.to_owned(), refusal, receipt: Some(7), decided_at, ..AttemptEntry::default() }
}

fn last(outcome: Outcome, at: i64) -> LastAttempt {
    let refusal = Some(Refusal::new(outcome, "words"));
    LastAttempt { outcome: outcome.entry().name.to_owned(), refusal, receipt: Some(8), decided_at: Some(Instant(at)) }
}

fn refused() -> Option<Refusal> {
    Some(refusal::hold_expired(HOLD, Instant(0)))
}

fn standing(known: KeyFacts) -> KeyState {
    answer(known).standing
}

#[test]
fn the_ledger_speaks_first() {
    let holder = Some(Holder { pid: Some(1), gid: None });
    for (outcome, refusal, expected) in [
        ("confirmed", None, KeyState::Committed),
        ("assigned", None, KeyState::Committed),
        ("fenced", Some(refusal::fenced(BOOKING, "key")), KeyState::Fenced),
    ] {
        for (holder, standby) in [(None, false), (holder.clone(), false), (None, true)] {
            let entry = Some(entry(outcome, refusal.clone(), 5));
            let last = Some(last(Outcome::TimeoutBeforeConfirm, 9));
            assert_eq!(
                standing(KeyFacts { entry, last, holder, standby, forgotten: Some(Instant(0)) }),
                expected,
                "{outcome}"
            );
        }
    }
}

/// A refused key may be tried again with another hold: while somebody is at it, nobody knows.
#[test]
fn what_may_still_change_is_running() {
    for entry in [None, Some(entry("hold_expired", refused(), 5))] {
        let holder = Some(Holder { pid: None, gid: Some("gid".to_owned()) });
        let known = KeyFacts { entry, holder, ..KeyFacts::default() };
        let found = answer(known.clone());
        assert_eq!((found.standing, found.holder.gid.as_deref()), (KeyState::Running, Some("gid")));
        assert_eq!(standing(KeyFacts { holder: None, standby: true, ..known }), KeyState::Running, "on a standby");
    }
}

#[test]
fn what_came_last_counts() {
    let known = |entry_at: Option<i64>, last: Option<LastAttempt>| {
        let entry = entry_at.map(|at| entry("hold_expired", refused(), at));
        standing(KeyFacts { entry, last, ..KeyFacts::default() })
    };
    let timeout = |at| Some(last(Outcome::TimeoutBeforeConfirm, at));
    assert_eq!(known(Some(5), None), KeyState::Refused);
    assert_eq!(known(Some(5), timeout(9)), KeyState::TimedOut);
    assert_eq!(known(Some(9), timeout(5)), KeyState::Refused);
    assert_eq!(known(None, timeout(5)), KeyState::TimedOut);
    assert_eq!(known(None, Some(last(Outcome::AllocationConflict, 5))), KeyState::Refused);
    let forgotten = Some(Instant(6));
    assert_eq!(standing(KeyFacts { forgotten, ..KeyFacts::default() }), KeyState::Forgotten);
    for (at, expected) in [(5, KeyState::Forgotten), (6, KeyState::TimedOut)] {
        let known = KeyFacts { forgotten, last: timeout(at), ..KeyFacts::default() };
        assert_eq!(standing(known), expected, "a commit after it may have been forgotten");
    }
    assert_eq!(standing(KeyFacts::default()), KeyState::NeverSeen);
}

#[test]
fn an_answer_carries_its_words_and_its_receipt() {
    let found = answer(KeyFacts { last: Some(last(Outcome::HoldConflict, 5)), ..KeyFacts::default() });
    assert_eq!((found.receipt, found.decided_at), (Some(8), Some(Instant(5))));
    assert_eq!(found.refusal.map(|refusal| refusal.message).as_deref(), Some("words"));
}

/// Whatever the hold and whoever asks, a fence is the answer.
#[test]
fn a_tombstone_answers_every_request() {
    let tombstone = tombstone(BOOKING, "key", refused().as_ref());
    assert!(tombstone.detail.as_deref().is_some_and(|detail| detail.contains("expired")));
    let entry = replay::LedgerEntry { refusal: Some(tombstone.clone()), ..replay::LedgerEntry::default() };
    let ReplayDecision::Refuse(refusal) = replay::decide_refusal(&ask_hold(), &tombstone, &entry) else {
        panic!("not refused")
    };
    assert_eq!((refusal.outcome, refusal.replayed), (Outcome::Fenced, true));
    assert!(CATALOGUE.iter().any(|entry| entry.name == "fenced"));
}

#[test]
fn locks_of_different_keys_differ() {
    let other = Id::from_u128(99);
    let numbers = [
        lock_number(1, BOOKING, "key"),
        lock_number(1, BOOKING, "yek"),
        lock_number(1, other, "key"),
        lock_number(2, BOOKING, "key"),
        turn_number(1, BOOKING),
        turn_number(2, BOOKING),
        turn_number(1, other),
    ];
    let different: std::collections::BTreeSet<i64> = numbers.into_iter().collect();
    assert_eq!(different.len(), numbers.len());
    assert_eq!(lock_number(1, BOOKING, "key"), numbers[0]);
}

#[test]
fn only_an_open_hold_of_ones_own_is_handed_back() {
    let restaurant = Id::from_u128(5);
    let hold = Hold {
        id: HOLD,
        booking: Some(BOOKING),
        restaurant,
        start: None,
        end: None,
        expires_at: Instant(0),
        status: "active".to_owned(),
        metadata: serde_json::Value::Null.into(),
        members: Vec::new(),
    };
    assert!(may_release(&hold, BOOKING, Some(restaurant)));
    assert!(may_release(&Hold { booking: None, ..hold.clone() }, BOOKING, Some(restaurant)));
    let other = Id::from_u128(99);
    assert!(!may_release(&hold, other, Some(restaurant)));
    assert!(!may_release(&Hold { booking: None, ..hold.clone() }, BOOKING, Some(other)));
    assert!(!may_release(&hold, BOOKING, None));
    for status in ["confirmed", "cancelled", "expired"] {
        assert!(!may_release(&Hold { status: status.to_owned(), ..hold.clone() }, BOOKING, Some(restaurant)));
    }
}

#[test]
fn arguments_make_sense() {
    assert_eq!(key(Some("key".to_owned())).as_deref(), Ok("key"));
    assert_eq!(key(None).map_err(|refusal| refusal.outcome), Err(Outcome::ArgumentInvalid));
    assert_eq!(key(Some(" ".to_owned())).map_err(|refusal| refusal.outcome), Err(Outcome::KeyBlank));
    assert_eq!((wait_ms(None), wait_ms(Some(5))), (Ok(0), Ok(5)));
    assert_eq!(wait_ms(Some(-1)).map_err(|refusal| refusal.outcome), Err(Outcome::ArgumentInvalid));
}

#[test]
fn an_attempt_that_was_not_done_was_settling_at_most() {
    assert_eq!(Phase::Done.before_done(), Phase::Settle);
    for phase in [Phase::Arguments, Phase::BookingLock, Phase::Apply, Phase::Settle] {
        assert_eq!(phase.before_done(), phase);
    }
}

#[test]
fn a_fence_says_when_and_under_which_receipt() {
    let fenced = KeyOutcome::fenced(7, refusal::fenced(BOOKING, "key"), Instant(5));
    assert_eq!((fenced.standing, fenced.receipt, fenced.decided_at), (KeyState::Fenced, Some(7), Some(Instant(5))));
    assert_eq!(fenced.refusal, Some(refusal::fenced(BOOKING, "key")));
}
