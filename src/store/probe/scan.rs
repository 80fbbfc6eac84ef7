//! One probe: opened, scanned, locked, closed. All of it runs under the guard, and owns nothing. [unsafe]

use std::ffi::c_int;

use pgrx::pg_sys;

use super::access::{Access, FoundPart};
use super::{MOST_KEYS, server};
use crate::store::parameter::Argument;
use crate::store::plan_cache::Known;
use crate::unguarded;

const NO_LOCK: pg_sys::LOCKMODE = pg_sys::NoLock as pg_sys::LOCKMODE;
const LOCK_FLAGS: u8 =
    (pg_sys::TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS | pg_sys::TUPLE_LOCK_FLAG_FIND_LAST_VERSION) as u8;

/// What is asked of a table.
pub struct Asked<'a> {
    pub access: &'a Access,
    pub known: &'a Known,
    pub arguments: &'a [Argument],
    pub lock: RowLock,
}

/// How rows are locked that are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowLock {
    No,
    /// FOR KEY SHARE, as the check of a foreign key locks the row that it asks for. It needs no right of the caller's to that.
    KeyShare,
    /// FOR NO KEY UPDATE.
    NoKeyUpdate,
}

impl RowLock {
    const fn tuple_mode(self) -> pg_sys::LockTupleMode::Type {
        match self {
            RowLock::No | RowLock::KeyShare => pg_sys::LockTupleMode::LockTupleKeyShare,
            RowLock::NoKeyUpdate => pg_sys::LockTupleMode::LockTupleNoKeyExclusive,
        }
    }
}

/// Why rows were not read. Plain, as no frame under the guard owns anything.
#[derive(Clone, Copy)]
pub enum Unread {
    /// The schema was changed.
    Changed,
    /// A statement has to say it, for this reason.
    Sql(&'static str),
}

/// The lock of a table and its index, which a statement that locks rows, or none, takes at once.
pub fn mode(lock: RowLock) -> pg_sys::LOCKMODE {
    let mode = if lock == RowLock::No { pg_sys::AccessShareLock } else { pg_sys::RowShareLock };
    mode as pg_sys::LOCKMODE
}

/// Copies the rows out, locked where that is asked; without a place for them, only looks whether they may be read.
///
/// # Safety
/// Under the guard, with an active snapshot.
pub unsafe fn run(asked: &Asked, rows: Option<&mut Vec<pg_sys::HeapTuple>>) -> Result<(), Unread> {
    let lock = mode(asked.lock);
    // SAFETY: as the caller says. The index is opened in the mode of its table. Both are closed here, or by the server when the
    // transaction aborts.
    unsafe {
        let relation = opened(asked)?;
        let hindrance = rows.and_then(|rows| {
            let index = server::index_open(asked.access.index, lock);
            let hindrance = scan(relation, index, asked, rows);
            server::index_close(index, NO_LOCK);
            hindrance
        });
        server::relation_close(relation, NO_LOCK);
        hindrance.map_or(Ok(()), |why| Err(Unread::Sql(why)))
    }
}

/// Copies out the row at a place.
///
/// # Safety
/// As `run`; this transaction has locked the row there.
pub unsafe fn fetch(asked: &Asked, mut place: pg_sys::ItemPointerData) -> Result<pg_sys::HeapTuple, Unread> {
    // SAFETY: as the caller says; nobody can move or remove it, whatever a snapshot sees of it.
    unsafe {
        let relation = opened(asked)?;
        let slot = server::table_slot_create(relation, std::ptr::null_mut());
        let fetch = (*(*relation).rd_tableam).tuple_fetch_row_version;
        let is_there =
            fetch.is_some_and(|fetch| fetch(relation, &raw mut place, &raw mut pg_sys::SnapshotAnyData, slot));
        let tuple = if is_there { Ok(server::copied(slot)) } else { Err(Unread::Sql("a row that was locked is gone")) };
        server::ExecDropSingleTupleTableSlot(slot);
        server::relation_close(relation, NO_LOCK);
        tuple
    }
}

/// # Safety
/// As `open`.
unsafe fn opened(asked: &Asked) -> Result<pg_sys::Relation, Unread> {
    // SAFETY: as the caller says.
    unsafe { open(asked.access.relation, mode(asked.lock), (asked.known, asked.access.changes), rights(asked.lock)) }
}

/// A table, if its rows are ours to read or write past the executor, as it was known after so many changes.
///
/// # Safety
/// Under the guard; the caller closes it.
pub unsafe fn open(
    table: pg_sys::Oid,
    lock: pg_sys::LOCKMODE,
    (known, changes): (&Known, u64),
    rights: u32,
) -> Result<pg_sys::Relation, Unread> {
    // SAFETY: as the caller says. The relation is locked before it is believed, and what is known of it compared with what was heard
    // of until then.
    unsafe {
        if pg_sys::InterruptPending != 0 {
            server::ProcessInterrupts();
        }
        let relation = server::try_relation_open(table, lock);
        if relation.is_null() {
            return Err(Unread::Sql("a table is absent"));
        }
        let usable = if known.is_as_at(changes) {
            hindrance(relation, known.attachment.oid, rights).map_or(Ok(()), |why| Err(Unread::Sql(why)))
        } else {
            Err(Unread::Changed)
        };
        if usable.is_err() {
            server::relation_close(relation, NO_LOCK);
        }
        usable.map(|()| relation)
    }
}

const fn rights(lock: RowLock) -> u32 {
    match lock {
        RowLock::No | RowLock::KeyShare => pg_sys::ACL_SELECT,
        RowLock::NoKeyUpdate => pg_sys::ACL_SELECT | pg_sys::ACL_UPDATE,
    }
}

/// Why the rows of this table are not ours to read or write past the executor.
///
/// # Safety
/// An open relation.
unsafe fn hindrance(relation: pg_sys::Relation, schema: pg_sys::Oid, rights: u32) -> Option<&'static str> {
    // SAFETY: as the caller says.
    unsafe {
        let (oid, row, role) = ((*relation).rd_id, &*(*relation).rd_rel, unguarded::GetUserId());
        if row.relkind as u8 != pg_sys::RELKIND_RELATION || row.relam != pg_sys::HEAP_TABLE_AM_OID {
            Some("it is no plain table")
        } else if row.relispartition || row.relhassubclass || row.relhasrules {
            Some("a table has parts, a parent or rules")
        } else if row.relpersistence as u8 == pg_sys::RELPERSISTENCE_TEMP {
            Some("a table is temporary")
        } else if server::check_enable_rls(oid, pg_sys::InvalidOid, true)
            == pg_sys::CheckEnableRlsResult::RLS_ENABLED as c_int
        {
            Some("row security counts for the user")
        } else if !server::has_rights(oid, schema, role, rights) {
            Some("the user has not the right to the whole table")
        } else {
            None
        }
    }
}

/// # Safety
/// As `run`; the index is one of the relation.
unsafe fn scan(
    relation: pg_sys::Relation,
    index: pg_sys::Relation,
    asked: &Asked,
    rows: &mut Vec<pg_sys::HeapTuple>,
) -> Option<&'static str> {
    let count = asked.arguments.len();
    // SAFETY: as the caller says. Keys and slots live until the scan ends; a row is copied out of its page before the scan goes on.
    unsafe {
        let mut keys: [pg_sys::ScanKeyData; MOST_KEYS] = std::mem::zeroed();
        for (at, ((entry, key), argument)) in keys.iter_mut().zip(asked.access.keys).zip(asked.arguments).enumerate() {
            // Where nothing is compared, what is looked for is that there is nothing.
            let is_absent = key.procedure == pg_sys::InvalidOid;
            let flags = if is_absent { pg_sys::SK_ISNULL | pg_sys::SK_SEARCHNULL } else { 0 };
            server::ScanKeyEntryInitialize(
                entry,
                flags as c_int,
                at as pg_sys::AttrNumber + 1,
                key.strategy,
                pg_sys::InvalidOid,
                key.collation,
                key.procedure,
                argument.unwrap_or(pg_sys::Datum::null()),
            );
        }
        let snapshot = unguarded::GetActiveSnapshot();
        let slot = server::table_slot_create(relation, std::ptr::null_mut());
        let newest = if asked.lock == RowLock::No {
            std::ptr::null_mut()
        } else {
            server::table_slot_create(relation, std::ptr::null_mut())
        };
        let scan = server::begin_scan(relation, index, snapshot, count as c_int);
        server::index_rescan(scan, keys.as_mut_ptr(), count as c_int, std::ptr::null_mut(), 0);
        let mut hindrance = None;
        while hindrance.is_none()
            && rows.len() < asked.access.probe.most
            && server::index_getnext_slot(scan, pg_sys::ScanDirection::ForwardScanDirection, slot)
        {
            if (*scan).xs_recheck {
                // What an index keeps the hash of, is compared here.
                match asked.access.probe.keys {
                    [key] if key.is_for_hash() && has_key(slot, &mut keys[..count], asked.access) => {}
                    [key] if key.is_for_hash() => continue,
                    _ => {
                        hindrance = Some("an index is not certain of a row");
                        continue;
                    }
                }
            }
            if newest.is_null() {
                rows.push(server::copied(slot));
                continue;
            }
            match lock(relation, slot, newest, &mut keys[..count], asked) {
                Ok(true) => rows.push(server::copied(newest)),
                Ok(false) => {}
                Err(other) => hindrance = Some(other),
            }
        }
        server::index_endscan(scan);
        if !newest.is_null() {
            server::ExecDropSingleTupleTableSlot(newest);
        }
        server::ExecDropSingleTupleTableSlot(slot);
        hindrance
    }
}

/// Locks the row's newest version. False: there is none any more with this key.
///
/// # Safety
/// As `scan`; the slot has a row that the snapshot sees.
unsafe fn lock(
    relation: pg_sys::Relation,
    slot: *mut pg_sys::TupleTableSlot,
    newest: *mut pg_sys::TupleTableSlot,
    keys: &mut [pg_sys::ScanKeyData],
    asked: &Asked,
) -> Result<bool, &'static str> {
    use pg_sys::TM_Result;
    // SAFETY: as the caller says. What the executor's node for row locks does at READ COMMITTED.
    unsafe {
        let Some(lock) = (*(*relation).rd_tableam).tuple_lock else { return Err("it is no plain table") };
        let (mut place, mut failure) = ((*slot).tts_tid, std::mem::zeroed::<pg_sys::TM_FailureData>());
        let locked = lock(
            relation,
            &raw mut place,
            unguarded::GetActiveSnapshot(),
            newest,
            server::GetCurrentCommandId(true),
            asked.lock.tuple_mode(),
            pg_sys::LockWaitPolicy::LockWaitBlock,
            LOCK_FLAGS,
            &raw mut failure,
        );
        match locked {
            TM_Result::TM_Ok if !failure.traversed => Ok(true),
            TM_Result::TM_Ok => Ok(has_key(newest, keys, asked.access)),
            TM_Result::TM_Deleted | TM_Result::TM_SelfModified => Ok(false),
            _ => Err("a row could not be locked"),
        }
    }
}

/// Is this still a row with the key?
///
/// # Safety
/// A slot that has a row of the table, and the keys that it was looked for by.
unsafe fn has_key(slot: *mut pg_sys::TupleTableSlot, keys: &mut [pg_sys::ScanKeyData], access: &Access) -> bool {
    // SAFETY: as the caller says; columns are taken apart up to the one that is read.
    unsafe {
        keys.iter_mut().zip(access.keys).all(|(key, FoundPart { column, .. })| {
            if c_int::from((*slot).tts_nvalid) < column {
                server::slot_getsomeattrs_int(slot, column);
            }
            let at = column as usize - 1;
            !*(*slot).tts_isnull.add(at)
                && server::FunctionCall2Coll(
                    &raw mut key.sk_func,
                    key.sk_collation,
                    *(*slot).tts_values.add(at),
                    key.sk_argument,
                )
                .value()
                    != 0
        })
    }
}
