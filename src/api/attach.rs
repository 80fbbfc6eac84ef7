//! What a DBA calls once.

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::commands::attach::{attach, create_reference_schema};
use crate::errors;

/// Binds an application's schema.
#[pg_extern(sql = false)]
fn native_attach(app: pg_sys::Oid, grant_to: Vec<Option<String>>) {
    let roles: Vec<String> = grant_to.into_iter().flatten().collect();
    errors::or_raise(attach(app, &roles));
}

/// Creates a schema with the tables of the contract.
#[pg_extern(sql = false)]
fn native_create_reference_schema(name: &str) {
    errors::or_raise(create_reference_schema(name));
}
