//! The booking's row, and its moves.

use pgrx::pg_sys;

use super::Store;
use super::columns::{Nothing, columns, facts};
use super::probe::{NotDirect, Reader, probe};
use super::row::{self, EnumValue, Row, Word};
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::table::{Allocation, Assignment, Resource};
use crate::rules::booking::window::Instant;
use crate::rules::booking::{Booking, BookingWindow, StatusRules};
use crate::rules::confirm::request::History;
use crate::rules::refusal::failure::Failure;

statement!("booking_lock", BookingLock { booking: Id });
columns!(BookingRow {
    restaurant_id: Id,
    status: String,
    party_size: i32,
    assigned_zone_id: Option<Id>,
    start_at: Option<Instant>,
    end_at: Option<Instant>,
    is_bound: bool,
});
// By probes: the row's lock, and the booking beside its restaurant, which the statement joins.
probe!(one "bookings", BookingLockById { id: Id } -> Nothing);
columns!(BookingByIdRow {
    restaurant_id: Id,
    status: Word,
    party_size: i32,
    assigned_zone_id: Option<Id>,
    start_at: Option<Instant>,
    end_at: Option<Instant>,
});
probe!(one "bookings", BookingById { id: Id } -> BookingByIdRow);
probe!(one "restaurants", RestaurantById { id: Id } -> Nothing);
probe!(one "restaurants", ReferencedRestaurant { id: Id } -> Nothing);
probe!(one "booking_assignment_idempotency", BoundByKey<'a> { booking_id: Id, idempotency_key: &'a str } -> Nothing);
statement!("booking_read", BookingRead<'a> { booking: Id, key: Option<&'a str> } -> BookingRow);
statement!("booking_allocations", BookingAllocations { booking: Id } -> AllocationFact);
statement!("status_rules_read", StatusRulesRead<'a> { current: &'a str, target: &'a str } -> StatusFact);
facts!(StatusFact {
    "status" Status {
        status: String = label, is_confirm_target: bool = is_confirm_target, holds_tables: bool = holds_tables,
        needs_tables: bool = needs_tables, releases_tables: bool = releases_tables,
    }
    "move" Move { from: String = label }
});
facts!(AllocationFact {
    "assignment" Assignment {
        id: Id = id, table: Id = subject, merge_group: Option<Id> = merge_group_id,
        start: Option<Instant> = start_at, end: Option<Instant> = end_at,
    }
    "allocation" Allocation {
        id: Id = id, resource: Option<String> = resource_type, resource_id: Id = subject,
        start: Option<Instant> = start_at, end: Option<Instant> = end_at,
    }
});
columns!(LandedRow {
    status: Option<EnumValue>,
    checked_in_at: Option<Instant>,
    checked_out_at: Option<Instant>,
    updated_at: Option<Instant>,
});
statement!(
    "booking_land",
    BookingLand<'a> {
        booking: Id,
        to: &'a str,
        checked_in_at: Option<Instant>,
        checked_out_at: Option<Instant>,
        updated_at: Instant,
    } -> LandedRow
);

/// Where a booking is to land, and what its history says.
pub struct Landing<'a> {
    pub booking: Id,
    pub from: &'a str,
    pub to: &'a str,
    pub checked_in_at: Option<Instant>,
    pub checked_out_at: Option<Instant>,
    pub updated_at: Instant,
    pub changed_at: Instant,
    pub history: &'a History,
}

/// The booking's columns after a move.
pub struct Landed {
    /// The enum's value.
    pub status: pg_sys::Oid,
    pub checked_in_at: Option<Instant>,
    pub checked_out_at: Option<Instant>,
    pub updated_at: Option<Instant>,
}

impl Store {
    /// Locks the booking, if there is one.
    pub fn booking_lock(&self, booking: Id) -> Result<Option<Booking>, Failure> {
        Ok(self.booking_lock_under(booking, None)?.map(|(booking, _)| booking))
    }

    /// The same under a key: is it bound by now? Whoever had the booking may have bound it while we waited.
    pub fn booking_lock_under(&self, booking: Id, key: Option<&str>) -> Result<Option<(Booking, bool)>, Failure> {
        let locked = self
            .connection
            .directly(|reader| reader.locked(BookingById { id: booking }, |row| booking_of(booking, row)))?;
        let Some(locked) = locked else {
            let is_locked = !self.run(BookingLock { booking }, |_| ())?.is_empty();
            return if is_locked { self.booking_read_under(booking, key) } else { Ok(None) };
        };
        let Some(found) = locked.into_iter().next() else { return Ok(None) };
        // What else is read, is read as it is after the wait.
        match self.connection.directly(|reader| probe_beside(reader, found, key))? {
            Some(found) => Ok(found),
            None => self.booking_read_by_statement(booking, key),
        }
    }

    /// The booking as it is, without a lock.
    pub fn booking_read(&self, booking: Id) -> Result<Option<Booking>, Failure> {
        Ok(self.booking_read_under(booking, None)?.map(|(booking, _)| booking))
    }

    fn booking_read_under(&self, booking: Id, key: Option<&str>) -> Result<Option<(Booking, bool)>, Failure> {
        match self.connection.directly(|reader| probe_booking(reader, booking, key))? {
            Some(found) => Ok(found),
            None => self.booking_read_by_statement(booking, key),
        }
    }

    fn booking_read_by_statement(&self, booking: Id, key: Option<&str>) -> Result<Option<(Booking, bool)>, Failure> {
        let rows = self.run(BookingRead { booking, key }, |row| {
            let found = Booking {
                id: booking,
                restaurant: row.restaurant_id(),
                status: row.status(),
                party_size: row.party_size(),
                zone_lock: row.assigned_zone_id(),
                window: BookingWindow { start: row.start_at(), end: row.end_at() },
            };
            (found, row.is_bound())
        })?;
        Ok(rows.into_iter().next())
    }

    /// The rules for a move from one status to another.
    pub fn status_rules(&self, current: &str, target: &str) -> Result<StatusRules, Failure> {
        let mut rules = StatusRules::default();
        self.run(StatusRulesRead { current, target }, |row| match row.fact() {
            Some(StatusFact::Status { status, is_confirm_target, holds_tables, needs_tables, releases_tables }) => {
                rules.current_holds_tables |= status == current && holds_tables;
                rules.target_holds_tables |= status == target && holds_tables;
                rules.target_is_confirmable |= status == target && is_confirm_target;
                rules.current_needs_tables |= status == current && needs_tables;
                rules.target_needs_tables |= status == target && needs_tables;
                rules.current_releases_tables |= status == current && releases_tables;
                rules.target_releases_tables |= status == target && releases_tables;
            }
            Some(StatusFact::Move { from }) => rules.target_reached_from.push(from),
            None => {}
        })?;
        Ok(rules)
    }

    /// Moves the booking and writes its history. None: a trigger kept the row from changing.
    pub fn transition_apply(&self, landing: &Landing) -> Result<Option<Landed>, Failure> {
        let land = BookingLand {
            booking: landing.booking,
            to: landing.to,
            checked_in_at: landing.checked_in_at,
            checked_out_at: landing.checked_out_at,
            updated_at: landing.updated_at,
        };
        self.at_once(|| {
            let Some(landed) = self.run(land, landed)?.into_iter().next().flatten() else { return Ok(None) };
            let moved = (landing.from, Some(landing.to));
            let recorded = self.history_add(landing.booking, moved, landing.changed_at, landing.history)?;
            Ok((recorded == 1).then_some(landed))
        })
    }

    /// The tables that the booking has, and its allocations.
    pub fn booking_tables_and_allocations(&self, booking: Id) -> Result<(Vec<Assignment>, Vec<Allocation>), Failure> {
        let (mut assignments, mut allocations) = (Vec::new(), Vec::new());
        self.run(BookingAllocations { booking }, |row| match row.fact() {
            Some(AllocationFact::Assignment { id, table, merge_group, start, end }) => {
                assignments.push(Assignment { id, table, window: row::window(start, end), merge_group });
            }
            // One of a kind that the application alone knows is none of ours.
            Some(AllocationFact::Allocation { id, resource, resource_id, start, end }) => {
                let resource = resource.as_deref().and_then(Resource::of_label);
                let window = row::window(start, end);
                allocations.extend(resource.map(|resource| Allocation { id, resource, resource_id, window }));
            }
            None => {}
        })?;
        Ok((assignments, allocations))
    }
}

fn booking_of(id: Id, row: &Row<BookingByIdRow>) -> Booking {
    Booking {
        id,
        restaurant: row.restaurant_id(),
        status: row.status().0,
        party_size: row.party_size(),
        zone_lock: row.assigned_zone_id(),
        window: BookingWindow { start: row.start_at(), end: row.end_at() },
    }
}

/// As the statement reads it, but for a booking whose window is what its day and times say.
fn probe_booking(reader: &Reader, booking: Id, key: Option<&str>) -> Result<Option<(Booking, bool)>, NotDirect> {
    let found = reader.rows(BookingById { id: booking }, |row| booking_of(booking, row))?;
    let Some(found) = found.into_iter().next() else {
        reader.looks_at::<_, RestaurantById>()?;
        reader.looks_at::<_, BoundByKey>()?;
        return Ok(None);
    };
    probe_beside(reader, found, key)
}

/// A booking that was found, if its restaurant is there, and whether the key is bound.
fn probe_beside(reader: &Reader, found: Booking, key: Option<&str>) -> Result<Option<(Booking, bool)>, NotDirect> {
    has_own_window(found.window)?;
    if reader.rows(RestaurantById { id: found.restaurant }, |_| ())?.is_empty() {
        return Ok(None);
    }
    let bound = match key {
        Some(key) => reader.rows(BoundByKey { booking_id: found.id, idempotency_key: key }, |_| ())?,
        None => reader.looks_at::<_, BoundByKey>().map(|()| Vec::new())?,
    };
    Ok(Some((found, !bound.is_empty())))
}

/// A window that the booking's day and times say is the statement's to derive.
pub(super) fn has_own_window(window: BookingWindow) -> Result<(), NotDirect> {
    let is_whole = window.start.is_some() && window.end.is_some();
    if is_whole { Ok(()) } else { Err(NotDirect::Sql("a window is derived from a day and times")) }
}

pub(super) fn landed(row: &Row<LandedRow>) -> Option<Landed> {
    Some(Landed {
        status: row.status()?.0,
        checked_in_at: row.checked_in_at(),
        checked_out_at: row.checked_out_at(),
        updated_at: row.updated_at(),
    })
}
