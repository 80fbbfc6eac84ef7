//! What statements take: values of the rules, each with the type that the server knows it by.

use pgrx::datum::{Range, TimestampWithTimeZone};
use pgrx::pg_sys::BuiltinOid::{
    self, BOOLOID, DATEOID, FLOAT8OID, INT4OID, INT8OID, JSONBARRAYOID, JSONBOID, OIDOID, TEXTARRAYOID, TEXTOID,
    TIMEOID, TIMESTAMPTZOID, TSTZRANGEOID, UUIDARRAYOID, UUIDOID, XID8OID,
};
use pgrx::{IntoDatum, pg_sys};

use super::columns::Columns;
use super::jsonb::Jsonb;
use super::row::{Day, TimeOfDay, TransactionNumber};
use super::statement::Statement;
use crate::rules::Id;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::json::Json;
use crate::unguarded;

/// An argument: None is NULL.
pub type Argument = Option<pg_sys::Datum>;

/// A statement's parameters: `statement!` makes a struct of them. C: what is read of its rows.
pub trait Parameters<C: Columns> {
    const STATEMENT: &'static Statement;

    /// In the order of the numbers that the text gives them.
    fn arguments(self) -> impl AsRef<[Argument]>;
}

/// A type of a parameter.
pub trait Parameter {
    const KIND: BuiltinOid;
    /// Is it a text that is taken for an enum's value where the column is one?
    const IS_LABEL: bool = false;

    fn argument(self) -> Argument;
}

macro_rules! parameter {
    ($kind:ty, $server:ident, $value:ident => $datum:expr) => {
        impl Parameter for $kind {
            const KIND: BuiltinOid = $server;

            fn argument(self) -> Argument {
                let $value = self;
                $datum
            }
        }
    };
}

parameter!(Id, UUIDOID, id => Some(unguarded::copied(id.as_bytes())));
parameter!(Instant, TIMESTAMPTZOID, at => at.0.into_datum());
parameter!(Window, TSTZRANGEOID, window => range(window).into_datum());
parameter!(&str, TEXTOID, text => text.into_datum());
parameter!(i32, INT4OID, number => number.into_datum());
parameter!(i64, INT8OID, number => number.into_datum());
parameter!(f64, FLOAT8OID, number => number.into_datum());
parameter!(bool, BOOLOID, flag => flag.into_datum());
parameter!(Json, JSONBOID, json => Jsonb(json).into_datum());
parameter!(TransactionNumber, XID8OID, number => Some(pg_sys::Datum::from(number.0)));
parameter!(Day, DATEOID, day => Some(pg_sys::Datum::from(day.0)));
parameter!(TimeOfDay, TIMEOID, time => Some(pg_sys::Datum::from(time.0)));
parameter!(pg_sys::Oid, OIDOID, oid => Some(oid.into()));
parameter!(Ids, UUIDARRAYOID, ids => ids.0);
parameter!(Texts, TEXTARRAYOID, texts => texts.0);
parameter!(Jsons, JSONBARRAYOID, jsons => jsons.0);

impl<T: Parameter> Parameter for Option<T> {
    const KIND: BuiltinOid = T::KIND;
    const IS_LABEL: bool = T::IS_LABEL;

    fn argument(self) -> Argument {
        self.and_then(T::argument)
    }
}

/// The label of an enum's value.
pub struct EnumLabel<'a>(pub &'a str);

impl Parameter for EnumLabel<'_> {
    const KIND: BuiltinOid = TEXTOID;
    const IS_LABEL: bool = true;

    fn argument(self) -> Argument {
        self.0.into_datum()
    }
}

/// A list of ids.
pub struct Ids(Argument);

/// A list of texts.
pub struct Texts(Argument);

/// A list of JSON values.
pub struct Jsons(Argument);

pub fn ids<'a>(ids: impl IntoIterator<Item = &'a Id>) -> Ids {
    Ids(ids.into_iter().map(|id| uuid(*id)).collect::<Vec<_>>().into_datum())
}

/// Ids as they were given, NULL among them.
pub fn given_ids(ids: &[Option<Id>]) -> Ids {
    Ids(ids.iter().map(|id| id.map(uuid)).collect::<Vec<_>>().into_datum())
}

pub fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Texts {
    Texts(texts.into_iter().collect::<Vec<&str>>().into_datum())
}

pub fn jsons<T: Into<Json>>(values: Vec<T>) -> Jsons {
    Jsons(values.into_iter().map(|value| Jsonb(value.into())).collect::<Vec<_>>().into_datum())
}

fn uuid(id: Id) -> pgrx::Uuid {
    pgrx::Uuid::from_bytes(*id.as_bytes())
}

/// The half-open range of a window, whose ends the server has instants for.
fn range(window: Window) -> Option<Range<TimestampWithTimeZone>> {
    let instant = |at: Instant| TimestampWithTimeZone::try_from(at.0).ok();
    Some(Range::from(instant(window.start())?..instant(window.end())?))
}
