//! The outbox: for how long an event is given away, and what becomes of one that failed.

use crate::rules::refusal::{self, Refusal};

/// How often an event is given away before it is dead (`holdfast.outbox_attempts`).
pub const ATTEMPTS: i32 = 10;

const LIMIT: i32 = 100;
const MAX_LIMIT: i32 = 10_000;
const LEASE_SECONDS: i32 = 60;
const MAX_SECONDS: i32 = 24 * 3600;
/// The longest that an event waits unless its consumer says otherwise.
const BACK_OFF_SECONDS: i64 = 3600;

/// What a consumer asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRequest {
    pub consumer: String,
    pub limit: i32,
    pub lease_seconds: i32,
}

impl LeaseRequest {
    pub fn check(
        consumer: Option<&str>,
        limit: Option<i32>,
        lease_seconds: Option<i32>,
    ) -> Result<LeaseRequest, Refusal> {
        Ok(LeaseRequest {
            consumer: check_consumer(consumer)?.to_owned(),
            limit: within("p_limit", limit.unwrap_or(LIMIT), 1, MAX_LIMIT)?,
            lease_seconds: within("p_lease_seconds", lease_seconds.unwrap_or(LEASE_SECONDS), 1, MAX_SECONDS)?,
        })
    }
}

/// Without a name nobody could tell whose an event is.
pub fn check_consumer(consumer: Option<&str>) -> Result<&str, Refusal> {
    let named = consumer.filter(|name| !name.trim().is_empty());
    named.ok_or_else(|| refusal::argument_invalid("A consumer needs a name"))
}

fn within(name: &str, given: i32, least: i32, most: i32) -> Result<i32, Refusal> {
    if (least..=most).contains(&given) {
        return Ok(given);
    }
    Err(refusal::argument_invalid(format!("{name} must be {least} to {most}, not {given}")))
}

/// What becomes of an event that could not be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    RetryAfterSeconds(i64),
    Dead,
}

/// `attempts` counts the one that failed; `asked` is the pause that the consumer wants.
pub fn fate(attempts: i32, most: i32, request: Option<i32>) -> Result<Fate, Refusal> {
    let request = request.map(|seconds| within("p_retry_seconds", seconds, 0, MAX_SECONDS)).transpose()?;
    if attempts >= most {
        return Ok(Fate::Dead);
    }
    let doubled = 1_i64 << attempts.saturating_sub(1).clamp(0, 20);
    Ok(Fate::RetryAfterSeconds(request.map_or_else(|| doubled.min(BACK_OFF_SECONDS), i64::from)))
}
