//! Handing a hold back.

use crate::rules::Id;
use crate::rules::failure::Failure;
use crate::rules::hold::HoldEnd;
use crate::rules::outbox;
use crate::rules::outcome::Outcome;
use crate::store::Store;

/// Closes the hold and says whether it was live. A hold that is unknown or closed is left alone.
pub fn release(store: &Store, hold: Option<Id>, actor: Option<Id>) -> Result<Outcome, Failure> {
    let Some(id) = hold else { return Ok(Outcome::NothingHeld) };
    let Some(hold) = store.hold_lock(None, Some(id))?.remove(&id) else { return Ok(Outcome::NothingHeld) };
    if hold.status != "active" {
        return Ok(Outcome::NothingHeld);
    }
    let now = store.clock();
    let live = hold.is_live(now);
    let end = if live { HoldEnd::Cancelled } else { HoldEnd::Expired };
    let event = outbox::hold_released(hold.booking, hold.restaurant, id, actor);
    let written = store.hold_close(&hold, end)?;
    super::assert_written("Release", &[1], &written)?;
    super::emit(store, &[event], now)?;
    Ok(if live { Outcome::Released } else { Outcome::NothingHeld })
}
