//! Rows written without a statement, through the executor's own functions for one row, as logical replication applies them.
//!
//! A statement of ours that writes one row costs the server 50 000 to 200 000 instructions before and after it writes: it starts
//! and ends an executor, reads the text of every CHECK of the table anew, and asks each foreign key by a statement of its own. Here
//! the table is opened, the row is made, and the server's function inserts, updates or deletes it: with BEFORE ROW triggers,
//! stored generated columns, NOT NULL and CHECK constraints, indexes and exclusion constraints, and AFTER ROW triggers, which wait
//! with those of the statements beside it. A statement that says the same stands beside each, as beside each probe.
//!
//! **What is kept** between calls is how a row is made, for one role: the columns, and the compiled defaults, CHECKs, and conditions
//! and expressions of indexes, if they run functions of the server alone. An expression that calls anybody else's is compiled at
//! each call, as a statement does, so that neither a replaced function nor a right that was taken away is believed for longer.
//! Relations, indexes, triggers and memory are opened anew each time and given back.
//!
//! **When a statement runs instead**, besides what hinders a probe (`store::probe`):
//! - In each call: the table has triggers for whole statements, or with transition tables; BEFORE triggers of a delete; the user
//!   has not the right to the whole table.
//! - Once after each change of the catalogue: a column is not exactly of the type that is given, or has a modifier; any column is of
//!   a domain, whose own checks are made by statements, or is generated when it is read.
//! - The caller has a case that it does not know by its values, and says so.
//!
//! **Foreign keys.** Whether the row that a foreign key names is there, is known where this call has it locked, or has inserted it:
//! nobody can delete it, or give it another key, before the transaction ends. Then the check is left out. It is asked if the
//! constraint is deferrable, of several columns, or names another column; if the referenced table is not the one that was locked, or
//! its owner has not the rights that the check needs; and as soon as code of the application may have run between the lock and the
//! row: a BEFORE trigger, a function in a default, a CHECK or an index, or a statement that writes. A savepoint that was rolled back
//! forgets all of it.
//!
//! **What differs.** As with probes: statistics of statements, and hooks that only watch the executor. A conflict with a row that
//! somebody wrote without the booking's lock is an error of the constraint (23505) where `on conflict` would have gone on. Where a
//! BEFORE trigger wrote the row that is about to be written, the statement's error is told in English.

mod access;
mod direct;
mod index;
mod row;
mod server;

use pgrx::pg_sys::BuiltinOid;

pub(super) use access::WriteAccess;

use super::columns::Columns;
use super::parameter::Argument;

/// What is done with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Insert,
    /// An insert whose statement updates a row that is there already: it asks for what an update needs, too.
    Upsert,
    Update,
    Delete,
}

impl Verb {
    const fn inserts(self) -> bool {
        matches!(self, Verb::Insert | Verb::Upsert)
    }

    const fn updates(self) -> bool {
        matches!(self, Verb::Update | Verb::Upsert)
    }
}

/// What is written of a table's rows: the columns that are given.
pub struct Target {
    pub table: &'static str,
    pub verb: Verb,
    pub columns: &'static [Given],
    /// The columns that are read of the row as it was written.
    pub returned: &'static [&'static str],
}

/// A column with the type that it is given in.
pub struct Given {
    pub column: &'static str,
    pub kind: BuiltinOid,
    /// An enum's value, by its label.
    pub is_label: bool,
}

/// A row that is written. C: what is read of it then.
pub trait RowWrite<C: Columns> {
    const TARGET: &'static Target;

    /// In the order of the columns.
    fn values(self) -> impl AsRef<[Argument]>;
}

/// `written!(insert "bookings", NewBooking { id: Id } -> BookingRow)` makes a struct of the columns that are given; the others have
/// their defaults, or in an update what they had.
macro_rules! written {
    (insert $($rest:tt)*) => { $crate::store::writer::written!(@ Insert, $($rest)*); };
    (upsert $($rest:tt)*) => { $crate::store::writer::written!(@ Upsert, $($rest)*); };
    (update $($rest:tt)*) => { $crate::store::writer::written!(@ Update, $($rest)*); };
    (delete $($rest:tt)*) => { $crate::store::writer::written!(@ Delete, $($rest)*); };
    (
        @ $verb:ident, $table:literal,
        $row:ident $(<$life:lifetime>)? { $($column:ident: $kind:ty),* $(,)? }
    ) => {
        $crate::store::writer::written!(
            @ $verb, $table, $row $(<$life>)? { $($column: $kind),* } -> $crate::store::columns::Nothing
        );
    };
    (
        @ $verb:ident, $table:literal,
        $row:ident $(<$life:lifetime>)? { $($column:ident: $kind:ty),* $(,)? } -> $returned:ty
    ) => {
        struct $row $(<$life>)? {
            $($column: $kind),*
        }

        impl $(<$life>)? $crate::store::writer::RowWrite<$returned> for $row $(<$life>)? {
            const TARGET: &'static $crate::store::writer::Target = &$crate::store::writer::Target {
                table: $table,
                verb: $crate::store::writer::Verb::$verb,
                columns: &[$($crate::store::writer::Given {
                    column: stringify!($column),
                    kind: <$kind as $crate::store::parameter::Parameter>::KIND,
                    is_label: <$kind as $crate::store::parameter::Parameter>::IS_LABEL,
                }),*],
                returned: <$returned as $crate::store::columns::Columns>::NAMES,
            };

            fn values(self) -> impl AsRef<[$crate::store::parameter::Argument]> {
                let values: [$crate::store::parameter::Argument; _] =
                    [$($crate::store::parameter::Parameter::argument(self.$column)),*];
                values
            }
        }
    };
}
pub(super) use written;
