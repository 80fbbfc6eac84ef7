//! Which rows services get to read, and what the two automatic paths call what they came to.

use holdfast::rules::attempt::auto_assign::Initiator;
use holdfast::rules::event::observation::{
    Subject, WRITTEN, automatic, commit, is_of_calls, is_written, mismatch, refusal,
};
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::{HOLD, ask_hold, ask_tables, table_ids};
use serde_json::json;

#[test]
fn the_setting_names_types_groups_or_all() {
    let all = ["transaction.started", "auto_assign.summary", "inline_auto_assign.no_hold"];
    for (setting, written) in [
        ("", [false, false, false]),
        ("*", [true, true, true]),
        ("auto_assign.*", [false, true, false]),
        ("auto_assign*", [false, false, false]),
        (" transaction.started ,inline_auto_assign.*", [true, false, true]),
        ("transaction.start", [false, false, false]),
    ] {
        assert_eq!(all.map(|event| is_written(setting, event)), written, "{setting}");
    }
}

#[test]
fn a_call_does_not_look_where_nobody_reads() {
    let standard = WRITTEN.to_str().expect("text");
    assert!(is_written(standard, mismatch("error", json!({})).event_type));
    for (setting, calls) in [(standard, false), ("", false), (" , ", false), ("*", true), ("transaction.failed", true)]
    {
        assert_eq!(is_of_calls(setting), calls, "{setting}");
    }
}

fn types(observed: &[holdfast::rules::event::observation::Observation]) -> Vec<&'static str> {
    observed.iter().map(|row| row.event_type).collect()
}

#[test]
fn what_begins_ends() {
    let subject = Subject { key: Some("key"), duration_ms: Some(7), ..Subject::default() };
    let rows = commit(subject, Outcome::Confirmed);
    assert_eq!(types(&rows), ["transaction.started", "transaction.succeeded"]);
    assert_eq!((&rows[0].context["outcome"], &rows[1].context["outcome"]), (&json!(null), &json!("confirmed")));
    assert_eq!((&rows[1].context["idempotencyKey"], &rows[1].context["durationMs"]), (&json!("key"), &json!(7)));
    for (outcome, severity) in [(Outcome::HoldConflict, "warning"), (Outcome::TableInactive, "error")] {
        let rows = refusal(subject, outcome);
        assert_eq!(types(&rows), ["transaction.started", "transaction.failed"]);
        assert_eq!((rows[0].severity, rows[1].severity, rows[1].source), ("info", severity, "capacity.atomic_confirm"));
        assert_eq!(rows[1].context["code"], outcome.entry().code);
    }
}

#[test]
fn a_call_is_told_by_its_key_and_what_it_asked_for() {
    let (by_tables, by_hold) = (ask_tables(&[1, 2]), ask_hold());
    let of = Subject::of(&by_tables);
    assert_eq!((of.key, of.hold, of.tables), (by_tables.key.as_deref(), None, &table_ids(&[1, 2])[..]));
    assert!(of.key.is_some());
    let of = Subject::of(&by_hold);
    assert_eq!((of.hold, of.tables), (Some(HOLD), &[][..]));
}

#[test]
fn each_path_says_it_in_its_own_words() {
    let of = |trigger, outcome| types(&automatic(trigger, Subject::default(), outcome)).join(" ");
    for (outcome, inline, background) in [
        (Outcome::Confirmed, "confirm_succeeded succeeded", "started attempt succeeded summary"),
        (Outcome::SkippedConfirmed, "succeeded", "exited_already_confirmed"),
        (Outcome::SkippedInProgress, "operation_aborted", ""),
        (Outcome::TimeoutBeforeConfirm, "timeout", "started attempt_error failed summary"),
        (Outcome::NoHold, "no_hold", "started attempt_error failed summary"),
        (Outcome::Fenced, "operation_aborted", "started attempt_error failed summary"),
        (Outcome::HoldConflict, "confirm_failed", "started attempt_error failed summary"),
    ] {
        let said = of(Initiator::Inline, outcome).replace("inline_auto_assign.", "");
        assert_eq!(said, inline, "{outcome:?}");
        assert_eq!(of(Initiator::Background, outcome).replace("auto_assign.", ""), background, "{outcome:?}");
    }
    let row = &automatic(Initiator::Background, Subject::default(), Outcome::Confirmed)[0];
    assert_eq!((row.source, row.severity), ("auto_assign", "info"));
    assert_eq!(
        automatic(Initiator::Inline, Subject::default(), Outcome::NoHold)[0].source,
        "bookings.inline_auto_assign"
    );
}
