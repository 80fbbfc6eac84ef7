//! What state a booking is in, in the two words that services read after a confirm.

use crate::rules::Id;
use crate::rules::booking;
use crate::rules::failure::Failure;
use crate::rules::refusal;
use crate::store::Store;

/// The booking's status, and how its tables stand.
pub fn reconcile(store: &Store, booking: Option<Id>) -> Result<(String, &'static str), Failure> {
    let id = booking.ok_or_else(|| refusal::booking_not_found(None))?;
    let state = store.booking_state(id)?.ok_or_else(|| refusal::booking_not_found(Some(id)))?;
    let (status, assigned, claimed) = state;
    Ok((status, booking::assignment_state(assigned, claimed)))
}
