//! A status move on its own, as `apply_booking_state_transition` asks for it.

use super::booking::{self, StatusRules};
use super::refusal::{self, Refusal};

/// Only what the decision looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move<'a> {
    /// The status to move to.
    pub to: Option<&'a str>,
    /// What the caller read before; None: it does not say.
    pub history_from: Option<&'a str>,
    pub history_to: Option<&'a str>,
}

/// Nonsense, refused before any row is touched; returns the target.
pub fn check_arguments<'a>(asked: &Move<'a>) -> Result<&'a str, Refusal> {
    let target =
        asked.to.ok_or_else(|| refusal::argument_invalid("apply_booking_state_transition requires a status"))?;
    match asked.history_to {
        Some(history_to) if history_to != target => Err(refusal::argument_invalid(format!(
            "apply_booking_state_transition got status {target} but history to {history_to}"
        ))),
        _ => Ok(target),
    }
}

/// The status must be the one that the caller read (F11), and the move a declared one (G8).
pub fn decide(asked: &Move<'_>, target: &str, current: &str, rules: &StatusRules) -> Result<(), Refusal> {
    if let Some(expected) = asked.history_from
        && expected != current
    {
        return Err(refusal::status_conflict(current, &[expected.to_owned()]));
    }
    booking::may_move(current, target, rules)
}
