//! What a written row has to know of the catalogue: columns, defaults, CHECKs, foreign keys, until something changes. [unsafe]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::rc::Rc;

use pgrx::pg_sys;

use super::index::{self, KeptIndex};
use super::{Given, Target, Verb, server};
use crate::rules::catalogue::stored_expression;
use crate::store::attachment;
use crate::store::attribute::{column, column_of, type_class};
use crate::store::columns;
use crate::store::guard;
use crate::store::hooks::items;
use crate::store::memory::Memory;
use crate::store::probe::{NotDirect, server as probe_server};

pub const LOCK: pg_sys::LOCKMODE = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
pub const NO_LOCK: pg_sys::LOCKMODE = pg_sys::NoLock as pg_sys::LOCKMODE;

/// Where a value goes.
#[derive(Debug, Clone, Copy)]
pub struct TargetColumn {
    pub column: c_int,
    /// InvalidOid: the value is as it is given.
    pub enum_type: pg_sys::Oid,
}

/// What a column has that is not given.
#[derive(Debug, Clone, Copy)]
pub struct ColumnDefault {
    pub column: c_int,
    /// Null: it is compiled at each call.
    pub state: *mut pg_sys::ExprState,
}

/// A foreign key of one column.
#[derive(Debug, Clone, Copy)]
pub struct KeyReference {
    pub constraint: pg_sys::Oid,
    pub column: c_int,
    pub relation: pg_sys::Oid,
    pub key: c_int,
}

/// How a row is written.
pub struct WriteAccess {
    /// The changes that had been heard of before it was found.
    pub changes: u64,
    /// For whom: rights to functions are asked when an expression is compiled.
    pub role: pg_sys::Oid,
    pub relation: pg_sys::Oid,
    pub verb: Verb,
    pub places: Vec<TargetColumn>,
    pub defaults: Vec<ColumnDefault>,
    /// Null: they are compiled at each call, or there are none.
    pub checks: *mut *mut pg_sys::ExprState,
    pub indexes: Vec<KeptIndex>,
    pub references: Vec<KeyReference>,
    /// Does code that is not the server's run, besides triggers?
    pub runs_code: bool,
    /// The column of its id; 0: it has none.
    pub id: c_int,
    pub returned: Rc<[c_int]>,
    /// A copy: rows are read by it after the table was closed.
    pub shape: pg_sys::TupleDesc,
    /// Where the compiled expressions lie.
    _memory: Memory,
}

impl Drop for WriteAccess {
    fn drop(&mut self) {
        // SAFETY: the copy made in `of_table`; whoever reads rows by it has this in hand.
        unsafe { pg_sys::FreeTupleDesc(self.shape) };
    }
}

/// Finds how rows are written. The table's lock is kept, as that of a statement is.
///
/// Err: there is no way that does what the statement does.
pub fn find(target: &'static Target, schema: pg_sys::Oid, changes: u64) -> Result<WriteAccess, NotDirect> {
    let oid = attachment::relation(schema, target.table).map(pg_sys::Oid::from_u32);
    let oid = oid.ok_or(NotDirect::Sql("a table is absent"))?;
    // SAFETY: the call owns nothing; it is closed below, or by the server when the transaction aborts.
    let relation =
        unsafe { guard::guarded(|| probe_server::try_relation_open(oid, LOCK)) }.map_err(NotDirect::Raised)?;
    if relation.is_null() {
        return Err(NotDirect::Sql("a table is absent"));
    }
    // What is no plain table is said when it is written.
    let found = of_table(target, relation, changes);
    // SAFETY: opened above.
    unsafe { pg_sys::relation_close(relation, NO_LOCK) };
    found
}

fn of_table(target: &Target, relation: pg_sys::Relation, changes: u64) -> Result<WriteAccess, NotDirect> {
    let memory = Memory::new(c"holdfast expressions of a table");
    // SAFETY: an open relation, that keeps its descriptor.
    let (oid, shape) = unsafe { ((*relation).rd_id, (*relation).rd_att) };
    let places = places(oid, target.columns)?;
    let mut runs_code = false;
    let mut defaults = Vec::new();
    // SAFETY: as above.
    for number in 1..=unsafe { (*shape).natts } {
        let Some(column) = column(oid, number) else { continue };
        if type_class(column.kind) == b'd' {
            return Err(NotDirect::Sql("a column is of a domain"));
        }
        if column.generated == b'v' {
            return Err(NotDirect::Sql("a column is generated when it is read"));
        }
        let is_given = places.iter().any(|place| place.column == number);
        if target.verb.inserts() && column.generated == 0 && !is_given {
            let (default, is_foreign) = column_default(&memory, relation, number)?;
            defaults.extend(default);
            runs_code |= is_foreign;
        }
    }
    // A row that goes is not checked, and leaves its entries in indexes.
    let (checks, indexes) = if target.verb == Verb::Delete {
        (std::ptr::null_mut(), Vec::new())
    } else {
        // SAFETY: as above.
        let (checks, check_calls_code) = checks(&memory, unsafe { (*shape).constr })?;
        let (indexes, index_calls_code) = index::kept(&memory, relation)?;
        runs_code |= check_calls_code || index_calls_code;
        (checks, indexes)
    };
    // Stored generated columns are computed by the server, with whatever functions they name.
    // SAFETY: as above.
    runs_code |= unsafe { (*shape).constr.as_ref() }.is_some_and(|constraints| constraints.has_generated_stored);
    let references = if target.verb.inserts() { references(relation) } else { Vec::new() };
    // SAFETY: as for `columns::places`.
    let returned = unsafe { columns::places(shape, target.returned) };
    let returned = returned.map_err(|_| NotDirect::Sql("a column is absent"))?;
    let is_id = |number: &c_int| column(oid, *number).is_some_and(|column| column.kind == pg_sys::UUIDOID);
    if !returned.iter().all(is_id) {
        return Err(NotDirect::Sql("a column that is read of the row is no id"));
    }
    let id = column_of(oid, "id").filter(is_id).unwrap_or_default();
    // SAFETY: copies a descriptor into memory that stays; what it points at is copied with it. The role is a plain variable.
    let (shape, role) = unsafe {
        let copy = || pg_sys::CreateTupleDescCopyConstr(shape);
        (pgrx::PgMemoryContexts::TopMemoryContext.switch_to(|_| copy()), pg_sys::GetUserId())
    };
    let (relation, verb) = (oid, target.verb);
    Ok(WriteAccess {
        changes,
        role,
        relation,
        verb,
        places,
        defaults,
        checks,
        indexes,
        references,
        runs_code,
        id,
        returned,
        shape,
        _memory: memory,
    })
}

/// Where each value goes: into a column of exactly its type.
fn places(relation: pg_sys::Oid, columns: &[Given]) -> Result<Vec<TargetColumn>, NotDirect> {
    let place = |given: &Given| {
        let number = column_of(relation, given.column);
        let found = number.and_then(|number| Some((number, column(relation, number)?)));
        let (number, found) = found.ok_or(NotDirect::Sql("a column is absent"))?;
        let enum_type = match found.kind == given.kind.value() {
            true => pg_sys::InvalidOid,
            false if given.is_label && type_class(found.kind) == b'e' => found.kind,
            false => return Err(NotDirect::Sql("a column is of another type")),
        };
        // Statements refuse a value for a column that is generated, or always numbered.
        if found.modifier == -1 && found.generated == 0 && found.identity != b'a' {
            Ok(TargetColumn { column: number, enum_type })
        } else {
            Err(NotDirect::Sql("a column takes no value, or not every value"))
        }
    };
    columns.iter().map(place).collect()
}

/// The default of a column, if it has one, and whether it runs code that is not the server's.
fn column_default(
    memory: &Memory,
    relation: pg_sys::Relation,
    column: c_int,
) -> Result<(Option<ColumnDefault>, bool), NotDirect> {
    // SAFETY: the call owns nothing.
    let node =
        unsafe { memory.within(|| server::build_column_default(relation, column)) }.map_err(NotDirect::Raised)?;
    if node.is_null() {
        return Ok((None, false));
    }
    if !is_of_server(written_out(node.cast())?) {
        return Ok((Some(ColumnDefault { column, state: std::ptr::null_mut() }), true));
    }
    // SAFETY: as above.
    let state = unsafe { memory.within(|| compiled(node.cast())) }.map_err(NotDirect::Raised)?;
    Ok((Some(ColumnDefault { column, state }), false))
}

/// # Safety
/// Under the guard; an expression in memory that lives as long as what it is compiled to.
pub unsafe fn compiled(expression: *mut pg_sys::Expr) -> *mut pg_sys::ExprState {
    // SAFETY: as the caller says.
    unsafe { server::ExecInitExpr(server::expression_planner(expression), std::ptr::null_mut()) }
}

/// Nodes as the catalogue keeps them; null is none.
pub fn written_out(nodes: *const c_void) -> Result<*const c_char, NotDirect> {
    if nodes.is_null() {
        return Ok(std::ptr::null());
    }
    // SAFETY: the call owns nothing.
    let text = unsafe { guard::guarded(|| server::nodeToString(nodes)) };
    text.map(|text| text.cast_const()).map_err(NotDirect::Raised)
}

pub fn is_of_server(nodes: *const c_char) -> bool {
    // SAFETY: a text of the server's, NUL-terminated; null is none.
    !nodes.is_null() && stored_expression::is_of_server(&unsafe { CStr::from_ptr(nodes) }.to_string_lossy())
}

/// The table's CHECKs, compiled, and whether they run code that is not the server's: then they are not kept.
fn checks(
    memory: &Memory,
    constraints: *const pg_sys::TupleConstr,
) -> Result<(*mut *mut pg_sys::ExprState, bool), NotDirect> {
    // SAFETY: of a relation that is open, or null: it has none.
    let all = unsafe {
        match constraints.as_ref() {
            Some(constraints) if constraints.num_check > 0 => {
                std::slice::from_raw_parts(constraints.check, usize::from(constraints.num_check))
            }
            _ => return Ok((std::ptr::null_mut(), false)),
        }
    };
    let enforced = || all.iter().enumerate().filter(|(_, check)| server::is_enforced(check));
    if !enforced().all(|(_, check)| is_of_server(check.ccbin)) {
        return Ok((std::ptr::null_mut(), true));
    }
    let size = std::mem::size_of_val(all);
    // SAFETY: the call owns nothing. A CHECK takes more room than a pointer.
    let states = unsafe {
        memory.within(|| {
            let states: *mut *mut pg_sys::ExprState = server::palloc0(size).cast();
            for (at, check) in enforced() {
                *states.add(at) = compiled(server::stringToNode(check.ccbin).cast());
            }
            states
        })
    };
    Ok((states.map_err(NotDirect::Raised)?, false))
}

/// The foreign keys that a locked row may stand for.
fn references(relation: pg_sys::Relation) -> Vec<KeyReference> {
    // SAFETY: an open relation; the list is its own until the next look into the catalogue, and copied before.
    let keys: Vec<pg_sys::ForeignKeyCacheInfo> =
        unsafe { items(pg_sys::RelationGetFKeyList(relation)).map(|key| *key.cast()).collect() };
    let reference = |key: pg_sys::ForeignKeyCacheInfo| KeyReference {
        constraint: key.conoid,
        column: c_int::from(key.conkey[0]),
        relation: key.confrelid,
        key: c_int::from(key.confkey[0]),
    };
    keys.into_iter().filter(|key| key.nkeys == 1 && is_asked_in_vain(key.confrelid)).map(reference).collect()
}

/// The check asks as the owner of the table that is referred to, who may have given up the rights that it needs.
fn is_asked_in_vain(table: pg_sys::Oid) -> bool {
    const RIGHTS: u32 = pg_sys::ACL_SELECT | pg_sys::ACL_UPDATE;
    let cache = pg_sys::SysCacheIdentifier::RELOID as c_int;
    // SAFETY: reads the syscache; the row is given back. The calls own nothing.
    unsafe {
        let row = pg_sys::SearchSysCache1(cache, table.into());
        if row.is_null() {
            return false;
        }
        let class: *const pg_sys::FormData_pg_class = pg_sys::GETSTRUCT(row).cast();
        let (owner, schema) = ((*class).relowner, (*class).relnamespace);
        pg_sys::ReleaseSysCache(row);
        guard::guarded(|| probe_server::has_rights(table, schema, owner, RIGHTS)).unwrap_or(false)
    }
}
