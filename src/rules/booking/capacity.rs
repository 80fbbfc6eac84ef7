//! Does the party fit the tables? The policy is data of the restaurant; no session setting reaches it (F15, F23).

use crate::rules::booking::Booking;
use crate::rules::booking::table::Table;
use crate::rules::refusal::{self, Refusal};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CapacityPolicy {
    /// Guests accepted beyond the seats.
    pub extra_seats: i32,
    /// Is a party smaller than a table's minimum refused?
    pub enforce_min_party: bool,
}

pub fn check(booking: &Booking, tables: &[&Table], policy: CapacityPolicy) -> Result<(), Refusal> {
    let seats: i64 = tables.iter().map(|table| i64::from(table.seats())).sum();
    let party = i64::from(booking.party_size);
    if party > seats + i64::from(policy.extra_seats) {
        return Err(refusal::party_too_large(booking.id, party, seats, policy.extra_seats));
    }
    let too_large = tables.iter().find(|table| table.min_party_size.is_some_and(|min| booking.party_size < min));
    match too_large {
        Some(table) if policy.enforce_min_party => {
            Err(refusal::party_too_small(booking.id, party, table.id, table.min_party_size.unwrap_or_default()))
        }
        _ => Ok(()),
    }
}
