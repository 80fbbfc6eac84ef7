//! The task scan_commits: bookings with an answer since the last scan, and what is made of them.

use serde_json::Value;

use super::Store;
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::Failure;

statement!(SCAN_COMMITS_INIT, "scan_commits_init", []);
statement!(SCAN_COMMITS_LOCK, "scan_commits_lock", []);
statement!(SCAN_COMMITS_READ, "scan_commits_read", [INT4OID]);
statement!(SCAN_COMMITS_THROTTLED, "scan_commits_throttled", [TIMESTAMPTZOID]);
statement!(SCAN_COMMITS_THROTTLE, "scan_commits_throttle", [TIMESTAMPTZOID]);
statement!(SCAN_COMMITS_REPORT, "scan_commits_report", [UUIDOID, TEXTOID, JSONBOID]);
statement!(SCAN_COMMITS_POLICIES, "scan_commits_policies", []);

impl Store {
    /// The next bookings to be scanned; from now on they count as seen. None while somebody else scans. The lock comes
    /// first: in the snapshot of the statement that takes it, another's scan may have ended that it does not show.
    pub fn scan_commits_read(&self, batch: i32) -> Result<Vec<Id>, Failure> {
        self.run(&SCAN_COMMITS_INIT, &[], |_| ())?;
        if self.run(&SCAN_COMMITS_LOCK, &[], |_| ())?.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.run(&SCAN_COMMITS_READ, &[row::number(batch)], |row| row.id(1))?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Has somebody scanned just now, and is it too early for another?
    pub fn scan_commits_throttled(&self, now: Instant) -> Result<bool, Failure> {
        Ok(!self.run(&SCAN_COMMITS_THROTTLED, &[row::instant(now)], |_| ())?.is_empty())
    }

    /// After a scan that is ours until the transaction ends: none before that instant.
    pub fn scan_commits_throttle(&self, until: Instant) -> Result<(), Failure> {
        self.run(&SCAN_COMMITS_THROTTLE, &[row::instant(until)], |_| ())?;
        Ok(())
    }

    /// Tells the application's events of a mismatch, where it has a table of them.
    pub fn scan_commits_report(&self, booking: Id, severity: &str, context: Value) -> Result<(), Failure> {
        if !self.attachment.has_own("observability_events") {
            return Ok(());
        }
        self.run(&SCAN_COMMITS_REPORT, &[row::id(booking), row::text(severity), row::json(context)], |_| ())?;
        Ok(())
    }

    /// The names of findings that are mended as soon as they are seen.
    pub fn scan_commits_policies(&self) -> Result<Vec<String>, Failure> {
        let rows = self.run(&SCAN_COMMITS_POLICIES, &[], |row| row.text(1))?;
        Ok(rows.into_iter().flatten().collect())
    }
}
