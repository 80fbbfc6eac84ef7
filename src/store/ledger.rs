//! The ledger: which answer is bound to which key.

use super::Store;
use super::parameter::{self, Ids};
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::BookingWindow;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::replay::{CurrentBooking, LedgerEntry};
use crate::rules::confirm::request::{Fingerprint, Request};
use crate::rules::json::Json;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::Failure;

statement!("ledger_probe", LedgerProbe<'a> { booking: Id, key: &'a str });
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
        let mut found: Option<(LedgerEntry, CurrentBooking)> = None;
        self.run(LedgerProbe { booking, key }, |row| {
            let (_, standing) = found.get_or_insert_with(|| (entry(booking, row), standing(row)));
            if let (Some(id), Some(table)) = (row.id(13), row.id(14)) {
                let window = row.window(15, 16);
                standing.assignments.push(Assignment { id, table, window, merge_group: row.id(17) });
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
        now: Instant,
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
            kept_until: now.after_seconds(self.retention_seconds),
            now,
            outcome: refusal.outcome.entry().name,
            request: fingerprint.json(),
            refusal: serde_json::to_value(refusal).ok().map(Into::into),
            hold: selection.hold(),
        };
        Ok(self.run(parameters, |_| ())?.len())
    }
}

fn entry(booking: Id, row: &row::Row) -> LedgerEntry {
    let refusal: Option<Refusal> = row.read(3);
    let (tables, window) = (row.ids(4).unwrap_or_default(), row.window(5, 6));
    let stored = row.json(2).and_then(|json| json.fields()).map(Fingerprint);
    // A refusal was given to a request as it was made, and keeps it whole.
    let whole =
        |stored: Fingerprint| if refusal.is_some() { stored } else { stored.completed(booking, &tables, window) };
    LedgerEntry {
        checksum: row.text(1),
        request: stored.map(whole),
        refusal,
        tables,
        window,
        assignment_ids: row.ids(7),
        hold: row.id(8),
        receipt: row.text(9).and_then(|text| text.parse().ok()),
    }
}

fn standing(row: &row::Row) -> CurrentBooking {
    CurrentBooking {
        status: row.text(10).unwrap_or_default(),
        window: BookingWindow { start: row.instant(11), end: row.instant(12) },
        assignments: Vec::new(),
    }
}
