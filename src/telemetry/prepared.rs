//! Attempts in prepared transactions: neither done nor undone until somebody commits or rolls back by the
//! transaction's name, in any session, and without a word to us. So they are noted, and looked up later.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::rules::refusal::outcome::{CATALOGUE, Outcome};

/// So many transactions can be noted at once. Attempts of further ones stay counted as prepared.
const NOTES: usize = 1024;

const FREE: u64 = 0;
/// Somebody is writing the note, or settling it. No transaction has this number.
const TAKEN: u64 = u64::MAX;

/// What a prepared transaction's attempts of one outcome come to when it commits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Promised {
    pub outcome: usize,
    pub number: u64,
    pub in_time: u64,
    pub late: u64,
}

struct Note {
    transaction: AtomicU64,
    outcome: AtomicU64,
    number: AtomicU64,
    in_time: AtomicU64,
    late: AtomicU64,
}

pub struct Prepared {
    /// Attempts that wait for the end of their prepared transaction.
    waiting: AtomicU64,
    notes: [Note; NOTES],
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Committed,
    RolledBack,
}

impl Prepared {
    pub fn new() -> Prepared {
        Prepared { waiting: AtomicU64::new(0), notes: [const { Note::free() }; NOTES] }
    }

    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Notes what a transaction will have come to. Without a free note its attempts stay counted as prepared: the
    /// sum holds, and nothing is guessed.
    pub fn note(&self, transaction: u64, promised: Promised) {
        self.waiting.fetch_add(promised.number, Ordering::Relaxed);
        if let Some(note) = self.notes.iter().find(|note| note.take(FREE)) {
            note.outcome.store(promised.outcome as u64, Ordering::Relaxed);
            note.number.store(promised.number, Ordering::Relaxed);
            note.in_time.store(promised.in_time, Ordering::Relaxed);
            note.late.store(promised.late, Ordering::Relaxed);
            note.transaction.store(transaction, Ordering::Release);
        }
    }

    /// Settles every note whose transaction has ended.
    pub fn settle(&self, end: impl Fn(u64) -> Option<End>, count: impl Fn(Outcome, Promised, End)) {
        if self.waiting() == 0 {
            return;
        }
        for note in &self.notes {
            let transaction = note.transaction.load(Ordering::Acquire);
            if transaction == FREE || transaction == TAKEN {
                continue;
            }
            let Some(end) = end(transaction) else { continue };
            if note.take(transaction) {
                let promised = note.read();
                self.waiting.fetch_sub(promised.number, Ordering::Relaxed);
                count(CATALOGUE[promised.outcome].outcome, promised, end);
                note.transaction.store(FREE, Ordering::Release);
            }
        }
    }
}

impl Note {
    const fn free() -> Note {
        Note {
            transaction: AtomicU64::new(FREE),
            outcome: AtomicU64::new(0),
            number: AtomicU64::new(0),
            in_time: AtomicU64::new(0),
            late: AtomicU64::new(0),
        }
    }

    /// Takes the note, if it is still as it was seen.
    fn take(&self, seen: u64) -> bool {
        self.transaction.compare_exchange(seen, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn read(&self) -> Promised {
        Promised {
            outcome: self.outcome.load(Ordering::Relaxed) as usize,
            number: self.number.load(Ordering::Relaxed),
            in_time: self.in_time.load(Ordering::Relaxed),
            late: self.late.load(Ordering::Relaxed),
        }
    }
}
