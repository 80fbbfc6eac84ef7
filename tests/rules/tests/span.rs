//! A span in shared memory: what is written is read again, a text that is too long is cut at a character, and nothing
//! that a guest may have said is kept.

use holdfast::rules::Id;
use holdfast::rules::attempt::function::{FUNCTIONS, Function, Path};
use holdfast::rules::attempt::phase::Phase;
use holdfast::rules::booking::window::Instant;
use holdfast::rules::confirm::request::KEY_MAX_BYTES;
use holdfast::rules::refusal::failure::{Failure, ServerError, sqlstate_pack};
use holdfast::rules::refusal::outcome::Outcome;
use holdfast::rules::refusal::{self, BlockedBy, Refusal};
use holdfast::rules::trace::span::{
    KEY_BYTES, Span, TRANSACTION, TRANSACTION_END, TransactionEnd, WORDS, transaction_of,
};
use proptest::prelude::*;

fn written(span: &Span) -> [u64; WORDS] {
    let mut words = [0; WORDS];
    span.write(|at, value| words[at] = value);
    words
}

fn read(span: &Span) -> Span {
    Span::of_words(&written(span)).expect("a span")
}

fn begun() -> Span {
    Span::begun(Function::ConfirmByHold, Path::Inline, Instant(1_000))
}

fn ids() -> impl Strategy<Value = Option<Id>> {
    prop::option::of((1_u64.., any::<u64>()).prop_map(|(high, low)| Id::from_u64_pair(high, low)))
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        (trace, id, parent, pid) in (any::<u128>(), any::<u64>(), any::<u64>(), any::<i32>()),
        (booking, restaurant, hold) in (ids(), ids(), ids()),
        (key, message, detail) in (prop::option::of("\\PC{0,60}"), prop::option::of("\\PC{0,60}"), prop::option::of(".{0,100}")),
        (replayed, sqlstate, phase) in (any::<bool>(), any::<i32>(), 0..Phase::ALL.len()),
    ) {
        let mut span = Span { trace, id, parent, pid, booking, restaurant, hold, key, message, detail, ..begun() };
        (span.replayed, span.sqlstate, span.blocker) = (replayed, sqlstate, !pid);
        span.blocked_by = BlockedBy { booking: hold, hold: booking, until: booking.map(|_| Instant(3_000)) };
        span.reach(Phase::ALL[phase], Instant(1_500));
        span.end(Outcome::KeyBlank, Instant(2_000));
        let found = read(&span);
        prop_assert_eq!(&found, &Span { cut: found.cut, ..span });
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_at_a_character(text in "[aü€🦀]{0,700}") {
        let span = Span { key: Some(text.clone()), message: Some(text.clone()), detail: Some(text.clone()), ..begun() };
        let found = read(&span);
        let texts = [found.key, found.message, found.detail].map(Option::unwrap);
        prop_assert!(texts.iter().all(|kept| text.starts_with(kept.as_str())));
        prop_assert_eq!(found.cut, texts.iter().any(|kept| kept.len() < text.len()));
        prop_assert!(texts[0].len() <= KEY_BYTES && (texts[0].len() == text.len() || texts[0].len() > KEY_BYTES - 4));
    }

    #[test]
    fn any_words_are_a_span_or_none(words in prop::collection::vec(any::<u64>(), WORDS)) {
        let _ = Span::of_words(&words.try_into().expect("as many"));
    }
}

#[test]
fn each_part_takes_as_long_as_its_phases() {
    let mut span = begun();
    let reached = [
        (Phase::Replay, 1_100),
        (Phase::BookingLock, 1_200),
        (Phase::HoldLock, 1_500),
        (Phase::Decide, 1_600),
        // Once more, after a deadlock.
        (Phase::BookingLock, 1_700),
        (Phase::Decide, 1_750),
        (Phase::Apply, 1_800),
        (Phase::Settle, 1_900),
    ];
    reached.into_iter().for_each(|(phase, at)| span.reach(phase, Instant(at)));
    span.end(Outcome::Confirmed, Instant(2_000));
    let parts = read(&span).parts.map(|part| (part.first, part.took));
    assert_eq!(parts, [(1_100, 100), (1_200, 450), (1_600, 150), (1_800, 200)]);
}

#[test]
fn the_end_of_the_transaction_is_written_later() {
    let mut words = written(&begun());
    assert_eq!(transaction_of(&words), (TransactionEnd::Pending, 0));
    for end in [TransactionEnd::Committed, TransactionEnd::RolledBack, TransactionEnd::Prepared] {
        (words[TRANSACTION_END], words[TRANSACTION]) = (end as u64, 7);
        assert_eq!(transaction_of(&words), (end, 7));
    }
}

/// Another phase changes no word that is not written with it.
#[test]
fn another_phase_is_written_by_itself() {
    let mut span = Span { replayed: true, key: Some("key".to_owned()), ..begun() };
    let mut words = written(&span);
    span.reach(Phase::HoldLock, Instant(1_500));
    span.write_phase(|at, value| words[at] = value);
    let found = Span::of_words(&words).expect("a span");
    assert_eq!((found.phase, found.since, found.replayed), (Phase::HoldLock, Instant(1_500), true));
}

#[test]
fn a_span_and_its_end_have_names() {
    let ends =
        [TransactionEnd::Pending, TransactionEnd::Committed, TransactionEnd::RolledBack, TransactionEnd::Prepared];
    assert_eq!(ends.map(TransactionEnd::name), ["pending", "committed", "rolled_back", "prepared"]);
    let named = |function| Span::begun(function, Path::Manual, Instant(0)).name();
    assert_eq!(
        [Function::ConfirmWithin, Function::AutoAssign].map(named),
        ["holdfast.confirm", "holdfast.auto_assign"]
    );
    assert!(
        FUNCTIONS
            .iter()
            .all(|function| named(*function).strip_prefix("holdfast.").is_some_and(|name| !name.is_empty()))
    );
}

/// A tracer asks for parts again and again: each has its own number, and always the same.
#[test]
fn parts_are_numbered() {
    let ids: Vec<u64> = [0x1234_5678, 0x9abc_def0_1234, u64::MAX]
        .into_iter()
        .flat_map(|id| (0..4).map(move |part| Span { id, ..begun() }.child_id(part)))
        .collect();
    let distinct: std::collections::BTreeSet<&u64> = ids.iter().collect();
    assert_eq!((distinct.len(), ids.contains(&0)), (ids.len(), false));
    assert!(ids.iter().all(|id| id >> 32 != 0 && id & 0xffff_ffff != 0), "{ids:x?}");
    assert_eq!(Span { id: 7, ..begun() }.child_id(3), Span { id: 7, ..begun() }.child_id(3));
}

#[test]
fn why_it_was_refused_is_kept_but_not_what_a_trigger_says() {
    let mut span = begun();
    let refused = refusal::booking_not_found(Some(Id::from_u64_pair(1, 2)));
    span.failed(&Failure::Refused(refused.clone()));
    assert_eq!((span.message.as_ref(), &span.detail), (Some(&refused.message), &refused.detail));
    assert_eq!(span.sqlstate, sqlstate_pack(refused.outcome.entry().sqlstate));
    let error = ServerError {
        sqlstate: sqlstate_pack("23505"),
        message: "Mrs Miller is a guest already".to_owned(),
        detail: Some("Key (email)=(miller@example.org) already exists.".to_owned()),
        constraint: Some("guests_email".to_owned()),
        ..ServerError::default()
    };
    span.failed(&error.into());
    assert_eq!(span.detail.as_deref(), Some("constraint guests_email"));
    assert!(!format!("{span:?}").to_lowercase().contains("miller"));
    // Where the server ends a statement, it says why in words that are always the same.
    let ended = "canceling statement due to lock timeout";
    span.failed(&ServerError { message: ended.to_owned(), ..ServerError::default() }.into());
    assert_eq!(span.message.as_deref(), Some(ended));
}

#[test]
fn a_key_that_is_left_out_is_left_out_everywhere() {
    let refusal = Refusal::new(Outcome::KeyBlank, "Key secret is bound").detail("secret, and secret".to_owned());
    let mut span = Span { key: Some("secret".to_owned()), ..begun() };
    span.refused(&refusal);
    span.forget_key();
    assert_eq!(span.key, None);
    assert!(!format!("{span:?}").contains("secret"), "{span:?}");
    let mut empty = Span { key: Some(String::new()), message: Some("as it was".to_owned()), ..begun() };
    empty.forget_key();
    assert_eq!(empty.message.as_deref(), Some("as it was"));
}

#[test]
fn a_key_is_remembered_as_far_as_a_valid_one_goes() {
    let mut span = begun();
    let longest = "k".repeat(KEY_MAX_BYTES);
    for (key, remembered) in [("key", "key"), (&*longest, &*longest), (&format!("{longest}é"), &*longest)] {
        span.remember_key(Some(key));
        assert_eq!(span.key.as_deref(), Some(remembered));
    }
    span.remember_key(Some(&format!("{}é", &longest[1..])));
    assert_eq!(span.key.map(|key| key.len()), Some(KEY_MAX_BYTES - 1), "whole characters");
    let mut none = Span { key: Some("key".to_owned()), ..begun() };
    none.remember_key(None);
    assert_eq!(none.key, None);
}
