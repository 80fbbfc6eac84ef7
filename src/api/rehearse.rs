//! What a DBA asks before callers do.

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};

use super::argument;
use crate::commands::rehearse::rehearse;
use crate::errors;

/// Every step of a rehearsal, with what spoke against it. A `name` is a C string in 64 bytes.
#[pg_extern(sql = false)]
fn native_rehearse(
    p_schema: Option<pg_sys::Oid>,
    p_booking_id: Option<Uuid>,
    p_role: Option<&std::ffi::CStr>,
) -> TableIterator<
    'static,
    (
        name!(step, &'static str),
        name!(passed, Option<bool>),
        name!(sqlstate, Option<String>),
        name!(message, Option<String>),
        name!(spoke, Option<String>),
        name!(mend, Option<String>),
    ),
> {
    let schema = p_schema.unwrap_or(pg_sys::InvalidOid);
    let role = p_role.map(|role| role.to_string_lossy().into_owned());
    let rows = errors::or_raise(rehearse(schema, argument::id(p_booking_id), role.as_deref()));
    let row = |(step, row): crate::commands::rehearse::RehearsalRow| {
        (step, row.passed, row.sqlstate, row.message, row.spoke, row.mend)
    };
    argument::rows(rows.into_iter().map(row).collect())
}
