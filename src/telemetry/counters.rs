//! The counters in shared memory: plain numbers, no lock, no allocation, nothing that waits. [unsafe]

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use pgrx::prelude::*;
use pgrx::{PGRXSharedMemory, pg_shmem_init, pg_sys};

use super::prepared::Prepared;
use crate::rules::refusal::outcome::{CATALOGUE, Outcome};
use crate::shared_memory::Shared;

/// One epoch: from the moment the server made its shared memory until a crash, or until it stops.
pub struct Counters {
    epoch: AtomicI64,
    started: AtomicU64,
    pub in_flight: AtomicU64,
    pub replayed: AtomicU64,
    pub retries: AtomicU64,
    pub completed_in_time: AtomicU64,
    pub timeout_after_confirm: AtomicU64,
    outcomes: [AtomicU64; CATALOGUE.len()],
    pub prepared: Prepared,
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
    counter.fetch_add(number, Ordering::Relaxed);
}

impl Counters {
    fn begin() -> Counters {
        Counters {
            // SAFETY: reads the clock.
            epoch: AtomicI64::new(unsafe { pg_sys::GetCurrentTimestamp() }),
            started: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            replayed: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            completed_in_time: AtomicU64::new(0),
            timeout_after_confirm: AtomicU64::new(0),
            outcomes: [const { AtomicU64::new(0) }; CATALOGUE.len()],
            prepared: Prepared::new(),
        }
    }

    pub fn epoch(&self) -> i64 {
        self.epoch.load(Ordering::Relaxed)
    }

    pub fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    pub fn of(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize].load(Ordering::Relaxed)
    }

    /// An attempt began.
    pub fn begun(&self) {
        add(&self.started, 1);
        add(&self.in_flight, 1);
    }

    /// One that was in flight came to this.
    pub fn ended(&self, outcome: Outcome) {
        self.add_outcome(outcome, 1);
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub fn add_outcome(&self, outcome: Outcome, number: u64) {
        add(&self.outcomes[outcome as usize], number);
    }

    /// A deadline was met, or missed by what could no longer be taken back.
    pub fn add_timed(&self, in_time: u64, late: u64) {
        add(&self.completed_in_time, in_time);
        add(&self.timeout_after_confirm, late);
    }
}
