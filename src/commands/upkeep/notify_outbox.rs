//! The task notify_outbox: who listens is told that events are due.

use crate::rules::refusal::failure::Failure;
use crate::store::Store;

/// How many schemas were notified: none, or one. Not in the confirm: it would forbid PREPARE TRANSACTION, and make
/// commits wait for one another.
pub fn run(store: &Store) -> Result<i64, Failure> {
    if store.has_outbox() { store.outbox_notify(store.clock()) } else { Ok(0) }
}
