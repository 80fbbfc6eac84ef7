//! A limit in time for a piece of work: a timer, and a subtransaction by which it can be taken back. [unsafe]

use std::cell::Cell;
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};

use pgrx::pg_sys;

use super::{Store, rights};
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::Failure;
use crate::timer::{self, Reason};

/// Our timer went off and nobody has taken notice yet.
static FIRED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The reason that the server gave us.
    static REASON: Cell<Option<Reason>> = const { Cell::new(None) };
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

    /// Runs the work in a subtransaction, deferred triggers included: when it fails, what it did is taken back.
    pub fn in_savepoint<T>(&self, work: impl FnOnce(&Store) -> Result<T, Failure>) -> Result<T, Failure> {
        let subtransaction = Subtransaction::begin();
        let worked =
            work(self).and_then(|done| rights::fire_deferred(&self.connection, &self.attachment).map(|()| done));
        if worked.is_ok() {
            // Deferred triggers are code of the application.
            self.connection.held.forget();
            subtransaction.release();
        } else {
            subtransaction.roll_back();
            self.connection.survived();
        }
        worked
    }

    /// Runs the work in a subtransaction, and takes it back when it fails. What a refusal wrote before it stays.
    pub fn in_part<T>(&self, work: impl FnOnce(&Store) -> Result<T, Failure>) -> Result<T, Failure> {
        let subtransaction = Subtransaction::begin();
        let worked = work(self);
        if matches!(worked, Ok(_) | Err(Failure::Refused(_))) {
            subtransaction.release();
        } else {
            subtransaction.roll_back();
            self.connection.survived();
        }
        worked
    }

    /// Runs the work in a subtransaction and takes it back, however it ends.
    pub fn taken_back<T>(&self, work: impl FnOnce(&Store) -> Result<T, Failure>) -> Result<T, Failure> {
        let subtransaction = Subtransaction::begin();
        let worked = work(self);
        subtransaction.roll_back();
        self.connection.survived();
        worked
    }

    /// Does a lost race leave the transaction able to go on?
    pub fn is_read_committed(&self) -> bool {
        // SAFETY: reads the transaction's isolation level.
        unsafe { pg_sys::XactIsoLevel < pg_sys::XACT_REPEATABLE_READ as c_int }
    }

    /// Does what is read here decide whether somebody's transaction can commit?
    pub fn is_serializable(&self) -> bool {
        // SAFETY: as above.
        unsafe { pg_sys::XactIsoLevel == pg_sys::XACT_SERIALIZABLE as c_int }
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
    reason: Option<Reason>,
    around: Option<Instant>,
    /// Was a statement_timeout running? When it no longer is, it struck, and the cancel is its own.
    statement_timeout: bool,
    stopped: bool,
}

impl Timer {
    fn set(until: Instant) -> Timer {
        let around = UNTIL.get();
        let statement_timeout = timer::statement_timeout_runs();
        let ours = until != Instant::FOREVER && around.is_none_or(|around| until < around);
        let reason = ours.then(reason);
        if let Some(reason) = reason {
            FIRED.store(false, Ordering::Relaxed);
            UNTIL.set(Some(until));
            reason.set(until);
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
        // After it is stopped no signal of ours can set the flags again.
        reason.stop();
        let cancelled_by_server = self.statement_timeout && !timer::statement_timeout_runs();
        let fired = FIRED.swap(false, Ordering::Relaxed) && !cancelled_by_server;
        if fired {
            // SAFETY: a flag of the backend's own.
            unsafe { pg_sys::QueryCancelPending = 0 };
        }
        UNTIL.set(self.around);
        if let Some(around) = self.around {
            reason.set(around);
        }
        fired
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if !self.stopped {
            self.end();
        }
    }
}

fn reason() -> Reason {
    let reason = REASON.get().unwrap_or_else(|| Reason::register(strike));
    REASON.set(Some(reason));
    reason
}

/// Runs in the signal handler: asks for a cancel at the next safe point.
unsafe extern "C-unwind" fn strike() {
    FIRED.store(true, Ordering::Relaxed);
    // SAFETY: a flag of the backend's own.
    unsafe {
        pg_sys::QueryCancelPending = 1;
        timer::wake();
    }
}
