//! Memory of the server that lasts longer than a call. [unsafe]

use std::ffi::CStr;

use pgrx::pg_sys;

use super::guard;
use crate::rules::refusal::failure::ServerError;

/// Memory of the server that is given back with its owner.
pub struct Memory(pg_sys::MemoryContext);

impl Memory {
    pub fn new(name: &'static CStr) -> Memory {
        // SAFETY: a child of the memory that stays; the name stays, too.
        Memory(unsafe {
            pg_sys::AllocSetContextCreateInternal(
                pg_sys::TopMemoryContext,
                name.as_ptr(),
                pg_sys::ALLOCSET_SMALL_MINSIZE as usize,
                pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            )
        })
    }

    /// Runs the call, under the guard, with this as the memory that is taken from.
    ///
    /// # Safety
    /// As for `guard::guarded`.
    pub unsafe fn within<T>(&self, call: impl FnOnce() -> T) -> Result<T, Box<ServerError>> {
        // SAFETY: as the caller says; the guard puts the memory back after an error.
        unsafe {
            guard::guarded(|| {
                let before = pg_sys::CurrentMemoryContext;
                pg_sys::CurrentMemoryContext = self.0;
                let called = call();
                pg_sys::CurrentMemoryContext = before;
                called
            })
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: made in `new`, and in use by nobody but its owner.
        unsafe { pg_sys::MemoryContextDelete(self.0) };
    }
}
