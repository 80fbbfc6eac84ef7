//! What the server's memory answers for a key that no table knows.

use holdfast::rules::attempt::LastAttempt;
use holdfast::rules::attempt::function::{Function, Path};
use holdfast::rules::attempt::remembered::last;
use holdfast::rules::booking::window::Instant;
use holdfast::rules::refusal;
use holdfast::rules::refusal::failure::sqlstate_pack;
use holdfast::rules::refusal::outcome::Outcome;
use holdfast::rules::trace::span::{KEY_BYTES, Span};
use holdfast_rules_tests::HOLD;

fn span(key: &str, outcome: Outcome, at: i64) -> Span {
    let mut span = Span::begun(Function::ConfirmByHold, Path::Inline, Instant(0));
    span.key = Some(key.to_owned());
    span.end(outcome, Instant(at));
    span
}

fn refused(key: &str, at: i64) -> Span {
    let mut span = span(key, Outcome::HoldNotFound, at);
    span.refused(&refusal::hold_not_found(Some(HOLD)));
    span
}

fn code(found: Option<LastAttempt>) -> Option<&'static str> {
    found.and_then(|last| last.refusal).map(|refusal| refusal.outcome.entry().code)
}

#[test]
fn the_last_attempt_under_the_key_counts() {
    let blank = span("key", Outcome::KeyInProgress, 9);
    assert_eq!(code(last("key", [refused("key", 5), blank.clone(), refused("other", 20)])), Some("HF603"));
    assert_eq!(code(last("key", [blank, refused("key", 10)])), Some("HF102"));
    assert_eq!(last("key", [refused("key", 5), span("key", Outcome::Confirmed, 6)]), None, "rolled back since");
    assert_eq!(last("key", [refused("other", 5)]), None);
    assert_eq!(last("key", [Span { function: Function::Fence, ..refused("key", 5) }]), None, "no attempt to confirm");
}

/// Nobody is told of a key that may be another's.
#[test]
fn a_key_that_is_not_known_whole_is_not_answered() {
    assert_eq!(last("key", [Span { key: None, ..refused("key", 5) }]), None);
    for (length, known) in [(KEY_BYTES - 4, true), (KEY_BYTES - 3, false), (KEY_BYTES, false), (KEY_BYTES + 1, false)] {
        let key = "k".repeat(length);
        assert_eq!(last(&key, [refused(&key, 5)]).is_some(), known, "{length} bytes");
    }
}

#[test]
fn a_refusal_is_told_in_its_words() {
    let found = last("key", [refused("key", 5)]).expect("a refusal");
    let refusal = found.refusal.expect("why");
    assert_eq!(refusal.message, refusal::hold_not_found(Some(HOLD)).message);
    assert!(refusal.hint.starts_with("HF102: ") && refusal.hint.ends_with("the answer is never_seen."));
    assert_eq!((found.decided_at, found.receipt), (Some(Instant(5)), None));
    let mut failed = span("key", Outcome::Failed, 7);
    (failed.sqlstate, failed.detail) = (sqlstate_pack("XY123"), Some("table t".to_owned()));
    let refusal = last("key", [failed]).and_then(|last| last.refusal).expect("why");
    assert_eq!(refusal.detail.as_deref(), Some("SQLSTATE XY123, table t"));
    let refusal = last("key", [span("key", Outcome::Failed, 7)]).and_then(|last| last.refusal).expect("why");
    assert_eq!(refusal.detail, None);
    assert_eq!(refusal.message, Outcome::Failed.entry().sentence);
}
