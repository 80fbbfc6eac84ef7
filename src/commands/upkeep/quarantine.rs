//! One of many that fails: the others go on, it is left alone for a while, and what it said is kept.

use crate::rules::Id;
use crate::rules::refusal::failure::Failure;
use crate::rules::upkeep::quarantine;
use crate::store::Store;

/// Does the work for one booking or hold. None: it failed for a reason of its own and is in quarantine.
pub fn in_savepoint<T>(
    store: &Store,
    step: &str,
    id: Id,
    work: impl FnOnce(&Store) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    match store.in_savepoint(work) {
        Ok(done) => Ok(Some(done)),
        Err(failure) if quarantine::is_its_own(&failure) => {
            let words = quarantine::words(&failure);
            leave(store, step, id, &words)?;
            store.first_error_keep(format!("{words} ({id})"));
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// Leaves it alone for a while, longer than the last time.
pub fn leave(store: &Store, step: &str, id: Id, words: &str) -> Result<(), Failure> {
    let failures = store.quarantine_failures(step, id)? + 1;
    store.quarantine_write(step, id, quarantine::until(store.clock(), failures), words)
}
