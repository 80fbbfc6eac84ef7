//! A span: what is kept of an attempt that ended, for whoever asks later why. Numbers and keys, never what a guest said.

use crate::rules::Id;
use crate::rules::attempt::function::{FUNCTIONS, Function, PATHS, Path};
use crate::rules::attempt::phase::Phase;
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::{Failure, ServerError, sqlstate_pack};
use crate::rules::refusal::outcome::{CATALOGUE, Outcome};
use crate::rules::refusal::{BlockedBy, Refusal};
use crate::rules::statistics::phase_times::TimedPhase;

/// How the transaction of an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionEnd {
    /// It is still open.
    Pending,
    Committed,
    RolledBack,
    /// It is prepared, and ends elsewhere.
    Prepared,
}

impl TransactionEnd {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TransactionEnd::Pending => "pending",
            TransactionEnd::Committed => "committed",
            TransactionEnd::RolledBack => "rolled_back",
            TransactionEnd::Prepared => "prepared",
        }
    }

    fn of(number: u64) -> TransactionEnd {
        match number {
            1 => TransactionEnd::Committed,
            2 => TransactionEnd::RolledBack,
            3 => TransactionEnd::Prepared,
            _ => TransactionEnd::Pending,
        }
    }
}

/// The parts of an attempt that are spans of their own.
pub const PARTS: [TimedPhase; 4] = [TimedPhase::Replay, TimedPhase::Lock, TimedPhase::Validate, TimedPhase::Write];

fn part(phase: Phase) -> Option<usize> {
    let timed = TimedPhase::of(phase)?;
    PARTS.iter().position(|part| *part == timed)
}

/// When a part was first reached, and how long it took over all tries, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PartTime {
    pub first: i64,
    pub took: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub trace: u128,
    pub id: u64,
    /// 0: it is the first of its trace.
    pub parent: u64,
    pub database: u32,
    pub schema: u32,
    pub function: Function,
    pub path: Path,
    pub booking: Option<Id>,
    pub restaurant: Option<Id>,
    pub hold: Option<Id>,
    pub started: Instant,
    pub ended: Instant,
    pub parts: [PartTime; PARTS.len()],
    pub phase: Phase,
    /// When the phase was reached.
    pub since: Instant,
    pub outcome: Outcome,
    pub replayed: bool,
    /// Packed; 0: nothing was refused.
    pub sqlstate: i32,
    pub pid: i32,
    /// The session that had the lock when this one gave up waiting for it; 0: nobody that we know of.
    pub blocker: i32,
    /// What that one was about; or who had the table.
    pub blocked_by: BlockedBy,
    pub key: Option<String>,
    pub message: Option<String>,
    pub detail: Option<String>,
    /// Services want to read of it, if it is rolled back.
    pub is_observed: bool,
    /// A text was longer than its room.
    pub cut: bool,
    /// Which item of a list it is, from 1, and how many these are; zero: of none.
    pub item: (u32, u32),
}

const FIXED: usize = 35;
/// So many bytes of a text are kept. A key may be longer than that: then its beginning is.
pub const KEY_BYTES: usize = 256;
pub(super) const MESSAGE_BYTES: usize = 256;
const DETAIL_BYTES: usize = 512;
const TEXT_BYTES: usize = KEY_BYTES + MESSAGE_BYTES + DETAIL_BYTES;
pub const WORDS: usize = FIXED + TEXT_BYTES.div_ceil(8);

/// Where the transaction's end stands among the words, and its number: both are written later than the rest.
pub const TRANSACTION_END: usize = 0;
pub const TRANSACTION: usize = 1;
/// So many words say which booking it is about.
pub const BOOKING_WORDS: usize = 9;
const SINCE: usize = 15;
const LABELS: usize = 17;
/// So many words say what an attempt is at.
pub const LOCK_WORDS: usize = LABELS + 1;
const BLOCKED_BY: usize = 28;
/// Whether services are still to be told of it: the one who tells them clears it.
pub const OBSERVED: usize = 33;
/// So many words say whose schema's services are to be told.
pub const OBSERVED_WORDS: usize = OBSERVED + 1;

impl Span {
    #[must_use]
    pub fn begun(function: Function, path: Path, started: Instant) -> Span {
        Span {
            trace: 0,
            id: 0,
            parent: 0,
            database: 0,
            schema: 0,
            function,
            path,
            booking: None,
            restaurant: None,
            hold: None,
            started,
            ended: started,
            parts: [PartTime::default(); PARTS.len()],
            phase: Phase::Arguments,
            since: started,
            outcome: Outcome::Failed,
            replayed: false,
            sqlstate: 0,
            pid: 0,
            blocker: 0,
            blocked_by: BlockedBy::default(),
            key: None,
            message: None,
            detail: None,
            is_observed: false,
            cut: false,
            item: (0, 0),
        }
    }

    /// It goes from one phase to another.
    pub fn reach(&mut self, phase: Phase, now: Instant) {
        if let Some(left) = part(self.phase) {
            self.parts[left].took += now.0.saturating_sub(self.since.0).max(0);
        }
        if let Some(time) = part(phase).map(|reached| &mut self.parts[reached]).filter(|time| time.first == 0) {
            time.first = now.0;
        }
        (self.phase, self.since) = (phase, now);
    }

    /// It ended: what it came to, and when. The phase stays where it was.
    pub fn end(&mut self, outcome: Outcome, now: Instant) {
        self.reach(self.phase, now);
        (self.outcome, self.ended) = (outcome, now);
    }

    /// Why it was refused, in our own words.
    pub fn refused(&mut self, refusal: &Refusal) {
        self.sqlstate = sqlstate_pack(refusal.outcome.entry().sqlstate);
        self.message = Some(refusal.message.clone());
        self.detail.clone_from(&refusal.detail);
        self.blocked_by = refusal.blocked_by.as_deref().copied().unwrap_or_default();
    }

    /// Can anybody find it? One that names no booking, and found nothing of what it names, says nothing that the counters
    /// do not, and whoever repeats it would drive out what others want to know.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.booking.is_some() || self.restaurant.is_some()
    }

    /// Why it failed. What the server or a trigger says may name a guest: only the names of what spoke are kept.
    pub fn failed(&mut self, failure: &Failure) {
        match failure {
            Failure::Refused(refusal) | Failure::Undone(refusal) => self.refused(refusal),
            Failure::Server(error) => {
                self.sqlstate = error.sqlstate;
                self.message =
                    Some(error.own_words().unwrap_or("The server raised an error, or a trigger did").to_owned());
                self.detail = said_by(error);
            }
        }
    }

    /// Do these first words of a span say that it is about this booking?
    #[must_use]
    pub fn is_about(words: &[u64; BOOKING_WORDS], database: u32, schema: u32, booking: Id) -> bool {
        let (first, second) = booking.as_u64_pair();
        words[6..] == [u64::from(database) << 32 | u64::from(schema), first, second]
    }

    #[must_use]
    pub fn name(&self) -> &'static str {
        span_name(self.function)
    }

    /// The number of a child: the same whenever it is read.
    #[must_use]
    pub fn child_id(&self, part: usize) -> u64 {
        let mixed = (self.id ^ (part as u64 + 1)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed ^ mixed >> 32).max(1)
    }

    /// Everything of a few values, in one word.
    fn labels(&self) -> u64 {
        let [key, message, detail] = [&self.key, &self.message, &self.detail].map(|text| u64::from(text.is_some()));
        let named = self.function as u64 | (self.path as u64) << 8 | (self.phase as u64) << 16;
        let ended = (self.outcome as u64) << 24 | u64::from(self.replayed) << 40;
        named | ended | key << 42 | message << 43 | detail << 44
    }

    /// The words that change when another phase is reached.
    pub fn write_phase(&self, mut word: impl FnMut(usize, u64)) {
        word(SINCE, self.since.0.cast_unsigned());
        word(LABELS, self.labels());
    }

    /// As it lies in shared memory: each word with its place. The texts' words come last, as many as there are.
    pub fn write(&self, mut word: impl FnMut(usize, u64)) {
        let id = |id: Option<Id>| id.unwrap_or_default().as_u64_pair();
        let (booking, restaurant, hold) = (id(self.booking), id(self.restaurant), id(self.hold));
        let (other_booking, other_hold) = (id(self.blocked_by.booking), id(self.blocked_by.hold));
        let until = self.blocked_by.until.map_or(0, |until| until.0.cast_unsigned());
        let (key, key_cut) = cut(self.key.as_deref(), KEY_BYTES);
        let (message, message_cut) = cut(self.message.as_deref(), MESSAGE_BYTES);
        let (detail, detail_cut) = cut(self.detail.as_deref(), DETAIL_BYTES);
        let is_cut = key_cut || message_cut || detail_cut;
        let fixed = [
            TransactionEnd::Pending as u64,
            0,
            (self.trace >> 64) as u64,
            self.trace as u64,
            self.id,
            self.parent,
            u64::from(self.database) << 32 | u64::from(self.schema),
            booking.0,
            booking.1,
            restaurant.0,
            restaurant.1,
            hold.0,
            hold.1,
            self.started.0.cast_unsigned(),
            self.ended.0.cast_unsigned(),
            self.since.0.cast_unsigned(),
            u64::from(self.pid.cast_unsigned()) << 32 | u64::from(self.blocker.cast_unsigned()),
            self.labels() | u64::from(is_cut) << 41,
            u64::from(self.sqlstate.cast_unsigned()),
            key.len() as u64 | (message.len() as u64) << 16 | (detail.len() as u64) << 32,
        ];
        let parts = self.parts.iter().flat_map(|time| [time.first.cast_unsigned(), time.took.cast_unsigned()]);
        let blocked_by = [other_booking.0, other_booking.1, other_hold.0, other_hold.1, until];
        let item = u64::from(self.item.0) << 32 | u64::from(self.item.1);
        let last = [u64::from(self.is_observed), item];
        let numbers = fixed.into_iter().chain(parts).chain(blocked_by).chain(last).enumerate();
        numbers.for_each(|(at, value)| word(at, value));
        let mut bytes = key.bytes().chain(message.bytes()).chain(detail.bytes());
        for at in FIXED..WORDS {
            let (mut eight, mut taken) = ([0; 8], 0);
            for (to, byte) in eight.iter_mut().zip(bytes.by_ref()) {
                (*to, taken) = (byte, taken + 1);
            }
            if taken == 0 {
                break;
            }
            word(at, u64::from_le_bytes(eight));
        }
    }

    /// None: these words were never written by `write`.
    #[must_use]
    pub fn of_words(words: &[u64; WORDS]) -> Option<Span> {
        let some = |at: usize| Some(Id::from_u64_pair(words[at], words[at + 1])).filter(|id| !id.is_nil());
        let instant = |at: usize| Instant(words[at].cast_signed());
        let lengths = [0, 16, 32].map(|shift| (words[19] >> shift & 0xffff) as usize);
        let bytes: Vec<u8> =
            words[FIXED..].iter().flat_map(|word| word.to_le_bytes()).take(lengths.iter().sum()).collect();
        let flag = |bit: u32| words[LABELS] >> bit & 1 == 1;
        let text = |which: usize| {
            let from: usize = lengths[..which].iter().sum();
            let bytes = bytes.get(from..from + lengths[which])?;
            Some(flag(42 + which as u32).then_some(std::str::from_utf8(bytes).ok()?.to_owned()))
        };
        let small = |shift: u32, mask: u64| (words[LABELS] >> shift & mask) as usize;
        Some(Span {
            trace: u128::from(words[2]) << 64 | u128::from(words[3]),
            id: words[4],
            parent: words[5],
            database: (words[6] >> 32) as u32,
            schema: words[6] as u32,
            booking: some(7),
            restaurant: some(9),
            hold: some(11),
            started: instant(13),
            ended: instant(14),
            since: instant(SINCE),
            pid: ((words[16] >> 32) as u32).cast_signed(),
            blocker: (words[16] as u32).cast_signed(),
            blocked_by: BlockedBy {
                booking: some(BLOCKED_BY),
                hold: some(BLOCKED_BY + 2),
                until: Some(instant(BLOCKED_BY + 4)).filter(|until| until.0 != 0),
            },
            function: *FUNCTIONS.get(small(0, 0xff))?,
            path: *PATHS.get(small(8, 0xff))?,
            phase: *Phase::ALL.get(small(16, 0xff))?,
            outcome: CATALOGUE.get(small(24, 0xffff))?.outcome,
            replayed: flag(40),
            is_observed: words[OBSERVED] == 1,
            cut: flag(41),
            item: ((words[FIXED - 1] >> 32) as u32, words[FIXED - 1] as u32),
            sqlstate: (words[18] as u32).cast_signed(),
            parts: std::array::from_fn(|at| PartTime {
                first: words[20 + at * 2].cast_signed(),
                took: words[21 + at * 2].cast_signed(),
            }),
            key: text(0)?,
            message: text(1)?,
            detail: text(2)?,
        })
    }
}

/// How the transaction ended, and its number; 0: it had none, or it was not asked.
#[must_use]
pub fn transaction_of(words: &[u64; WORDS]) -> (TransactionEnd, u64) {
    (TransactionEnd::of(words[TRANSACTION_END]), words[TRANSACTION])
}

/// Was it rolled back, and are services still to be told?
#[must_use]
pub fn is_untold(end: u64, observed: u64) -> bool {
    TransactionEnd::of(end) == TransactionEnd::RolledBack && observed == 1
}

/// What a function's spans are called.
fn span_name(function: Function) -> &'static str {
    match function {
        Function::ConfirmByTables
        | Function::ConfirmByHold
        | Function::AtomicConfirm
        | Function::ConfirmWithin
        | Function::ConfirmMany => "holdfast.confirm",
        Function::AutoAssign => "holdfast.auto_assign",
        Function::Assign | Function::AssignSingle | Function::AssignMerged => "holdfast.assign",
        Function::Hold => "holdfast.hold",
        Function::ExtendHold => "holdfast.extend_hold",
        Function::Release => "holdfast.release",
        Function::Unassign => "holdfast.unassign",
        Function::Transition => "holdfast.transition",
        Function::Refresh => "holdfast.refresh",
        Function::Undo => "holdfast.undo",
        Function::Fence => "holdfast.fence",
        Function::Repair => "holdfast.reconcile",
    }
}

fn said_by(error: &ServerError) -> Option<String> {
    let named = [("constraint", &error.constraint), ("table", &error.table), ("schema", &error.schema)];
    let named: Vec<String> =
        named.into_iter().filter_map(|(what, name)| Some(format!("{what} {}", name.as_deref()?))).collect();
    (!named.is_empty()).then(|| named.join(", "))
}

/// At most so many bytes, whole characters.
pub(super) fn cut(text: Option<&str>, most: usize) -> (&str, bool) {
    let text = text.unwrap_or_default();
    let end = text.floor_char_boundary(most);
    (&text[..end], end < text.len())
}
