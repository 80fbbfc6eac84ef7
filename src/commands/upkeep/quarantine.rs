//! One of many that fails: the others go on, it is left alone for a while, and what it said is kept.

use std::cell::Cell;

use crate::rules::Id;
use crate::rules::refusal::failure::Failure;
use crate::rules::upkeep::quarantine;
use crate::store::Store;

/// One batch of a task, and what the first of those that failed said.
pub struct TaskRun<'a> {
    pub store: &'a Store,
    first_error: Cell<Option<String>>,
}

impl<'a> TaskRun<'a> {
    #[must_use]
    pub fn begin(store: &'a Store) -> TaskRun<'a> {
        TaskRun { store, first_error: Cell::default() }
    }

    /// Does the work for one booking or hold. None: it failed for a reason of its own and is in quarantine.
    pub fn in_savepoint<T>(
        &self,
        step: &str,
        id: Id,
        work: impl FnOnce(&Store) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        match self.store.in_savepoint(work) {
            Ok(done) => Ok(Some(done)),
            Err(failure) if quarantine::is_its_own(&failure) => {
                let words = quarantine::words(&failure);
                leave(self.store, step, id, &words)?;
                self.failed(format!("{words} ({id})"));
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Keeps the first thing that was said, for whoever asked for the whole batch.
    pub fn failed(&self, words: String) {
        let first = self.first_error.take().unwrap_or(words);
        self.first_error.set(Some(first));
    }

    #[must_use]
    pub fn into_first_error(self) -> Option<String> {
        self.first_error.into_inner()
    }
}

/// Leaves it alone for a while, longer than the last time.
pub fn leave(store: &Store, step: &str, id: Id, words: &str) -> Result<(), Failure> {
    let failures = store.quarantine_failures(step, id)? + 1;
    store.quarantine_write(step, id, quarantine::until(store.clock(), failures), words)
}
