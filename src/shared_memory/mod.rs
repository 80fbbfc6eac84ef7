//! Shared memory of ours: asked for in the postmaster while it preloads the library, and there from then on. [unsafe]
//!
//! A part of it holds atomic numbers only, and a `register` beside it says `pg_shmem_init!(PART = its first value)`,
//! called by `_PG_init` in the postmaster. [`Shared`] is a part of a fixed size, [`SharedSlice`] one as long as a setting
//! says. What is written as a whole lies in a [`slot::Slot`]; what is found by a number, in a table by [`keyed`].

pub mod keyed;
#[cfg(feature = "pgrx")]
mod part;
pub mod rate;
pub mod ring;
#[cfg(feature = "pgrx")]
mod slice;
pub mod slot;

#[cfg(feature = "pgrx")]
pub use part::Shared;
#[cfg(feature = "pgrx")]
pub use slice::{SharedSlice, Zeroed};

/// Is this the postmaster, loading what its configuration names? Later the server has no shared memory to give.
#[cfg(feature = "pgrx")]
pub fn is_preloading() -> bool {
    // SAFETY: reads a flag of the server.
    unsafe { pgrx::pg_sys::process_shared_preload_libraries_in_progress }
}
