//! Functions of the server that raise no error, under their own names. [unsafe]
//!
//! pgrx puts a guard around each function of the server, which costs a hundred instructions and code for each place that calls it.
//! Only what can't raise stands here: it reads or writes memory that is there already.

use std::ffi::{c_int, c_void};

use pgrx::pg_sys;

unsafe extern "C-unwind" {
    pub fn GetUserId() -> pg_sys::Oid;
    pub fn GetActiveSnapshot() -> pg_sys::Snapshot;
    pub fn PopActiveSnapshot();
    pub fn GetCurrentTimestamp() -> pg_sys::TimestampTz;
    pub fn heap_freetuple(tuple: pg_sys::HeapTuple);
    fn palloc_extended(size: usize, flags: c_int) -> *mut c_void;
}

/// Memory of the server's current context with these bytes.
pub fn copied<const SIZE: usize>(bytes: &[u8; SIZE]) -> pg_sys::Datum {
    // SAFETY: NULL where memory is short; then the function that raises says so. What is allocated has room for the bytes.
    unsafe {
        let mut place = palloc_extended(SIZE, pg_sys::MCXT_ALLOC_NO_OOM as c_int);
        if place.is_null() {
            place = pg_sys::palloc(SIZE);
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), place.cast(), SIZE);
        pg_sys::Datum::from(place)
    }
}
