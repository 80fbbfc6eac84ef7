//! The booking's row, and its moves.

use pgrx::pg_sys;

use super::Store;
use super::row::Row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::table::{Allocation, Assignment, Resource};
use crate::rules::booking::window::Instant;
use crate::rules::booking::{Booking, BookingWindow, StatusRules};
use crate::rules::confirm::request::History;
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;

statement!("booking_lock", BookingLock { booking: Id });
statement!("booking_read", BookingRead { booking: Id });
statement!("booking_allocations", BookingAllocations { booking: Id });
statement!("status_rules_read", StatusRulesRead<'a> { current: &'a str, target: &'a str });
statement!(
    "transition_apply",
    TransitionApply<'a> {
        booking: Id,
        to: &'a str,
        checked_in_at: Option<Instant>,
        checked_out_at: Option<Instant>,
        updated_at: Instant,
        from: &'a str,
        changed_by: Option<Id>,
        changed_at: Instant,
        reason: Option<&'a str>,
        metadata: Option<Json>,
    }
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
        if self.run(BookingLock { booking }, |_| ())?.is_empty() {
            return Ok(None);
        }
        self.booking_read(booking)
    }

    /// The same, without a lock.
    pub fn booking_read(&self, booking: Id) -> Result<Option<Booking>, Failure> {
        let rows = self.run(BookingRead { booking }, |row| Booking {
            id: booking,
            restaurant: row.id(1).unwrap_or_default(),
            status: row.text(2).unwrap_or_default(),
            party_size: row.number(3).unwrap_or_default(),
            zone_lock: row.id(4),
            window: BookingWindow { start: row.instant(5), end: row.instant(6) },
        })?;
        Ok(rows.into_iter().next())
    }

    /// The rules for a move from one status to another.
    pub fn status_rules(&self, current: &str, target: &str) -> Result<StatusRules, Failure> {
        let mut rules = StatusRules::default();
        self.run(StatusRulesRead { current, target }, |row| {
            let label = row.text(2).unwrap_or_default();
            match row.text(1).as_deref() {
                Some("move") => rules.target_reached_from.push(label),
                _ => {
                    rules.current_holds_tables |= label == current && row.flag(4);
                    rules.target_holds_tables |= label == target && row.flag(4);
                    rules.target_is_confirmable |= label == target && row.flag(3);
                    rules.current_needs_tables |= label == current && row.flag(5);
                    rules.target_needs_tables |= label == target && row.flag(5);
                    rules.current_releases_tables |= label == current && row.flag(6);
                    rules.target_releases_tables |= label == target && row.flag(6);
                }
            }
        })?;
        Ok(rules)
    }

    /// Moves the booking and writes its history. None: a trigger kept the row from changing.
    pub fn transition_apply(&self, landing: &Landing) -> Result<Option<Landed>, Failure> {
        let parameters = TransitionApply {
            booking: landing.booking,
            to: landing.to,
            checked_in_at: landing.checked_in_at,
            checked_out_at: landing.checked_out_at,
            updated_at: landing.updated_at,
            from: landing.from,
            changed_by: landing.history.changed_by,
            changed_at: landing.changed_at,
            reason: landing.history.reason.as_deref(),
            metadata: landing.history.metadata.clone(),
        };
        let rows = self.run(parameters, landed)?;
        Ok(rows.into_iter().next().flatten())
    }

    /// The tables that the booking has, and what it claims.
    pub fn booking_claims(&self, booking: Id) -> Result<(Vec<Assignment>, Vec<Allocation>), Failure> {
        let (mut assignments, mut allocations) = (Vec::new(), Vec::new());
        self.run(BookingAllocations { booking }, |row| {
            let (id, subject) = (row.id(2).unwrap_or_default(), row.id(3).unwrap_or_default());
            let window = row.window(5, 6);
            let kind = row.text(1).unwrap_or_default();
            if let Some(resource) = Resource::of_label(&kind) {
                allocations.push(Allocation { id, resource, resource_id: subject, window });
            } else if kind == "assignment" {
                assignments.push(Assignment { id, table: subject, window, merge_group: row.id(4) });
            }
        })?;
        Ok((assignments, allocations))
    }
}

pub(super) fn landed(row: &Row) -> Option<Landed> {
    Some(Landed {
        status: row.label(1)?,
        checked_in_at: row.instant(2),
        checked_out_at: row.instant(3),
        updated_at: row.instant(4),
    })
}
