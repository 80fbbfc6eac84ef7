//! Shadow mode outside of transactions: how often the two sides agreed, and disagreements that wait. [unsafe]
//!
//! The numbers are by schema. A ring holds the disagreements whose call raised, until somebody writes them into their table.
//!
//! The ring is full of what nobody fetched? The oldest makes room, and is counted as lost. A session takes entries and
//! gives them back if its transaction does not commit.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use pgrx::prelude::*;
use pgrx::{PGRXSharedMemory, pg_shmem_init, pg_sys};

use super::session::{database, part};
use crate::rules::attempt::by_part::{ByPart, Part};
use crate::shared_memory::Shared;
use crate::shared_memory::keyed::{KeyedEntry, find_or_take};
use crate::shared_memory::slot::{Slot, Stage};

/// Schemas that are counted for themselves; what comes later is not counted.
const SCHEMAS: usize = 256;
/// Disagreements that can wait, and the bytes of one.
const ENTRIES: usize = 128;
const TEXT_WORDS: usize = 384;
pub const BYTES: usize = TEXT_WORDS * 8;
/// Whose it is, how many bytes it has, and its text.
const WORDS: usize = 2 + TEXT_WORDS;

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

impl KeyedEntry for SchemaCounters {
    fn key(&self) -> &AtomicU64 {
        &self.whose
    }
}

struct ShadowMemory {
    places: [SchemaCounters; SCHEMAS],
    next: AtomicU64,
    slots: [Slot<WORDS>; ENTRIES],
}

// SAFETY: atomics only, without a pointer in them: every process sees the same memory in the same way.
unsafe impl PGRXSharedMemory for ShadowMemory {}

// SAFETY: the name is ours alone.
static MEMORY: Shared<ShadowMemory> = unsafe { Shared::new(c"holdfast shadow") };

thread_local! {
    /// The slots that this session took.
    static TAKEN_HERE: RefCell<ByPart<usize>> = const { RefCell::new(ByPart::new()) };
}

/// Asks for the shared memory, in the postmaster.
#[allow(unexpected_cfgs, reason = "pgrx's macro asks for a version that we do not support")]
pub fn register() {
    pg_shmem_init!(
        MEMORY = ShadowMemory {
            places: [const { SchemaCounters { whose: AtomicU64::new(0), numbers: [const { AtomicU64::new(0) }; NUMBERS] } };
                SCHEMAS],
            next: AtomicU64::new(0),
            slots: [const { Slot::free() }; ENTRIES],
        }
    );
}

fn whose(schema: u32) -> u64 {
    (u64::from(database()) << 32) | u64::from(schema)
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
        if let Some(place) = find_or_take(&self.places, whose) {
            place.numbers[number as usize].fetch_add(1, Relaxed);
        }
    }

    /// Goes round: what is free or oldest comes next; what somebody has at hand is passed over.
    fn keep(&self, whose: u64, text: &[u8]) -> bool {
        let from = self.next.fetch_add(1, Relaxed) as usize;
        (0..ENTRIES).any(|at| {
            let slot = &self.slots[(from + at) % ENTRIES];
            let seen = slot.seen();
            let mut lost = None;
            let written = slot.write(seen, |words| {
                lost = (seen.stage() == Stage::Ready).then(|| words[0].load(Relaxed));
                write(words, whose, text);
            });
            if let Some(lost) = lost {
                self.count(lost, Number::Lost);
            }
            written.is_some()
        })
    }

    fn take(&self, whose: u64, most: usize) -> Vec<String> {
        let mut found = Vec::new();
        for (at, slot) in self.slots.iter().enumerate() {
            if found.len() >= most {
                break;
            }
            let Some((seen, words)) = slot.read::<WORDS>().filter(|(_, words)| words[0] == whose) else { continue };
            if slot.take(seen) {
                found.push(text(&words));
                with_taken(|taken| taken.push(part(), at));
            }
        }
        found
    }
}

fn write(words: &[AtomicU64; WORDS], whose: u64, text: &[u8]) {
    let text = &text[..text.len().min(BYTES)];
    words[0].store(whose, Relaxed);
    words[1].store(text.len() as u64, Relaxed);
    for (word, bytes) in words[2..].iter().zip(text.chunks(8)) {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        word.store(u64::from_ne_bytes(eight), Relaxed);
    }
}

fn text(words: &[u64; WORDS]) -> String {
    let most = (words[1] as usize).min(BYTES);
    let bytes: Vec<u8> = words[2..].iter().flat_map(|word| word.to_ne_bytes()).take(most).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// These run where an error would bring the server down, so nothing in them may panic.
fn with_taken(work: impl FnOnce(&mut ByPart<usize>)) {
    let _ = TAKEN_HERE.try_with(|taken| taken.try_borrow_mut().map(|mut taken| work(&mut taken)));
}

fn leave(slot: usize, become_of: fn(&Slot<WORDS>)) {
    if let Some(slot) = MEMORY.get().and_then(|memory| memory.slots.get(slot)) {
        become_of(slot);
    }
}

/// The transaction committed, or was prepared: what it took is written down. A prepared one may still be rolled back,
/// elsewhere, and then that is lost.
pub(super) fn committed() {
    with_taken(|taken| taken.drain().for_each(|slot| leave(slot, Slot::release)));
}

/// The transaction was rolled back: what it took waits again.
pub(super) fn aborted() {
    with_taken(|taken| taken.drain().for_each(|slot| leave(slot, Slot::give_back)));
}

/// A part of the transaction is now part of the one around it.
pub(super) fn part_committed(part: Part, around: Part) {
    with_taken(|taken| taken.part_committed(part, around));
}

/// A part of the transaction was rolled back: what it took waits again.
pub(super) fn part_aborted(part: Part) {
    with_taken(|taken| taken.part_aborted(part).for_each(|slot| leave(slot, Slot::give_back)));
}
