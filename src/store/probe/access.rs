//! What a probe has to know of the catalogue: the table, the index and the columns, as they are until something changes. [unsafe]

use std::ffi::c_int;
use std::rc::Rc;

use pgrx::{PgMemoryContexts, pg_sys};

use super::reader::NotDirect;
use super::{MOST_KEYS, Probe, server};
use crate::store::attachment;
use crate::store::columns;
use crate::store::guard;
use crate::store::hooks::items;
use crate::store::server::enum_label;

/// One column of the key.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyColumn {
    /// Where it stands in the table.
    pub column: c_int,
    pub equals: pg_sys::RegProcedure,
    pub collation: pg_sys::Oid,
}

/// How a probe gets to its rows.
pub struct Access {
    pub probe: &'static Probe,
    pub schema: pg_sys::Oid,
    /// The changes that had been heard of before it was found.
    pub changes: u64,
    pub relation: pg_sys::Oid,
    pub index: pg_sys::Oid,
    pub keys: [KeyColumn; MOST_KEYS],
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
    Ok(Access { probe, schema, changes, relation: oid, index, keys, places, shape })
}

type Found = (pg_sys::Oid, [KeyColumn; MOST_KEYS], Rc<[c_int]>, pg_sys::TupleDesc);

fn of_table(probe: &Probe, relation: pg_sys::Relation, lock: pg_sys::LOCKMODE) -> Result<Found, NotDirect> {
    // SAFETY: an open relation, that keeps its descriptor.
    let (oid, shape) = unsafe { ((*relation).rd_id, (*relation).rd_att) };
    // SAFETY: as above.
    let place = |names| unsafe { columns::places(shape, names) }.map_err(|_| NotDirect::Sql("a column is absent"));
    let (places, key_places) = (place(probe.columns)?, place(probe.keys)?);
    for column in places.iter().chain(key_places.iter()) {
        // SAFETY: reads the syscache.
        if unsafe { pg_sys::get_attgenerated(oid, *column as pg_sys::AttrNumber) } as u8 == b'v' {
            return Err(NotDirect::Sql("a column is generated when it is read"));
        }
    }
    let mut keys = [KeyColumn::default(); MOST_KEYS];
    for ((key, column), wanted) in keys.iter_mut().zip(key_places.iter()).zip(probe.types) {
        *key = of_key(oid, *column, *wanted)?;
    }
    let index = index(probe, relation, &keys[..probe.keys.len()], lock)?;
    // SAFETY: copies a descriptor into memory that stays; what it points at is copied with it.
    let shape = unsafe { PgMemoryContexts::TopMemoryContext.switch_to(|_| pg_sys::CreateTupleDescCopyConstr(shape)) };
    Ok((index, keys, places, shape))
}

fn of_key(relation: pg_sys::Oid, column: c_int, wanted: pg_sys::BuiltinOid) -> Result<KeyColumn, NotDirect> {
    let (mut kind, mut modifier, mut collation) = (pg_sys::InvalidOid, 0, pg_sys::InvalidOid);
    // SAFETY: reads the syscache: a column of a relation that is open.
    let is_plain = unsafe {
        let number = column as pg_sys::AttrNumber;
        pg_sys::get_atttypetypmodcoll(relation, number, &raw mut kind, &raw mut modifier, &raw mut collation);
        modifier == -1 && (collation == pg_sys::InvalidOid || pg_sys::get_collation_isdeterministic(collation))
    };
    if kind != wanted.value() || !is_plain {
        return Err(NotDirect::Sql("a key is of another type or collation"));
    }
    let equals = match wanted {
        pg_sys::BuiltinOid::UUIDOID => pg_sys::F_UUID_EQ,
        pg_sys::BuiltinOid::TEXTOID => pg_sys::F_TEXTEQ,
        _ => return Err(NotDirect::Sql("a key is of a type that is not probed")),
    };
    Ok(KeyColumn { column, equals: pg_sys::Oid::from_u32(equals), collation })
}

/// The index that finds the key.
fn index(
    probe: &Probe,
    relation: pg_sys::Relation,
    keys: &[KeyColumn],
    lock: pg_sys::LOCKMODE,
) -> Result<pg_sys::Oid, NotDirect> {
    // SAFETY: an open relation; the list is a copy of ours, of OIDs.
    let indexes = unsafe {
        let list = pg_sys::RelationGetIndexList(relation);
        let count = if list.is_null() { 0 } else { (*list).length as usize };
        (0..count).map(|at| (*(*list).elements.add(at)).oid_value).collect::<Vec<_>>()
    };
    for oid in indexes {
        // SAFETY: the call owns nothing. An index of a table that is locked; whoever rebuilds it is waited for.
        let index = unsafe { guard::guarded(|| server::index_open(oid, lock)) }.map_err(NotDirect::Raised)?;
        // SAFETY: just opened.
        let finds = unsafe {
            let finds = finds(index, probe, keys);
            pg_sys::index_close(index, lock);
            finds
        };
        if finds {
            return Ok(oid);
        }
    }
    Err(NotDirect::Sql("no index finds the key"))
}

/// # Safety
/// An open index.
unsafe fn finds(index: pg_sys::Relation, probe: &Probe, keys: &[KeyColumn]) -> bool {
    // SAFETY: as the caller says. Each of the arrays has an entry for each column of the key.
    unsafe {
        let about = &*(*index).rd_index;
        let is_usable = (*(*index).rd_rel).relam == pg_sys::BTREE_AM_OID
            && (about.indisvalid && about.indisready && about.indislive && !about.indcheckxmin);
        let count = usize::try_from(about.indnkeyatts).unwrap_or_default();
        let fits = if probe.is_one {
            about.indisunique && about.indimmediate && count == keys.len()
        } else {
            count >= keys.len()
        };
        if !is_usable || !fits || !keeps_what_is_wanted(index, probe) {
            return false;
        }
        let columns = about.indkey.values.as_slice(count);
        keys.iter().enumerate().all(|(at, key)| {
            let family = if key.collation == pg_sys::InvalidOid { UUID_FAMILY } else { TEXT_FAMILY };
            c_int::from(columns[at]) == key.column
                && *(*index).rd_indcollation.add(at) == key.collation
                && (*(*index).rd_opfamily.add(at)).to_u32() == family
        })
    }
}

/// The server's own comparisons, as its catalogue numbers their families in every release.
const UUID_FAMILY: u32 = 2968;
const TEXT_FAMILY: u32 = 1994;

/// An index with a condition has the rows of which it is true: those that the probe wants, where it says `status = 'active'` as
/// the probe does.
///
/// # Safety
/// An open index.
unsafe fn keeps_what_is_wanted(index: pg_sys::Relation, probe: &Probe) -> bool {
    // SAFETY: as the caller says; null is an empty list. A node's tag tells its type; an enum's value is an OID.
    unsafe {
        let mut conditions = items(pg_sys::RelationGetIndexPredicate(index));
        let Some(condition) = conditions.next() else { return true };
        let Some((column, label)) = probe.only.filter(|_| conditions.next().is_none()) else { return false };
        let node = condition.cast::<pg_sys::OpExpr>();
        if (*node).xpr.type_ != pg_sys::NodeTag::T_OpExpr || (*node).opfuncid.to_u32() != pg_sys::F_ENUM_EQ {
            return false;
        }
        let mut sides = items((*node).args);
        let (Some(one), Some(other)) = (sides.next(), sides.next()) else { return false };
        let (variable, constant) = (one.cast::<pg_sys::Var>(), other.cast::<pg_sys::Const>());
        (*variable).xpr.type_ == pg_sys::NodeTag::T_Var
            && (*variable).varattno == pg_sys::get_attnum((*(*index).rd_index).indrelid, column.as_ptr())
            && (*constant).xpr.type_ == pg_sys::NodeTag::T_Const
            && !(*constant).constisnull
            && pg_sys::get_typtype((*constant).consttype) as u8 == pg_sys::TYPTYPE_ENUM
            && enum_label(pg_sys::Oid::from((*constant).constvalue.value() as u32)).as_deref() == label.to_str().ok()
    }
}
