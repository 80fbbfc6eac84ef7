//! What a decision looks at: the booking, its tables and holds, and who is in the way.

use std::collections::{BTreeMap, BTreeSet};

use crate::rules::Id;
use crate::rules::booking::adjacency::Edges;
use crate::rules::booking::capacity::CapacityPolicy;
use crate::rules::booking::table::{Allocation, Assignment, Blocker, Occupant, Table};
use crate::rules::booking::window::Instant;
use crate::rules::booking::{Booking, StatusRules};
use crate::rules::hold::Hold;

/// Everything a decision looks at, read under the locks that protect it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub now: Instant,
    pub booking: Booking,
    /// The hold that was named.
    pub hold: Option<Hold>,
    /// Live holds of the booking, the named one among them, with their tables and deadline.
    pub own_holds: BTreeMap<Id, OwnHold>,
    /// By id: the asked tables that exist, and those that the booking has.
    pub tables: BTreeMap<Id, Table>,
    pub statuses: StatusRules,
    pub policy: CapacityPolicy,
    pub assignments: Vec<Assignment>,
    pub allocations: Vec<Allocation>,
    /// Mirrors of own holds that no booking was known for.
    pub mirrors: Vec<Id>,
    pub edges: Edges,
    pub blockers: Vec<Blocker>,
    /// Who has what the blockers stand for, by their ids.
    pub occupants: BTreeMap<Id, Occupant>,
    /// Do assignments exclude each other by a constraint of their own?
    pub assignments_exclude: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnHold {
    pub members: BTreeSet<Id>,
    pub expires_at: Instant,
}
