//! Did it happen? And: it shall not happen any more.

use super::{Call, CallEnd};
use crate::rules::Id;
use crate::rules::attempt::function::Function;
use crate::rules::attempt::phase::Phase;
use crate::rules::attempt::{self, KeyOutcome, KeyState};
use crate::rules::refusal;
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::store::{Ended, Store};
use crate::telemetry;
use crate::telemetry::recording::AttemptSubject;

/// What became of a key. Where no table knows it, the server may remember an attempt that raised.
pub fn confirm_outcome(store: &Store, booking: Option<Id>, key: Option<String>) -> Result<KeyOutcome, Failure> {
    let booking = booking.ok_or_else(|| refusal::booking_not_found(None))?;
    let key = attempt::key(key)?;
    let answer = known(store, booking, &key)?;
    if answer.standing != KeyState::NeverSeen {
        return Ok(answer);
    }
    let spans = telemetry::spans::of_booking(store.number(), booking).into_iter().map(|recorded| recorded.span);
    Ok(attempt::remembered::last(&key, spans).map_or(answer, attempt::of_last))
}

pub(super) fn known(store: &Store, booking: Id, key: &str) -> Result<KeyOutcome, Failure> {
    let known = store.attempt_known(booking, key, |schema| telemetry::find_orphaned(schema, booking, key))?;
    Ok(attempt::answer(known.ok_or_else(|| refusal::booking_not_found(Some(booking)))?))
}

/// The final answer of a key, or a tombstone under it. Whoever has the booking locked is waited for so long; the
/// caller's own rights decide whether a running attempt may be ended.
pub fn fence(
    store: &Store,
    booking: Option<Id>,
    key: Option<String>,
    wait_ms: Option<i32>,
    terminate: bool,
) -> Result<KeyOutcome, Failure> {
    let ended = |answer: &KeyOutcome| match answer.standing {
        KeyState::Fenced if answer.receipt == Some(store.transaction_id()) => CallEnd::Written(Outcome::Fenced, None),
        KeyState::Fenced => CallEnd::Replayed(Outcome::Fenced, None),
        KeyState::Committed => CallEnd::Replayed(Outcome::Confirmed, None),
        _ => CallEnd::Answered(Outcome::KeyInProgress, None),
    };
    let call = Call::begin(store, Function::Fence);
    call.run(ended, |call| {
        call.is_about(&AttemptSubject { booking, key: key.as_deref(), ..AttemptSubject::default() });
        fenced(call, booking, key, wait_ms, terminate)
    })
}

fn fenced(
    call: &Call,
    booking: Option<Id>,
    key: Option<String>,
    wait_ms: Option<i32>,
    terminate: bool,
) -> Result<KeyOutcome, Failure> {
    let store = call.store;
    let booking = booking.ok_or_else(|| refusal::booking_not_found(None))?;
    let key = attempt::key(key)?;
    let wait_ms = attempt::wait_ms(wait_ms)?;
    if terminate {
        store.check_may_terminate()?;
    }
    call.reach(Phase::Replay);
    let before = known(store, booking, &key)?;
    if before.is_final() {
        return Ok(before);
    }
    call.reach(Phase::BookingLock);
    if !store.booking_lock_free(booking)? {
        if let Some(pid) = store.attempt_holder(booking, &key)?.and_then(|holder| holder.pid).filter(|_| terminate) {
            store.terminate(pid)?;
        }
        if !lock_soon(store, booking, wait_ms)? {
            return Ok(KeyOutcome::running(store.attempt_holder(booking, &key)?));
        }
    }
    call.reach(Phase::Decide);
    // Under the lock nobody else can bind the key, and what was bound before can be seen.
    let answer = known(store, booking, &key)?;
    if answer.is_final() {
        return Ok(answer);
    }
    call.reach(Phase::Apply);
    let now = store.clock();
    let tombstone = attempt::tombstone(booking, &key, answer.refusal.as_ref());
    if !store.ledger_fence(booking, &key, &tombstone, now)? {
        return Err(Failure::Undone(refusal::key_in_progress(booking, &key)));
    }
    Ok(KeyOutcome::fenced(store.transaction_id(), tombstone, now))
}

/// Waits for the booking's lock so many milliseconds.
fn lock_soon(store: &Store, booking: Id, wait_ms: i64) -> Result<bool, Failure> {
    if wait_ms == 0 {
        return Ok(false);
    }
    let until = store.clock().after_ms(wait_ms);
    match store.within(until, |store| store.booking_lock(booking)) {
        Ended::Done(found) => Ok(found.is_some()),
        Ended::TimedOut => Ok(false),
        Ended::Failed(failure) => Err(failure),
    }
}
