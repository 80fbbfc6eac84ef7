//! Upkeep: the tasks of the worker, when each is due in a schema, and how long the worker stays and rests.

pub mod quarantine;
pub mod retention;
pub mod scan_bookings;

use crate::rules::booking::window::Instant;

/// Seconds between two looks for what others wrote (`holdfast.worker_interval`); commits of our calls say so themselves.
pub const INTERVAL_SECONDS: i32 = 5;
/// Worker processes at once, over all databases (`holdfast.max_workers`).
pub const WORKERS: i32 = 2;
/// Between the end of a round of runs and the next, so that calls that come thick are answered together.
pub const GAP_MS: i64 = 500;
/// A round is followed by a rest forty times as long, up to this: where calls have no core to spare, it takes little of one.
pub const REST_MS: i64 = 5000;
const RESTS: i64 = 40;
/// How long one round may take; what is left is for the next.
pub const BUDGET_MS: i64 = 2000;
/// One transaction of a run is cancelled after so long, whatever it waits for or got lost in.
pub const TRANSACTION_MS: i32 = 30_000;
/// And its process is ended so long after that, if the work caught the cancel and went on.
pub const GRACE_MS: i32 = 5000;
/// A worker process stays while something is due within this time …
const STAY_MS: i64 = 5000;
/// … but not for ever: what it remembers of many schemas goes with it, and the next one reads its settings anew.
const LIFE_MS: i64 = 60_000;
/// Without a change of its tables, a schema is looked at again after so long; where changes are not counted, sooner.
const QUIET_SECONDS: i64 = 3600;
const UNCOUNTED_SECONDS: i64 = 60;
/// A rest makes no hold wait longer than this past its deadline, and no call by so much more.
const LATE_MS: i64 = 3000;
const CALLED_MS: i64 = REST_MS - LATE_MS;
/// The first and the longest pause after errors.
const BACK_OFF_SECONDS: (i64, i64) = (5, 300);
/// What was due and could not be done, because somebody has it locked, is tried again after this, at most that.
const FRUITLESS_MS: (i64, i64) = (1000, 8000);
/// Live bookings of a schema in which nothing changes are scanned after this, at most that: their findings depend on time.
const SCAN_SECONDS: (i64, i64) = (60, 3600);
/// Who does not take the events that are due is told of them less and less often.
const NOTIFY_SECONDS: i64 = 300;

/// One thing that has to be done again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Attempts whose session was ended are written down.
    RecordAttempts,
    /// Automatic attempts that failed for a reason that may have passed are made again, while their hold lives.
    RetryAttempts,
    /// Open holds past their deadline are closed.
    ExpireHolds,
    /// Who listens is told that events are due.
    NotifyOutbox,
    /// What was committed is looked at again.
    ScanCommits,
    /// Every live booking is looked at, as the view sees it.
    ScanLiveBookings,
    /// Every live booking is looked at, one after the other.
    ScanBookings,
    /// What shadow mode found in calls that raised is written down.
    RecordDisagreements,
    /// Old answers are deleted.
    PruneLedger,
    /// Old attempts that came to nothing are deleted.
    PruneAttempts,
    /// What became of holds that ended long ago is deleted.
    PruneEndedHolds,
    /// Events that were delivered long ago are deleted.
    PruneOutbox,
    /// Old disagreements of shadow mode are deleted.
    PruneDisagreements,
    /// What ended long ago and nobody asks for is deleted, once an hour: closed holds, events that nobody could deliver, marks
    /// of bookings that are gone.
    PruneEnded,
}

/// In the order in which they are done: first what an automatic attempt is made again for, then what takes locks and may
/// wait, then what keeps tables from others.
pub const TASKS: &[Task] = &[
    Task::RecordAttempts,
    Task::RetryAttempts,
    Task::ExpireHolds,
    Task::NotifyOutbox,
    Task::ScanCommits,
    Task::ScanLiveBookings,
    Task::ScanBookings,
    Task::RecordDisagreements,
    Task::PruneLedger,
    Task::PruneAttempts,
    Task::PruneEndedHolds,
    Task::PruneOutbox,
    Task::PruneDisagreements,
    Task::PruneEnded,
];

impl Task {
    /// Nobody waits for it: the worker does one batch a run, so that a backlog of millions takes no core from the calls.
    #[must_use]
    pub fn is_patient(self) -> bool {
        matches!(
            self,
            Task::PruneLedger
                | Task::PruneAttempts
                | Task::PruneEndedHolds
                | Task::PruneOutbox
                | Task::PruneDisagreements
                | Task::PruneEnded
        )
    }

    /// Somebody waits for it: it is done in every schema before anything else is done in any.
    #[must_use]
    pub fn is_urgent(self) -> bool {
        matches!(self, Task::RecordAttempts | Task::RetryAttempts | Task::ExpireHolds | Task::NotifyOutbox)
    }

    /// What it writes leaves nothing to be done but what an agenda says: nobody has to come because of that.
    #[must_use]
    pub fn leaves_nothing(self) -> bool {
        self == Task::ExpireHolds || self.is_patient()
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Task::RecordAttempts => "record_attempts",
            Task::RetryAttempts => "retry_attempts",
            Task::ExpireHolds => "expire_holds",
            Task::NotifyOutbox => "notify_outbox",
            Task::ScanCommits => "scan_commits",
            Task::ScanLiveBookings => "scan_live_bookings",
            Task::ScanBookings => "scan_bookings",
            Task::RecordDisagreements => "record_disagreements",
            Task::PruneLedger => "prune_ledger",
            Task::PruneAttempts => "prune_attempts",
            Task::PruneEndedHolds => "prune_ended_holds",
            Task::PruneOutbox => "prune_outbox",
            Task::PruneDisagreements => "prune_disagreements",
            Task::PruneEnded => "prune_ended",
        }
    }
}

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

/// So many seconds later, twice as many each time, up to a limit.
fn doubled(now: Instant, first: i64, times: u32, most: i64) -> Instant {
    now.after_seconds(first.saturating_mul(1 << times.min(16)).min(most.max(first)))
}

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

/// When a schema is looked at again of which nothing is heard.
#[must_use]
pub fn quiet(now: Instant, counted: bool) -> Instant {
    now.after_seconds(if counted { QUIET_SECONDS } else { UNCOUNTED_SECONDS })
}

/// When a schema is looked at again in which there must be no upkeep: its tables are filled by a subscription, say.
#[must_use]
pub fn skipped(now: Instant) -> Instant {
    now.after_seconds(UNCOUNTED_SECONDS)
}

/// How long nobody runs anything after a round that took so long, whoever calls. `late_ms`: the latest of what is left; of
/// what is due next, the time until then, below zero.
#[must_use]
pub fn rest_ms(took_ms: i64, late_ms: i64) -> i64 {
    let longest = LATE_MS.saturating_sub(late_ms).clamp(GAP_MS, REST_MS);
    took_ms.saturating_mul(RESTS).clamp(GAP_MS, longest)
}

/// From when on what is due at an instant is late: a call has no deadline.
#[must_use]
pub fn late_from(due_at: Instant, is_call: bool) -> Instant {
    if is_call { due_at.after_ms(CALLED_MS) } else { due_at }
}

/// Does a worker that came at `born` stay for what is due next?
#[must_use]
pub fn stays(now: Instant, next: Instant, born: Instant) -> bool {
    next <= now.after_ms(STAY_MS) && now < born.after_ms(LIFE_MS)
}

/// When a schema is tried again, after `failures` runs in a row that failed (this one included).
#[must_use]
pub fn after_failure(now: Instant, failures: u32) -> Instant {
    doubled(now, BACK_OFF_SECONDS.0, failures.saturating_sub(1), BACK_OFF_SECONDS.1)
}
