//! Why: what is known of a booking, or of one of its keys, in the order of time, and what to do about it now.

use serde_json::{Value, json};

use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::{Failure, sqlstate_unpack};
use crate::rules::refusal::outcome::{CATALOGUE, Disposition, Outcome};
use crate::rules::trace::span::{PARTS, Span, TransactionEnd};

/// Where something is known from. Of one instant, first what came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    Holds,
    Spans,
    Attempts,
    Ledger,
    History,
    Outbox,
    InFlight,
}

impl Source {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Source::Holds => "holds",
            Source::Spans => "spans",
            Source::Attempts => "attempts",
            Source::Ledger => "ledger",
            Source::History => "history",
            Source::Outbox => "outbox",
            Source::InFlight => "in_flight",
        }
    }
}

/// One thing that happened, or happens.
#[derive(Debug, Clone, PartialEq)]
pub struct StoryEntry {
    pub at: Option<Instant>,
    pub source: Source,
    pub what: String,
    pub detail: Value,
    /// Empty: nothing.
    pub advice: String,
}

/// Something that a table says.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFact {
    pub at: Option<Instant>,
    pub key: Option<String>,
    pub id: Option<Id>,
    pub label: String,
    pub label2: Option<String>,
    pub detail: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredKind {
    Attempt,
    Answer,
    Move,
    Hold,
    EndedHold,
    Event,
}

/// In the order of time; what is of no time that anybody knows comes first.
#[must_use]
pub fn ordered(mut entries: Vec<StoryEntry>) -> Vec<StoryEntry> {
    entries.sort_by_key(|entry| (entry.at, entry.source));
    entries
}

/// An attempt that the server remembers, whatever became of its transaction.
#[must_use]
pub fn of_span(span: &Span, end: TransactionEnd) -> StoryEntry {
    let entry = span.outcome.entry();
    let ended = match end {
        TransactionEnd::Pending => "its transaction is open",
        TransactionEnd::Committed => "committed",
        TransactionEnd::RolledBack => "rolled back",
        TransactionEnd::Prepared => "prepared",
    };
    let again = if span.replayed { ", an earlier answer" } else { "" };
    let parts = PARTS.iter().zip(span.parts).filter(|(_, time)| time.first != 0);
    let took: serde_json::Map<String, Value> =
        parts.map(|(part, time)| (format!("{}Ms", part.name()), json!(milliseconds(time.took)))).collect();
    StoryEntry {
        at: Some(span.ended),
        source: Source::Spans,
        what: format!("{}: {}{again}, {ended}", span.name(), entry.name),
        detail: kept(json!({
            "idempotencyKey": span.key,
            "holdId": span.hold,
            "path": span.path.name(),
            "phase": span.phase.name(),
            "code": entry.code,
            "sqlstate": (span.sqlstate != 0).then(|| sqlstate_unpack(span.sqlstate)),
            "message": span.message,
            "detail": span.detail,
            "startedAt": span.started.to_string(),
            "tookMs": milliseconds(span.ended.0.saturating_sub(span.started.0)),
            "parts": took,
            "pid": span.pid,
            "blockerPid": (span.blocker != 0).then_some(span.blocker),
            "blockerBookingId": span.blocked_by.booking,
            "blockerHoldId": span.blocked_by.hold,
            "blockedUntil": span.blocked_by.until.map(|until| until.to_string()),
            "traceId": (span.trace != 0).then(|| format!("{:032x}", span.trace)),
        })),
        advice: advice_of(span.outcome, end).to_owned(),
    }
}

/// One that is at work now, or whose transaction is open.
#[must_use]
pub fn in_flight(span: &Span) -> StoryEntry {
    StoryEntry {
        at: Some(span.since),
        source: Source::InFlight,
        what: format!("{}: in phase {}", span.name(), span.phase.name()),
        detail: kept(json!({
            "idempotencyKey": span.key,
            "holdId": span.hold,
            "startedAt": span.started.to_string(),
            "pid": span.pid,
        })),
        advice: format!(
            "It is at work, or its transaction is open: waiting_for in holdfast.in_flight names whom process {} waits for.",
            span.pid
        ),
    }
}

#[must_use]
pub fn of_stored(kind: StoredKind, fact: StoredFact) -> StoryEntry {
    let (source, what, advice) = match kind {
        StoredKind::Attempt => {
            let phase = fact.label2.as_deref().unwrap_or("arguments");
            (Source::Attempts, format!("an attempt ended in phase {phase}: {}", fact.label), advice_for(&fact.label))
        }
        StoredKind::Answer => (Source::Ledger, format!("the key is bound: {}", fact.label), advice_for(&fact.label)),
        StoredKind::Move => {
            let from = fact.label2.as_deref().unwrap_or("nothing");
            (Source::History, format!("status {from} became {}", fact.label), "")
        }
        StoredKind::Hold => (Source::Holds, format!("a hold is {}, and runs out", fact.label), ""),
        StoredKind::EndedHold => (Source::Holds, format!("a hold ended: {}", fact.label), ""),
        StoredKind::Event => {
            let status = fact.label2.as_deref().unwrap_or_default();
            (Source::Outbox, format!("event {} is {status}", fact.label), of_event(status))
        }
    };
    let mut detail = fact.detail;
    if let Some(fields) = detail.as_object_mut() {
        let id = if kind == StoredKind::Move { "changedBy" } else { "holdId" };
        fields.insert("idempotencyKey".to_owned(), json!(fact.key));
        fields.insert(id.to_owned(), json!(fact.id));
    }
    StoryEntry { at: fact.at, source, what, detail: kept(detail), advice: advice.to_owned() }
}

/// The tables say nothing now.
#[must_use]
pub fn unreadable(failure: &Failure) -> StoryEntry {
    let sqlstate = match failure {
        Failure::Server(error) => sqlstate_unpack(error.sqlstate),
        Failure::Refused(refusal) | Failure::Undone(refusal) => refusal.outcome.entry().sqlstate.to_owned(),
    };
    StoryEntry {
        at: None,
        source: Source::Ledger,
        what: "the schema's tables cannot be read now".to_owned(),
        detail: json!({"sqlstate": sqlstate}),
        advice: "55P03: somebody has a table locked, pg_locks says who; ask again later. 55000: a table is gone, holdfast.doctor says which. 42501: the bookings belong to a superuser, ask as one.".to_owned(),
    }
}

/// Nothing at all is known.
#[must_use]
pub fn nothing(preloaded: bool) -> StoryEntry {
    let advice = if preloaded {
        "No call of holdfast came for it, or its traces are older than what is kept: ask the caller's log for the answer."
    } else {
        "The library is not in shared_preload_libraries: what was rolled back leaves no trace. Ask the server's log."
    };
    StoryEntry {
        at: None,
        source: Source::Spans,
        what: "nothing is known".to_owned(),
        detail: json!({}),
        advice: advice.to_owned(),
    }
}

fn advice_of(outcome: Outcome, end: TransactionEnd) -> &'static str {
    match (outcome.entry().disposition, end) {
        (_, TransactionEnd::Pending) => "Its transaction is open: holdfast.in_flight shows what it waits for.",
        (_, TransactionEnd::Prepared) => {
            "COMMIT PREPARED or ROLLBACK PREPARED decides; pg_prepared_xacts has its name."
        }
        (Disposition::Success, TransactionEnd::RolledBack) => {
            "The caller took it back, or lost its connection before the commit: nothing of it stays. Call again with the same key."
        }
        _ => outcome.entry().advice,
    }
}

fn advice_for(name: &str) -> &'static str {
    CATALOGUE.iter().find(|entry| entry.name == name).map_or("", |entry| entry.advice)
}

fn of_event(status: &str) -> &'static str {
    match status {
        "dead" => "No consumer could deliver it: docs/operate.md says how it is sent again.",
        "pending" => "It waits for a consumer.",
        _ => "",
    }
}

fn milliseconds(microseconds: i64) -> f64 {
    microseconds as f64 / 1000.0
}

/// Without what is not known.
fn kept(detail: Value) -> Value {
    match detail {
        Value::Object(fields) => Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other => other,
    }
}
