//! Pages of an index, asked for before they are needed. [unsafe]

use pgrx::pg_sys;

use super::Store;
use super::columns::columns;
use super::statement::statement;
use crate::rules::refusal::failure::Failure;
use crate::rules::upkeep::scan_bookings::Probed;

columns!(ProbedRow { index: pg_sys::Oid, pages: i32, bookings: i32, kept: i32 });
statement!("probed_indexes", ProbedIndexes {} -> ProbedRow);

impl Store {
    /// The indexes that a look at all live bookings asks once a booking, and what is known of each.
    pub fn probed_indexes(&self) -> Result<Vec<(pg_sys::Oid, Probed)>, Failure> {
        self.run(ProbedIndexes {}, |row| {
            let [pages, bookings, kept] = [row.pages(), row.bookings(), row.kept()].map(i64::from);
            (row.index(), Probed { pages, bookings, kept })
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
