//! The outbox, for consumers: an event is given away for a while, and comes back unless it is acknowledged.

use crate::rules::booking::window::Instant;
use crate::rules::event::lease::{self, Fate, LeaseRequest};
use crate::rules::refusal::failure::Failure;
use crate::settings;
use crate::store::Store;
pub use crate::store::outbox::Claimed;

pub fn claim(store: &Store, claim: &LeaseRequest) -> Result<Vec<Claimed>, Failure> {
    let now = store.clock();
    let until = now.after_seconds(i64::from(claim.lease_seconds));
    store.outbox_claim(claim, now, until, settings::outbox_attempts())
}

/// The ids that are done now.
pub fn ack(store: &Store, ids: &[String], consumer: Option<&str>) -> Result<Vec<String>, Failure> {
    store.outbox_ack(ids, lease::check_consumer(consumer)?, store.clock())
}

/// Whether it is tried again, and when; None: it is not the consumer's any more.
pub fn fail(
    store: &Store,
    id: &str,
    error: Option<&str>,
    consumer: Option<&str>,
    retry_seconds: Option<i32>,
) -> Result<Option<(&'static str, Option<Instant>)>, Failure> {
    let Some(attempts) = store.outbox_held(id, lease::check_consumer(consumer)?)? else { return Ok(None) };
    let now = store.clock();
    let (until, status) = match lease::fate(attempts, settings::outbox_attempts(), retry_seconds)? {
        Fate::RetryAfterSeconds(seconds) => (Some(now.after_seconds(seconds)), "pending"),
        Fate::Dead => (None, "dead"),
    };
    let written = store.outbox_fail(id, until, error, now)?;
    let retried = i64::from(until.is_some());
    super::assert_written("Outbox", &[retried, 1 - retried], &written)?;
    Ok(Some((status, until)))
}
