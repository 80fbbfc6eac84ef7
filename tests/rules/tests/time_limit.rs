//! Limits in time: which are accepted, when to try again, and how long to wait before.

use holdfast::rules::attempt::time_limit::{LIMIT_MAX_MS, Next, Tried, after_failure, backoff_ms, until};
use holdfast::rules::booking::window::Instant;
use holdfast::rules::refusal;
use holdfast::rules::refusal::failure::{Failure, ServerError, sqlstate_pack};
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::BOOKING;
use proptest::prelude::*;

const START: Instant = Instant(1_000_000);

fn tried(tries: i32) -> Tried {
    let until = START.after_ms(1000);
    Tried { tries, retry_limit: 3, read_committed: true, now: START, until, random: 12_345 }
}

fn server(code: &str) -> Failure {
    ServerError { sqlstate: sqlstate_pack(code), message: "said the server".to_owned(), ..ServerError::default() }
        .into()
}

#[test]
fn a_limit_is_one_millisecond_to_a_day() {
    assert_eq!(until(START, None), Ok(Instant::FOREVER));
    assert_eq!(until(START, Some(1)), Ok(START.after_ms(1)));
    assert_eq!(until(START, Some(i32::MAX)), Ok(START.after_ms(LIMIT_MAX_MS)));
    for nonsense in [0, -1, i32::MIN] {
        assert_eq!(until(START, Some(nonsense)).map_err(|refusal| refusal.outcome), Err(Outcome::ArgumentInvalid));
    }
}

#[test]
fn a_lost_race_is_tried_again_as_often_as_allowed() {
    let in_progress = Failure::Undone(refusal::key_in_progress(BOOKING, "key"));
    for failure in [server("40P01"), server("55P03"), in_progress] {
        for tries in 1..=3 {
            assert!(matches!(after_failure(failure.clone(), tried(tries)), Next::Retry(_)), "{failure:?} {tries}");
        }
        let Next::Answer(_, Some(wait)) = after_failure(failure.clone(), tried(4)) else { panic!("{failure:?}") };
        assert!((100..200).contains(&wait));
        let above = Tried { read_committed: false, ..tried(1) };
        assert!(matches!(after_failure(failure, above), Next::Answer(_, Some(_))), "not above READ COMMITTED");
    }
}

#[test]
fn what_the_server_said_is_named() {
    let last = Tried { retry_limit: 0, ..tried(1) };
    let known =
        [("40P01", Outcome::Deadlock), ("55P03", Outcome::LockTimeout), ("40001", Outcome::SerializationFailure)];
    for (code, outcome) in known {
        let Next::Answer(refusal, Some(_)) = after_failure(server(code), last) else { panic!("{code}") };
        assert_eq!((refusal.outcome, refusal.message.as_str()), (outcome, "said the server"));
    }
}

#[test]
fn a_serialization_failure_is_never_tried_again_in_its_transaction() {
    assert!(matches!(after_failure(server("40001"), tried(1)), Next::Answer(_, Some(_))));
}

#[test]
fn what_is_not_ours_is_raised() {
    for code in ["57014", "P0001", "23505", "XX000"] {
        assert_eq!(after_failure(server(code), tried(1)), Next::Raise(server(code)));
    }
    let broken = Failure::Undone(refusal::broken_invariant("Confirm", &[1], &[0]));
    assert_eq!(after_failure(broken.clone(), tried(1)), Next::Raise(broken));
}

#[test]
fn a_refusal_is_answered_at_once() {
    let refusal = refusal::hold_expired(BOOKING, START);
    for failure in [Failure::Refused(refusal.clone()), Failure::Undone(refusal.clone())] {
        assert_eq!(after_failure(failure, tried(1)), Next::Answer(refusal.clone(), None));
    }
}

proptest! {
    #[test]
    fn a_wait_doubles_at_most_and_ends_with_the_limit(tries in 1..40_i32, random: u64, left in 0..2000_i64) {
        let wait = backoff_ms(tries, random);
        let most = 10_i64 << (tries - 1).min(16);
        prop_assert!((1..=most).contains(&wait));
        let until = START.after_ms(left);
        let tried = Tried { tries, retry_limit: 100, random, until, ..tried(1) };
        let Next::Retry(wait) = after_failure(server("40P01"), tried) else { panic!("not tried again") };
        prop_assert!((0..=left).contains(&wait));
    }

    #[test]
    fn milliseconds_round_up(us in 0..10_000_000_i64) {
        let ms = START.ms_until(Instant(START.0 + us));
        prop_assert!(ms * 1000 >= us && (ms - 1) * 1000 < us);
        prop_assert_eq!(Instant(START.0 + us).ms_until(START), 0);
    }
}
