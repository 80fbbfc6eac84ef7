//! Rows of the application's `observability_events`: what a call came to, by the names that services read.
//!
//! Which of them are written is a setting, so that no confirm pays for what nobody reads.

use serde_json::{Value, json};

use crate::rules::Id;
use crate::rules::attempt::auto_assign::Initiator;
use crate::rules::attempt::function::{Function, Path};
use crate::rules::confirm::request::Request;
use crate::rules::refusal::outcome::{Disposition, Outcome};
use crate::rules::trace::span::Span;

const CONFIRM: &str = "capacity.atomic_confirm";
const MISMATCH: &str = "transaction.reconciled_mismatch";
const STARTED: &str = "transaction.started";
const SUCCEEDED: &str = "transaction.succeeded";
const FAILED: &str = "transaction.failed";

/// What is written unless the setting says otherwise.
pub const WRITTEN: &std::ffi::CStr = c"transaction.reconciled_mismatch";

/// One row, without its booking and restaurant.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    pub source: &'static str,
    pub event_type: &'static str,
    pub severity: &'static str,
    pub context: Value,
}

/// Does the setting name this type? It lists types, `group.*` for all of a group, or `*`; separated by commas.
#[must_use]
pub fn is_written(setting: &str, event_type: &str) -> bool {
    setting.split(',').map(str::trim).any(|named| match named.strip_suffix('*') {
        Some("") => true,
        Some(group) => group.ends_with('.') && event_type.starts_with(group),
        None => named == event_type,
    })
}

/// Does it name anything that a call writes? Most servers want mismatches alone, which a call has none of.
#[must_use]
pub fn is_of_calls(setting: &str) -> bool {
    setting.split(',').map(str::trim).any(|named| !named.is_empty() && named != MISMATCH)
}

/// What a call was about; ids and keys only, and nothing that a guest said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subject<'a> {
    pub key: Option<&'a str>,
    pub hold: Option<Id>,
    pub tables: &'a [Id],
    pub attempt: Option<Id>,
    pub duration_ms: Option<i64>,
}

impl<'a> Subject<'a> {
    #[must_use]
    pub fn of(request: &'a Request) -> Subject<'a> {
        let (key, hold, tables) = (request.key.as_deref(), request.selection.hold(), request.selection.tables());
        Subject { key, hold, tables, ..Subject::default() }
    }

    fn context(&self, outcome: Option<Outcome>) -> Value {
        let entry = outcome.map(Outcome::entry);
        json!({
            "idempotencyKey": self.key,
            "holdId": self.hold,
            "tableIds": self.tables,
            "attemptId": self.attempt,
            "durationMs": self.duration_ms,
            "outcome": entry.map(|entry| entry.name),
            "code": entry.map(|entry| entry.code),
        })
    }
}

/// A confirm that commits with its transaction.
#[must_use]
pub fn commit(subject: Subject, outcome: Outcome) -> Vec<Observation> {
    let row = |event_type, outcome| Observation {
        source: CONFIRM,
        event_type,
        severity: "info",
        context: subject.context(outcome),
    };
    vec![row(STARTED, None), row(SUCCEEDED, Some(outcome))]
}

/// One that was refused, and whose answer commits.
#[must_use]
pub fn refusal(subject: Subject, outcome: Outcome) -> Vec<Observation> {
    let row = |event_type, severity, outcome| Observation {
        source: CONFIRM,
        event_type,
        severity,
        context: subject.context(outcome),
    };
    vec![row(STARTED, "info", None), row(FAILED, severity(outcome), Some(outcome))]
}

/// A booking that does not agree after its commit.
#[must_use]
pub fn mismatch(severity: &'static str, context: Value) -> Observation {
    Observation { source: CONFIRM, event_type: MISMATCH, severity, context }
}

/// An automatic attempt, as the two paths name what it came to.
#[must_use]
pub fn automatic(trigger: Initiator, subject: Subject, outcome: Outcome) -> Vec<Observation> {
    let (source, types) = match trigger {
        Initiator::Inline => ("bookings.inline_auto_assign", inline(outcome)),
        Initiator::Background => ("auto_assign", background(outcome)),
    };
    let row = |event_type: &&'static str| Observation {
        source,
        event_type,
        severity: severity(outcome),
        context: subject.context(Some(outcome)),
    };
    types.iter().map(row).collect()
}

/// Is it one of those whose calls are observed?
#[must_use]
pub fn is_of_function(function: Function) -> bool {
    function.takes_tables()
}

/// One that rolled back, whatever it had come to; when it ended stands in its context, for the row is written later.
#[must_use]
pub fn rolled_back(span: &Span) -> Vec<Observation> {
    let done = span.outcome.entry().disposition == Disposition::Success;
    let outcome = if done { Outcome::RolledBack } else { span.outcome };
    let duration_ms = Some(span.ended.0.saturating_sub(span.started.0) / 1000);
    let subject = Subject { key: span.key.as_deref(), hold: span.hold, duration_ms, ..Subject::default() };
    let trigger = match (span.function, span.path) {
        _ if span.replayed || !is_of_function(span.function) => return Vec::new(),
        (Function::AutoAssign, Path::Inline) => Some(Initiator::Inline),
        (Function::AutoAssign, Path::Background) => Some(Initiator::Background),
        _ => None,
    };
    let mut rows = refusal(subject, outcome);
    rows.extend(trigger.into_iter().flat_map(|trigger| automatic(trigger, subject, outcome)));
    for row in &mut rows {
        row.context["endedAt"] = json!(span.ended.to_string());
    }
    rows
}

fn inline(outcome: Outcome) -> &'static [&'static str] {
    match outcome {
        Outcome::Confirmed => &["inline_auto_assign.confirm_succeeded", "inline_auto_assign.succeeded"],
        Outcome::SkippedConfirmed => &["inline_auto_assign.succeeded"],
        Outcome::TimeoutBeforeConfirm => &["inline_auto_assign.timeout"],
        Outcome::NoHold => &["inline_auto_assign.no_hold"],
        Outcome::Fenced | Outcome::SkippedInProgress => &["inline_auto_assign.operation_aborted"],
        _ => &["inline_auto_assign.confirm_failed"],
    }
}

fn background(outcome: Outcome) -> &'static [&'static str] {
    match outcome {
        Outcome::Confirmed => {
            &["auto_assign.started", "auto_assign.attempt", "auto_assign.succeeded", "auto_assign.summary"]
        }
        Outcome::SkippedConfirmed => &["auto_assign.exited_already_confirmed"],
        Outcome::SkippedInProgress => &[],
        _ => &["auto_assign.started", "auto_assign.attempt_error", "auto_assign.failed", "auto_assign.summary"],
    }
}

/// What may pass by itself is a warning.
fn severity(outcome: Outcome) -> &'static str {
    match outcome.entry().disposition {
        Disposition::Success => "info",
        Disposition::Transient => "warning",
        _ => "error",
    }
}
