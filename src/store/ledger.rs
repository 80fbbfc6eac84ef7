//! The ledger: which answer is bound to which key.

use super::Store;
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::BookingWindow;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::replay::{CurrentBooking, LedgerEntry};
use crate::rules::confirm::request::{Fingerprint, Request};
use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::Failure;

statement!(LEDGER_PROBE, "ledger_probe", [UUIDOID, TEXTOID]);
statement!(
    LEDGER_REFUSE,
    "ledger_refuse",
    [
        UUIDOID,
        TEXTOID,
        UUIDARRAYOID,
        TIMESTAMPTZOID,
        TIMESTAMPTZOID,
        TEXTOID,
        TIMESTAMPTZOID,
        TIMESTAMPTZOID,
        TEXTOID,
        JSONBOID,
        JSONBOID,
        UUIDOID
    ]
);

impl Store {
    /// The entry under a key and the booking as it stands beside it; takes no lock.
    pub fn ledger_probe(&self, booking: Id, key: &str) -> Result<Option<(LedgerEntry, CurrentBooking)>, Failure> {
        let mut found: Option<(LedgerEntry, CurrentBooking)> = None;
        self.run(&LEDGER_PROBE, &[row::id(booking), row::text(key)], |row| {
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
        let (tables, hold) = (request.selection.tables(), request.selection.hold());
        let arguments = [
            row::id(request.booking),
            row::text(key),
            row::ids(tables),
            row::optional_instant(request.window.map(|window| window.start())),
            row::optional_instant(request.window.map(|window| window.end())),
            row::text(&fingerprint.checksum()),
            row::instant(now.after_seconds(self.retention_seconds)),
            row::instant(now),
            row::text(refusal.outcome.entry().name),
            row::json(fingerprint.json()),
            row::optional_json(serde_json::to_value(refusal).ok()),
            row::optional_id(hold),
        ];
        Ok(self.run(&LEDGER_REFUSE, &arguments, |_| ())?.len())
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
