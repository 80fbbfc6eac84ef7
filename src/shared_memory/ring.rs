//! A ring of slots: the last that were written. What makes room before anybody asked for it is counted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::slot::{Slot, SlotState, Stage};

/// How often a ring was written. At rest, written = those that it holds + dropped.
pub struct RingCounts {
    written: AtomicU64,
    dropped: AtomicU64,
}

impl Default for RingCounts {
    fn default() -> RingCounts {
        RingCounts::new()
    }
}

impl RingCounts {
    #[must_use]
    pub const fn new() -> RingCounts {
        RingCounts { written: AtomicU64::new(0), dropped: AtomicU64::new(0) }
    }

    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

/// What was written, and as it was then: nobody has written there since, or it is dropped.
#[derive(Debug, Clone, Copy)]
pub struct RingEntry {
    at: usize,
    state: SlotState,
}

/// Tries of somebody who meets another that writes the very slot: the ring came round meanwhile.
const TRIES: usize = 8;

#[derive(Clone, Copy)]
pub struct Ring<'a, const WORDS: usize> {
    pub slots: &'a [Slot<WORDS>],
    pub counts: &'a RingCounts,
}

impl<'a, const WORDS: usize> Ring<'a, WORDS> {
    /// Writes one entry over the oldest. None: it is dropped, and counted, or the ring has no room at all.
    pub fn write(&self, fill: impl Fn(&[AtomicU64; WORDS])) -> Option<RingEntry> {
        if self.slots.is_empty() {
            return None;
        }
        let number = self.counts.written.fetch_add(1, Relaxed);
        let at = (number % self.slots.len() as u64) as usize;
        let slot = self.slots.get(at)?;
        for _ in 0..TRIES {
            let seen = slot.seen();
            if let Some(state) = slot.write(seen, &fill) {
                if seen.stage() == Stage::Ready {
                    self.counts.dropped.fetch_add(1, Relaxed);
                }
                return Some(RingEntry { at, state });
            }
        }
        self.counts.dropped.fetch_add(1, Relaxed);
        None
    }

    /// Changes words of an entry that is still there.
    pub fn change(&self, entry: RingEntry, fill: impl FnOnce(&[AtomicU64; WORDS])) -> Option<RingEntry> {
        let state = self.slots.get(entry.at)?.write(entry.state, fill)?;
        Some(RingEntry { at: entry.at, state })
    }

    /// Those whose first words are wanted, in no order: of the others no more is read.
    pub fn wanted<const FIRST: usize>(
        self,
        is_wanted: impl Fn(&[u64; FIRST]) -> bool,
    ) -> impl Iterator<Item = [u64; WORDS]> {
        let first = move |slot: &&Slot<WORDS>| slot.read::<FIRST>().is_some_and(|(_, words)| is_wanted(&words));
        self.slots.iter().filter(first).filter_map(|slot| slot.read().map(|(_, words)| words))
    }

    /// So many of those that are wanted, each changed first: whoever else asks does not find it wanted any more.
    pub fn take_wanted<const FIRST: usize>(
        self,
        most: usize,
        is_wanted: impl Fn(&[u64; FIRST]) -> bool,
        change: impl Fn(&[AtomicU64; WORDS]),
    ) -> Vec<[u64; WORDS]> {
        let taken = self.slots.iter().filter_map(|slot| {
            let (seen, _) = slot.read::<FIRST>().filter(|(_, words)| is_wanted(words))?;
            let mut words = [0; WORDS];
            slot.write(seen, |shared| {
                words.iter_mut().zip(shared).for_each(|(word, shared)| *word = shared.load(Relaxed));
                change(shared);
            })?;
            Some(words)
        });
        taken.take(most).collect()
    }

    /// Every entry that is there, in no order.
    pub fn read(self) -> impl Iterator<Item = [u64; WORDS]> + use<'a, WORDS> {
        self.slots.iter().filter_map(|slot| slot.read().map(|(_, words)| words))
    }
}
