//! Probes that answer together, from one snapshot. [unsafe]

use std::cell::Cell;
use std::rc::Rc;

use pgrx::pg_sys;

use super::scan::{self, Asked, Unread};
use super::{Access, Probe, ProbeKey, access, server};
use crate::rules::refusal::failure::{Failure, ServerError, sqlstate_pack};
use crate::settings::{self, AccessPath};
use crate::store::columns::Columns;
use crate::store::guard;
use crate::store::plan::Connection;
use crate::store::plan_cache::Known;
use crate::store::row::Row;

/// Why a probe has no answer.
pub enum NotDirect {
    /// A statement says it, for this reason.
    Sql(&'static str),
    /// The schema was changed since the call began: a statement says it.
    Changed,
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
}

impl Connection {
    /// Answers by probes, where that is certain to say the same as the statement beside it. None: ask the statement.
    pub fn directly<T>(&self, work: impl FnOnce(&Reader) -> Result<T, NotDirect>) -> Result<Option<T>, Failure> {
        let path = settings::access_path();
        if path == AccessPath::Sql {
            return Ok(None);
        }
        let known = self.current()?;
        let answered = Reader::open(known).and_then(|reader| work(&reader));
        match answered {
            Ok(answer) => Ok(Some(answer)),
            Err(NotDirect::Raised(error)) => Err(self.fail(error)),
            Err(NotDirect::Sql(why)) if path == AccessPath::Direct => Err(self.fail(refused(why))),
            // A change is no fault of the call: the server makes a busy session doubt all that it knows, too.
            Err(NotDirect::Sql(_) | NotDirect::Changed) => Ok(None),
        }
    }
}

/// Whoever sets `direct` wants to know.
fn refused(why: &str) -> Box<ServerError> {
    Box::new(ServerError {
        sqlstate: sqlstate_pack("55000"),
        message: "Rows cannot be read without a statement here".to_owned(),
        detail: Some(format!("Reason: {why}")),
        hint: Some("holdfast.access_path is direct, which is for tests: with auto a statement reads them.".to_owned()),
        ..ServerError::default()
    })
}

impl Reader {
    fn open(known: Rc<Known>) -> Result<Reader, NotDirect> {
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
        Ok(Reader { known })
    }

    /// The rows with the key, in no order.
    pub fn rows<C: Columns, P: ProbeKey<C>, T>(
        &self,
        key: P,
        read: impl FnMut(&Row<C>) -> T,
    ) -> Result<Vec<T>, NotDirect> {
        self.run(key, false, read)
    }

    /// The rows with the key, locked FOR NO KEY UPDATE, as they are now.
    pub fn locked<C: Columns, P: ProbeKey<C>, T>(
        &self,
        key: P,
        read: impl FnMut(&Row<C>) -> T,
    ) -> Result<Vec<T>, NotDirect> {
        // What else there is of a key is not compared again with the newest version.
        if !P::PROBE.is_one {
            return Err(NotDirect::Sql("rows are not locked by this key"));
        }
        // SAFETY: a plain variable of this backend; true on a standby, too.
        if unsafe { pg_sys::XactReadOnly } {
            return Err(NotDirect::Sql("the transaction is read-only"));
        }
        self.run(key, true, read)
    }

    /// Is there a way, as far as the catalogue says? Asked before what would be read in vain.
    pub fn finds<C: Columns, P: ProbeKey<C>>(&self) -> Result<(), NotDirect> {
        self.access(P::PROBE, false).map(drop)
    }

    /// A table that the statement looks at, and we need not: who may not read it hears so, too.
    pub fn looks_at<C: Columns, P: ProbeKey<C>>(&self) -> Result<(), NotDirect> {
        let access = self.access(P::PROBE, false)?;
        let asked = Asked { access: &access, known: &self.known, arguments: &[], locks: false };
        // SAFETY: as below; no row is read.
        let ran = unsafe { guard::guarded(|| scan::run(&asked, None)) };
        Ok(ran.map_err(NotDirect::Raised)??)
    }

    fn run<C: Columns, P: ProbeKey<C>, T>(
        &self,
        key: P,
        locks: bool,
        mut read: impl FnMut(&Row<C>) -> T,
    ) -> Result<Vec<T>, NotDirect> {
        let access = self.access(P::PROBE, locks)?;
        let arguments = key.arguments();
        let asked = Asked { access: &access, known: &self.known, arguments: arguments.as_ref(), locks };
        let mut tuples = Vec::with_capacity(4);
        // SAFETY: a snapshot is active; the frames under the guard borrow all they use.
        let ran = unsafe { guard::guarded(|| scan::run(&asked, Some(&mut tuples))) };
        ran.map_err(NotDirect::Raised)??;
        let fault = Cell::new(None);
        let rows = tuples.iter().map(|tuple| read(&Row::new(*tuple, access.shape, &access.places, &fault))).collect();
        for tuple in tuples {
            // SAFETY: copied by the scan, and read.
            unsafe { pg_sys::heap_freetuple(tuple) };
        }
        if fault.get().is_some() {
            Err(NotDirect::Sql("a column is of a type that a statement reads"))
        } else {
            Ok(rows)
        }
    }

    /// How the probe gets there: as it was found before, unless something changed.
    fn access(&self, probe: &'static Probe, locks: bool) -> Result<Rc<Access>, NotDirect> {
        if let Some(found) = self.known.access(probe) {
            return found.map_err(NotDirect::Sql);
        }
        let changes = self.known.changes();
        let found = match access::find(probe, (self.known.attachment.oid, changes), scan::mode(locks)) {
            Ok(access) if self.known.attachment.watches(access.relation.to_u32()) => Ok(Rc::new(access)),
            Ok(_) => Err("nobody tells of changes of the table"),
            Err(NotDirect::Sql(why)) => Err(why),
            Err(other) => return Err(other),
        };
        self.known.keep_access(probe, changes, found.clone());
        found.map_err(NotDirect::Sql)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // SAFETY: the one that was pushed when it was opened; whoever pushed another meanwhile has taken it back.
        unsafe { pg_sys::PopActiveSnapshot() };
    }
}
