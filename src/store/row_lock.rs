//! Who has a booking's row locked, or is about to change it, seen without taking or awaiting its lock. [unsafe]

use pgrx::pg_sys::{
    self, HEAP_XMAX_EXCL_LOCK, HEAP_XMAX_INVALID, HEAP_XMAX_IS_MULTI, HEAP_XMAX_KEYSHR_LOCK, HEAP_XMAX_LOCK_ONLY,
};

use super::Store;
use super::columns::columns;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::refusal::failure::Failure;

columns!(PlaceRow { relation: pg_sys::Oid, page: i64, place: i32 });
statement!("row_place", RowPlace { booking: Id } -> PlaceRow);

impl Store {
    /// The transactions that the booking's row names as those who locked or changed it: who of them runs still, the server's
    /// locks say. Those that only kept the row's key are no lockers: they do not stand in a confirm's way.
    pub(super) fn row_lockers(&self, booking: Id) -> Result<Vec<u32>, Failure> {
        let places = self.run(RowPlace { booking }, |row| {
            Some((row.relation(), u32::try_from(row.page()).ok()?, u16::try_from(row.place()).ok()?))
        })?;
        Ok(places.into_iter().flatten().flat_map(|(relation, page, place)| lockers(relation, page, place)).collect())
    }
}

/// The lockers of the row at this place; none where rows are not kept in the server's own way.
fn lockers(relation: pg_sys::Oid, page: u32, place: u16) -> Vec<u32> {
    let mut tuple = pg_sys::HeapTupleData::default();
    pgrx::itemptr::item_pointer_set_all(&mut tuple.t_self, page, place);
    // SAFETY: the relation is locked while it is open, or gone. The row is read whatever has become of it since; its page is
    // pinned while it is looked at, and locked while the two fields are read that must belong together.
    let (mask, locker) = unsafe {
        let relation = pg_sys::try_relation_open(relation, pg_sys::AccessShareLock as i32);
        if relation.is_null() {
            return Vec::new();
        }
        let mut buffer = 0;
        let found = (*(*relation).rd_rel).relam == pg_sys::HEAP_TABLE_AM_OID
            && fetch(relation, &raw mut tuple, &raw mut buffer);
        let fields = found.then(|| {
            pg_sys::LockBuffer(buffer, pg_sys::BUFFER_LOCK_SHARE as i32);
            let header = tuple.t_data;
            let fields = (u32::from((*header).t_infomask), (*header).t_choice.t_heap.t_xmax);
            pg_sys::UnlockReleaseBuffer(buffer);
            fields
        });
        pg_sys::relation_close(relation, pg_sys::AccessShareLock as i32);
        fields.unwrap_or((HEAP_XMAX_INVALID, pg_sys::InvalidTransactionId))
    };
    let strength = mask & (HEAP_XMAX_EXCL_LOCK | HEAP_XMAX_KEYSHR_LOCK);
    let only_locked = mask & HEAP_XMAX_LOCK_ONLY != 0;
    if mask & HEAP_XMAX_INVALID != 0 {
        Vec::new()
    } else if mask & HEAP_XMAX_IS_MULTI != 0 {
        // A lock of several from before an upgrade of the cluster: nobody of them runs.
        if only_locked && strength == 0 { Vec::new() } else { members(locker, only_locked) }
    } else if only_locked && strength == HEAP_XMAX_KEYSHR_LOCK {
        Vec::new()
    } else {
        vec![locker.into_inner()]
    }
}

/// # Safety
/// An open relation with rows in the server's own way, and a tuple that says its place. Where it is found, the page is pinned.
unsafe fn fetch(relation: pg_sys::Relation, tuple: pg_sys::HeapTuple, buffer: *mut pg_sys::Buffer) -> bool {
    // SAFETY: as the caller says; this snapshot sees every row.
    unsafe {
        let any = &raw mut pg_sys::SnapshotAnyData;
        #[cfg(feature = "pg14")]
        return pg_sys::heap_fetch(relation, any, tuple, buffer);
        #[cfg(not(feature = "pg14"))]
        pg_sys::heap_fetch(relation, any, tuple, buffer, false)
    }
}

/// The transactions behind a lock that several have.
fn members(several: pg_sys::MultiXactId, only_locked: bool) -> Vec<u32> {
    let mut members = std::ptr::null_mut();
    // SAFETY: read from a row just now; the result is palloc'd and counted, or there is none.
    let members = unsafe {
        let count = pg_sys::GetMultiXactIdMembers(several, &raw mut members, false, only_locked);
        let count = usize::try_from(count).unwrap_or_default();
        if count == 0 { &[] } else { std::slice::from_raw_parts(members, count) }
    };
    let keeps_key = pg_sys::MultiXactStatus::MultiXactStatusForKeyShare;
    members.iter().filter(|member| member.status != keeps_key).map(|member| member.xid.into_inner()).collect()
}
