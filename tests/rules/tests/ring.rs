//! The ring of last entries: whatever comes at once, what was written is there or was counted as dropped.

use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use holdfast::shared_memory::ring::{Ring, RingCounts};
use holdfast::shared_memory::slot::Slot;

const WORDS: usize = 16;

fn slots(number: usize) -> Vec<Slot<WORDS>> {
    (0..number).map(|_| Slot::free()).collect()
}

fn write(ring: Ring<WORDS>, value: u64) -> Option<holdfast::shared_memory::ring::RingEntry> {
    ring.write(|words| words.iter().for_each(|word| word.store(value, Relaxed)))
}

#[test]
fn the_oldest_makes_room_and_is_counted() {
    let (slots, counts) = (slots(3), RingCounts::new());
    let ring = Ring { slots: &slots, counts: &counts };
    let entries: Vec<_> = (1..=5).map(|value| write(ring, value).expect("written")).collect();
    let mut held: Vec<u64> = ring.read().map(|words| words[0]).collect();
    held.sort_unstable();
    assert_eq!((held, counts.written(), counts.dropped()), (vec![3, 4, 5], 5, 2));
    let change = |at: usize| ring.change(entries[at], |words| words[1].store(9, Relaxed)).is_some();
    assert!(!change(0) && !change(1), "another is there now");
    assert!(change(4) && !change(4), "what it was is what is changed, once");
    assert_eq!(ring.read().find(|words| words[0] == 5).map(|words| words[1]), Some(9));
}

#[test]
fn of_what_nobody_wants_no_more_is_read() {
    let (slots, counts) = (slots(4), RingCounts::new());
    let ring = Ring { slots: &slots, counts: &counts };
    (1..=4).for_each(|value| assert!(write(ring, value % 2).is_some()));
    assert_eq!(ring.wanted(|words: &[u64; 2]| words[1] == 1).count(), 2);
    assert_eq!(ring.wanted(|words: &[u64; 2]| words[1] == 2).count(), 0);
}

#[test]
fn a_ring_without_room_counts_nothing() {
    let counts = RingCounts::new();
    assert!(write(Ring { slots: &slots(0), counts: &counts }, 1).is_none());
    assert_eq!((counts.written(), counts.dropped()), (0, 0));
}

#[test]
fn sixty_four_that_lap_each_other_lose_nothing_uncounted() {
    const EACH: u64 = 500;
    let (slots, counts) = (slots(7), RingCounts::new());
    let ring = Ring { slots: &slots, counts: &counts };
    thread::scope(|scope| {
        for client in 0..64 {
            scope.spawn(move || {
                for number in 0..EACH {
                    let entry = write(ring, client * EACH + number + 1);
                    // Its transaction ends a little later.
                    entry.and_then(|entry| ring.change(entry, |_| ()));
                    assert!(ring.read().all(|words| words.iter().all(|word| *word == words[0])), "torn");
                }
            });
        }
    });
    let held = ring.read().count() as u64;
    assert_eq!((counts.written(), held + counts.dropped()), (64 * EACH, 64 * EACH));
}
