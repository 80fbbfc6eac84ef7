//! Attempts in prepared transactions: neither done nor undone until somebody commits or rolls back by the
//! transaction's name, in any session, and without a word to us. So they are noted, and looked up later.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::rules::refusal::outcome::{CATALOGUE, Outcome};
use crate::shared_memory::slot::{Slot, Stage};

/// So many transactions can be noted at once. Attempts of further ones stay counted as prepared.
const NOTES: usize = 1024;

/// What a prepared transaction's attempts of one outcome come to when it commits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Promised {
    pub outcome: usize,
    pub number: u64,
    pub in_time: u64,
    pub late: u64,
}

/// The transaction, and what it promised.
const WORDS: usize = 5;

pub struct Prepared {
    /// Attempts that wait for the end of their prepared transaction.
    waiting: AtomicU64,
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
        Prepared { waiting: AtomicU64::new(0), notes: [const { Slot::free() }; NOTES] }
    }

    pub fn waiting(&self) -> u64 {
        self.waiting.load(Relaxed)
    }

    /// Notes what a transaction will have come to. Without a free note its attempts stay counted as prepared: the
    /// sum holds, and nothing is guessed.
    pub fn note(&self, transaction: u64, promised: Promised) {
        self.waiting.fetch_add(promised.number, Relaxed);
        let words = [transaction, promised.outcome as u64, promised.number, promised.in_time, promised.late];
        self.notes.iter().find(|note| {
            let seen = note.seen();
            let fill =
                |shared: &[AtomicU64; WORDS]| shared.iter().zip(words).for_each(|(to, word)| to.store(word, Relaxed));
            seen.stage() == Stage::Free && note.write(seen, fill).is_some()
        });
    }

    /// Settles every note whose transaction has ended.
    pub fn settle(&self, end: impl Fn(u64) -> Option<End>, count: impl Fn(Outcome, Promised, End)) {
        if self.waiting() == 0 {
            return;
        }
        for note in &self.notes {
            let Some((seen, [transaction, outcome, number, in_time, late])) = note.read() else { continue };
            let Some(end) = end(transaction) else { continue };
            if note.take(seen) {
                let promised = Promised { outcome: outcome as usize, number, in_time, late };
                self.waiting.fetch_sub(number, Relaxed);
                count(CATALOGUE[promised.outcome].outcome, promised, end);
                note.release();
            }
        }
    }
}
