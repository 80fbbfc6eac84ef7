//! Attempts whose session ended before their transaction: noted in shared memory until they are written down. [unsafe]
//!
//! The server tells a session that ends that its transaction is rolled back, before it gives up the locks: whoever
//! finds an attempt's lock free finds the note. `kill -9` and a crash of the server tell nobody, and end the memory too.

use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};

use pgrx::prelude::*;
use pgrx::{PGRXSharedMemory, pg_shmem_init, pg_sys};

use crate::rules::Id;
use crate::rules::attempt::orphaned::{Orphaned, WORDS, makes_room};
use crate::rules::attempt::phase::Phase;
use crate::rules::attempt::tally::Ticket;
use crate::rules::booking::window::Instant;
use crate::shared::Shared;

/// So many can wait to be written down; after that the oldest of whoever has most of them makes room.
const DATABASES: usize = 128;

/// So many attempts of one transaction are remembered.
const REMEMBERED: usize = 128;

/// A place's state: how often it was written, times four, and one of these.
const FREE: u64 = 0;
const WRITING: u64 = 1;
const READY: u64 = 2;
/// Somebody is writing it down, in a transaction that has not ended.
const TAKEN: u64 = 3;

struct AttemptSlot {
    state: AtomicU64,
    words: [AtomicU64; WORDS],
}

struct Notes([AttemptSlot; DATABASES]);

// SAFETY: atomics only, without a pointer in them: every process sees the same memory in the same way.
unsafe impl PGRXSharedMemory for Notes {}

// SAFETY: the name is ours alone.
static NOTES: Shared<Notes> = unsafe { Shared::new(c"holdfast cut off attempts") };

thread_local! {
    /// The attempts of this transaction, in the order of their beginning.
    static RUNNING: RefCell<Vec<(Ticket, Orphaned)>> = const { RefCell::new(Vec::new()) };
    /// How far the last of them got.
    static PHASE: Cell<Phase> = const { Cell::new(Phase::Arguments) };
    /// Places that this transaction writes down.
    static TAKES: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Asks for the shared memory, in the postmaster.
#[allow(unexpected_cfgs, reason = "pgrx's macro asks for a version that we do not support")]
pub fn register() {
    pg_shmem_init!(NOTES = Notes([const { AttemptSlot::free() }; DATABASES]));
}

/// How far the running attempt got.
pub fn reach(phase: Phase) {
    PHASE.set(phase);
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
    let notes = NOTES.get()?.0.iter().filter_map(AttemptSlot::read);
    notes.filter(|note| note.is_of(database, schema, booking, key)).max_by_key(|note| note.ended)
}

/// Hands out the notes of a schema to be written down by this transaction; they are gone when it has committed, and
/// back when it has not.
pub fn take(schema: u32) -> Vec<Orphaned> {
    let Some(notes) = NOTES.get() else { return Vec::new() };
    let database = database();
    let mut taken = Vec::new();
    for (at, place) in notes.0.iter().enumerate() {
        let state = place.state.load(Acquire);
        let ours = |note: &Orphaned| (note.database, note.schema) == (database, schema);
        let note = place.read().filter(|note| state % 4 == READY && ours(note));
        if let Some(note) = note
            && place.state.compare_exchange(state, state - READY + TAKEN, Acquire, Relaxed).is_ok()
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
    settle_takes(if prepared { READY } else { FREE });
}

/// A part of the transaction was rolled back, maybe the one that wrote notes down.
pub fn part_aborted() {
    settle_takes(READY);
}

/// The transaction was rolled back; with its session, its attempts are noted.
pub fn aborted() {
    // SAFETY: a flag of the process's own.
    if unsafe { pg_sys::proc_exit_inprogress } {
        let _ = RUNNING.try_with(|running| running.try_borrow_mut().map(|mut running| note_all(&mut running)));
    }
    forget_all();
    settle_takes(READY);
}

// What runs at the end of a transaction must not panic: an error there would bring the server down.

fn forget_all() {
    let _ = RUNNING.try_with(|running| running.try_borrow_mut().map(|mut running| running.clear()));
}

fn settle_takes(state: u64) {
    let Some(notes) = NOTES.get() else { return };
    let _ = TAKES.try_with(|takes| {
        if let Ok(mut takes) = takes.try_borrow_mut() {
            for at in takes.drain(..) {
                let place = &notes.0[at];
                place.state.store(place.state.load(Relaxed) / 4 * 4 + state, Release);
            }
        }
    });
}

fn note_all(running: &mut [(Ticket, Orphaned)]) {
    let Some(notes) = NOTES.get() else { return };
    // SAFETY: reads the clock, the process and the state of the transaction, which still has its number here.
    let (ended, pid, transaction) = unsafe {
        let transaction = pg_sys::GetTopFullTransactionIdIfAny().value;
        (Instant(pg_sys::GetCurrentTimestamp()), pg_sys::MyProcPid, transaction)
    };
    let last = running.len().saturating_sub(1);
    for (at, (_, attempt)) in running.iter_mut().enumerate() {
        let phase = if at == last { PHASE.get() } else { Phase::Done };
        attempt.database = database();
        (attempt.ended, attempt.phase, attempt.pid) = (ended, phase, pid);
        attempt.transaction = (transaction != 0).then_some(transaction);
        notes.write(attempt);
    }
}

fn database() -> u32 {
    // SAFETY: reads the database of this session.
    unsafe { pg_sys::MyDatabaseId }.to_u32()
}

impl Notes {
    fn write(&self, note: &Orphaned) {
        let free = self.0.iter().find(|place| place.claim(FREE));
        // Nobody came to write them down for long.
        let other = || {
            let notes: Vec<(usize, Orphaned)> =
                self.0.iter().enumerate().filter_map(|(at, place)| Some((at, place.read()?))).collect();
            makes_room(&notes).map(|at| &self.0[at]).filter(|place| place.claim(READY))
        };
        if let Some(place) = free.or_else(other) {
            for (word, value) in place.words.iter().zip(note.to_words()) {
                word.store(value, Relaxed);
            }
            place.state.store((place.state.load(Relaxed) / 4 + 1) * 4 + READY, Release);
        }
    }
}

impl AttemptSlot {
    const fn free() -> AttemptSlot {
        AttemptSlot { state: AtomicU64::new(FREE), words: [const { AtomicU64::new(0) }; WORDS] }
    }

    /// Takes the place for writing, if it is in this state.
    fn claim(&self, wanted: u64) -> bool {
        let state = self.state.load(Acquire);
        let claimed = state - state % 4 + WRITING;
        state % 4 == wanted && self.state.compare_exchange(state, claimed, Acquire, Relaxed).is_ok()
    }

    /// What is noted here; None when there is nothing, or when it was overwritten meanwhile.
    fn read(&self) -> Option<Orphaned> {
        let before = self.state.load(Acquire);
        if before % 4 < READY {
            return None;
        }
        let mut words = [0; WORDS];
        for (word, value) in words.iter_mut().zip(&self.words) {
            *word = value.load(Relaxed);
        }
        fence(Acquire);
        let after = self.state.load(Relaxed);
        // What was freed in between is still whole.
        let whole = after / 4 == before / 4 && after % 4 != WRITING;
        whole.then(|| Orphaned::of_words(&words)).flatten()
    }
}
