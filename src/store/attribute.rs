//! What the catalogue says of a column, without a statement. [unsafe]

use std::ffi::{CString, c_int};

use pgrx::pg_sys;

pub fn column_of(relation: pg_sys::Oid, name: &str) -> Option<c_int> {
    let name = CString::new(name).ok()?;
    // SAFETY: reads the syscache; the name lives through the call. A system column is none of the table's own.
    let column = unsafe { pg_sys::get_attnum(relation, name.as_ptr()) };
    (column > 0).then(|| c_int::from(column))
}

/// What the catalogue says of a column.
pub struct Attribute {
    pub kind: pg_sys::Oid,
    pub modifier: i32,
    pub generated: u8,
    pub identity: u8,
}

/// None: it was dropped.
pub fn column(relation: pg_sys::Oid, number: c_int) -> Option<Attribute> {
    // SAFETY: reads the syscache; the row is given back.
    unsafe {
        let cache = pg_sys::SysCacheIdentifier::ATTNUM as c_int;
        let row = pg_sys::SearchSysCache2(cache, relation.into(), pg_sys::Datum::from(number as i16));
        if row.is_null() {
            return None;
        }
        let about = &*pg_sys::GETSTRUCT(row).cast::<pg_sys::FormData_pg_attribute>();
        let column = Attribute {
            kind: about.atttypid,
            modifier: about.atttypmod,
            generated: about.attgenerated as u8,
            identity: about.attidentity as u8,
        };
        let is_there = !about.attisdropped;
        pg_sys::ReleaseSysCache(row);
        is_there.then_some(column)
    }
}

pub fn type_class(kind: pg_sys::Oid) -> u8 {
    // SAFETY: reads the syscache.
    unsafe { pg_sys::get_typtype(kind) as u8 }
}
