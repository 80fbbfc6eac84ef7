//! From what instant on each task is due in a schema, and when its next run is.

use super::pace::{FRUITLESS_MS, GAP_MS};
use super::schema_memory::SchemaMemory;
use super::task::{TASKS, Task};
use crate::rules::booking::window::Instant;

/// From what instant on each task has something to do in a schema; None: nothing. Read by index, nothing is locked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Agenda {
    /// A subscription fills the tables: nothing is to be done at all.
    pub is_subscriber: bool,
    pub retry: Option<Instant>,
    pub expire: Option<Instant>,
    pub notify: Option<Instant>,
    /// Until then the scan of commits is throttled.
    pub commits: Option<Instant>,
    /// Until then the scan of live bookings is throttled; and is there one?
    pub live: Option<Instant>,
    pub has_live: bool,
    pub bookings: Option<Instant>,
    pub ledger: Option<Instant>,
    pub attempts: Option<Instant>,
    pub ended_holds: Option<Instant>,
    pub outbox: Option<Instant>,
    pub disagreements: Option<Instant>,
}

/// How much of an agenda has to be read again after a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reread {
    Nothing,
    /// When the next hold runs out.
    Holds,
    All,
}

/// Instants of an agenda, as they are kept between two runs.
pub const KEPT: usize = 11;

impl Agenda {
    /// When a task is due.
    #[must_use]
    pub fn at(&self, task: Task, memory: &SchemaMemory) -> Instant {
        let at = match task {
            _ if self.is_subscriber => None,
            Task::RecordAttempts | Task::RecordDisagreements => memory.changed.then_some(Instant::NEVER),
            Task::RetryAttempts => self.retry,
            Task::ExpireHolds => self.expire,
            Task::NotifyOutbox => self.notify.map(|at| at.max(memory.notify_at)),
            Task::ScanCommits => self.commits.filter(|_| memory.commits),
            Task::ScanLiveBookings => {
                self.live.filter(|_| memory.unscanned || self.has_live).map(|at| at.max(memory.scan_at))
            }
            Task::ScanBookings => self.bookings,
            Task::PruneLedger => self.ledger,
            Task::PruneAttempts => self.attempts,
            Task::PruneEndedHolds => self.ended_holds,
            Task::PruneOutbox => self.outbox,
            Task::PruneDisagreements => self.disagreements,
            Task::PruneEnded => Some(memory.ended_at),
        };
        at.unwrap_or(Instant::FOREVER)
    }

    /// Takes note of what a task did: an agenda is right until somebody else writes, but for what the worker itself moved.
    pub fn ran(&mut self, task: Task, now: Instant, done: i64) -> Reread {
        match task {
            Task::NotifyOutbox if done > 0 => Reread::Nothing,
            Task::ExpireHolds => {
                if done > 0 {
                    self.notify = Some(self.notify.map_or(now, |at| at.min(now)));
                }
                Reread::Holds
            }
            _ => Reread::All,
        }
    }

    /// As it is kept between two runs.
    #[must_use]
    pub fn kept(&self) -> ([Instant; KEPT], bool) {
        let Agenda { is_subscriber: _, retry, expire, notify, commits, live, has_live, .. } = *self;
        let Agenda { bookings, ledger, attempts, ended_holds, outbox, disagreements, .. } = *self;
        let all =
            [retry, expire, notify, commits, live, bookings, ledger, attempts, ended_holds, outbox, disagreements];
        (all.map(|at| at.unwrap_or(Instant::FOREVER)), has_live)
    }

    #[must_use]
    pub fn from_kept(kept: [Instant; KEPT], has_live: bool) -> Agenda {
        let [retry, expire, notify, commits, live, bookings, ledger, attempts, ended_holds, outbox, disagreements] =
            kept.map(|at| Some(at).filter(|at| *at != Instant::FOREVER));
        Agenda {
            is_subscriber: false,
            retry,
            expire,
            notify,
            commits,
            live,
            has_live,
            bookings,
            ledger,
            attempts,
            ended_holds,
            outbox,
            disagreements,
        }
    }

    /// When the schema's next run is due, after one that ended now and did something or nothing. What is due still could
    /// not be done, or was too much for one run.
    #[must_use]
    pub fn next(&self, memory: &SchemaMemory, now: Instant, quiet: Instant) -> Instant {
        let pause = FRUITLESS_MS.0.saturating_mul(1 << memory.fruitless.saturating_sub(1).min(10)).min(FRUITLESS_MS.1);
        let floor = now.after_ms(if memory.fruitless == 0 { GAP_MS } else { pause });
        let earliest = TASKS.iter().map(|task| self.at(*task, memory)).min().unwrap_or(Instant::FOREVER);
        earliest.max(floor).min(quiet)
    }

    /// When what somebody waits for is due next, after it was done now and the rest of the run is still to come. What is
    /// due still could not be done; attempts are recorded when somebody writes.
    #[must_use]
    pub fn next_urgent(&self, memory: &SchemaMemory, now: Instant) -> Instant {
        let timed = [Task::RetryAttempts, Task::ExpireHolds, Task::NotifyOutbox];
        let earliest = timed.iter().map(|task| self.at(*task, memory)).min().unwrap_or(Instant::FOREVER);
        earliest.max(now.after_ms(FRUITLESS_MS.0))
    }
}
