//! Attempts whose session ended before their transaction: noted in shared memory until they are written down. [unsafe]
//!
//! The server tells a session that ends that its transaction is rolled back, before it gives up the locks: whoever
//! finds an attempt's lock free finds the note. `kill -9` and a crash of the server tell nobody, and end the memory too.

use std::cell::RefCell;
use std::sync::atomic::Ordering::Relaxed;

use pgrx::prelude::*;
use pgrx::{PGRXSharedMemory, pg_shmem_init, pg_sys};

use super::session::{database, now};
use crate::rules::Id;
use crate::rules::attempt::orphaned::{Orphaned, WORDS, makes_room};
use crate::rules::attempt::phase::Phase;
use crate::rules::attempt::tally::Ticket;
use crate::shared_memory::Shared;
use crate::shared_memory::slot::{Slot, SlotState, Stage};

/// So many can wait to be written down; after that the oldest of whoever has most of them makes room.
const DATABASES: usize = 128;

/// So many attempts of one transaction are remembered.
const REMEMBERED: usize = 128;

struct Notes([Slot<WORDS>; DATABASES]);

// SAFETY: atomics only, without a pointer in them: every process sees the same memory in the same way.
unsafe impl PGRXSharedMemory for Notes {}

// SAFETY: the name is ours alone.
static NOTES: Shared<Notes> = unsafe { Shared::new(c"holdfast cut off attempts") };

thread_local! {
    /// The attempts of this transaction, in the order of their beginning.
    static RUNNING: RefCell<Vec<(Ticket, Orphaned)>> = const { RefCell::new(Vec::new()) };
    /// Places that this transaction writes down.
    static TAKES: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Asks for the shared memory, in the postmaster.
#[allow(unexpected_cfgs, reason = "pgrx's macro asks for a version that we do not support")]
pub fn register() {
    pg_shmem_init!(NOTES = Notes([const { Slot::free() }; DATABASES]));
}

/// How far an attempt got that is remembered.
pub fn reach(ticket: Ticket, phase: Phase) {
    RUNNING.with_borrow_mut(|running| {
        if let Some((_, attempt)) = running.iter_mut().rev().find(|(of, _)| *of == ticket) {
            attempt.phase = phase;
        }
    });
}

/// Remembers an attempt until its transaction ends.
pub fn remember(ticket: Ticket, attempt: Orphaned) {
    RUNNING.with_borrow_mut(|running| {
        if running.len() < REMEMBERED {
            running.push((ticket, attempt));
        }
    });
}

/// It got an answer from before: there is nothing that could be cut off.
pub fn forget(ticket: Ticket) {
    RUNNING.with_borrow_mut(|running| running.retain(|(of, _)| *of != ticket));
}

/// What is noted of a key; the last, if it was cut off more than once.
pub fn find(schema: u32, booking: Id, key: &str) -> Option<Orphaned> {
    let database = database();
    let notes = NOTES.get()?.0.iter().filter_map(|slot| Some(note_in(slot)?.1));
    notes.filter(|note| note.is_of(database, schema, booking, key)).max_by_key(|note| note.ended)
}

/// Hands out the notes of a schema to be written down by this transaction; they are gone when it has committed, and
/// back when it has not.
pub fn take(schema: u32) -> Vec<Orphaned> {
    let Some(notes) = NOTES.get() else { return Vec::new() };
    let database = database();
    let mut taken = Vec::new();
    for (at, slot) in notes.0.iter().enumerate() {
        let ours = |note: &Orphaned| (note.database, note.schema) == (database, schema);
        if let Some((seen, note)) = note_in(slot).filter(|(_, note)| ours(note))
            && slot.take(seen)
        {
            TAKES.with_borrow_mut(|takes| takes.push(at));
            taken.push(note);
        }
    }
    taken
}

/// The transaction committed, or was prepared: its attempts are no longer this session's.
pub fn committed(prepared: bool) {
    forget_all();
    settle_takes(if prepared { Slot::give_back } else { Slot::release });
}

/// A part of the transaction was rolled back, maybe the one that wrote notes down.
pub fn part_aborted() {
    settle_takes(Slot::give_back);
}

/// The transaction was rolled back; with its session, its attempts are noted.
pub fn aborted() {
    // SAFETY: a flag of the process's own.
    if unsafe { pg_sys::proc_exit_inprogress } {
        let _ = RUNNING.try_with(|running| running.try_borrow_mut().map(|mut running| note_all(&mut running)));
    }
    forget_all();
    settle_takes(Slot::give_back);
}

// What runs at the end of a transaction must not panic: an error there would bring the server down.

fn forget_all() {
    let _ = RUNNING.try_with(|running| running.try_borrow_mut().map(|mut running| running.clear()));
}

fn settle_takes(become_of: fn(&Slot<WORDS>)) {
    let Some(notes) = NOTES.get() else { return };
    let _ = TAKES.try_with(|takes| {
        if let Ok(mut takes) = takes.try_borrow_mut() {
            takes.drain(..).filter_map(|at| notes.0.get(at)).for_each(become_of);
        }
    });
}

fn note_all(running: &mut [(Ticket, Orphaned)]) {
    let Some(notes) = NOTES.get() else { return };
    // SAFETY: reads the process and the state of the transaction, which still has its number here.
    let (pid, transaction) = unsafe { (pg_sys::MyProcPid, pg_sys::GetTopFullTransactionIdIfAny().value) };
    let ended = now();
    let last = running.len().saturating_sub(1);
    for (at, (_, attempt)) in running.iter_mut().enumerate() {
        let phase = if at == last { attempt.phase } else { Phase::Done };
        attempt.database = database();
        (attempt.ended, attempt.phase, attempt.pid) = (ended, phase, pid);
        attempt.transaction = (transaction != 0).then_some(transaction);
        notes.write(attempt);
    }
}

impl Notes {
    fn write(&self, note: &Orphaned) {
        let words = note.to_words();
        let write = |slot: &Slot<WORDS>, seen: SlotState| {
            slot.write(seen, |shared| shared.iter().zip(words).for_each(|(to, word)| to.store(word, Relaxed))).is_some()
        };
        let free = |slot: &Slot<WORDS>| {
            let seen = slot.seen();
            seen.stage() == Stage::Free && write(slot, seen)
        };
        if self.0.iter().any(free) {
            return;
        }
        // Nobody came to write them down for long.
        let all = self.0.iter().filter_map(|slot| Some((slot, note_in(slot)?)));
        let (slots, notes): (Vec<_>, Vec<_>) =
            all.enumerate().map(|(at, (slot, (seen, note)))| ((slot, seen), (at, note))).unzip();
        if let Some((slot, seen)) = makes_room(&notes).and_then(|at| slots.get(at)) {
            write(slot, *seen);
        }
    }
}

/// What is noted here; None when there is nothing, or when it was overwritten meanwhile.
fn note_in(slot: &Slot<WORDS>) -> Option<(SlotState, Orphaned)> {
    let (seen, words) = slot.read()?;
    Some((seen, Orphaned::of_words(&words)?))
}
