//! Entries that are found by a number, in a table of fixed length: whoever needs one first takes a free one.
//!
//! The fields of such an entry are numbers that mean something one by one; what has to be read as a whole lies in a slot.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// An entry of such a table.
pub trait KeyedEntry {
    /// 0: the entry is free.
    fn key(&self) -> &AtomicU64;
}

/// All entries, beginning where this key is looked for first.
fn around<T>(entries: &[T], key: u64) -> impl Iterator<Item = &T> {
    let first = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % entries.len().max(1);
    entries[first..].iter().chain(&entries[..first])
}

#[must_use]
pub fn find<T: KeyedEntry>(entries: &[T], key: u64) -> Option<&T> {
    around(entries, key).find(|entry| entry.key().load(Relaxed) == key)
}

/// The key's entry, taken if it has none yet; None when all are taken.
#[must_use]
pub fn find_or_take<T: KeyedEntry>(entries: &[T], key: u64) -> Option<&T> {
    let free = |entry: &&T| entry.key().compare_exchange(0, key, Relaxed, Relaxed).is_ok();
    if let Some(found) = find(entries, key) {
        return Some(found);
    }
    let taken = around(entries, key).find(free);
    // Somebody may have taken one for the same key at the same moment: the first counts.
    let first = find(entries, key);
    if let (Some(first), Some(taken)) = (first, taken)
        && !std::ptr::eq(first, taken)
    {
        taken.key().store(0, Relaxed);
    }
    first
}
