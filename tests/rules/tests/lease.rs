//! The outbox: who gets an event for how long, and what becomes of one that failed.

use holdfast::rules::event::lease::{ATTEMPTS, Fate, LeaseRequest, check_consumer, fate};
use holdfast::rules::refusal::outcome::Outcome;

#[test]
fn a_claim_has_a_name_and_bounds() {
    let claim = LeaseRequest { consumer: "relay-1".to_owned(), limit: 100, lease_seconds: 60 };
    assert_eq!(LeaseRequest::check(Some("relay-1"), None, None), Ok(claim.clone()));
    assert_eq!(
        LeaseRequest::check(Some("relay-1"), Some(10_000), Some(86_400)),
        Ok(LeaseRequest { limit: 10_000, lease_seconds: 86_400, ..claim })
    );
    let refused = |limit, lease| LeaseRequest::check(Some("relay"), limit, lease).expect_err("out of bounds");
    for (limit, lease) in [(Some(0), None), (Some(10_001), None), (None, Some(0)), (None, Some(86_401))] {
        assert_eq!(refused(limit, lease).outcome, Outcome::ArgumentInvalid);
    }
    for nobody in [None, Some(""), Some(" \t")] {
        assert_eq!(check_consumer(nobody).expect_err("nobody").outcome, Outcome::ArgumentInvalid);
    }
}

#[test]
fn pauses_double_up_to_an_hour() {
    let pauses: Vec<Fate> =
        (1..=14).map(|attempts| fate(attempts, 100, None).expect("no pause was asked for")).collect();
    let expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600].map(Fate::RetryAfterSeconds);
    assert_eq!(pauses, expected);
    assert_eq!(fate(i32::MAX - 1, i32::MAX, None), Ok(Fate::RetryAfterSeconds(3600)));
    assert_eq!(fate(0, 10, None), Ok(Fate::RetryAfterSeconds(1)), "an older application counted otherwise");
}

#[test]
fn a_consumer_may_ask_for_a_pause_of_its_own() {
    assert_eq!(fate(3, 10, Some(0)), Ok(Fate::RetryAfterSeconds(0)));
    assert_eq!(fate(3, 10, Some(86_400)), Ok(Fate::RetryAfterSeconds(86_400)));
    for wrong in [-1, 86_401] {
        assert_eq!(fate(3, 10, Some(wrong)).expect_err("out of bounds").outcome, Outcome::ArgumentInvalid);
    }
}

#[test]
fn the_last_attempt_is_the_end() {
    assert_eq!(fate(ATTEMPTS - 1, ATTEMPTS, None), Ok(Fate::RetryAfterSeconds(256)));
    assert_eq!(fate(ATTEMPTS, ATTEMPTS, None), Ok(Fate::Dead));
    assert_eq!(fate(ATTEMPTS + 1, ATTEMPTS, Some(5)), Ok(Fate::Dead), "whatever the consumer asks");
    assert_eq!(fate(1, 1, None), Ok(Fate::Dead));
}
