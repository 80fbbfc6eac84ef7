//! Functions of the server under their own names, called under `guard::guarded` alone. [unsafe]
//!
//! pgrx's bindings of these carry its guard, and an error of theirs has to reach ours whole. What differs by major names each, so
//! that a new one does not compile before somebody has looked.

use std::ffi::c_int;

use pgrx::pg_sys;

unsafe extern "C-unwind" {
    pub fn try_relation_open(relation: pg_sys::Oid, lock: pg_sys::LOCKMODE) -> pg_sys::Relation;
    pub fn relation_close(relation: pg_sys::Relation, lock: pg_sys::LOCKMODE);
    pub fn index_open(index: pg_sys::Oid, lock: pg_sys::LOCKMODE) -> pg_sys::Relation;
    pub fn index_close(index: pg_sys::Relation, lock: pg_sys::LOCKMODE);
    pub fn index_rescan(
        scan: pg_sys::IndexScanDesc,
        keys: pg_sys::ScanKey,
        count: c_int,
        orders: pg_sys::ScanKey,
        order_count: c_int,
    );
    pub fn index_endscan(scan: pg_sys::IndexScanDesc);
    pub fn index_getnext_slot(
        scan: pg_sys::IndexScanDesc,
        direction: pg_sys::ScanDirection::Type,
        slot: *mut pg_sys::TupleTableSlot,
    ) -> bool;
    pub fn table_slot_create(relation: pg_sys::Relation, list: *mut *mut pg_sys::List) -> *mut pg_sys::TupleTableSlot;
    pub fn ExecDropSingleTupleTableSlot(slot: *mut pg_sys::TupleTableSlot);
    pub fn ScanKeyEntryInitialize(
        entry: pg_sys::ScanKey,
        flags: c_int,
        attribute: pg_sys::AttrNumber,
        strategy: pg_sys::StrategyNumber,
        subtype: pg_sys::Oid,
        collation: pg_sys::Oid,
        procedure: pg_sys::RegProcedure,
        argument: pg_sys::Datum,
    );
    pub fn slot_getsomeattrs_int(slot: *mut pg_sys::TupleTableSlot, count: c_int);
    pub fn FunctionCall2Coll(
        function: *mut pg_sys::FmgrInfo,
        collation: pg_sys::Oid,
        one: pg_sys::Datum,
        other: pg_sys::Datum,
    ) -> pg_sys::Datum;
    pub fn check_enable_rls(relation: pg_sys::Oid, role: pg_sys::Oid, quietly: bool) -> c_int;
    fn pg_class_aclcheck(relation: pg_sys::Oid, role: pg_sys::Oid, mode: pg_sys::AclMode) -> pg_sys::AclResult::Type;
    pub fn GetCurrentCommandId(used: bool) -> pg_sys::CommandId;
    pub fn CommandCounterIncrement();
    pub fn GetTransactionSnapshot() -> pg_sys::Snapshot;
    pub fn PushActiveSnapshot(snapshot: pg_sys::Snapshot);
    pub fn ProcessInterrupts();
    #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
    fn object_aclcheck(
        class: pg_sys::Oid,
        object: pg_sys::Oid,
        role: pg_sys::Oid,
        mode: pg_sys::AclMode,
    ) -> pg_sys::AclResult::Type;
    #[cfg(any(feature = "pg14", feature = "pg15"))]
    fn pg_namespace_aclcheck(schema: pg_sys::Oid, role: pg_sys::Oid, mode: pg_sys::AclMode) -> pg_sys::AclResult::Type;
    #[cfg(feature = "pg18")]
    fn index_beginscan(
        relation: pg_sys::Relation,
        index: pg_sys::Relation,
        snapshot: pg_sys::Snapshot,
        instrument: *mut pg_sys::IndexScanInstrumentation,
        keys: c_int,
        orders: c_int,
    ) -> pg_sys::IndexScanDesc;
    #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16", feature = "pg17"))]
    fn index_beginscan(
        relation: pg_sys::Relation,
        index: pg_sys::Relation,
        snapshot: pg_sys::Snapshot,
        keys: c_int,
        orders: c_int,
    ) -> pg_sys::IndexScanDesc;
}

/// # Safety
/// Open relations, and a snapshot that is active.
pub unsafe fn begin_scan(
    relation: pg_sys::Relation,
    index: pg_sys::Relation,
    snapshot: pg_sys::Snapshot,
    keys: c_int,
) -> pg_sys::IndexScanDesc {
    // SAFETY: as the caller says.
    unsafe {
        #[cfg(feature = "pg18")]
        return index_beginscan(relation, index, snapshot, std::ptr::null_mut(), keys, 0);
        #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16", feature = "pg17"))]
        index_beginscan(relation, index, snapshot, keys, 0)
    }
}

/// Has the role each of the rights to the whole table, and may it name it?
///
/// # Safety
/// Under the guard; a table that is open, or is referred to by one that is.
pub unsafe fn has_rights(table: pg_sys::Oid, schema: pg_sys::Oid, role: pg_sys::Oid, rights: u32) -> bool {
    let each = [pg_sys::ACL_SELECT, pg_sys::ACL_INSERT, pg_sys::ACL_UPDATE, pg_sys::ACL_DELETE];
    // SAFETY: as the caller says. A check of several rights is content with one.
    unsafe {
        may_use(schema, role)
            && each.into_iter().filter(|right| rights & right != 0).all(|right| {
                let mode = pg_sys::AclMode::from(right);
                pg_class_aclcheck(table, role, mode) == pg_sys::AclResult::ACLCHECK_OK
            })
    }
}

/// # Safety
/// A schema that is there.
unsafe fn may_use(schema: pg_sys::Oid, role: pg_sys::Oid) -> bool {
    let mode = pg_sys::AclMode::from(pg_sys::ACL_USAGE);
    // SAFETY: as the caller says.
    let allowed = unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        let allowed = pg_namespace_aclcheck(schema, role, mode);
        #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
        let allowed = object_aclcheck(pg_sys::NamespaceRelationId, schema, role, mode);
        allowed
    };
    allowed == pg_sys::AclResult::ACLCHECK_OK
}

/// # Safety
/// A slot that has a row.
pub unsafe fn copied(slot: *mut pg_sys::TupleTableSlot) -> pg_sys::HeapTuple {
    // SAFETY: as the caller says; every kind of slot can copy its row.
    unsafe { (*(*slot).tts_ops).copy_heap_tuple.map_or(std::ptr::null_mut(), |copy| copy(slot)) }
}
