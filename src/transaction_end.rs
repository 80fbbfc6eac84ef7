//! Who is told when a transaction, or a part of it, ends. [unsafe]
//!
//! One registration for all, called in the order that is written here. Nothing in it may raise or panic once the
//! transaction has ended: an error at this moment would bring the server down.

use std::ffi::c_void;
use std::ptr::null_mut;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::{telemetry, worker_slots};

/// Once, in the postmaster: the sessions forked from it inherit it.
pub fn register() {
    // SAFETY: the server keeps both for the life of the process.
    unsafe {
        pg_sys::RegisterXactCallback(Some(transaction_ends), null_mut());
        pg_sys::RegisterSubXactCallback(Some(part_ends), null_mut());
    }
}

/// The worker is called last: what an ended session leaves is noted by then.
#[pg_guard]
unsafe extern "C-unwind" fn transaction_ends(event: pg_sys::XactEvent::Type, _argument: *mut c_void) {
    telemetry::recording::transaction_ends(event);
    telemetry::transaction_ends(event);
    worker_slots::transaction_ends(event);
    telemetry::recording::take_untold().into_iter().for_each(worker_slots::call_now);
}

#[pg_guard]
unsafe extern "C-unwind" fn part_ends(
    event: pg_sys::SubXactEvent::Type,
    part: pg_sys::SubTransactionId,
    around: pg_sys::SubTransactionId,
    _argument: *mut c_void,
) {
    telemetry::recording::part_ends(event, part, around);
    telemetry::part_ends(event, part, around);
}
