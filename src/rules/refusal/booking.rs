//! Refusals that the booking is the reason of: its status, its window, its party.

use crate::rules::Id;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::refusal::outcome::Outcome;
use crate::rules::refusal::{Refusal, shown};

#[must_use]
pub fn booking_not_found(booking: Option<Id>) -> Refusal {
    Refusal::new(Outcome::BookingNotFound, format!("Booking {} not found", shown(booking)))
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

/// It moved on since the key moved it.
#[must_use]
pub fn changed_since(target: &str) -> Refusal {
    Refusal::new(Outcome::StatusConflict, "booking_state_conflict")
        .detail(format!("The booking changed since the key moved it to {target}"))
}

#[must_use]
pub fn booking_window_missing(booking: Id) -> Refusal {
    Refusal::new(Outcome::BookingWindowMissing, format!("Booking {booking} missing start/end window"))
}

#[must_use]
pub fn booking_window_invalid(booking: Id, start: Instant, end: Instant) -> Refusal {
    Refusal::new(Outcome::BookingWindowInvalid, format!("Booking {booking} has invalid time window"))
        .detail(format!("Start {start}, end {end}"))
}

#[must_use]
pub fn window_invalid(function: &str, start: Instant, end: Instant) -> Refusal {
    Refusal::new(Outcome::WindowInvalid, format!("{function} got an invalid custom window"))
        .detail(format!("Start {start}, end {end}"))
}

#[must_use]
pub fn party_too_large(booking: Id, party: i64, seats: i64, extra: i32) -> Refusal {
    let message = format!("Party of {party} of booking {booking} exceeds the capacity of its tables");
    Refusal::new(Outcome::PartyTooLarge, message)
        .detail(format!("The tables seat {seats}, the policy accepts {extra} more"))
}

#[must_use]
pub fn party_too_small(booking: Id, party: i64, table: Id, least: i32) -> Refusal {
    let message = format!("Party of {party} of booking {booking} is too small for table {table}");
    Refusal::new(Outcome::PartyTooSmall, message).detail(format!("The table takes parties from {least}"))
}
