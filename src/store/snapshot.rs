//! Everything a decision looks at beyond the locked rows themselves, read in one statement after the locks.

use std::collections::{BTreeMap, BTreeSet};

use super::Store;
use super::attachment::EXCLUSION;
use super::columns::facts;
use super::parameter::{self, Ids};
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::adjacency::{self, Edges};
use crate::rules::booking::capacity::CapacityPolicy;
use crate::rules::booking::table::{Allocation, Assignment, Blocker, Occupant, Resource, Table};
use crate::rules::booking::window::{Instant, Window};
use crate::rules::booking::{Booking, StatusRules};
use crate::rules::confirm::snapshot::{OwnHold, Snapshot};
use crate::rules::hold::Hold;
use crate::rules::refusal::failure::Failure;

facts!(SnapshotFact {
    "status" Status { status: String = label, is_confirm_target: bool = flag, holds_tables: bool = flag2 }
    "move" Move { from: String = label }
    "policy" Policy { extra_seats: i32 = number, enforce_min_party: bool = flag }
    "assignment" Assignment {
        id: Id = id, table: Id = table_id, merge_group: Option<Id> = other,
        start: Option<Instant> = start_at, end: Option<Instant> = end_at,
    }
    "allocation" Allocation {
        id: Id = id, resource: String = label, resource_id: Id = table_id,
        start: Option<Instant> = start_at, end: Option<Instant> = end_at,
    }
    "mirror" Mirror { id: Id = id }
    "member" Member { hold: Id = id, table: Id = table_id }
    "edge" Edge { a: Id = table_id, b: Id = other }
    "blocking_hold" BlockingHold {
        hold: Id = id, table: Id = table_id, booking: Option<Id> = other,
        start: Option<Instant> = start_at, end: Option<Instant> = end_at, until: Option<Instant> = until,
    }
    "blocking_allocation" BlockingAllocation {
        id: Id = id, table: Id = table_id, booking: Option<Id> = other,
        start: Option<Instant> = start_at, end: Option<Instant> = end_at, released: bool = flag,
    }
    "blocking_assignment" BlockingAssignment {
        id: Id = id, table: Id = table_id, booking: Option<Id> = other,
        start: Option<Instant> = start_at, end: Option<Instant> = end_at, released: bool = flag,
    }
});
statement!(
    "snapshot_read",
    SnapshotRead<'a> {
        booking: Id,
        restaurant: Id,
        tables: Ids,
        start: Instant,
        end: Instant,
        now: Instant,
        own_holds: Ids,
        current: &'a str,
        target: Option<&'a str>,
        edges_wanted: bool,
    } -> SnapshotFact
);

/// What is locked by now, and what is asked of the rest.
pub struct Question<'a> {
    pub booking: &'a Booking,
    pub target: Option<&'a str>,
    pub tables: &'a [Id],
    pub window: Window,
    pub now: Instant,
    pub hold: Option<Hold>,
    /// Live holds of the booking, the named one among them, by id with their deadlines.
    pub own_holds: BTreeMap<Id, Instant>,
    pub locked: BTreeMap<Id, Table>,
    pub edges_wanted: bool,
}

impl Store {
    pub fn snapshot_read(&self, question: Question) -> Result<Snapshot, Failure> {
        let booking = question.booking;
        let parameters = SnapshotRead {
            booking: booking.id,
            restaurant: booking.restaurant,
            tables: parameter::ids(question.tables),
            start: question.window.start(),
            end: question.window.end(),
            now: question.now,
            own_holds: parameter::ids(question.own_holds.keys()),
            current: &booking.status,
            target: question.target,
            edges_wanted: question.edges_wanted,
        };
        let own_holds = question.own_holds.into_iter();
        let mut snapshot = Snapshot {
            now: question.now,
            booking: booking.clone(),
            hold: question.hold,
            own_holds: own_holds
                .map(|(id, expires_at)| (id, OwnHold { members: BTreeSet::new(), expires_at }))
                .collect(),
            tables: question.locked,
            statuses: StatusRules::default(),
            policy: CapacityPolicy::default(),
            assignments: Vec::new(),
            allocations: Vec::new(),
            mirrors: Vec::new(),
            edges: Edges::new(),
            blockers: Vec::new(),
            occupants: BTreeMap::new(),
            assignments_exclude: self.attachment.has(EXCLUSION),
        };
        self.run(parameters, |row| {
            if let Some(fact) = row.fact() {
                note(&mut snapshot, fact, question.target);
            }
        })?;
        Ok(snapshot)
    }
}

/// Puts one fact in its place.
fn note(snapshot: &mut Snapshot, fact: SnapshotFact, target: Option<&str>) {
    match fact {
        SnapshotFact::Status { status, is_confirm_target, holds_tables } => {
            snapshot.statuses.current_holds_tables |= status == snapshot.booking.status && holds_tables;
            snapshot.statuses.target_holds_tables |= Some(status.as_str()) == target && holds_tables;
            snapshot.statuses.target_is_confirmable |= Some(status.as_str()) == target && is_confirm_target;
        }
        SnapshotFact::Move { from } => snapshot.statuses.target_reached_from.push(from),
        SnapshotFact::Policy { extra_seats, enforce_min_party } => {
            snapshot.policy = CapacityPolicy { extra_seats, enforce_min_party };
        }
        SnapshotFact::Assignment { id, table, merge_group, start, end } => {
            snapshot.assignments.push(Assignment { id, table, window: row::window(start, end), merge_group });
        }
        SnapshotFact::Allocation { id, resource, resource_id, start, end } => {
            if let Some(resource) = Resource::of_label(&resource) {
                let window = row::window(start, end);
                snapshot.allocations.push(Allocation { id, resource, resource_id, window });
            }
        }
        SnapshotFact::Mirror { id } => snapshot.mirrors.push(id),
        SnapshotFact::Member { hold, table } => {
            if let Some(hold) = snapshot.own_holds.get_mut(&hold) {
                hold.members.insert(table);
            }
        }
        SnapshotFact::Edge { a, b } => {
            snapshot.edges.insert(adjacency::edge(a, b));
        }
        SnapshotFact::BlockingHold { hold, table, booking, start, end, until } => {
            snapshot.occupants.insert(hold, Occupant { booking, window: row::window(start, end), until });
            snapshot.blockers.push(Blocker::Hold { hold, table });
        }
        SnapshotFact::BlockingAllocation { id, table, booking, start, end, released } => {
            snapshot.occupants.insert(id, Occupant { booking, window: row::window(start, end), until: None });
            snapshot.blockers.push(Blocker::Allocation { id, table, released });
        }
        SnapshotFact::BlockingAssignment { id, table, booking, start, end, released } => {
            let window = row::window(start, end);
            snapshot.occupants.insert(id, Occupant { booking, window, until: None });
            let blocker =
                booking.zip(window).map(|(owner, window)| Blocker::Assignment { id, table, owner, window, released });
            snapshot.blockers.extend(blocker);
        }
    }
}
