//! What a probe has to know of the catalogue: the table, the index and the columns, as they are until something changes. [unsafe]

use std::ffi::c_int;
use std::rc::Rc;

use pgrx::pg_sys::BuiltinOid::{DATEOID, TEXTOID, TIMEOID, TIMESTAMPTZOID, TSTZRANGEOID, UUIDOID};
use pgrx::{PgMemoryContexts, pg_sys};

use super::expression::{Shape, is_plain};
use super::reader::NotDirect;
use super::{Compares, KeyPart, MOST_KEYS, Probe, server};
use crate::store::attachment;
use crate::store::columns;
use crate::store::guard;
use crate::store::hooks::items;

/// One part of the key.
#[derive(Debug, Clone, Copy, Default)]
pub struct FoundPart {
    /// Where it stands in the table; 0: an expression.
    pub column: c_int,
    pub strategy: u16,
    pub procedure: pg_sys::RegProcedure,
    pub collation: pg_sys::Oid,
}

/// How a probe gets to its rows.
pub struct Access {
    pub probe: &'static Probe,
    /// The changes that had been heard of before it was found.
    pub changes: u64,
    pub relation: pg_sys::Oid,
    pub index: pg_sys::Oid,
    pub keys: [FoundPart; MOST_KEYS],
    pub places: Rc<[c_int]>,
    /// A copy: the rows that are read by it may be read after the table was closed.
    pub shape: pg_sys::TupleDesc,
}

impl Drop for Access {
    fn drop(&mut self) {
        // SAFETY: the copy made in `find`; whoever reads rows by it has this in hand.
        unsafe { pg_sys::FreeTupleDesc(self.shape) };
    }
}

/// Finds the way. Locks of what is looked at are kept, as those of a statement that is planned are.
///
/// Err: there is none that answers as the statement does.
pub fn find(
    probe: &'static Probe,
    (schema, changes): (pg_sys::Oid, u64),
    lock: pg_sys::LOCKMODE,
) -> Result<Access, NotDirect> {
    let oid = attachment::relation(schema, probe.table).map(pg_sys::Oid::from_u32);
    let oid = oid.ok_or(NotDirect::Sql("a table is absent"))?;
    // SAFETY: the call owns nothing; it is closed below, or by the server when the transaction aborts.
    let relation = unsafe { guard::guarded(|| server::try_relation_open(oid, lock)) }.map_err(NotDirect::Raised)?;
    if relation.is_null() {
        return Err(NotDirect::Sql("a table is absent"));
    }
    let found = of_table(probe, relation, lock);
    // SAFETY: opened above.
    unsafe { pg_sys::relation_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE) };
    let (index, keys, places, shape) = found?;
    Ok(Access { probe, changes, relation: oid, index, keys, places, shape })
}

type Found = (pg_sys::Oid, [FoundPart; MOST_KEYS], Rc<[c_int]>, pg_sys::TupleDesc);

fn of_table(probe: &Probe, relation: pg_sys::Relation, lock: pg_sys::LOCKMODE) -> Result<Found, NotDirect> {
    // SAFETY: an open relation, that keeps its descriptor.
    let (oid, shape) = unsafe { ((*relation).rd_id, (*relation).rd_att) };
    // SAFETY: as above.
    let place = |names| unsafe { columns::places(shape, names) }.map_err(|_| NotDirect::Sql("a column is absent"));
    let places = place(probe.columns)?;
    let mut keys = [FoundPart::default(); MOST_KEYS];
    for (part, key) in keys.iter_mut().zip(probe.keys) {
        let column = match &key.of {
            Shape::Column(name) => place(std::slice::from_ref(name))?.first().copied().unwrap_or_default(),
            _ => 0,
        };
        *part = of_key(oid, column, key)?;
    }
    for column in places.iter().copied().chain(keys.iter().map(|part| part.column)).filter(|column| *column > 0) {
        // SAFETY: reads the syscache.
        if unsafe { pg_sys::get_attgenerated(oid, column as pg_sys::AttrNumber) } as u8 == b'v' {
            return Err(NotDirect::Sql("a column is generated when it is read"));
        }
    }
    let (index, is_hash) = index(probe, relation, &keys[..probe.keys.len()], lock)?;
    if is_hash {
        keys[0].strategy = pg_sys::HTEqualStrategyNumber as u16;
    }
    // SAFETY: copies a descriptor into memory that stays; what it points at is copied with it.
    let shape = unsafe { PgMemoryContexts::TopMemoryContext.switch_to(|_| pg_sys::CreateTupleDescCopyConstr(shape)) };
    Ok((index, keys, places, shape))
}

fn of_key(relation: pg_sys::Oid, column: c_int, key: &KeyPart) -> Result<FoundPart, NotDirect> {
    let (mut kind, mut modifier, mut collation) = (key.kind.value(), -1, pg_sys::InvalidOid);
    if column > 0 {
        let number = column as pg_sys::AttrNumber;
        // SAFETY: reads the syscache: a column of a relation that is open.
        unsafe {
            pg_sys::get_atttypetypmodcoll(relation, number, &raw mut kind, &raw mut modifier, &raw mut collation);
        }
    }
    if kind != key.kind.value() || modifier != -1 || !is_plain(collation) {
        return Err(NotDirect::Sql("a key is of another type or collation"));
    }
    let (strategy, procedure) = key.operator().ok_or(NotDirect::Sql("a key is of a type that is not probed"))?;
    Ok(FoundPart { column, strategy: strategy as u16, procedure: pg_sys::Oid::from_u32(procedure), collation })
}

pub fn indexes_of(relation: pg_sys::Relation) -> Vec<pg_sys::Oid> {
    // SAFETY: an open relation; the list is a copy of ours, of OIDs.
    unsafe {
        let list = pg_sys::RelationGetIndexList(relation);
        let count = if list.is_null() { 0 } else { (*list).length as usize };
        (0..count).map(|at| (*(*list).elements.add(at)).oid_value).collect()
    }
}

/// The index that finds the key.
fn index(
    probe: &Probe,
    relation: pg_sys::Relation,
    keys: &[FoundPart],
    lock: pg_sys::LOCKMODE,
) -> Result<(pg_sys::Oid, bool), NotDirect> {
    for oid in indexes_of(relation) {
        // SAFETY: the call owns nothing. An index of a table that is locked; whoever rebuilds it is waited for.
        let index = unsafe { guard::guarded(|| server::index_open(oid, lock)) }.map_err(NotDirect::Raised)?;
        // SAFETY: just opened.
        let (finds, is_hash) = unsafe {
            let finds = finds(index, probe, keys);
            let is_hash = (*(*index).rd_rel).relam == pg_sys::HASH_AM_OID;
            pg_sys::index_close(index, lock);
            (finds, is_hash)
        };
        if finds {
            return Ok((oid, is_hash));
        }
    }
    Err(NotDirect::Sql("no index finds the key"))
}

/// # Safety
/// An open index.
unsafe fn finds(index: pg_sys::Relation, probe: &Probe, parts: &[FoundPart]) -> bool {
    // SAFETY: as the caller says. Each of the arrays has an entry for each column of the key.
    unsafe {
        let about = &*(*index).rd_index;
        let method = match probe.keys {
            keys if keys.iter().any(|key| key.is_in_gist()) => pg_sys::GIST_AM_OID,
            [key] if key.is_for_hash() && (*(*index).rd_rel).relam == pg_sys::HASH_AM_OID => pg_sys::HASH_AM_OID,
            _ => pg_sys::BTREE_AM_OID,
        };
        let is_usable = (*(*index).rd_rel).relam == method
            && (about.indisvalid && about.indisready && about.indislive && !about.indcheckxmin);
        let count = usize::try_from(about.indnkeyatts).unwrap_or_default();
        let fits = if probe.is_one {
            about.indisunique && about.indimmediate && count == parts.len()
        } else {
            count >= parts.len()
        };
        if !is_usable || !fits || !keeps_what_is_wanted(index, probe) {
            return false;
        }
        let columns = about.indkey.values.as_slice(count);
        let mut expressions = items(pg_sys::RelationGetIndexExpressions(index));
        parts.iter().zip(probe.keys).enumerate().all(|(at, (part, key))| {
            // An expression is stored as no column; its columns are compared with those of the key.
            let is_it = if columns[at] == 0 {
                expressions.next().is_some_and(|node| key.of.is(node, about.indrelid))
            } else {
                part.column > 0 && c_int::from(columns[at]) == part.column
            };
            let ascends = u32::from((*(*index).rd_indoption.add(at)).cast_unsigned()) & pg_sys::INDOPTION_DESC == 0;
            is_it
                && (ascends || matches!(key.compares, Compares::Equal))
                && *(*index).rd_indcollation.add(at) == part.collation
                && compares_as_the_server(*(*index).rd_opfamily.add(at), method, key)
        })
    }
}

/// The server's own comparisons, as its catalogue numbers their families in every release; in a GiST, ids are compared by
/// btree_gist, whose number it does not know.
fn compares_as_the_server(family: pg_sys::Oid, method: pg_sys::Oid, key: &KeyPart) -> bool {
    let known = match key.kind {
        UUIDOID if method == pg_sys::GIST_AM_OID => {
            // SAFETY: reads the syscache; InvalidOid is no operator, and has no function.
            let function = unsafe {
                let strategy = pg_sys::BTEqualStrategyNumber as i16;
                let operator = pg_sys::get_opfamily_member(family, pg_sys::UUIDOID, pg_sys::UUIDOID, strategy);
                if operator == pg_sys::InvalidOid { operator } else { pg_sys::get_opcode(operator) }
            };
            return function.to_u32() == pg_sys::F_UUID_EQ;
        }
        UUIDOID if method == pg_sys::HASH_AM_OID => 2969,
        TEXTOID if method == pg_sys::HASH_AM_OID => 1995,
        UUIDOID => 2968,
        TEXTOID => 1994,
        TIMESTAMPTZOID | DATEOID => 434,
        TIMEOID => 1996,
        TSTZRANGEOID if method == pg_sys::GIST_AM_OID => 3919,
        _ => return false,
    };
    family.to_u32() == known
}

/// An index with a condition has the rows of which it is true: those that the probe wants, where the probe says the same.
///
/// # Safety
/// An open index.
unsafe fn keeps_what_is_wanted(index: pg_sys::Relation, probe: &Probe) -> bool {
    // SAFETY: as the caller says; null is an empty list.
    unsafe {
        let (table, conditions) = ((*(*index).rd_index).indrelid, pg_sys::RelationGetIndexPredicate(index));
        let keeps = |shape: &Shape| items(conditions).any(|node| shape.is(node, table));
        items(conditions).all(|node| probe.only.iter().any(|shape| shape.is(node, table)))
            && (probe.most == usize::MAX || probe.only.iter().all(keeps))
    }
}
