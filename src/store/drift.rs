//! Everything known of one booking, for the rules that look for what does not agree.

use std::collections::BTreeMap;

use super::Store;
use super::columns::facts;
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::adjacency;
use crate::rules::booking::table::Resource;
use crate::rules::booking::window::Instant;
use crate::rules::booking::{Booking, BookingWindow};
use crate::rules::reconcile::finding::record::{
    AllocationRecord, Answered, AssignmentRecord, Basis, BookingRecord, Moved, OpenHold, Rival, StatusRule, TableState,
};
use crate::rules::refusal::failure::Failure;

facts!(DriftFact {
    "booking" Booking {
        id: Id = id, restaurant: Id = subject, status: String = label, party_size: i32 = number,
        zone_lock: Option<Id> = other, start: Option<Instant> = start_at, end: Option<Instant> = end_at,
        is_seated_later: bool = flag,
    }
    "status" Status {
        status: String = label, is_confirm_target: bool = flag, holds_tables: bool = flag2,
        releases_tables: bool = flag3,
    }
    "move" Move { from: String = label, to: String = label2 }
    "history" History { from: Option<String> = label2, to: String = label, at: Option<Instant> = at }
    "assignment" Assignment {
        id: Id = id, table: Id = subject, merge_group: Option<Id> = other,
        start: Option<Instant> = start_at, end: Option<Instant> = end_at, key: Option<String> = label,
        foreign: bool = flag, status_unexplained: bool = flag2, recent: bool = flag3, allocation: Vec<Id> = ids,
    }
    "allocation" Allocation {
        id: Id = id, resource: String = label, resource_id: Id = subject, restaurant: Option<Id> = other,
        start: Option<Instant> = start_at, end: Option<Instant> = end_at, shadow: bool = flag,
    }
    "hold" Hold {
        id: Id = id, restaurant: Id = subject, start: Option<Instant> = start_at, end: Option<Instant> = end_at,
        expires_at: Option<Instant> = at, members: Vec<Id> = ids, foreign_member: bool = flag2, mirrored: bool = flag,
    }
    "answer" Answer {
        key: String = label2, outcome: String = label, start: Option<Instant> = start_at, end: Option<Instant> = end_at,
        tables: Vec<Id> = ids, hold: Option<Id> = id, at: Option<Instant> = at, told: bool = flag,
    }
    "basis" Basis {
        key: String = label2, basis: Option<String> = label, adjacent: bool = flag, hold_shared: bool = flag2,
        ours: bool = flag3, assignments: Vec<Id> = ids,
    }
    "table" Table {
        id: Id = id, zone: Option<Id> = other, active: bool = flag, out_of_service: bool = flag2, seats: i32 = number,
    }
    "policy" Policy { extra_seats: i32 = number }
    "edge" Edge { a: Id = subject, b: Id = other }
    "neighbour" Neighbour {
        id: Id = id, table: Id = subject, owner: Option<Id> = other,
        start: Option<Instant> = start_at, end: Option<Instant> = end_at, released: bool = flag,
    }
    "rival_allocation" RivalAllocation {
        id: Id = id, table: Id = subject, owner: Option<Id> = other,
        start: Option<Instant> = start_at, end: Option<Instant> = end_at, released: bool = flag,
    }
    "rival_assignment" RivalAssignment {
        id: Id = id, table: Id = subject, owner: Option<Id> = other,
        start: Option<Instant> = start_at, end: Option<Instant> = end_at, released: bool = flag,
    }
});
statement!("drift_read", DriftRead { booking: Id, now: Instant } -> DriftFact);

impl Store {
    /// The record of a booking in one snapshot. None: no such booking.
    pub fn drift_read(&self, booking: Id, now: Instant) -> Result<Option<BookingRecord>, Failure> {
        let (mut found, mut bases) = (None, BTreeMap::new());
        let mut record = BookingRecord::of(booking, now);
        self.run(DriftRead { booking, now }, |row| match row.fact() {
            Some(DriftFact::Booking { id, restaurant, status, party_size, zone_lock, start, end, is_seated_later }) => {
                let window = BookingWindow { start, end };
                record.is_seated_later = is_seated_later;
                found = Some(Booking { id, restaurant, status, party_size, zone_lock, window });
            }
            Some(DriftFact::Basis { key, basis, adjacent, hold_shared, ours, assignments }) => {
                let basis = match basis.as_deref() {
                    Some("derived") => Some(Basis::Derived),
                    Some("asked") => Some(Basis::Request),
                    _ => None,
                };
                bases.insert(key, (basis, adjacent, hold_shared, ours, assignments));
            }
            Some(fact) => note(&mut record, fact),
            None => {}
        })?;
        for answer in &mut record.answers {
            if let Some((basis, adjacent, hold_shared, ours, assignments)) = bases.remove(&answer.key) {
                *answer = Answered { basis, assignments, adjacent, hold_shared, ours, ..answer.clone() };
            }
        }
        record.answers.sort_by_key(|answer| answer.at);
        Ok(found.map(|booking| BookingRecord { booking, ..record }))
    }
}

/// What the rules of the schema say, and what was done, in its place.
fn note(record: &mut BookingRecord, fact: DriftFact) {
    match fact {
        DriftFact::Status { status, is_confirm_target, holds_tables, releases_tables } => {
            record.statuses.push(StatusRule { status, is_confirm_target, holds_tables, releases_tables });
        }
        DriftFact::Move { from, to } => record.moves.push((from, to)),
        DriftFact::History { from, to, at } => {
            record.history.push(Moved { from, to, at: at.unwrap_or(Instant::NEVER) })
        }
        DriftFact::Table { id, zone, active, out_of_service, seats } => {
            record.tables.insert(id, TableState { zone, active, out_of_service, seats });
        }
        DriftFact::Policy { extra_seats } => record.extra_seats = extra_seats,
        DriftFact::Edge { a, b } => {
            record.edges.insert(adjacency::edge(a, b));
        }
        DriftFact::Answer { key, outcome, start, end, tables, hold, at, told } => record.answers.push(Answered {
            key,
            outcome,
            window: row::window(start, end),
            tables,
            hold,
            at: at.unwrap_or(Instant::NEVER),
            told,
            basis: None,
            assignments: Vec::new(),
            adjacent: false,
            hold_shared: false,
            ours: false,
        }),
        standing => note_standing(record, standing),
    }
}

/// What stands for the booking, and beside it.
fn note_standing(record: &mut BookingRecord, fact: DriftFact) {
    match fact {
        DriftFact::Assignment {
            id,
            table,
            merge_group,
            start,
            end,
            key,
            foreign,
            status_unexplained,
            recent,
            allocation,
        } => {
            let (window, allocation) = (row::window(start, end), allocation.first().copied());
            record.assignments.push(AssignmentRecord {
                id,
                table,
                window,
                merge_group,
                key,
                foreign,
                status_unexplained,
                recent,
                allocation,
            });
        }
        DriftFact::Allocation { id, resource, resource_id, restaurant, start, end, shadow } => {
            let known = Resource::of_label(&resource).zip(restaurant);
            let window = row::window(start, end);
            let allocation =
                |(resource, restaurant)| AllocationRecord { id, resource, resource_id, restaurant, window, shadow };
            record.allocations.extend(known.map(allocation));
        }
        DriftFact::Hold { id, restaurant, start, end, expires_at, members, foreign_member, mirrored } => {
            let (window, expires_at) = (row::window(start, end), expires_at.unwrap_or(Instant::NEVER));
            record.holds.push(OpenHold { id, restaurant, window, expires_at, members, foreign_member, mirrored });
        }
        DriftFact::Neighbour { id, table, owner, start, end, released } => {
            let window = row::window(start, end);
            record.neighbours.push(Rival { id, is_allocation: false, table, owner, window, released });
        }
        DriftFact::RivalAllocation { id, table, owner, start, end, released } => {
            let window = row::window(start, end);
            record.rivals.push(Rival { id, is_allocation: true, table, owner, window, released });
        }
        DriftFact::RivalAssignment { id, table, owner, start, end, released } => {
            let window = row::window(start, end);
            record.rivals.push(Rival { id, is_allocation: false, table, owner, window, released });
        }
        // Noted above, or read by whoever asked.
        DriftFact::Booking { .. }
        | DriftFact::Basis { .. }
        | DriftFact::Status { .. }
        | DriftFact::Move { .. }
        | DriftFact::History { .. }
        | DriftFact::Answer { .. }
        | DriftFact::Table { .. }
        | DriftFact::Policy { .. }
        | DriftFact::Edge { .. } => {}
    }
}
