//! What is remembered of a schema between two runs: what was put off, and for how long.

use super::pace::{BACK_OFF_SECONDS, QUIET_SECONDS, doubled};
use super::task::Task;
use crate::rules::booking::window::Instant;

/// Live bookings of a schema in which nothing changes are scanned after this, at most that: their findings depend on time.
const SCAN_SECONDS: (i64, i64) = (60, 3600);
/// Who does not take the events that are due is told of them less and less often.
const NOTIFY_SECONDS: i64 = 300;

/// What is remembered of a schema from one run to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaMemory {
    /// Somebody wrote since the last run.
    pub changed: bool,
    /// Commits are not all scanned.
    pub commits: bool,
    /// Live bookings were not scanned since somebody wrote.
    pub unscanned: bool,
    /// Not before: who listens is told again, live bookings are scanned again.
    pub notify_at: Instant,
    pub scan_at: Instant,
    /// Not before, changed or not: what ended is pruned again.
    pub ended_at: Instant,
    /// So often since somebody wrote: told, scanned, run without doing anything.
    pub told: u32,
    pub scans: u32,
    pub fruitless: u32,
}

impl SchemaMemory {
    /// Of a schema that nobody has looked at yet.
    pub const NEW: SchemaMemory = SchemaMemory {
        changed: true,
        commits: true,
        unscanned: true,
        notify_at: Instant::NEVER,
        scan_at: Instant::NEVER,
        ended_at: Instant::NEVER,
        told: 0,
        scans: 0,
        fruitless: 0,
    };

    /// At the beginning of a run: a change makes everything due that was put off.
    #[must_use]
    pub fn begun(self) -> SchemaMemory {
        if self.changed { SchemaMemory { ended_at: self.ended_at, ..SchemaMemory::NEW } } else { self }
    }

    /// After a task that wrote so many rows, and may have left some.
    pub fn ran(&mut self, task: Task, now: Instant, done: i64, more: bool, interval_seconds: i32) {
        match task {
            Task::NotifyOutbox if done > 0 => {
                self.notify_at = doubled(now, i64::from(interval_seconds), self.told, NOTIFY_SECONDS);
                self.told = self.told.saturating_add(1);
            }
            // Who listens is told at once of what this wrote.
            Task::ExpireHolds if done > 0 => (self.notify_at, self.told) = (Instant::NEVER, 0),
            Task::ScanCommits => self.commits = more,
            Task::ScanLiveBookings if done > 0 || more => self.scan_at = Instant::NEVER,
            Task::ScanLiveBookings => {
                self.unscanned = false;
                self.scan_at = doubled(now, SCAN_SECONDS.0, self.scans, SCAN_SECONDS.1);
                self.scans = self.scans.saturating_add(1);
            }
            Task::PruneEnded => {
                self.ended_at = now.after_seconds(if more { BACK_OFF_SECONDS.0 } else { QUIET_SECONDS })
            }
            _ => {}
        }
    }
}
