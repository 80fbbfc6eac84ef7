//! One row after another: opened, made, written, closed. All of it runs under the guard, and owns nothing. [unsafe]

use std::ffi::c_int;

use pgrx::pg_sys;

use super::access::{self, ColumnDefault, LOCK, NO_LOCK, WriteAccess};
use super::{Verb, index, server};
use crate::store::held_rows::HeldRows;
use crate::store::parameter::Argument;
use crate::store::plan_cache::Known;
use crate::store::probe::{Unread, open_table, server as probe_server};

/// What is to be written.
pub struct RowsToWrite<'a> {
    pub access: &'a WriteAccess,
    pub known: &'a Known,
    /// For an update or delete: the row as it is now, locked, with the values that it gets.
    pub rows: &'a [(Option<pg_sys::HeapTuple>, Vec<Argument>)],
    pub held: &'a HeldRows,
}

/// A table that is being written, with what the executor wants to know of it.
struct OpenTarget {
    relation: pg_sys::Relation,
    state: *mut pg_sys::EState,
    target: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    found: *mut pg_sys::TupleTableSlot,
    /// One for each default of the access, compiled before any is evaluated.
    defaults: *mut *mut pg_sys::ExprState,
}

/// Writes the rows, and copies out those that were. Err: nothing was written.
///
/// # Safety
/// Under the guard, with an active snapshot, where AFTER triggers wait.
pub unsafe fn write(asked: &RowsToWrite, written: &mut Vec<pg_sys::HeapTuple>) -> Result<(), Unread> {
    let access = asked.access;
    // SAFETY: as the caller says. What is opened is closed here, or by the server when the transaction aborts.
    unsafe {
        let relation = opened(asked)?;
        let memory = pg_sys::CurrentMemoryContext;
        let open = open(relation, access);
        let state_memory = (*open.state).es_query_cxt;
        if access.verb == Verb::Upsert {
            server::CheckCmdReplicaIdentity(relation, pg_sys::CmdType::CMD_UPDATE);
        }
        let code = runs_code((*open.target).ri_TrigDesc, access);
        if code {
            asked.held.forget();
        } else if access.verb == Verb::Delete {
            asked.held.forget_of(access.relation);
        } else if access.verb == Verb::Update {
            asked.held.forget_places();
        }
        for (tuple, values) in asked.rows {
            pg_sys::CurrentMemoryContext = state_memory;
            let is_written = match access.verb {
                Verb::Insert | Verb::Upsert => insert(&open, asked, values),
                Verb::Update => update(&open, access, *tuple, values),
                Verb::Delete => delete(&open, *tuple),
            };
            pg_sys::CurrentMemoryContext = memory;
            if is_written {
                written.push(probe_server::copied(open.slot));
            }
            if is_written && access.verb.inserts() && access.id > 0 && !code {
                let id = *(*open.slot).tts_values.add(access.id as usize - 1);
                asked.held.add(access.relation, access.id, id, None);
            }
        }
        server::ExecResetTupleTable((*open.state).es_tupleTable, false);
        server::ExecCloseIndices(open.target);
        server::FreeExecutorState(open.state);
        probe_server::relation_close(relation, NO_LOCK);
        Ok(())
    }
}

/// Would a statement that writes no row be allowed to?
///
/// # Safety
/// Under the guard.
pub unsafe fn check(asked: &RowsToWrite) -> Result<(), Unread> {
    // SAFETY: as the caller says; closed here, or by the server when the transaction aborts.
    unsafe {
        let relation = opened(asked)?;
        let command = match asked.access.verb {
            Verb::Insert => pg_sys::CmdType::CMD_INSERT,
            Verb::Upsert | Verb::Update => pg_sys::CmdType::CMD_UPDATE,
            Verb::Delete => pg_sys::CmdType::CMD_DELETE,
        };
        server::CheckCmdReplicaIdentity(relation, command);
        probe_server::relation_close(relation, NO_LOCK);
        Ok(())
    }
}

/// The table, if its rows are ours to write.
///
/// # Safety
/// Under the guard; the caller closes it.
unsafe fn opened(asked: &RowsToWrite) -> Result<pg_sys::Relation, Unread> {
    let access = asked.access;
    // SAFETY: as the caller says.
    unsafe {
        let relation = open_table(access.relation, LOCK, (asked.known, access.changes), rights(access.verb))?;
        let Some(why) = trigger_hindrance((*relation).trigdesc.as_ref(), access.verb) else { return Ok(relation) };
        probe_server::relation_close(relation, NO_LOCK);
        Err(Unread::Sql(why))
    }
}

const fn rights(verb: Verb) -> u32 {
    let own = match verb {
        Verb::Insert => pg_sys::ACL_INSERT,
        Verb::Upsert => pg_sys::ACL_INSERT | pg_sys::ACL_UPDATE,
        Verb::Update => pg_sys::ACL_UPDATE,
        Verb::Delete => pg_sys::ACL_DELETE,
    };
    own | pg_sys::ACL_SELECT
}

/// Why triggers want a statement.
fn trigger_hindrance(triggers: Option<&pg_sys::TriggerDesc>, verb: Verb) -> Option<&'static str> {
    let has = triggers?;
    let of_insert = has.trig_insert_before_statement || has.trig_insert_after_statement || has.trig_insert_new_table;
    let of_update = has.trig_update_before_statement
        || has.trig_update_after_statement
        || has.trig_update_old_table
        || has.trig_update_new_table;
    let of_delete = has.trig_delete_before_statement || has.trig_delete_after_statement || has.trig_delete_old_table;
    let deletes = verb == Verb::Delete;
    if verb.inserts() && of_insert || verb.updates() && of_update || deletes && of_delete {
        Some("a trigger is for whole statements")
    } else if deletes && has.trig_delete_before_row {
        Some("a trigger runs before the row is deleted")
    } else {
        None
    }
}

/// Does code run while rows are written, besides what waits? Then nothing is held any more.
///
/// # Safety
/// A table that is open.
unsafe fn runs_code(triggers: *const pg_sys::TriggerDesc, access: &WriteAccess) -> bool {
    // SAFETY: as the caller says; null is none.
    unsafe {
        access.runs_code
            || triggers.as_ref().is_some_and(|all| {
                all.trig_insert_before_row
                    || access.verb == Verb::Update && all.trig_update_before_row
                    || (0..all.numtriggers as usize).any(|at| !(*all.triggers.add(at)).tgqual.is_null())
            })
    }
}

/// # Safety
/// As `write`, with a relation that is open.
unsafe fn open(relation: pg_sys::Relation, access: &WriteAccess) -> OpenTarget {
    // SAFETY: as the caller says. What is taken lies in the state's own memory, and goes with it.
    unsafe {
        let state = server::CreateExecutorState();
        let before = pg_sys::CurrentMemoryContext;
        pg_sys::CurrentMemoryContext = (*state).es_query_cxt;
        let entry: *mut pg_sys::RangeTblEntry = server::palloc0(size_of::<pg_sys::RangeTblEntry>()).cast();
        (*entry).type_ = pg_sys::NodeTag::T_RangeTblEntry;
        (*entry).rtekind = pg_sys::RTEKind::RTE_RELATION;
        (*entry).relid = (*relation).rd_id;
        (*entry).relkind = (*(*relation).rd_rel).relkind;
        (*entry).rellockmode = LOCK;
        let places = access.places.iter().filter(|_| access.verb == Verb::Update);
        let updated = places.fold(std::ptr::null_mut(), |set, place| {
            server::bms_add_member(set, place.column - pg_sys::FirstLowInvalidHeapAttributeNumber)
        });
        server::know_table(state, entry, updated);
        let target: *mut pg_sys::ResultRelInfo = server::palloc0(size_of::<pg_sys::ResultRelInfo>()).cast();
        (*target).type_ = pg_sys::NodeTag::T_ResultRelInfo;
        server::InitResultRelInfo(target, relation, 1, std::ptr::null_mut(), 0);
        if access.verb != Verb::Delete {
            index::open(target, relation, &access.indexes);
            server::set_checks(target, access.checks);
        }
        let slot = || server::ExecInitExtraTupleSlot(state, (*relation).rd_att, &raw const pg_sys::TTSOpsVirtual);
        let (slot, found) = (slot(), slot());
        let defaults: *mut *mut pg_sys::ExprState =
            server::palloc0(size_of::<*mut pg_sys::ExprState>() * (access.defaults.len() + 1)).cast();
        for (at, ColumnDefault { column, state }) in access.defaults.iter().enumerate() {
            let compiled = || access::compiled(server::build_column_default(relation, *column).cast());
            *defaults.add(at) = if state.is_null() { compiled() } else { *state };
        }
        (*state).es_output_cid = probe_server::GetCurrentCommandId(true);
        (*state).es_snapshot = pg_sys::GetActiveSnapshot();
        pg_sys::CurrentMemoryContext = before;
        OpenTarget { relation, state, target, slot, found, defaults }
    }
}

/// False: a trigger took the row away.
///
/// # Safety
/// As `write`; what was opened.
unsafe fn insert(open: &OpenTarget, asked: &RowsToWrite, values: &[Argument]) -> bool {
    let (access, slot) = (asked.access, open.slot);
    // SAFETY: as the caller says. A slot without a row gets one whose columns are all there.
    unsafe {
        clear(slot);
        server::ExecStoreAllNullTuple(slot);
        for (at, default) in access.defaults.iter().enumerate() {
            set(slot, default.column, evaluated(open.state, *open.defaults.add(at)));
        }
        fill(slot, access, values);
        (*slot).tts_tableOid = access.relation;
        leave_out_references(open, asked);
        server::ExecSimpleRelationInsert(open.target, open.state, slot);
        (*slot).tts_tid.ip_posid != 0
    }
}

/// False: a trigger kept the row as it was.
///
/// # Safety
/// As `insert`; the row as it is now.
unsafe fn update(
    open: &OpenTarget,
    access: &WriteAccess,
    tuple: Option<pg_sys::HeapTuple>,
    values: &[Argument],
) -> bool {
    let Some(tuple) = tuple else { return false };
    // SAFETY: as the caller says. The tuple is a copy, which the slot takes apart.
    unsafe {
        let (slot, found) = (open.slot, open.found);
        clear(slot);
        server::ExecForceStoreHeapTuple(tuple, slot, false);
        fill(slot, access, values);
        (*slot).tts_tableOid = access.relation;
        (*found).tts_tid = (*tuple).t_self;
        // Not looked into: nobody changes a row that is locked.
        let recheck = server::palloc0(size_of::<pg_sys::EPQState>()).cast();
        server::ExecSimpleRelationUpdate(open.target, open.state, recheck, found, slot);
        (*slot).tts_tid.ip_posid != 0
    }
}

/// # Safety
/// As `update`.
unsafe fn delete(open: &OpenTarget, tuple: Option<pg_sys::HeapTuple>) -> bool {
    let Some(tuple) = tuple else { return false };
    // SAFETY: as the caller says.
    unsafe {
        let (slot, found) = (open.slot, open.found);
        clear(slot);
        server::ExecForceStoreHeapTuple(tuple, slot, false);
        (*found).tts_tid = (*tuple).t_self;
        server::ExecSimpleRelationDelete(open.target, open.state, std::ptr::null_mut(), found);
        true
    }
}

/// # Safety
/// A slot of the executor's.
unsafe fn clear(slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: as the caller says; every kind of slot can be cleared.
    unsafe {
        if let Some(clear) = (*(*slot).tts_ops).clear {
            clear(slot);
        }
    }
}

/// # Safety
/// A slot that has a row, and one of its columns.
unsafe fn set(slot: *mut pg_sys::TupleTableSlot, column: c_int, value: Argument) {
    // SAFETY: as the caller says.
    unsafe {
        let at = column as usize - 1;
        *(*slot).tts_values.add(at) = value.unwrap_or(pg_sys::Datum::null());
        *(*slot).tts_isnull.add(at) = value.is_none();
    }
}

/// # Safety
/// A slot that has a row; values as the access says.
unsafe fn fill(slot: *mut pg_sys::TupleTableSlot, access: &WriteAccess, values: &[Argument]) {
    // SAFETY: as the caller says; what is a label, is a text. The input function refuses what is none of the enum.
    unsafe {
        for (place, value) in access.places.iter().zip(values) {
            let label = |text: pg_sys::Datum| {
                let text = server::text_to_cstring(text.cast_mut_ptr::<pg_sys::text>());
                server::OidInputFunctionCall(pg_sys::F_ENUM_IN.into(), text, place.enum_type, -1)
            };
            let is_label = place.enum_type != pg_sys::InvalidOid;
            set(slot, place.column, if is_label { value.map(label) } else { *value });
        }
    }
}

/// # Safety
/// A compiled expression without columns.
unsafe fn evaluated(state: *mut pg_sys::EState, expression: *mut pg_sys::ExprState) -> Argument {
    // SAFETY: as the caller says; the value lies in the state's memory.
    unsafe {
        if (*state).es_per_tuple_exprcontext.is_null() {
            server::MakePerTupleExprContext(state);
        }
        let mut is_null = false;
        let evaluate = (*expression).evalfunc?;
        let value = evaluate(expression, (*state).es_per_tuple_exprcontext, &raw mut is_null);
        (!is_null).then_some(value)
    }
}

/// Foreign keys whose row is held are not asked: the target's copies of their triggers are switched off for the row.
///
/// # Safety
/// As `insert`; the slot has the row that is to be inserted.
unsafe fn leave_out_references(open: &OpenTarget, asked: &RowsToWrite) {
    const ORIGIN: u8 = pg_sys::TRIGGER_FIRES_ON_ORIGIN;
    // SAFETY: as the caller says. The copies stand in the order of the relation's own, which nobody changes under our lock.
    unsafe {
        let (copies, own) = ((*open.target).ri_TrigDesc.as_ref(), (*open.relation).trigdesc.as_ref());
        let Some((copies, own)) = copies.zip(own) else { return };
        for at in 0..copies.numtriggers.min(own.numtriggers) as usize {
            let (trigger, own) = (&mut *copies.triggers.add(at), &*own.triggers.add(at));
            let is_check = own.tgfoid.to_u32() == pg_sys::F_RI_FKEY_CHECK_INS && !own.tgdeferrable;
            let known = asked.access.references.iter().find(|known| known.constraint == own.tgconstraint);
            let Some(reference) = known.filter(|_| is_check && own.tgenabled as u8 == ORIGIN) else { continue };
            let at = reference.column as usize - 1;
            let (value, is_null) = (*(*open.slot).tts_values.add(at), *(*open.slot).tts_isnull.add(at));
            let is_held = is_null || asked.held.has(reference.relation, reference.key, value);
            trigger.tgenabled = if is_held { pg_sys::TRIGGER_DISABLED as std::ffi::c_char } else { own.tgenabled };
        }
    }
}
