//! The task scan_bookings: every live booking is scanned again, by the view, and one after the other.

use super::Store;
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::Failure;

statement!(SCAN_BOOKINGS_INIT, "scan_bookings_init", []);
statement!(SCAN_BOOKINGS_DUE, "scan_bookings_due", [TIMESTAMPTZOID]);
statement!(SCAN_BOOKINGS_READ, "scan_bookings_read", [TIMESTAMPTZOID, INT4OID]);
statement!(SCAN_BOOKINGS_DONE, "scan_bookings_done", [TIMESTAMPTZOID]);
statement!(FULL_SCAN_NEXT, "full_scan_next", [TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID]);
statement!(FULL_SCAN_DONE, "full_scan_done", [TIMESTAMPTZOID]);
statement!(FINDING_NOTE, "finding_note", [UUIDOID, TEXTARRAYOID]);

impl Store {
    /// Does this schema remember what it was told of, and how far the scans have come?
    pub fn scans_bookings(&self) -> bool {
        !self.attachment.lacks("holdfast_booking_scans")
    }

    /// Is it time for a scan? Then it is ours until the transaction ends.
    pub fn scan_bookings_due(&self, now: Instant) -> Result<bool, Failure> {
        self.run(&SCAN_BOOKINGS_INIT, &[], |_| ())?;
        Ok(!self.run(&SCAN_BOOKINGS_DUE, &[row::instant(now)], |_| ())?.is_empty())
    }

    /// Bookings that the view lists and that something is to be done about.
    pub fn scan_bookings_read(&self, now: Instant, batch: i32) -> Result<Vec<Id>, Failure> {
        let rows = self.run(&SCAN_BOOKINGS_READ, &[row::instant(now), row::number(batch)], |row| row.id(1))?;
        Ok(rows.into_iter().flatten().collect())
    }

    pub fn scan_bookings_done(&self, next: Instant) -> Result<(), Failure> {
        self.run(&SCAN_BOOKINGS_DONE, &[row::instant(next)], |_| ())?;
        Ok(())
    }

    /// The next bookings of the full scan, each with whether it is live; none when no batch is due.
    pub fn full_scan_next(&self, now: Instant, batch: i32, cutoff: Instant) -> Result<Vec<(Id, bool)>, Failure> {
        self.run(&SCAN_BOOKINGS_INIT, &[], |_| ())?;
        let arguments = [row::instant(now), row::number(batch), row::instant(cutoff)];
        let rows = self.run(&FULL_SCAN_NEXT, &arguments, |row| row.id(1).map(|id| (id, row.flag(2))))?;
        Ok(rows.into_iter().flatten().collect())
    }

    pub fn full_scan_done(&self, next: Instant) -> Result<(), Failure> {
        self.run(&FULL_SCAN_DONE, &[row::instant(next)], |_| ())?;
        Ok(())
    }

    /// Writes down what does not agree about a booking; the names that were not known yet.
    pub fn finding_note(&self, booking: Id, findings: &[&str]) -> Result<Vec<String>, Failure> {
        if !self.scans_bookings() {
            return Ok(findings.iter().map(|name| (*name).to_owned()).collect());
        }
        let arguments = [row::id(booking), row::texts(findings.iter().copied())];
        let rows = self.run(&FINDING_NOTE, &arguments, |row| row.text(1))?;
        Ok(rows.into_iter().flatten().collect())
    }
}
