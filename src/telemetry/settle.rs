//! Settles what a session's attempts came to, when the server says how its transaction ended. [unsafe]

use std::cell::RefCell;

use pgrx::pg_sys;

use super::counters::{Counters, counters};
use super::prepared::{End, Promised};
use super::{orphaned, shadow};
use crate::rules::attempt::tally::{Part, Tally, Ticket, Written};
use crate::rules::booking::window::Instant;
use crate::rules::refusal::outcome::{CATALOGUE, Outcome};

thread_local! {
    static TALLY: RefCell<Tally> = const { RefCell::new(Tally::new()) };
}

pub fn begin() -> Ticket {
    with_tally(|tally| tally.begin(part())).unwrap_or_default()
}

pub fn answered(ticket: Ticket) -> bool {
    with_tally(|tally| tally.answered(ticket)).unwrap_or(false)
}

pub fn written(ticket: Ticket, written: Written) {
    with_tally(|tally| tally.written(ticket, part(), written));
}

/// These run where an error would bring the server down, so nothing in them may panic.
fn with_tally<T>(work: impl FnOnce(&mut Tally) -> T) -> Option<T> {
    TALLY.try_with(|tally| tally.try_borrow_mut().ok().map(|mut tally| work(&mut tally))).ok().flatten()
}

fn part() -> Part {
    // SAFETY: reads the transaction's state.
    unsafe { pg_sys::GetCurrentSubTransactionId() }
}

fn now() -> Instant {
    // SAFETY: reads the clock.
    Instant(unsafe { pg_sys::GetCurrentTimestamp() })
}

pub fn transaction_ends(event: pg_sys::XactEvent::Type) {
    let Some(counters) = counters() else { return };
    match event {
        pg_sys::XactEvent::XACT_EVENT_COMMIT | pg_sys::XactEvent::XACT_EVENT_PREPARE => {
            orphaned::committed(event == pg_sys::XactEvent::XACT_EVENT_PREPARE);
            shadow::committed();
        }
        pg_sys::XactEvent::XACT_EVENT_ABORT => {
            orphaned::aborted();
            shadow::aborted();
        }
        _ => {}
    }
    match event {
        pg_sys::XactEvent::XACT_EVENT_COMMIT => with_tally(|tally| commit(counters, tally)),
        pg_sys::XactEvent::XACT_EVENT_ABORT => with_tally(|tally| tally.aborted(|outcome| counters.ended(outcome))),
        pg_sys::XactEvent::XACT_EVENT_PREPARE => with_tally(|tally| prepare(counters, tally)),
        // The last moment at which looking may fail: it makes room for the notes.
        pg_sys::XactEvent::XACT_EVENT_PRE_PREPARE if with_tally(|tally| tally.is_empty()) == Some(false) => {
            settle_prepared(counters);
            None
        }
        _ => None,
    };
}

pub fn part_ends(event: pg_sys::SubXactEvent::Type, part: Part, around: Part) {
    let Some(counters) = counters() else { return };
    match event {
        pg_sys::SubXactEvent::SUBXACT_EVENT_COMMIT_SUB => {
            shadow::part_committed(part, around);
            with_tally(|tally| tally.part_committed(part, around))
        }
        pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB => {
            orphaned::part_aborted();
            shadow::part_aborted(part);
            with_tally(|tally| tally.part_aborted(part, |outcome| counters.ended(outcome)))
        }
        _ => None,
    };
}

fn commit(counters: &Counters, tally: &mut Tally) {
    tally.committed(|end| match end {
        Ok(written) => {
            counters.ended(written.outcome);
            let (in_time, late) = timed(&written);
            counters.add_timed(in_time, late);
        }
        Err(outcome) => counters.ended(outcome),
    });
}

/// In time or too late, as numbers to add. The clock is read for those that have a deadline.
fn timed(written: &Written) -> (u64, u64) {
    match written.deadline.and_then(|_| written.in_time(now())) {
        Some(in_time) => (u64::from(in_time), u64::from(!in_time)),
        None => (0, 0),
    }
}

/// One note for each outcome that the transaction promises.
fn prepare(counters: &Counters, tally: &mut Tally) {
    // SAFETY: reads the transaction's state, which still has its number here.
    let transaction = unsafe { pg_sys::GetTopFullTransactionIdIfAny() }.value;
    let mut promised = [Promised::default(); CATALOGUE.len()];
    tally.committed(|end| match end {
        Ok(written) => {
            let promise = &mut promised[written.outcome as usize];
            let (in_time, late) = timed(&written);
            promise.outcome = written.outcome as usize;
            promise.number += 1;
            promise.in_time += in_time;
            promise.late += late;
        }
        Err(outcome) => counters.ended(outcome),
    });
    for promise in promised.into_iter().filter(|promise| promise.number > 0) {
        counters.prepared.note(transaction, promise);
        counters.in_flight.fetch_sub(promise.number, std::sync::atomic::Ordering::Relaxed);
    }
}

/// Looks whether prepared transactions have ended meanwhile, and counts what their attempts came to.
pub fn settle_prepared(counters: &Counters) {
    counters.prepared.settle(end_of, |outcome, promised, end| match end {
        End::Committed => {
            counters.add_outcome(outcome, promised.number);
            counters.add_timed(promised.in_time, promised.late);
        }
        End::RolledBack => counters.add_outcome(Outcome::RolledBack, promised.number),
    });
}

/// How the transaction ended; None while it has not, or when the server remembers it no longer.
pub fn end_of(transaction: u64) -> Option<End> {
    let argument = Some(pg_sys::Datum::from(transaction));
    // SAFETY: pg_xact_status takes an xid8, which is its 64 bits, and returns text or NULL.
    let status = unsafe { pgrx::direct_function_call::<String>(pg_sys::pg_xact_status, &[argument]) };
    match status.as_deref() {
        Some("committed") => Some(End::Committed),
        Some("aborted") => Some(End::RolledBack),
        _ => None,
    }
}
