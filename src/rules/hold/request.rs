//! A hold that is asked for, and what it means for the holds that its caller has already.

use serde_json::{Value, json};

use crate::rules::Id;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::confirm::fingerprint::Difference;
use crate::rules::confirm::request::{self};
use crate::rules::hold::{Hold, HoldPolicy, TTL_MAX_SECONDS, TTL_SECONDS};
use crate::rules::json::Json;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::refusal::{self, Refusal};

/// Where a hold's metadata keeps what was asked, so that the same call gets its hold again.
const ASKED: &str = "holdRequest";

/// The arguments of a call that takes a hold, checked for sense.
#[derive(Debug, Clone, PartialEq)]
pub struct HoldRequest {
    /// None: the booking is not known yet; the window has to be given.
    pub booking: Option<Id>,
    pub tables: Vec<Id>,
    pub window: Option<Window>,
    pub ttl_seconds: i32,
    pub created_by: Option<Id>,
    pub metadata: Option<Json>,
    pub key: Option<String>,
    pub wait_ms: Option<i32>,
}

/// What becomes of the caller's own holds.
#[derive(Debug, Clone, PartialEq)]
pub enum OwnHolds {
    /// This one was asked for.
    Again(Hold),
    /// These make room for the new one.
    Replaced(Vec<Hold>),
}

impl HoldRequest {
    /// Refuses nonsense before any row is touched.
    pub fn check(
        booking: Option<Id>,
        tables: Option<Vec<Option<Id>>>,
        start: Option<Instant>,
        end: Option<Instant>,
        ttl_seconds: Option<i32>,
    ) -> Result<HoldRequest, Refusal> {
        let window = request::window("hold_tables", start, end)?;
        let tables = request::tables(booking.unwrap_or_default(), tables)?;
        if booking.is_none() && window.is_none() {
            return Err(refusal::argument_invalid("hold_tables without a booking requires a window"));
        }
        let ttl_seconds = ttl_seconds.unwrap_or(TTL_SECONDS);
        if ttl_seconds < 1 {
            return Err(refusal::hold_lifetime_invalid("hold_tables", TTL_MAX_SECONDS, ttl_seconds));
        }
        let (created_by, metadata, key, wait_ms) = (None, None, None, None);
        Ok(HoldRequest { booking, tables, window, ttl_seconds, created_by, metadata, key, wait_ms })
    }

    /// Who takes it, and what they say of it.
    #[must_use]
    pub fn by(self, created_by: Option<Id>, metadata: Option<Json>) -> HoldRequest {
        HoldRequest { created_by, metadata, ..self }
    }

    /// Under which key it is asked for, and how long the call may take.
    pub fn under(self, key: Option<String>, wait_ms: Option<i32>) -> Result<HoldRequest, Refusal> {
        if let Some(ms) = wait_ms.filter(|ms| *ms < 1) {
            return Err(refusal::argument_invalid(format!("A time limit is at least 1 millisecond, not {ms}"))
                .detail("NULL means no limit"));
        }
        Ok(HoldRequest { key: request::key(key)?, wait_ms, ..self })
    }

    /// When the hold ends that is taken now.
    pub fn deadline(&self, window: Window, now: Instant, policy: HoldPolicy) -> Result<Instant, Refusal> {
        let deadline = deadline("hold_tables", self.ttl_seconds, now, policy)?;
        Ok(if policy.to_window_end { deadline.max(window.end()) } else { deadline })
    }

    /// The metadata with what was asked.
    #[must_use]
    pub fn noted(&self, metadata: Json) -> Json {
        let Some(mut fields) = metadata.fields() else { return metadata };
        let mut request = json!({"ttlSeconds": self.ttl_seconds});
        if let Some(key) = &self.key {
            request["idempotencyKey"] = json!(key);
        }
        fields.insert(ASKED.to_owned(), request.into());
        Json::object(fields.iter().map(|(name, value)| (name.as_str(), value.clone())))
    }

    /// The same request gets its hold again; another one takes the place of what it would collide with.
    pub fn own(&self, window: Window, own: Vec<Hold>, now: Instant) -> Result<OwnHolds, Refusal> {
        let live = |hold: &&Hold| hold.is_live(now);
        if let Some(key) = &self.key
            && let Some(first) = own.iter().filter(live).find(|hold| asked_key(hold).as_ref() == Some(key))
        {
            let differences = self.differences(window, first);
            return if differences.is_empty() {
                Ok(OwnHolds::Again(first.clone()))
            } else {
                Err(mismatch(key, &differences))
            };
        }
        let same = |hold: &&Hold| self.key.is_none() && self.differences(window, hold).is_empty();
        if let Some(first) = own.iter().filter(live).find(same) {
            return Ok(OwnHolds::Again(first.clone()));
        }
        let collides = |hold: &Hold| {
            hold.window().is_ok_and(|held| held.overlaps(window))
                && hold.members.iter().any(|table| self.tables.contains(table))
        };
        Ok(OwnHolds::Replaced(own.into_iter().filter(collides).collect()))
    }

    fn differences(&self, window: Window, first: &Hold) -> Vec<Difference> {
        let difference = |field: &str, first: Value, this: Value| {
            (first != this).then(|| Difference { field: field.to_owned(), first: first.into(), this: this.into() })
        };
        let held = json!(first.window().ok());
        let ttl: Option<i32> = first.metadata.at(&[ASKED, "ttlSeconds"]).and_then(|ttl| ttl.scalar()?.parse().ok());
        [
            difference("tables", json!(first.members), json!(self.tables)),
            difference("window", held, json!(window)),
            // A hold that the application wrote itself says nothing of it.
            ttl.and_then(|ttl| difference("ttl_seconds", json!(ttl), json!(self.ttl_seconds))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn asked_key(hold: &Hold) -> Option<String> {
    hold.metadata.at(&[ASKED, "idempotencyKey"])?.string()
}

/// The key of a hold that lives was used for another one.
fn mismatch(key: &str, differences: &[Difference]) -> Refusal {
    let names: Vec<&str> = differences.iter().map(|difference| difference.field.as_str()).collect();
    Refusal::new(Outcome::KeyMismatch, "hold_tables idempotency mismatch")
        .detail(format!("Idempotency key {key} has a live hold that differs in {}", names.join(", ")))
        .hint(Json::array(differences.iter().map(Difference::json)).text())
}

/// So many seconds from now, within what the owner of the schema allows.
pub fn deadline(function: &str, seconds: i32, now: Instant, policy: HoldPolicy) -> Result<Instant, Refusal> {
    if (1..=policy.longest_seconds).contains(&seconds) {
        Ok(now.after_seconds(i64::from(seconds)))
    } else {
        Err(refusal::hold_lifetime_invalid(function, policy.longest_seconds, seconds))
    }
}

/// May this hold be given more time? Only while it lives: after that somebody else may have its tables.
pub fn may_extend(hold: &Hold, booking: Option<Id>, now: Instant) -> Result<(), Refusal> {
    match (booking, hold.booking) {
        (Some(booking), Some(owner)) if booking != owner => {
            return Err(refusal::hold_of_other_booking(hold.id, owner, booking));
        }
        _ => {}
    }
    hold.live(now)
}
