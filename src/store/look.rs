//! Every live booking, looked at again: by the view, and one after the other.

use super::Store;
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::failure::Failure;
use crate::rules::window::Instant;

statement!(LOOK_BEGIN, "look_begin", []);
statement!(LOOK_DUE, "look_due", [TIMESTAMPTZOID]);
statement!(LOOK_LIST, "look_list", [TIMESTAMPTZOID, INT4OID]);
statement!(LOOK_DONE, "look_done", [TIMESTAMPTZOID]);
statement!(PASS_NEXT, "pass_next", [TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID]);
statement!(PASS_DONE, "pass_done", [TIMESTAMPTZOID]);
statement!(FINDING_NOTE, "finding_note", [UUIDOID, TEXTARRAYOID]);

impl Store {
    /// Does this schema remember what it was told of, and how far the looks have come?
    pub fn has_looks(&self) -> bool {
        !self.attachment.lacks("holdfast_booking_scans")
    }

    /// Is it time for a look? Then it is ours until the transaction ends.
    pub fn look_due(&self, now: Instant) -> Result<bool, Failure> {
        self.run(&LOOK_BEGIN, &[], |_| ())?;
        Ok(!self.run(&LOOK_DUE, &[row::instant(now)], |_| ())?.is_empty())
    }

    /// Bookings that the view lists and that something is to be done about.
    pub fn look_list(&self, now: Instant, batch: i32) -> Result<Vec<Id>, Failure> {
        let rows = self.run(&LOOK_LIST, &[row::instant(now), row::number(batch)], |row| row.id(1))?;
        Ok(rows.into_iter().flatten().collect())
    }

    pub fn look_done(&self, next: Instant) -> Result<(), Failure> {
        self.run(&LOOK_DONE, &[row::instant(next)], |_| ())?;
        Ok(())
    }

    /// The next bookings of the pass, each with whether it is live; none when no batch is due.
    pub fn pass_next(&self, now: Instant, batch: i32, cutoff: Instant) -> Result<Vec<(Id, bool)>, Failure> {
        self.run(&LOOK_BEGIN, &[], |_| ())?;
        let arguments = [row::instant(now), row::number(batch), row::instant(cutoff)];
        let rows = self.run(&PASS_NEXT, &arguments, |row| row.id(1).map(|id| (id, row.flag(2))))?;
        Ok(rows.into_iter().flatten().collect())
    }

    pub fn pass_done(&self, next: Instant) -> Result<(), Failure> {
        self.run(&PASS_DONE, &[row::instant(next)], |_| ())?;
        Ok(())
    }

    /// Writes down what does not agree about a booking; the names that were not known yet.
    pub fn finding_note(&self, booking: Id, findings: &[&str]) -> Result<Vec<String>, Failure> {
        if !self.has_looks() {
            return Ok(findings.iter().map(|name| (*name).to_owned()).collect());
        }
        let arguments = [row::id(booking), row::texts(findings.iter().copied())];
        let rows = self.run(&FINDING_NOTE, &arguments, |row| row.text(1))?;
        Ok(rows.into_iter().flatten().collect())
    }
}
