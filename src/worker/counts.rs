//! How often rows of a table were written, read without being in its database. [unsafe]
//!
//! The server counts them for autovacuum. A change of the count says that somebody wrote, whoever it was; reading it
//! touches neither the table nor the disk.

#[cfg(not(feature = "pg14"))]
use std::ffi::{c_int, c_void};

use pgrx::pg_sys;

/// `pg_class`, `pg_namespace`, `pg_subscription_rel`: a schema came, went or was filled by somebody else.
const CATALOGUE: [u32; 3] = [1259, 2615, 6102];

/// `pg_db_role_setting`.
const SETTINGS: u32 = 2964;

// Exported by the server; the bindings leave `utils/pgstat_internal.h` out. A new major does not compile before it was looked up.
#[cfg(any(feature = "pg15", feature = "pg16", feature = "pg17"))]
unsafe extern "C-unwind" {
    fn pgstat_fetch_entry(kind: c_int, database: pg_sys::Oid, object: u32) -> *mut c_void;
}
#[cfg(feature = "pg18")]
unsafe extern "C-unwind" {
    fn pgstat_fetch_entry(kind: c_int, database: pg_sys::Oid, object: u64) -> *mut c_void;
}

/// PGSTAT_KIND_RELATION, the same in every version.
#[cfg(not(feature = "pg14"))]
const RELATION: c_int = 2;

/// Does the server count them, where we can read it?
pub fn counted() -> bool {
    // SAFETY: reads a setting.
    cfg!(not(feature = "pg14")) && unsafe { pg_sys::pgstat_track_counts }
}

/// Rows that were ever inserted, updated or deleted in these tables.
#[cfg(not(feature = "pg14"))]
pub fn written(database: u32, tables: impl IntoIterator<Item = u32>) -> u64 {
    let of = |table: u32| {
        // SAFETY: returns null or a copy of the table's counts, which lives until the snapshot is cleared.
        unsafe {
            let entry = pgstat_fetch_entry(RELATION, pg_sys::Oid::from_u32(database), table.into())
                .cast::<pg_sys::PgStat_StatTabEntry>();
            if entry.is_null() {
                return 0;
            }
            (*entry).tuples_inserted + (*entry).tuples_updated + (*entry).tuples_deleted
        }
    };
    tables.into_iter().filter(|table| *table != 0).map(of).fold(0, |sum: u64, count| sum.wrapping_add_signed(count))
}

#[cfg(feature = "pg14")]
pub fn written(_database: u32, _tables: impl IntoIterator<Item = u32>) -> u64 {
    0
}

/// The same of the transaction that has just ended in this process, before the server is told of it.
#[cfg(not(feature = "pg14"))]
pub fn own(tables: impl IntoIterator<Item = u32>) -> u64 {
    let of = |table: u32| {
        // SAFETY: returns null or the counts of this process that were not reported yet.
        unsafe {
            let pending = pg_sys::find_tabstat_entry(pg_sys::Oid::from_u32(table));
            if pending.is_null() {
                return 0;
            }
            #[cfg(feature = "pg15")]
            let (inserted, updated, deleted) = {
                let counts = (*pending).t_counts;
                (counts.t_tuples_inserted, counts.t_tuples_updated, counts.t_tuples_deleted)
            };
            #[cfg(not(feature = "pg15"))]
            let (inserted, updated, deleted) = {
                let counts = (*pending).counts;
                (counts.tuples_inserted, counts.tuples_updated, counts.tuples_deleted)
            };
            inserted + updated + deleted
        }
    };
    tables.into_iter().filter(|table| *table != 0).map(of).fold(0, |sum: u64, count| sum.wrapping_add_signed(count))
}

#[cfg(feature = "pg14")]
pub fn own(_tables: impl IntoIterator<Item = u32>) -> u64 {
    0
}

/// Changes of the catalogue that may have brought, or taken, an attached schema.
pub fn catalogue(database: u32) -> u64 {
    written(database, CATALOGUE)
}

/// Changes of the settings of databases, which belong to no database.
pub fn settings() -> u64 {
    written(0, [SETTINGS])
}

/// What was read is read anew the next time.
pub fn forget() {
    // SAFETY: frees what the functions above were given copies of.
    unsafe { pg_sys::pgstat_clear_snapshot() };
}
