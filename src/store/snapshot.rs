//! Everything a decision looks at beyond the locked rows themselves, read after the locks.

use std::collections::{BTreeMap, BTreeSet};

use super::Store;
use super::attachment::{EXCLUSION, FIRST_LOOK};
use super::columns::facts;
use super::parameter::{self, Ids};
use super::row;
use super::snapshot_probe::{self, Inquiry};
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
    "candidate" Candidate {}
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
    } -> SnapshotFact
);
facts!(BlockerFact {
    "blocking_hold" Hold {
        hold: Id = id, table: Id = table_id, booking: Option<Id> = other,
        start: Option<Instant> = start_at, end: Option<Instant> = end_at, until: Option<Instant> = until,
    }
    "blocking_allocation" Allocation {
        id: Id = id, table: Id = table_id, booking: Option<Id> = other,
        start: Option<Instant> = start_at, end: Option<Instant> = end_at, released: bool = flag,
    }
    "blocking_assignment" Assignment {
        id: Id = id, table: Id = table_id, booking: Option<Id> = other,
        start: Option<Instant> = start_at, end: Option<Instant> = end_at, released: bool = flag,
    }
});
statement!(
    "blockers_read",
    BlockersRead {
        booking: Id,
        restaurant: Id,
        tables: Ids,
        start: Instant,
        end: Instant,
        now: Instant,
        own_holds: Ids,
    } -> BlockerFact
);
facts!(FloorFact {
    "member" Member { hold: Id = id, table: Id = table_id }
    "mirror" Mirror { id: Id = id }
    "edge" Edge { a: Id = table_id, b: Id = other }
});
statement!("floor_read", FloorRead { own_holds: Ids, tables: Ids, edges_wanted: bool } -> FloorFact);

/// The feature of a schema that says which tables stand side by side.
const ADJACENCY: &str = "adjacency";

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
    /// What has no work to do is not asked: who is in the way only where somebody may be, holds where there are any.
    pub fn snapshot_read(&self, question: Question) -> Result<Snapshot, Failure> {
        let (booking, window, now) = (question.booking, question.window, question.now);
        let holds: Vec<Id> = question.own_holds.keys().copied().collect();
        let own_holds = question.own_holds.iter();
        let mut snapshot = Snapshot {
            now,
            booking: booking.clone(),
            hold: question.hold,
            own_holds: own_holds
                .map(|(id, expires_at)| (*id, OwnHold { members: BTreeSet::new(), expires_at: *expires_at }))
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
        let looks_first = self.attachment.has(FIRST_LOOK);
        let blockers;
        let asked =
            Inquiry { booking, target: question.target, tables: question.tables, window, now, own_holds: &holds };
        if let Some(looked) = self.connection.directly(|reader| snapshot_probe::look(reader, &asked, looks_first))? {
            blockers = looked.blockers;
            snapshot.statuses = looked.statuses;
            snapshot.policy = looked.policy;
            snapshot.assignments = looked.assignments;
            snapshot.allocations = looked.allocations;
        } else {
            let parameters = SnapshotRead {
                booking: booking.id,
                restaurant: booking.restaurant,
                tables: parameter::ids(question.tables),
                start: window.start(),
                end: window.end(),
                now,
                own_holds: parameter::ids(&holds),
                current: &booking.status,
                target: question.target,
            };
            let mut crowded = !looks_first;
            self.run(parameters, |row| match row.fact() {
                Some(SnapshotFact::Candidate {}) => crowded = true,
                Some(fact) => note(&mut snapshot, fact, question.target),
                None => {}
            })?;
            blockers = (!crowded).then(Vec::new);
        }
        // A constraint that went while a lock was waited for promises nothing any more.
        self.blockers_read(&mut snapshot, &asked, blockers.filter(|_| !self.connection.is_doubtful()))?;
        if question.edges_wanted || !holds.is_empty() {
            self.belongings_read(&mut snapshot, &asked, question.edges_wanted)?;
        }
        Ok(snapshot)
    }

    /// Who is in the way, as it is known or as the statement says.
    fn blockers_read(
        &self,
        snapshot: &mut Snapshot,
        asked: &Inquiry,
        known: Option<Vec<BlockerFact>>,
    ) -> Result<(), Failure> {
        if let Some(known) = known {
            known.into_iter().for_each(|fact| in_the_way(snapshot, fact));
        } else {
            let parameters = BlockersRead {
                booking: asked.booking.id,
                restaurant: asked.booking.restaurant,
                tables: parameter::ids(asked.tables),
                start: asked.window.start(),
                end: asked.window.end(),
                now: asked.now,
                own_holds: parameter::ids(asked.own_holds),
            };
            self.run(parameters, |row| row.fact().into_iter().for_each(|fact| in_the_way(snapshot, fact)))?;
        }
        let Snapshot { blockers, occupants, .. } = snapshot;
        blockers.sort_by_key(|blocker| blocker.order(occupants));
        Ok(())
    }

    fn belongings_read(&self, snapshot: &mut Snapshot, asked: &Inquiry, edges_wanted: bool) -> Result<(), Failure> {
        let (own_holds, tables) = (asked.own_holds, if edges_wanted { asked.tables } else { &[] });
        let says_edges = self.attachment.has(ADJACENCY);
        let probed = self
            .connection
            .directly(|reader| snapshot_probe::belongings(reader, own_holds, says_edges.then_some(tables)))?;
        let Some(found) = probed else {
            let parameters =
                FloorRead { own_holds: parameter::ids(own_holds), tables: parameter::ids(asked.tables), edges_wanted };
            self.run(parameters, |row| row.fact().into_iter().for_each(|fact| belongs(snapshot, fact)))?;
            return Ok(());
        };
        let members = found.members.into_iter().map(|(hold, table)| FloorFact::Member { hold, table });
        let mirrors = found.mirrors.into_iter().map(|id| FloorFact::Mirror { id });
        let edges = found.edges.into_iter().map(|(a, b)| FloorFact::Edge { a, b });
        members.chain(mirrors).chain(edges).for_each(|fact| belongs(snapshot, fact));
        Ok(())
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
        SnapshotFact::Candidate {} => {}
    }
}

fn belongs(snapshot: &mut Snapshot, fact: FloorFact) {
    match fact {
        FloorFact::Member { hold, table } => {
            if let Some(hold) = snapshot.own_holds.get_mut(&hold) {
                hold.members.insert(table);
            }
        }
        FloorFact::Mirror { id } => snapshot.mirrors.push(id),
        FloorFact::Edge { a, b } => {
            snapshot.edges.insert(adjacency::edge(a, b));
        }
    }
}

fn in_the_way(snapshot: &mut Snapshot, fact: BlockerFact) {
    match fact {
        BlockerFact::Hold { hold, table, booking, start, end, until } => {
            snapshot.occupants.insert(hold, Occupant { booking, window: row::window(start, end), until });
            snapshot.blockers.push(Blocker::Hold { hold, table });
        }
        BlockerFact::Allocation { id, table, booking, start, end, released } => {
            snapshot.occupants.insert(id, Occupant { booking, window: row::window(start, end), until: None });
            snapshot.blockers.push(Blocker::Allocation { id, table, released });
        }
        BlockerFact::Assignment { id, table, booking, start, end, released } => {
            let window = row::window(start, end);
            snapshot.occupants.insert(id, Occupant { booking, window, until: None });
            let blocker =
                booking.zip(window).map(|(owner, window)| Blocker::Assignment { id, table, owner, window, released });
            snapshot.blockers.extend(blocker);
        }
    }
}
