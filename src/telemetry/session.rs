//! Where and when a session is at this moment. [unsafe]

use pgrx::pg_sys;

use crate::rules::attempt::tally::Part;
use crate::rules::booking::window::Instant;

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
    Instant(unsafe { pg_sys::GetCurrentTimestamp() })
}
