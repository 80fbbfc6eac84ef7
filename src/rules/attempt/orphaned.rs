//! An attempt that was cut off: its session ended before its transaction did, so nothing of it is left but this note.

use crate::rules::Id;
use crate::rules::attempt::LastAttempt;
use crate::rules::attempt::auto_assign::Initiator;
use crate::rules::attempt::phase::Phase;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::request::{KEY_MAX_BYTES, Request};
use crate::rules::refusal::Refusal;
use crate::rules::refusal::outcome::Outcome;

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphaned {
    pub database: u32,
    pub schema: u32,
    pub booking: Id,
    pub key: String,
    pub hold: Option<Id>,
    pub trigger: Option<Initiator>,
    pub started: Instant,
    pub ended: Instant,
    pub phase: Phase,
    pub pid: i32,
    /// The transaction that was rolled back; None: it had not written yet.
    pub transaction: Option<u64>,
    /// None: it was not given a number.
    pub attempt: Option<Id>,
}

/// Which of the notes makes room for one more: the oldest of the schema that has most of them, so that nobody who fills the
/// room takes a note from another.
#[must_use]
pub fn makes_room(notes: &[(usize, Orphaned)]) -> Option<usize> {
    let of = |note: &Orphaned| (note.database, note.schema);
    let as_many = |note: &Orphaned| notes.iter().filter(|(_, other)| of(other) == of(note)).count();
    let last = notes.iter().max_by_key(|(_, note)| (as_many(note), std::cmp::Reverse(note.ended)));
    last.map(|(place, _)| *place)
}

/// A note as it lies in shared memory.
pub type Words = [u64; WORDS];
const FIXED: usize = 13;
pub const WORDS: usize = FIXED + KEY_MAX_BYTES / 8;

impl Orphaned {
    /// An attempt at its beginning, as it would be noted; None without a key, for nobody can ask for it.
    #[must_use]
    pub fn begun(request: &Request, started: Instant) -> Option<Orphaned> {
        let hold = request.selection.hold();
        let key = request.key.clone()?;
        Some(Orphaned {
            database: 0,
            schema: 0,
            booking: request.booking,
            key,
            hold,
            trigger: None,
            started,
            ended: started,
            phase: Phase::Arguments,
            pid: 0,
            transaction: None,
            attempt: None,
        })
    }

    /// It did not happen, and may be tried again.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let message = format!("The attempt for booking {} was cut off with its session", self.booking);
        Refusal::new(Outcome::Failed, message).detail(format!(
            "Process {} ended at {} in phase {}",
            self.pid,
            self.ended,
            self.phase.name()
        ))
    }

    /// As the last attempt under its key.
    #[must_use]
    pub fn last(&self) -> LastAttempt {
        LastAttempt {
            outcome: Outcome::Failed.entry().name.to_owned(),
            refusal: Some(self.refusal()),
            receipt: self.transaction,
            decided_at: Some(self.ended),
        }
    }

    /// Is it about this key?
    #[must_use]
    pub fn is_of(&self, database: u32, schema: u32, booking: Id, key: &str) -> bool {
        (self.database, self.schema, self.booking, self.key.as_str()) == (database, schema, booking, key)
    }

    /// As numbers. A key longer than any that a call accepts is cut.
    #[must_use]
    pub fn to_words(&self) -> Words {
        let id = |id: Option<Id>| id.unwrap_or_default().as_u64_pair();
        let (hold, booking, attempt) = (id(self.hold), id(Some(self.booking)), id(self.attempt));
        let trigger = self.trigger.map_or(0, |trigger| trigger as u64 + 1);
        let mut words = [0; WORDS];
        words[..FIXED].copy_from_slice(&[
            u64::from(self.database) << 32 | u64::from(self.schema),
            booking.0,
            booking.1,
            hold.0,
            hold.1,
            attempt.0,
            attempt.1,
            self.started.0.cast_unsigned(),
            self.ended.0.cast_unsigned(),
            self.phase as u64 | trigger << 8 | u64::from(self.hold.is_some()) << 16,
            u64::from(self.pid.cast_unsigned()),
            self.transaction.unwrap_or_default(),
            self.key.len().min(KEY_MAX_BYTES) as u64,
        ]);
        for (word, bytes) in words[FIXED..].iter_mut().zip(self.key.as_bytes().chunks(8)) {
            let mut eight = [0; 8];
            eight[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_le_bytes(eight);
        }
        words
    }

    /// None: these words were never written by `to_words`.
    #[must_use]
    pub fn of_words(words: &Words) -> Option<Orphaned> {
        let id = |at: usize| Id::from_u64_pair(words[at], words[at + 1]);
        let some = |id: Id| (!id.is_nil()).then_some(id);
        let bytes: Vec<u8> = words[FIXED..].iter().flat_map(|word| word.to_le_bytes()).collect();
        let key = bytes.get(..usize::try_from(words[12]).ok()?)?;
        let trigger = match words[9] >> 8 & 0xff {
            0 => None,
            1 => Some(Initiator::Inline),
            _ => Some(Initiator::Background),
        };
        Some(Orphaned {
            database: (words[0] >> 32) as u32,
            schema: words[0] as u32,
            booking: id(1),
            key: std::str::from_utf8(key).ok()?.to_owned(),
            hold: (words[9] >> 16 & 1 == 1).then(|| id(3)),
            trigger,
            started: Instant(words[7].cast_signed()),
            ended: Instant(words[8].cast_signed()),
            phase: *Phase::ALL.get((words[9] & 0xff) as usize)?,
            pid: (words[10] as u32).cast_signed(),
            transaction: (words[11] != 0).then_some(words[11]),
            attempt: some(id(5)),
        })
    }
}

/// Of two ends under one key, the one that came later.
#[must_use]
pub fn later(one: Option<LastAttempt>, other: Option<LastAttempt>) -> Option<LastAttempt> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if one.decided_at > other.decided_at { one } else { other }),
        (one, other) => one.or(other),
    }
}
