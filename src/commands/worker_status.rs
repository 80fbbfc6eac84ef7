//! What the worker is at, and what it did since the server started.

use std::sync::atomic::Ordering::Relaxed;

use pgrx::pg_sys;
use serde_json::{Map, Value};

use super::upkeep::memory;
use crate::rules::booking::window::Instant;
use crate::rules::doctor::worker::Upkeep;
use crate::rules::refusal::failure::sqlstate_unpack;
use crate::rules::upkeep::task::{TASKS, Task};
use crate::rules::upkeep::task_status::next_run;
use crate::settings;
use crate::worker_slots::schema::SchemaSlot;
use crate::worker_slots::{self, DATABASES, DatabaseSlot, READ_ONLY, WORKER_OFF, tasks};

/// One database. Instants are microseconds since 2000, as the server counts them.
pub struct Status {
    pub database: u32,
    pub pid: Option<i32>,
    pub schema: Option<u32>,
    pub task: Option<&'static str>,
    pub schemas: i32,
    /// Of these, those without upkeep: excluded, or filled by a subscription.
    pub skipped: i32,
    /// Why nobody works in the database.
    pub paused: Option<&'static str>,
    pub runs: i64,
    pub more: bool,
    pub failures: i32,
    pub errors: i64,
    pub last_error: Option<String>,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub next_at: Option<i64>,
    /// Rows by task.
    pub done: Value,
}

/// Every database that the worker knows of; none when the library is not preloaded.
pub fn worker_status() -> Vec<Status> {
    worker_slots::places().map(status).collect()
}

/// One task of one attached schema.
pub struct TaskStatus {
    pub database: u32,
    pub schema: u32,
    pub task: &'static str,
    /// Why it is not run.
    pub paused: Option<&'static str>,
    pub last_run: Option<Instant>,
    pub last_error: Option<String>,
    pub last_error_at: Option<Instant>,
    pub next_run: Option<Instant>,
    pub runs: i64,
    pub failures: i64,
}

/// Every task of every attached schema that has a slot; none when the library is not preloaded.
pub fn task_status() -> Vec<TaskStatus> {
    let slots = |place: &'static DatabaseSlot| worker_slots::slots_of(place.database()).map(move |slot| (place, slot));
    worker_slots::places().flat_map(slots).flat_map(|(place, slot)| tasks_of(place, slot)).collect()
}

fn tasks_of(place: &DatabaseSlot, slot: &SchemaSlot) -> Vec<TaskStatus> {
    let skipped = slot.skipped.load(Relaxed);
    let paused = paused(place).or(skipped.then_some("skipped"));
    let known = memory::agenda(slot).map(|agenda| (agenda, memory::seen(slot)));
    // While a run is at work nothing is planned: it is due since its round began.
    let running = slot.running.load(Relaxed);
    let schema_next = Instant(if running { place.started_at.load(Relaxed) } else { slot.next_at() });
    let set = |at: i64| (at != 0).then_some(Instant(at));
    let status = |(task, counts): (&Task, &tasks::TaskCounts)| {
        let next_run = if skipped { None } else { next_run(*task, schema_next, known.as_ref()) };
        let error = counts.last_error.load(Relaxed);
        TaskStatus {
            database: place.database(),
            schema: slot.schema(),
            task: task.name(),
            paused,
            last_run: set(counts.last_run.load(Relaxed)),
            last_error: (error != 0).then(|| sqlstate_unpack(error)),
            last_error_at: set(counts.last_error_at.load(Relaxed)),
            next_run,
            runs: counts.runs.load(Relaxed).cast_signed(),
            failures: counts.failures.load(Relaxed).cast_signed(),
        }
    };
    TASKS.iter().zip(tasks::of(slot)).map(status).collect()
}

/// What is known of a schema of this database; None when the library is not preloaded.
pub fn upkeep(schema: pg_sys::Oid) -> Option<Upkeep> {
    let database = worker_slots::database()?;
    let place = worker_slots::places().find(|place| place.database() == database);
    let slot = worker_slots::slots_of(database).find(|slot| slot.schema() == schema.to_u32());
    Some(Upkeep {
        no_place: place.is_none() && worker_slots::places().count() == DATABASES,
        unplaced: place.map_or(0, |place| place.unplaced.load(Relaxed)),
        // The launcher notes it when it comes by; this session knows it already.
        paused: place.and_then(paused).or_else(|| if settings::worker() { None } else { why(WORKER_OFF) }),
        skipped: slot.is_some_and(|slot| slot.skipped.load(Relaxed)),
        failures: slot.map_or(0, |slot| slot.failures.load(Relaxed)),
    })
}

fn paused(place: &DatabaseSlot) -> Option<&'static str> {
    why(place.paused.load(Relaxed))
}

/// Why nobody works in a database, in words.
fn why(paused: u32) -> Option<&'static str> {
    match paused {
        WORKER_OFF => Some("worker off"),
        READ_ONLY => Some("read only"),
        _ => None,
    }
}

fn status(place: &DatabaseSlot) -> Status {
    let slots = || worker_slots::slots_of(place.database());
    let failures = slots().map(|slot| slot.failures.load(Relaxed)).max().unwrap_or_default();
    let set = |number: i64| (number != 0 && number != i64::MAX).then_some(number);
    let pid = place.pid.load(Relaxed);
    let task = (place.task.load(Relaxed) as usize).checked_sub(1).and_then(|at| TASKS.get(at));
    let error = place.last_error.load(Relaxed);
    let done: Map<String, Value> =
        TASKS.iter().zip(&place.done).map(|(task, done)| (task.name().to_owned(), done.load(Relaxed).into())).collect();
    Status {
        database: place.database(),
        pid: (pid != 0).then_some(pid),
        schema: task.map(|_| place.schema.load(Relaxed)),
        task: task.map(|task| task.name()),
        schemas: place.schemas.load(Relaxed) as i32,
        skipped: slots().filter(|slot| slot.skipped.load(Relaxed)).count() as i32,
        paused: paused(place),
        runs: place.runs.load(Relaxed) as i64,
        more: place.more.load(Relaxed),
        failures: place.failures.load(Relaxed).max(failures) as i32,
        errors: place.errors.load(Relaxed) as i64,
        last_error: (error != 0).then(|| sqlstate_unpack(error)),
        started_at: set(place.started_at.load(Relaxed)),
        finished_at: set(place.finished_at.load(Relaxed)),
        next_at: set(place.next_at.load(Relaxed)),
        done: Value::Object(done),
    }
}
