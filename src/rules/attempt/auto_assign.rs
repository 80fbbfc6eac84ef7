//! An automatic attempt: shall it run, under which key and with which hold.

use serde_json::{Value, json};

use crate::rules::Id;
use crate::rules::attempt::function::Path;
use crate::rules::booking::StatusRules;
use crate::rules::booking::status;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::transition;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::confirm::check;
use crate::rules::confirm::idempotency_key;
use crate::rules::confirm::snapshot::Snapshot;
use crate::rules::hold;
use crate::rules::refusal::outcome::{CATALOGUE, Disposition, Outcome};
use crate::rules::refusal::{self, Refusal};

/// How often the worker tries a booking again, how long after the last attempt at the earliest, and for how long.
pub const RETRIES: i32 = 5;
pub const RETRY_PAUSE_SECONDS: i64 = 2;
pub const RETRY_TIMEOUT_MS: i32 = 1000;

/// What an attempt may have come to for the worker to try again: whatever may pass. A final refusal stays one.
pub fn retryable() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().filter(|entry| entry.disposition == Disposition::Transient).map(|entry| entry.name)
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initiator {
    /// The request that made the booking.
    Inline,
    /// The worker that comes later.
    Background,
}

impl Initiator {
    /// NULL is inline, as the function's default is.
    pub fn of(given: Option<&str>) -> Result<Initiator, Refusal> {
        match given.unwrap_or("inline") {
            "inline" => Ok(Initiator::Inline),
            "background" => Ok(Initiator::Background),
            other => Err(refusal::argument_invalid(format!("Trigger {other} is neither inline nor background"))),
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Initiator::Inline => "inline",
            Initiator::Background => "background",
        }
    }

    #[must_use]
    pub fn path(self) -> Path {
        match self {
            Initiator::Inline => Path::Inline,
            Initiator::Background => Path::Background,
        }
    }
}

/// The hold that the caller brought, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenHold {
    pub id: Id,
    pub booking: Option<Id>,
    pub status: String,
    pub expires_at: Instant,
}

/// The booking as an automatic attempt finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptInput {
    pub booking: Id,
    pub restaurant: Id,
    pub status: String,
    /// The statuses that a confirm may lead to.
    pub targets: Vec<String>,
    pub party_size: i32,
    /// Local to the restaurant, `YYYY-MM-DD` and `HH:MM:SS`.
    pub date: Option<String>,
    pub time: Option<String>,
    pub key: Option<String>,
    pub has_tables: bool,
    /// Did the last answer derive the window from the booking?
    pub window_derived: bool,
    pub given: Option<GivenHold>,
    /// The live hold of the booking that lasts longest.
    pub own_hold: Option<Id>,
}

impl AttemptInput {
    /// Is there nothing left to do, as long as its tables stand?
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.has_target_status() && self.has_tables
    }

    fn has_target_status(&self) -> bool {
        self.target() == self.status
    }

    /// The status that the attempt leads to.
    #[must_use]
    pub fn target(&self) -> &str {
        status::target(&self.targets).unwrap_or(status::TARGET)
    }
}

/// Does what was confirmed stand: for the booking's window, its party, and tables that can be used as they are now?
#[must_use]
pub fn stands(snapshot: &Snapshot, window_derived: bool) -> bool {
    let booking = &snapshot.booking;
    let own = booking.window.start.zip(booking.window.end).and_then(|(start, end)| Window::new(start, end));
    let in_time = |row: &Assignment| match (row.window, own) {
        (Some(window), Some(own)) => window == own || !window_derived && window.overlaps(own),
        _ => false,
    };
    let usable = |row: &Assignment| {
        snapshot.tables.get(&row.table).is_some_and(|table| check::check_table(table, booking.restaurant).is_ok())
    };
    snapshot.assignments.iter().all(|row| in_time(row) && usable(row))
        && transition::check_tables(snapshot, &StatusRules::default()).is_ok()
}

/// The key of an attempt for a booking whose tables do not stand any more: the answer under the key it has is another's.
/// Each hold has one of its own, where the recipe gives no other.
#[must_use]
pub fn renewed_key(found: &AttemptInput, hold: Option<Id>) -> Option<Key> {
    let (date, time) = found.date.as_ref().zip(found.time.as_ref())?;
    let recipe = idempotency_key::auto_assign(found.booking, found.restaurant, found.party_size, date, time);
    let text = match hold {
        Some(hold) if found.key.as_ref() == Some(&recipe) => idempotency_key::auto_assign_again(found.booking, hold),
        _ => recipe,
    };
    let is_new = found.key.as_deref().is_none_or(|key| by_recipe(found.booking, key));
    Some(Key { text, is_new })
}

fn by_recipe(booking: Id, key: &str) -> bool {
    key.starts_with(&format!("booking-{booking}-auto-assign-"))
}

/// The key of the attempt, and whether it has to be kept on the booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub text: String,
    pub is_new: bool,
}

/// The booking's key; made by the recipe when there is none, and again when party or time changed while the booking
/// is not confirmed. A key that the application made in another way is the application's.
pub fn key(found: &AttemptInput) -> Result<Key, Refusal> {
    let recipe = found.date.as_ref().zip(found.time.as_ref()).map(|(date, time)| {
        idempotency_key::auto_assign(found.booking, found.restaurant, found.party_size, date, time)
    });
    match (&found.key, recipe) {
        (Some(kept), Some(recipe))
            if *kept != recipe && by_recipe(found.booking, kept) && !found.has_target_status() =>
        {
            Ok(Key { text: recipe, is_new: true })
        }
        (Some(kept), _) => Ok(Key { text: kept.clone(), is_new: false }),
        (None, Some(recipe)) => Ok(Key { text: recipe, is_new: !found.has_target_status() }),
        (None, None) => Err(refusal::booking_window_missing(found.booking)),
    }
}

/// The hold to confirm: the given one while it is live, else the booking's own. One of another booking is for the confirm
/// to refuse.
#[must_use]
pub fn hold(found: &AttemptInput, now: Instant) -> Option<Id> {
    let usable = |given: &&GivenHold| {
        let foreign = given.booking.is_some_and(|owner| owner != found.booking);
        foreign || (given.status == "active" && hold::is_live(given.expires_at, now))
    };
    found.given.as_ref().filter(usable).map(|given| given.id).or(found.own_hold)
}

/// What services read on the booking.
#[must_use]
pub fn last_result(outcome: Outcome, duration_ms: i64, attempt: Id, trigger: Initiator) -> Value {
    let success = outcome.entry().disposition == Disposition::Success;
    let reason = (!success).then_some(outcome.entry().name);
    json!({
        "success": success, "reason": reason, "durationMs": duration_ms, "attemptId": attempt, "trigger": trigger.name(),
    })
}
