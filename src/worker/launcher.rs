//! The launcher: sends a worker to each database when it is time. [unsafe]

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use pgrx::bgworkers::{
    BackgroundWorker, BackgroundWorkerBuilder, BackgroundWorkerStatus, DynamicBackgroundWorker, SignalWakeFlags,
};
use pgrx::prelude::*;

use super::databases::databases;
use crate::noticeboard::{self, Place};
use crate::rules::visit::{self, Visit};
use crate::rules::window::Instant;
use crate::settings;

/// How often it looks for databases that nobody called from, and the longest that it sleeps.
const LOOK_SECONDS: i64 = 10;

/// A database, as the launcher knows it.
struct Known {
    worker: Option<DynamicBackgroundWorker>,
    /// Visits that were finished before the present worker was sent.
    visits: u64,
    /// Before this nobody comes again, whoever calls.
    rested: Instant,
    planned: Instant,
}

struct Launcher {
    known: HashMap<u32, Known>,
    looked: Instant,
    dice: u32,
}

/// Where the launcher begins. It ends when it is told to, and comes back unless the server ends too.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn holdfast_launcher(_argument: pg_sys::Datum) {
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP | SignalWakeFlags::SIGTERM);
    BackgroundWorker::connect_worker_to_spi(None, None);
    // SAFETY: reads the number of this process.
    noticeboard::launcher_is(unsafe { pg_sys::MyProcPid });
    let mut launcher = Launcher { known: HashMap::new(), looked: Instant::NEVER, dice: 1 };
    let mut pause = Duration::from_millis(10);
    while BackgroundWorker::wait_latch(Some(pause)) {
        if BackgroundWorker::sighup_received() {
            // SAFETY: the server's own way to read its configuration again.
            unsafe { pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP) };
        }
        pause = launcher.turn(now());
    }
    noticeboard::launcher_is(0);
    // A background worker that ends well is not started again; one that was told to end, and not by the postmaster, is.
    // SAFETY: nothing of ours is left to be dropped.
    unsafe { pg_sys::proc_exit(1) };
}

fn now() -> Instant {
    // SAFETY: reads the clock.
    Instant(unsafe { pg_sys::GetCurrentTimestamp() })
}

impl Launcher {
    /// Looks at every database once; how long to sleep until the next time.
    fn turn(&mut self, now: Instant) -> Duration {
        if now >= self.looked {
            self.look(now);
        }
        let mut next = self.looked;
        let databases: Vec<u32> = self.known.keys().copied().collect();
        for database in databases {
            let Some(place) = noticeboard::place(database) else { continue };
            self.finish(database, place, now);
            if let Some(at) = self.start(database, place, now) {
                next = next.min(at);
            }
        }
        Duration::from_micros(u64::try_from(next.0 - now.0).unwrap_or_default().max(10_000))
    }

    /// Which databases are there? A new one is visited at once.
    fn look(&mut self, now: Instant) {
        self.looked = visit::after_ms(now, LOOK_SECONDS * 1000);
        let databases = databases();
        self.known.retain(|database, _| databases.contains(database));
        noticeboard::keep(&databases);
        for database in databases {
            self.known.entry(database).or_insert(Known {
                worker: None,
                visits: 0,
                rested: Instant::NEVER,
                planned: now,
            });
        }
    }

    /// Takes note of a worker that has ended, and plans the next visit.
    fn finish(&mut self, database: u32, place: &Place, now: Instant) {
        self.dice = self.dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let jitter = (self.dice >> 16) % 1000;
        let Some(known) = self.known.get_mut(&database) else { return };
        let ended = |worker: &DynamicBackgroundWorker| {
            matches!(worker.pid(), Err(BackgroundWorkerStatus::Stopped | BackgroundWorkerStatus::PostmasterDied))
        };
        if !known.worker.as_ref().is_some_and(ended) {
            return;
        }
        known.worker = None;
        place.pid.store(0, Relaxed);
        place.step.store(0, Relaxed);
        let visit = if place.visits.load(Relaxed) == known.visits {
            // It was ended from outside, or could not even begin.
            place.failures.fetch_add(1, Relaxed);
            Visit::Failed
        } else if place.failures.load(Relaxed) > 0 {
            Visit::Failed
        } else if place.schemas.load(Relaxed) == 0 {
            Visit::Idle
        } else if place.more.load(Relaxed) {
            Visit::More
        } else {
            Visit::Done
        };
        let failures = place.failures.load(Relaxed);
        let (began, ended) = (place.started_at.load(Relaxed), place.finished_at.load(Relaxed));
        let rest_ms = visit::rest_ms(Instant(began).ms_until(Instant(ended)));
        known.rested = visit::after_ms(now, rest_ms);
        known.planned = visit::next(now, visit, rest_ms, failures, settings::worker_interval_seconds(), jitter);
        place.next_at.store(known.planned.0, Relaxed);
    }

    /// Sends a worker, if it is time; when to look again otherwise.
    fn start(&mut self, database: u32, place: &Place, now: Instant) -> Option<Instant> {
        let known = self.known.get_mut(&database)?;
        if known.worker.is_some() || !settings::worker() {
            // Its end wakes us, or a reload does.
            return None;
        }
        let (wanted, failures) = (place.wanted.load(Relaxed), place.failures.load(Relaxed));
        if !visit::due(now, wanted, known.rested, known.planned, failures) {
            return Some(if wanted && failures == 0 { known.rested.min(known.planned) } else { known.planned });
        }
        known.visits = place.visits.load(Relaxed);
        place.wanted.store(false, Relaxed);
        known.worker = send(database);
        if known.worker.is_none() {
            // All of max_worker_processes are in use.
            known.planned = visit::after_ms(now, 1000);
            return Some(known.planned);
        }
        None
    }
}

fn send(database: u32) -> Option<DynamicBackgroundWorker> {
    // SAFETY: reads the number of this process.
    let launcher = unsafe { pg_sys::MyProcPid };
    BackgroundWorkerBuilder::new("holdfast worker")
        .set_type("holdfast worker")
        .set_library("holdfast")
        .set_function("holdfast_worker")
        .set_argument(pg_sys::Oid::from_u32(database).into_datum())
        .set_notify_pid(launcher)
        .enable_spi_access()
        .load_dynamic()
        .ok()
}
