//! A status move on its own, as `apply_booking_state_transition` asks for it.

use std::collections::BTreeMap;

use crate::rules::Id;
use crate::rules::booking::capacity;
use crate::rules::booking::table::{Assignment, Blocker, Occupant, Resource, Table};
use crate::rules::booking::window::Window;
use crate::rules::booking::{self, Booking, StatusRules};
use crate::rules::confirm::snapshot::Snapshot;
use crate::rules::refusal::{self, Refusal};

/// Only what the decision looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move<'a> {
    /// The status to move to.
    pub to: Option<&'a str>,
    /// What the caller read before; None: it does not say.
    pub history_from: Option<&'a str>,
    pub history_to: Option<&'a str>,
}

/// Nonsense, refused before any row is touched; returns the target.
pub fn check_arguments<'a>(request: &Move<'a>) -> Result<&'a str, Refusal> {
    let target =
        request.to.ok_or_else(|| refusal::argument_invalid("apply_booking_state_transition requires a status"))?;
    match request.history_to {
        Some(history_to) if history_to != target => Err(refusal::argument_invalid(format!(
            "apply_booking_state_transition got status {target} but history to {history_to}"
        ))),
        _ => Ok(target),
    }
}

/// The status must be the one that the caller read (F11), and the move a declared one (G8).
pub fn decide(request: &Move<'_>, target: &str, current: &str, rules: &StatusRules) -> Result<(), Refusal> {
    if let Some(expected) = request.history_from
        && expected != current
    {
        return Err(refusal::status_conflict(current, &[expected.to_owned()]));
    }
    booking::may_move(current, target, rules)
}

/// Does the move look at tables? A status that the booking has already is not moved into.
#[must_use]
pub fn needs_tables(current: &str, target: &str, rules: &StatusRules) -> bool {
    rules.target_needs_tables && current != target
}

/// The time over which a move looks at who else has the booking's tables. None: nothing is assigned for any time.
#[must_use]
pub fn span(booking: &Booking, assignments: &[Assignment]) -> Option<Window> {
    let own = || Window::new(booking.window.start?, booking.window.end?);
    let windows = assignments.iter().filter_map(|row| row.window);
    windows.reduce(Window::hull).or_else(own).filter(|_| !assignments.is_empty())
}

/// Into a status that needs tables, a booking moves while its assignments and allocations stand and nobody else has
/// them. Where it comes from a status that needs them too, it was asked whether they stand and seat the party.
pub fn check_tables(snapshot: &Snapshot, rules: &StatusRules) -> Result<(), Refusal> {
    let booking = &snapshot.booking;
    if snapshot.assignments.is_empty() {
        return Err(refusal::tables_not_assigned(booking.id));
    }
    let own = snapshot.assignments.iter().filter_map(|row| Some((row.table, row.window?))).collect();
    if let Some((table, by)) = snapshot.blockers.iter().find_map(|blocker| taken(snapshot, &own, blocker)) {
        return Err(refusal::tables_taken(table, &by));
    }
    if rules.current_needs_tables {
        return Ok(());
    }
    if let Some(lost) = snapshot.assignments.iter().find(|row| !allocated(snapshot, row)) {
        let detail = format!("Table {} is assigned to the booking and not allocated", lost.table);
        return Err(refusal::tables_not_assigned(booking.id).detail(detail));
    }
    let tables: Vec<&Table> = snapshot.assignments.iter().filter_map(|row| snapshot.tables.get(&row.table)).collect();
    capacity::check(booking, &tables, snapshot.policy)
}

fn allocated(snapshot: &Snapshot, row: &Assignment) -> bool {
    snapshot.allocations.iter().any(|allocation| {
        allocation.resource == Resource::Table && allocation.resource_id == row.table && allocation.window == row.window
    })
}

/// Which table somebody else has, and who: at the time that `own` says, else at all.
pub(crate) fn taken(snapshot: &Snapshot, own: &BTreeMap<Id, Window>, blocker: &Blocker) -> Option<(Id, String)> {
    let (id, table, what) = match blocker {
        Blocker::Hold { hold, table } => (hold, table, format!("hold {hold}")),
        Blocker::Allocation { id, table, .. } => (id, table, "maintenance".to_owned()),
        Blocker::Assignment { id, table, .. } => (id, table, "another booking".to_owned()),
    };
    let Occupant { booking: owner, window, .. } = snapshot.occupants.get(id).copied().unwrap_or_default();
    let apart = own.get(table).zip(window).is_some_and(|(own, other)| !own.overlaps(other));
    if blocker.is_released() || apart || owner == Some(snapshot.booking.id) {
        return None;
    }
    let who = match owner {
        Some(owner) if matches!(blocker, Blocker::Hold { .. }) => format!("{what} of booking {owner}"),
        Some(owner) => format!("booking {owner}"),
        None => what,
    };
    let when = window.map(|window| format!(" in window {window}")).unwrap_or_default();
    Some((*table, format!("{who}{when}")))
}
