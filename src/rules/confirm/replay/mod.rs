//! Was this asked before? One answer per key (G4).

pub mod compared_fields;

use crate::rules::Id;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::Window;
use crate::rules::booking::{self, BookingWindow};
use crate::rules::confirm::fingerprint::{Difference, Fingerprint};
use crate::rules::confirm::request::{Request, Selection};
use crate::rules::confirm::resolved_request::ResolvedRequest;
use crate::rules::json::Json;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::refusal::{self, Refusal};

/// What the ledger holds under a key.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LedgerEntry {
    pub refusal: Option<Refusal>,
    pub checksum: Option<String>,
    /// None: written by the functions that holdfast replaced.
    pub request: Option<Fingerprint>,
    pub tables: Vec<Id>,
    pub window: Option<Window>,
    /// None: as for `request`.
    pub assignment_ids: Option<Vec<Id>>,
    pub hold: Option<Id>,
    /// The transaction that committed it.
    pub receipt: Option<u64>,
}

/// The booking as it stands now, beside the entry.
#[derive(Debug, Clone, PartialEq)]
pub struct CurrentBooking {
    pub status: String,
    pub window: BookingWindow,
    pub assignments: Vec<Assignment>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ReplayDecision {
    /// The first answer, again.
    Replay(Vec<Assignment>),
    Refuse(Refusal),
    /// The recorded refusal was given to another hold: this one deserves a look of its own.
    Fresh,
}

/// What this call asks for, in full. None: its hold is not the one of the entry and has to be read first.
#[must_use]
pub fn resolve(
    request: &Request,
    entry: &LedgerEntry,
    standing: &CurrentBooking,
) -> Option<Result<ResolvedRequest, Refusal>> {
    match &request.selection {
        Selection::Tables(tables) => Some(
            booking::resolve_window(request.booking, request.window, standing.window)
                .map(|window| ResolvedRequest::new(request, tables.clone(), window)),
        ),
        Selection::Hold(hold) if entry.hold == Some(*hold) => {
            let window = request.window.or(entry.window)?;
            Some(Ok(ResolvedRequest::new(request, entry.tables.clone(), window)))
        }
        Selection::Hold(_) => None,
    }
}

/// Does a recorded refusal answer this call too?
#[must_use]
pub fn decide_refusal(request: &Request, refusal: &Refusal, entry: &LedgerEntry) -> ReplayDecision {
    if refusal.outcome == Outcome::Fenced {
        return ReplayDecision::Refuse(Refusal { replayed: true, ..refusal.clone() });
    }
    let hold = request.selection.hold();
    // An automatic path may come back with a hold of its own; what was said of the first does not bind it.
    if request.actor.is_none() && hold.is_some() && hold != entry.hold {
        return ReplayDecision::Fresh;
    }
    let this = Fingerprint::literal(request);
    let differences = entry.request.as_ref().map(|first| this.differences(first)).unwrap_or_default();
    if differences.is_empty() {
        return ReplayDecision::Refuse(Refusal { replayed: true, ..refusal.clone() });
    }
    ReplayDecision::Refuse(mismatch(request.booking, &differences))
}

/// Is the recorded answer the answer to this request?
#[must_use]
pub fn decide(
    request: &Request,
    resolved: &ResolvedRequest,
    entry: &LedgerEntry,
    standing: &CurrentBooking,
) -> ReplayDecision {
    let differences = differences(resolved, entry);
    if !differences.is_empty() {
        return ReplayDecision::Refuse(mismatch(request.booking, &differences));
    }
    if let Some(target) = &request.target
        && *target != standing.status
    {
        return ReplayDecision::Refuse(refusal::status_conflict(&standing.status, std::slice::from_ref(target)));
    }
    match intact(entry, &standing.assignments) {
        Some(answer) => ReplayDecision::Replay(answer),
        None => ReplayDecision::Refuse(refusal::answer_gone(request.booking)),
    }
}

/// The same request agrees in every field, or in its checksum; the fields are compared for less than the checksum costs.
fn differences(resolved: &ResolvedRequest, entry: &LedgerEntry) -> Vec<Difference> {
    let differences = match &entry.request {
        Some(first) => resolved.fingerprint.differences(first),
        None => {
            // An older entry recorded only these two.
            let mut first = resolved.fingerprint.clone();
            first.0.insert("tables".to_owned(), Json::of(&entry.tables));
            first.0.insert("window".to_owned(), Json::of(&entry.window));
            resolved.fingerprint.differences(&first)
        }
    };
    let is_same = || entry.checksum.as_deref() == Some(&resolved.fingerprint.checksum());
    if differences.is_empty() || is_same() { Vec::new() } else { differences }
}

/// DETAIL stays the contract's text when the tables differ; HINT names every field, as JSON.
fn mismatch(booking: Id, differences: &[Difference]) -> Refusal {
    let names: Vec<&str> = differences.iter().map(|difference| difference.field.as_str()).collect();
    let what = if names.contains(&"tables") { "table set".to_owned() } else { names.join(", ") };
    Refusal::new(Outcome::KeyMismatch, format!("assign_tables_atomic_v2 idempotency mismatch for booking {booking}"))
        .detail(format!("Idempotency key reuse detected with a different {what}"))
        .hint(Json::array(differences.iter().map(Difference::json)).text())
}

/// The rows of the answer, if every one of them still stands as it was given.
fn intact(entry: &LedgerEntry, assignments: &[Assignment]) -> Option<Vec<Assignment>> {
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
