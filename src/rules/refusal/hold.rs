//! Refusals that a hold is the reason of.

use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::refusal::{Refusal, argument_invalid, of_booking, shown};

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
pub fn hold_of_other_restaurant(hold: Id) -> Refusal {
    Refusal::new(Outcome::HoldOfOtherRestaurant, format!("Hold {hold} belongs to a different restaurant"))
}

#[must_use]
pub fn hold_without_tables(hold: Id) -> Refusal {
    Refusal::new(Outcome::HoldWithoutTables, format!("Hold {hold} has no table members"))
}

#[must_use]
pub fn hold_window_missing(hold: Id) -> Refusal {
    Refusal::new(Outcome::HoldWindowMissing, format!("Hold {hold} missing scheduling window"))
}

#[must_use]
pub fn hold_window_invalid(hold: Id, start: Instant, end: Instant) -> Refusal {
    Refusal::new(Outcome::HoldWindowInvalid, format!("Hold {hold} has invalid window"))
        .detail(format!("Start {start}, end {end}"))
}

#[must_use]
pub fn hold_lifetime_invalid(function: &str, longest: i32, seconds: i32) -> Refusal {
    argument_invalid(format!("{function} requires a lifetime of 1 to {longest} seconds, not {seconds}"))
}

#[must_use]
pub fn no_hold(booking: Id) -> Refusal {
    Refusal::new(Outcome::NoHold, format!("Booking {booking} has no live hold"))
}
