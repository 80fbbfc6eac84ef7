//! One visit of a worker: every step for every attached schema, in bounded batches, until all is done or time is up. [unsafe]

use std::ffi::CStr;
use std::sync::atomic::Ordering::Relaxed;

use pgrx::bgworkers::{BackgroundWorker, SignalWakeFlags};
use pgrx::prelude::*;

use super::transaction;
use crate::commands::look::read_ahead;
use crate::commands::sweep::{AttachedSchema, STEPS, Step, attached_schemas, step_once};
use crate::commands::{Work, in_schema};
use crate::noticeboard::{self, Place};
use crate::rules::failure::{ServerError, sqlstate_pack};
use crate::rules::retention::BATCH;
use crate::rules::visit::{self, BUDGET_MS, after_ms};
use crate::rules::window::Instant;
use crate::settings;

/// What the worker's transactions run with, whatever database and role say.
const SESSION: &[(&CStr, &CStr)] = &[
    (c"search_path", c"pg_catalog, pg_temp"),
    (c"default_transaction_isolation", c"read committed"),
    (c"default_transaction_read_only", c"off"),
    (c"session_replication_role", c"origin"),
    (c"lock_timeout", c"1s"),
];

/// Where a worker begins; its argument is the database.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn holdfast_worker(argument: pg_sys::Datum) {
    let database = pg_sys::Oid::from_u32(argument.value() as u32);
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP);
    end_on_sigterm();
    BackgroundWorker::connect_worker_to_spi_by_oid(Some(database), None);
    SESSION.iter().for_each(|(name, value)| set(name, value));
    let Some(place) = noticeboard::place(database.to_u32()) else { return };
    Round { place, until: after_ms(now(), BUDGET_MS), failed: false, more: false }.run();
}

/// SIGTERM ends a worker as it ends a session: at the next safe moment, also in the middle of a statement.
fn end_on_sigterm() {
    unsafe extern "C-unwind" {
        fn die(signal: i32);
    }
    // SAFETY: the server's own handler, installed as its sessions do.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        pg_sys::pqsignal(pg_sys::SIGTERM as i32, Some(die));
        #[cfg(feature = "pg18")]
        pg_sys::pqsignal_be(pg_sys::SIGTERM as i32, Some(die));
    }
}

fn set(name: &CStr, value: &CStr) {
    let (context, source) = (pg_sys::GucContext::PGC_SUSET, pg_sys::GucSource::PGC_S_OVERRIDE);
    // SAFETY: both strings live through the call, and the server knows every one of these settings.
    unsafe { pg_sys::SetConfigOption(name.as_ptr(), value.as_ptr(), context, source) };
}

fn now() -> Instant {
    // SAFETY: reads the clock.
    Instant(unsafe { pg_sys::GetCurrentTimestamp() })
}

struct Round {
    place: &'static Place,
    until: Instant,
    failed: bool,
    more: bool,
}

impl Round {
    fn run(mut self) {
        // SAFETY: reads the number of this process.
        self.place.pid.store(unsafe { pg_sys::MyProcPid }, Relaxed);
        self.place.started_at.store(now().0, Relaxed);
        let schemas = transaction::run(None, attached_schemas).unwrap_or_else(|error| {
            self.report(&error, "looking for attached schemas");
            Vec::new()
        });
        self.place.schemas.store(schemas.len() as u32, Relaxed);
        if self.place.visits.load(Relaxed) == 0 {
            self.read_ahead(&schemas);
        }
        self.visit(&schemas);
        self.place.finished_at.store(now().0, Relaxed);
        self.place.more.store(self.more, Relaxed);
        let failures = if self.failed { self.place.failures.load(Relaxed) + 1 } else { 0 };
        self.place.failures.store(failures, Relaxed);
        self.place.visits.fetch_add(1, Relaxed);
    }

    /// The first visit since the server started.
    fn read_ahead(&mut self, schemas: &[AttachedSchema]) {
        for schema in schemas {
            if let Err(error) =
                transaction::run(Some(schema.owner), || in_schema(schema.oid, Work::Writing, read_ahead))
            {
                self.report(&error, &format!("reading ahead in schema {}", schema.name));
            }
        }
    }

    /// A turn is one step for one schema.
    fn visit(&mut self, schemas: &[AttachedSchema]) {
        let first = self.place.first_turn.swap(0, Relaxed) as usize;
        for turn in visit::turns(schemas.len() * STEPS.len(), first) {
            if self.is_over() {
                self.place.first_turn.store(turn as u32, Relaxed);
                break;
            }
            let (schema, number) = (&schemas[turn / STEPS.len()], turn % STEPS.len());
            if self.place.schema.swap(schema.oid.to_u32(), Relaxed) != schema.oid.to_u32() {
                self.clean();
            }
            self.place.step.store(number as u32 + 1, Relaxed);
            self.step(schema, number, STEPS[number]);
        }
        self.place.step.store(0, Relaxed);
        self.clean();
    }

    fn clean(&mut self) {
        if let Err(error) = transaction::clean() {
            self.report(&error, "cleaning the session");
        }
    }

    /// Batch after batch, each in a transaction of its own. One that fails leaves the rest of the step for later.
    fn step(&mut self, schema: &AttachedSchema, number: usize, step: Step) {
        loop {
            if self.is_over() {
                return;
            }
            let work = || in_schema(schema.oid, Work::Writing, |store| step_once(store, step, BATCH));
            match transaction::run(Some(schema.owner), work) {
                Ok(swept) => {
                    self.place.done[number].fetch_add(swept.done, Relaxed);
                    if let Some(error) = &swept.error {
                        self.set_aside(error, step, schema);
                    }
                    if step.is_patient() {
                        self.more |= swept.more;
                        return;
                    }
                    if !swept.more {
                        return;
                    }
                }
                Err(error) => {
                    self.report(&error, &format!("{} in schema {}", step.name(), schema.name));
                    return;
                }
            }
        }
    }

    /// Its time is up, or the owner has paused the worker by a reload: the rest is for the next visit.
    fn is_over(&mut self) -> bool {
        if BackgroundWorker::sighup_received() {
            // SAFETY: the server's own way to read its configuration again.
            unsafe { pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP) };
        }
        let over = !settings::worker() || now() >= self.until;
        self.more |= over;
        over
    }

    /// One booking or hold failed, and the rest went on.
    fn set_aside(&self, error: &str, step: Step, schema: &AttachedSchema) {
        self.place.errors.fetch_add(1, Relaxed);
        self.place.last_error.store(sqlstate_pack(error.get(..5).unwrap_or_default()), Relaxed);
        log!("holdfast worker: {} in schema {} set aside: {error}", step.name(), schema.name);
    }

    fn report(&mut self, error: &ServerError, what: &str) {
        self.failed = true;
        self.place.errors.fetch_add(1, Relaxed);
        self.place.last_error.store(error.sqlstate, Relaxed);
        let detail = error.detail.as_deref().unwrap_or_default();
        log!("holdfast worker: {what}: {} {detail}", error.message);
    }
}
