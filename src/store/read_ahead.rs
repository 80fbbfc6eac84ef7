//! Pages of an index, asked for before they are needed. [unsafe]

use pgrx::pg_sys;

use super::Store;
use super::statement::statement;
use crate::rules::refusal::failure::Failure;
use crate::rules::upkeep::scan_bookings::Probed;

statement!("probed_indexes", ProbedIndexes {});

impl Store {
    /// The indexes that a look at all live bookings asks once a booking, and what is known of each.
    pub fn probed_indexes(&self) -> Result<Vec<(pg_sys::Oid, Probed)>, Failure> {
        self.run(ProbedIndexes {}, |row| {
            let number = |column| i64::from(row.number(column).unwrap_or_default());
            (
                row.oid(1).unwrap_or(pg_sys::InvalidOid),
                Probed { pages: number(2), bookings: number(3), kept: number(4) },
            )
        })
    }

    /// Asks the system for every page of an index that the server does not have, in the order of the disk. Waits for none.
    pub fn read_ahead(&self, index: pg_sys::Oid) {
        // SAFETY: the index is locked while it is open, or gone; a page that is asked for is neither read nor pinned.
        unsafe {
            let relation = pg_sys::try_relation_open(index, pg_sys::AccessShareLock as i32);
            if relation.is_null() {
                return;
            }
            let fork = pg_sys::ForkNumber::MAIN_FORKNUM;
            for page in 0..pg_sys::RelationGetNumberOfBlocksInFork(relation, fork) {
                pgrx::check_for_interrupts!();
                pg_sys::PrefetchBuffer(relation, fork, page);
            }
            pg_sys::relation_close(relation, pg_sys::AccessShareLock as i32);
        }
    }
}
