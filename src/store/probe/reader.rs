//! Probes that answer together, from one snapshot. [unsafe]

use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;

use pgrx::pg_sys;
use pgrx::pg_sys::BuiltinOid::UUIDOID;

use super::scan::{self, Asked, RowLock, Unread};
use super::{Access, Probe, ProbeKey, access, server};
use crate::rules::refusal::failure::{Failure, ServerError, sqlstate_pack};
use crate::settings::{self, AccessPath};
use crate::store::columns::Columns;
use crate::store::guard;
use crate::store::held_rows::HeldRows;
use crate::store::plan::Connection;
use crate::store::plan_cache::Known;
use crate::store::row::Row;
use crate::unguarded;

/// Why a probe has no answer.
pub enum NotDirect {
    /// A statement says it, for this reason.
    Sql(&'static str),
    /// The schema was changed since the call began: a statement says it.
    Changed,
    /// A case that the statement alone has.
    Rare,
    /// It is an answer: the server raised an error.
    Raised(Box<ServerError>),
}

impl From<Unread> for NotDirect {
    fn from(unread: Unread) -> NotDirect {
        match unread {
            Unread::Changed => NotDirect::Changed,
            Unread::Sql(why) => NotDirect::Sql(why),
        }
    }
}

/// Reads by probes while it lives.
pub struct Reader {
    known: Rc<Known>,
    held: Rc<HeldRows>,
}

impl Connection {
    /// Answers by probes, where that is certain to say the same as the statement beside it. None: ask the statement.
    pub fn directly<T>(&self, work: impl FnOnce(&Reader) -> Result<T, NotDirect>) -> Result<Option<T>, Failure> {
        let path = settings::access_path();
        if path == AccessPath::Sql {
            return Ok(None);
        }
        let known = self.current()?;
        let answered = Reader::open(known, Rc::clone(&self.held)).and_then(|reader| work(&reader));
        match answered {
            Ok(answer) => Ok(Some(answer)),
            Err(NotDirect::Raised(error)) => Err(self.fail(error)),
            Err(NotDirect::Sql(why)) if path == AccessPath::Direct => Err(self.fail(refused(why))),
            // A change is no fault of the call: the server makes a busy session doubt all that it knows, too.
            Err(NotDirect::Sql(_) | NotDirect::Changed | NotDirect::Rare) => Ok(None),
        }
    }
}

/// Whoever sets `direct` wants to know.
fn refused(why: &str) -> Box<ServerError> {
    Box::new(ServerError {
        sqlstate: sqlstate_pack("55000"),
        message: "Rows cannot be read or written without a statement here".to_owned(),
        detail: Some(format!("Reason: {why}")),
        hint: Some("holdfast.access_path is direct, which is for tests: with auto a statement does it.".to_owned()),
        ..ServerError::default()
    })
}

impl Reader {
    fn open(known: Rc<Known>, held: Rc<HeldRows>) -> Result<Reader, NotDirect> {
        // SAFETY: plain variables of this backend.
        let (isolation, worker, permissions_hook) =
            unsafe { (pg_sys::XactIsoLevel, pg_sys::ParallelWorkerNumber, pg_sys::ExecutorCheckPerms_hook) };
        let hindrance = if isolation >= pg_sys::XACT_REPEATABLE_READ as i32 {
            Some("the transaction sees what was committed before it began")
        } else if worker >= 0 {
            Some("this is a parallel worker")
        } else if permissions_hook.is_some() {
            Some("somebody looks at each check of permissions")
        } else {
            None
        };
        if let Some(why) = hindrance {
            return Err(NotDirect::Sql(why));
        }
        if !known.hears_of_changes() {
            return Err(NotDirect::Changed);
        }
        // SAFETY: the call owns nothing. As SPI begins a statement of a volatile function: what this transaction wrote is seen. The
        // snapshot is given back in drop, or by the server when it aborts the transaction or savepoint.
        let begun = unsafe {
            guard::guarded(|| {
                server::CommandCounterIncrement();
                server::PushActiveSnapshot(server::GetTransactionSnapshot());
            })
        };
        begun.map_err(NotDirect::Raised)?;
        Ok(Reader { known, held })
    }

    /// The rows with the key, in no order.
    pub fn rows<C: Columns, P: ProbeKey<C>, T>(
        &self,
        key: P,
        read: impl FnMut(&Row<C>) -> T,
    ) -> Result<Vec<T>, NotDirect> {
        self.run(key, RowLock::No)?.read(read)
    }

    /// The rows with the key, locked FOR NO KEY UPDATE, as they are now.
    pub fn locked<C: Columns, P: ProbeKey<C>, T>(
        &self,
        key: P,
        read: impl FnMut(&Row<C>) -> T,
    ) -> Result<Vec<T>, NotDirect> {
        self.locked_tuples(key)?.read(read)
    }

    /// The same as rows that may be written.
    pub fn locked_tuples<C: Columns, P: ProbeKey<C>>(&self, key: P) -> Result<Tuples<C>, NotDirect> {
        // What else there is of a key is not compared again with the newest version.
        if !P::PROBE.is_one {
            return Err(NotDirect::Sql("rows are not locked by this key"));
        }
        // SAFETY: a plain variable of this backend; true on a standby, too.
        if unsafe { pg_sys::XactReadOnly } {
            return Err(NotDirect::Sql("the transaction is read-only"));
        }
        self.run(key, RowLock::NoKeyUpdate)
    }

    /// Holds the row with the key as the check of a foreign key does, so that the check need not. Where that cannot be done here,
    /// the check does it.
    pub fn hold<C: Columns, P: ProbeKey<C>>(&self, key: P) -> Result<(), NotDirect> {
        match self.run(key, RowLock::KeyShare) {
            Ok(_) | Err(NotDirect::Sql(_)) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// What the session knows of the schema.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// The rows that the call holds.
    pub fn held(&self) -> &HeldRows {
        &self.held
    }

    /// Is there a way, as far as the catalogue says? Asked before what would be read in vain.
    pub fn finds<C: Columns, P: ProbeKey<C>>(&self) -> Result<(), NotDirect> {
        self.access(P::PROBE, RowLock::No).map(drop)
    }

    /// A table that the statement looks at, and we need not: who may not read it hears so, too.
    pub fn looks_at<C: Columns, P: ProbeKey<C>>(&self) -> Result<(), NotDirect> {
        self.may(P::PROBE, RowLock::No)
    }

    /// A table whose rows the statement locks, where there is none to lock: who may not lock them hears so, too.
    pub fn locks_in<C: Columns, P: ProbeKey<C>>(&self) -> Result<(), NotDirect> {
        self.may(P::PROBE, RowLock::NoKeyUpdate)
    }

    fn may(&self, probe: &'static Probe, lock: RowLock) -> Result<(), NotDirect> {
        let access = self.access(probe, lock)?;
        let asked = Asked { access: &access, known: &self.known, arguments: &[], lock };
        // SAFETY: as below; no row is read.
        let ran = unsafe { guard::guarded(|| scan::run(&asked, None)) };
        Ok(ran.map_err(NotDirect::Raised)??)
    }

    fn run<C: Columns, P: ProbeKey<C>>(&self, key: P, lock: RowLock) -> Result<Tuples<C>, NotDirect> {
        let access = self.access(P::PROBE, lock)?;
        let arguments = key.arguments();
        let asked = Asked { access: &access, known: &self.known, arguments: arguments.as_ref(), lock };
        let id = match (P::PROBE.keys, asked.arguments) {
            ([key], [Some(id)]) if lock != RowLock::No && key.kind == UUIDOID => Some(*id),
            _ => None,
        };
        let (relation, column) = (access.relation, access.keys[0].column);
        // SAFETY: an id, as the key says.
        let place =
            id.filter(|_| lock == RowLock::NoKeyUpdate).and_then(|id| unsafe { self.held.place(relation, column, id) });
        let mut tuples = Vec::with_capacity(4);
        // SAFETY: a snapshot is active; the frames under the guard borrow all they use.
        let ran = unsafe {
            guard::guarded(|| match place {
                Some(place) => scan::fetch(&asked, place).map(|tuple| tuples.push(tuple)),
                None => scan::run(&asked, Some(&mut tuples)),
            })
        };
        ran.map_err(NotDirect::Raised)??;
        if let (Some(id), Some(tuple)) = (id, tuples.first()) {
            // SAFETY: as above; a copy of a row that was locked.
            unsafe {
                let place = (lock == RowLock::NoKeyUpdate).then(|| (**tuple).t_self);
                self.held.add(relation, column, id, place);
            }
        }
        Ok(Tuples { tuples, access, columns: PhantomData })
    }

    /// How the probe gets there: as it was found before, unless something changed.
    fn access(&self, probe: &'static Probe, lock: RowLock) -> Result<Rc<Access>, NotDirect> {
        if let Some(found) = self.known.accesses.get(probe, self.known.changes()) {
            return found.map_err(NotDirect::Sql);
        }
        let changes = self.known.changes();
        let found = access::find(probe, (self.known.attachment.oid, changes), scan::mode(lock));
        let found = found.map(|access| (access.relation, access));
        self.known.accesses.keep(probe, changes, watched(&self.known, found)?).map_err(NotDirect::Sql)
    }
}

/// What a look into the catalogue found of a table, if changes of that are heard of; an error is not kept.
pub fn watched<T>(
    known: &Known,
    found: Result<(pg_sys::Oid, T), NotDirect>,
) -> Result<Result<Rc<T>, &'static str>, NotDirect> {
    match found {
        Ok((relation, found)) if known.attachment.watches(relation.to_u32()) => Ok(Ok(Rc::new(found))),
        Ok(_) => Ok(Err("nobody tells of changes of the table")),
        Err(NotDirect::Sql(why)) => Ok(Err(why)),
        Err(other) => Err(other),
    }
}

/// Rows that were found, copied out of their pages.
pub struct Tuples<C> {
    tuples: Vec<pg_sys::HeapTuple>,
    access: Rc<Access>,
    columns: PhantomData<C>,
}

impl<C: Columns> Tuples<C> {
    pub fn read<T>(&self, mut read: impl FnMut(&Row<C>) -> T) -> Result<Vec<T>, NotDirect> {
        let (access, fault) = (&self.access, Cell::new(None));
        let row = |tuple: &pg_sys::HeapTuple| read(&Row::new(*tuple, access.shape, &access.places, &fault));
        let rows = self.tuples.iter().map(row).collect();
        if fault.get().is_some() {
            Err(NotDirect::Sql("a column is of a type that a statement reads"))
        } else {
            Ok(rows)
        }
    }

    pub fn tuples(&self) -> &[pg_sys::HeapTuple] {
        &self.tuples
    }
}

impl<C> Drop for Tuples<C> {
    fn drop(&mut self) {
        for tuple in &self.tuples {
            // SAFETY: copied by the scan, and in the hand of nobody else.
            unsafe { unguarded::heap_freetuple(*tuple) };
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // SAFETY: the one that was pushed when it was opened; whoever pushed another meanwhile has taken it back.
        unsafe { unguarded::PopActiveSnapshot() };
    }
}
