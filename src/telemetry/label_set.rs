//! Numbers by label set: database, schema of an application, function and path. [unsafe]
//!
//! A label set takes an entry of the table when it is first called, and keeps it until the server starts again. Where the
//! table is full, calls are counted by function and path alone, in entries that are there for that: nothing goes uncounted.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use pgrx::prelude::*;
use pgrx::{PGRXSharedMemory, pg_shmem_init};

use super::counters::{add, counters};
use crate::rules::attempt::function::{FUNCTIONS, Function, PATHS, Path};
use crate::rules::attempt::tally::LabelSetNumber;
use crate::rules::refusal::outcome::{CATALOGUE, Outcome};
use crate::rules::statistics::counter::{COUNTERS, Counter};
use crate::rules::statistics::histogram::{self, BUCKETS, Histogram};
use crate::rules::statistics::phase_times::{TIMED, TimedPhase};
use crate::rules::statistics::{Counts, Labels};
use crate::settings;
use crate::shared_memory::keyed::{self, KeyedEntry};
use crate::shared_memory::slot::Slot;
use crate::shared_memory::{SharedSlice, Zeroed};

/// The entries of calls that the table has no room for.
const UNLABELLED: usize = FUNCTIONS.len() * PATHS.len();
/// The words of a name; the server cuts names to 63 bytes.
const NAME: usize = 8;

struct Times {
    total_us: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

/// One entry. Zeroed memory is a free one.
pub struct LabelSet {
    /// Database, schema, function and path; 0: free.
    key: AtomicU64,
    /// The schema's name.
    name: Slot<NAME>,
    started: AtomicU64,
    in_flight: AtomicU64,
    prepared: AtomicU64,
    counters: [AtomicU64; COUNTERS.len()],
    outcomes: [AtomicU64; CATALOGUE.len()],
    times: [Times; TIMED.len()],
}

// SAFETY: atomics only, without a pointer in them: every process sees the same memory in the same way.
unsafe impl PGRXSharedMemory for LabelSet {}

// SAFETY: zero is a free one that counted nothing.
unsafe impl Zeroed for LabelSet {}

// SAFETY: the name is ours alone.
static LABEL_SETS: SharedSlice<LabelSet> = unsafe { SharedSlice::new(c"holdfast label sets", length) };

thread_local! {
    /// Those that this session met: none is given up while it lives.
    static MET: RefCell<HashMap<u64, LabelSetNumber>> = RefCell::new(HashMap::new());
}

fn length() -> usize {
    UNLABELLED + usize::try_from(settings::label_sets()).unwrap_or_default()
}

/// Asks for the shared memory, in the postmaster.
#[allow(unexpected_cfgs, reason = "pgrx's macro asks for a version that we do not support")]
pub fn register() {
    pg_shmem_init!(LABEL_SETS = ());
}

/// The label set of this number.
pub fn at(number: LabelSetNumber) -> Option<&'static LabelSet> {
    LABEL_SETS.get().get(number as usize)
}

fn unlabelled(function: Function, path: Path) -> usize {
    function as usize * PATHS.len() + path as usize
}

/// The label set of a call of this database; None when the library is not preloaded.
pub fn of_call(schema: u32, name: &str, function: Function, path: Path) -> Option<(LabelSetNumber, &'static LabelSet)> {
    let counters = counters()?;
    let known = u64::from(schema) << 16 | unlabelled(function, path) as u64;
    let number = MET.with_borrow_mut(|met| {
        *met.entry(known).or_insert_with(|| take(counters.number_of(super::database()), schema, function, path))
    });
    let label_set = at(number)?;
    label_set.rename(name);
    Some((number, label_set))
}

/// What a schema was called when it was last called by this session; None: it has no entry with a name.
pub fn schema_name(schema: u32, function: Function, path: Path) -> Option<String> {
    let known = u64::from(schema) << 16 | unlabelled(function, path) as u64;
    let number = MET.try_with(|met| met.try_borrow().ok()?.get(&known).copied()).ok().flatten()?;
    at(number).map(LabelSet::name).filter(|name| !name.is_empty())
}

/// Its entry, taken if it has none.
pub fn take(database: Option<u64>, schema: u32, function: Function, path: Path) -> LabelSetNumber {
    let all = LABEL_SETS.get();
    let (_, table) = all.split_at(UNLABELLED.min(all.len()));
    let place = unlabelled(function, path);
    let key = database.map(|number| (number + 1) << 48 | u64::from(schema) << 16 | place as u64);
    let entry = key.and_then(|key| keyed::find_or_take(table, key));
    let number = entry.map_or(place, |entry| {
        UNLABELLED + (std::ptr::from_ref(entry).addr() - table.as_ptr().addr()) / size_of::<LabelSet>()
    });
    number as LabelSetNumber
}

/// What was counted, of every label set under which something was.
pub fn read() -> Vec<(LabelSetNumber, Labels, Counts)> {
    let all = LABEL_SETS.get().iter().enumerate();
    all.filter_map(|(at, label_set)| {
        let counts = label_set.counts();
        (counts.started > 0).then(|| (at as LabelSetNumber, label_set.labels(at), counts))
    })
    .collect()
}

/// Forgets what ended. What is in flight or prepared stays, so that the sum holds while calls go on.
pub fn reset() {
    LABEL_SETS.get().iter().for_each(LabelSet::reset);
}

impl KeyedEntry for LabelSet {
    fn key(&self) -> &AtomicU64 {
        &self.key
    }
}

// What runs at the end of a transaction must not panic: an error there would bring the server down.

impl LabelSet {
    /// An attempt began.
    pub fn begun(&self) {
        add(&self.started, 1);
        add(&self.in_flight, 1);
    }

    /// One that was in flight came to this.
    pub fn ended(&self, outcome: Outcome) {
        self.add_outcome(outcome, 1);
        self.in_flight.fetch_sub(1, Relaxed);
    }

    /// So many that were in flight wait for the end of a prepared transaction.
    pub fn prepared(&self, number: u64) {
        add(&self.prepared, number);
        self.in_flight.fetch_sub(number, Relaxed);
    }

    /// So many that were prepared came to this.
    pub fn settled(&self, outcome: Outcome, number: u64) {
        self.add_outcome(outcome, number);
        self.prepared.fetch_sub(number, Relaxed);
    }

    fn add_outcome(&self, outcome: Outcome, number: u64) {
        add(&self.outcomes[outcome as usize], number);
    }

    pub fn count(&self, counter: Counter, number: u64) {
        add(&self.counters[counter as usize], number);
    }

    /// A deadline was met, or missed by what could no longer be taken back.
    pub fn timed(&self, in_time: u64, late: u64) {
        self.count(Counter::CompletedInTime, in_time);
        self.count(Counter::TimeoutAfterConfirm, late);
    }

    pub fn took(&self, phase: TimedPhase, us: u64) {
        let times = &self.times[phase as usize];
        add(&times.total_us, us);
        add(&times.buckets[histogram::bucket(us)], 1);
    }

    /// What a file kept.
    pub fn restore(&self, name: &str, counts: &Counts) {
        let all = |into: &[AtomicU64], from: &[u64]| into.iter().zip(from).for_each(|(into, from)| add(into, *from));
        self.rename(name);
        add(&self.started, counts.started);
        add(&self.prepared, counts.prepared);
        all(&self.counters, &counts.counters);
        all(&self.outcomes, &counts.outcomes);
        for (into, from) in self.times.iter().zip(&counts.times) {
            add(&into.total_us, from.total_us);
            all(&into.buckets, &from.buckets);
        }
    }

    /// Keeps the schema's name, for whoever reads in another database.
    fn rename(&self, name: &str) {
        if self.key.load(Relaxed) == 0 {
            return;
        }
        let words: [u64; NAME] = std::array::from_fn(|at| {
            let mut eight = [0; 8];
            let bytes = name.as_bytes().iter().skip(at * 8);
            eight.iter_mut().zip(bytes).for_each(|(into, byte)| *into = *byte);
            u64::from_ne_bytes(eight)
        });
        if self.name.read::<NAME>().is_some_and(|(_, kept)| kept == words) {
            return;
        }
        self.name.write(self.name.seen(), |kept| {
            kept.iter().zip(words).for_each(|(into, word)| into.store(word, Relaxed));
        });
    }

    fn name(&self) -> String {
        let words = self.name.read::<NAME>().map(|(_, words)| words).unwrap_or_default();
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).take_while(|byte| *byte != 0).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn labels(&self, at: usize) -> Labels {
        let key = self.key.load(Relaxed);
        let place = if key == 0 { at } else { (key & 0xffff) as usize };
        let database = (key >> 48).checked_sub(1).and_then(|number| counters()?.database(number));
        Labels {
            database: database.unwrap_or_default(),
            schema: (key >> 16) as u32,
            schema_name: self.name(),
            function: FUNCTIONS.get(place / PATHS.len()).copied().unwrap_or(Function::ConfirmByTables),
            path: PATHS[place % PATHS.len()],
        }
    }

    fn counts(&self) -> Counts {
        let number = |of: &AtomicU64| of.load(Relaxed);
        Counts {
            started: number(&self.started),
            in_flight: number(&self.in_flight),
            prepared: number(&self.prepared),
            counters: std::array::from_fn(|at| number(&self.counters[at])),
            outcomes: std::array::from_fn(|at| number(&self.outcomes[at])),
            times: std::array::from_fn(|at| {
                let times = &self.times[at];
                Histogram {
                    total_us: number(&times.total_us),
                    buckets: std::array::from_fn(|bucket| number(&times.buckets[bucket])),
                }
            }),
        }
    }

    fn reset(&self) {
        for outcome in &self.outcomes {
            self.started.fetch_sub(outcome.swap(0, Relaxed), Relaxed);
        }
        let times = self.times.iter().flat_map(|times| times.buckets.iter().chain([&times.total_us]));
        self.counters.iter().chain(times).for_each(|number| number.store(0, Relaxed));
    }
}
