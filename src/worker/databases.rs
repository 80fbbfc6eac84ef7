//! Which databases there are, read without being in one of them. [unsafe]

use pgrx::pg_sys;

/// The databases that somebody may connect to and that are no templates.
pub fn databases() -> Vec<u32> {
    let mut found = Vec::new();
    // SAFETY: the launcher is connected to the shared catalogues; a tuple is read before the next one is fetched.
    unsafe {
        pg_sys::StartTransactionCommand();
        let catalogue = pg_sys::table_open(pg_sys::DatabaseRelationId, pg_sys::AccessShareLock as i32);
        let snapshot = std::ptr::null_mut();
        let scan = pg_sys::systable_beginscan(catalogue, pg_sys::InvalidOid, false, snapshot, 0, std::ptr::null_mut());
        loop {
            let tuple = pg_sys::systable_getnext(scan);
            if tuple.is_null() {
                break;
            }
            let database = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_database>();
            // A negative limit other than -1 marks one that is half dropped.
            if (*database).datallowconn && !(*database).datistemplate && (*database).datconnlimit >= -1 {
                found.push((*database).oid.to_u32());
            }
        }
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(catalogue, pg_sys::AccessShareLock as i32);
        pg_sys::CommitTransactionCommand();
    }
    found
}
