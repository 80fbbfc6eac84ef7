//! Shared memory between sessions and the worker: in which schema something is due, and what was done there. [unsafe]
//!
//! Plain atomic numbers, no lock: a commit of a call that wrote makes the schema's slot due and, if it was not, sets the
//! launcher's latch. Without preloading there is none of it, and every function here does nothing.

pub mod schema;
pub mod tasks;

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};

use pgrx::prelude::*;
use pgrx::{PGRXSharedMemory, pg_shmem_init, pg_sys};

use crate::shared_memory::Shared;
use crate::shared_memory::keyed::{KeyedEntry, find_or_take};
use crate::unguarded;
use schema::{SLOTS, SchemaSlot};
use tasks::TaskCounts;

/// Databases that can have a place.
pub const DATABASES: usize = 512;
/// Tasks whose rows are counted.
pub const TASKS: usize = 20;

/// Why a database is not worked in.
pub const WORKER_OFF: u32 = 1;
pub const READ_ONLY: u32 = 2;

/// What is known of one database.
pub struct DatabaseSlot {
    /// Its OID; 0: free.
    database: AtomicU64,
    /// Which schemas are attached has to be read again.
    pub wanted: AtomicBool,
    /// The worker that is there now, or 0; does it wait for what is due next?
    pub pid: AtomicI32,
    pub waits: AtomicBool,
    /// It is to go: its settings are no longer those of the database.
    pub leaves: AtomicBool,
    /// What it is at: the schema's OID, and the task counted from 1.
    pub schema: AtomicU32,
    pub task: AtomicU32,
    pub schemas: AtomicU32,
    /// Attached schemas that found no free slot.
    pub unplaced: AtomicU32,
    /// Why nobody works here; 0: somebody may.
    pub paused: AtomicU32,
    /// Rounds of runs that came to their end.
    pub runs: AtomicU64,
    /// The last round left something undone.
    pub more: AtomicBool,
    /// Tries in a row in which not even the schemas could be read.
    pub failures: AtomicU32,
    pub errors: AtomicU64,
    /// The SQLSTATE of the last error, packed; 0: none.
    pub last_error: AtomicI32,
    pub started_at: AtomicI64,
    pub finished_at: AtomicI64,
    pub next_at: AtomicI64,
    /// Before this nothing is run, whoever calls.
    pub rests_until: AtomicI64,
    /// When the schemas were read, and the count of changes of the catalogue then.
    pub listed_at: AtomicI64,
    pub catalogue: AtomicU64,
    pub done: [AtomicI64; TASKS],
}

struct WorkerSlots {
    launcher: AtomicI32,
    places: [DatabaseSlot; DATABASES],
    slots: [SchemaSlot; SLOTS],
}

impl KeyedEntry for DatabaseSlot {
    fn key(&self) -> &AtomicU64 {
        &self.database
    }
}

impl DatabaseSlot {
    const fn free() -> DatabaseSlot {
        DatabaseSlot {
            database: AtomicU64::new(0),
            wanted: AtomicBool::new(false),
            pid: AtomicI32::new(0),
            waits: AtomicBool::new(false),
            leaves: AtomicBool::new(false),
            schema: AtomicU32::new(0),
            task: AtomicU32::new(0),
            schemas: AtomicU32::new(0),
            unplaced: AtomicU32::new(0),
            paused: AtomicU32::new(0),
            runs: AtomicU64::new(0),
            more: AtomicBool::new(false),
            failures: AtomicU32::new(0),
            errors: AtomicU64::new(0),
            last_error: AtomicI32::new(0),
            started_at: AtomicI64::new(0),
            finished_at: AtomicI64::new(0),
            next_at: AtomicI64::new(0),
            rests_until: AtomicI64::new(0),
            listed_at: AtomicI64::new(0),
            catalogue: AtomicU64::new(0),
            done: [const { AtomicI64::new(0) }; TASKS],
        }
    }

    pub fn database(&self) -> u32 {
        self.taken_by() as u32
    }

    /// The database is gone: its place is free for another, and so are its schemas' slots.
    fn clear(&self) {
        slots_of(self.database()).for_each(give_up);
        for number in [&self.schema, &self.task, &self.schemas, &self.unplaced, &self.paused, &self.failures] {
            number.store(0, Relaxed);
        }
        for number in [&self.pid, &self.last_error] {
            number.store(0, Relaxed);
        }
        for number in [&self.runs, &self.errors, &self.catalogue] {
            number.store(0, Relaxed);
        }
        let instants = [&self.started_at, &self.finished_at, &self.next_at, &self.rests_until, &self.listed_at];
        for number in self.done.iter().chain(instants) {
            number.store(0, Relaxed);
        }
        for flag in [&self.wanted, &self.waits, &self.leaves, &self.more] {
            flag.store(false, Relaxed);
        }
        self.give_up();
    }

    /// When something is due next in one of its schemas.
    pub fn due_at(&self) -> i64 {
        let slots = slots_of(self.database());
        slots.map(SchemaSlot::next_at).min().unwrap_or(i64::MAX)
    }
}

// SAFETY: atomics only, without a pointer in them: every process sees the same memory in the same way.
unsafe impl PGRXSharedMemory for WorkerSlots {}

// SAFETY: the name is ours alone.
static BOARD: Shared<WorkerSlots> = unsafe { Shared::new(c"holdfast worker slots") };

thread_local! {
    /// The schemas that calls of this transaction worked in.
    static CALLED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    /// This process is a worker: it knows what it does.
    static WORKS: Cell<bool> = const { Cell::new(false) };
}

/// So many schemas of one transaction are remembered; what was written in others is found by its count.
const CALLED_MOST: usize = 64;

/// Asks for the shared memory, in the postmaster.
#[allow(unexpected_cfgs, reason = "pgrx's macro asks for a version that we do not support")]
pub fn register() {
    tasks::register();
    pg_shmem_init!(
        BOARD = WorkerSlots {
            launcher: AtomicI32::new(0),
            places: [const { DatabaseSlot::free() }; DATABASES],
            slots: [const { SchemaSlot::free() }; SLOTS],
        }
    );
}

fn board() -> Option<&'static WorkerSlots> {
    BOARD.get()
}

/// The database of this session; None when the library is not preloaded.
pub fn database() -> Option<u32> {
    // SAFETY: set once, when the backend started.
    board().map(|_| unsafe { pg_sys::MyDatabaseId }.to_u32())
}

/// Every place that is taken.
pub fn places() -> impl Iterator<Item = &'static DatabaseSlot> {
    board().into_iter().flat_map(|board| &board.places).filter(|place| place.database() != 0)
}

/// The slots of a database's schemas.
pub fn slots_of(database: u32) -> impl Iterator<Item = &'static SchemaSlot> {
    let slots = board().into_iter().flat_map(|board| &board.slots);
    slots.filter(move |slot| database != 0 && slot.database() == database)
}

/// The schema is gone: its slot is free for another.
pub fn give_up(slot: &SchemaSlot) {
    tasks::of(slot).iter().for_each(TaskCounts::clear);
    slot.clear();
}

/// The slot of a schema, taken if it has none yet; None when all are taken.
pub fn take_slot(database: u32, schema: u32) -> Option<&'static SchemaSlot> {
    schema::take(&board()?.slots, database, schema)
}

/// The place of a database, taken if it has none yet; None when all are taken.
pub fn place(database: u32) -> Option<&'static DatabaseSlot> {
    find_or_take(&board()?.places, u64::from(database))
}

/// Gives up the places of databases that are gone.
pub fn keep(databases: &[u32]) {
    places().filter(|place| !databases.contains(&place.database())).for_each(DatabaseSlot::clear);
}

/// The launcher says who it is; 0: it is gone.
pub fn launcher_is(pid: i32) {
    if let Some(board) = board() {
        board.launcher.store(pid, Relaxed);
    }
}

/// This process is a worker.
pub fn works() {
    WORKS.set(true);
}

/// A call works in this schema: once its transaction has committed, there may be something to do.
pub fn note_call(schema: u32) {
    if board().is_none() || WORKS.get() {
        return;
    }
    CALLED.with_borrow_mut(|called| {
        if !called.contains(&schema) && called.len() < CALLED_MOST {
            called.push(schema);
        }
    });
}

/// Calls the worker to this schema for something that a rollback does not take back.
pub fn call_now(schema: u32) {
    if board().is_some() {
        call(&[schema]);
    }
}

/// A prepared transaction calls nobody when it commits, for that happens elsewhere: its rows are counted as anybody's. Nothing
/// in here may panic: an error at this moment would bring the server down.
pub fn transaction_ends(event: pg_sys::XactEvent::Type) {
    let calls = match event {
        pg_sys::XactEvent::XACT_EVENT_COMMIT => true,
        // An attempt whose session is ended is to be written down.
        // SAFETY: reads a flag of the process's own.
        pg_sys::XactEvent::XACT_EVENT_ABORT => unsafe { pg_sys::proc_exit_inprogress },
        pg_sys::XactEvent::XACT_EVENT_PREPARE => false,
        // The last moment at which the transaction still has its number: one that wrote nothing has none.
        // SAFETY: reads the transaction's state.
        pg_sys::XactEvent::XACT_EVENT_PRE_COMMIT if unsafe { pg_sys::GetTopTransactionIdIfAny() }.into_inner() == 0 => {
            false
        }
        _ => return,
    };
    let _ = CALLED.try_with(|called| {
        if let Ok(mut called) = called.try_borrow_mut() {
            if calls && !called.is_empty() {
                call(&called);
            }
            called.clear();
        }
    });
}

/// Costs a few numbers when the schema was due already.
fn call(schemas: &[u32]) {
    // SAFETY: reads the database of this session, and the clock.
    let (database, now) = unsafe { (pg_sys::MyDatabaseId.to_u32(), unguarded::GetCurrentTimestamp()) };
    let Some(board) = board() else { return };
    let mut news = false;
    for schema in schemas {
        match schema::find(&board.slots, database, *schema) {
            Some(slot) if slot.skipped.load(Relaxed) => {}
            Some(slot) => news |= slot.call(now),
            None => news |= place(database).is_some_and(|place| !place.wanted.swap(true, Relaxed)),
        }
    }
    if news {
        wake(board.launcher.load(Relaxed));
    }
}

/// Sets the latch of a process of ours; 0: of none.
pub fn wake(pid: i32) {
    if pid != 0 {
        // SAFETY: a process that has ended is not found; the latch of one that ends now may be set for nothing.
        unsafe {
            let process = pg_sys::BackendPidGetProc(pid);
            if !process.is_null() {
                pg_sys::SetLatch(&raw mut (*process).procLatch);
            }
        }
    }
}
