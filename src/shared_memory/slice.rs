//! A part of shared memory whose length is a setting, read when the server starts. [unsafe]

use std::ffi::CStr;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};

use pgrx::{PGRXSharedMemory, PgSharedMemoryInitialization, pg_sys};

use super::slot::Slot;

/// # Safety
/// All bytes zero are a value of it: the one that an entry begins with.
pub unsafe trait Zeroed: PGRXSharedMemory {}

// SAFETY: atomics only, without a pointer in them: every process sees the same memory in the same way.
unsafe impl<const WORDS: usize> PGRXSharedMemory for Slot<WORDS> {}

// SAFETY: zero is a free one that nothing was written to.
unsafe impl<const WORDS: usize> Zeroed for Slot<WORDS> {}

/// Entries in shared memory, the same for every process of the server. A `register` says `pg_shmem_init!(PART = ())`.
pub struct SharedSlice<T> {
    name: &'static CStr,
    /// How many entries; asked once, in the postmaster, after its settings were read.
    asked: fn() -> usize,
    /// Both set in the postmaster; the sessions forked from it inherit them.
    length: AtomicUsize,
    first: AtomicPtr<T>,
}

impl<T: Zeroed> SharedSlice<T> {
    /// # Safety
    /// No other part, of anybody, has this name.
    pub const unsafe fn new(name: &'static CStr, length: fn() -> usize) -> SharedSlice<T> {
        SharedSlice { name, asked: length, length: AtomicUsize::new(0), first: AtomicPtr::new(null_mut()) }
    }

    /// The entries; none when the library is not preloaded, or when the setting asks for none.
    pub fn get(&self) -> &[T] {
        let first = self.first.load(Relaxed);
        if first.is_null() {
            return &[];
        }
        // SAFETY: the memory has this length, lives as long as the process, and holds what may be shared.
        unsafe { std::slice::from_raw_parts(first, self.length.load(Relaxed)) }
    }

    fn bytes(&self) -> usize {
        size_of::<T>() * self.length.load(Relaxed)
    }
}

impl<T: Zeroed> PgSharedMemoryInitialization for SharedSlice<T> {
    type Value = ();

    /// # Safety
    /// Called when the server asks how much is needed.
    unsafe fn on_shmem_request(&'static self) {
        self.length.store((self.asked)(), Relaxed);
        if self.bytes() > 0 {
            // SAFETY: as this function.
            unsafe { pg_sys::RequestAddinShmemSpace(self.bytes()) };
        }
    }

    /// # Safety
    /// Called when the server has made it, after a crash too.
    unsafe fn on_shmem_startup(&'static self, (): ()) {
        if self.bytes() == 0 {
            return;
        }
        let mut found = false;
        // SAFETY: as this function. The postmaster is alone: no session is forked before its shared memory is made, and in
        // one that is made anew after a crash nothing is found.
        let first = unsafe { pg_sys::ShmemInitStruct(self.name.as_ptr(), self.bytes(), &raw mut found).cast::<T>() };
        assert!(first.is_aligned(), "shared memory is not aligned");
        if !found {
            // SAFETY: it is this long, nobody else has it yet, and zero is a value of its entries.
            unsafe { std::ptr::write_bytes(first, 0, self.length.load(Relaxed)) };
        }
        self.first.store(first, Relaxed);
    }
}
