//! Upkeep, a bounded batch of each task: what is locked by others is left, what was found is judged again under lock.

use super::quarantine::in_savepoint;
use crate::rules::attempt::auto_assign;
use crate::rules::booking::window::Instant;
use crate::rules::hold::HoldEnding;
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::upkeep::quarantine;
use crate::rules::upkeep::retention;
use crate::rules::upkeep::{Agenda, TASKS, Task};
use crate::settings;
use crate::store::Store;
use crate::store::upkeep::Overdue;
pub use crate::store::upkeep::{AttachedSchema, attached_schemas, watched_tables};
use crate::telemetry;

/// What one batch of a task came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    pub task: Task,
    /// Rows that it closed or forgot.
    pub done: i64,
    /// The batch was full: there may be more.
    pub more: bool,
    /// What kept some of it, or all, from being done.
    pub error: Option<String>,
}

/// Every task once, in one transaction. One that fails for a reason of its own does not keep the others.
pub fn sweep(store: &Store, batch: Option<i32>) -> Result<Vec<Swept>, Failure> {
    let batch = retention::batch(batch)?;
    if store.is_subscriber()? {
        let error = Some("a subscription fills the tables of this schema: the publisher does its upkeep".to_owned());
        return Ok(TASKS
            .iter()
            .map(|task| Swept { task: *task, done: 0, more: false, error: error.clone() })
            .collect());
    }
    let once = |task: &Task| match store.in_savepoint(|store| task_once(store, *task, batch)) {
        Err(failure) if quarantine::is_its_own(&failure) => {
            Ok(Swept { task: *task, done: 0, more: false, error: Some(quarantine::words(&failure)) })
        }
        swept => swept,
    };
    TASKS.iter().map(once).collect()
}

/// One batch of one task.
pub fn task_once(store: &Store, task: Task, batch: i32) -> Result<Swept, Failure> {
    let full = |done: i64| (done, done >= i64::from(batch));
    let (done, more) = match task {
        Task::RecordAttempts => (record_attempts(store)?, false),
        Task::RetryAttempts => retry_attempts(store)?,
        Task::ExpireHolds => full(expire_holds(store, batch)?),
        // One notification says all.
        Task::NotifyOutbox => (notify(store)?, false),
        Task::ScanCommits => full(super::scan_commits::now_and_then(store, batch)?),
        Task::ScanLiveBookings => super::scan_bookings::live(store, batch)?,
        Task::ScanBookings => super::scan_bookings::all(store, batch)?,
        Task::PruneLedger => full(super::idempotency::prune(store, None, Some(batch))?.0.answers),
        Task::PruneAttempts => full(prune_attempts(store, batch)?),
        Task::PruneEndedHolds => full(prune_ended_holds(store, batch)?),
        Task::PruneOutbox => full(prune_outbox(store, batch)?),
        Task::RecordDisagreements => full(super::shadow::keep_waiting(store, batch)?),
        Task::PruneDisagreements => full(super::shadow::prune(store, batch)?),
        Task::PruneEnded => prune_ended(store, batch)?,
    };
    let error = store.first_error_take();
    Ok(Swept { task, done, more, error })
}

/// Nobody who asks has to wait for it: until then the note answers.
fn record_attempts(store: &Store) -> Result<i64, Failure> {
    let taken = telemetry::take_orphaned(store.number());
    for orphaned in &taken {
        store.attempt_record_orphaned(orphaned)?;
    }
    Ok(taken.len() as i64)
}

/// One booking a transaction, so that no locks of several add up. What was skipped leaves no trace and would be found
/// again at once: the next visit looks.
fn retry_attempts(store: &Store) -> Result<(i64, bool), Failure> {
    let Some((booking, hold)) = store.auto_assign_due(store.clock())? else { return Ok((0, false)) };
    let timeout_ms = Some(auto_assign::RETRY_TIMEOUT_MS);
    let attempt =
        |store: &Store| super::auto_assign::run(store, Some(booking), Some(hold), timeout_ms, Some("background"));
    let Some(report) = in_savepoint(store, Task::RetryAttempts.name(), booking, attempt)? else { return Ok((0, true)) };
    let skipped = matches!(report.outcome, Outcome::SkippedConfirmed | Outcome::SkippedInProgress);
    Ok((i64::from(report.outcome == Outcome::Confirmed), !skipped))
}

/// How many schemas were notified: none, or one. Not in the confirm: it would forbid PREPARE TRANSACTION, and make
/// commits wait for one another.
fn notify(store: &Store) -> Result<i64, Failure> {
    if store.has_outbox() { store.outbox_notify(store.clock()) } else { Ok(0) }
}

/// The deadline is judged by a clock read before the locks: what was over then is over now.
fn expire_holds(store: &Store, batch: i32) -> Result<i64, Failure> {
    let now = store.clock();
    let overdue = store.holds_overdue(now, batch)?;
    close(store, &overdue, now)
}

/// All at once; when one of them is refused, by a trigger of the application's, by halves until it stands alone.
fn close(store: &Store, overdue: &[Overdue], now: Instant) -> Result<i64, Failure> {
    match overdue {
        [] => Ok(0),
        [one] => {
            let closed =
                in_savepoint(store, Task::ExpireHolds.name(), one.hold, |store| write_closed(store, overdue, now))?;
            Ok(closed.map_or(0, |()| 1))
        }
        _ => match store.in_savepoint(|store| write_closed(store, overdue, now)) {
            Ok(()) => Ok(overdue.len() as i64),
            Err(failure) if quarantine::is_its_own(&failure) => {
                let (one, other) = overdue.split_at(overdue.len() / 2);
                Ok(close(store, one, now)? + close(store, other, now)?)
            }
            Err(failure) => Err(failure),
        },
    }
}

fn write_closed(store: &Store, overdue: &[Overdue], now: Instant) -> Result<(), Failure> {
    let endings: Vec<HoldEnding> = overdue.iter().map(Overdue::ending).collect();
    let mirrors = overdue.iter().map(|due| due.mirrors.len() as i64).sum();
    let written = super::release::end(store, &endings, None, now)?;
    super::assert_written("Sweep", &[mirrors], &[written])
}

/// As long as answers: an attempt is part of what a key came to.
fn prune_attempts(store: &Store, batch: i32) -> Result<i64, Failure> {
    let cutoff = retention::cutoff(store.clock(), None, settings::ledger_retention_days())?;
    store.attempts_prune(cutoff, batch)
}

/// As long as answers too: what a hold became is asked for under the key that confirmed it.
fn prune_ended_holds(store: &Store, batch: i32) -> Result<i64, Failure> {
    let cutoff = retention::cutoff(store.clock(), None, settings::ledger_retention_days())?;
    store.ended_holds_prune(cutoff, batch)
}

fn prune_outbox(store: &Store, batch: i32) -> Result<i64, Failure> {
    if !store.has_outbox() {
        return Ok(0);
    }
    let cutoff = retention::cutoff(store.clock(), None, settings::outbox_retention_days())?;
    store.outbox_prune(cutoff, batch)
}

/// Closed holds as long as answers; a batch of each kind. A table of the application's that points at a hold keeps it: that is
/// said, and keeps nothing else.
fn prune_ended(store: &Store, batch: i32) -> Result<(i64, bool), Failure> {
    let cutoff = |days| retention::cutoff(store.clock(), None, days);
    let holds = cutoff(settings::ledger_retention_days())?;
    let dead = cutoff(settings::outbox_dead_retention_days())?;
    let mut counts = vec![store.marks_prune(batch)?];
    if store.has_outbox() {
        counts.push(store.outbox_prune_dead(dead, batch)?);
    }
    match store.in_savepoint(|store| store.holds_prune(holds, batch)) {
        Ok(pruned) => counts.push(pruned),
        Err(failure) if quarantine::is_its_own(&failure) => store.first_error_keep(quarantine::words(&failure)),
        Err(failure) => return Err(failure),
    }
    Ok((counts.iter().sum(), counts.iter().any(|count| *count >= i64::from(batch))))
}

/// When the next hold runs out.
pub fn next_expiry(store: &Store) -> Result<Option<Instant>, Failure> {
    store.hold_next(store.clock())
}

/// Is it another server that does the upkeep?
pub fn is_subscriber(store: &Store) -> Result<bool, Failure> {
    store.is_subscriber()
}

/// From what instant on somebody waits for something; of the rest nothing is said. Reads by index and writes nothing.
pub fn urgent_agenda(store: &Store) -> Result<Agenda, Failure> {
    if store.is_subscriber()? {
        return Ok(Agenda { is_subscriber: true, ..Agenda::default() });
    }
    store.agenda_urgent(store.clock())
}

/// From what instant on each task has something to do. Reads by index and writes nothing.
pub fn agenda(store: &Store) -> Result<Agenda, Failure> {
    let urgent = urgent_agenda(store)?;
    if urgent.is_subscriber {
        return Ok(urgent);
    }
    let now = store.clock();
    let mut agenda = store.agenda_ages(urgent)?;
    let kept = |since: &mut Option<Instant>, days: i32| {
        *since = since.map(|at| at.after_seconds(retention::seconds(days)));
    };
    agenda.disagreements = if store.has_disagreements() { store.disagreements_oldest()? } else { None };
    kept(&mut agenda.outbox, settings::outbox_retention_days());
    for since in [&mut agenda.ledger, &mut agenda.attempts, &mut agenda.ended_holds, &mut agenda.disagreements] {
        kept(since, settings::ledger_retention_days());
    }
    let scans = if store.scans_bookings() && store.has_verified() { store.agenda_scans(now)? } else { None };
    agenda.commits = Some(scans.as_ref().map_or(Instant::NEVER, |scans| scans.commits));
    agenda.has_live = scans.as_ref().is_some_and(|scans| scans.has_live);
    if settings::reconcile_interval() > 0 {
        agenda.live = Some(scans.as_ref().map_or(Instant::NEVER, |scans| scans.live));
    }
    let minutes = settings::full_scan_interval();
    if minutes > 0 {
        let next = |began: Option<Instant>| began.map(|at| at.after_seconds(60 * i64::from(minutes)));
        agenda.bookings = scans.and_then(|scans| Some(scans.batch?.max(next(scans.passed).unwrap_or(Instant::NEVER))));
    }
    Ok(agenda)
}
