//! Refusals in the words of the contract. Callers branch on these texts: they are not ours to change.

mod booking;
pub mod failure;
mod hold;
mod key;
pub mod outcome;
mod table;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::rules::Id;
use crate::rules::booking::table::Occupant;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::refusal::outcome::{Disposition, Outcome};

pub use booking::{
    booking_not_found, booking_window_invalid, booking_window_missing, changed_since, party_too_large, party_too_small,
    status_conflict, tables_not_assigned, tables_taken, target_not_confirmable, window_half_given, window_invalid,
    window_outside_booking,
};
pub use hold::{
    adjacency_snapshot_changed, hold_conflict, hold_ended, hold_expired, hold_lifetime_invalid, hold_not_found,
    hold_of_other_booking, hold_of_other_restaurant, hold_window_conflict, hold_window_invalid, hold_window_missing,
    hold_without_tables, no_hold, not_held_in_time, policy_version_changed,
};
pub use key::{
    answer_gone, fenced, key_blank, key_in_progress, key_too_long, left_over_freed, never_seen, undo_undecided,
};
pub use table::{
    allocation_conflict, assignment_conflict, other_zone_assigned, table_inactive, table_not_found, table_not_movable,
    table_of_other_restaurant, table_out_of_service, table_without_zone, tables_in_different_zones, tables_missing,
    tables_not_adjacent, tables_not_found, zone_locked,
};

/// Why a call was not done, as its caller reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub outcome: Outcome,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    pub hint: String,
    /// Given before, under the same key.
    #[serde(skip)]
    pub replayed: bool,
    /// Who has what was asked for; a replay does not say it again.
    #[serde(skip)]
    pub blocked_by: Option<Box<BlockedBy>>,
}

/// Who is in the way of a call, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockedBy {
    pub booking: Option<Id>,
    pub hold: Option<Id>,
    pub until: Option<Instant>,
}

/// The outcome of one check, under its name.
pub type CheckResult = (&'static str, Result<(), Refusal>);

impl Refusal {
    #[must_use]
    pub fn new(outcome: Outcome, message: impl Into<String>) -> Refusal {
        let entry = outcome.entry();
        Refusal {
            outcome,
            message: message.into(),
            detail: None,
            hint: format!("{}: {}", entry.code, entry.advice),
            replayed: false,
            blocked_by: None,
        }
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Refusal {
        self.detail = Some(detail.into());
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Refusal {
        self.hint = hint.into();
        self
    }

    /// Names who has the table and until when: in DETAIL after the contract's text, and as JSON at the end of HINT.
    #[must_use]
    pub fn occupied(self, id: Id, table: Id, occupant: Occupant) -> Refusal {
        let Some(until) = occupant.until.or(occupant.window.map(Window::end)) else { return self };
        let hold = (self.outcome == Outcome::HoldConflict).then_some(id);
        let who = occupant.booking.map_or_else(|| "no booking in particular".to_owned(), |id| format!("booking {id}"));
        let fields = json!({
            "tableId": table,
            "bookingId": occupant.booking,
            "holdId": hold,
            "startAt": occupant.window.map(|window| window.start().to_string()),
            "endAt": occupant.window.map(|window| window.end().to_string()),
            "until": until.to_string(),
        });
        let detail = match (&self.detail, self.outcome) {
            (Some(detail), Outcome::HoldConflict | Outcome::AllocationConflict) => {
                Some(format!("{detail}: {who} has table {table} until {until}"))
            }
            (detail, _) => detail.clone(),
        };
        let blocked_by = Some(Box::new(BlockedBy { booking: occupant.booking, hold, until: Some(until) }));
        Refusal { detail, hint: format!("{} {fields}", self.hint), blocked_by, ..self }
    }

    /// Does it bind the key it was answered to? A mismatch never does: the key is another request's.
    #[must_use]
    pub fn binds_key(&self) -> bool {
        self.outcome.entry().disposition == Disposition::Final
            && !matches!(self.outcome, Outcome::KeyMismatch | Outcome::AnswerGone | Outcome::BookingNotFound)
    }
}

/// `%` of the contract's texts: an id, or `<NULL>` as PL/pgSQL prints it.
fn shown(id: Option<Id>) -> String {
    id.map_or_else(|| "<NULL>".to_owned(), |id| id.to_string())
}

/// The booking of a call; a hold for nobody yet has none.
fn of_booking(booking: Id) -> String {
    shown((!booking.is_nil()).then_some(booking))
}

#[must_use]
pub fn argument_invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(Outcome::ArgumentInvalid, message)
}

#[must_use]
pub fn broken_invariant(what: &str, expected: &[i64], found: &[i64]) -> Refusal {
    Refusal::new(Outcome::BrokenInvariant, format!("{what} did not write the rows it was told to"))
        .detail(format!("Expected {expected:?}, found {found:?}"))
}
