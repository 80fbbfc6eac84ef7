//! Where and when a session is at this moment. [unsafe]

use std::cell::RefCell;
use std::ffi::{CStr, c_int};

use pgrx::pg_sys;

use crate::rules::attempt::by_part::Part;
use crate::rules::booking::window::Instant;
use crate::unguarded;

// Exported by the server; the bindings leave `utils/timeout.h` out.
unsafe extern "C-unwind" {
    fn get_timeout_start_time(reason: c_int) -> pg_sys::TimestampTz;
}

/// `DEADLOCK_TIMEOUT`, the same in every version.
const DEADLOCK_TIMEOUT: c_int = 1;

/// When this session last began to wait for a lock: whoever does starts the timer that looks for a deadlock.
pub fn last_wait() -> i64 {
    // SAFETY: reads what the process keeps of its timers.
    unsafe { get_timeout_start_time(DEADLOCK_TIMEOUT) }
}

thread_local! {
    static DATABASE_NAME: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Finds out what the database is called, while the server may be asked.
pub fn note_database_name() {
    // SAFETY: in a transaction; returns null or a palloc'd, NUL-terminated name.
    let name = unsafe {
        let name = pg_sys::get_database_name(pg_sys::MyDatabaseId);
        if name.is_null() { None } else { Some(CStr::from_ptr(name).to_string_lossy().into_owned()) }
    };
    DATABASE_NAME.set(name);
}

/// What the database was called when that was asked for.
pub fn database_name() -> Option<String> {
    DATABASE_NAME.try_with(|name| name.try_borrow().ok()?.clone()).ok().flatten()
}

/// The database of this session.
pub fn database() -> u32 {
    // SAFETY: set once, when the backend started.
    unsafe { pg_sys::MyDatabaseId }.to_u32()
}

/// The part of the transaction that runs.
pub fn part() -> Part {
    // SAFETY: reads the transaction's state.
    unsafe { pg_sys::GetCurrentSubTransactionId() }
}

pub fn now() -> Instant {
    // SAFETY: reads the clock.
    Instant(unsafe { unguarded::GetCurrentTimestamp() })
}

/// In microseconds; nothing where the clock was set back meanwhile.
pub fn us_between(began: Instant, now: Instant) -> u64 {
    u64::try_from(now.0.saturating_sub(began.0)).unwrap_or_default()
}
