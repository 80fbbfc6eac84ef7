//! Shared memory of ours: asked for in the postmaster while it preloads the library, and there from then on. [unsafe]
//!
//! A part of it is a `static` of type [`Shared`] that holds atomic numbers only, and a `register` beside it that says
//! `pg_shmem_init!(PART = its first value)`, called by `_PG_init` in the postmaster. Without preloading there is none.

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pgrx::{PGRXSharedMemory, PgAtomic, PgSharedMemoryInitialization, pg_sys};

/// A part of shared memory, the same for every process of the server.
pub struct Shared<T> {
    memory: PgAtomic<T>,
    /// Set in the postmaster; the sessions forked from it inherit it.
    there: AtomicBool,
}

impl<T: PGRXSharedMemory> Shared<T> {
    /// # Safety
    /// No other part, of anybody, has this name.
    pub const unsafe fn new(name: &'static CStr) -> Shared<T> {
        // SAFETY: the caller vouches for the name.
        Shared { memory: unsafe { PgAtomic::new(name) }, there: AtomicBool::new(false) }
    }

    /// None when the library is not preloaded.
    pub fn get(&self) -> Option<&T> {
        self.there.load(Relaxed).then(|| self.memory.get())
    }
}

impl<T: PGRXSharedMemory> PgSharedMemoryInitialization for Shared<T> {
    type Value = T;

    /// # Safety
    /// Called when the server asks how much is needed.
    unsafe fn on_shmem_request(&'static self) {
        // SAFETY: as this function.
        unsafe { self.memory.on_shmem_request() };
    }

    /// # Safety
    /// Called when the server has made it, after a crash too.
    unsafe fn on_shmem_startup(&'static self, value: T) {
        // SAFETY: as this function.
        unsafe { self.memory.on_shmem_startup(value) };
        self.there.store(true, Relaxed);
    }
}

/// Is this the postmaster, loading what its configuration names? Later the server has no shared memory to give.
pub fn is_preloading() -> bool {
    // SAFETY: reads a flag of the server.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress }
}
