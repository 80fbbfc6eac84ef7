//! The task scan_commits: bookings with an answer since the last scan, and what is made of them.

use super::Store;
use super::columns::{BookingIdRow, columns};
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::Failure;

statement!("scan_commits_init", ScanCommitsInit {});
statement!("scan_commits_lock", ScanCommitsLock {});
statement!("scan_commits_read", ScanCommitsRead { batch: i32 } -> BookingIdRow);
statement!("scan_commits_throttled", ScanCommitsThrottled { now: Instant });
statement!("scan_commits_throttle", ScanCommitsThrottle { until: Instant });
columns!(PolicyFindingRow { finding: Option<String> });
statement!("scan_commits_policies", ScanCommitsPolicies {} -> PolicyFindingRow);

impl Store {
    /// The next bookings to be scanned; from now on they count as seen. None while somebody else scans. The lock comes
    /// first: in the snapshot of the statement that takes it, another's scan may have ended that it does not show.
    pub fn scan_commits_read(&self, batch: i32) -> Result<Vec<Id>, Failure> {
        self.run(ScanCommitsInit {}, |_| ())?;
        if self.run(ScanCommitsLock {}, |_| ())?.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.run(ScanCommitsRead { batch }, |row| row.booking_id())?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Has somebody scanned just now, and is it too early for another?
    pub fn scan_commits_throttled(&self, now: Instant) -> Result<bool, Failure> {
        Ok(!self.run(ScanCommitsThrottled { now }, |_| ())?.is_empty())
    }

    /// After a scan that is ours until the transaction ends: none before that instant.
    pub fn scan_commits_throttle(&self, until: Instant) -> Result<(), Failure> {
        self.run(ScanCommitsThrottle { until }, |_| ())?;
        Ok(())
    }

    /// The names of findings that are mended as soon as they are seen.
    pub fn scan_commits_policies(&self) -> Result<Vec<String>, Failure> {
        let rows = self.run(ScanCommitsPolicies {}, |row| row.finding())?;
        Ok(rows.into_iter().flatten().collect())
    }
}
