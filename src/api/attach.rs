//! What a DBA calls once.

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::commands::attach::attach;
use crate::errors;
use crate::store::schema::create_reference;

/// Binds an application's schema.
#[pg_extern(sql = false)]
fn native_attach(app: pg_sys::Oid, grant_to: Vec<Option<String>>) {
    let roles: Vec<String> = grant_to.into_iter().flatten().collect();
    attach(app, &roles).unwrap_or_else(|failure| errors::raise(failure));
}

/// Creates a schema with the tables of the contract.
#[pg_extern(sql = false)]
fn native_create_reference_schema(name: &str) {
    create_reference(name).unwrap_or_else(|failure| errors::raise(failure));
}
