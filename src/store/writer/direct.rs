//! What a caller asks for: rows inserted, updated, deleted, with the snapshot of the probes beside them. [unsafe]

use std::cell::Cell;
use std::rc::Rc;

use pgrx::pg_sys;

use super::access;
use super::row::{self, RowsToWrite};
use super::{RowWrite, Target, WriteAccess};
use crate::rules::refusal::failure::{Failure, changed_by_its_trigger};
use crate::store::attachment;
use crate::store::columns::{Columns, Nothing};
use crate::store::guard;
use crate::store::hooks;
use crate::store::parameter::Argument;
use crate::store::plan::Connection;
use crate::store::probe::{NotDirect, ProbeKey, Reader, watched};
use crate::store::row::Row;
use crate::unguarded;

type Rows = Vec<(Option<pg_sys::HeapTuple>, Vec<Argument>)>;

impl Connection {
    /// Runs statements as one: AFTER triggers of what they write fire at the end of all, as they do for one statement. After an
    /// error its transaction or savepoint has to be rolled back.
    pub fn at_once<T>(&self, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        let kept = self.current()?;
        guard::hold_triggers();
        self.triggers_wait.set(true);
        let worked = work();
        self.triggers_wait.set(false);
        let worked = worked?;
        // SAFETY: connected by construction; triggers were held above, and the work left no other level open.
        unsafe { guard::fire_triggers(self.snapshot_mode.get(), kept.attachment.c_texts().1) }
            .map_err(|error| self.fail(guard::as_seen(error)))?;
        self.held.forget();
        Ok(worked)
    }

    /// Writes without a statement, where that is certain to do the same as the statement beside it. None: run the statement;
    /// nothing was written.
    pub fn write_directly<T>(&self, work: impl FnOnce(&Reader) -> Result<T, NotDirect>) -> Result<Option<T>, Failure> {
        // AFTER triggers wait for the end of something.
        if self.triggers_wait.get() { self.directly(work) } else { self.at_once(|| self.directly(work)) }
    }
}

impl Reader {
    /// Inserts rows, in order, as one statement; what is read of each that a trigger has not taken away.
    pub fn insert<C: Columns, W: RowWrite<C>, T>(
        &self,
        rows: impl IntoIterator<Item = W>,
        read: impl FnMut(&Row<C>) -> T,
    ) -> Result<Vec<T>, NotDirect> {
        let rows = rows.into_iter().map(|row| (None, row.values().as_ref().to_vec())).collect();
        self.write(W::TARGET, &rows, read)
    }

    /// The same for rows of which nothing is read; how many.
    pub fn insert_all<W: RowWrite<Nothing>>(&self, rows: impl IntoIterator<Item = W>) -> Result<i64, NotDirect> {
        Ok(self.insert(rows, |_: &Row<Nothing>| ())?.len() as i64)
    }

    /// Holds the row that rows of the target will name, where they have a foreign key to its table.
    pub fn hold_for<C: Columns, P: ProbeKey<C>>(&self, target: &'static Target, key: P) -> Result<(), NotDirect> {
        let access = self.write_access(target)?;
        let relation = attachment::relation(self.known().attachment.oid, P::PROBE.table).map(pg_sys::Oid::from_u32);
        let is_named = access.references.iter().any(|reference| Some(reference.relation) == relation);
        if is_named { self.hold(key) } else { Ok(()) }
    }

    /// Gives the row with the key other values, made of those that it has; how many.
    pub fn update<K: Columns, P: ProbeKey<K>, W: RowWrite<Nothing>>(
        &self,
        key: P,
        row: impl Fn(&Row<K>) -> W,
    ) -> Result<i64, NotDirect> {
        self.rewrite(W::TARGET, key, |found| Some(row(found).values().as_ref().to_vec()))
    }

    /// Deletes the row with the key; how many. `is_known`: may it go without a statement?
    pub fn delete<K: Columns, P: ProbeKey<K>, W: RowWrite<Nothing>>(
        &self,
        key: P,
        is_known: impl Fn(&Row<K>) -> bool,
    ) -> Result<i64, NotDirect> {
        self.rewrite(W::TARGET, key, |found| is_known(found).then(Vec::new))
    }

    fn rewrite<K: Columns, P: ProbeKey<K>>(
        &self,
        target: &'static Target,
        key: P,
        values: impl Fn(&Row<K>) -> Option<Vec<Argument>>,
    ) -> Result<i64, NotDirect> {
        // Asked first: a row is not locked in vain.
        self.write_access(target)?;
        let found = self.locked_tuples(key)?;
        let values: Option<Vec<_>> = found.read(values)?.into_iter().collect();
        let values = values.ok_or(NotDirect::Rare)?;
        let rows: Rows = found.tuples().iter().copied().map(Some).zip(values).collect();
        let written = self.write(target, &rows, |_: &Row<Nothing>| ())?;
        Ok(written.len() as i64)
    }

    fn write<C: Columns, T>(
        &self,
        target: &'static Target,
        rows: &Rows,
        mut read: impl FnMut(&Row<C>) -> T,
    ) -> Result<Vec<T>, NotDirect> {
        let access = self.write_access(target)?;
        let work = RowsToWrite { access: &access, known: self.known(), rows, held: self.held() };
        let mut written = Vec::with_capacity(rows.len());
        let around = hooks::enter();
        // SAFETY: a snapshot is active, and AFTER triggers wait; the frames under the guard borrow all they use. Code of the
        // application runs under its path.
        let ran = unsafe {
            guard::guarded(|| {
                hooks::open_path(self.known().attachment.c_texts().1);
                row::write(&work, &mut written)
            })
        };
        hooks::ended(around, ran.is_ok());
        ran.map_err(|error| NotDirect::Raised(Box::new(changed_by_its_trigger(*error))))??;
        let fault = Cell::new(None);
        let read =
            written.iter().map(|tuple| read(&Row::new(*tuple, access.shape, &access.returned, &fault))).collect();
        for tuple in written {
            // SAFETY: copied when it was written, and read.
            unsafe { unguarded::heap_freetuple(tuple) };
        }
        Ok(read)
    }

    /// A table that the statement writes, and we need not: who may not write it hears so, too.
    pub fn may_write<C: Columns, W: RowWrite<C>>(&self) -> Result<(), NotDirect> {
        let access = self.write_access(W::TARGET)?;
        let work = RowsToWrite { access: &access, known: self.known(), rows: &[], held: self.held() };
        // SAFETY: the frames under the guard borrow all they use; no row is written.
        let ran = unsafe { guard::guarded(|| row::check(&work)) };
        Ok(ran.map_err(NotDirect::Raised)??)
    }

    /// How the rows are written: as it was found before, unless something changed, or the call is somebody else's.
    fn write_access(&self, target: &'static Target) -> Result<Rc<WriteAccess>, NotDirect> {
        // SAFETY: plain variables of this backend. A read-only transaction hears from the statement that it is one.
        let (is_read_only, role) = unsafe { (pg_sys::XactReadOnly, unguarded::GetUserId()) };
        if is_read_only {
            return Err(NotDirect::Sql("the transaction is read-only"));
        }
        let known = self.known();
        match known.targets.get(target, known.changes()) {
            Some(Ok(found)) if found.role == role => return Ok(found),
            Some(Err(why)) => return Err(NotDirect::Sql(why)),
            _ => {}
        }
        let changes = known.changes();
        let found = access::find(target, known.attachment.oid, changes).map(|access| (access.relation, access));
        known.targets.keep(target, changes, watched(known, found)?).map_err(NotDirect::Sql)
    }
}
