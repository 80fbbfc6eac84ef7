//! The slot protocol of shared memory, by threads instead of processes: nothing torn, nothing handed out twice, and
//! nothing gone that nobody counted. Counter-tests show that protocols without the looks do not pass.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use holdfast::shared_memory::keyed::{KeyedEntry, find, find_or_take};
use holdfast::shared_memory::slot::{Slot, SlotState, Stage};

const WORDS: usize = 24;
const SLOTS: usize = 3;
const EACH: u64 = 20_000;

/// What the test asks of a slot.
trait Protocol: Sync {
    fn new() -> Self;
    /// Writes this number into every word. Said: whether it was done, and what was lost by it.
    fn put(&self, number: u64) -> Option<Option<u64>>;
    fn get(&self) -> Option<[u64; WORDS]>;
    /// Hands out, and lets go.
    fn fetch(&self) -> Option<[u64; WORDS]>;
}

impl Protocol for Slot<WORDS> {
    fn new() -> Self {
        Slot::free()
    }

    fn put(&self, number: u64) -> Option<Option<u64>> {
        let seen = self.seen();
        let mut lost = None;
        let written = self.write(seen, |words| {
            lost = (seen.stage() == Stage::Ready).then(|| words[0].load(Relaxed));
            words.iter().for_each(|word| word.store(number, Relaxed));
        });
        written.map(|_| lost)
    }

    fn get(&self) -> Option<[u64; WORDS]> {
        self.read().map(|(_, words)| words)
    }

    fn fetch(&self) -> Option<[u64; WORDS]> {
        let (seen, words) = self.read()?;
        self.take(seen).then(|| {
            self.release();
            words
        })
    }
}

/// A slot of which nobody looks whether it changed meanwhile.
struct Unguarded {
    ready: AtomicU64,
    words: [AtomicU64; WORDS],
}

impl Protocol for Unguarded {
    fn new() -> Self {
        Unguarded { ready: AtomicU64::new(0), words: [const { AtomicU64::new(0) }; WORDS] }
    }

    fn put(&self, number: u64) -> Option<Option<u64>> {
        let lost = (self.ready.load(Relaxed) == 1).then(|| self.words[0].load(Relaxed));
        self.words.iter().for_each(|word| word.store(number, Relaxed));
        self.ready.store(1, Relaxed);
        Some(lost)
    }

    fn get(&self) -> Option<[u64; WORDS]> {
        (self.ready.load(Relaxed) == 1).then(|| std::array::from_fn(|at| self.words[at].load(Relaxed)))
    }

    fn fetch(&self) -> Option<[u64; WORDS]> {
        let words = self.get()?;
        self.ready.store(0, Relaxed);
        Some(words)
    }
}

/// Two writers, a reader and two that fetch; then everything written was fetched, lost or is still there, once each.
fn attacked<P: Protocol>() -> Result<(), String> {
    let slots: [P; SLOTS] = std::array::from_fn(|_| P::new());
    let writing = AtomicUsize::new(2);
    let whole = |words: &[u64; WORDS]| words.iter().all(|word| *word == words[0]);
    let mut fates: Vec<Result<Vec<u64>, String>> = Vec::new();
    let mut written = 0;
    thread::scope(|scope| {
        let (slots, writing) = (&slots, &writing);
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                scope.spawn(move || {
                    let (mut lost, mut written) = (Vec::new(), 0);
                    for number in (0..EACH).map(|number| number * 2 + writer + 1) {
                        if let Some(before) = slots[number as usize % SLOTS].put(number) {
                            written += 1;
                            lost.extend(before);
                        }
                    }
                    writing.fetch_sub(1, Relaxed);
                    (written, lost)
                })
            })
            .collect();
        let readers = [(); 1].map(|()| {
            scope.spawn(move || {
                while writing.load(Relaxed) > 0 {
                    if let Some(words) = slots.iter().filter_map(P::get).find(|words| !whole(words)) {
                        return Err(format!("torn: {words:?}"));
                    }
                }
                Ok(Vec::new())
            })
        });
        let fetchers = [(); 2].map(|()| {
            scope.spawn(move || {
                let mut fetched = Vec::new();
                while writing.load(Relaxed) > 0 {
                    for words in slots.iter().filter_map(P::fetch) {
                        if !whole(&words) {
                            return Err(format!("torn: {words:?}"));
                        }
                        fetched.push(words[0]);
                    }
                }
                Ok(fetched)
            })
        });
        for writer in writers {
            let (number, lost) = writer.join().expect("a writer");
            written += number;
            fates.push(Ok(lost));
        }
        fates.extend(readers.into_iter().chain(fetchers).map(|thread| thread.join().expect("a thread")));
    });
    fates.push(Ok(slots.iter().filter_map(P::get).map(|words| words[0]).collect()));
    let mut ended: Vec<u64> = fates.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    let number = ended.len();
    ended.sort_unstable();
    ended.dedup();
    if (ended.len(), number) == (written, written) {
        Ok(())
    } else {
        Err(format!("{written} were written, {number} are accounted for, {} of them once", ended.len()))
    }
}

#[test]
fn nothing_is_torn_or_handed_out_twice_or_gone_uncounted() {
    assert_eq!(attacked::<Slot<WORDS>>(), Ok(()));
}

#[test]
fn a_protocol_that_does_not_look_is_seen() {
    assert!((0..50).any(|_| attacked::<Unguarded>().is_err()));
}

fn written(slot: &Slot<2>, number: u64) -> Option<SlotState> {
    slot.write(slot.seen(), |words| words.iter().for_each(|word| word.store(number, Relaxed)))
}

#[test]
fn while_somebody_writes_nobody_else_does_anything() {
    let slot = Slot::<2>::free();
    assert_eq!(slot.read::<2>(), None, "nothing was written yet");
    let first = written(&slot, 1).expect("written");
    let second = slot.write(first, |words| {
        words[0].store(2, Relaxed);
        assert_eq!(slot.read::<2>(), None, "half of it is new");
        assert_eq!(slot.seen().stage(), Stage::Writing);
        assert!(written(&slot, 3).is_none(), "two writers");
        assert!(!slot.take(slot.seen()) && !slot.take(first), "handed out half written");
        slot.release();
        slot.give_back();
        assert_eq!(slot.seen().stage(), Stage::Writing, "let go by somebody who had not taken it");
    });
    assert_eq!(slot.read(), second.map(|second| (second, [2, 1])), "what is not filled stays");
}

#[test]
fn what_is_there_is_read_while_it_changes() {
    let slot = Slot::<512>::free();
    let write =
        |number: u64| slot.write(slot.seen(), |words| words.iter().for_each(|word| word.store(number, Relaxed)));
    write(0);
    let missed = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 0..2_000 {
                write(number);
                (0..5_000).for_each(|_| std::hint::spin_loop());
            }
        });
        let mut missed = 0;
        while !writer.is_finished() {
            missed += usize::from(slot.read::<512>().is_none());
        }
        missed
    });
    assert_eq!(missed, 0);
}

#[test]
fn what_was_seen_before_another_wrote_changes_nothing() {
    let slot = Slot::<2>::free();
    let before = slot.seen();
    let first = written(&slot, 1).expect("written");
    let second = written(&slot, 2).expect("written");
    assert!(!slot.take(first), "another's words are not what was seen");
    assert!([before, first].iter().all(|seen| slot.write(*seen, |_| panic!("overwritten")).is_none()));
    assert!(slot.take(second) && !slot.take(second), "once");
    assert!(written(&slot, 3).is_none(), "it is taken");
    assert_eq!(slot.read().map(|(_, words)| words), Some([2, 2]), "and can be read");
    slot.give_back();
    assert!(slot.take(slot.seen()));
    slot.release();
    assert_eq!((slot.read::<2>(), slot.seen().stage()), (None, Stage::Free));
}

struct Numbered(AtomicU64);

impl KeyedEntry for Numbered {
    fn key(&self) -> &AtomicU64 {
        &self.0
    }
}

#[test]
fn a_key_has_one_entry_however_many_take_it_at_once() {
    let table: [Numbered; 64] = std::array::from_fn(|_| Numbered(AtomicU64::new(0)));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (1..=64).for_each(|key| assert!(find_or_take(&table, key).is_some())));
        }
    });
    let mut keys: Vec<u64> = table.iter().map(|entry| entry.0.load(Relaxed)).collect();
    keys.sort_unstable();
    assert_eq!(keys, (1..=64).collect::<Vec<_>>());
    assert!(find(&table, 65).is_none() && find_or_take(&table, 65).is_none(), "the table is full");
    assert!(find_or_take::<Numbered>(&[], 1).is_none());
}

/// Counts how often it is looked at.
struct Looked(Numbered, AtomicU64);

impl KeyedEntry for Looked {
    fn key(&self) -> &AtomicU64 {
        self.1.fetch_add(1, Relaxed);
        &self.0.0
    }
}

#[test]
fn what_was_given_up_ends_no_search_and_what_was_never_taken_does() {
    let table: [Looked; 2048] = std::array::from_fn(|_| Looked(Numbered(AtomicU64::new(0)), AtomicU64::new(0)));
    let looks = || table.iter().map(|entry| entry.1.swap(0, Relaxed)).sum::<u64>();
    assert!(find(&table, 7).is_none());
    assert_eq!(looks(), 1, "nobody took any");
    for key in 1..=1500 {
        assert!(find_or_take(&table, key).is_some());
    }
    for key in (1..=1500).step_by(2) {
        find(&table, key).expect("taken").give_up();
    }
    for key in 1..=1500 {
        assert_eq!(find(&table, key).map(KeyedEntry::taken_by), (key % 2 == 0).then_some(key), "{key}");
    }
    assert!((1..=2048 - 750).all(|key| find_or_take(&table, key + 10_000).is_some()), "they are free for others");
    assert!(find_or_take(&table, 20_000).is_none(), "now it is full");
    assert!((2..=1500).step_by(2).all(|key| find(&table, key).is_some()), "the others were left alone");
}
