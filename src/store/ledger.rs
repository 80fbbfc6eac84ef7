//! The ledger: which answer is bound to which key.

use super::Store;
use super::booking::{RestaurantById, has_own_window};
use super::columns::columns;
use super::parameter::{self, Ids};
use super::probe::{NotDirect, Reader, probe};
use super::row::{self, Bounds, Row, TransactionNumber, Word};
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::BookingWindow;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::fingerprint::Fingerprint;
use crate::rules::confirm::replay::{CurrentBooking, LedgerEntry};
use crate::rules::confirm::request::Request;
use crate::rules::json::Json;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::Failure;

columns!(ProbeRow {
    payload_checksum: Option<String>,
    request: Option<Json>,
    refusal: Option<Json>,
    table_ids: Vec<Id>,
    answer_start: Option<Instant>,
    answer_end: Option<Instant>,
    assignment_ids: Option<Vec<Id>>,
    hold_id: Option<Id>,
    transaction_id: Option<String>,
    status: String,
    start_at: Option<Instant>,
    end_at: Option<Instant>,
    assignment_id: Option<Id>,
    table_id: Option<Id>,
    table_start: Option<Instant>,
    table_end: Option<Instant>,
    merge_group_id: Option<Id>,
});
statement!("ledger_probe", LedgerProbe<'a> { booking: Id, key: &'a str } -> ProbeRow);
// The same by probes: the entry, the booking with its own window, the restaurant that the statement joins, the assignments.
columns!(EntryRow {
    payload_checksum: Option<String>,
    request: Option<Json>,
    refusal: Option<Json>,
    table_ids: Vec<Id>,
    assignment_window: Bounds,
    assignment_ids: Option<Vec<Id>>,
    hold_id: Option<Id>,
    transaction_id: Option<TransactionNumber>,
});
probe!(one "booking_assignment_idempotency", EntryByKey<'a> { booking_id: Id, idempotency_key: &'a str } -> EntryRow);
columns!(StandingRow { restaurant_id: Id, status: Word, start_at: Option<Instant>, end_at: Option<Instant> });
probe!(one "bookings", StandingById { id: Id } -> StandingRow);
columns!(AssignmentRow {
    id: Option<Id>,
    table_id: Option<Id>,
    start_at: Option<Instant>,
    end_at: Option<Instant>,
    merge_group_id: Option<Id>,
});
probe!(all "booking_table_assignments", AssignmentsOf { booking_id: Id } -> AssignmentRow);
statement!(
    "ledger_refuse",
    LedgerRefuse<'a> {
        booking: Id,
        key: &'a str,
        tables: Ids,
        start: Option<Instant>,
        end: Option<Instant>,
        checksum: &'a str,
        kept_until: Instant,
        now: Instant,
        outcome: &'a str,
        request: Json,
        refusal: Option<Json>,
        hold: Option<Id>,
    }
);

impl Store {
    /// The entry under a key and the booking as it stands beside it; takes no lock.
    pub fn ledger_probe(&self, booking: Id, key: &str) -> Result<Option<(LedgerEntry, CurrentBooking)>, Failure> {
        if let Some(found) = self.connection.directly(|reader| probe_ledger(reader, booking, key))? {
            return Ok(found);
        }
        let mut found: Option<(LedgerEntry, CurrentBooking)> = None;
        self.run(LedgerProbe { booking, key }, |row| {
            let (_, standing) = found.get_or_insert_with(|| (entry(booking, row), standing(row)));
            if let (Some(id), Some(table)) = (row.assignment_id(), row.table_id()) {
                let window = row::window(row.table_start(), row.table_end());
                standing.assignments.push(Assignment { id, table, window, merge_group: row.merge_group_id() });
            }
        })?;
        Ok(found)
    }

    /// Binds a final refusal to the key of the call. The rows bound: none, when an answer is there already.
    pub fn ledger_refuse(
        &self,
        request: &Request,
        key: &str,
        refusal: &Refusal,
        (now, kept_until): (Instant, Instant),
    ) -> Result<usize, Failure> {
        let fingerprint = Fingerprint::literal(request);
        let selection = &request.selection;
        let parameters = LedgerRefuse {
            booking: request.booking,
            key,
            tables: parameter::ids(selection.tables()),
            start: request.window.map(|window| window.start()),
            end: request.window.map(|window| window.end()),
            checksum: &fingerprint.checksum(),
            kept_until,
            now,
            outcome: refusal.outcome.entry().name,
            request: fingerprint.json(),
            refusal: serde_json::to_value(refusal).ok().map(Into::into),
            hold: selection.hold(),
        };
        Ok(self.run(parameters, |_| ())?.len())
    }
}

fn entry(booking: Id, row: &Row<ProbeRow>) -> LedgerEntry {
    let entry = LedgerEntry {
        checksum: row.payload_checksum(),
        refusal: row::parsed(row.refusal()),
        tables: row.table_ids(),
        window: row::window(row.answer_start(), row.answer_end()),
        assignment_ids: row.assignment_ids(),
        hold: row.hold_id(),
        receipt: row.transaction_id().and_then(|text| text.parse().ok()),
        request: None,
    };
    with_request(entry, booking, row.request())
}

fn with_request(entry: LedgerEntry, booking: Id, request: Option<Json>) -> LedgerEntry {
    let stored = request.and_then(|json| json.fields()).map(Fingerprint);
    // A refusal was given to a request as it was made, and keeps it whole.
    let whole = |stored: Fingerprint| {
        if entry.refusal.is_some() { stored } else { stored.completed(booking, &entry.tables, entry.window) }
    };
    LedgerEntry { request: stored.map(whole), ..entry }
}

/// As the statement reads it, but for a booking whose window is what its day and times say.
fn probe_ledger(reader: &Reader, booking: Id, key: &str) -> Result<Option<(LedgerEntry, CurrentBooking)>, NotDirect> {
    let bound = reader.rows(EntryByKey { booking_id: booking, idempotency_key: key }, |row| {
        let window = row.assignment_window();
        let entry = LedgerEntry {
            checksum: row.payload_checksum(),
            refusal: row::parsed(row.refusal()),
            tables: row.table_ids(),
            window: row::window(window.lower, window.upper),
            assignment_ids: row.assignment_ids(),
            hold: row.hold_id(),
            receipt: row.transaction_id().map(|number| number.0),
            request: None,
        };
        with_request(entry, booking, row.request())
    })?;
    let Some(entry) = bound.into_iter().next() else {
        reader.looks_at::<_, StandingById>()?;
        reader.looks_at::<_, RestaurantById>()?;
        reader.looks_at::<_, AssignmentsOf>()?;
        return Ok(None);
    };
    let found = reader.rows(StandingById { id: booking }, |row| {
        let window = BookingWindow { start: row.start_at(), end: row.end_at() };
        (row.restaurant_id(), CurrentBooking { status: row.status().0, window, assignments: Vec::new() })
    })?;
    let Some((restaurant, mut standing)) = found.into_iter().next() else { return Ok(None) };
    has_own_window(standing.window)?;
    if reader.rows(RestaurantById { id: restaurant }, |_| ())?.is_empty() {
        return Ok(None);
    }
    let assignments = reader.rows(AssignmentsOf { booking_id: booking }, |row| {
        let (id, table) = row.id().zip(row.table_id())?;
        let window = row::window(row.start_at(), row.end_at());
        Some(Assignment { id, table, window, merge_group: row.merge_group_id() })
    })?;
    standing.assignments.extend(assignments.into_iter().flatten());
    standing.assignments.sort_by_key(|assignment| assignment.table);
    Ok(Some((entry, standing)))
}

fn standing(row: &Row<ProbeRow>) -> CurrentBooking {
    CurrentBooking {
        status: row.status(),
        window: BookingWindow { start: row.start_at(), end: row.end_at() },
        assignments: Vec::new(),
    }
}
