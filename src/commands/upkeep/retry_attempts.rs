//! The task retry_attempts: automatic attempts whose reason may have passed are made again.

use super::quarantine::TaskRun;
use crate::commands::auto_assign as command;
use crate::rules::attempt::auto_assign;
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::upkeep::task::Task;
use crate::store::Store;

/// One booking a transaction, so that no locks of several add up. What was skipped leaves no trace and would be found
/// again at once: the next visit looks.
pub fn run(run: &TaskRun) -> Result<(i64, bool), Failure> {
    let store = run.store;
    let Some((booking, hold)) = store.auto_assign_due(store.clock())? else { return Ok((0, false)) };
    let timeout_ms = Some(auto_assign::RETRY_TIMEOUT_MS);
    let attempt = |store: &Store| command::run(store, Some(booking), Some(hold), timeout_ms, Some("background"));
    let Some(report) = run.in_savepoint(Task::RetryAttempts.name(), booking, attempt)? else { return Ok((0, true)) };
    let skipped = matches!(report.outcome, Outcome::SkippedConfirmed | Outcome::SkippedInProgress);
    Ok((i64::from(report.outcome == Outcome::Confirmed), !skipped))
}
