//! The launcher: sends a worker to each database in which something is due, a few at once. [unsafe]

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use pgrx::bgworkers::{
    BackgroundWorker, BackgroundWorkerBuilder, BackgroundWorkerStatus, DynamicBackgroundWorker, SignalWakeFlags,
};
use pgrx::prelude::*;

use super::counts;
use super::databases::databases;
use super::session::{now, set};
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::sqlstate_pack;
use crate::rules::upkeep::pace;
use crate::settings;
use crate::worker_slots::{self, DATABASES, DatabaseSlot, WORKER_OFF, tasks};

/// How often it looks which databases there are, and the longest that it sleeps.
const LOOK_SECONDS: i64 = 10;
/// What is noted of a task whose process was ended: admin_shutdown.
const ENDED: &str = "57P01";
/// What happens in a catalogue that many write to is followed at this distance, in intervals.
const CATALOGUE_INTERVALS: i64 = 12;

/// A database, as the launcher knows it.
struct Database {
    worker: Option<DynamicBackgroundWorker>,
    /// Rounds that were finished before the present worker was sent.
    runs: u64,
}

struct Launcher {
    known: HashMap<u32, Database>,
    looked: Instant,
    counted: Instant,
    /// How often settings of databases were written.
    settings: u64,
    /// There are more databases than places, and somebody was told.
    crowded: bool,
}

/// Where the launcher begins. It ends when it is told to, and comes back unless the server ends too.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn holdfast_launcher(_argument: pg_sys::Datum) {
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP | SignalWakeFlags::SIGTERM);
    BackgroundWorker::connect_worker_to_spi(None, None);
    #[cfg(not(feature = "pg14"))]
    set(c"stats_fetch_consistency", c"cache");
    // SAFETY: reads the number of this process.
    worker_slots::launcher_is(unsafe { pg_sys::MyProcPid });
    let never = Instant::NEVER;
    let mut launcher = Launcher { known: HashMap::new(), looked: never, counted: never, settings: 0, crowded: false };
    let mut pause = Duration::from_millis(10);
    while BackgroundWorker::wait_latch(Some(pause)) {
        if BackgroundWorker::sighup_received() {
            // SAFETY: the server's own way to read its configuration again.
            unsafe { pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP) };
            settings_changed();
        }
        pause = launcher.turn(now());
    }
    worker_slots::launcher_is(0);
    // A background worker that ends well is not started again; one that was told to end, and not by the postmaster, is.
    // SAFETY: nothing of ours is left to be dropped.
    unsafe { pg_sys::proc_exit(1) };
}

impl Launcher {
    /// Sends workers where something is due; how long to sleep until the next time.
    fn turn(&mut self, now: Instant) -> Duration {
        if now >= self.looked {
            self.look(now);
        }
        if now >= self.counted {
            self.counted = now.after_seconds(i64::from(settings::worker_interval()));
            self.count(now);
        }
        let mut next = self.looked.min(self.counted);
        let mut due: Vec<(Instant, u32, &DatabaseSlot)> = Vec::new();
        for (database, known) in &mut self.known {
            let Some(place) = worker_slots::place(*database) else { continue };
            finish(known, place, now);
            if !settings::worker() {
                place.paused.store(WORKER_OFF, Relaxed);
            }
            let at = due_at(place);
            place.next_at.store(at.0, Relaxed);
            if known.worker.is_none() && settings::worker() {
                due.push((at, *database, place));
            } else if at <= now && place.waits.load(Relaxed) {
                worker_slots::wake(place.pid.load(Relaxed));
            }
        }
        due.sort_by_key(|(at, database, _)| (*at, *database));
        let busy = self.known.values().filter(|known| known.worker.is_some()).count();
        let mut free = usize::try_from(settings::max_workers()).unwrap_or_default().saturating_sub(busy);
        for (at, database, place) in due {
            if at > now {
                next = next.min(at);
                break;
            }
            // The end of a worker wakes us, when all are busy.
            if free == 0 {
                break;
            }
            free -= 1;
            if !self.send(database, place) {
                // All of max_worker_processes are in use.
                next = next.min(now.after_ms(1000));
                break;
            }
        }
        Duration::from_micros(u64::try_from(next.0.saturating_sub(now.0)).unwrap_or_default().max(10_000))
    }

    /// Which databases are there?
    fn look(&mut self, now: Instant) {
        self.looked = now.after_seconds(LOOK_SECONDS);
        let databases = databases();
        self.known.retain(|database, _| databases.contains(database));
        worker_slots::keep(&databases);
        let crowded = databases.len() > DATABASES;
        if crowded && !self.crowded {
            let number = databases.len();
            warning!("holdfast launcher: {number} databases, and room for {DATABASES}: the others have no worker");
        }
        self.crowded = crowded;
        for database in databases {
            self.known.entry(database).or_insert(Database { worker: None, runs: 0 });
        }
    }

    /// Where was something written since the last time?
    fn count(&mut self, now: Instant) {
        if !counts::counted() {
            return;
        }
        let settings = counts::settings();
        if std::mem::replace(&mut self.settings, settings) != settings {
            settings_changed();
        }
        worker_slots::places().for_each(|place| count(place, now));
        counts::forget();
    }

    fn send(&mut self, database: u32, place: &DatabaseSlot) -> bool {
        let Some(known) = self.known.get_mut(&database) else { return true };
        known.runs = place.runs.load(Relaxed);
        known.worker = start(database);
        known.worker.is_some()
    }
}

/// Somebody may have switched the worker off, or on, in any database: it has to be asked there.
fn settings_changed() {
    for place in worker_slots::places() {
        place.paused.store(0, Relaxed);
        place.wanted.store(true, Relaxed);
        place.leaves.store(true, Relaxed);
        // Agendas go by settings, too.
        worker_slots::slots_of(place.database()).for_each(|slot| slot.knows_agenda.store(false, Relaxed));
    }
}

fn count(place: &DatabaseSlot, now: Instant) {
    let database = place.database();
    for slot in worker_slots::slots_of(database) {
        // What a run itself writes is reported, and noted as its own, before the run ends.
        if slot.running.load(Relaxed) {
            continue;
        }
        let written = counts::written(database, slot.tables.iter().map(|table| table.load(Relaxed)))
            .wrapping_sub(slot.own.load(Relaxed));
        if slot.seen.swap(written, Relaxed) != written && !slot.skipped.load(Relaxed) {
            slot.call(now.0);
        }
    }
    let listed = Instant(place.listed_at.load(Relaxed));
    let distance = CATALOGUE_INTERVALS * i64::from(settings::worker_interval());
    if listed.0 != 0
        && now >= listed.after_seconds(distance)
        && place.catalogue.load(Relaxed) != counts::catalogue(database)
    {
        place.wanted.store(true, Relaxed);
    }
}

/// When somebody is to come to a database.
fn due_at(place: &DatabaseSlot) -> Instant {
    let (listed, failures) = (Instant(place.listed_at.load(Relaxed)), place.failures.load(Relaxed));
    let rests = Instant(place.rests_until.load(Relaxed));
    if failures > 0 {
        return rests;
    }
    if listed.0 == 0 || place.wanted.load(Relaxed) {
        return rests;
    }
    let quiet = pace::quiet(listed, counts::counted() && place.unplaced.load(Relaxed) == 0);
    if place.paused.load(Relaxed) != 0 { quiet } else { Instant(place.due_at()).min(quiet).max(rests) }
}

/// Takes note of a worker that has ended. One that did not come to the end of a round was ended from outside, or could not
/// even begin: what it was at waits.
fn finish(known: &mut Database, place: &DatabaseSlot, now: Instant) {
    let ended = |worker: &DynamicBackgroundWorker| {
        matches!(worker.pid(), Err(BackgroundWorkerStatus::Stopped | BackgroundWorkerStatus::PostmasterDied))
    };
    if !known.worker.as_ref().is_some_and(ended) {
        return;
    }
    known.worker = None;
    place.pid.store(0, Relaxed);
    let task = place.task.swap(0, Relaxed);
    place.waits.store(false, Relaxed);
    let mut broken = false;
    for slot in worker_slots::slots_of(place.database()).filter(|slot| slot.running.swap(false, Relaxed)) {
        broken = true;
        // Counted from 1; 0 is no task.
        tasks::note(slot, (task as usize).wrapping_sub(1), |counts| counts.failed(sqlstate_pack(ENDED), now.0));
        let failures = slot.failures.fetch_add(1, Relaxed) + 1;
        slot.changed.store(true, Relaxed);
        let again = pace::after_failure(now, failures).0;
        slot.due_at.store(again, Relaxed);
        slot.later_at.fetch_max(again, Relaxed);
    }
    if !broken && place.runs.load(Relaxed) == known.runs {
        let failures = place.failures.fetch_add(1, Relaxed) + 1;
        place.rests_until.store(pace::after_failure(now, failures).0, Relaxed);
    }
}

fn start(database: u32) -> Option<DynamicBackgroundWorker> {
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
