//! Entries that are found by a number, in a table of fixed length: whoever needs one first takes a free one.
//!
//! The table is open-addressed: a key is looked for from its own place on, up to an entry that nobody ever took. One that was
//! given up ends no search, for what was taken behind it is still there. So a key without an entry, such as each schema's
//! while no worker runs, costs one look at each commit, and not one at every entry.
//!
//! The fields of such an entry are numbers that mean something one by one; what has to be read as a whole lies in a slot.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const NEVER_TAKEN: u64 = 0;
const GIVEN_UP: u64 = u64::MAX;

/// An entry of such a table.
pub trait KeyedEntry {
    /// Begins as 0. No key is 0 or `u64::MAX`.
    fn key(&self) -> &AtomicU64;

    /// Whose entry it is; 0: nobody's.
    fn taken_by(&self) -> u64 {
        match self.key().load(Relaxed) {
            GIVEN_UP => 0,
            key => key,
        }
    }

    /// Frees it for another key.
    fn give_up(&self) {
        self.key().store(GIVEN_UP, Relaxed);
    }
}

/// All entries, beginning where this key is looked for first.
fn around<T>(entries: &[T], key: u64) -> impl Iterator<Item = &T> {
    let first = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % entries.len().max(1);
    entries[first..].iter().chain(&entries[..first])
}

#[must_use]
pub fn find<T: KeyedEntry>(entries: &[T], key: u64) -> Option<&T> {
    let keys = around(entries, key).map(|entry| (entry, entry.key().load(Relaxed)));
    let mut searched = keys.take_while(|(_, taken)| *taken != NEVER_TAKEN);
    searched.find(|(_, taken)| *taken == key).map(|(entry, _)| entry)
}

/// The key's entry, taken if it has none yet; None when all are taken.
#[must_use]
pub fn find_or_take<T: KeyedEntry>(entries: &[T], key: u64) -> Option<&T> {
    let free = |entry: &&T| {
        let take = |as_free| entry.key().compare_exchange(as_free, key, Relaxed, Relaxed).is_ok();
        take(NEVER_TAKEN) || take(GIVEN_UP)
    };
    if let Some(found) = find(entries, key) {
        return Some(found);
    }
    let taken = around(entries, key).find(free);
    // Somebody may have taken one for the same key at the same moment: the first counts.
    let first = find(entries, key);
    if let (Some(first), Some(taken)) = (first, taken)
        && !std::ptr::eq(first, taken)
    {
        taken.give_up();
    }
    first
}
