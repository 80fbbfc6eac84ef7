//! Kept plans and the SPI connection. [unsafe]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CString, c_char};
use std::rc::Rc;

use pgrx::pg_sys;

use super::attachment::{Attachment, Record};
use super::guard::{self, Eyes};
use super::row::Row;
use super::statement::{Statement, statement};
use crate::rules::failure::{Failure, ServerError, sqlstate_pack};
use crate::rules::outcome::Outcome;
use crate::rules::refusal::Refusal;
use crate::rules::rollout::{Mode, Rule};

statement!(ATTACHMENT_READ, "attachment_read", [OIDOID]);

/// An argument: None is NULL.
pub type Argument = Option<pg_sys::Datum>;

/// What a session keeps of one schema.
struct Kept {
    attachment: Rc<Attachment>,
    plans: HashMap<&'static str, pg_sys::SPIPlanPtr>,
}

thread_local! {
    static KEPT: RefCell<HashMap<u32, Kept>> = RefCell::new(HashMap::new());
    /// The catalogue changed: what is kept has to be looked at again.
    static STALE: Cell<bool> = const { Cell::new(false) };
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
    /// Connections open now; plans are only dropped when none of them can be running.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// What the session keeps of a schema is looked up anew at its next call.
pub fn forget(schema: pg_sys::Oid) {
    if DEPTH.get() > 0 {
        return;
    }
    let forgotten = KEPT.with_borrow_mut(|kept| kept.remove(&schema.to_u32()));
    for plan in forgotten.into_iter().flat_map(|known| known.plans.into_values()) {
        // SAFETY: a kept plan; there is no connection, so it is not running.
        unsafe { pg_sys::SPI_freeplan(plan) };
    }
}

/// A connection to SPI, ended when dropped unless an error ended it.
pub struct Connection {
    failed: Cell<bool>,
    eyes: Cell<Eyes>,
}

impl Connection {
    pub fn open() -> Connection {
        // SAFETY: connects; ended in drop, or by the server when the transaction aborts.
        unsafe { pg_sys::SPI_connect() };
        DEPTH.set(DEPTH.get() + 1);
        Connection { failed: Cell::new(false), eyes: Cell::new(Eyes::Latest) }
    }

    /// The schema as it is known to the session, looked up again after one of its tables changed.
    pub fn attachment(&self, schema: pg_sys::Oid) -> Result<Rc<Attachment>, Failure> {
        register_invalidation();
        if DEPTH.get() == 1 && STALE.replace(false) {
            self.forget_changed()?;
        }
        let known = KEPT.with_borrow(|kept| kept.get(&schema.to_u32()).map(|known| Rc::clone(&known.attachment)));
        if let Some(attachment) = known {
            return Ok(attachment);
        }
        let attachment = Rc::new(self.load(schema)?);
        if attachment.check().is_err() {
            // Not attached yet, or not whole: nothing of it is watched, so nothing of it is kept.
            return Ok(attachment);
        }
        let known = Kept { attachment: Rc::clone(&attachment), plans: HashMap::new() };
        KEPT.with_borrow_mut(|kept| kept.insert(schema.to_u32(), known));
        Ok(attachment)
    }

    /// Finds the schema and reads what attach recorded of it.
    fn load(&self, schema: pg_sys::Oid) -> Result<Attachment, Failure> {
        let found = Attachment::find(schema)?;
        let mut record = Record::default();
        self.registry_read(&found, |row| note(&mut record, row))?;
        if !record.attached {
            return Ok(found);
        }
        let found = found.as_attached();
        // Not kept: the schema may have been renamed since, and a plan names it.
        self.run_once(&found, &ATTACHMENT_READ, &[Some(schema.into())], |row| note(&mut record, row))?;
        Ok(found.with_record(record))
    }

    /// Schemas that are no longer what they were lose their plans, which name them; others keep theirs.
    fn forget_changed(&self) -> Result<(), Failure> {
        let known: Vec<(u32, Rc<Attachment>)> = KEPT
            .with_borrow(|kept| kept.iter().map(|(schema, known)| (*schema, Rc::clone(&known.attachment))).collect());
        for (schema, before) in known {
            // A schema that is gone is forgotten like one that changed.
            let oid = pg_sys::Oid::from_u32(schema);
            let same = Attachment::find(oid).is_ok() && self.load(oid)? == *before;
            let forgotten = if same { None } else { KEPT.with_borrow_mut(|kept| kept.remove(&schema)) };
            for plan in forgotten.into_iter().flat_map(|known| known.plans.into_values()) {
                // SAFETY: a kept plan; no connection but the one just opened exists, so it is not running.
                unsafe { pg_sys::SPI_freeplan(plan) };
            }
        }
        Ok(())
    }

    /// Runs a statement and hands over its rows.
    pub fn run<T>(
        &self,
        attachment: &Attachment,
        statement: &'static Statement,
        arguments: &[Argument],
        read: impl FnMut(&Row) -> T,
    ) -> Result<Vec<T>, Failure> {
        let plan = self.plan(attachment, statement)?;
        self.execute(plan, statement, arguments, read)
    }

    /// Runs a statement once, without keeping its plan.
    pub fn run_once<T>(
        &self,
        attachment: &Attachment,
        statement: &'static Statement,
        arguments: &[Argument],
        read: impl FnMut(&Row) -> T,
    ) -> Result<Vec<T>, Failure> {
        let plan = self.prepare(attachment, statement)?;
        self.execute(plan, statement, arguments, read)
    }

    fn execute<T>(
        &self,
        plan: pg_sys::SPIPlanPtr,
        statement: &'static Statement,
        arguments: &[Argument],
        read: impl FnMut(&Row) -> T,
    ) -> Result<Vec<T>, Failure> {
        if arguments.len() != statement.types.len() {
            return Err(self.fail(internal(statement.name, 0)));
        }
        let mut values: Vec<pg_sys::Datum> = arguments.iter().map(|a| a.unwrap_or(pg_sys::Datum::null())).collect();
        let nulls: Vec<c_char> = arguments.iter().map(|a| if a.is_some() { b' ' } else { b'n' } as c_char).collect();
        // SAFETY: connected by construction; the plan was prepared for these types and is kept.
        let code = unsafe { guard::execute_plan(plan, &mut values, &nulls, self.eyes.get()) }
            .map_err(|error| self.fail(guard::as_seen(error)))?;
        if code < 0 {
            return Err(self.fail(internal(statement.name, code)));
        }
        Ok(rows(read))
    }

    /// Runs a script of DDL, once, without keeping a plan.
    pub fn script(&self, text: &str) -> Result<(), Failure> {
        let source = CString::new(text).map_err(|_| self.fail(internal("script", 0)))?;
        // SAFETY: connected by construction.
        unsafe { guard::execute(&source) }.map_err(|error| self.fail(error))?;
        Ok(())
    }

    /// Runs one statement that belongs to no schema, without keeping a plan.
    pub fn query<T>(&self, text: &str, read: impl FnMut(&Row) -> T) -> Result<Vec<T>, Failure> {
        self.script(text)?;
        Ok(rows(read))
    }

    fn plan(&self, attachment: &Attachment, statement: &'static Statement) -> Result<pg_sys::SPIPlanPtr, Failure> {
        let schema = attachment.oid.to_u32();
        let known = KEPT.with_borrow(|kept| kept.get(&schema).and_then(|kept| kept.plans.get(statement.name).copied()));
        if let Some(plan) = known {
            return Ok(plan);
        }
        let plan = self.prepare(attachment, statement)?;
        KEPT.with_borrow_mut(|kept| {
            if let Some(kept) = kept.get_mut(&schema) {
                // SAFETY: a plan just prepared; from here on it lives until it is freed in forget_changed.
                unsafe { pg_sys::SPI_keepplan(plan) };
                kept.plans.insert(statement.name, plan);
            }
        });
        Ok(plan)
    }

    /// A plan that lives as long as the connection.
    fn prepare(&self, attachment: &Attachment, statement: &'static Statement) -> Result<pg_sys::SPIPlanPtr, Failure> {
        let source = CString::new(statement.source(attachment)).map_err(|_| self.fail(internal(statement.name, 0)))?;
        let mut types: Vec<pg_sys::Oid> = statement.types.iter().map(|kind| kind.value()).collect();
        // SAFETY: connected by construction; the types live through the call.
        let plan =
            unsafe { guard::prepare(&source, &mut types) }.map_err(|error| self.not_attached(attachment, error))?;
        if plan.is_null() {
            return Err(self.fail(internal(statement.name, 0)));
        }
        Ok(plan)
    }

    /// Runs the work with other eyes.
    pub fn seeing<T>(&self, eyes: Eyes, work: impl FnOnce() -> T) -> T {
        let before = self.eyes.replace(eyes);
        let worked = work();
        self.eyes.set(before);
        worked
    }

    /// The subtransaction in which an error struck was rolled back: the connection, opened outside, still stands.
    pub fn survived(&self) {
        self.failed.set(false);
    }

    fn fail(&self, error: Box<ServerError>) -> Failure {
        self.failed.set(true);
        Failure::Server(error)
    }

    /// A statement that cannot be planned: the schema is not what it was attached as. Callers take 42P01 and
    /// 42883 for "not installed" and leave the atomic path for good, so they never see these from us.
    fn not_attached(&self, attachment: &Attachment, error: Box<ServerError>) -> Failure {
        let absent = ["42P01", "42703", "42883", "42704"].iter().any(|code| error.sqlstate == sqlstate_pack(code));
        if !absent {
            return self.fail(error);
        }
        self.failed.set(true);
        let message = format!("Schema {} lacks something that holdfast works on", attachment.quoted);
        Failure::Undone(Refusal::new(Outcome::NotAttached, message).detail(error.message))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
        if !self.failed.get() {
            // SAFETY: connected in open; after an error the server ends the connection with the transaction.
            unsafe { pg_sys::SPI_finish() };
        }
    }
}

fn note(record: &mut Record, row: &Row) {
    let (name, value) = (row.text(2).unwrap_or_default(), row.text(3).unwrap_or_default());
    match row.text(1).as_deref() {
        Some("attached") => record.attached = true,
        Some("feature") => record.features.push(name),
        Some("exclusion") => record.exclusion = true,
        Some("legacy") => {
            record.legacy = Some(value);
            record.originals.extend((row.number(5) == Some(1)).then_some(name));
        }
        _ => record.rollout.push(Rule {
            restaurant: row.id(4).filter(|restaurant| !restaurant.is_nil()),
            mode: Mode::of_label(&value),
            percentage: row.number(5).unwrap_or_default(),
        }),
    }
}

fn internal(name: &str, code: i32) -> Box<ServerError> {
    Box::new(ServerError {
        sqlstate: sqlstate_pack("XX000"),
        message: format!("Statement {name} could not be run"),
        detail: Some(format!("SPI answered {code}")),
        ..ServerError::default()
    })
}

/// Copies the rows of the last statement out of the server's memory.
fn rows<T>(mut read: impl FnMut(&Row) -> T) -> Vec<T> {
    // SAFETY: the table is the last statement's and is freed here, after every row was read.
    unsafe {
        let table = pg_sys::SPI_tuptable;
        if table.is_null() {
            return Vec::new();
        }
        let count = pg_sys::SPI_processed as usize;
        let read = (0..count).map(|at| read(&Row::new(*(*table).vals.add(at), (*table).tupdesc))).collect();
        pg_sys::SPI_freetuptable(table);
        read
    }
}

fn register_invalidation() {
    if REGISTERED.replace(true) {
        return;
    }
    super::planner::install();
    // SAFETY: callbacks are registered once a backend and only set a flag.
    unsafe {
        pg_sys::CacheRegisterSyscacheCallback(
            pg_sys::SysCacheIdentifier::NAMESPACEOID as i32,
            Some(schema_changed),
            pg_sys::Datum::null(),
        );
        pg_sys::CacheRegisterSyscacheCallback(
            pg_sys::SysCacheIdentifier::RELNAMENSP as i32,
            Some(name_changed),
            pg_sys::Datum::null(),
        );
        pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::null());
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn schema_changed(_argument: pg_sys::Datum, _cache: i32, _hash: u32) {
    STALE.set(true);
}

/// A relation came or went; 0: any may have.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn name_changed(_argument: pg_sys::Datum, _cache: i32, hash: u32) {
    let awaits = |kept: &HashMap<u32, Kept>| kept.values().any(|known| known.attachment.awaits(hash));
    if hash == 0 || KEPT.with(|kept| kept.try_borrow().map_or(true, |kept| awaits(&kept))) {
        STALE.set(true);
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn relation_changed(_argument: pg_sys::Datum, relation: pg_sys::Oid) {
    // InvalidOid: any relation may have changed. Other people's relations are none of ours.
    let watches = |kept: &HashMap<u32, Kept>| kept.values().any(|known| known.attachment.watches(relation.to_u32()));
    let ours = KEPT.with(|kept| kept.try_borrow().map_or(true, |kept| watches(&kept)));
    if relation == pg_sys::InvalidOid || ours {
        STALE.set(true);
    }
}
