//! What is known of one booking, as one snapshot shows it.

use std::collections::BTreeMap;

use crate::rules::Id;
use crate::rules::booking::Booking;
use crate::rules::booking::adjacency::Edges;
use crate::rules::booking::table::Resource;
use crate::rules::booking::window::{Instant, Window};

/// Seconds after its deadline during which an open hold is only waiting to be tidied up.
pub const HOLD_OVERDUE_SECONDS: i64 = 60;

/// Seconds for which a hold lasts at most that is not as long as its own window.
pub const HOLD_AT_MOST_SECONDS: i64 = 7 * 86_400;

/// Seconds for which a table's status of now may lag behind what stands on it.
pub const TABLE_STATUS_GRACE_SECONDS: i64 = 5 * 60;

#[derive(Debug, Clone, PartialEq)]
pub struct BookingRecord {
    pub now: Instant,
    pub booking: Booking,
    /// The house says that its status needs no tables.
    pub is_seated_later: bool,
    pub statuses: Vec<StatusRule>,
    /// Declared moves: from, to.
    pub moves: Vec<(String, String)>,
    pub assignments: Vec<AssignmentRecord>,
    pub allocations: Vec<AllocationRecord>,
    /// Open holds only.
    pub holds: Vec<OpenHold>,
    pub history: Vec<Moved>,
    /// Oldest first.
    pub answers: Vec<Answered>,
    /// What others have on the booking's tables at the booking's times.
    pub rivals: Vec<Rival>,
    /// Assignments of other live bookings on its tables that do not meet its own; the time at which each takes place.
    pub neighbours: Vec<Rival>,
    /// The booking's tables as they are now.
    pub tables: BTreeMap<Id, TableState>,
    pub edges: Edges,
    /// Guests accepted beyond the seats.
    pub extra_seats: i32,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusRule {
    pub status: String,
    pub is_confirm_target: bool,
    pub holds_tables: bool,
    pub releases_tables: bool,
}

/// An assignment, with what is known of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentRecord {
    pub id: Id,
    pub table: Id,
    pub window: Option<Window>,
    pub merge_group: Option<Id>,
    pub key: Option<String>,
    /// Is the table another restaurant's?
    pub foreign: bool,
    /// Is the table marked as in use while nobody has it?
    pub status_unexplained: bool,
    /// Young enough for the ledger to know its key, which was not forgotten on purpose.
    pub recent: bool,
    /// The allocation that it names.
    pub allocation: Option<Id>,
}

/// A table of the booking, as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableState {
    pub zone: Option<Id>,
    pub active: bool,
    pub out_of_service: bool,
    pub seats: i32,
}

/// An allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocationRecord {
    pub id: Id,
    pub resource: Resource,
    pub resource_id: Id,
    pub restaurant: Id,
    pub window: Option<Window>,
    pub shadow: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenHold {
    pub id: Id,
    pub restaurant: Id,
    pub window: Option<Window>,
    pub expires_at: Instant,
    pub members: Vec<Id>,
    /// Does one of its tables belong to another restaurant than the hold?
    pub foreign_member: bool,
    /// Does it have its mirror among the allocations?
    pub mirrored: bool,
}

/// An entry of the booking's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub from: Option<String>,
    pub to: String,
    pub at: Instant,
}

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub key: String,
    pub outcome: String,
    pub window: Option<Window>,
    pub tables: Vec<Id>,
    pub hold: Option<Id>,
    pub at: Instant,
    /// Is its event due, and is it there? False only when it is missing.
    pub told: bool,
    /// Where its window came from; None: it was not recorded.
    pub basis: Option<Basis>,
    /// Its assignments.
    pub assignments: Vec<Id>,
    /// Were its tables to stand side by side?
    pub adjacent: bool,
    /// Was its hold consumed by another answer too?
    pub hold_shared: bool,
    /// Has it a receipt of ours?
    pub ours: bool,
}

/// Was the window derived from the booking, or asked for?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    Derived,
    Request,
}

impl Answered {
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self.outcome.as_str(), "confirmed" | "assigned")
    }
}

/// Somebody else's row on one of the booking's tables, at one of its times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    pub id: Id,
    /// An allocation, or an assignment.
    pub is_allocation: bool,
    pub table: Id,
    /// None: maintenance.
    pub owner: Option<Id>,
    pub window: Option<Window>,
    /// Its booking is over, and it may be freed.
    pub released: bool,
}

impl BookingRecord {
    /// A record that knows nothing yet.
    #[must_use]
    pub fn of(booking: Id, now: Instant) -> BookingRecord {
        BookingRecord {
            now,
            booking: Booking { id: booking, ..Booking::default() },
            is_seated_later: false,
            statuses: Vec::new(),
            moves: Vec::new(),
            assignments: Vec::new(),
            allocations: Vec::new(),
            holds: Vec::new(),
            history: Vec::new(),
            answers: Vec::new(),
            rivals: Vec::new(),
            neighbours: Vec::new(),
            tables: BTreeMap::new(),
            edges: Edges::new(),
            extra_seats: 0,
        }
    }

    /// Assignments, and those whose table is allocated for the same window.
    #[must_use]
    pub fn counts(&self) -> (i64, i64) {
        let allocated = self.assignments.iter().filter(|assignment| {
            assignment.window.is_some()
                && self.allocation_of(assignment).is_some_and(|allocation| allocation.window == assignment.window)
        });
        let count = |rows: usize| i64::try_from(rows).unwrap_or(i64::MAX);
        (count(self.assignments.len()), count(allocated.count()))
    }

    #[must_use]
    pub fn rule(&self, status: &str) -> StatusRule {
        self.statuses.iter().find(|rule| rule.status == status).cloned().unwrap_or_default()
    }

    #[must_use]
    pub fn is_confirm_target(&self) -> bool {
        self.rule(&self.booking.status).is_confirm_target
    }

    /// Is the booking over, so that what it left behind is only a record?
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.rule(&self.booking.status).releases_tables
    }

    /// The allocations on tables that keep others away.
    pub fn table_allocations(&self) -> impl Iterator<Item = &AllocationRecord> {
        self.allocations.iter().filter(|allocation| allocation.resource == Resource::Table && !allocation.shadow)
    }

    /// The allocation on the table of an assignment.
    #[must_use]
    pub fn allocation_of(&self, assignment: &AssignmentRecord) -> Option<&AllocationRecord> {
        self.table_allocations().find(|allocation| allocation.resource_id == assignment.table)
    }

    #[must_use]
    pub fn assignment_on(&self, table: Id) -> Option<&AssignmentRecord> {
        self.assignments.iter().find(|assignment| assignment.table == table)
    }

    /// Does the booking end in the time to come?
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.is_over() && self.window().is_some_and(|window| window.end() > self.now)
    }

    /// Where the window came from for which a table is assigned still.
    #[must_use]
    pub fn basis_of(&self, assignment: &AssignmentRecord) -> Option<Basis> {
        let same =
            |answer: &&Answered| Some(&answer.key) == assignment.key.as_ref() && answer.window == assignment.window;
        self.answers.iter().rev().find(same)?.basis
    }

    /// The time at which the booking takes place at a table: its own, but where another window was asked for.
    #[must_use]
    pub fn time_at(&self, assignment: &AssignmentRecord) -> Option<Window> {
        match self.basis_of(assignment) {
            Some(Basis::Request) => assignment.window,
            _ => self.window().or(assignment.window),
        }
    }

    /// The last answer that gave tables.
    #[must_use]
    pub fn last_answer(&self) -> Option<&Answered> {
        self.answers.iter().rev().find(|answer| answer.is_success())
    }

    /// The last answer that confirmed.
    #[must_use]
    pub fn last_confirm(&self) -> Option<&Answered> {
        self.answers.iter().rev().find(|answer| answer.outcome == "confirmed")
    }

    /// The booking's own window, if it has a usable one.
    #[must_use]
    pub fn window(&self) -> Option<Window> {
        Window::new(self.booking.window.start?, self.booking.window.end?)
    }

    /// Can the status be reached from one that a confirm leads to, by declared moves?
    #[must_use]
    pub fn is_after_confirmation(&self) -> bool {
        let targets = self.statuses.iter().filter(|rule| rule.is_confirm_target).map(|rule| rule.status.as_str());
        let mut reached: Vec<&str> = targets.collect();
        let mut at = 0;
        while at < reached.len() {
            let here = reached[at];
            for (from, to) in &self.moves {
                if from == here && !reached.contains(&to.as_str()) {
                    reached.push(to);
                }
            }
            at += 1;
        }
        reached.contains(&self.booking.status.as_str())
    }
}
