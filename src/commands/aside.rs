//! One of many that fails: the others go on, it is left alone for a while, and what it said is kept.

use crate::rules::Id;
use crate::rules::aside;
use crate::rules::failure::Failure;
use crate::store::Store;

/// Does the work for one booking or hold. None: it failed for a reason of its own and was set aside.
pub fn apart<T>(
    store: &Store,
    step: &str,
    id: Id,
    work: impl FnOnce(&Store) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    match store.apart(work) {
        Ok(done) => Ok(Some(done)),
        Err(failure) if aside::is_its_own(&failure) => {
            let words = aside::words(&failure);
            leave(store, step, id, &words)?;
            store.aside_say(format!("{words} ({id})"));
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// Leaves it alone for a while, longer than the last time.
pub fn leave(store: &Store, step: &str, id: Id, words: &str) -> Result<(), Failure> {
    let failures = store.aside_failures(step, id)? + 1;
    store.aside_note(step, id, aside::until(store.clock(), failures), words)
}
