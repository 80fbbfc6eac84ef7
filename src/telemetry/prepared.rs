//! Attempts in prepared transactions: neither done nor undone until somebody commits or rolls back by the
//! transaction's name, in any session, and without a word to us. So they are noted, and looked up later.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::rules::statistics::saved::Promised;
use crate::shared_memory::slot::{Slot, SlotState, Stage};

/// So many can be noted at once: one for each transaction, label set and outcome. Further attempts stay counted as prepared.
const NOTES: usize = 1024;

/// The transaction, and what it promised.
const WORDS: usize = 6;

pub struct Prepared {
    /// How many notes may be in use.
    used: AtomicU64,
    notes: [Slot<WORDS>; NOTES],
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Committed,
    RolledBack,
}

impl Prepared {
    pub fn new() -> Prepared {
        Prepared { used: AtomicU64::new(0), notes: [const { Slot::free() }; NOTES] }
    }

    /// Notes what a transaction will have come to. Without a free note its attempts stay counted as prepared: the
    /// sum holds, and nothing is guessed.
    pub fn note(&self, transaction: u64, promised: Promised) {
        let words = [
            transaction,
            promised.label_set as u64,
            promised.outcome as u64,
            promised.number,
            promised.in_time,
            promised.late,
        ];
        self.used.fetch_add(1, Relaxed);
        let noted = self.notes.iter().any(|note| {
            let seen = note.seen();
            let fill =
                |shared: &[AtomicU64; WORDS]| shared.iter().zip(words).for_each(|(to, word)| to.store(word, Relaxed));
            seen.stage() == Stage::Free && note.write(seen, fill).is_some()
        });
        if !noted {
            self.used.fetch_sub(1, Relaxed);
        }
    }

    /// Every note that waits.
    pub fn waiting(&self) -> impl Iterator<Item = (u64, Promised)> {
        self.read().map(|(_, _, transaction, promised)| (transaction, promised))
    }

    /// Settles every note whose transaction has ended.
    pub fn settle(&self, end: impl Fn(u64) -> Option<End>, count: impl Fn(Promised, End)) {
        if self.used.load(Relaxed) == 0 {
            return;
        }
        for (note, seen, transaction, promised) in self.read() {
            let Some(end) = end(transaction) else { continue };
            if note.take(seen) {
                count(promised, end);
                note.release();
                self.used.fetch_sub(1, Relaxed);
            }
        }
    }

    fn read(&self) -> impl Iterator<Item = (&Slot<WORDS>, SlotState, u64, Promised)> {
        self.notes.iter().filter_map(|note| {
            let (seen, [transaction, label_set, outcome, number, in_time, late]) = note.read()?;
            let promised = Promised { label_set: label_set as usize, outcome: outcome as usize, number, in_time, late };
            Some((note, seen, transaction, promised))
        })
    }
}
