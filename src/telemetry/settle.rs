//! Settles what a session's attempts came to, when the server says how its transaction ended. [unsafe]

use std::cell::{Cell, RefCell};

use pgrx::pg_sys;

use super::counters::{Counters, counters};
use super::prepared::End;
use super::session::{now, part, us_between};
use super::{label_set, orphaned, shadow};
use crate::rules::attempt::by_part::Part;
use crate::rules::attempt::tally::{LabelSetNumber, Tally, Ticket, Written};
use crate::rules::booking::window::Instant;
use crate::rules::refusal::outcome::{CATALOGUE, Outcome};
use crate::rules::statistics::phase_times::TimedPhase;
use crate::rules::statistics::saved::Promised;

thread_local! {
    static TALLY: RefCell<Tally> = const { RefCell::new(Tally::new()) };
    /// When the server began to commit what has attempts in it.
    static COMMITS: Cell<Option<Instant>> = const { Cell::new(None) };
}

pub fn begin(label_set: LabelSetNumber) -> Ticket {
    with_tally(|tally| tally.begin(part(), label_set)).unwrap_or_default()
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
        pg_sys::XactEvent::XACT_EVENT_PRE_COMMIT => {
            let any = with_tally(|tally| !tally.is_empty()).unwrap_or(false);
            let _ = COMMITS.try_with(|began| began.set(any.then(now)));
        }
        pg_sys::XactEvent::XACT_EVENT_COMMIT => {
            with_tally(commit);
        }
        pg_sys::XactEvent::XACT_EVENT_ABORT => {
            with_tally(|tally| tally.aborted(ended));
        }
        pg_sys::XactEvent::XACT_EVENT_PREPARE => {
            with_tally(|tally| prepare(counters, tally));
        }
        // The last moment at which looking may fail: it makes room for the notes.
        pg_sys::XactEvent::XACT_EVENT_PRE_PREPARE if with_tally(|tally| tally.is_empty()) == Some(false) => {
            settle_prepared(counters);
        }
        _ => {}
    }
}

pub fn part_ends(event: pg_sys::SubXactEvent::Type, part: Part, around: Part) {
    if counters().is_none() {
        return;
    }
    match event {
        pg_sys::SubXactEvent::SUBXACT_EVENT_COMMIT_SUB => {
            shadow::part_committed(part, around);
            with_tally(|tally| tally.part_committed(part, around))
        }
        pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB => {
            orphaned::part_aborted();
            shadow::part_aborted(part);
            with_tally(|tally| tally.part_aborted(part, ended))
        }
        _ => None,
    };
}

fn ended(label_set: LabelSetNumber, outcome: Outcome) {
    if let Some(label_set) = label_set::at(label_set) {
        label_set.ended(outcome);
    }
}

fn commit(tally: &mut Tally) {
    let took = COMMITS.try_with(Cell::take).ok().flatten().map(|began| us_between(began, now()));
    tally.committed(|number, end| {
        let Some(label_set) = label_set::at(number) else { return };
        match end {
            Ok(written) => {
                label_set.ended(written.outcome);
                let (in_time, late) = timed(&written);
                label_set.timed(in_time, late);
                if let Some(us) = took {
                    label_set.took(TimedPhase::Commit, us);
                }
            }
            Err(outcome) => label_set.ended(outcome),
        }
    });
}

/// In time or too late, as numbers to add. The clock is read for those that have a deadline.
fn timed(written: &Written) -> (u64, u64) {
    match written.deadline.and_then(|_| written.in_time(now())) {
        Some(in_time) => (u64::from(in_time), u64::from(!in_time)),
        None => (0, 0),
    }
}

/// One note for each label set and outcome that the transaction promises. Where the process has no memory for them its
/// attempts stay counted as prepared.
fn prepare(counters: &Counters, tally: &mut Tally) {
    // SAFETY: reads the transaction's state, which still has its number here.
    let transaction = unsafe { pg_sys::GetTopFullTransactionIdIfAny() }.value;
    let mut promised: Vec<Promised> = Vec::new();
    let room = promised.try_reserve_exact(tally.len()).is_ok();
    tally.committed(|number, end| {
        let Some(label_set) = label_set::at(number) else { return };
        let written = match end {
            Ok(written) => written,
            Err(outcome) => return label_set.ended(outcome),
        };
        label_set.prepared(1);
        let (in_time, late) = timed(&written);
        let (label_set, outcome) = (number as usize, written.outcome as usize);
        match promised.iter_mut().find(|known| (known.label_set, known.outcome) == (label_set, outcome)) {
            Some(known) => {
                known.number += 1;
                known.in_time += in_time;
                known.late += late;
            }
            None if room => promised.push(Promised { label_set, outcome, number: 1, in_time, late }),
            None => {}
        }
    });
    for promise in promised {
        counters.prepared.note(transaction, promise);
    }
}

/// Looks whether prepared transactions have ended meanwhile, and counts what their attempts came to.
pub fn settle_prepared(counters: &Counters) {
    counters.prepared.settle(end_of, |promised, end| {
        let label_set = LabelSetNumber::try_from(promised.label_set).ok().and_then(label_set::at);
        let (Some(label_set), Some(entry)) = (label_set, CATALOGUE.get(promised.outcome)) else { return };
        match end {
            End::Committed => {
                label_set.settled(entry.outcome, promised.number);
                label_set.timed(promised.in_time, promised.late);
            }
            End::RolledBack => label_set.settled(Outcome::RolledBack, promised.number),
        }
    });
}

/// How the transaction ended; None while it has not, or when the server remembers it no longer.
pub fn end_of(transaction: u64) -> Option<End> {
    // SAFETY: reads the counter. A number that was never given, of a file from before the cluster was reset, is an error to ask for.
    if transaction >= unsafe { pg_sys::ReadNextFullTransactionId() }.value {
        return None;
    }
    let argument = Some(pg_sys::Datum::from(transaction));
    // SAFETY: pg_xact_status takes an xid8, which is its 64 bits, and returns text or NULL.
    let status = unsafe { pgrx::direct_function_call::<String>(pg_sys::pg_xact_status, &[argument]) };
    match status.as_deref() {
        Some("committed") => Some(End::Committed),
        Some("aborted") => Some(End::RolledBack),
        _ => None,
    }
}
