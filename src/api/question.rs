//! Questions that change nothing.

use pgrx::Uuid;
use pgrx::prelude::*;

use super::argument;
use crate::rules::confirm::idempotency_key;

/// The deterministic key of a booking.
#[pg_extern(sql = false)]
fn contract_auto_assign_idempotency_key(
    p_booking_id: Uuid,
    p_restaurant_id: Uuid,
    p_party_size: i32,
    p_booking_date: Date,
    p_start_time: Time,
) -> String {
    let date = format!("{:04}-{:02}-{:02}", p_booking_date.year(), p_booking_date.month(), p_booking_date.day());
    let (hour, minute, second, _) = p_start_time.to_hms_micro();
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    let id = |uuid: Uuid| argument::id(Some(uuid)).unwrap_or_default();
    idempotency_key::auto_assign(id(p_booking_id), id(p_restaurant_id), p_party_size, &date, &time)
}
