//! Shadow mode outside of transactions: how often the two sides agreed, and disagreements that wait. [unsafe]
//!
//! The numbers are by schema. A ring holds the disagreements whose call raised, until somebody writes them into their table.
//!
//! The ring is full of what nobody fetched? The oldest makes room, and is counted as lost. A session takes entries and
//! gives them back if its transaction does not commit.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::atomic::{Ordering::Acquire, Ordering::Release};

use pgrx::prelude::*;
use pgrx::{PGRXSharedMemory, pg_shmem_init, pg_sys};

use crate::rules::attempt::tally::Part;
use crate::shared::Shared;

/// Schemas that are counted for themselves; what comes later is not counted.
const SCHEMAS: usize = 256;
/// Disagreements that can wait, and the bytes of one.
const ENTRIES: usize = 128;
const WORDS: usize = 384;
pub const BYTES: usize = WORDS * 8;

/// What a judged call can come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    StepResult,
    Agreed,
    Disagreed,
    /// The original failed because of the moment.
    Undecided,
    /// Not judged: the transaction is serializable.
    Skipped,
    /// Our judgement itself failed.
    Failed,
    /// A disagreement that could not be kept.
    Lost,
}

pub const NUMBERS: usize = 7;

/// The numbers of one schema.
struct SchemaCounters {
    /// Database and schema in one; 0: free.
    whose: AtomicU64,
    numbers: [AtomicU64; NUMBERS],
}

const FREE: u32 = 0;
/// Somebody writes it, or reads it.
const BUSY: u32 = 1;
const READY: u32 = 2;
/// Read by a transaction that has not ended.
const TAKEN: u32 = 3;

struct DisagreementSlot {
    state: AtomicU32,
    bytes: AtomicU32,
    whose: AtomicU64,
    text: [AtomicU64; WORDS],
}

struct ShadowMemory {
    places: [SchemaCounters; SCHEMAS],
    next: AtomicU64,
    slots: [DisagreementSlot; ENTRIES],
}

// SAFETY: atomics only, without a pointer in them: every process sees the same memory in the same way.
unsafe impl PGRXSharedMemory for ShadowMemory {}

// SAFETY: the name is ours alone.
static MEMORY: Shared<ShadowMemory> = unsafe { Shared::new(c"holdfast shadow") };

/// An entry that this session took, and the subtransaction in which it did.
struct Taken {
    slot: usize,
    part: Part,
}

thread_local! {
    static TAKEN_HERE: RefCell<Vec<Taken>> = const { RefCell::new(Vec::new()) };
}

/// Asks for the shared memory, in the postmaster.
#[allow(unexpected_cfgs, reason = "pgrx's macro asks for a version that we do not support")]
pub fn register() {
    pg_shmem_init!(
        MEMORY = ShadowMemory {
            places: [const { SchemaCounters { whose: AtomicU64::new(0), numbers: [const { AtomicU64::new(0) }; NUMBERS] } };
                SCHEMAS],
            next: AtomicU64::new(0),
            slots: [const { DisagreementSlot::free() }; ENTRIES],
        }
    );
}

fn whose(schema: u32) -> u64 {
    // SAFETY: set once, when the backend started.
    let database = unsafe { pg_sys::MyDatabaseId };
    (u64::from(database.to_u32()) << 32) | u64::from(schema)
}

/// Counts, where there is a place for the schema.
pub fn count(schema: u32, number: Number) {
    if let Some(memory) = MEMORY.get() {
        memory.count(whose(schema), number);
    }
}

/// The numbers of every schema of this database that was counted, in the order of [`Number`].
#[must_use]
pub fn counts() -> Vec<(u32, [u64; NUMBERS])> {
    let mine = whose(0) >> 32;
    let places = MEMORY.get().into_iter().flat_map(|memory| &memory.places);
    let of = |place: &SchemaCounters| {
        let whose = place.whose.load(Relaxed);
        let numbers = std::array::from_fn(|at| place.numbers[at].load(Relaxed));
        (whose >> 32 == mine && whose != 0).then_some((whose as u32, numbers))
    };
    places.filter_map(of).collect()
}

/// Keeps a disagreement until somebody fetches it; one that does not fit is lost, as without preloading.
pub fn keep(schema: u32, text: Option<&str>) {
    let Some(memory) = MEMORY.get() else { return };
    let kept = text.is_some_and(|text| memory.keep(whose(schema), text.as_bytes()));
    if !kept {
        memory.count(whose(schema), Number::Lost);
    }
}

/// Takes what waits for a schema, at most so many; given back unless the transaction commits.
#[must_use]
pub fn take(schema: u32, most: usize) -> Vec<String> {
    MEMORY.get().map_or_else(Vec::new, |memory| memory.take(whose(schema), most))
}

impl ShadowMemory {
    fn count(&self, whose: u64, number: Number) {
        if let Some(place) = self.place(whose) {
            place.numbers[number as usize].fetch_add(1, Relaxed);
        }
    }

    /// The first that is the schema's, or that it could take: places are never given up, so nobody overtakes it.
    fn place(&self, whose: u64) -> Option<&SchemaCounters> {
        self.places.iter().find(|place| {
            let found = place.whose.load(Relaxed);
            let taken = found == 0
                && place.whose.compare_exchange(0, whose, Relaxed, Relaxed).map_or_else(|now| now == whose, |_| true);
            found == whose || taken
        })
    }

    /// Goes round: what is free or oldest comes next; what somebody has at hand is passed over.
    fn keep(&self, whose: u64, text: &[u8]) -> bool {
        let from = self.next.fetch_add(1, Relaxed) as usize;
        for at in 0..ENTRIES {
            let slot = &self.slots[(from + at) % ENTRIES];
            let before = slot.state.load(Relaxed);
            let free = before == FREE || before == READY;
            if !free || slot.state.compare_exchange(before, BUSY, Acquire, Relaxed).is_err() {
                continue;
            }
            if before == READY {
                self.count(slot.whose.load(Relaxed), Number::Lost);
            }
            slot.write(whose, text);
            slot.state.store(READY, Release);
            return true;
        }
        false
    }

    fn take(&self, whose: u64, most: usize) -> Vec<String> {
        let mut found = Vec::new();
        for (at, slot) in self.slots.iter().enumerate() {
            if found.len() >= most {
                break;
            }
            let its = slot.state.load(Relaxed) == READY && slot.whose.load(Relaxed) == whose;
            if !its || slot.state.compare_exchange(READY, BUSY, Acquire, Relaxed).is_err() {
                continue;
            }
            // Another may have come into the place between the two looks.
            if slot.whose.load(Relaxed) != whose {
                slot.state.store(READY, Release);
                continue;
            }
            found.push(slot.read());
            slot.state.store(TAKEN, Release);
            // SAFETY: reads the transaction's state.
            let part = unsafe { pg_sys::GetCurrentSubTransactionId() };
            with_taken(|taken| taken.push(Taken { slot: at, part }));
        }
        found
    }
}

impl DisagreementSlot {
    const fn free() -> DisagreementSlot {
        DisagreementSlot {
            state: AtomicU32::new(FREE),
            bytes: AtomicU32::new(0),
            whose: AtomicU64::new(0),
            text: [const { AtomicU64::new(0) }; WORDS],
        }
    }

    fn write(&self, whose: u64, text: &[u8]) {
        self.whose.store(whose, Relaxed);
        let text = &text[..text.len().min(BYTES)];
        self.bytes.store(text.len() as u32, Relaxed);
        for (word, bytes) in self.text.iter().zip(text.chunks(8)) {
            let mut eight = [0; 8];
            eight[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_ne_bytes(eight), Relaxed);
        }
    }

    fn read(&self) -> String {
        let most = (self.bytes.load(Relaxed) as usize).min(BYTES);
        let words = self.text.iter().take(most.div_ceil(8));
        let bytes: Vec<u8> = words.flat_map(|word| word.load(Relaxed).to_ne_bytes()).take(most).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// These run where an error would bring the server down, so nothing in them may panic.
fn with_taken(work: impl FnOnce(&mut Vec<Taken>)) {
    let _ = TAKEN_HERE.try_with(|taken| taken.try_borrow_mut().map(|mut taken| work(&mut taken)));
}

fn put(slot: usize, state: u32) {
    if let Some(slot) = MEMORY.get().and_then(|memory| memory.slots.get(slot)) {
        slot.state.store(state, Release);
    }
}

/// The transaction committed, or was prepared: what it took is written down. A prepared one may still be rolled back,
/// elsewhere, and then that is lost.
pub(super) fn committed() {
    with_taken(|taken| taken.drain(..).for_each(|entry| put(entry.slot, FREE)));
}

/// The transaction was rolled back: what it took waits again.
pub(super) fn aborted() {
    with_taken(|taken| taken.drain(..).for_each(|entry| put(entry.slot, READY)));
}

/// A part of the transaction is now part of the one around it.
pub(super) fn part_committed(part: Part, around: Part) {
    with_taken(|taken| taken.iter_mut().filter(|entry| entry.part == part).for_each(|entry| entry.part = around));
}

/// A part of the transaction was rolled back: what it took waits again.
pub(super) fn part_aborted(part: Part) {
    with_taken(|taken| {
        taken.retain(|entry| {
            let back = entry.part == part;
            if back {
                put(entry.slot, READY);
            }
            !back
        });
    });
}
