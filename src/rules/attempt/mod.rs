//! An attempt under a key: how far it got, what it came to, and what can be said of it later.

pub mod auto_assign;
pub mod by_part;
pub mod function;
pub mod orphaned;
pub mod phase;
pub mod remembered;
pub mod tally;
pub mod time_limit;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::rules::Id;
use crate::rules::attempt::phase::Phase;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::fingerprint::sha256_prefix;
use crate::rules::hold::Hold;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::refusal::{self, Refusal};

/// The number of the lock that a running attempt has: every attempt under the key shares it, nobody waits for it.
#[must_use]
pub fn lock_number(schema: u32, booking: Id, key: &str) -> i64 {
    sha256_prefix(&format!("holdfast attempt|{schema}|{booking}|{key}"))
}

/// The most keys that one transaction marks one by one: the server has room for some thousands of locks, for everybody.
pub const KEYS_MARKED: usize = 256;

/// The numbers of the locks that mark the attempts of one transaction: one a key, or, of many, one for each of a few
/// shares of the bookings. Whoever asks for a key asks for its booking's share, too, and who has that booking locked.
#[must_use]
pub fn lock_numbers(schema: u32, keys: &[(Id, &str)]) -> BTreeSet<i64> {
    if keys.len() <= KEYS_MARKED {
        return keys.iter().map(|(booking, key)| lock_number(schema, *booking, key)).collect();
    }
    keys.iter().map(|(booking, _)| share_number(schema, *booking)).collect()
}

/// The number of the lock that marks the attempts for a share of the bookings.
#[must_use]
pub fn share_number(schema: u32, booking: Id) -> i64 {
    sha256_prefix(&format!("holdfast attempts|{schema}|{}", booking.as_u128() % KEYS_MARKED as u128))
}

/// The number of the lock that only one automatic attempt of a booking has at a time.
#[must_use]
pub fn turn_number(schema: u32, booking: Id) -> i64 {
    sha256_prefix(&format!("holdfast turn|{schema}|{booking}"))
}

/// What an attempt with a deadline came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub outcome: Outcome,
    pub phase: Phase,
    pub elapsed_ms: i64,
    pub tries: i32,
    pub assignments: Vec<Assignment>,
    pub refusal: Option<Refusal>,
    pub retry_after_ms: Option<i64>,
    pub replayed: bool,
    pub key: Option<String>,
    pub hold_released: bool,
    pub receipt: Option<u64>,
}

impl Report {
    /// Nothing was begun, so nothing is written down.
    #[must_use]
    pub fn unbegun(outcome: Outcome, elapsed_ms: i64, key: Option<String>) -> Report {
        Report {
            outcome,
            phase: Phase::Arguments,
            elapsed_ms,
            tries: 0,
            assignments: Vec::new(),
            refusal: None,
            retry_after_ms: None,
            replayed: false,
            key,
            hold_released: false,
            receipt: None,
        }
    }
}

/// The deadline passed before everything was written.
#[must_use]
pub fn timed_out(booking: Id, elapsed_ms: i64, phase: Phase) -> Refusal {
    Refusal::new(Outcome::TimeoutBeforeConfirm, format!("Booking {booking} was not confirmed in time"))
        .detail(format!("Ended after {elapsed_ms} ms in phase {}", phase.name()))
}

/// The words that an attempt leaves behind.
#[must_use]
pub fn detail(refusal: &Refusal, attempt: Id, hold_released: bool) -> Value {
    json!({"attemptId": attempt, "holdReleased": hold_released, "refusal": refusal})
}

/// May an attempt for this booking hand the hold back? Never somebody else's, and only one that is open.
#[must_use]
pub fn may_release(hold: &Hold, booking: Id, restaurant: Option<Id>) -> bool {
    let ours = hold.booking.is_none_or(|owner| owner == booking) && restaurant == Some(hold.restaurant);
    ours && hold.status == "active"
}

/// A refusal that this hold can never overcome: kept, it would keep its tables from others for nothing. What is wrong with the
/// key or with an argument says nothing of the hold.
#[must_use]
pub fn spends_hold(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::HoldExpired
            | Outcome::HoldWithoutTables
            | Outcome::HoldWindowMissing
            | Outcome::HoldWindowInvalid
            | Outcome::PolicyVersionChanged
            | Outcome::AdjacencySnapshotChanged
            | Outcome::StatusConflict
            | Outcome::WindowOutsideBooking
            | Outcome::TablesNotFound
            | Outcome::TableOfOtherRestaurant
            | Outcome::TableWithoutZone
            | Outcome::TableInactive
            | Outcome::TableOutOfService
            | Outcome::TablesInDifferentZones
            | Outcome::TableNotMovable
            | Outcome::ZoneLocked
            | Outcome::TablesNotAdjacent
            | Outcome::PartyTooLarge
            | Outcome::PartyTooSmall
    )
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    Committed,
    Refused,
    TimedOut,
    Fenced,
    Running,
    Forgotten,
    NeverSeen,
}

impl KeyState {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            KeyState::Committed => "committed",
            KeyState::Refused => "refused",
            KeyState::TimedOut => "timed_out",
            KeyState::Fenced => "fenced",
            KeyState::Running => "running",
            KeyState::Forgotten => "forgotten",
            KeyState::NeverSeen => "never_seen",
        }
    }
}

/// The ledger's entry under a key, as it was written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AttemptEntry {
    pub outcome: String,
    pub refusal: Option<Refusal>,
    pub assignments: Vec<Assignment>,
    pub receipt: Option<u64>,
    pub decided_at: Option<Instant>,
    /// When it was taken back.
    pub undone_at: Option<Instant>,
}

/// The last attempt under a key that wrote down how it ended.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LastAttempt {
    pub outcome: String,
    pub refusal: Option<Refusal>,
    pub receipt: Option<u64>,
    pub decided_at: Option<Instant>,
}

/// Somebody who has the attempt's lock at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holder {
    pub pid: Option<i32>,
    /// Of a prepared transaction.
    pub gid: Option<String>,
}

/// Everything that is known of a key. The holder was looked for first: locks go after the commit can be seen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KeyFacts {
    pub holder: Option<Holder>,
    pub entry: Option<AttemptEntry>,
    pub last: Option<LastAttempt>,
    /// Answers from before that instant were forgotten.
    pub forgotten: Option<Instant>,
    /// A standby does not see who runs on the primary.
    pub standby: bool,
}

/// The answer to "did it happen?".
#[derive(Debug, Clone, PartialEq)]
pub struct KeyOutcome {
    pub standing: KeyState,
    pub receipt: Option<u64>,
    pub decided_at: Option<Instant>,
    /// It was committed, and taken back by `undo_confirm` then.
    pub undone_at: Option<Instant>,
    pub assignments: Vec<Assignment>,
    pub refusal: Option<Refusal>,
    pub holder: Holder,
}

impl KeyOutcome {
    fn new(standing: KeyState) -> KeyOutcome {
        KeyOutcome {
            standing,
            receipt: None,
            decided_at: None,
            undone_at: None,
            assignments: Vec::new(),
            refusal: None,
            holder: Holder::default(),
        }
    }

    /// Nobody can say yet.
    #[must_use]
    pub fn running(holder: Option<Holder>) -> KeyOutcome {
        KeyOutcome { holder: holder.unwrap_or_default(), ..KeyOutcome::new(KeyState::Running) }
    }

    #[must_use]
    pub fn fenced(receipt: u64, refusal: Refusal, at: Instant) -> KeyOutcome {
        let answer = KeyOutcome::new(KeyState::Fenced);
        KeyOutcome { receipt: Some(receipt), refusal: Some(refusal), decided_at: Some(at), ..answer }
    }

    /// Will every later question get this answer too?
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self.standing, KeyState::Committed | KeyState::Fenced)
    }
}

/// What became of the key. It never guesses: what may still change is `running`.
#[must_use]
pub fn answer(known: KeyFacts) -> KeyOutcome {
    let entry = known.entry.map(of_entry);
    if let Some(answer) = entry.as_ref().filter(|answer| answer.is_final()) {
        return answer.clone();
    }
    if known.standby || known.holder.is_some() {
        return KeyOutcome::running(known.holder);
    }
    // An attempt of a time whose answers are forgotten may have come before one that committed.
    let last =
        known.last.map(of_last).filter(|last| known.forgotten.is_none_or(|until| last.decided_at >= Some(until)));
    // An automatic path may try again under a refused key, with a hold of its own: what came last counts.
    match (entry, last) {
        (Some(entry), Some(last)) if last.decided_at > entry.decided_at => last,
        (Some(entry), _) => entry,
        (None, Some(last)) => last,
        (None, None) if known.forgotten.is_some() => KeyOutcome::new(KeyState::Forgotten),
        (None, None) => KeyOutcome::new(KeyState::NeverSeen),
    }
}

fn of_entry(entry: AttemptEntry) -> KeyOutcome {
    let standing = match (entry.outcome.as_str(), &entry.refusal) {
        ("fenced", _) => KeyState::Fenced,
        (_, Some(_)) => KeyState::Refused,
        _ => KeyState::Committed,
    };
    let AttemptEntry { refusal, assignments, receipt, decided_at, undone_at, .. } = entry;
    KeyOutcome { standing, receipt, decided_at, undone_at, assignments, refusal, holder: Holder::default() }
}

/// As the last attempt says.
#[must_use]
pub fn of_last(last: LastAttempt) -> KeyOutcome {
    let timed_out = last.outcome == Outcome::TimeoutBeforeConfirm.entry().name;
    let standing = if timed_out { KeyState::TimedOut } else { KeyState::Refused };
    let LastAttempt { refusal, receipt, decided_at, .. } = last;
    KeyOutcome { receipt, decided_at, refusal, ..KeyOutcome::new(standing) }
}

/// The tombstone's words; what was refused before stays readable in them.
#[must_use]
pub fn tombstone(booking: Id, key: &str, before: Option<&Refusal>) -> Refusal {
    let refusal = refusal::fenced(booking, key);
    match before {
        Some(before) => refusal.detail(format!("Key {key}; refused before: {}", before.message)),
        None => refusal,
    }
}

/// How long a fence waits for the booking, in milliseconds.
pub fn wait_ms(given: Option<i32>) -> Result<i64, Refusal> {
    match given.unwrap_or(0) {
        ms if ms >= 0 => Ok(i64::from(ms)),
        ms => Err(refusal::argument_invalid(format!("fence_attempt cannot wait {ms} milliseconds"))),
    }
}

/// A key that must be there.
pub fn key(given: Option<String>) -> Result<String, Refusal> {
    crate::rules::confirm::request::key(given)?
        .ok_or_else(|| refusal::argument_invalid("The idempotency key must not be NULL"))
}
