//! The script that a DBA runs by hand. Reads only, locks nothing.

use pgrx::pg_sys;

use super::looking_at;
use crate::rules::failure::Failure;
use crate::rules::migration::{Form, render};
use crate::rules::requirement::examine;
use crate::store::server_facts;

pub fn migration(schema: pg_sys::Oid, form: &str) -> Result<String, Failure> {
    let form = Form::parse(form)?;
    let server = server_facts()?;
    let facts = looking_at(schema, |store| store.facts_with(server))?;
    Ok(render(&facts.schema, &examine(&facts), form))
}
