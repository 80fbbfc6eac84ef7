//! What the database would hold after the changes of a decision: the meaning of `Changes`, in twenty lines.

use std::collections::{BTreeMap, BTreeSet};

use holdfast::rules::Id;
use holdfast::rules::booking::table::{Allocation, Assignment, Resource};
use holdfast::rules::confirm::Changes;
use holdfast::rules::confirm::resolved_request::ResolvedRequest;
use holdfast::rules::confirm::snapshot::Snapshot;
use holdfast::rules::hold::HoldEnd;

/// The booking's rows after a decision was carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct After {
    pub assignments: Vec<Assignment>,
    pub allocations: Vec<Allocation>,
    /// Holds that are still open.
    pub open_holds: BTreeSet<Id>,
    pub ends: BTreeMap<Id, HoldEnd>,
}

/// Groups and rows made by a decision get these ids and up.
const NEW_GROUP: u128 = 0x9000;
const NEW_ASSIGNMENT: u128 = 0x9100;
const NEW_CLAIM: u128 = 0x9200;

#[must_use]
pub fn apply(snapshot: &Snapshot, resolved: &ResolvedRequest, changes: &Changes) -> After {
    let mut assignments = snapshot.assignments.clone();
    assignments.retain(|row| !changes.drop_assignments.contains(&row.id));
    for row in &mut assignments {
        if changes.dissolve.contains(&row.id) {
            row.merge_group = None;
        }
    }
    let mut allocations = snapshot.allocations.clone();
    allocations.retain(|claim| !changes.drop_allocations.contains(&claim.id));
    let group = (changes.add.len() > 1).then(|| Id::from_u128(NEW_GROUP));
    let window = Some(resolved.window);
    for table in &changes.add {
        let number = table.as_u128();
        let id = Id::from_u128(NEW_ASSIGNMENT + number);
        assignments.push(Assignment { id, table: *table, window, merge_group: group });
        let id = Id::from_u128(NEW_CLAIM + number);
        allocations.push(Allocation { id, resource: Resource::Table, resource_id: *table, window });
    }
    if let Some(group) = group {
        allocations.push(Allocation { id: group, resource: Resource::MergeGroup, resource_id: group, window });
    }
    let ends: BTreeMap<Id, HoldEnd> = changes.close_holds.iter().copied().collect();
    let open_holds = snapshot.own_holds.keys().filter(|id| !ends.contains_key(id)).copied().collect();
    After { assignments, allocations, open_holds, ends }
}

impl After {
    #[must_use]
    pub fn tables(&self) -> BTreeSet<Id> {
        self.assignments.iter().map(|row| row.table).collect()
    }

    /// How many members each merge group has.
    #[must_use]
    pub fn groups(&self) -> BTreeMap<Id, usize> {
        groups(&self.assignments)
    }

    #[must_use]
    pub fn claims_of(&self, table: Id) -> Vec<Allocation> {
        let of_table = |claim: &&Allocation| claim.resource == Resource::Table && claim.resource_id == table;
        self.allocations.iter().filter(of_table).copied().collect()
    }
}

#[must_use]
pub fn groups(assignments: &[Assignment]) -> BTreeMap<Id, usize> {
    let mut sizes = BTreeMap::new();
    for group in assignments.iter().filter_map(|row| row.merge_group) {
        *sizes.entry(group).or_insert(0) += 1;
    }
    sizes
}
