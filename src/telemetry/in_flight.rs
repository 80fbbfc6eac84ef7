//! What each session is at: its attempt that runs, or the last that waits for the end of its transaction. [unsafe]

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use pgrx::prelude::*;
use pgrx::{pg_shmem_init, pg_sys};

use crate::rules::attempt::by_part::Part;
use crate::rules::trace::lock_holder::LockHolder;
use crate::rules::trace::span::{Span, WORDS};
use crate::settings;
use crate::shared_memory::SharedSlice;
use crate::shared_memory::slot::{Slot, Stage};

// SAFETY: the name is ours alone.
static SESSIONS: SharedSlice<Slot<WORDS>> = unsafe { SharedSlice::new(c"holdfast attempts in flight", sessions) };

/// Every session that the server has room for, by the number of its place.
fn sessions() -> usize {
    // SAFETY: the server has counted them before it asks how much memory is needed.
    usize::try_from(unsafe { pg_sys::MaxBackends }).unwrap_or_default()
}

thread_local! {
    /// The last attempt that wrote in each part of this transaction, the innermost part last.
    static WRITTEN: RefCell<Vec<(Part, Span)>> = const { RefCell::new(Vec::new()) };
}

/// Asks for the shared memory, in the postmaster.
#[allow(unexpected_cfgs, reason = "pgrx's macro asks for a version that we do not support")]
pub fn register() {
    pg_shmem_init!(SESSIONS = ());
}

/// Is there room for this session's?
pub fn is_on() -> bool {
    own().is_some()
}

fn own() -> Option<&'static Slot<WORDS>> {
    // SAFETY: both are set before the session runs anything, and the place is one of the server's own array.
    let place = unsafe {
        if pg_sys::MyProc.is_null() || pg_sys::ProcGlobal.is_null() {
            return None;
        }
        pg_sys::MyProc.offset_from((*pg_sys::ProcGlobal).allProcs)
    };
    SESSIONS.get().get(usize::try_from(place).ok()?)
}

fn change(fill: impl FnOnce(&[AtomicU64; WORDS])) {
    if let Some(slot) = own() {
        slot.write(slot.seen(), fill);
    }
}

/// It runs.
pub fn show(span: &Span) {
    if settings::span_keys() {
        return change(|words| span.write(|at, value| words[at].store(value, Relaxed)));
    }
    let mut bare = span.clone();
    bare.forget_key();
    change(|words| bare.write(|at, value| words[at].store(value, Relaxed)));
}

/// It got further.
pub fn reach(span: &Span) {
    change(|words| span.write_phase(|at, value| words[at].store(value, Relaxed)));
}

/// It wrote, and is in flight until its transaction ends.
pub fn written(span: Span, part: Part) {
    with(|written| {
        written.retain(|(of, _)| *of != part);
        written.push((part, span));
    });
}

/// Nothing runs: what wrote before is at the end of its work.
pub fn rest() {
    with(|written| written.last().map_or_else(clear, |(_, span)| show(span)));
}

/// A part of the transaction ended, and belongs to the one around it.
pub fn part_committed(part: Part, around: Part) {
    with(|written| {
        if let Some((of, _)) = written.last_mut().filter(|(of, _)| *of == part) {
            *of = around;
            let place = written.len() - 1;
            if place > 0 && written[place - 1].0 == around {
                written.remove(place - 1);
            }
        }
    });
}

/// A part of the transaction was taken back: its attempt is in flight no more. False: it had none.
pub fn part_aborted(part: Part) -> bool {
    let mut changed = false;
    with(|written| {
        let before = written.len();
        written.retain(|(of, _)| *of != part);
        changed = written.len() != before;
    });
    changed
}

/// The transaction has ended.
pub fn forget() {
    with(Vec::clear);
    clear();
}

/// Whoever is called while a transaction ends must not panic.
fn with(work: impl FnOnce(&mut Vec<(Part, Span)>)) {
    let _ = WRITTEN.try_with(|written| written.try_borrow_mut().map(|mut written| work(&mut written)));
}

fn clear() {
    if let Some(slot) = own() {
        let seen = slot.seen();
        if seen.stage() == Stage::Ready && slot.take(seen) {
            slot.release();
        }
    }
}

/// What every session is at.
pub fn read() -> Vec<Span> {
    SESSIONS.get().iter().filter_map(|slot| Span::of_words(&slot.read()?.1)).collect()
}

/// The session that has the lock which this one waits for. Of the others no more is read than that takes.
pub fn lock_holder_for(waiter: &Span) -> Option<LockHolder> {
    let others = SESSIONS.get().iter().filter_map(|slot| LockHolder::of_words(&slot.read()?.1));
    others.into_iter().find(|other| other.has_lock_of(waiter))
}
