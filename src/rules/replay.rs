//! Was this asked before? One answer per key (G4).

use std::collections::BTreeMap;

use serde_json::Value;

use super::Id;
use super::booking::{self, BookingWindow};
use super::outcome::Outcome;
use super::refusal::{self, Refusal};
use super::request::{Asked, Request, Selection};
use super::table::Assignment;
use super::window::Window;

/// How long an answer is kept, in seconds from its creation: 90 days.
pub const RETENTION_SECONDS: i64 = 90 * 24 * 3600;

/// What the ledger holds under a key.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entry {
    pub refusal: Option<Refusal>,
    pub checksum: Option<String>,
    /// None: written by the functions that holdfast replaced.
    pub request: Option<BTreeMap<String, Value>>,
    pub tables: Vec<Id>,
    pub window: Option<Window>,
    pub merge_group: Option<Id>,
    /// None: as for `request`.
    pub assignment_ids: Option<Vec<Id>>,
    pub hold: Option<Id>,
    /// The transaction that committed it.
    pub receipt: Option<u64>,
}

/// The booking as it stands now, beside the entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub status: String,
    pub window: BookingWindow,
    pub assignments: Vec<Assignment>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The first answer, again.
    Replay(Vec<Assignment>),
    Refuse(Refusal),
    /// The recorded refusal was about another hold: this one deserves a look of its own.
    Fresh,
}

/// What this call asks for, in full. None: its hold is not the one of the entry and has to be read first.
pub fn resolve(asked: &Asked, entry: &Entry, standing: &Standing) -> Option<Result<Request, Refusal>> {
    match &asked.selection {
        Selection::Tables(tables) => Some(
            booking::resolve_window(asked.booking, asked.window, standing.window)
                .map(|window| Request::new(asked, tables.clone(), window)),
        ),
        Selection::Hold(hold) if entry.hold == Some(*hold) => {
            let window = asked.window.or(entry.window)?;
            Some(Ok(Request::new(asked, entry.tables.clone(), window)))
        }
        Selection::Hold(_) => None,
    }
}

/// Is the entry the answer to this request?
#[must_use]
pub fn judge(asked: &Asked, request: &Request, entry: &Entry, standing: &Standing) -> Verdict {
    let differences = differences(request, entry);
    if let Some(refusal) = &entry.refusal {
        let hold_now = match asked.selection {
            Selection::Hold(hold) => Some(hold),
            Selection::Tables(_) => None,
        };
        // An automatic path may come back with another hold; what was said of the first does not bind it.
        if refusal.is_about_hold() && hold_now != entry.hold && asked.actor.is_none() {
            return Verdict::Fresh;
        }
        return Verdict::Refuse(if differences.is_empty() {
            refusal.clone()
        } else {
            mismatch(asked.booking, &differences, request, entry)
        });
    }
    if !differences.is_empty() {
        return Verdict::Refuse(mismatch(asked.booking, &differences, request, entry));
    }
    if let Some(target) = &asked.target
        && *target != standing.status
    {
        return Verdict::Refuse(refusal::status_conflict(&standing.status, std::slice::from_ref(target)));
    }
    match intact(entry, &standing.assignments) {
        Some(answer) => Verdict::Replay(answer),
        None => Verdict::Refuse(refusal::answer_gone(asked.booking)),
    }
}

fn differences(request: &Request, entry: &Entry) -> Vec<super::request::Difference> {
    if entry.checksum.as_deref() == Some(&request.checksum()) {
        return Vec::new();
    }
    match &entry.request {
        Some(first) => request.differences(first),
        // An older entry recorded only these two.
        None => legacy_differences(request, entry),
    }
}

fn legacy_differences(request: &Request, entry: &Entry) -> Vec<super::request::Difference> {
    let mut first: BTreeMap<String, Value> = match request.fields() {
        Value::Object(fields) => fields.into_iter().collect(),
        _ => BTreeMap::new(),
    };
    first.insert("tables".to_owned(), serde_json::json!(entry.tables));
    if let Some(window) = entry.window {
        first.insert(
            "window".to_owned(),
            serde_json::json!({"start": window.start().to_string(), "end": window.end().to_string()}),
        );
    }
    request.differences(&first)
}

/// DETAIL stays the contract's text when the tables differ; HINT names every field, as JSON.
fn mismatch(booking: Id, differences: &[super::request::Difference], request: &Request, entry: &Entry) -> Refusal {
    let detail = if request.tables == entry.tables {
        let names: Vec<&str> = differences.iter().map(|difference| difference.field.as_str()).collect();
        format!("Idempotency key reuse detected with a different {}", names.join(", "))
    } else {
        "Idempotency key reuse detected with a different table set".to_owned()
    };
    Refusal::new(Outcome::KeyMismatch, format!("assign_tables_atomic_v2 idempotency mismatch for booking {booking}"))
        .detail(detail)
        .hint(serde_json::json!(differences).to_string())
}

/// The rows of the answer, if every one of them still stands as it was given.
fn intact(entry: &Entry, assignments: &[Assignment]) -> Option<Vec<Assignment>> {
    let window = entry.window?;
    entry
        .tables
        .iter()
        .enumerate()
        .map(|(place, table)| {
            let same_row = |assignment: &&Assignment| match &entry.assignment_ids {
                Some(ids) => ids.get(place) == Some(&assignment.id),
                None => true,
            };
            assignments
                .iter()
                .find(|assignment| assignment.table == *table && assignment.window == Some(window))
                .filter(same_row)
                .copied()
        })
        .collect::<Option<Vec<Assignment>>>()
        .filter(|rows| !rows.is_empty())
}
