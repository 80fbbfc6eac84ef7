//! Everything known of one booking, for the rules that look for what does not agree.

use std::collections::BTreeMap;

use super::Store;
use super::row::Row;
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

statement!("drift_read", DriftRead { booking: Id, now: Instant });

impl Store {
    /// The record of a booking in one snapshot. None: no such booking.
    pub fn drift_read(&self, booking: Id, now: Instant) -> Result<Option<BookingRecord>, Failure> {
        let (mut found, mut bases) = (None, BTreeMap::new());
        let mut record = BookingRecord::of(booking, now);
        self.run(DriftRead { booking, now }, |row| match row.text(1).as_deref() {
            Some("booking") => found = Some(read_booking(row)),
            Some("basis") => {
                bases.insert(row.text(8).unwrap_or_default(), answer_basis(row));
            }
            _ => note(&mut record, row),
        })?;
        for answer in &mut record.answers {
            if let Some(known) = bases.remove(&answer.key) {
                let Answered { basis, seats, adjacent, hold_shared, ours, .. } = known;
                *answer = Answered { basis, seats, adjacent, hold_shared, ours, ..answer.clone() };
            }
        }
        record.answers.sort_by_key(|answer| answer.at);
        Ok(found.map(|booking| BookingRecord { booking, ..record }))
    }
}

fn read_booking(row: &Row) -> Booking {
    Booking {
        id: row.id(2).unwrap_or_default(),
        restaurant: row.id(3).unwrap_or_default(),
        status: row.text(7).unwrap_or_default(),
        party_size: row.number(14).unwrap_or_default(),
        zone_lock: row.id(4),
        window: BookingWindow { start: row.instant(5), end: row.instant(6) },
    }
}

/// Puts one fact in its place.
fn note(record: &mut BookingRecord, row: &Row) {
    let label = || row.text(7).unwrap_or_default();
    match row.text(1).as_deref().unwrap_or_default() {
        "status" => record.statuses.push(StatusRule {
            status: label(),
            is_confirm_target: row.flag(9),
            holds_tables: row.flag(10),
            releases_tables: row.flag(11),
        }),
        "move" => record.moves.push((label(), row.text(8).unwrap_or_default())),
        "history" => record.history.push(Moved { from: row.text(8), to: label(), at: at(row) }),
        "seat" => record.seats.push(seat(row)),
        "claim" => record.claims.extend(claim(row)),
        "hold" => record.holds.push(hold(row)),
        "answer" => record.answers.push(answer(row)),
        "table" => {
            record.tables.insert(row.id(2).unwrap_or_default(), table_state(row));
        }
        "policy" => record.extra_seats = row.number(14).unwrap_or_default(),
        "edge" => {
            let (a, b) = (row.id(3).unwrap_or_default(), row.id(4).unwrap_or_default());
            record.edges.insert(adjacency::edge(a, b));
        }
        "neighbour" => record.neighbours.push(rival(row)),
        _ => record.rivals.push(rival(row)),
    }
}

fn table_state(row: &Row) -> TableState {
    TableState {
        zone: row.id(4),
        active: row.flag(9),
        out_of_service: row.flag(10),
        seats: row.number(14).unwrap_or_default(),
    }
}

fn rival(row: &Row) -> Rival {
    Rival {
        id: row.id(2).unwrap_or_default(),
        is_claim: row.text(1).as_deref() == Some("rival_claim"),
        table: row.id(3).unwrap_or_default(),
        owner: row.id(4),
        window: row.window(5, 6),
        released: row.flag(9),
    }
}

fn at(row: &Row) -> Instant {
    row.instant(13).unwrap_or(Instant::NEVER)
}

fn seat(row: &Row) -> AssignmentRecord {
    AssignmentRecord {
        id: row.id(2).unwrap_or_default(),
        table: row.id(3).unwrap_or_default(),
        window: row.window(5, 6),
        merge_group: row.id(4),
        key: row.text(7),
        foreign: row.flag(9),
        status_unexplained: row.flag(10),
        recent: row.flag(11),
        allocation: row.ids(12).unwrap_or_default().first().copied(),
    }
}

fn claim(row: &Row) -> Option<AllocationRecord> {
    Some(AllocationRecord {
        id: row.id(2)?,
        resource: Resource::of_label(&row.text(7)?)?,
        resource_id: row.id(3)?,
        restaurant: row.id(4)?,
        window: row.window(5, 6),
        shadow: row.flag(9),
    })
}

fn hold(row: &Row) -> OpenHold {
    OpenHold {
        id: row.id(2).unwrap_or_default(),
        restaurant: row.id(3).unwrap_or_default(),
        window: row.window(5, 6),
        expires_at: at(row),
        members: row.ids(12).unwrap_or_default(),
        foreign_member: row.flag(10),
        mirrored: row.flag(9),
    }
}

/// What is known of an answer beside its row of the record.
fn answer_basis(row: &Row) -> Answered {
    Answered {
        basis: match row.text(7).as_deref() {
            Some("derived") => Some(Basis::Derived),
            Some("asked") => Some(Basis::Request),
            _ => None,
        },
        adjacent: row.flag(9),
        hold_shared: row.flag(10),
        ours: row.flag(11),
        seats: row.ids(12).unwrap_or_default(),
        ..answer(row)
    }
}

fn answer(row: &Row) -> Answered {
    Answered {
        key: row.text(8).unwrap_or_default(),
        outcome: row.text(7).unwrap_or_default(),
        window: row.window(5, 6),
        tables: row.ids(12).unwrap_or_default(),
        hold: row.id(2),
        at: at(row),
        told: row.flag(9),
        basis: None,
        seats: Vec::new(),
        adjacent: false,
        hold_shared: false,
        ours: false,
    }
}
