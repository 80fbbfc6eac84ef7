//! Handing a hold back.

use super::{Call, CallEnd};
use crate::rules::Id;
use crate::rules::attempt::function::Function;
use crate::rules::attempt::phase::Phase;
use crate::rules::booking::window::Instant;
use crate::rules::event::outbox;
use crate::rules::hold::{HoldEnd, HoldEnding};
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::store::Store;
use crate::telemetry::recording::AttemptSubject;

/// Ends the hold and says whether it was live. A hold that is unknown or ended is left alone.
pub fn release(store: &Store, hold: Option<Id>, actor: Option<Id>) -> Result<Outcome, Failure> {
    let ended = |outcome: &Outcome| CallEnd::Written(*outcome, None);
    Call::begin(store, Function::Release).run(ended, |call| {
        call.is_about(&AttemptSubject { hold, ..AttemptSubject::default() });
        released(call, hold, actor)
    })
}

fn released(call: &Call, hold: Option<Id>, actor: Option<Id>) -> Result<Outcome, Failure> {
    let store = call.store;
    let Some(id) = hold else { return Ok(Outcome::NothingHeld) };
    call.reach(Phase::HoldLock);
    let Some(hold) = store.holds_lock(None, Some(id))?.remove(&id) else { return Ok(Outcome::NothingHeld) };
    call.is_about(&AttemptSubject { booking: hold.booking, hold: Some(id), ..AttemptSubject::default() });
    call.is_at(hold.restaurant);
    if hold.status != "active" {
        return Ok(Outcome::NothingHeld);
    }
    call.reach(Phase::Apply);
    let now = store.clock();
    let ending = hold.ending(now);
    end(store, &[ending], actor, now)?;
    Ok(if ending.end == HoldEnd::Expired { Outcome::NothingHeld } else { Outcome::Released })
}

/// Ends holds that are locked, and tells others. Returns how many mirrors they had.
pub(super) fn end(store: &Store, endings: &[HoldEnding], actor: Option<Id>, now: Instant) -> Result<i64, Failure> {
    if endings.is_empty() {
        return Ok(0);
    }
    let told = |ending: &HoldEnding| outbox::hold_released(ending.booking, ending.restaurant, ending.hold, actor);
    let written = store.holds_end(endings, now)?;
    let (ended, mirrors) = (written.first().copied().unwrap_or_default(), written.get(1).copied().unwrap_or_default());
    super::assert_written("Release", &[endings.len() as i64], &[ended])?;
    super::emit(store, &endings.iter().map(told).collect::<Vec<_>>(), now)?;
    Ok(mirrors)
}
