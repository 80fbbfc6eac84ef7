//! Rows found and locked by an index, without a statement.
//!
//! A statement of ours costs the server 36 000 to 200 000 instructions before it reads its first row: it starts and ends an
//! executor for what is one look into an index. A probe opens the table, descends a btree to the rows with a key, copies them out,
//! and hands them on as the `Row` that a statement's reader takes. What a probe may do is little, and a statement that says the
//! same stands beside each: it runs wherever the probe is not certain to answer alike. Nothing but time differs.
//!
//! **What it sees.** The probes of one `directly` share a snapshot, taken as SPI takes one for a statement of a volatile
//! function: own writes count as a command of their own first. Only at READ COMMITTED: above it what is decided on is read
//! with the latest snapshot and checked against the transaction's own, which is the statement's affair.
//!
//! **What it locks.** FOR NO KEY UPDATE as the executor's node for row locks does: from the version that the snapshot sees to
//! the newest, waiting for whoever changes it. Where it is another version than was found, its key is compared again, and a row
//! that was deleted, or given another key, is none. Waiting is the server's own, so are its deadlocks, timeouts and cancels, and
//! the errors come out of the same guard as those of statements.
//!
//! **When a statement runs instead.**
//! - In each call: isolation above READ COMMITTED; a parallel worker; somebody asks to see every check of permissions, as pgaudit
//!   does; the schema was changed since the call began; for locks, a read-only transaction or a standby. `holdfast.access_path`.
//! - In each probe, after the table is open with the lock that it keeps: it is no plain heap table of its own (view, partition,
//!   parent, foreign, temporary), it has rules, row security counts for this user, who may not read it, lock rows of it or name
//!   what is in its schema. A column's privilege alone is a statement's affair, and so is every error about it.
//! - Once after each change of the catalogue (`Access`): a column is missing, generated when it is read, or of another type; the
//!   key is a domain, or has a collation in which different texts are equal; there is no btree whose first columns are the key,
//!   valid, ready, with no condition but the probe's and with the server's own comparison, and unique and never deferred where one
//!   row is meant.
//! - A row holds what the reader does not take, as a column of a type that it reads only by the statement's cast.
//!
//! **What is not seen.** Statistics of statements do not count probes; those of tables and indexes do. Hooks of others on the
//! start of the executor that only watch, as pg_stat_statements and auto_explain, are not called. The locks of tables and
//! indexes are those that the statement takes, kept until the transaction ends.
//!
//! **Why it is safe.** The table is locked before anything of it is believed, and what was learnt of the catalogue is compared
//! with the count of changes after that: whoever alters the table, or drops the index, is heard of before, or waits for us. One
//! guard is around each use of the server's functions, and no frame that an error jumps over owns anything.

mod access;
mod reader;
mod scan;
mod server;

use std::ffi::CStr;

use pgrx::pg_sys;

pub(super) use access::Access;
pub(super) use reader::{NotDirect, Reader};

use super::columns::Columns;
use super::parameter::Argument;

/// Keys have no more columns than these.
const MOST_KEYS: usize = 2;

/// A question that an index answers: the rows of a table that have a key.
pub struct Probe {
    pub table: &'static str,
    /// The columns of the key, in the order of the index.
    pub keys: &'static [&'static str],
    pub types: &'static [pg_sys::BuiltinOid],
    /// Is there one row at most? Then a unique index has to say so.
    pub is_one: bool,
    /// Of the rows that an index keeps by a condition, those with this label in an enum's column: `status = 'active'`.
    pub only: Option<(&'static CStr, &'static CStr)>,
    pub columns: &'static [&'static str],
}

/// Why a row's word is a statement's to judge: it compares values, and labels may have been renamed since it was planned.
pub(super) const UNKNOWN_WORD: &str = "a label is none that a statement names";

/// A probe with its key.
pub trait ProbeKey<C: Columns> {
    const PROBE: &'static Probe;

    fn arguments(self) -> impl AsRef<[Argument]>;
}

/// `probe!(one "bookings", BookingById { id: Id } -> BookingRow)` makes a struct of the key, as `statement!` does of
/// parameters; `all` is for any number of rows.
macro_rules! probe {
    (one $($rest:tt)*) => {
        $crate::store::probe::probe!(@ true, None, $($rest)*);
    };
    (all where $column:literal is $label:literal, $($rest:tt)*) => {
        $crate::store::probe::probe!(@ false, Some(($column, $label)), $($rest)*);
    };
    (all $($rest:tt)*) => {
        $crate::store::probe::probe!(@ false, None, $($rest)*);
    };
    (
        @ $one:literal, $only:expr, $table:literal,
        $key:ident $(<$life:lifetime>)? { $($field:ident: $kind:ty),* $(,)? } -> $row:ty
    ) => {
        pub(in crate::store) struct $key $(<$life>)? {
            $(pub(in crate::store) $field: $kind),*
        }

        impl $(<$life>)? $crate::store::probe::ProbeKey<$row> for $key $(<$life>)? {
            const PROBE: &'static $crate::store::probe::Probe = &$crate::store::probe::Probe {
                table: $table,
                keys: &[$(stringify!($field)),*],
                types: &[$(<$kind as $crate::store::parameter::Parameter>::KIND),*],
                is_one: $one,
                only: $only,
                columns: <$row as $crate::store::columns::Columns>::NAMES,
            };

            fn arguments(self) -> impl AsRef<[$crate::store::parameter::Argument]> {
                let arguments: [$crate::store::parameter::Argument; _] =
                    [$($crate::store::parameter::Parameter::argument(self.$field)),*];
                arguments
            }
        }
    };
}
pub(super) use probe;
