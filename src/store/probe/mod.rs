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
//!   what is in its schema. A column's privilege alone is a statement's affair, and so is every error about it. A table that the
//!   statement joins and a probe need not read is looked at for this, too (`looks_at`).
//! - Once after each change of the catalogue (`Access`): a column is missing, generated when it is read, or of another type; the
//!   key is a domain, or has a collation in which different texts are equal; there is no index whose first columns, or expressions,
//!   are the key, valid, ready, without a condition that the probe has not, and with the server's own comparison, and unique and
//!   never deferred where one row is meant.
//! - A row holds what the reader does not take, as a column of a type that it reads only by the statement's cast; an index is not
//!   certain that a row is one of those asked for.
//!
//! **What is not seen.** Statistics of statements do not count probes; those of tables and indexes do. Hooks of others on the
//! start of the executor that only watch, as pg_stat_statements and auto_explain, are not called. The locks of tables and
//! indexes are those that the statement takes, kept until the transaction ends.
//!
//! **Why it is safe.** The table is locked before anything of it is believed, and what was learnt of the catalogue is compared
//! with the count of changes after that: whoever alters the table, or drops the index, is heard of before, or waits for us. One
//! guard is around each use of the server's functions, and no frame that an error jumps over owns anything.

mod access;
mod expression;
mod reader;
mod scan;
pub(super) mod server;

use pgrx::pg_sys;
use pgrx::pg_sys::BuiltinOid::{self, DATEOID, TEXTOID, TIMEOID, TIMESTAMPTZOID, TSTZRANGEOID, UUIDOID};

pub(super) use access::{Access, indexes_of};
pub(super) use expression::Shape;
pub(super) use reader::{NotDirect, Reader, watched};
pub(super) use scan::{Unread, open as open_table};

use super::columns::Columns;
use super::parameter::Argument;

/// Keys have no more parts than these.
const MOST_KEYS: usize = 3;

/// A question that an index answers: the rows of a table that have a key.
pub struct Probe {
    pub table: &'static str,
    /// The parts of the key, in the order of the index.
    pub keys: &'static [KeyPart],
    /// Is there one row at most? Then a unique index has to say so.
    pub is_one: bool,
    /// No more rows than these are read: the first in the order of the index, which then has all of `only` as its condition.
    pub most: usize,
    /// What is true of the rows that are asked for: an index may leave out others.
    pub only: &'static [Shape],
    pub columns: &'static [&'static str],
}

/// A part of a key.
pub struct KeyPart {
    pub of: Shape,
    pub compares: Compares,
    pub kind: BuiltinOid,
}

/// How a part of a key is compared with what is asked for.
#[derive(Clone, Copy)]
pub enum Compares {
    Equal,
    /// There is none; nothing is asked for.
    Absent,
    Before,
    From,
    After,
    /// Ranges that have a moment in common, in a GiST.
    Overlaps,
}

impl KeyPart {
    pub const fn equal(column: &'static str, kind: BuiltinOid) -> KeyPart {
        KeyPart { of: Shape::Column(column), compares: Compares::Equal, kind }
    }

    /// May the rows be found by an index that keeps no more of a key than its hash?
    const fn is_for_hash(&self) -> bool {
        matches!((&self.of, self.compares), (Shape::Column(_), Compares::Equal))
    }

    const fn is_in_gist(&self) -> bool {
        matches!(self.compares, Compares::Overlaps)
    }

    /// The server's strategy in a family of operators, and the function behind the operator.
    const fn operator(&self) -> Option<(u32, u32)> {
        match (self.compares, self.kind) {
            (Compares::Equal, UUIDOID) => Some((pg_sys::BTEqualStrategyNumber, pg_sys::F_UUID_EQ)),
            (Compares::Equal, TEXTOID) => Some((pg_sys::BTEqualStrategyNumber, pg_sys::F_TEXTEQ)),
            (Compares::Equal, DATEOID) => Some((pg_sys::BTEqualStrategyNumber, pg_sys::F_DATE_EQ)),
            (Compares::Equal, TIMEOID) => Some((pg_sys::BTEqualStrategyNumber, pg_sys::F_TIME_EQ)),
            // No operator: that there is nothing, an index says itself.
            (Compares::Absent, _) => Some((0, 0)),
            (Compares::Before, TIMESTAMPTZOID) => Some((pg_sys::BTLessStrategyNumber, pg_sys::F_TIMESTAMPTZ_LT)),
            (Compares::From, TIMESTAMPTZOID) => Some((pg_sys::BTGreaterEqualStrategyNumber, pg_sys::F_TIMESTAMPTZ_GE)),
            (Compares::After, TIMESTAMPTZOID) => Some((pg_sys::BTGreaterStrategyNumber, pg_sys::F_TIMESTAMPTZ_GT)),
            (Compares::Overlaps, TSTZRANGEOID) => Some((pg_sys::RANGESTRAT_OVERLAPS, pg_sys::F_RANGE_OVERLAPS)),
            _ => None,
        }
    }
}

/// Why a row's word is a statement's to judge: it compares values, and labels may have been renamed since it was planned.
pub(super) const UNKNOWN_WORD: &str = "a label is none that a statement names";

/// A probe with its key.
pub trait ProbeKey<C: Columns> {
    const PROBE: &'static Probe;

    fn arguments(self) -> impl AsRef<[Argument]>;
}

/// `probe!(one "bookings", BookingById { id: Id } -> BookingRow)` makes a struct of the key, as `statement!` does of
/// parameters; `all` is for any number of rows, `first 3` for no more. Behind `where` stands what is true of the rows asked for,
/// behind `by` the parts of a key that is more than columns.
macro_rules! probe {
    (one $($rest:tt)*) => {
        $crate::store::probe::probe!(@ true, usize::MAX, &[], $($rest)*);
    };
    (all where $only:ident, $($rest:tt)*) => {
        $crate::store::probe::probe!(@ false, usize::MAX, $only, $($rest)*);
    };
    (all $($rest:tt)*) => {
        $crate::store::probe::probe!(@ false, usize::MAX, &[], $($rest)*);
    };
    (first $most:literal where $only:ident, $($rest:tt)*) => {
        $crate::store::probe::probe!(@ false, $most, $only, $($rest)*);
    };
    (keys $given:ident; $($rest:tt)*) => { $given };
    (keys; $($field:ident: $kind:ty,)*) => {
        &[$($crate::store::probe::KeyPart::equal(
            stringify!($field),
            <$kind as $crate::store::parameter::Parameter>::KIND,
        )),*]
    };
    (
        @ $one:literal, $most:expr, $only:expr, $table:literal,
        $key:ident $(<$life:lifetime>)? { $($field:ident: $kind:ty),* $(,)? } $(by $keys:ident)? -> $row:ty
    ) => {
        pub(in crate::store) struct $key $(<$life>)? {
            $(pub(in crate::store) $field: $kind),*
        }

        impl $(<$life>)? $crate::store::probe::ProbeKey<$row> for $key $(<$life>)? {
            const PROBE: &'static $crate::store::probe::Probe = &$crate::store::probe::Probe {
                table: $table,
                keys: $crate::store::probe::probe!(keys $($keys)?; $($field: $kind,)*),
                is_one: $one,
                most: $most,
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
