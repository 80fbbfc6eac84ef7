//! Everything a decision looks at beyond the locked rows themselves, read in one statement after the locks.

use std::collections::{BTreeMap, BTreeSet};

use super::Store;
use super::attachment::EXCLUSION;
use super::parameter::{self, Ids};
use super::row::Row;
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
    }
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
        self.run(parameters, |row| note(&mut snapshot, row, question.target))?;
        Ok(snapshot)
    }
}

/// Puts one fact in its place.
fn note(snapshot: &mut Snapshot, row: &Row, target: Option<&str>) {
    let id = || row.id(2).unwrap_or_default();
    let table = || row.id(3).unwrap_or_default();
    match row.text(1).as_deref().unwrap_or_default() {
        "status" => {
            let label = row.text(7);
            snapshot.statuses.current_holds_tables |= label.as_ref() == Some(&snapshot.booking.status) && row.flag(10);
            snapshot.statuses.target_holds_tables |= label.as_deref() == target && row.flag(10);
            snapshot.statuses.target_is_confirmable |= label.as_deref() == target && row.flag(9);
        }
        "move" => snapshot.statuses.target_reached_from.extend(row.text(7)),
        "policy" => {
            let extra_seats = row.number(8).unwrap_or_default();
            snapshot.policy = CapacityPolicy { extra_seats, enforce_min_party: row.flag(9) };
        }
        "assignment" => snapshot.assignments.push(Assignment {
            id: id(),
            table: table(),
            window: row.window(5, 6),
            merge_group: row.id(4),
        }),
        "allocation" => {
            if let Some(resource) = row.text(7).as_deref().and_then(Resource::of_label) {
                let claim = Allocation { id: id(), resource, resource_id: table(), window: row.window(5, 6) };
                snapshot.allocations.push(claim);
            }
        }
        "mirror" => snapshot.mirrors.push(id()),
        "member" => {
            if let Some(hold) = snapshot.own_holds.get_mut(&id()) {
                hold.members.insert(table());
            }
        }
        "edge" => {
            snapshot.edges.insert(adjacency::edge(table(), row.id(4).unwrap_or_default()));
        }
        _ => {
            let occupant = Occupant { booking: row.id(4), window: row.window(5, 6), until: row.instant(11) };
            snapshot.occupants.insert(id(), occupant);
            snapshot.blockers.extend(blocker(row));
        }
    }
}

fn blocker(row: &Row) -> Option<Blocker> {
    let (id, table) = (row.id(2)?, row.id(3)?);
    match row.text(1)?.as_str() {
        "blocking_hold" => Some(Blocker::Hold { hold: id, table }),
        "blocking_allocation" => Some(Blocker::Allocation { id, table, released: row.flag(9) }),
        "blocking_assignment" => {
            Some(Blocker::Assignment { id, table, owner: row.id(4)?, window: row.window(5, 6)?, released: row.flag(9) })
        }
        _ => None,
    }
}
