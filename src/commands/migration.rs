//! The script that a DBA runs by hand. Reads only, locks nothing.

use pgrx::pg_sys;

use super::looking_at;
use crate::rules::attach::mend::unmet;
use crate::rules::doctor::examine;
use crate::rules::migration::{Form, in_encoding, render};
use crate::rules::refusal::argument_invalid;
use crate::rules::refusal::failure::Failure;
use crate::store::server_facts;

pub fn migration(schema: pg_sys::Oid, form: &str) -> Result<String, Failure> {
    let form = Form::parse(form)?;
    let server = server_facts()?;
    let facts = looking_at(schema, |store| store.facts_with(server))?;
    if let Some(name) = facts.unprintable() {
        return Err(argument_invalid(format!("A name of the schema has a control character: {name}")).into());
    }
    let script = render(&facts.schema, facts.server.version, &examine(&facts), &unmet(&facts), form);
    Ok(in_encoding(&script, facts.server.script_encoding()))
}
