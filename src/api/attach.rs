//! What a DBA calls once.

use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::commands::attach::{attach, attach_rehearsed, create_reference_schema, detach};
use crate::commands::rollout;
use crate::errors;

/// Binds an application's schema. A `name` is a C string in 64 bytes.
#[pg_extern(sql = false)]
fn native_attach(app: pg_sys::Oid, grant_to: pgrx::Array<&CStr>) {
    let roles: Vec<String> = grant_to.iter().flatten().map(|role| role.to_string_lossy().into_owned()).collect();
    errors::or_raise(attach(app, &roles));
}

/// The same, and takes itself back when the schema speaks against it.
#[pg_extern(sql = false)]
fn native_attach_rehearsed(app: pg_sys::Oid, grant_to: pgrx::Array<&CStr>, p_rehearse: bool) {
    let roles: Vec<String> = grant_to.iter().flatten().map(|role| role.to_string_lossy().into_owned()).collect();
    errors::or_raise(attach_rehearsed(app, &roles, p_rehearse));
}

/// Creates a schema with the tables of the contract.
#[pg_extern(sql = false)]
fn native_create_reference_schema(name: &str) {
    errors::or_raise(create_reference_schema(name));
}

/// Undoes attach.
#[pg_extern(sql = false)]
fn native_detach(app: pg_sys::Oid, keep_tables: bool) {
    errors::or_raise(detach(app, keep_tables));
}

/// Fires for each row of a rollout that is written.
#[pg_trigger(sql = false)]
fn rollout_checked<'a>(trigger: &'a PgTrigger<'a>) -> Result<Option<PgHeapTuple<'a, AllocatedByRust>>, PgTriggerError> {
    let row = trigger.new();
    let mode = row.as_ref().and_then(|row| row.get_by_name::<String>("mode").ok().flatten());
    let percentage = row.as_ref().and_then(|row| row.get_by_name::<i32>("percentage").ok().flatten());
    errors::or_raise(rollout::check(trigger.relid()?, mode.as_deref(), percentage));
    Ok(None)
}

/// Fires when rows of a rollout change; a trigger of a statement has no row to return.
#[pg_trigger(sql = false)]
fn rollout_changed<'a>(trigger: &'a PgTrigger<'a>) -> Result<Option<PgHeapTuple<'a, AllocatedByRust>>, PgTriggerError> {
    rollout::changed(trigger.relid()?);
    Ok(None)
}
