//! What a DBA reviews, and runs with psql.

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::commands::migration::migration;
use crate::errors;

/// The script that brings a schema to where attach finds everything.
#[pg_extern(sql = false)]
fn native_migration(p_schema: pg_sys::Oid, p_form: &str) -> String {
    errors::or_raise(migration(p_schema, p_form))
}
