//! A part of shared memory whose size is known when the library is built. [unsafe]

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pgrx::{PGRXSharedMemory, PgAtomic, PgSharedMemoryInitialization};

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
