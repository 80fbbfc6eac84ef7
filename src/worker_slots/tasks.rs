//! What came of each task in each attached schema, since the server started. [unsafe]

use std::sync::atomic::{AtomicI32, AtomicI64, AtomicU64, Ordering::Relaxed};

use pgrx::prelude::*;
use pgrx::{PGRXSharedMemory, pg_shmem_init};

use super::schema::SLOTS;
use super::{SchemaSlot, TASKS, board};
use crate::shared_memory::{SharedSlice, Zeroed};

/// One task of one schema. Zeroed memory is one that never ran.
pub struct TaskCounts {
    pub runs: AtomicU64,
    /// Those of the runs that an error ended.
    pub failures: AtomicU64,
    /// When the last run ended; 0: there was none.
    pub last_run: AtomicI64,
    /// The SQLSTATE of the last error, packed, and when that was; 0: there was none. Also of a row that was left alone for it.
    pub last_error: AtomicI32,
    pub last_error_at: AtomicI64,
}

/// The tasks of one schema.
pub struct SchemaTasks([TaskCounts; TASKS]);

// SAFETY: atomics only, without a pointer in them: every process sees the same memory in the same way.
unsafe impl PGRXSharedMemory for SchemaTasks {}

// SAFETY: zero is one of which no task ever ran.
unsafe impl Zeroed for SchemaTasks {}

// SAFETY: the name is ours alone. One for each slot of a schema, in the same order.
static OF_SCHEMAS: SharedSlice<SchemaTasks> = unsafe { SharedSlice::new(c"holdfast tasks of schemas", || SLOTS) };

/// Asks for the shared memory, in the postmaster.
#[allow(unexpected_cfgs, reason = "pgrx's macro asks for a version that we do not support")]
pub fn register() {
    pg_shmem_init!(OF_SCHEMAS = ());
}

/// The tasks of a schema, in their order; none of one whose slot is a process's own.
pub fn of(slot: &SchemaSlot) -> &'static [TaskCounts] {
    let place = board().and_then(|board| board.slots.iter().position(|known| std::ptr::eq(known, slot)));
    place.and_then(|place| OF_SCHEMAS.get().get(place)).map_or(&[], |tasks| &tasks.0)
}

/// Takes note of what a task came to, for whoever watches.
pub fn note(slot: &SchemaSlot, task: usize, what: impl FnOnce(&TaskCounts)) {
    if let Some(counts) = of(slot).get(task) {
        what(counts);
    }
}

impl TaskCounts {
    /// A run ended.
    pub fn ran(&self, now: i64) {
        self.runs.fetch_add(1, Relaxed);
        self.last_run.store(now, Relaxed);
    }

    /// An error ended a run.
    pub fn failed(&self, sqlstate: i32, now: i64) {
        self.failures.fetch_add(1, Relaxed);
        self.erred(sqlstate, now);
        self.ran(now);
    }

    /// An error was met.
    pub fn erred(&self, sqlstate: i32, now: i64) {
        self.last_error.store(sqlstate, Relaxed);
        self.last_error_at.store(now, Relaxed);
    }

    pub(super) fn clear(&self) {
        self.runs.store(0, Relaxed);
        self.failures.store(0, Relaxed);
        self.last_error.store(0, Relaxed);
        self.last_run.store(0, Relaxed);
        self.last_error_at.store(0, Relaxed);
    }
}
