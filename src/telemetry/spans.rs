//! The ring of the last attempts, which a rollback leaves alone. [unsafe]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use pgrx::prelude::*;
use pgrx::{PGRXSharedMemory, pg_shmem_init};

use super::counters::{add, counters};
use super::prepared::End;
use super::settle;
use crate::rules::Id;
use crate::rules::trace::span::{
    OBSERVED, OBSERVED_WORDS, Span, TRANSACTION, TRANSACTION_END, TransactionEnd, WORDS, is_untold, transaction_of,
};
use crate::settings;
use crate::shared_memory::ring::{Ring, RingCounts, RingEntry};
use crate::shared_memory::slot::Slot;
use crate::shared_memory::{Shared, SharedSlice};

// SAFETY: atomics only, without a pointer in them: every process sees the same memory in the same way.
unsafe impl PGRXSharedMemory for RingCounts {}

// SAFETY: the name is ours alone.
static COUNTS: Shared<RingCounts> = unsafe { Shared::new(c"holdfast spans written") };
// SAFETY: the name is ours alone.
static SPANS: SharedSlice<Slot<WORDS>> = unsafe { SharedSlice::new(c"holdfast spans", length) };

fn length() -> usize {
    usize::try_from(settings::spans()).unwrap_or_default()
}

/// Asks for the shared memory, in the postmaster.
#[allow(unexpected_cfgs, reason = "pgrx's macro asks for a version that we do not support")]
pub fn register() {
    pg_shmem_init!(COUNTS = RingCounts::new());
    pg_shmem_init!(SPANS = ());
}

fn ring() -> Option<Ring<'static, WORDS>> {
    Some(Ring { slots: SPANS.get(), counts: COUNTS.get()? })
}

/// Writes down an attempt that ended; how its transaction ends is not known yet.
pub fn write(span: &Span) -> Option<RingEntry> {
    let written = ring()?.write(|words| {
        if is_untold(words[TRANSACTION_END].load(Relaxed), words[OBSERVED].load(Relaxed)) {
            count_unobserved(1);
        }
        span.write(|at, value| words[at].store(value, Relaxed));
    });
    if written.is_none() && span.is_observed {
        count_unobserved(1);
    }
    written
}

/// Services will never read of so many attempts that rolled back.
pub fn count_unobserved(number: u64) {
    if let Some(counters) = counters() {
        add(&counters.unobserved, number);
    }
}

/// Services can read of one.
pub fn count_observed() {
    if let Some(counters) = counters() {
        add(&counters.observed, 1);
    }
}

/// Attempts of a schema of this database that rolled back and of which services are to be told, each handed out once.
pub fn take_untold(schema: u32, most: usize) -> Vec<Span> {
    let place = u64::from(super::database()) << 32 | u64::from(schema);
    let is_wanted =
        move |words: &[u64; OBSERVED_WORDS]| words[6] == place && is_untold(words[TRANSACTION_END], words[OBSERVED]);
    let told = |words: &[AtomicU64; WORDS]| words[OBSERVED].store(0, Relaxed);
    let taken = ring().map(|ring| ring.take_wanted(most, is_wanted, told)).unwrap_or_default();
    taken.iter().filter_map(Span::of_words).collect()
}

/// The transaction ended, or a part of it. False: the entry is gone.
pub fn settle(entry: RingEntry, end: TransactionEnd, transaction: u64) -> bool {
    let settled = ring().and_then(|ring| {
        ring.change(entry, |words| {
            words[TRANSACTION_END].store(end as u64, Relaxed);
            words[TRANSACTION].store(transaction, Relaxed);
        })
    });
    settled.is_some()
}

/// How many entries the ring has room for.
pub fn room() -> usize {
    SPANS.get().len()
}

/// One span of the ring.
pub struct RecordedSpan {
    pub span: Span,
    pub end: TransactionEnd,
    /// None: the transaction wrote nothing, or has not ended.
    pub transaction: Option<u64>,
}

/// Every span that is there.
pub fn read() -> Vec<RecordedSpan> {
    ring().into_iter().flat_map(|ring| ring.read()).filter_map(recorded).collect()
}

/// Those that are about one booking of a schema of this database.
pub fn of_booking(schema: u32, booking: Id) -> Vec<RecordedSpan> {
    let database = super::database();
    let is_wanted = move |words: &_| Span::is_about(words, database, schema, booking);
    ring().into_iter().flat_map(|ring| ring.wanted(is_wanted)).filter_map(recorded).collect()
}

/// A prepared transaction may have ended meanwhile: the server is asked.
fn recorded(words: [u64; WORDS]) -> Option<RecordedSpan> {
    let span = Span::of_words(&words)?;
    let (end, transaction) = transaction_of(&words);
    let end = match end {
        TransactionEnd::Prepared => settle::end_of(transaction).map_or(end, TransactionEnd::from),
        end => end,
    };
    Some(RecordedSpan { span, end, transaction: (transaction != 0).then_some(transaction) })
}

/// What was written, what is there, and what made room for others or found none.
pub struct SpanCounts {
    pub room: u64,
    pub written: u64,
    pub held: u64,
    pub dropped: u64,
    pub observed: u64,
    pub unobserved: u64,
}

/// None when the library is not preloaded.
pub fn counts() -> Option<SpanCounts> {
    let ring = ring()?;
    let (written, dropped) = (ring.counts.written(), ring.counts.dropped());
    let (room, held) = (ring.slots.len() as u64, ring.read().count() as u64);
    let [observed, unobserved] =
        counters().map(|counters| [&counters.observed, &counters.unobserved].map(|of| of.load(Relaxed)))?;
    Some(SpanCounts { room, written, held, dropped, observed, unobserved })
}

impl From<End> for TransactionEnd {
    fn from(end: End) -> TransactionEnd {
        match end {
            End::Committed => TransactionEnd::Committed,
            End::RolledBack => TransactionEnd::RolledBack,
        }
    }
}
