//! Tables of the floor, and what stands on them.

use std::collections::BTreeMap;

use crate::rules::Id;
use crate::rules::booking::window::{Instant, Window};

/// Seconds before its window that a party may come, and after it that it may sit, and have its tables. Statements call it
/// `limit.presence`.
pub const PRESENCE_SECONDS: i64 = 12 * 3600;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub id: Id,
    pub restaurant: Id,
    pub zone: Option<Id>,
    pub number: String,
    pub capacity: i32,
    pub min_party_size: Option<i32>,
    pub max_party_size: Option<i32>,
    pub active: bool,
    pub out_of_service: bool,
    /// `movable` or `fixed`.
    pub mobility: String,
}

/// Is a table out of service at any time, as a person said? What a refresh set, and what a running maintenance explains, is
/// judged by the maintenance's own window.
#[must_use]
pub fn is_out_of_service(marked: bool, by_refresh: bool, under_maintenance: bool) -> bool {
    marked && !by_refresh && !under_maintenance
}

impl Table {
    /// Guests that it seats: what was declared as its largest party, else its capacity.
    #[must_use]
    pub fn seats(&self) -> i32 {
        self.max_party_size.unwrap_or(self.capacity)
    }
}

/// A table of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    pub id: Id,
    pub table: Id,
    /// None: without a usable window, as older code may have left it.
    pub window: Option<Window>,
    pub merge_group: Option<Id>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    Table,
    MergeGroup,
    Hold,
}

impl Resource {
    /// As `allocations.resource_type` names it.
    #[must_use]
    pub fn of_label(label: &str) -> Option<Resource> {
        match label {
            "table" => Some(Resource::Table),
            "merge_group" => Some(Resource::MergeGroup),
            "hold" => Some(Resource::Hold),
            _ => None,
        }
    }
}

/// An allocation on a resource for a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocation {
    pub id: Id,
    pub resource: Resource,
    pub resource_id: Id,
    pub window: Option<Window>,
}

/// What stands in the way on one of the asked tables, in the asked window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocker {
    Hold {
        hold: Id,
        table: Id,
    },
    /// `released`: its booking is over, and it may be freed (F9).
    Allocation {
        id: Id,
        table: Id,
        released: bool,
    },
    Assignment {
        id: Id,
        table: Id,
        owner: Id,
        window: Window,
        released: bool,
    },
}

/// Who has a table that is in the way, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Occupant {
    /// None: nobody's in particular.
    pub booking: Option<Id>,
    pub window: Option<Window>,
    /// The deadline of a hold; None: the end of the window.
    pub until: Option<Instant>,
}

impl Blocker {
    /// In what order they are named, whoever read them: by kind, table and beginning.
    #[must_use]
    pub fn order(&self, occupants: &BTreeMap<Id, Occupant>) -> (u8, Id, Option<Instant>, Id) {
        let (kind, table, id) = match *self {
            Blocker::Allocation { id, table, .. } => (0, table, id),
            Blocker::Assignment { id, table, .. } => (1, table, id),
            Blocker::Hold { hold, table } => (2, table, hold),
        };
        let start = occupants.get(&id).and_then(|occupant| occupant.window).map(Window::start);
        (kind, table, start, id)
    }

    /// Its booking is over: it is no longer in the way.
    #[must_use]
    pub fn is_released(&self) -> bool {
        matches!(self, Blocker::Allocation { released: true, .. } | Blocker::Assignment { released: true, .. })
    }
}
