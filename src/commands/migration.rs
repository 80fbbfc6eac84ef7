//! The script that a DBA runs by hand. Reads only, locks nothing.

use pgrx::pg_sys;

use crate::rules::failure::Failure;
use crate::rules::migration::{Form, render};
use crate::rules::requirement::examine;
use crate::store::Store;

pub fn migration(schema: pg_sys::Oid, form: &str) -> Result<String, Failure> {
    let form = Form::parse(form)?;
    let facts = Store::open_anyhow(schema)?.facts()?;
    Ok(render(&facts.schema, &examine(&facts), form))
}
