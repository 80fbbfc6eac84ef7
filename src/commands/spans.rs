//! The last attempts and those in flight, as rows for the views. Reading waits for nothing and locks nothing.

use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::sqlstate_unpack;
use crate::rules::trace::span::{PARTS, Span, TransactionEnd};
use crate::telemetry;
pub use crate::telemetry::spans::{SpanCounts, counts};

/// An attempt, or a part of one.
pub struct SpanRow {
    pub span: Span,
    pub id: u64,
    /// 0: it is the first of its trace.
    pub parent: u64,
    pub name: String,
    pub part: Option<&'static str>,
    pub started: Instant,
    pub ended: Instant,
    pub sqlstate: Option<String>,
    pub end: TransactionEnd,
    pub transaction: Option<i64>,
    pub blocker: Option<i32>,
}

/// Every attempt that is kept, each followed by its parts.
#[must_use]
pub fn recorded() -> Vec<SpanRow> {
    telemetry::spans::read().into_iter().flat_map(rows).collect()
}

fn rows(ended: telemetry::spans::RecordedSpan) -> Vec<SpanRow> {
    let span = ended.span;
    let whole = SpanRow {
        id: span.id,
        parent: span.parent,
        name: span.name().to_owned(),
        part: None,
        started: span.started,
        ended: span.ended,
        sqlstate: (span.sqlstate != 0).then(|| sqlstate_unpack(span.sqlstate)),
        end: ended.end,
        transaction: ended.transaction.map(u64::cast_signed),
        blocker: (span.blocker != 0).then_some(span.blocker),
        span: span.clone(),
    };
    let reached = span.parts.iter().enumerate().filter(|(_, time)| time.first != 0);
    let parts = reached.map(|(at, time)| SpanRow {
        id: span.child_id(at),
        parent: span.id,
        name: format!("holdfast.{}", PARTS[at].name()),
        part: Some(PARTS[at].name()),
        started: Instant(time.first),
        ended: Instant(time.first.saturating_add(time.took)),
        // Why it failed stands at the attempt itself.
        sqlstate: None,
        span: Span { message: None, detail: None, ..span.clone() },
        end: whole.end,
        transaction: whole.transaction,
        blocker: whole.blocker,
    });
    let parts: Vec<SpanRow> = parts.collect();
    std::iter::once(whole).chain(parts).collect()
}

/// What each session is at.
#[must_use]
pub fn in_flight() -> Vec<Span> {
    telemetry::in_flight()
}
