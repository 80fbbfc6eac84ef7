//! The indexes of a table that is written: what the executor wants to know of each is made once, not at each call. [unsafe]

use pgrx::pg_sys;

use super::access::{LOCK, NO_LOCK, is_of_server, written_out};
use super::server;
use crate::store::guard;
use crate::store::memory::Memory;
use crate::store::probe::{NotDirect, indexes_of, server as probe_server};

/// An index as it was when the table was looked at. Another one takes its place under another OID.
pub struct KeptIndex {
    oid: pg_sys::Oid,
    /// Copied for each call, which writes into it.
    info: *const pg_sys::IndexInfo,
    /// Compiled; null and none where it has no such.
    condition: *mut pg_sys::ExprState,
    expressions: *mut pg_sys::List,
}

/// The indexes of a table, and whether one calls a function that is not the server's: it may say that it changes nothing, and call
/// one that does. Then none is kept.
pub fn kept(memory: &Memory, relation: pg_sys::Relation) -> Result<(Vec<KeptIndex>, bool), NotDirect> {
    let mut kept = Vec::new();
    for oid in indexes_of(relation) {
        // SAFETY: an index of a table that is locked; the call owns nothing, and the lists are copies.
        let (lists, index) = unsafe {
            let index = guard::guarded(|| probe_server::index_open(oid, LOCK)).map_err(NotDirect::Raised)?;
            ([pg_sys::RelationGetIndexExpressions(index), pg_sys::RelationGetIndexPredicate(index)], index)
        };
        let mut calls_code = false;
        for list in lists.into_iter().filter(|list| !list.is_null()) {
            calls_code |= !is_of_server(written_out(list.cast())?);
        }
        // SAFETY: as above.
        let made = unsafe { if calls_code { Ok(None) } else { memory.within(|| Some(KeptIndex::of(oid, index))) } };
        // SAFETY: opened above.
        unsafe { pg_sys::index_close(index, NO_LOCK) };
        match made.map_err(NotDirect::Raised)? {
            Some(index) => kept.push(index),
            None => return Ok((Vec::new(), true)),
        }
    }
    Ok((kept, false))
}

impl KeptIndex {
    /// # Safety
    /// Under the guard, in memory that lives as long as this.
    unsafe fn of(oid: pg_sys::Oid, index: pg_sys::Relation) -> KeptIndex {
        // SAFETY: as the caller says. As the executor prepares what is null when it needs it.
        unsafe {
            let info = server::BuildIndexInfo(index);
            let nobody = std::ptr::null_mut();
            let condition = match (*info).ii_Predicate {
                none if none.is_null() => nobody,
                condition => {
                    server::ExecInitQual(server::expression_planner(condition.cast()).cast(), std::ptr::null_mut())
                }
            };
            let expressions = match (*info).ii_Expressions {
                none if none.is_null() => none,
                list => server::ExecInitExprList(server::expression_planner(list.cast()).cast(), std::ptr::null_mut()),
            };
            KeptIndex { oid, info, condition, expressions }
        }
    }

    /// # Safety
    /// Under the guard, in the memory of the call; the index is open.
    unsafe fn for_call(&self, index: pg_sys::Relation) -> *mut pg_sys::IndexInfo {
        // SAFETY: as the caller says. Whether rows go into it is asked anew: nothing says that whoever watches the table hears of it.
        unsafe {
            let info: *mut pg_sys::IndexInfo = server::palloc0(size_of::<pg_sys::IndexInfo>()).cast();
            *info = *self.info;
            (*info).ii_ReadyForInserts = (*(*index).rd_index).indisready;
            (*info).ii_PredicateState = self.condition;
            (*info).ii_ExpressionsState = self.expressions;
            (*info).ii_Context = pg_sys::CurrentMemoryContext;
            info
        }
    }
}

/// As `ExecOpenIndices`, with what is kept of each.
///
/// # Safety
/// Under the guard, in the memory of the call; `ExecCloseIndices` closes them.
pub unsafe fn open(target: *mut pg_sys::ResultRelInfo, relation: pg_sys::Relation, kept: &[KeptIndex]) {
    // SAFETY: as the caller says; the list is a copy, of OIDs.
    unsafe {
        let list = server::RelationGetIndexList(relation);
        let count = if list.is_null() { 0 } else { (*list).length as usize };
        if count == 0 {
            return;
        }
        let relations: pg_sys::RelationPtr = server::palloc0(count * size_of::<pg_sys::Relation>()).cast();
        let infos: *mut *mut pg_sys::IndexInfo = server::palloc0(count * size_of::<*mut pg_sys::IndexInfo>()).cast();
        (*target).ri_NumIndices = count as i32;
        (*target).ri_IndexRelationDescs = relations;
        (*target).ri_IndexRelationInfo = infos;
        for at in 0..count {
            let oid = (*(*list).elements.add(at)).oid_value;
            let index = probe_server::index_open(oid, LOCK);
            *relations.add(at) = index;
            *infos.add(at) = match kept.iter().find(|kept| kept.oid == oid) {
                Some(kept) => kept.for_call(index),
                None => server::BuildIndexInfo(index),
            };
        }
    }
}
