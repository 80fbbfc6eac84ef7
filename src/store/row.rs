//! Between the server's datums and the types of the rules. [unsafe]

use pgrx::{FromDatum, IntoDatum, pg_sys};

use super::jsonb::Jsonb;
use super::plan::Argument;
use crate::rules::Id;
use crate::rules::json::Json;
use crate::rules::window::{Instant, Window};

/// One row of a result; columns count from 1.
pub struct Row {
    tuple: pg_sys::HeapTuple,
    columns: pg_sys::TupleDesc,
}

impl Row {
    pub(super) fn new(tuple: pg_sys::HeapTuple, columns: pg_sys::TupleDesc) -> Row {
        Row { tuple, columns }
    }

    fn get<T: FromDatum>(&self, column: i32) -> Option<T> {
        // SAFETY: tuple and descriptor belong together and outlive the row; every statement's columns have the
        // types that its reader asks for.
        unsafe {
            let mut null = false;
            let datum = pg_sys::SPI_getbinval(self.tuple, self.columns, column, &raw mut null);
            T::from_polymorphic_datum(datum, null, pg_sys::SPI_gettypeid(self.columns, column))
        }
    }

    pub fn id(&self, column: i32) -> Option<Id> {
        self.get::<pgrx::Uuid>(column).map(|uuid| Id::from_bytes(*uuid.as_bytes()))
    }

    pub fn ids(&self, column: i32) -> Option<Vec<Id>> {
        let ids = self.get::<Vec<Option<pgrx::Uuid>>>(column)?;
        Some(ids.into_iter().flatten().map(|uuid| Id::from_bytes(*uuid.as_bytes())).collect())
    }

    pub fn instant(&self, column: i32) -> Option<Instant> {
        self.get::<i64>(column).map(Instant)
    }

    pub fn window(&self, start: i32, end: i32) -> Option<Window> {
        Window::new(self.instant(start)?, self.instant(end)?)
    }

    pub fn text(&self, column: i32) -> Option<String> {
        self.get(column)
    }

    pub fn number(&self, column: i32) -> Option<i32> {
        self.get(column)
    }

    pub fn numbers(&self, column: i32) -> Vec<i64> {
        self.get::<Vec<Option<i64>>>(column).unwrap_or_default().into_iter().flatten().collect()
    }

    pub fn flag(&self, column: i32) -> bool {
        self.get(column).unwrap_or(false)
    }

    pub fn json(&self, column: i32) -> Option<Json> {
        self.get::<Jsonb>(column).map(|json| json.0)
    }

    /// A JSON that we wrote, as the type that it was written from; None where it says something else.
    pub fn read<T: serde::de::DeserializeOwned>(&self, column: i32) -> Option<T> {
        serde_json::from_str(self.json(column)?.text()).ok()
    }

    /// The label of an enum as the server passes it on.
    pub fn label(&self, column: i32) -> Option<pg_sys::Oid> {
        self.get(column)
    }
}

pub fn id(id: Id) -> Argument {
    pgrx::Uuid::from_bytes(*id.as_bytes()).into_datum()
}

pub fn optional_id(given: Option<Id>) -> Argument {
    given.and_then(id)
}

pub fn ids<'a>(ids: impl IntoIterator<Item = &'a Id>) -> Argument {
    ids.into_iter().map(|id| pgrx::Uuid::from_bytes(*id.as_bytes())).collect::<Vec<_>>().into_datum()
}

/// Ids as they were given, NULL among them.
pub fn tables(given: Option<&[Option<Id>]>) -> Argument {
    let uuids = |ids: &[Option<Id>]| {
        ids.iter().map(|id| id.map(|id| pgrx::Uuid::from_bytes(*id.as_bytes()))).collect::<Vec<_>>().into_datum()
    };
    given.and_then(uuids)
}

pub fn optional_flag(given: Option<bool>) -> Argument {
    given.and_then(flag)
}

pub fn instant(at: Instant) -> Argument {
    at.0.into_datum()
}

pub fn optional_instant(at: Option<Instant>) -> Argument {
    at.and_then(instant)
}

pub fn text(text: &str) -> Argument {
    text.into_datum()
}

pub fn optional_text(given: Option<&str>) -> Argument {
    given.and_then(text)
}

pub fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Argument {
    texts.into_iter().collect::<Vec<&str>>().into_datum()
}

pub fn number(number: i32) -> Argument {
    number.into_datum()
}

/// Milliseconds as the seconds that the server's functions take.
pub fn seconds(ms: i64) -> Argument {
    (ms as f64 / 1000.0).into_datum()
}

pub fn flag(flag: bool) -> Argument {
    flag.into_datum()
}

pub fn json(value: impl Into<Json>) -> Argument {
    Jsonb(value.into()).into_datum()
}

pub fn optional_json(given: Option<impl Into<Json>>) -> Argument {
    given.and_then(json)
}

pub fn jsons<T: Into<Json>>(values: Vec<T>) -> Argument {
    values.into_iter().map(|value| Jsonb(value.into())).collect::<Vec<_>>().into_datum()
}
