//! What the server itself is asked: its clock, its ids. [unsafe]

use pgrx::{IntoDatum, pg_sys};

use super::Store;
use super::rights::Identity;
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::{self, Failure};
use crate::unguarded;

impl Store {
    /// The server's clock at this moment, not at the start of the transaction (G6, F13).
    pub fn clock(&self) -> Instant {
        // SAFETY: reads the clock.
        Instant(unsafe { unguarded::GetCurrentTimestamp() })
    }

    pub fn new_id(&self) -> Id {
        // SAFETY: takes no argument and returns a uuid.
        let id = unsafe { pgrx::direct_function_call::<pgrx::Uuid>(pg_sys::gen_random_uuid, &[]) };
        id.map_or_else(Id::nil, |id| Id::from_bytes(*id.as_bytes()))
    }

    /// Refuses a caller who may not end other people's sessions.
    pub fn check_may_terminate(&self) -> Result<(), Failure> {
        // SAFETY: reads who called, and the roles they are a member of.
        let may = unsafe {
            pg_sys::has_privs_of_role(pg_sys::GetOuterUserId(), pg_sys::Oid::from_u32(pg_sys::ROLE_PG_SIGNAL_BACKEND))
        };
        if may { Ok(()) } else { Err(failure::privilege_missing("pg_signal_backend").into()) }
    }

    /// Ends a session, with the caller's rights and not with those of the function's owner.
    pub fn terminate(&self, pid: i32) -> Result<(), Failure> {
        let before = Identity::current();
        // SAFETY: reads who called. The function takes a process and how long to wait for its end.
        unsafe {
            before.changed_to(pg_sys::GetOuterUserId()).assume();
            pgrx::direct_function_call::<bool>(pg_sys::pg_terminate_backend, &[pid.into_datum(), 0_i64.into_datum()]);
        }
        before.assume();
        Ok(())
    }

    /// The transaction that commits what this call wrote.
    pub fn transaction_id(&self) -> u64 {
        // SAFETY: reads the transaction's state.
        unsafe { pg_sys::GetTopFullTransactionIdIfAny() }.value
    }

    /// The same; it gets its number now, if it has written nothing yet.
    pub fn numbered_transaction(&self) -> u64 {
        // SAFETY: numbers the transaction, as a statement that writes does; not read-only, or the writer had said so.
        unsafe { pg_sys::GetTopFullTransactionId() }.value
    }
}

/// Takes a lock that many may have, until the transaction ends; nobody takes it alone, so nobody waits.
pub fn lock_shared(number: i64) {
    let tag = tag(number);
    // SAFETY: a whole tag; the lock belongs to the transaction.
    unsafe { pg_sys::LockAcquire(&raw const tag, pg_sys::ShareLock as i32, false, false) };
}

/// Takes a lock that only one may have, until the transaction ends; false, at once, when somebody else has it.
pub fn lock_if_free(number: i64) -> bool {
    let tag = tag(number);
    // SAFETY: as above; it does not wait.
    let taken = unsafe { pg_sys::LockAcquire(&raw const tag, pg_sys::ExclusiveLock as i32, false, true) };
    taken != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
}

/// Does another transaction, a prepared one too, have this lock?
pub fn others_hold(number: i64) -> bool {
    let tag = tag(number);
    let mut count = 0;
    // SAFETY: a whole tag; the result is palloc'd and counted.
    unsafe { pg_sys::GetLockConflicts(&raw const tag, pg_sys::ExclusiveLock as i32, &raw mut count) };
    count > 0
}

/// An advisory lock in a class of its own: those of SQL's functions are 1 and 2, so nobody meets ours by accident, and
/// nobody can stand in their way.
const LOCK_CLASS: u16 = 3;

fn tag(number: i64) -> pg_sys::LOCKTAG {
    let (high, low) = halves(number);
    pg_sys::LOCKTAG {
        // SAFETY: set once, when the backend started.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field2: high.to_u32(),
        locktag_field3: low.to_u32(),
        locktag_field4: LOCK_CLASS,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}

/// A lock's number as `pg_locks` shows it.
pub fn halves(number: i64) -> (pg_sys::Oid, pg_sys::Oid) {
    let number = number.cast_unsigned();
    (pg_sys::Oid::from_u32((number >> 32) as u32), pg_sys::Oid::from_u32(number as u32))
}

/// Does this server replay another's log?
pub fn is_standby() -> bool {
    // SAFETY: reads the server's state.
    unsafe { pg_sys::RecoveryInProgress() }
}

/// Tells every session, once this transaction has committed, that what it keeps of a relation is old.
pub fn relation_changed(relation: pg_sys::Oid) {
    // SAFETY: called with the OID of a relation that the transaction has written to.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(relation) };
}
