//! A slot: some numbers in shared memory that are written, read and handed out as a whole, without a lock.
//!
//! Its state is how often it was written, times four, and where it is. Whoever changes a state says which one was seen,
//! so nobody changes what another has made of the slot meanwhile. A reader changes nothing: it reads, and looks again
//! whether somebody wrote. Nothing here waits for a lock, allocates or panics, so it may run where an error would bring the server
//! down. A process that is killed while it writes takes the whole memory with it: the server makes it anew.

use std::hint::spin_loop;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};
use std::thread::sleep;
use std::time::Duration;

/// Where a slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Free,
    /// Somebody writes it.
    Writing,
    Ready,
    /// Handed out to somebody who has not said yet what becomes of it.
    Taken,
}

/// The state of a slot when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotState(u64);

impl SlotState {
    #[must_use]
    pub fn stage(self) -> Stage {
        match self.0 % 4 {
            0 => Stage::Free,
            1 => Stage::Writing,
            2 => Stage::Ready,
            _ => Stage::Taken,
        }
    }

    /// As often written, but there.
    fn at(self, stage: Stage) -> u64 {
        self.0 / 4 * 4 + stage as u64
    }

    fn written_once_more(self) -> SlotState {
        SlotState((self.0 / 4 + 1) * 4 + Stage::Ready as u64)
    }
}

/// So often somebody who reads looks again: longer than a write takes.
const LOOKS: usize = 1000;
/// Then the writer does not run, and is given time to.
const PAUSES: usize = 200;
const PAUSE: Duration = Duration::from_micros(50);

/// What somebody who reads found.
enum Look<const FIRST: usize> {
    Whole(SlotState, [u64; FIRST]),
    Free,
    Changing,
}

/// Zeroed memory is a free one.
pub struct Slot<const WORDS: usize> {
    state: AtomicU64,
    words: [AtomicU64; WORDS],
}

impl<const WORDS: usize> Slot<WORDS> {
    #[must_use]
    pub const fn free() -> Slot<WORDS> {
        Slot { state: AtomicU64::new(0), words: [const { AtomicU64::new(0) }; WORDS] }
    }

    #[must_use]
    pub fn seen(&self) -> SlotState {
        SlotState(self.state.load(Acquire))
    }

    /// Writes a slot that is free or ready, if nobody was faster. What is not filled stays as it was.
    pub fn write(&self, seen: SlotState, fill: impl FnOnce(&[AtomicU64; WORDS])) -> Option<SlotState> {
        let open = matches!(seen.stage(), Stage::Free | Stage::Ready);
        if !open || !self.change(seen, Stage::Writing) {
            return None;
        }
        // Whoever sees one of the new words sees this state too, or a later one.
        fence(Release);
        fill(&self.words);
        let written = seen.written_once_more();
        self.state.store(written.0, Release);
        Some(written)
    }

    /// The first words of a slot that is ready or taken. Somebody who writes it is waited for so long as a write takes:
    /// what is there is not left out because it changes. None when it is free, or is written again and again.
    #[must_use]
    pub fn read<const FIRST: usize>(&self) -> Option<(SlotState, [u64; FIRST])> {
        for number in 0..LOOKS + PAUSES {
            match self.look() {
                Look::Whole(state, words) => return Some((state, words)),
                Look::Free => return None,
                Look::Changing if number < LOOKS => spin_loop(),
                Look::Changing => sleep(PAUSE),
            }
        }
        None
    }

    fn look<const FIRST: usize>(&self) -> Look<FIRST> {
        const { assert!(FIRST <= WORDS, "a slot has so many words") };
        let seen = self.seen();
        match seen.stage() {
            Stage::Ready | Stage::Taken => {}
            Stage::Writing => return Look::Changing,
            Stage::Free => return Look::Free,
        }
        let mut words = [0; FIRST];
        for (word, shared) in words.iter_mut().zip(&self.words) {
            *word = shared.load(Relaxed);
        }
        fence(Acquire);
        let after = SlotState(self.state.load(Relaxed));
        // What was handed out or freed in between is still whole.
        let whole = after.0 / 4 == seen.0 / 4 && after.stage() != Stage::Writing;
        if whole { Look::Whole(seen, words) } else { Look::Changing }
    }

    /// Hands out a slot that is ready, if nobody was faster.
    pub fn take(&self, seen: SlotState) -> bool {
        seen.stage() == Stage::Ready && self.change(seen, Stage::Taken)
    }

    /// Whoever took it wants it no more: it waits again.
    pub fn give_back(&self) {
        self.leave(Stage::Ready);
    }

    /// Whoever took it is done with it.
    pub fn release(&self) {
        self.leave(Stage::Free);
    }

    fn leave(&self, stage: Stage) {
        let seen = self.seen();
        if seen.stage() == Stage::Taken {
            self.change(seen, stage);
        }
    }

    fn change(&self, seen: SlotState, stage: Stage) -> bool {
        self.state.compare_exchange(seen.0, seen.at(stage), AcqRel, Relaxed).is_ok()
    }
}
