//! The executor's functions under their own names, called under `guard::guarded` alone. [unsafe]
//!
//! As those of the probes: without pgrx's guard, and what differs by major names each.

use std::ffi::{c_char, c_int, c_void};

use pgrx::pg_sys;

unsafe extern "C-unwind" {
    pub fn CreateExecutorState() -> *mut pg_sys::EState;
    pub fn FreeExecutorState(state: *mut pg_sys::EState);
    pub fn MakePerTupleExprContext(state: *mut pg_sys::EState) -> *mut pg_sys::ExprContext;
    pub fn InitResultRelInfo(
        target: *mut pg_sys::ResultRelInfo,
        relation: pg_sys::Relation,
        place: pg_sys::Index,
        root: *mut pg_sys::ResultRelInfo,
        instruments: c_int,
    );
    pub fn RelationGetIndexList(relation: pg_sys::Relation) -> *mut pg_sys::List;
    pub fn BuildIndexInfo(index: pg_sys::Relation) -> *mut pg_sys::IndexInfo;
    pub fn ExecInitQual(condition: *mut pg_sys::List, parent: *mut pg_sys::PlanState) -> *mut pg_sys::ExprState;
    pub fn ExecInitExprList(expressions: *mut pg_sys::List, parent: *mut pg_sys::PlanState) -> *mut pg_sys::List;
    pub fn ExecCloseIndices(target: *mut pg_sys::ResultRelInfo);
    pub fn ExecInitExtraTupleSlot(
        state: *mut pg_sys::EState,
        shape: pg_sys::TupleDesc,
        kind: *const pg_sys::TupleTableSlotOps,
    ) -> *mut pg_sys::TupleTableSlot;
    pub fn ExecResetTupleTable(table: *mut pg_sys::List, frees: bool);
    pub fn ExecStoreAllNullTuple(slot: *mut pg_sys::TupleTableSlot) -> *mut pg_sys::TupleTableSlot;
    pub fn ExecForceStoreHeapTuple(tuple: pg_sys::HeapTuple, slot: *mut pg_sys::TupleTableSlot, frees: bool);
    pub fn ExecSimpleRelationInsert(
        target: *mut pg_sys::ResultRelInfo,
        state: *mut pg_sys::EState,
        slot: *mut pg_sys::TupleTableSlot,
    );
    pub fn ExecSimpleRelationUpdate(
        target: *mut pg_sys::ResultRelInfo,
        state: *mut pg_sys::EState,
        recheck: *mut pg_sys::EPQState,
        found: *mut pg_sys::TupleTableSlot,
        slot: *mut pg_sys::TupleTableSlot,
    );
    pub fn ExecSimpleRelationDelete(
        target: *mut pg_sys::ResultRelInfo,
        state: *mut pg_sys::EState,
        recheck: *mut pg_sys::EPQState,
        found: *mut pg_sys::TupleTableSlot,
    );
    pub fn CheckCmdReplicaIdentity(relation: pg_sys::Relation, command: pg_sys::CmdType::Type);
    pub fn build_column_default(relation: pg_sys::Relation, column: c_int) -> *mut pg_sys::Node;
    pub fn expression_planner(expression: *mut pg_sys::Expr) -> *mut pg_sys::Expr;
    pub fn ExecInitExpr(expression: *mut pg_sys::Expr, parent: *mut pg_sys::PlanState) -> *mut pg_sys::ExprState;
    pub fn stringToNode(text: *const c_char) -> *mut c_void;
    pub fn nodeToString(node: *const c_void) -> *mut c_char;
    pub fn OidInputFunctionCall(
        function: pg_sys::Oid,
        text: *mut c_char,
        kind: pg_sys::Oid,
        modifier: i32,
    ) -> pg_sys::Datum;
    pub fn text_to_cstring(text: *const pg_sys::text) -> *mut c_char;
    pub fn list_make1_impl(tag: pg_sys::NodeTag, cell: pg_sys::ListCell) -> *mut pg_sys::List;
    pub fn bms_add_member(set: *mut pg_sys::Bitmapset, member: c_int) -> *mut pg_sys::Bitmapset;
    pub fn palloc0(size: usize) -> *mut c_void;
    #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
    fn addRTEPermissionInfo(
        all: *mut *mut pg_sys::List,
        entry: *mut pg_sys::RangeTblEntry,
    ) -> *mut pg_sys::RTEPermissionInfo;
    #[cfg(feature = "pg18")]
    fn ExecInitRangeTable(
        state: *mut pg_sys::EState,
        table: *mut pg_sys::List,
        permissions: *mut pg_sys::List,
        unpruned: *mut pg_sys::Bitmapset,
    );
    #[cfg(any(feature = "pg16", feature = "pg17"))]
    fn ExecInitRangeTable(state: *mut pg_sys::EState, table: *mut pg_sys::List, permissions: *mut pg_sys::List);
    #[cfg(any(feature = "pg14", feature = "pg15"))]
    fn ExecInitRangeTable(state: *mut pg_sys::EState, table: *mut pg_sys::List);
}

/// The state knows of one table, and of the columns that are updated in it: triggers and generated columns ask for them.
///
/// # Safety
/// Under the guard, in the memory of the state.
pub unsafe fn know_table(
    state: *mut pg_sys::EState,
    entry: *mut pg_sys::RangeTblEntry,
    updated: *mut pg_sys::Bitmapset,
) {
    // SAFETY: as the caller says; lists and sets are copied by nobody and live as long as the state.
    unsafe {
        let table = list_make1_impl(pg_sys::NodeTag::T_List, pg_sys::ListCell { ptr_value: entry.cast() });
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        {
            (*entry).updatedCols = updated;
            ExecInitRangeTable(state, table);
        }
        #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
        {
            let mut all = std::ptr::null_mut();
            let permission = addRTEPermissionInfo(&raw mut all, entry);
            (*permission).updatedCols = updated;
            #[cfg(any(feature = "pg16", feature = "pg17"))]
            ExecInitRangeTable(state, table, all);
            #[cfg(feature = "pg18")]
            ExecInitRangeTable(state, table, all, bms_add_member(std::ptr::null_mut(), 1));
        }
    }
}

/// The server compiles CHECKs that it finds here not again.
///
/// # Safety
/// One state for each CHECK of the table, in the table's order; null: it compiles them.
pub unsafe fn set_checks(target: *mut pg_sys::ResultRelInfo, checks: *mut *mut pg_sys::ExprState) {
    // SAFETY: as the caller says.
    unsafe {
        #[cfg(feature = "pg18")]
        {
            (*target).ri_CheckConstraintExprs = checks;
        }
        #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16", feature = "pg17"))]
        {
            (*target).ri_ConstraintExprs = checks;
        }
    }
}

/// Is this CHECK asked at all?
pub const fn is_enforced(check: &pg_sys::ConstrCheck) -> bool {
    #[cfg(feature = "pg18")]
    return check.ccenforced;
    #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16", feature = "pg17"))]
    {
        let _ = check;
        true
    }
}
