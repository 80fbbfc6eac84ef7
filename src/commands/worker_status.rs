//! What the worker is at, and what it did since the server started.

use std::sync::atomic::Ordering::Relaxed;

use serde_json::{Map, Value};

use super::sweep::STEPS;
use crate::noticeboard::{self, Place};
use crate::rules::failure::sqlstate_unpack;

/// One database. Instants are microseconds since 2000, as the server counts them.
pub struct Status {
    pub database: u32,
    pub pid: Option<i32>,
    pub schema: Option<u32>,
    pub step: Option<&'static str>,
    pub schemas: i32,
    pub visits: i64,
    pub more: bool,
    pub failures: i32,
    pub errors: i64,
    pub last_error: Option<String>,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub next_at: Option<i64>,
    /// Rows by step.
    pub done: Value,
}

/// Every database that the worker knows of; none when the library is not preloaded.
pub fn worker_status() -> Vec<Status> {
    noticeboard::places().map(status).collect()
}

fn status(place: &Place) -> Status {
    let set = |number: i64| (number != 0).then_some(number);
    let pid = place.pid.load(Relaxed);
    let step = (place.step.load(Relaxed) as usize).checked_sub(1).and_then(|at| STEPS.get(at));
    let error = place.last_error.load(Relaxed);
    let done: Map<String, Value> =
        STEPS.iter().zip(&place.done).map(|(step, done)| (step.name().to_owned(), done.load(Relaxed).into())).collect();
    Status {
        database: place.database(),
        pid: (pid != 0).then_some(pid),
        schema: step.map(|_| place.schema.load(Relaxed)),
        step: step.map(|step| step.name()),
        schemas: place.schemas.load(Relaxed) as i32,
        visits: place.visits.load(Relaxed) as i64,
        more: place.more.load(Relaxed),
        failures: place.failures.load(Relaxed) as i32,
        errors: place.errors.load(Relaxed) as i64,
        last_error: (error != 0).then(|| sqlstate_unpack(error)),
        started_at: set(place.started_at.load(Relaxed)),
        finished_at: set(place.finished_at.load(Relaxed)),
        next_at: set(place.next_at.load(Relaxed)),
        done: Value::Object(done),
    }
}
