//! The server's own timers, for reasons of ours. [unsafe]

use std::ffi::c_int;
use std::sync::OnceLock;

use pgrx::pg_sys;

use crate::rules::booking::window::Instant;

// Exported by the server; the bindings leave `utils/timeout.h` out. SetLatch is declared again because the bindings'
// carries pgrx's guard, which has no place in a signal handler.
unsafe extern "C-unwind" {
    fn RegisterTimeout(reason: c_int, handler: Handler) -> c_int;
    fn enable_timeout_at(reason: c_int, at: pg_sys::TimestampTz);
    fn enable_timeout_after(reason: c_int, delay_ms: c_int);
    fn disable_timeout(reason: c_int, keep_indicator: bool);
    fn get_timeout_active(reason: c_int) -> bool;
    fn SetLatch(latch: *mut pg_sys::Latch);
}

/// Runs in the signal handler: it may set flags, and nothing else.
pub type Handler = unsafe extern "C-unwind" fn();

/// Asks for a reason of our own: the server takes any number past its own reasons for that, in every version.
const ANY_USER_TIMEOUT: c_int = 1000;
/// `STATEMENT_TIMEOUT`: the first four reasons are the same in every version.
const STATEMENT_TIMEOUT: c_int = 3;

/// What a timer goes off for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason(c_int);

impl Reason {
    /// Once a backend and handler: the server has room for ten.
    pub fn register(handler: Handler) -> Reason {
        // SAFETY: the handler lives as long as the library.
        Reason(unsafe { RegisterTimeout(ANY_USER_TIMEOUT, handler) })
    }

    /// A time in the past strikes at once.
    pub fn set(self, at: Instant) {
        // SAFETY: a reason that is registered.
        unsafe { enable_timeout_at(self.0, at.0) };
    }

    pub fn stop(self) {
        // SAFETY: a reason that is registered; one that is not set stays so.
        unsafe { disable_timeout(self.0, false) };
    }
}

/// Ends the work of a process that the server sets no statement_timeout for, as that one would: with 57014.
pub fn bound_statement(after_ms: i32) {
    // SAFETY: the server registers its own reasons in every process that is connected to a database.
    unsafe { enable_timeout_after(STATEMENT_TIMEOUT, after_ms) };
}

/// The bounded work is over; a timer that went off after its end is forgotten.
pub fn release_statement() {
    // SAFETY: as above; the flag is this process's own.
    unsafe {
        disable_timeout(STATEMENT_TIMEOUT, false);
        pg_sys::QueryCancelPending = 0;
    }
}

/// Is a statement_timeout running? One that struck is not.
pub fn statement_timeout_runs() -> bool {
    // SAFETY: reads the timers' state.
    unsafe { get_timeout_active(STATEMENT_TIMEOUT) }
}

/// What `end_process` goes off for, once a process.
static END: OnceLock<Reason> = OnceLock::new();

/// Ends this process some time after the limit of `bound_statement`: whoever catches that one, an owner's trigger say, does not
/// hold the process for ever.
pub fn bound_process(until: Instant) {
    END.get_or_init(|| Reason::register(end_process)).set(until);
}

pub fn release_process() {
    if let Some(reason) = END.get() {
        reason.stop();
    }
}

/// Runs in the signal handler: as SIGTERM does, which no exception block catches.
unsafe extern "C-unwind" fn end_process() {
    // SAFETY: a flag of the process's own, and its latch.
    unsafe {
        pg_sys::ProcDiePending = 1;
        wake();
    }
}

/// From a handler: whoever waits looks at the flags.
///
/// # Safety
/// In a backend, whose latch there is.
pub unsafe fn wake() {
    // SAFETY: what the server's own handlers do; nothing of it allocates or raises.
    unsafe {
        pg_sys::InterruptPending = 1;
        SetLatch(pg_sys::MyLatch);
    }
}
