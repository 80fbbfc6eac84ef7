use super::*;
use crate::check::QUESTIONS;
use crate::ink::{DRAWN, PLAIN};
use crate::journal::{Call, Tale};

fn finding(examined: i64, violations: i64) -> Finding {
    Finding { question: &QUESTIONS[0], examined, violations, note: None }
}

fn catalogue() -> Vec<Outcome> {
    let row = |code: &str, sqlstate: &str, sentence: &str, disposition: &str| Outcome {
        code: code.into(),
        sqlstate: sqlstate.into(),
        disposition: disposition.into(),
        sentence: sentence.into(),
    };
    vec![
        row("HF001", "00000", "Seated.", "success"),
        row("HF209", "P0001", "Somebody else's live hold has one of the tables.", "transient"),
    ]
}

fn fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= WIDTH, "{} columns: {line}", line.chars().count());
    }
}

#[test]
fn outcomes_are_named_and_counted_by_call() {
    let mut journal = Journal::default();
    journal.count(Call::Confirm, "HF001");
    journal.count(Call::Confirm, REPLAYED);
    journal.count(Call::Hold, "HF209");
    journal.count(Call::Confirm, "40P01");
    journal.count(Call::Confirm, "XX000");
    let text = outcomes(PLAIN, &catalogue(), &journal);
    assert!(text.contains("Somebody else's live hold"), "{text}");
    assert!(text.contains("(replayed)"), "{text}");
    assert!(text.contains("asked to try again"), "{text}");
    assert!(text.contains("The server's own error"), "{text}");
    fits(&text);
    assert!(text.is_ascii());
}

#[test]
fn the_closing_line_fits() {
    fits(&closing(&Journal { seated: 250, turned_away: 100, ..Journal::default() }, 1000));
}

#[test]
fn a_broken_promise_is_seen() {
    let mut journal = Journal::default();
    journal.tale(Tale::AskTwice, true);
    assert!(tales(PLAIN, &journal).contains("(all)"));
    journal.tale(Tale::AskTwice, false);
    assert!(tales(PLAIN, &journal).contains("(only 1)"));
}

#[test]
fn every_tale_fits() {
    let mut journal = Journal::default();
    use Tale::*;
    for tale in [AskTwice, DoubleClick, AnswerLost, KilledAndBack, KilledForGood, CancelledKey, HandedOn] {
        (0..100).for_each(|_| journal.tale(tale, true));
        journal.tale(tale, false);
    }
    fits(&tales(DRAWN, &journal));
}

#[test]
fn a_check_that_saw_nothing_does_not_pass() {
    assert!(finding(3, 0).holds());
    assert!(!finding(3, 1).holds());
    assert!(!finding(0, 0).holds());
    assert!(verdict(PLAIN, &[finding(0, 0)]).contains("1 of 1"));
    assert!(verdict(PLAIN, &[finding(3, 0)]).contains("Nothing is double booked"));
}

#[test]
fn every_question_fits() {
    for ink in [PLAIN, DRAWN] {
        for question in QUESTIONS {
            let note = Some("word ".repeat(60));
            fits(&findings(ink, &[Finding { question, examined: 123_456, violations: 1234, note }]));
        }
    }
    assert!(findings(PLAIN, &[finding(1, 0)]).is_ascii());
}

#[test]
fn a_blind_question_is_named() {
    assert!(breakage(PLAIN, &[finding(3, 1)]).is_ok_and(|text| text.contains("each question noticed")));
    assert!(breakage(PLAIN, &[finding(3, 0)]).is_err_and(|text| text.contains(QUESTIONS[0].words)));
}

#[test]
fn speed_is_told_even_without_samples() {
    let text = speed(PLAIN, 16, &Latencies::default(), Duration::ZERO);
    assert!(text.contains("p50        -"), "{text}");
    fits(&text);
}
