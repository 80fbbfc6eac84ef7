//! A worker process: comes to one database, runs what is due in its schemas, stays while there is work, and goes. [unsafe]

use std::collections::HashSet;
use std::ffi::CStr;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use pgrx::bgworkers::{BackgroundWorker, SignalWakeFlags};
use pgrx::prelude::*;

use super::run::Schema;
use super::{counts, transaction};
use crate::commands::upkeep::{attached_schemas, watched_tables};
use crate::rules::adopt::path;
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::ServerError;
use crate::rules::upkeep::pace::{self, BUDGET_MS};
use crate::settings;
use crate::worker_slots::{self, DatabaseSlot, READ_ONLY, WORKER_OFF};

/// What the worker's transactions run with, whatever database and role say.
const SESSION: &[(&CStr, &CStr)] = &[
    // In a deadlock with somebody, it is the worker that is to give way, and to come again.
    (c"deadlock_timeout", c"100ms"),
    (c"search_path", path::PINNED),
    (c"default_transaction_isolation", c"read committed"),
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
    worker_slots::works();
    let Some(place) = worker_slots::place(database.to_u32()) else { return };
    if !is_here(place.pid.load(Relaxed), database) {
        Session { place, schemas: Vec::new(), born: now(), more: false }.run();
    }
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

pub fn set(name: &CStr, value: &CStr) {
    let (context, source) = (pg_sys::GucContext::PGC_SUSET, pg_sys::GucSource::PGC_S_OVERRIDE);
    // SAFETY: both strings live through the call, and the server knows every one of these settings.
    unsafe { pg_sys::SetConfigOption(name.as_ptr(), value.as_ptr(), context, source) };
}

pub fn now() -> Instant {
    // SAFETY: reads the clock.
    Instant(unsafe { pg_sys::GetCurrentTimestamp() })
}

/// Is the worker that the place names, sent by a launcher that has ended since, at work in the database?
fn is_here(pid: i32, database: pg_sys::Oid) -> bool {
    // SAFETY: a process that has ended is not found; its database is a number.
    unsafe {
        let process = pg_sys::BackendPidGetProc(pid);
        pid != 0 && pid != pg_sys::MyProcPid && !process.is_null() && (*process).databaseId == database
    }
}

/// Does somebody wait to drop or to copy this database? They have its lock before they look whether it is empty.
fn is_unwelcome() -> bool {
    let tag = pg_sys::LOCKTAG {
        locktag_field1: 0,
        locktag_field2: pg_sys::DatabaseRelationId.to_u32(),
        // SAFETY: set once, when the process connected.
        locktag_field3: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field4: 0,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    };
    let free = transaction::run(None, || {
        // SAFETY: a whole tag; the lock belongs to the transaction, and is not waited for.
        let got = unsafe { pg_sys::LockAcquire(&raw const tag, pg_sys::RowExclusiveLock as i32, false, true) };
        Ok(got != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL)
    });
    !free.unwrap_or(true)
}

struct Session {
    place: &'static DatabaseSlot,
    schemas: Vec<Schema>,
    born: Instant,
    more: bool,
}

impl Session {
    fn run(mut self) {
        // SAFETY: reads the number of this process.
        self.place.pid.store(unsafe { pg_sys::MyProcPid }, Relaxed);
        self.place.wanted.store(true, Relaxed);
        self.place.leaves.store(false, Relaxed);
        loop {
            let began = now();
            self.place.started_at.store(began.0, Relaxed);
            if self.is_paused() {
                self.place.wanted.store(false, Relaxed);
                self.place.listed_at.store(began.0, Relaxed);
                self.place.runs.fetch_add(1, Relaxed);
                return;
            }
            if self.place.wanted.swap(false, Relaxed) && !self.list(began) {
                return;
            }
            self.round(began.after_ms(BUDGET_MS));
            let ended = now();
            self.place.more.store(self.more, Relaxed);
            let late_ms = ended.0.saturating_sub(self.late_from().0) / 1000;
            let rest = pace::throttle_ms(began.ms_until(ended), late_ms);
            self.place.rests_until.store(ended.after_ms(rest).0, Relaxed);
            self.place.finished_at.store(ended.0, Relaxed);
            self.place.runs.fetch_add(1, Relaxed);
            if !self.waits(ended.after_ms(rest)) {
                return;
            }
        }
    }

    /// Is nobody to work in this database?
    fn is_paused(&self) -> bool {
        let why = if !settings::worker() {
            WORKER_OFF
        } else if is_read_only() {
            READ_ONLY
        } else {
            0
        };
        self.place.paused.store(why, Relaxed);
        why != 0
    }

    /// Which schemas are attached now. False: not even that could be read.
    fn list(&mut self, now: Instant) -> bool {
        let database = self.place.database();
        self.place.catalogue.store(counts::catalogue(database), Relaxed);
        counts::forget();
        let read = transaction::run(None, || Ok((attached_schemas()?, watched_tables()?)));
        let (attached, tables) = match read {
            Ok(read) => read,
            Err(error) => {
                report(self.place, &error, "reading which schemas are attached");
                return false;
            }
        };
        self.place.failures.store(0, Relaxed);
        self.place.listed_at.store(now.0, Relaxed);
        self.place.schemas.store(attached.len() as u32, Relaxed);
        let there: HashSet<u32> = attached.iter().map(|schema| schema.oid.to_u32()).collect();
        worker_slots::slots_of(database).filter(|slot| !there.contains(&slot.schema())).for_each(worker_slots::give_up);
        let excluded = settings::excluded_schemas();
        let before = std::mem::take(&mut self.schemas);
        self.schemas = attached
            .into_iter()
            .map(|found| {
                let skipped = excluded.contains(&found.name);
                Schema::place(database, found, &before, &tables, skipped)
            })
            .collect();
        let unplaced = self.schemas.iter().filter(|schema| !schema.is_placed()).count();
        if self.place.unplaced.swap(unplaced as u32, Relaxed) == 0 && unplaced > 0 {
            warning!("holdfast worker: {unplaced} attached schemas have no slot, and are looked at once a minute");
        }
        true
    }

    /// What somebody waits for, in every schema in which it is due, the one that is late first; whenever there is no such
    /// schema, the rest of one run. In each schema once.
    fn round(&mut self, until: Instant) {
        self.more = false;
        let round = now();
        let (mut begun, mut finished) = (HashSet::new(), HashSet::new());
        while let Some((schema, begins)) = self.pick(round, &begun, &finished) {
            if is_over(until) {
                self.more = true;
                break;
            }
            self.place.schema.store(schema.oid(), Relaxed);
            if begins {
                begun.insert(schema.oid());
                schema.begin(self.place, until);
            } else {
                finished.insert(schema.oid());
                self.more |= schema.finish(self.place, until);
            }
            if let Err(error) = transaction::clean() {
                report(self.place, &error, "cleaning the session");
            }
        }
        self.place.task.store(0, Relaxed);
    }

    /// Who has its turn in a round that began at `round`; true: with what somebody waits for.
    fn pick(&self, round: Instant, begun: &HashSet<u32>, finished: &HashSet<u32>) -> Option<(&Schema, bool)> {
        let now = now();
        let due = self.schemas.iter().filter(|schema| !begun.contains(&schema.oid()) && schema.due_at() <= now);
        let waiting =
            || self.schemas.iter().filter(|schema| !finished.contains(&schema.oid()) && schema.later_at() <= now);
        // What takes all of a round's time each time must not keep the rest of its schema from ever having its turn.
        let owed = waiting().find(|schema| schema.is_owed() && schema.later_at() <= round);
        let rest = || waiting().min_by_key(|schema| schema.later_at()).map(|schema| (schema, false));
        let urgent = || due.min_by_key(|schema| schema.late_from()).map(|schema| (schema, true));
        owed.map(|schema| (schema, false)).or_else(urgent).or_else(rest)
    }

    /// When the first of what somebody waits for is late.
    fn late_from(&self) -> Instant {
        self.schemas.iter().map(Schema::late_from).min().unwrap_or(Instant::FOREVER)
    }

    fn next(&self) -> Instant {
        self.schemas.iter().map(Schema::next_at).min().unwrap_or(Instant::FOREVER)
    }

    /// Until something is due, but for the rest that is due to others. False: it is not worth waiting for.
    fn waits(&self, rested: Instant) -> bool {
        activity(pg_sys::BackendState::STATE_IDLE, "");
        loop {
            let (now, next) = (now(), self.next().max(rested));
            let told = self.place.leaves.load(Relaxed);
            if told || !may_work() || !pace::stays(now, next, self.born) || is_unwelcome() {
                return false;
            }
            if now >= next || now >= rested && self.place.wanted.load(Relaxed) {
                return true;
            }
            let pause = u64::try_from(now.ms_until(next)).unwrap_or_default().clamp(1, 1000);
            self.place.waits.store(now >= rested, Relaxed);
            BackgroundWorker::wait_latch(Some(Duration::from_millis(pause)));
            self.place.waits.store(false, Relaxed);
            pgrx::check_for_interrupts!();
        }
    }
}

/// The name of this database, for the server's log.
pub fn database() -> String {
    let name = transaction::run(None, || {
        // SAFETY: in a transaction; returns null or a palloc'd, NUL-terminated name.
        Ok(unsafe {
            let name = pg_sys::get_database_name(pg_sys::MyDatabaseId);
            if name.is_null() { String::new() } else { CStr::from_ptr(name).to_string_lossy().into_owned() }
        })
    });
    name.unwrap_or_default()
}

/// Counts an error, and says it in the server's log.
pub fn report(place: &DatabaseSlot, error: &ServerError, what: &str) {
    place.errors.fetch_add(1, Relaxed);
    place.last_error.store(error.sqlstate, Relaxed);
    let detail = error.detail.as_deref().unwrap_or_default();
    log!("holdfast worker: database {}, {what}: {} {detail}", database(), error.message);
}

/// What pg_stat_activity shows.
pub fn activity(state: pg_sys::BackendState::Type, what: &str) {
    if let Ok(what) = std::ffi::CString::new(what) {
        // SAFETY: the text is copied.
        unsafe { pg_sys::pgstat_report_activity(state, what.as_ptr()) };
    }
}

/// Its time is up, or the owner has paused the worker by a reload: the rest is for the next round.
pub fn is_over(until: Instant) -> bool {
    now() >= until || !may_work()
}

fn may_work() -> bool {
    if BackgroundWorker::sighup_received() {
        // SAFETY: the server's own way to read its configuration again.
        unsafe { pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP) };
    }
    settings::worker() && !is_read_only()
}

/// What the owner of the server or the database said of every transaction that does not say otherwise.
fn is_read_only() -> bool {
    // SAFETY: reads a setting of the server's.
    unsafe { pg_sys::DefaultXactReadOnly }
}
