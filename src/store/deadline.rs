//! A limit in time for a piece of work: a timer, and a subtransaction by which it can be taken back. [unsafe]

use std::cell::Cell;
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};

use pgrx::pg_sys;

use super::Store;
use crate::rules::failure::Failure;
use crate::rules::window::Instant;

// Exported by the server; the bindings leave `utils/timeout.h` out. SetLatch is declared again because the bindings'
// carries pgrx's guard, which has no place in a signal handler.
unsafe extern "C-unwind" {
    fn RegisterTimeout(reason: c_int, handler: unsafe extern "C-unwind" fn()) -> c_int;
    fn enable_timeout_at(reason: c_int, at: pg_sys::TimestampTz);
    fn disable_timeout(reason: c_int, keep_indicator: bool);
    fn get_timeout_active(reason: c_int) -> bool;
    fn SetLatch(latch: *mut pg_sys::Latch);
}

/// Asks for a reason of our own: the server takes any number past its own reasons for that, in every version.
const ANY_USER_TIMEOUT: c_int = 1000;
/// `STATEMENT_TIMEOUT`: the first four reasons are the same in every version.
const STATEMENT_TIMEOUT: c_int = 3;

/// Our timer went off and nobody has taken notice yet.
static FIRED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The reason that the server gave us.
    static REASON: Cell<Option<c_int>> = const { Cell::new(None) };
    /// What the timer is set to: the earliest limit of the calls that are inside each other.
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// How a piece of work ended.
pub enum Ended<T> {
    Done(T),
    /// Nothing of it is left, unless it was refused: then what it wrote stays.
    Failed(Failure),
    /// Nothing of it is left.
    TimedOut,
}

impl Store {
    /// Runs the work in a subtransaction, and takes it back when it fails or has not ended by `until`.
    pub fn within<T>(&self, until: Instant, work: impl FnOnce(&Store) -> Result<T, Failure>) -> Ended<T> {
        let subtransaction = Subtransaction::begin();
        let timer = Timer::set(until);
        let worked = work(self);
        if timer.stop() {
            subtransaction.roll_back();
            self.connection.survived();
            return Ended::TimedOut;
        }
        match worked {
            Ok(done) => {
                subtransaction.release();
                Ended::Done(done)
            }
            Err(Failure::Refused(refusal)) => {
                subtransaction.release();
                Ended::Failed(refusal.into())
            }
            Err(failure) => {
                subtransaction.roll_back();
                self.connection.survived();
                Ended::Failed(failure)
            }
        }
    }

    /// Does a lost race leave the transaction able to go on?
    pub fn is_read_committed(&self) -> bool {
        // SAFETY: reads the transaction's isolation level.
        unsafe { pg_sys::XactIsoLevel < pg_sys::XACT_REPEATABLE_READ as c_int }
    }
}

/// Ended by `release` or `roll_back`; a panic on its way to the server's error report rolls back, so that whoever
/// catches the error finds their own subtransaction on top.
struct Subtransaction {
    memory: pg_sys::MemoryContext,
    owner: pg_sys::ResourceOwner,
    open: bool,
}

impl Subtransaction {
    fn begin() -> Subtransaction {
        // SAFETY: what PL/pgSQL does for a block that catches errors.
        unsafe {
            let (memory, owner) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
            pg_sys::BeginInternalSubTransaction(std::ptr::null());
            pg_sys::CurrentMemoryContext = memory;
            Subtransaction { memory, owner, open: true }
        }
    }

    fn release(mut self) {
        self.open = false;
        // SAFETY: the subtransaction begun above is the innermost one; whoever began another ended it.
        unsafe { pg_sys::ReleaseCurrentSubTransaction() };
        self.restore();
    }

    fn roll_back(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.open = false;
        // SAFETY: as above.
        unsafe { pg_sys::RollbackAndReleaseCurrentSubTransaction() };
        self.restore();
    }

    fn restore(&self) {
        // SAFETY: both were current when the subtransaction began and outlive it.
        unsafe {
            pg_sys::CurrentMemoryContext = self.memory;
            pg_sys::CurrentResourceOwner = self.owner;
        }
    }
}

impl Drop for Subtransaction {
    fn drop(&mut self) {
        if self.open {
            self.end();
        }
    }
}

/// The server's timer, set to a limit; when calls are inside each other, to the earliest.
struct Timer {
    /// None: the limit around this one comes first, and is not ours to notice.
    reason: Option<c_int>,
    around: Option<Instant>,
    /// Was a statement_timeout running? When it no longer is, it struck, and the cancel is its own.
    statement_timeout: bool,
    stopped: bool,
}

impl Timer {
    fn set(until: Instant) -> Timer {
        let around = UNTIL.get();
        // SAFETY: reads the timers' state.
        let statement_timeout = unsafe { get_timeout_active(STATEMENT_TIMEOUT) };
        let ours = until != Instant::FOREVER && around.is_none_or(|around| until < around);
        let reason = ours.then(reason);
        if let Some(reason) = reason {
            FIRED.store(false, Ordering::Relaxed);
            UNTIL.set(Some(until));
            // SAFETY: a reason that is registered; a limit in the past strikes at once.
            unsafe { enable_timeout_at(reason, until.0) };
        }
        Timer { reason, around, statement_timeout, stopped: false }
    }

    /// Did the limit pass? The cancel that it asked for, if nobody has answered it yet, is taken back.
    fn stop(mut self) -> bool {
        self.end()
    }

    fn end(&mut self) -> bool {
        self.stopped = true;
        let Some(reason) = self.reason else { return false };
        // SAFETY: the timer set above; the flags are the backend's own. After it is stopped no signal of ours can
        // set them again.
        unsafe {
            disable_timeout(reason, false);
            let fired = FIRED.swap(false, Ordering::Relaxed);
            let cancelled_by_server = self.statement_timeout && !get_timeout_active(STATEMENT_TIMEOUT);
            if fired && !cancelled_by_server {
                pg_sys::QueryCancelPending = 0;
            }
            UNTIL.set(self.around);
            if let Some(around) = self.around {
                enable_timeout_at(reason, around.0);
            }
            fired && !cancelled_by_server
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if !self.stopped {
            self.end();
        }
    }
}

fn reason() -> c_int {
    REASON.get().unwrap_or_else(|| {
        // SAFETY: once a backend; the handler lives as long as the library.
        let reason = unsafe { RegisterTimeout(ANY_USER_TIMEOUT, strike) };
        REASON.set(Some(reason));
        reason
    })
}

/// Runs in the signal handler: asks for a cancel at the next safe point.
unsafe extern "C-unwind" fn strike() {
    FIRED.store(true, Ordering::Relaxed);
    // SAFETY: what the server's own handlers do; nothing of it allocates or raises.
    unsafe {
        pg_sys::QueryCancelPending = 1;
        pg_sys::InterruptPending = 1;
        SetLatch(pg_sys::MyLatch);
    }
}
