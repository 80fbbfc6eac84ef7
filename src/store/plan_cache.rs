//! What a session keeps of the schemas that it is called in: their attachments and plans. [unsafe]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CString, c_int};
use std::mem::ManuallyDrop;
use std::rc::Rc;

use pgrx::pg_sys;

use super::attachment::Attachment;
use super::probe::{Access, Probe};
use super::statement::Statement;
use super::writer::{Target, WriteAccess};

/// No more schemas than these are known; the one that was called longest ago goes first, with its plans. A schema's plans
/// take a megabyte or two.
const MOST: usize = 24;

/// A plan, and where in its rows the columns stand that its reader names.
#[derive(Clone)]
pub struct Plan {
    pub plan: pg_sys::SPIPlanPtr,
    pub places: Rc<[c_int]>,
}

/// What a look into the catalogue found, after so many changes.
struct Looked<K: 'static, T> {
    of: &'static K,
    changes: u64,
    found: Result<Rc<T>, &'static str>,
}

/// What was found in the catalogue for probes, and for rows that are written.
pub struct Lookups<K: 'static, T>(RefCell<Vec<Looked<K, T>>>);

impl<K, T> Default for Lookups<K, T> {
    fn default() -> Self {
        Lookups(RefCell::default())
    }
}

impl<K, T> Lookups<K, T> {
    /// What there is, or why there is nothing, if that was found and nothing changed since.
    pub fn get(&self, of: &'static K, changes: u64) -> Option<Result<Rc<T>, &'static str>> {
        let all = self.0.borrow();
        let looked = all.iter().find(|looked| std::ptr::eq(looked.of, of));
        looked.filter(|looked| looked.changes == changes).map(|looked| looked.found.clone())
    }

    /// Keeps it in the place of the one before, and gives it back.
    pub fn keep(
        &self,
        of: &'static K,
        changes: u64,
        found: Result<Rc<T>, &'static str>,
    ) -> Result<Rc<T>, &'static str> {
        let mut all = self.0.borrow_mut();
        all.retain(|kept| !std::ptr::eq(kept.of, of));
        all.push(Looked { of, changes, found: found.clone() });
        found
    }
}

/// One schema as it was when it was looked at, and the plans of statements that name it.
pub struct Known {
    pub attachment: Rc<Attachment>,
    plans: RefCell<HashMap<&'static str, Plan>>,
    /// How probes get to their rows.
    pub accesses: Lookups<Probe, Access>,
    /// How rows are written.
    pub targets: Lookups<Target, WriteAccess>,
    /// The catalogue changed: it has to be looked at again before it is believed.
    stale: Cell<bool>,
    /// How often it changed.
    changes: Cell<u64>,
    /// Is it kept, and told of changes?
    kept: Cell<bool>,
    called: Cell<u64>,
}

thread_local! {
    /// Plans of statements that say the same in every schema; they are kept as long as the process.
    static COMMON: RefCell<HashMap<&'static str, Plan>> = RefCell::default();
    // Not dropped when the process ends: the server's memory, in which the plans lie, goes with it.
    static KNOWN: ManuallyDrop<RefCell<HashMap<u32, Rc<Known>>>> = ManuallyDrop::default();
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static CHANGES: Cell<u64> = const { Cell::new(0) };
}

impl Known {
    pub fn new(attachment: Attachment) -> Rc<Known> {
        Rc::new(Known {
            attachment: Rc::new(attachment),
            plans: RefCell::default(),
            accesses: Lookups::default(),
            targets: Lookups::default(),
            stale: Cell::new(false),
            changes: Cell::new(0),
            kept: Cell::new(false),
            called: Cell::new(0),
        })
    }

    pub fn is_stale(&self) -> bool {
        self.stale.get()
    }

    /// Begins to read the schema again: what changes from here on is noticed. A reading that is not believed leaves the
    /// schema as doubtful as it was.
    pub fn reading(self: &Rc<Known>) -> Reading {
        self.stale.set(false);
        Reading { known: Rc::clone(self), believed: false }
    }

    /// A statement found less than the attachment says: the next call looks again.
    pub fn doubt(&self) {
        self.stale.set(true);
        self.changes.set(self.changes.get() + 1);
    }

    /// Does it say what the catalogue says, as far as anybody told?
    pub fn hears_of_changes(&self) -> bool {
        self.kept.get() && !self.stale.get()
    }

    /// How many changes it was told of.
    pub fn changes(&self) -> u64 {
        self.changes.get()
    }

    /// Has nothing changed since there were so many changes?
    pub fn is_as_at(&self, changes: u64) -> bool {
        self.hears_of_changes() && self.changes.get() == changes
    }

    fn plan(&self, statement: &Statement) -> Option<Plan> {
        self.plans.borrow().get(statement.name).cloned()
    }

    /// Keeps a plan just prepared; it lives as long as whoever has this schema in hand.
    fn keep_plan(&self, statement: &'static Statement, plan: Plan) {
        // SAFETY: a plan just prepared, not kept before; from here on it is freed in drop.
        unsafe { pg_sys::SPI_keepplan(plan.plan) };
        self.plans.borrow_mut().insert(statement.name, plan);
    }
}

/// The plan of a statement: of the schema, or of every schema.
pub fn plan(known: Option<&Known>, statement: &Statement) -> Option<Plan> {
    let common = || COMMON.with_borrow(|plans| plans.get(statement.name).cloned());
    known.and_then(|known| known.plan(statement)).or_else(common)
}

/// Keeps a plan just prepared, if it is one of every schema, or there is a schema to keep it with.
pub fn keep_plan(known: Option<&Known>, statement: &'static Statement, plan: Plan) {
    if statement.is_common() {
        // SAFETY: a plan just prepared, not kept before; it is never freed.
        unsafe { pg_sys::SPI_keepplan(plan.plan) };
        COMMON.with_borrow_mut(|plans| plans.insert(statement.name, plan));
    } else if let Some(known) = known {
        known.keep_plan(statement, plan);
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        for Plan { plan, .. } in self.plans.get_mut().drain().map(|(_, kept)| kept) {
            // SAFETY: a kept plan. Whoever runs one of its plans has the schema in hand, so none is running.
            unsafe { pg_sys::SPI_freeplan(plan) };
        }
    }
}

/// A reading of a schema that is not yet believed.
pub struct Reading {
    known: Rc<Known>,
    believed: bool,
}

impl Reading {
    pub fn believe(mut self) {
        self.believed = true;
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if !self.believed {
            self.known.stale.set(true);
        }
    }
}

/// What is kept of a schema; it counts as called.
pub fn find(schema: pg_sys::Oid) -> Option<Rc<Known>> {
    register_invalidation();
    CALLS.set(CALLS.get() + 1);
    let known = KNOWN.with(|known| known.borrow().get(&schema.to_u32()).cloned())?;
    known.called.set(CALLS.get());
    Some(known)
}

/// How often anything changed: what is read while this moves is in doubt.
pub fn changes() -> u64 {
    CHANGES.get()
}

/// Keeps a schema in the place of what was kept of it. `since`: the changes before it was read.
pub fn keep(known: &Rc<Known>, since: u64) {
    if CHANGES.get() != since {
        known.doubt();
    }
    known.called.set(CALLS.get());
    known.kept.set(true);
    KNOWN.with(|all| {
        let mut all = all.borrow_mut();
        let before = all.insert(known.attachment.oid.to_u32(), Rc::clone(known));
        let oldest = all.values().min_by_key(|known| known.called.get()).map(|known| known.attachment.oid.to_u32());
        let surplus = oldest.filter(|_| all.len() > MOST).and_then(|oldest| all.remove(&oldest));
        // Their plans are freed when the map can be read again.
        drop(all);
        [&before, &surplus]
            .into_iter()
            .flatten()
            .filter(|gone| !Rc::ptr_eq(gone, known))
            .for_each(|gone| gone.kept.set(false));
        drop((before, surplus));
    });
}

/// The schema is gone, or is not attached any more.
pub fn forget(schema: pg_sys::Oid) {
    let forgotten = KNOWN.with(|known| known.borrow_mut().remove(&schema.to_u32()));
    forgotten.iter().for_each(|gone| gone.kept.set(false));
    drop(forgotten);
}

/// What others changed, before a call or while it waited for a lock: the server would hear of it only after a name was looked up.
pub fn hear_of_changes() {
    // SAFETY: connected, so in a transaction; what the server does before it takes a lock.
    unsafe { pg_sys::AcceptInvalidationMessages() };
}

fn register_invalidation() {
    if REGISTERED.replace(true) {
        return;
    }
    let caches = [
        (pg_sys::SysCacheIdentifier::NAMESPACEOID, namespace_changed as Changed),
        (pg_sys::SysCacheIdentifier::RELNAMENSP, name_changed as Changed),
        (pg_sys::SysCacheIdentifier::TYPEOID, type_changed as Changed),
    ];
    // SAFETY: callbacks are registered once a backend and only set flags.
    unsafe {
        for (cache, changed) in caches {
            pg_sys::CacheRegisterSyscacheCallback(cache as c_int, Some(changed), pg_sys::Datum::null());
        }
        pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::null());
    }
}

type Changed = unsafe extern "C-unwind" fn(pg_sys::Datum, i32, u32);

/// What is kept of a schema is to be read again at its next call.
pub fn doubt(schema: pg_sys::Oid) {
    doubt_if(|attachment| attachment.oid == schema);
}

/// Everything that is kept and concerned is to be looked at again.
fn doubt_if(concerned: impl Fn(&Attachment) -> bool) {
    CHANGES.set(CHANGES.get() + 1);
    KNOWN.with(|known| {
        known.borrow().values().filter(|known| concerned(&known.attachment)).for_each(|known| known.doubt())
    });
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn namespace_changed(_argument: pg_sys::Datum, _cache: i32, hash: u32) {
    doubt_if(|attachment| hash == 0 || attachment.is_schema(hash));
}

/// A relation came or went; 0: any may have.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn name_changed(_argument: pg_sys::Datum, _cache: i32, hash: u32) {
    doubt_if(|attachment| hash == 0 || attachment.awaits(hash));
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn type_changed(_argument: pg_sys::Datum, _cache: i32, hash: u32) {
    doubt_if(|attachment| hash == 0 || attachment.has_type(hash));
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn relation_changed(_argument: pg_sys::Datum, relation: pg_sys::Oid) {
    // InvalidOid: any relation may have changed. Other people's relations are none of ours.
    doubt_if(|attachment| relation == pg_sys::InvalidOid || attachment.watches(relation.to_u32()));
}

/// How the catalogue cache of relations by name hashes a name: what it says when a relation of that name comes or
/// goes.
pub fn hash_of_name(schema: pg_sys::Oid, table: &str) -> u32 {
    let Ok(table) = CString::new(table) else { return 0 };
    let cache = pg_sys::SysCacheIdentifier::RELNAMENSP as c_int;
    let null = pg_sys::Datum::null();
    // SAFETY: the keys are those of the cache, a name and an OID; the name lives through the call.
    unsafe { pg_sys::GetSysCacheHashValue(cache, pg_sys::Datum::from(table.as_ptr()), schema.into(), null, null) }
}

/// How a catalogue cache by OID hashes its key.
pub fn hash_of_oid(cache: pg_sys::SysCacheIdentifier::Type, oid: pg_sys::Oid) -> u32 {
    let null = pg_sys::Datum::null();
    // SAFETY: the key is that of the cache, an OID.
    unsafe { pg_sys::GetSysCacheHashValue(cache as c_int, oid.into(), null, null, null) }
}
