//! What is counted once for the server, in shared memory: plain numbers, no lock, nothing that waits. [unsafe]

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};

use pgrx::prelude::*;
use pgrx::{PGRXSharedMemory, pg_shmem_init};

use super::prepared::Prepared;
use super::session;
use crate::shared_memory::Shared;

/// So many databases are counted for themselves.
const DATABASES: usize = 1024;

pub struct Counters {
    /// Since when is counted: from the first start, a crash or a reset on. A clean stop and start keep it.
    epoch: AtomicI64,
    /// Databases in the order in which they were met; 0: free.
    databases: [AtomicU32; DATABASES],
    pub prepared: Prepared,
    /// Attempts that rolled back and of which services read, or never will.
    pub observed: AtomicU64,
    pub unobserved: AtomicU64,
}

// SAFETY: atomics only, without a pointer in them: every process sees the same memory in the same way.
unsafe impl PGRXSharedMemory for Counters {}

// SAFETY: the name is ours alone.
static COUNTERS: Shared<Counters> = unsafe { Shared::new(c"holdfast counters") };

/// Asks for the shared memory, in the postmaster.
#[allow(unexpected_cfgs, reason = "pgrx's macro asks for a version that we do not support")]
pub fn register() {
    pg_shmem_init!(COUNTERS = Counters::begin());
}

/// The counters; None when the library is not preloaded.
pub fn counters() -> Option<&'static Counters> {
    COUNTERS.get()
}

pub fn add(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Relaxed);
}

impl Counters {
    fn begin() -> Counters {
        let counters = Counters {
            epoch: AtomicI64::new(0),
            databases: [const { AtomicU32::new(0) }; DATABASES],
            prepared: Prepared::new(),
            observed: AtomicU64::new(0),
            unobserved: AtomicU64::new(0),
        };
        counters.begin_epoch();
        counters
    }

    pub fn epoch(&self) -> i64 {
        self.epoch.load(Relaxed)
    }

    pub fn begin_epoch(&self) {
        self.epoch.store(session::now().0, Relaxed);
    }

    pub fn restore_epoch(&self, epoch: i64) {
        self.epoch.store(epoch, Relaxed);
    }

    /// The short number of a database; None when there are too many.
    pub fn number_of(&self, database: u32) -> Option<u64> {
        let found = self.databases.iter().position(|known| {
            let found = known.load(Relaxed);
            let taken = found == 0
                && known.compare_exchange(0, database, Relaxed, Relaxed).map_or_else(|now| now == database, |_| true);
            found == database || taken
        });
        found.map(|at| at as u64)
    }

    pub fn database(&self, number: u64) -> Option<u32> {
        self.databases.get(usize::try_from(number).ok()?).map(|database| database.load(Relaxed))
    }
}
