//! The tasks prune_…: rows past their retention are deleted, a bounded batch of each kind.

use super::quarantine::TaskRun;
use crate::commands::{idempotency, shadow};
use crate::rules::refusal::failure::Failure;
use crate::rules::upkeep::{quarantine, retention};
use crate::settings;
use crate::store::Store;

/// Answers of the ledger.
pub fn ledger(store: &Store, batch: i32) -> Result<i64, Failure> {
    Ok(idempotency::prune(store, None, Some(batch))?.0.answers)
}

/// Disagreements of shadow mode.
pub fn disagreements(store: &Store, batch: i32) -> Result<i64, Failure> {
    shadow::prune(store, batch)
}

/// As long as answers: an attempt is part of what a key came to.
pub fn attempts(store: &Store, batch: i32) -> Result<i64, Failure> {
    let cutoff = retention::cutoff(store.clock(), None, settings::ledger_retention_days())?;
    store.attempts_prune(cutoff, batch)
}

/// As long as answers too: what a hold became is asked for under the key that confirmed it.
pub fn ended_holds(store: &Store, batch: i32) -> Result<i64, Failure> {
    let cutoff = retention::cutoff(store.clock(), None, settings::ledger_retention_days())?;
    store.ended_holds_prune(cutoff, batch)
}

pub fn outbox(store: &Store, batch: i32) -> Result<i64, Failure> {
    if !store.has_outbox() {
        return Ok(0);
    }
    let cutoff = retention::cutoff(store.clock(), None, settings::outbox_retention_days())?;
    store.outbox_prune(cutoff, batch)
}

/// Closed holds as long as answers; a batch of each kind. A table of the application's that points at a hold keeps it: that is
/// said, and keeps nothing else.
pub fn ended(run: &TaskRun, batch: i32) -> Result<(i64, bool), Failure> {
    let store = run.store;
    let cutoff = |days| retention::cutoff(store.clock(), None, days);
    let holds = cutoff(settings::ledger_retention_days())?;
    let dead = cutoff(settings::outbox_dead_retention_days())?;
    let mut counts = vec![store.marks_prune(batch)?];
    if store.has_outbox() {
        counts.push(store.outbox_prune_dead(dead, batch)?);
    }
    match store.in_savepoint(|store| store.holds_prune(holds, batch)) {
        Ok(pruned) => counts.push(pruned),
        Err(failure) if quarantine::is_its_own(&failure) => run.failed(quarantine::words(&failure)),
        Err(failure) => return Err(failure),
    }
    Ok((counts.iter().sum(), counts.iter().any(|count| *count >= i64::from(batch))))
}
