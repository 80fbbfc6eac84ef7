//! The booking: its window, and whether its status may move.

pub mod adjacency;
pub mod allocation;
pub mod capacity;
pub mod status;
pub mod table;
pub mod transition;
pub mod window;

use crate::rules::Id;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::refusal::{self, Refusal};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Booking {
    pub id: Id,
    pub restaurant: Id,
    pub status: String,
    pub party_size: i32,
    /// Set by the application: only tables of this zone.
    pub zone_lock: Option<Id>,
    pub window: BookingWindow,
}

impl Booking {
    /// Not so for the stand-in of a hold that is taken before its booking is made.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.id.is_nil()
    }
}

/// The ends as stored or derived; either may be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BookingWindow {
    pub start: Option<Instant>,
    pub end: Option<Instant>,
}

impl BookingWindow {
    #[must_use]
    pub fn window(self) -> Option<Window> {
        Window::new(self.start?, self.end?)
    }
}

/// The rules of the statuses in play, as the application's rows declare them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusRules {
    /// May a booking in its current status hold tables?
    pub current_holds_tables: bool,
    /// May a booking in the target status hold tables?
    pub target_holds_tables: bool,
    /// May a confirm lead to the target?
    pub target_is_confirmable: bool,
    /// Does a booking move into its current status, or into the target, only with its tables?
    pub current_needs_tables: bool,
    pub target_needs_tables: bool,
    /// Are tables that the booking leaves behind free for others, now and in the target?
    pub current_releases_tables: bool,
    pub target_releases_tables: bool,
    /// Statuses from which the target is one declared move away.
    pub target_reached_from: Vec<String>,
}

/// The window that counts: the caller's, where it meets the booking's own (F16), else the booking's.
pub fn resolve_window(booking: Id, given: Option<Window>, own: BookingWindow) -> Result<Window, Refusal> {
    let (Some(start), Some(end)) = (own.start, own.end) else {
        return Err(refusal::booking_window_missing(booking));
    };
    let own = Window::new(start, end).ok_or_else(|| refusal::booking_window_invalid(booking, start, end))?;
    match given {
        Some(given) if !given.overlaps(own) => Err(refusal::window_outside_booking(booking, given, own)),
        Some(given) => Ok(given),
        None => Ok(own),
    }
}

/// Legal transitions only (G8). A status may always move to itself.
pub fn may_move(current: &str, target: &str, rules: &StatusRules) -> Result<(), Refusal> {
    if current == target || rules.target_reached_from.iter().any(|from| from == current) {
        return Ok(());
    }
    let mut expected = rules.target_reached_from.clone();
    expected.push(target.to_owned());
    Err(refusal::status_conflict(current, &expected))
}

/// May tables be given to the booking, and may it then move to the target?
pub fn may_take_tables(booking: &Booking, target: Option<&str>, rules: &StatusRules) -> Result<(), Refusal> {
    match target {
        Some(target) if !rules.target_is_confirmable => Err(refusal::target_not_confirmable(booking.id, target)),
        Some(target) => may_move(&booking.status, target, rules),
        None if rules.current_holds_tables => Ok(()),
        None => Err(refusal::status_conflict(&booking.status, &["a status that holds tables".to_owned()])),
    }
}

/// How the tables of a booking stand: none, all of them allocated for their window, or something in between. Of a booking
/// that is over they are a record of who sat where: others may have taken their time.
#[must_use]
pub fn assignment_state(assigned: i64, allocated: i64, is_over: bool) -> &'static str {
    match (assigned, allocated) {
        (0, _) => "unassigned",
        (assigned, allocated) if assigned == allocated => "assigned",
        _ if is_over => "unassigned",
        _ => "inconsistent",
    }
}
