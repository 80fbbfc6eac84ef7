//! The tally: what each attempt comes to when the transaction, or a part of it, ends. Whatever happens, each is counted
//! once.

use holdfast::rules::attempt::tally::{Tally, Ticket, Written};
use holdfast::rules::booking::window::Instant;
use holdfast::rules::refusal::outcome::Outcome;
use proptest::prelude::*;

const CONFIRMED: Written = Written { outcome: Outcome::Confirmed, deadline: None };

fn write(tally: &mut Tally, part: u32) {
    let ticket = tally.begin(part, 7);
    tally.written(ticket, part, CONFIRMED);
}

fn commit(tally: &mut Tally) -> Vec<Outcome> {
    let mut counted = vec![];
    tally.committed(|_, end| counted.push(end.map_or_else(|outcome| outcome, |written| written.outcome)));
    counted
}

fn abort(tally: &mut Tally) -> Vec<Outcome> {
    let mut counted = vec![];
    tally.aborted(|_, outcome| counted.push(outcome));
    counted
}

fn abort_part(tally: &mut Tally, part: u32) -> Vec<Outcome> {
    let mut counted = vec![];
    tally.part_aborted(part, |_, outcome| counted.push(outcome));
    counted
}

#[test]
fn what_was_written_is_counted_when_the_transaction_commits() {
    let mut tally = Tally::new();
    assert!(tally.is_empty());
    write(&mut tally, 1);
    assert!(!tally.is_empty());
    let assigned = Written { outcome: Outcome::Assigned, deadline: Some(Instant(5)) };
    let ticket = tally.begin(1, 7);
    tally.written(ticket, 1, assigned);
    let mut counted = vec![];
    tally.committed(|_, end| counted.push(end));
    assert_eq!(counted, [Ok(CONFIRMED), Ok(assigned)]);
    assert!(tally.is_empty());
    assert_eq!(commit(&mut tally), []);
}

#[test]
fn an_answer_is_counted_once_and_no_rollback_changes_it() {
    let mut tally = Tally::new();
    let (one, two) = (tally.begin(1, 7), tally.begin(1, 7));
    assert_ne!(one, two);
    // Nested: the inner one ends first.
    assert!(tally.answered(two) && !tally.answered(two));
    assert!(tally.answered(one));
    assert!(!tally.answered(Ticket::default()));
    assert_eq!(abort(&mut tally), []);
}

#[test]
fn a_rollback_undoes_what_was_written_and_fails_what_ran() {
    let mut tally = Tally::new();
    write(&mut tally, 1);
    tally.begin(1, 7);
    assert_eq!(abort(&mut tally), [Outcome::RolledBack, Outcome::Failed]);
    tally.begin(1, 7);
    assert_eq!(commit(&mut tally), [Outcome::Failed], "never ended");
    assert!(tally.is_empty());
}

#[test]
fn a_savepoint_takes_only_its_own_with_it() {
    let mut tally = Tally::new();
    write(&mut tally, 1);
    write(&mut tally, 2);
    // Released into the savepoint around it, which is then rolled back to.
    write(&mut tally, 3);
    tally.part_committed(3, 2);
    assert_eq!(abort_part(&mut tally, 3), []);
    assert_eq!(abort_part(&mut tally, 2), [Outcome::RolledBack, Outcome::RolledBack]);
    write(&mut tally, 4);
    tally.part_committed(4, 1);
    let late = tally.begin(4, 7);
    assert_eq!(abort_part(&mut tally, 4), [Outcome::Failed]);
    assert!(!tally.answered(late), "counted already");
    assert_eq!(commit(&mut tally), [Outcome::Confirmed, Outcome::Confirmed]);
}

/// The deadline forms work in a subtransaction of their own: what they wrote belongs to the part that is left.
#[test]
fn what_was_written_belongs_to_the_part_in_which_the_attempt_ended() {
    let mut tally = Tally::new();
    let ticket = tally.begin(2, 7);
    tally.written(ticket, 1, CONFIRMED);
    assert_eq!(abort_part(&mut tally, 2), []);
    assert_eq!(commit(&mut tally), [Outcome::Confirmed]);
}

#[test]
fn each_is_counted_under_its_own_labels() {
    let mut tally = Tally::new();
    let one = tally.begin(1, 3);
    tally.written(one, 1, CONFIRMED);
    tally.begin(1, 5);
    let other = tally.begin(2, 4);
    tally.written(other, 2, CONFIRMED);
    let mut counted = vec![];
    tally.part_aborted(2, |labels, outcome| counted.push((labels, outcome)));
    assert_eq!((tally.len(), &counted), (2, &vec![(4, Outcome::RolledBack)]));
    tally.committed(|labels, end| counted.push((labels, end.map_or_else(|outcome| outcome, |it| it.outcome))));
    assert_eq!(counted, [(4, Outcome::RolledBack), (3, Outcome::Confirmed), (5, Outcome::Failed)]);
}

#[test]
fn a_deadline_is_met_up_to_its_moment() {
    let at = |deadline| Written { outcome: Outcome::Confirmed, deadline };
    assert_eq!(at(None).in_time(Instant(9)), None);
    assert_eq!(at(Some(Instant(9))).in_time(Instant(9)), Some(true));
    assert_eq!(at(Some(Instant(9))).in_time(Instant(10)), Some(false));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Begin,
    Answer,
    Write,
    Open,
    Release,
    RollBack,
    Commit,
    Abort,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    use Step::{Abort, Answer, Begin, Commit, Open, Release, RollBack, Write};
    let step = prop::sample::select(vec![
        Begin, Begin, Begin, Answer, Write, Write, Write, Open, Open, Release, RollBack, Commit, Abort,
    ]);
    prop::collection::vec(step, 0..60)
}

proptest! {
    /// started = counted + what is open, after every step of every history.
    #[test]
    fn nothing_goes_unseen(steps in steps()) {
        let mut tally = Tally::new();
        let (mut parts, mut next, mut running) = (vec![1], 2, vec![]);
        let (mut started, mut counted) = (0, 0);
        for step in steps {
            let part = *parts.last().expect("a transaction");
            match step {
                Step::Begin => {
                    running.push(tally.begin(part, 7));
                    started += 1;
                }
                Step::Answer => counted += usize::from(running.pop().is_some_and(|ticket| tally.answered(ticket))),
                Step::Write => running.pop().into_iter().for_each(|ticket| tally.written(ticket, part, CONFIRMED)),
                Step::Open => {
                    parts.push(next);
                    next += 1;
                }
                Step::Release if parts.len() > 1 => {
                    parts.pop();
                    tally.part_committed(part, *parts.last().expect("a transaction"));
                }
                Step::RollBack if parts.len() > 1 => {
                    parts.pop();
                    counted += abort_part(&mut tally, part).len();
                }
                Step::Commit | Step::Abort => {
                    parts.truncate(1);
                    let ends = if matches!(step, Step::Commit) { commit(&mut tally) } else { abort(&mut tally) };
                    counted += ends.len();
                    prop_assert!(tally.is_empty());
                    prop_assert_eq!(counted, started);
                }
                Step::Release | Step::RollBack => {}
            }
            prop_assert!(counted <= started);
        }
        counted += abort(&mut tally).len();
        prop_assert_eq!(counted, started);
    }
}
