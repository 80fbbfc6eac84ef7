//! Upkeep, a bounded batch of each task: what is locked by others is left, what was found is judged again under lock.
//!
//! One file a task. Which tasks there are, and when each is due, is `rules/upkeep/`.

mod agenda;
mod expire_holds;
pub mod memory;
mod notify_outbox;
mod prune;
mod quarantine;
mod record_attempts;
mod retry_attempts;
mod scan_bookings;
pub mod scan_commits;
mod scan_live_bookings;

use super::shadow;
use crate::rules::refusal::failure::Failure;
use crate::rules::upkeep::quarantine as failing;
use crate::rules::upkeep::retention;
use crate::rules::upkeep::task::{TASKS, Task};
use crate::store::Store;
pub use crate::store::upkeep::{AttachedSchema, attached_schemas, watched_tables};
pub use agenda::{is_subscriber, next_expiry, of as agenda, urgent as urgent_agenda};
use quarantine::TaskRun;
pub use scan_live_bookings::read_ahead;

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
        Err(failure) if failing::is_its_own(&failure) => {
            Ok(Swept { task: *task, done: 0, more: false, error: Some(failing::words(&failure)) })
        }
        swept => swept,
    };
    TASKS.iter().map(once).collect()
}

/// One batch of one task.
pub fn task_once(store: &Store, task: Task, batch: i32) -> Result<Swept, Failure> {
    let full = |done: i64| (done, done >= i64::from(batch));
    let run = TaskRun::begin(store);
    let (done, more) = match task {
        Task::RecordAttempts => (record_attempts::run(store)?, false),
        Task::RetryAttempts => retry_attempts::run(&run)?,
        Task::ExpireHolds => full(expire_holds::run(&run, batch)?),
        // One notification says all.
        Task::NotifyOutbox => (notify_outbox::run(store)?, false),
        Task::ScanCommits => full(scan_commits::now_and_then(&run, batch)?),
        Task::ScanLiveBookings => scan_live_bookings::run(&run, batch)?,
        Task::ScanBookings => (scan_bookings::run(&run, batch)?, false),
        Task::RecordDisagreements => full(shadow::keep_waiting(store, batch)?),
        Task::PruneLedger => full(prune::ledger(store, batch)?),
        Task::PruneAttempts => full(prune::attempts(store, batch)?),
        Task::PruneEndedHolds => full(prune::ended_holds(store, batch)?),
        Task::PruneOutbox => full(prune::outbox(store, batch)?),
        Task::PruneDisagreements => full(prune::disagreements(store, batch)?),
        Task::PruneEnded => prune::ended(&run, batch)?,
    };
    Ok(Swept { task, done, more, error: run.into_first_error() })
}
