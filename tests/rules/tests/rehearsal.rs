//! What an answer of a rehearsal says about the schema.

use holdfast::rules::adopt::rehearsal::{Act, Expected, RehearsalStep, Rights, StepResult, decide};
use holdfast::rules::refusal;
use holdfast::rules::refusal::failure::{Failure, ServerError, sqlstate_pack};
use holdfast_rules_tests::{BOOKING, HOLD};

const RIGHTS: Rights = Rights { schema: "app", owner: "owner", caller: "service" };

fn said(expected: Expected, failure: Failure) -> StepResult {
    let step = RehearsalStep { name: "step", act: Act::Hold, expected, needs: None };
    decide(&step, &Err(failure), RIGHTS)
}

fn raised(sqlstate: &str, hint: Option<&str>) -> Failure {
    let message = "not as it should be".to_owned();
    let error = ServerError {
        sqlstate: sqlstate_pack(sqlstate),
        message,
        hint: hint.map(str::to_owned),
        ..ServerError::default()
    };
    Failure::Server(Box::new(error))
}

/// A rule of ours that spoke says that the booking does not lend itself to a rehearsal, and nothing about the schema.
#[test]
fn a_refusal_by_a_rule_is_told_from_one_by_the_schema() {
    let refused = refusal::hold_not_found(Some(HOLD));
    let (code, message) = (refused.outcome.entry().code, refused.message.clone());
    let by_rule = said(Expected::DoneOrUnfit, refused.clone().into());
    assert_eq!((by_rule.passed, by_rule.message, by_rule.mend), (None, Some(message), None));
    assert_eq!(by_rule.sqlstate.as_deref(), Some(refused.outcome.entry().sqlstate));
    assert_eq!(
        said(Expected::Done, refused.into()).passed,
        Some(false),
        "nothing but the steps before may be in the way"
    );
    // As an error that went through the server, it is known by the code in its hint.
    let hint = format!("{code}: Hold again.");
    assert_eq!(said(Expected::DoneOrUnfit, raised("P0001", Some(&hint))).passed, None);
    assert_eq!(said(Expected::DoneOrUnfit, raised("P0001", Some("Hold again."))).passed, Some(false));
    assert_eq!(said(Expected::DoneOrUnfit, raised("P0001", None)).passed, Some(false));
}

#[test]
fn what_may_pass_says_nothing_but_for_a_key_that_nobody_else_knows() {
    for sqlstate in ["40001", "40P01", "53300", "57014", "55P03"] {
        assert_eq!(said(Expected::Done, raised(sqlstate, None)).passed, None, "{sqlstate}");
    }
    let in_progress = refusal::key_in_progress(BOOKING, "key");
    assert_eq!(said(Expected::Done, Failure::Undone(in_progress)).passed, Some(false));
    assert_eq!(said(Expected::Done, raised("23505", None)).passed, Some(false));
}

#[test]
fn a_legacy_function_has_to_be_able_to_run() {
    assert_eq!(said(Expected::Runs, raised("P0001", None)).passed, Some(true));
    for sqlstate in ["42883", "XX000", "0A000"] {
        assert_eq!(said(Expected::Runs, raised(sqlstate, None)).passed, Some(false), "{sqlstate}");
    }
    assert_eq!(said(Expected::Mismatch, raised("P0003", None)).passed, Some(true));
    assert_eq!(said(Expected::Mismatch, raised("P0001", None)).passed, Some(false));
}
