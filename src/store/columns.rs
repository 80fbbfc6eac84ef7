//! What a reader calls the columns of a result, and where in the plan's rows they stand. [unsafe]

use std::ffi::{CString, c_int};
use std::rc::Rc;

use pgrx::pg_sys;

use crate::rules::Id;

/// The columns that a reader asks for, in the order of its own.
pub trait Columns {
    const NAMES: &'static [&'static str];
}

/// The result of a statement that is run for what it does.
pub enum Nothing {}

impl Columns for Nothing {
    const NAMES: &'static [&'static str] = &[];
}

/// Where the named columns stand in rows of this shape, counted from 1. Looked up once a plan. Err: it has no such column.
///
/// # Safety
/// A descriptor that is alive, or null: no columns.
pub unsafe fn places(shape: pg_sys::TupleDesc, names: &'static [&'static str]) -> Result<Rc<[c_int]>, &'static str> {
    let place = |name: &&'static str| {
        let text = CString::new(*name).map_err(|_| *name)?;
        // SAFETY: the caller's descriptor; the name lives through the call.
        let place = if shape.is_null() { 0 } else { unsafe { pg_sys::SPI_fnumber(shape, text.as_ptr()) } };
        // Neither a missing one nor a system column.
        if place > 0 { Ok(place) } else { Err(*name) }
    };
    names.iter().map(place).collect()
}

/// `columns!(BookingRow { restaurant_id: Id, status: String })`: a reader of rows has `row.restaurant_id()`, of that type.
macro_rules! columns {
    ($row:ident { $($column:ident: $kind:ty),* $(,)? }) => {
        pub(in crate::store) enum $row {}

        impl $crate::store::columns::Columns for $row {
            const NAMES: &'static [&'static str] = &[$(stringify!($column)),*];
        }

        impl $crate::store::row::Row<'_, $row> {
            $crate::store::columns::columns!(@ 0, $($column: $kind,)*);
        }
    };
    (@ $place:expr,) => {};
    (@ $place:expr, $column:ident: $kind:ty, $($rest:tt)*) => {
        #[allow(clippy::wrong_self_convention, reason = "the column is called so")]
        pub(in crate::store) fn $column(&self) -> $kind {
            self.column_at($place)
        }

        $crate::store::columns::columns!(@ $place + 1, $($rest)*);
    };
}
pub(super) use columns;

/// Rows of several kinds, told apart by their column `kind`. `facts!(Fact { "edge" Edge { a: Id = subject, b: Id = other } })`
/// makes an enum with a variant a kind, and `row.fact()` reads it; a kind that is not listed is an error.
macro_rules! facts {
    ($fact:ident { $($label:literal $kind:ident { $($field:ident: $type:ty = $column:ident),* $(,)? })* }) => {
        pub(in crate::store) enum $fact {
            $($kind { $($field: $type),* }),*
        }

        impl $crate::store::columns::Columns for $fact {
            const NAMES: &'static [&'static str] = &["kind", $($(stringify!($column),)*)*];
        }

        impl $crate::store::row::Row<'_, $fact> {
            /// None: the statement fails, for a kind that nobody knows.
            pub(in crate::store) fn fact(&self) -> Option<$fact> {
                let kind = self.kind_label();
                let mut place = 0;
                $(
                    let first = place;
                    place += <[&str]>::len(&[$(stringify!($column)),*]);
                    if kind == $label {
                        #[allow(unused, reason = "a kind may have no fields")]
                        let mut next = (first..place).map(|place| place + 1);
                        return Some($fact::$kind {
                            $($field: self.column_at(next.next().unwrap_or_default())),*
                        });
                    }
                )*
                let _ = place;
                self.unknown_kind();
                None
            }
        }
    };
}
pub(super) use facts;

columns!(CountRow { count: i64 });
columns!(CountsRow { counts: Vec<i64> });
columns!(BookingIdRow { booking_id: Option<Id> });
