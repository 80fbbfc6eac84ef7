//! A disagreement as it is kept: what was asked, what each side says, and who asked.

use serde_json::{Map, Value, json};

use super::{AnswerRow, CallResult, Disagreement, Ours, Theirs};
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::request::{Arguments, Named};
use crate::rules::json::Json;
use crate::rules::refusal::failure::sqlstate_unpack;

/// The arguments of a confirm or an assign, as given.
#[must_use]
pub fn request(arguments: &Arguments) -> Value {
    let (tables, hold) = match &arguments.named {
        Named::Tables(tables) => (json!(tables), Value::Null),
        Named::Hold(hold) => (Value::Null, json!(hold)),
    };
    let history = &arguments.history;
    said(json!({
        "booking_id": arguments.booking,
        "table_ids": tables,
        "hold_id": hold,
        "idempotency_key": arguments.key,
        "start_at": shown(arguments.start),
        "end_at": shown(arguments.end),
        "require_adjacency": arguments.require_adjacency,
        "assigned_by": arguments.actor,
        "target_status": arguments.target,
        "expected_policy_version": arguments.expectation.policy_version,
        "expected_adjacency_hash": arguments.expectation.adjacency_hash,
        "history_changed_by": history.changed_by,
        "history_reason": history.reason,
        "history_metadata": history.metadata.as_ref().map(Json::value),
    }))
}

pub fn shown(at: Option<Instant>) -> Option<String> {
    at.map(|at| at.to_string())
}

/// Without what was left open.
#[must_use]
pub fn said(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other => other,
    }
}

#[must_use]
pub fn ours(ours: &Ours) -> Value {
    match ours {
        Ours::Done(doing) => {
            let mut fields = answer(&doing.answer);
            fields.insert("replayed".to_owned(), json!(doing.replayed));
            Value::Object(fields)
        }
        Ours::Refused(refusal, check) => {
            let entry = refusal.outcome.entry();
            said(json!({
                "refused": entry.name,
                "code": entry.code,
                "sqlstate": entry.sqlstate,
                "message": refusal.message,
                "detail": refusal.detail,
                "check": check,
            }))
        }
        Ours::Failed(error) => said(json!({
            "failed": sqlstate_unpack(error.sqlstate),
            "message": error.message,
            "detail": error.detail,
            "table": error.table,
            "constraint": error.constraint,
            "context": error.context,
        })),
    }
}

#[must_use]
pub fn theirs(theirs: &Theirs) -> Value {
    match theirs {
        Theirs::Done(done) => Value::Object(answer(done)),
        Theirs::Raised { sqlstate, message, detail } => {
            said(json!({"sqlstate": sqlstate, "message": message, "detail": detail}))
        }
    }
}

fn answer(answer: &CallResult) -> Map<String, Value> {
    let (name, value) = match answer {
        CallResult::Seats(seats) => ("rows", seats.iter().map(seat).collect()),
        CallResult::Status(status) => ("status", json!(status)),
        CallResult::Nothing => ("rows", Value::Null),
    };
    Map::from_iter([(name.to_owned(), value)])
}

fn seat(seat: &AnswerRow) -> Value {
    let (start, end) = seat.window.unzip();
    json!({"table_id": seat.table, "start_at": shown(start), "end_at": shown(end), "merged": seat.merged})
}

/// A call that the two sides disagree on.
#[derive(Debug, Clone, PartialEq)]
pub struct DisagreementRecord {
    pub called_at: Instant,
    pub function: &'static str,
    pub booking: Option<Id>,
    pub request: Value,
    /// Who called, and how the session was set.
    pub session: Value,
    pub ours: Value,
    pub theirs: Value,
}

impl DisagreementRecord {
    /// One row of the table, as an object.
    #[must_use]
    pub fn json(&self, found: &Disagreement) -> Value {
        let faults: Vec<&str> = found.faults.iter().map(|fault| fault.name()).collect();
        json!({
            "called_at": self.called_at.to_string(),
            "function": self.function,
            "booking_id": self.booking,
            "kind": found.kind.name(),
            "faults": faults,
            "request": self.request,
            "ours": self.ours,
            "theirs": self.theirs,
            "session": self.session,
        })
    }

    /// The same as text of at most so many bytes: metadata, which a caller may fill with anything, is the first to go,
    /// then what is longer than a sentence. None: it cannot be made to fit.
    #[must_use]
    pub fn text(&self, found: &Disagreement, most: usize) -> Option<String> {
        let whole = self.json(found);
        let forms = [Value::clone, without_metadata, shortened];
        forms.iter().map(|form| form(&whole).to_string()).find(|text| text.len() <= most)
    }
}

fn without_metadata(whole: &Value) -> Value {
    let mut less = whole.clone();
    if let Some(request) = less.get_mut("request").and_then(Value::as_object_mut) {
        request.remove("history_metadata");
        request.insert("shortened".to_owned(), json!(true));
    }
    less
}

/// Characters of a text that are kept when a record has to be made short.
const SENTENCE: usize = 100;

fn shortened(whole: &Value) -> Value {
    let mut less = without_metadata(whole);
    for part in ["request", "ours", "theirs", "session"] {
        let fields = less.get_mut(part).and_then(Value::as_object_mut);
        for value in fields.into_iter().flat_map(|fields| fields.values_mut()) {
            match value {
                Value::String(text) => *text = text.chars().take(SENTENCE).collect(),
                Value::Array(rows) => rows.truncate(2),
                _ => {}
            }
        }
    }
    less
}
