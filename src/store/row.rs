//! Rows of a result, in the types of the rules. [unsafe]

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int};
use std::marker::PhantomData;

use pgrx::datum::{Range, RangeBound, TimestampWithTimeZone};
use pgrx::pg_sys::BuiltinOid::{
    BOOLOID, BPCHAROID, DATEOID, INT2OID, INT4OID, INT8ARRAYOID, INT8OID, JSONBOID, OIDOID, REGCLASSOID,
    REGNAMESPACEOID, REGROLEOID, TEXTOID, TIMEOID, TIMESTAMPTZOID, TSTZRANGEOID, UUIDARRAYOID, UUIDOID, VARCHAROID,
    XID8OID,
};
use pgrx::{FromDatum, pg_sys};

use super::columns::Columns;
use super::hooks::items;
use super::jsonb::{Jsonb, NumberField};
use super::labels::{enum_label, is_enum};
use crate::rules::Id;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::json::Json;

// Declared here because the bindings carry pgrx's guard, and a confirm reads hundreds of columns. They look at what is there
// already, and raise nothing.
unsafe extern "C-unwind" {
    fn SPI_gettypeid(shape: pg_sys::TupleDesc, column: c_int) -> pg_sys::Oid;
    fn SPI_getbinval(
        tuple: pg_sys::HeapTuple,
        shape: pg_sys::TupleDesc,
        column: c_int,
        is_null: *mut bool,
    ) -> pg_sys::Datum;
}

/// A column of a row; None: NULL.
///
/// # Safety
/// The descriptor is the row's.
unsafe fn column_value(tuple: pg_sys::HeapTuple, shape: pg_sys::TupleDesc, column: c_int) -> Option<pg_sys::Datum> {
    let mut is_null = false;
    // SAFETY: as the caller says. What a row is older than, the server makes of the column's default: that may raise.
    let value = unsafe {
        let there = c_int::from((*(*tuple).t_data).t_infomask2 & pg_sys::HEAP_NATTS_MASK as u16);
        if column > there {
            pg_sys::SPI_getbinval(tuple, shape, column, &raw mut is_null)
        } else {
            SPI_getbinval(tuple, shape, column, &raw mut is_null)
        }
    };
    (!is_null).then_some(value)
}

/// Why a row could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// A column that has another type than its reader takes; what that is, in words.
    Type { column: c_int, found: pg_sys::Oid, wanted: &'static str },
    /// A row of a kind that its reader does not know.
    Kind,
}

/// One row of a result. No datum is read as a type that it was not checked to have: what is not what its reader takes reads as
/// absent, and the statement fails.
pub struct Row<'a, C> {
    tuple: pg_sys::HeapTuple,
    shape: pg_sys::TupleDesc,
    /// Where the columns of the reader stand.
    places: &'a [c_int],
    fault: &'a Cell<Option<Unreadable>>,
    columns: PhantomData<C>,
}

impl<'a, C: Columns> Row<'a, C> {
    pub(super) fn new(
        tuple: pg_sys::HeapTuple,
        shape: pg_sys::TupleDesc,
        places: &'a [c_int],
        fault: &'a Cell<Option<Unreadable>>,
    ) -> Row<'a, C> {
        Row { tuple, shape, places, fault, columns: PhantomData }
    }

    /// The column at this place of the reader's list.
    pub(super) fn column_at<T: ReadAs>(&self, place: usize) -> T {
        let column = self.places.get(place).copied().unwrap_or_default();
        T::of(&Field { tuple: self.tuple, shape: self.shape, column, fault: self.fault })
    }

    pub(super) fn kind_label(&self) -> String {
        self.column_at(0)
    }

    pub(super) fn unknown_kind(&self) {
        self.fault.set(Some(Unreadable::Kind));
    }
}

/// One column of one row.
pub struct Field<'a> {
    tuple: pg_sys::HeapTuple,
    shape: pg_sys::TupleDesc,
    column: c_int,
    fault: &'a Cell<Option<Unreadable>>,
}

impl Field<'_> {
    /// The datum, if the column is of one of these types or a domain over one of them.
    fn get<T: FromDatum>(&self, wanted: &'static str, types: &[pg_sys::BuiltinOid]) -> Option<T> {
        self.kind(wanted, |kind| types.iter().any(|wanted| wanted.value() == kind)).and_then(|_| self.datum())
    }

    /// The base type of the column, if the reader takes it.
    fn kind(&self, wanted: &'static str, takes: impl Fn(pg_sys::Oid) -> bool) -> Option<pg_sys::Oid> {
        // SAFETY: the descriptor is the result's own; InvalidOid: it has no such column.
        let found = unsafe { SPI_gettypeid(self.shape, self.column) };
        if takes(found) {
            return Some(found);
        }
        // SAFETY: reads the syscache; a type that is no domain is its own base.
        let base = if found == pg_sys::InvalidOid { found } else { unsafe { pg_sys::getBaseType(found) } };
        if takes(base) {
            return Some(base);
        }
        self.fault.set(Some(Unreadable::Type { column: self.column, found, wanted }));
        None
    }

    fn datum<T: FromDatum>(&self) -> Option<T> {
        // SAFETY: tuple and descriptor belong together and outlive the row; the column was checked to have the type.
        unsafe {
            let datum = column_value(self.tuple, self.shape, self.column)?;
            T::from_polymorphic_datum(datum, false, SPI_gettypeid(self.shape, self.column))
        }
    }

    /// A whole number of any width; one that is out of range for 32 bits counts as another type.
    fn number(&self) -> Option<i32> {
        const WANTED: &str = "integer";
        let known = [INT2OID, INT4OID, INT8OID].map(|kind| kind.value());
        let kind = self.kind(WANTED, |kind| known.contains(&kind))?;
        let wide = match kind {
            kind if kind == INT2OID.value() => self.datum::<i16>().map(i64::from)?,
            kind if kind == INT4OID.value() => self.datum::<i32>().map(i64::from)?,
            _ => self.datum::<i64>()?,
        };
        let number = i32::try_from(wide).ok();
        if number.is_none() {
            self.fault.set(Some(Unreadable::Type { column: self.column, found: kind, wanted: WANTED }));
        }
        number
    }

    /// The version of an event in its payload.
    fn version(&self) -> Option<i64> {
        self.kind("jsonb", |kind| kind == JSONBOID.value())?;
        // SAFETY: as in `datum`; the column is a jsonb.
        let field = unsafe { NumberField::of(column_value(self.tuple, self.shape, self.column)?, "version") };
        if field.is_other {
            self.fault.set(Some(Unreadable::Kind));
        }
        field.number
    }

    fn label(&self) -> Option<EnumValue> {
        self.kind("an enum", is_enum).and_then(|_| self.datum()).map(EnumValue)
    }

    /// What `::text` makes of an enum or a text.
    fn word(&self) -> Option<String> {
        const TEXTS: [pg_sys::BuiltinOid; 2] = [TEXTOID, VARCHAROID];
        let is_text = |kind| TEXTS.iter().any(|text| text.value() == kind);
        let kind = self.kind("an enum or a text", |kind| is_text(kind) || is_enum(kind))?;
        if is_text(kind) {
            self.datum()
        } else {
            self.datum().and_then(enum_label).map(|label| label.as_ref().to_owned())
        }
    }

    fn bounds(&self) -> Option<Bounds> {
        let range = self.get::<Range<TimestampWithTimeZone>>("tstzrange", &[TSTZRANGEOID])?;
        let instant = |bound: Option<&RangeBound<TimestampWithTimeZone>>| {
            bound.and_then(RangeBound::get).map(|at| Instant(pg_sys::TimestampTz::from(*at)))
        };
        let upper_counts = matches!(range.upper(), Some(RangeBound::Inclusive(_)));
        Some(Bounds { lower: instant(range.lower()), upper: instant(range.upper()), upper_counts })
    }

    fn ids(&self) -> Option<Vec<Id>> {
        let ids = self.get::<Vec<Option<pgrx::Uuid>>>("uuid[]", &[UUIDARRAYOID])?;
        Some(ids.into_iter().flatten().map(|uuid| Id::from_bytes(*uuid.as_bytes())).collect())
    }

    fn numbers(&self) -> Option<Vec<i64>> {
        let numbers = self.get::<Vec<Option<i64>>>("bigint[]", &[INT8ARRAYOID])?;
        Some(numbers.into_iter().flatten().collect())
    }
}

/// A type that a column is read as.
pub trait ReadAs: Sized {
    fn of(field: &Field) -> Self;
}

/// The label of an enum as the server passes it on.
pub struct EnumValue(pub pg_sys::Oid);

/// What `::text` makes of a column that may be an enum or a text.
#[derive(Default)]
pub struct Word(pub String);

impl Word {
    /// The word, if it is one of those that the statement knows by their values, whatever they are called by now.
    pub fn among(&self, known: &[&str]) -> Option<&str> {
        Some(self.0.as_str()).filter(|word| known.contains(word))
    }
}

/// The ends of a range; one that is empty has none.
#[derive(Default)]
pub struct Bounds {
    pub lower: Option<Instant>,
    pub upper: Option<Instant>,
    /// Is the last moment one of the range?
    pub upper_counts: bool,
}

/// The version that an event's payload says.
pub struct EventVersion(pub i64);

/// A day, as the server counts them.
pub struct Day(pub i32);

/// A time of the day, in microseconds.
pub struct TimeOfDay(pub i64);

/// The number of a transaction, which never comes again.
pub struct TransactionNumber(pub u64);

/// What is read as absent where it is NULL, and as empty where a reader asks for no more.
macro_rules! column {
    ($kind:ty, $value:ident => $read:expr) => {
        impl ReadAs for Option<$kind> {
            fn of($value: &Field) -> Option<$kind> {
                $read
            }
        }
    };
    ($kind:ty, or empty, $value:ident => $read:expr) => {
        column!($kind, $value => $read);

        impl ReadAs for $kind {
            fn of(field: &Field) -> $kind {
                <Option<$kind> as ReadAs>::of(field).unwrap_or_default()
            }
        }
    };
}

column!(Id, or empty, value => {
    value.get::<pgrx::Uuid>("uuid", &[UUIDOID]).map(|uuid| Id::from_bytes(*uuid.as_bytes()))
});
column!(Vec<Id>, or empty, value => value.ids());
column!(Instant, value => value.get::<i64>("timestamp with time zone", &[TIMESTAMPTZOID]).map(Instant));
column!(String, or empty, value => value.get("text", &[TEXTOID, VARCHAROID, BPCHAROID]));
column!(i32, or empty, value => value.number());
column!(i64, or empty, value => value.get("bigint", &[INT8OID]));
column!(Vec<i64>, or empty, value => value.numbers());
column!(bool, or empty, value => value.get("boolean", &[BOOLOID]));
column!(Json, or empty, value => value.get::<Jsonb>("jsonb", &[JSONBOID]).map(|json| json.0));
column!(pg_sys::Oid, value => value.get("oid", &[OIDOID, REGCLASSOID, REGNAMESPACEOID, REGROLEOID]));
column!(EnumValue, value => value.label());
column!(Word, or empty, value => value.word().map(Word));
column!(Bounds, or empty, value => value.bounds());
column!(TransactionNumber, value => value.get::<i64>("xid8", &[XID8OID]).map(|number| TransactionNumber(number as u64)));

column!(EventVersion, value => value.version().map(EventVersion));
column!(Day, value => value.get::<i32>("date", &[DATEOID]).map(Day));
column!(TimeOfDay, value => value.get::<i64>("time", &[TIMEOID]).map(TimeOfDay));

impl ReadAs for pg_sys::Oid {
    fn of(field: &Field) -> pg_sys::Oid {
        Option::of(field).unwrap_or(pg_sys::InvalidOid)
    }
}

/// A window whose ends are there.
pub fn window(start: Option<Instant>, end: Option<Instant>) -> Option<Window> {
    Window::new(start?, end?)
}

/// A JSON that we wrote, as the type that it was written from; None where it says something else.
pub fn parsed<T: serde::de::DeserializeOwned>(json: Option<Json>) -> Option<T> {
    serde_json::from_str(json?.text()).ok()
}

/// Copies the rows of the last statement out of the server's memory.
pub fn rows<C: Columns, T>(places: &[c_int], mut read: impl FnMut(&Row<C>) -> T) -> Result<Vec<T>, Unreadable> {
    // SAFETY: the table is the last statement's and is freed here, after every row was read.
    unsafe {
        let table = pg_sys::SPI_tuptable;
        if table.is_null() {
            return Ok(Vec::new());
        }
        let (count, fault) = (pg_sys::SPI_processed as usize, Cell::new(None));
        let row = |at| Row::new(*(*table).vals.add(at), (*table).tupdesc, places, &fault);
        let read = (0..count).map(|at| read(&row(at))).collect();
        pg_sys::SPI_freetuptable(table);
        fault.get().map_or(Ok(read), Err)
    }
}

/// What a column of a plan's result is called: table and column, where it comes from one.
///
/// # Safety
/// A plan that is alive.
pub unsafe fn result_column(plan: pg_sys::SPIPlanPtr, column: i32) -> String {
    // SAFETY: lists of the plan's own; what is looked up is palloc'd and NUL-terminated, or null.
    unsafe {
        let unknown = || format!("Column {column} of a result");
        let source = items(pg_sys::SPI_plan_get_plan_sources(plan)).last();
        let query = source.and_then(|source| items((*source.cast::<pg_sys::CachedPlanSource>()).query_list).last());
        let Some(query) = query.map(|query| query.cast::<pg_sys::Query>()) else { return unknown() };
        let list = if (*query).commandType == pg_sys::CmdType::CMD_SELECT {
            (*query).targetList
        } else {
            (*query).returningList
        };
        let Some(entry) = items(list).nth((column - 1) as usize).map(|entry| entry.cast::<pg_sys::TargetEntry>())
        else {
            return unknown();
        };
        let text = |name: *const c_char| (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned());
        let table = text(pg_sys::get_rel_name((*entry).resorigtbl));
        match table.zip(text(pg_sys::get_attname((*entry).resorigtbl, (*entry).resorigcol, true))) {
            Some((table, name)) => format!("Column {table}.{name}"),
            None => text((*entry).resname).map_or_else(unknown, |name| format!("Column {name} of a result")),
        }
    }
}

/// What the server calls a type.
pub fn type_name(kind: pg_sys::Oid) -> String {
    // SAFETY: palloc'd and NUL-terminated, also for a type that is gone.
    unsafe { CStr::from_ptr(pg_sys::format_type_be(kind)) }.to_string_lossy().into_owned()
}
