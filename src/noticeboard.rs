//! Shared memory between sessions and the worker: which database calls for it, and what it did there. [unsafe]
//!
//! Plain atomic numbers, no lock: a commit that has something for the worker sets a flag and, if nobody has since the last
//! visit, the launcher's latch. Without preloading there is none of it, and every function here does nothing.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};

use pgrx::prelude::*;
use pgrx::{PGRXSharedMemory, pg_shmem_init, pg_sys};

use crate::shared::Shared;

/// Databases that can have a place. Another's work waits for its regular visit.
const PLACES: usize = 256;
/// Steps whose rows are counted.
pub const STEPS: usize = 16;

/// What is known of one database.
pub struct Place {
    /// Its OID; 0: free.
    database: AtomicU32,
    /// A commit has something for the worker.
    pub wanted: AtomicBool,
    /// The worker that is there now, or 0.
    pub pid: AtomicI32,
    /// What it is at: the schema's OID, and the step counted from 1.
    pub schema: AtomicU32,
    pub step: AtomicU32,
    /// The turn that the next visit begins with: the last one's time was over before it.
    pub first_turn: AtomicU32,
    pub schemas: AtomicU32,
    pub visits: AtomicU64,
    /// The last visit left something undone.
    pub more: AtomicBool,
    /// Visits in a row that failed, and steps that ever did.
    pub failures: AtomicU32,
    pub errors: AtomicU64,
    /// The SQLSTATE of the last error, packed; 0: none.
    pub last_error: AtomicI32,
    pub started_at: AtomicI64,
    pub finished_at: AtomicI64,
    pub next_at: AtomicI64,
    pub done: [AtomicI64; STEPS],
}

struct Board {
    launcher: AtomicI32,
    places: [Place; PLACES],
}

impl Place {
    const fn free() -> Place {
        Place {
            database: AtomicU32::new(0),
            wanted: AtomicBool::new(false),
            pid: AtomicI32::new(0),
            schema: AtomicU32::new(0),
            step: AtomicU32::new(0),
            first_turn: AtomicU32::new(0),
            schemas: AtomicU32::new(0),
            visits: AtomicU64::new(0),
            more: AtomicBool::new(false),
            failures: AtomicU32::new(0),
            errors: AtomicU64::new(0),
            last_error: AtomicI32::new(0),
            started_at: AtomicI64::new(0),
            finished_at: AtomicI64::new(0),
            next_at: AtomicI64::new(0),
            done: [const { AtomicI64::new(0) }; STEPS],
        }
    }

    pub fn database(&self) -> u32 {
        self.database.load(Relaxed)
    }

    /// The database is gone: its place is free for another.
    fn clear(&self) {
        self.wanted.store(false, Relaxed);
        for number in [&self.schema, &self.step, &self.first_turn, &self.schemas, &self.failures] {
            number.store(0, Relaxed);
        }
        for number in [&self.pid, &self.last_error] {
            number.store(0, Relaxed);
        }
        for number in [&self.visits, &self.errors] {
            number.store(0, Relaxed);
        }
        for number in self.done.iter().chain([&self.started_at, &self.finished_at, &self.next_at]) {
            number.store(0, Relaxed);
        }
        self.more.store(false, Relaxed);
        self.database.store(0, Relaxed);
    }
}

// SAFETY: atomics only, without a pointer in them: every process sees the same memory in the same way.
unsafe impl PGRXSharedMemory for Board {}

// SAFETY: the name is ours alone.
static BOARD: Shared<Board> = unsafe { Shared::new(c"holdfast noticeboard") };

thread_local! {
    /// This transaction has something for the worker.
    static CALLS: Cell<bool> = const { Cell::new(false) };
}

/// Asks for the shared memory, in the postmaster.
#[allow(unexpected_cfgs, reason = "pgrx's macro asks for a version that we do not support")]
pub fn register() {
    pg_shmem_init!(BOARD = Board { launcher: AtomicI32::new(0), places: [const { Place::free() }; PLACES] });
    // SAFETY: kept for the life of the process; the sessions forked from it inherit it.
    unsafe { pg_sys::RegisterXactCallback(Some(transaction_ends), std::ptr::null_mut()) };
}

fn board() -> Option<&'static Board> {
    BOARD.get()
}

/// Every place that is taken.
pub fn places() -> impl Iterator<Item = &'static Place> {
    board().into_iter().flat_map(|board| &board.places).filter(|place| place.database() != 0)
}

/// The place of a database, taken if it has none yet; None when all are taken.
pub fn place(database: u32) -> Option<&'static Place> {
    let of_database = || places().find(|place| place.database() == database);
    if let Some(place) = of_database() {
        return Some(place);
    }
    let free = |place: &&Place| place.database.compare_exchange(0, database, Relaxed, Relaxed).is_ok();
    let taken = board()?.places.iter().find(free)?;
    // Somebody may have taken one for the same database at the same moment: the first counts.
    let first = of_database()?;
    if !std::ptr::eq(first, taken) {
        taken.database.store(0, Relaxed);
    }
    Some(first)
}

/// Gives up the places of databases that are gone.
pub fn keep(databases: &[u32]) {
    places().filter(|place| !databases.contains(&place.database())).for_each(Place::clear);
}

/// The launcher says who it is; 0: it is gone.
pub fn launcher_is(pid: i32) {
    if let Some(board) = board() {
        board.launcher.store(pid, Relaxed);
    }
}

/// Calls the worker to this database once this transaction has committed.
pub fn call_at_commit() {
    if board().is_some() {
        CALLS.set(true);
    }
}

/// Calls the worker to this database for something that a rollback does not take back.
pub fn call_now() {
    if board().is_some() {
        call();
    }
}

/// A prepared transaction calls nobody when it commits, for that happens elsewhere: the next visit finds its work.
#[pg_guard]
unsafe extern "C-unwind" fn transaction_ends(event: pg_sys::XactEvent::Type, _argument: *mut c_void) {
    let over = [
        pg_sys::XactEvent::XACT_EVENT_COMMIT,
        pg_sys::XactEvent::XACT_EVENT_ABORT,
        pg_sys::XactEvent::XACT_EVENT_PREPARE,
    ];
    if CALLS.get() && over.contains(&event) {
        CALLS.set(false);
        if event == pg_sys::XactEvent::XACT_EVENT_COMMIT {
            call();
        }
    }
}

/// Only the first call since the last visit costs more than a flag.
fn call() {
    // SAFETY: reads the database of this session.
    let database = unsafe { pg_sys::MyDatabaseId }.to_u32();
    let Some(place) = place(database) else { return };
    if place.wanted.swap(true, Relaxed) {
        return;
    }
    let launcher = board().map_or(0, |board| board.launcher.load(Relaxed));
    if launcher != 0 {
        // SAFETY: a process that has ended is not found; the latch of one that ends now may be set for nothing.
        unsafe {
            let process = pg_sys::BackendPidGetProc(launcher);
            if !process.is_null() {
                pg_sys::SetLatch(&raw mut (*process).procLatch);
            }
        }
    }
}
