//! Between the server's datums and the types of the rules. [unsafe]

use std::cell::Cell;

use pgrx::pg_sys::BuiltinOid::{
    BOOLOID, BPCHAROID, INT2OID, INT4OID, INT8ARRAYOID, INT8OID, JSONBOID, OIDOID, REGCLASSOID, REGNAMESPACEOID,
    REGROLEOID, TEXTOID, TIMESTAMPTZOID, UUIDARRAYOID, UUIDOID, VARCHAROID,
};
use pgrx::{FromDatum, pg_sys};

use super::jsonb::Jsonb;
use crate::rules::Id;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::json::Json;

/// A column that has another type than its reader takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeMismatch {
    pub column: i32,
    pub found: pg_sys::Oid,
    /// What the reader takes, in words.
    pub wanted: &'static str,
}

/// One row of a result; columns count from 1. No datum is read as a type that it was not checked to have: what is not
/// what its reader takes reads as absent, and the statement fails.
pub struct Row<'a> {
    tuple: pg_sys::HeapTuple,
    columns: pg_sys::TupleDesc,
    mismatch: &'a Cell<Option<TypeMismatch>>,
}

impl<'a> Row<'a> {
    pub(super) fn new(
        tuple: pg_sys::HeapTuple,
        columns: pg_sys::TupleDesc,
        mismatch: &'a Cell<Option<TypeMismatch>>,
    ) -> Row<'a> {
        Row { tuple, columns, mismatch }
    }

    /// The datum, if the column is of one of these types or a domain over one of them.
    fn get<T: FromDatum>(&self, column: i32, wanted: &'static str, types: &[pg_sys::BuiltinOid]) -> Option<T> {
        self.kind(column, wanted, |kind| types.iter().any(|wanted| wanted.value() == kind))
            .and_then(|_| self.datum(column))
    }

    /// The base type of the column, if the reader takes it.
    fn kind(&self, column: i32, wanted: &'static str, takes: impl Fn(pg_sys::Oid) -> bool) -> Option<pg_sys::Oid> {
        // SAFETY: the descriptor is the result's own; InvalidOid: it has no such column.
        let found = unsafe { pg_sys::SPI_gettypeid(self.columns, column) };
        if takes(found) {
            return Some(found);
        }
        // SAFETY: reads the syscache; a type that is no domain is its own base.
        let base = if found == pg_sys::InvalidOid { found } else { unsafe { pg_sys::getBaseType(found) } };
        if takes(base) {
            return Some(base);
        }
        self.mismatch.set(Some(TypeMismatch { column, found, wanted }));
        None
    }

    fn datum<T: FromDatum>(&self, column: i32) -> Option<T> {
        // SAFETY: tuple and descriptor belong together and outlive the row; the column was checked to have the type.
        unsafe {
            let mut null = false;
            let datum = pg_sys::SPI_getbinval(self.tuple, self.columns, column, &raw mut null);
            T::from_polymorphic_datum(datum, null, pg_sys::SPI_gettypeid(self.columns, column))
        }
    }

    pub fn id(&self, column: i32) -> Option<Id> {
        let uuid = self.get::<pgrx::Uuid>(column, "uuid", &[UUIDOID])?;
        Some(Id::from_bytes(*uuid.as_bytes()))
    }

    pub fn ids(&self, column: i32) -> Option<Vec<Id>> {
        let ids = self.get::<Vec<Option<pgrx::Uuid>>>(column, "uuid[]", &[UUIDARRAYOID])?;
        Some(ids.into_iter().flatten().map(|uuid| Id::from_bytes(*uuid.as_bytes())).collect())
    }

    pub fn instant(&self, column: i32) -> Option<Instant> {
        self.get::<i64>(column, "timestamp with time zone", &[TIMESTAMPTZOID]).map(Instant)
    }

    pub fn window(&self, start: i32, end: i32) -> Option<Window> {
        Window::new(self.instant(start)?, self.instant(end)?)
    }

    pub fn text(&self, column: i32) -> Option<String> {
        self.get(column, "text", &[TEXTOID, VARCHAROID, BPCHAROID])
    }

    /// A whole number of any width; one that is out of range for 32 bits counts as another type.
    pub fn number(&self, column: i32) -> Option<i32> {
        const WANTED: &str = "integer";
        let known = [INT2OID, INT4OID, INT8OID].map(|kind| kind.value());
        let kind = self.kind(column, WANTED, |kind| known.contains(&kind))?;
        let wide = match kind {
            kind if kind == INT2OID.value() => self.datum::<i16>(column).map(i64::from)?,
            kind if kind == INT4OID.value() => self.datum::<i32>(column).map(i64::from)?,
            _ => self.datum::<i64>(column)?,
        };
        let number = i32::try_from(wide).ok();
        if number.is_none() {
            self.mismatch.set(Some(TypeMismatch { column, found: kind, wanted: WANTED }));
        }
        number
    }

    pub fn count(&self, column: i32) -> i64 {
        self.get(column, "bigint", &[INT8OID]).unwrap_or_default()
    }

    pub fn numbers(&self, column: i32) -> Vec<i64> {
        let numbers = self.get::<Vec<Option<i64>>>(column, "bigint[]", &[INT8ARRAYOID]);
        numbers.unwrap_or_default().into_iter().flatten().collect()
    }

    pub fn flag(&self, column: i32) -> bool {
        self.get(column, "boolean", &[BOOLOID]).unwrap_or(false)
    }

    pub fn json(&self, column: i32) -> Option<Json> {
        self.get::<Jsonb>(column, "jsonb", &[JSONBOID]).map(|json| json.0)
    }

    /// A JSON that we wrote, as the type that it was written from; None where it says something else.
    pub fn read<T: serde::de::DeserializeOwned>(&self, column: i32) -> Option<T> {
        serde_json::from_str(self.json(column)?.text()).ok()
    }

    pub fn oid(&self, column: i32) -> Option<pg_sys::Oid> {
        self.get(column, "oid", &[OIDOID, REGCLASSOID, REGNAMESPACEOID, REGROLEOID])
    }

    /// The label of an enum as the server passes it on.
    pub fn label(&self, column: i32) -> Option<pg_sys::Oid> {
        // SAFETY: reads the syscache; InvalidOid is no enum.
        let is_enum = |kind| unsafe { pg_sys::get_typtype(kind) } == b'e' as std::ffi::c_char;
        self.kind(column, "an enum", is_enum).and_then(|_| self.datum(column))
    }
}
