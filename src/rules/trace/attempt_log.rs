//! What the server's log says of an attempt that was refused or failed: one JSON object on one line.
//!
//! The object is the message itself. So jsonlog, csvlog and plain lines carry it whole, whatever `log_error_verbosity` is.

use std::fmt::Write;

use serde::Serialize;

use super::span::{KEY_BYTES, MESSAGE_BYTES, Span, cut};
use crate::rules::refusal::failure::sqlstate_unpack;
use crate::rules::refusal::outcome::{Disposition, Outcome};

/// Which attempts are written to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoggedAttempts {
    Off,
    /// Those that somebody on call should know of.
    Failed,
    /// … and those that the caller should.
    Refused,
}

/// Is the attempt's outcome one to write down? What its caller took back came to what it came to, and is not.
#[must_use]
pub fn is_logged(logged: LoggedAttempts, outcome: Outcome) -> bool {
    level(outcome).is_some_and(|level| level <= logged)
}

/// The catalogue's status tells who has to do something about it.
fn level(outcome: Outcome) -> Option<LoggedAttempts> {
    let entry = outcome.entry();
    match (entry.disposition, entry.http_status) {
        (Disposition::Success, _) => None,
        (_, 500..) => Some(LoggedAttempts::Failed),
        _ => Some(LoggedAttempts::Refused),
    }
}

/// Where an attempt was, by name.
pub struct Place {
    pub database: String,
    pub schema: String,
}

#[derive(Serialize)]
struct LoggedAttempt<'a> {
    event: &'static str,
    database: &'a str,
    schema: &'a str,
    function: &'static str,
    path: &'static str,
    booking_id: Option<String>,
    hold_id: Option<String>,
    idempotency_key: Option<&'a str>,
    trace_id: String,
    span_id: String,
    outcome: &'static str,
    code: &'static str,
    sqlstate: String,
    replayed: bool,
    phase: &'static str,
    ms: f64,
    message: Option<&'a str>,
    /// Lines that the rate held back since the last one.
    suppressed: u64,
}

/// The line of an attempt that ended.
#[must_use]
pub fn line(span: &Span, place: &Place, suppressed: u64) -> String {
    let line = LoggedAttempt {
        event: "holdfast.attempt",
        database: &place.database,
        schema: &place.schema,
        function: span.function.name(),
        path: span.path.name(),
        booking_id: span.booking.map(|id| id.to_string()),
        hold_id: span.hold.map(|id| id.to_string()),
        idempotency_key: span.key.as_deref().map(|key| cut(Some(key), KEY_BYTES).0),
        trace_id: format!("{:032x}", span.trace),
        span_id: format!("{:016x}", span.id),
        outcome: span.outcome.entry().name,
        code: span.outcome.entry().code,
        sqlstate: sqlstate(span),
        replayed: span.replayed,
        phase: span.phase.name(),
        ms: span.ended.0.saturating_sub(span.started.0) as f64 / 1000.0,
        message: span.message.as_deref().map(|text| cut(Some(text), MESSAGE_BYTES).0),
        suppressed,
    };
    in_ascii(&serde_json::to_string(&line).unwrap_or_default())
}

/// What was raised, or would have been.
#[must_use]
pub fn sqlstate(span: &Span) -> String {
    if span.sqlstate == 0 { span.outcome.entry().sqlstate.to_owned() } else { sqlstate_unpack(span.sqlstate) }
}

/// The log has the encoding of whoever writes: what JSON can say in ASCII is said so.
fn in_ascii(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            line.push(character);
        } else {
            character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(line, "\\u{unit:04x}");
            });
        }
    }
    line
}
