//! What the server itself is asked: its clock, its ids, its labels. [unsafe]

use pgrx::pg_sys;

use super::Store;
use crate::rules::Id;
use crate::rules::window::Instant;

impl Store {
    /// The server's clock at this moment, not at the start of the transaction (G6, F13).
    pub fn clock(&self) -> Instant {
        // SAFETY: reads the clock.
        Instant(unsafe { pg_sys::GetCurrentTimestamp() })
    }

    pub fn new_id(&self) -> Id {
        // SAFETY: takes no argument and returns a uuid.
        let id = unsafe { pgrx::direct_function_call::<pgrx::Uuid>(pg_sys::gen_random_uuid, &[]) };
        id.map_or_else(Id::nil, |id| Id::from_bytes(*id.as_bytes()))
    }

    /// The transaction that commits what this call wrote.
    pub fn transaction_id(&self) -> u64 {
        // SAFETY: reads the transaction's state.
        unsafe { pg_sys::GetTopFullTransactionIdIfAny() }.value
    }
}

/// The label of an enum value.
pub fn enum_label(value: pg_sys::Oid) -> Option<String> {
    // SAFETY: enum_out takes the value's OID and returns a C string.
    let label = unsafe { pgrx::direct_function_call::<&std::ffi::CStr>(pg_sys::enum_out, &[Some(value.into())]) };
    label.map(|label| label.to_string_lossy().into_owned())
}
