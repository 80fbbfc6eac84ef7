//! What holdfast asks of an application's schema and what it owns there, as data: tables and columns, each
//! column once; `index` has the keys and indexes. Attach, detach, doctor, migration, the reference schema and docs/schema.md are rendered from it.
//!
//! A column that a release adds to a table of ours is a line in `holdfast_tables`, with its `since`; one that our statements
//! ask of the application is a line in `application_tables`.

pub mod application_tables;
pub mod column;
pub mod ddl;
pub mod holdfast_tables;

use application_tables::APPLICATION;
use column::{ApplicationTable, HoldfastTable};
use holdfast_tables::HOLDFAST;

/// A type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bigint,
    Boolean,
    Date,
    Integer,
    Jsonb,
    Snapshot,
    Text,
    Texts,
    Time,
    Timestamp,
    TransactionId,
    Uuid,
    Uuids,
    Window,
    /// Any enum of the application; the contract's own name of it.
    Enum(&'static str),
    /// Any type; what the reference schema gives it.
    Any(&'static str),
}

impl Kind {
    /// As our scripts write it.
    #[must_use]
    pub fn sql(self) -> String {
        match self {
            Kind::Enum(name) => format!("app.{name}"),
            Kind::Any(reference) => reference.to_owned(),
            other => other.word().to_owned(),
        }
    }

    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Bigint => "bigint",
            Kind::Boolean => "boolean",
            Kind::Date => "date",
            Kind::Integer => "integer",
            Kind::Jsonb => "jsonb",
            Kind::Snapshot => "pg_snapshot",
            Kind::Text => "text",
            Kind::Texts => "text[]",
            Kind::Time => "time",
            Kind::Timestamp => "timestamptz",
            Kind::TransactionId => "xid8",
            Kind::Uuid => "uuid",
            Kind::Uuids => "uuid[]",
            Kind::Window => "tstzrange",
            Kind::Enum(_) => "enum",
            Kind::Any(_) => "any",
        }
    }

    /// As `format_type` writes it.
    #[must_use]
    pub fn full(self) -> &'static str {
        match self {
            Kind::Timestamp => "timestamp with time zone",
            Kind::Time => "time without time zone",
            other => other.word(),
        }
    }
}

/// A table that calls work on: the application's, or one of ours that a schema may lack until attach is called again.
#[derive(Debug, Clone, Copy)]
pub enum Used {
    Application(&'static ApplicationTable),
    Holdfast(&'static HoldfastTable),
}

/// The tables that say what statuses and sets of tables may: decisions read them.
pub const RULE_TABLES: [&str; 3] =
    ["holdfast_booking_statuses", "holdfast_status_transitions", "holdfast_capacity_policies"];

/// The tables that calls work on.
pub fn used() -> impl Iterator<Item = Used> {
    let ours = HOLDFAST.iter().filter(|table| !table.feature.is_empty());
    APPLICATION.iter().map(Used::Application).chain(ours.map(Used::Holdfast))
}

impl Used {
    #[must_use]
    pub fn table(self) -> &'static str {
        match self {
            Used::Application(table) => table.name,
            Used::Holdfast(table) => table.name,
        }
    }

    /// What an optional table carries; empty: a confirm cannot do without it.
    #[must_use]
    pub fn feature(self) -> &'static str {
        match self {
            Used::Application(table) => table.feature,
            Used::Holdfast(table) => table.feature,
        }
    }

    /// The columns that have to be there for a call to work; before attach, what attach can add does not count.
    #[must_use]
    pub fn required(self, attached: bool) -> Vec<&'static str> {
        match self {
            Used::Application(table) => {
                table.asked().filter(|column| column.is_required(attached)).map(|column| column.name).collect()
            }
            Used::Holdfast(table) => table.columns.iter().map(|column| column.name).collect(),
        }
    }
}
