//! What is known of each attached schema of every database: when its next run is due, and why.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::shared_memory::keyed::{self, KeyedEntry};

/// Schemas that can have a slot, over all databases. Others are looked at once a minute.
pub const SLOTS: usize = 2048;
/// Tables of a schema whose changes are counted.
pub const TABLES: usize = 14;
/// Instants of an agenda.
pub const INSTANTS: usize = 11;

/// How far a run came: nothing of it, what is urgent, or that with an error.
pub const BEGUN: u32 = 1;
pub const BEGUN_BADLY: u32 = 2;

/// One attached schema.
pub struct SchemaSlot {
    /// The database's OID and the schema's; 0: free.
    key: AtomicU64,
    /// When the next run is due, in microseconds as the server counts them; `i64::MAX`: never.
    pub due_at: AtomicI64,
    /// From when on the rest of a run waits of which what is urgent is done; `i64::MAX`: there is none.
    pub later_at: AtomicI64,
    /// Somebody wrote since the last run began.
    pub changed: AtomicBool,
    /// … and since its urgent tasks began.
    pub called: AtomicBool,
    /// What is urgent was done in this run, and the rest is to come.
    pub begun: AtomicU32,
    /// A worker is at it.
    pub running: AtomicBool,
    /// There must be no upkeep: the owner said so, or a subscription fills the tables.
    pub skipped: AtomicBool,
    /// The tables whose changes are counted, and the count that was last seen.
    pub tables: [AtomicU32; TABLES],
    pub seen: AtomicU64,
    /// So many of them the worker changed itself, and left nothing to be done by that.
    pub own: AtomicU64,
    /// When each task has something to do, and whether there are live bookings, unless somebody calls.
    pub agenda: [AtomicI64; INSTANTS],
    pub has_live: AtomicBool,
    pub knows_agenda: AtomicBool,
    pub runs: AtomicU64,
    /// Runs in a row that failed.
    pub failures: AtomicU32,
    pub commits: AtomicBool,
    pub unscanned: AtomicBool,
    pub notify_at: AtomicI64,
    pub scan_at: AtomicI64,
    pub ended_at: AtomicI64,
    pub told: AtomicU32,
    pub scans: AtomicU32,
    pub fruitless: AtomicU32,
}

impl KeyedEntry for SchemaSlot {
    fn key(&self) -> &AtomicU64 {
        &self.key
    }
}

impl SchemaSlot {
    pub const fn free() -> SchemaSlot {
        SchemaSlot {
            key: AtomicU64::new(0),
            due_at: AtomicI64::new(i64::MIN),
            later_at: AtomicI64::new(i64::MAX),
            changed: AtomicBool::new(true),
            called: AtomicBool::new(false),
            begun: AtomicU32::new(0),
            running: AtomicBool::new(false),
            skipped: AtomicBool::new(false),
            tables: [const { AtomicU32::new(0) }; TABLES],
            seen: AtomicU64::new(0),
            own: AtomicU64::new(0),
            agenda: [const { AtomicI64::new(i64::MAX) }; INSTANTS],
            has_live: AtomicBool::new(false),
            knows_agenda: AtomicBool::new(false),
            runs: AtomicU64::new(0),
            failures: AtomicU32::new(0),
            commits: AtomicBool::new(true),
            unscanned: AtomicBool::new(true),
            notify_at: AtomicI64::new(i64::MIN),
            scan_at: AtomicI64::new(i64::MIN),
            ended_at: AtomicI64::new(i64::MIN),
            told: AtomicU32::new(0),
            scans: AtomicU32::new(0),
            fruitless: AtomicU32::new(0),
        }
    }

    pub fn database(&self) -> u32 {
        (self.taken_by() >> 32) as u32
    }

    pub fn schema(&self) -> u32 {
        self.taken_by() as u32
    }

    /// When somebody is to come.
    pub fn next_at(&self) -> i64 {
        self.due_at.load(Relaxed).min(self.later_at.load(Relaxed))
    }

    /// Somebody wrote. Was nothing due yet?
    pub fn call(&self, now: i64) -> bool {
        self.changed.store(true, Relaxed);
        self.called.store(true, Relaxed);
        self.due_at.fetch_min(now, Relaxed) > now
    }

    /// The schema is gone: its slot is free for another.
    pub fn clear(&self) {
        let new = SchemaSlot::free();
        for (flag, new) in [
            (&self.changed, &new.changed),
            (&self.called, &new.called),
            (&self.running, &new.running),
            (&self.skipped, &new.skipped),
            (&self.commits, &new.commits),
            (&self.unscanned, &new.unscanned),
            (&self.knows_agenda, &new.knows_agenda),
        ] {
            flag.store(new.load(Relaxed), Relaxed);
        }
        for number in
            [&self.begun, &self.failures, &self.told, &self.scans, &self.fruitless].into_iter().chain(&self.tables)
        {
            number.store(0, Relaxed);
        }
        for instant in [&self.due_at, &self.notify_at, &self.scan_at, &self.ended_at] {
            instant.store(i64::MIN, Relaxed);
        }
        self.later_at.store(i64::MAX, Relaxed);
        self.seen.store(0, Relaxed);
        self.own.store(0, Relaxed);
        self.runs.store(0, Relaxed);
        self.give_up();
    }
}

fn key(database: u32, schema: u32) -> u64 {
    u64::from(database) << 32 | u64::from(schema)
}

pub fn find(slots: &[SchemaSlot], database: u32, schema: u32) -> Option<&SchemaSlot> {
    keyed::find(slots, key(database, schema))
}

/// The schema's slot, taken if it has none yet; None when all are taken.
pub fn take(slots: &[SchemaSlot], database: u32, schema: u32) -> Option<&SchemaSlot> {
    keyed::find_or_take(slots, key(database, schema))
}
