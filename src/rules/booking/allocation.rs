//! Taking tables away from a booking, without leaving a group of one or an allocation without a table.

use crate::rules::Id;
use crate::rules::booking::table::{Allocation, Assignment, Resource};

/// Rows that go, and rows that leave their merge group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removal {
    pub assignments: Vec<Id>,
    pub allocations: Vec<Id>,
    /// The last member of a group is no group: it stays, alone.
    pub dissolved: Vec<Id>,
}

impl Removal {
    /// How many rows each part has to remove or change.
    #[must_use]
    pub fn expected(&self) -> [i64; 3] {
        [&self.assignments, &self.allocations, &self.dissolved].map(|rows| rows.len() as i64)
    }
}

/// Removes the tables for which `goes` is true; groups left with fewer than two members end.
#[must_use]
pub fn remove(assignments: &[Assignment], allocations: &[Allocation], goes: impl Fn(Id) -> bool) -> Removal {
    let group_ends = |group: Id| {
        let staying = assignments.iter().filter(|row| row.merge_group == Some(group) && !goes(row.table));
        staying.count() < 2
    };
    let mut removal = Removal::default();
    for row in assignments {
        if goes(row.table) {
            removal.assignments.push(row.id);
        } else if row.merge_group.is_some_and(group_ends) {
            removal.dissolved.push(row.id);
        }
    }
    for allocation in allocations {
        let ends = match allocation.resource {
            Resource::Table => goes(allocation.resource_id),
            Resource::MergeGroup => group_ends(allocation.resource_id),
            Resource::Hold => false,
        };
        if ends {
            removal.allocations.push(allocation.id);
        }
    }
    removal
}
