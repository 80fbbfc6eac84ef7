//! Refusals in the words of the contract. Callers branch on these texts: they are not ours to change.

pub mod failure;
pub mod outcome;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::rules::Id;
use crate::rules::booking::table::Occupant;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::refusal::outcome::{Disposition, Outcome};

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
        Refusal { detail, hint: format!("{} {fields}", self.hint), ..self }
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
pub fn booking_not_found(booking: Option<Id>) -> Refusal {
    Refusal::new(Outcome::BookingNotFound, format!("Booking {} not found", shown(booking)))
}

#[must_use]
pub fn hold_not_found(hold: Option<Id>) -> Refusal {
    Refusal::new(Outcome::HoldNotFound, format!("Hold {} not found", shown(hold)))
}

/// There was such a hold; its status says what it became.
#[must_use]
pub fn hold_ended(hold: Id, status: &str) -> Refusal {
    let became = match status {
        "cancelled" => "released",
        other => other,
    };
    let refusal = hold_not_found(Some(hold));
    let advice = Outcome::HoldNotFound.entry().advice;
    let code = Outcome::HoldNotFound.entry().code;
    refusal.hint(format!("{code}: The hold was {became}. {advice}"))
}

#[must_use]
pub fn tables_not_found(booking: Id, missing: &[Option<Id>]) -> Refusal {
    let missing: Vec<String> = missing.iter().map(|id| shown(*id)).collect();
    Refusal::new(
        Outcome::TablesNotFound,
        format!("Unable to load all requested tables for booking {}", of_booking(booking)),
    )
    .detail(format!("Not found: {}", missing.join(", ")))
}

#[must_use]
pub fn table_not_found(table: Option<Id>) -> Refusal {
    Refusal::new(Outcome::TableNotFound, format!("Table {} not found", shown(table)))
}

#[must_use]
pub fn hold_of_other_booking(hold: Id, owner: Id, expected: Id) -> Refusal {
    Refusal::new(Outcome::HoldOfOtherBooking, format!("Hold {hold} belongs to booking {owner} (expected {expected})"))
}

#[must_use]
pub fn hold_expired(hold: Id, expires_at: Instant) -> Refusal {
    Refusal::new(Outcome::HoldExpired, format!("Hold {hold} expired at {expires_at}"))
}

#[must_use]
pub fn hold_conflict(booking: Id, hold: Id) -> Refusal {
    Refusal::new(
        Outcome::HoldConflict,
        format!("Hold conflict prevents assignment for booking {}", of_booking(booking)),
    )
    .detail(format!("Hold {hold} overlaps requested window"))
    .hint(Outcome::HoldConflict.entry().advice)
}

/// The same, seen by a constraint of the application's, which knows the window and not whose it is.
#[must_use]
pub fn hold_window_conflict(booking: Id, detail: &str) -> Refusal {
    Refusal::new(
        Outcome::HoldConflict,
        format!("Hold conflict prevents assignment for booking {}", of_booking(booking)),
    )
    .detail(detail)
    .hint(Outcome::HoldConflict.entry().advice)
}

/// The limit in time passed while somebody else had the tables locked.
#[must_use]
pub fn not_held_in_time(wait_ms: i32) -> Refusal {
    Refusal::new(Outcome::LockTimeout, format!("The tables could not be looked at within {wait_ms} ms"))
        .detail("Somebody else has the booking, a hold or a table locked")
}

#[must_use]
pub fn policy_version_changed(hold: Id, expected: &str, actual: Option<&str>) -> Refusal {
    Refusal::new(
        Outcome::PolicyVersionChanged,
        format!("Policy version changed (hold {hold}, expected {expected}, actual {})", actual.unwrap_or("<NULL>")),
    )
}

#[must_use]
pub fn adjacency_snapshot_changed(hold: Id, what: impl Into<String>) -> Refusal {
    Refusal::new(Outcome::AdjacencySnapshotChanged, format!("Adjacency snapshot changed for hold {hold}")).detail(what)
}

#[must_use]
pub fn answer_gone(booking: Id) -> Refusal {
    Refusal::new(Outcome::AnswerGone, format!("assign_tables_atomic_v2 returned no assignments for booking {booking}"))
}

/// The status is not one that the asked move starts from.
#[must_use]
pub fn status_conflict(current: &str, expected: &[String]) -> Refusal {
    let expected = if expected.is_empty() { "another status".to_owned() } else { expected.join(", ") };
    Refusal::new(Outcome::StatusConflict, "booking_state_conflict")
        .detail(format!("Current status {current} does not match expected {expected}"))
}

/// The application's guard says the same in the same words.
#[must_use]
pub fn tables_not_assigned(booking: Id) -> Refusal {
    let message = format!("Cannot confirm booking {booking}: No table assignments exist. Assign tables first.");
    Refusal::new(Outcome::TablesNotAssigned, message)
}

/// A table of the booking is not the booking's any more.
#[must_use]
pub fn tables_taken(table: Id, by: &str) -> Refusal {
    Refusal::new(Outcome::TablesTaken, "booking_state_conflict").detail(format!("Table {table} is taken by {by}"))
}

#[must_use]
pub fn target_not_confirmable(booking: Id, target: &str) -> Refusal {
    Refusal::new(Outcome::TargetNotConfirmable, format!("Booking {booking} cannot be confirmed into status {target}"))
}

#[must_use]
pub fn window_half_given(function: &str) -> Refusal {
    Refusal::new(
        Outcome::WindowHalfGiven,
        format!("{function} requires both start and end when providing custom window"),
    )
}

#[must_use]
pub fn window_outside_booking(booking: Id, given: Window, own: Window) -> Refusal {
    Refusal::new(Outcome::WindowOutsideBooking, format!("Window {given} does not meet the window of booking {booking}"))
        .detail(format!("The booking's window is {own}"))
}

#[must_use]
pub fn allocation_conflict(booking: Id, table: Id) -> Refusal {
    Refusal::new(Outcome::AllocationConflict, "allocations_no_overlap")
        .detail(format!("Resource {table} overlaps requested window for booking {}", of_booking(booking)))
}

#[must_use]
pub fn assignment_conflict(table: Id, owner: Id, window: Window) -> Refusal {
    Refusal::new(Outcome::AssignmentConflict, format!("assign_tables_atomic_v2 assignment overlap for table {table}"))
        .detail(format!("Table {table} is assigned to booking {owner} in window {window}"))
}

#[must_use]
pub fn key_in_progress(booking: Id, key: &str) -> Refusal {
    Refusal::new(
        Outcome::KeyInProgress,
        format!("Another attempt bound the key of booking {booking} at the same moment"),
    )
    .detail(format!("Key {key}"))
}

#[must_use]
pub fn left_over_freed(booking: Id) -> Refusal {
    Refusal::new(
        Outcome::SerializationFailure,
        format!("A table of booking {booking}, or one that it asks for, was freed by somebody else at the same moment"),
    )
}

#[must_use]
pub fn fenced(booking: Id, key: &str) -> Refusal {
    Refusal::new(Outcome::Fenced, format!("The attempt for booking {booking} was given up"))
        .detail(format!("Key {key}"))
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
