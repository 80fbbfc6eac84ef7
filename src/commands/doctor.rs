//! What a schema lacks and what is known to go wrong in it. Reads only, locks nothing.

use pgrx::pg_sys;

use super::looking_at;
use crate::rules::doctor::finding::DoctorFinding;
use crate::rules::doctor::{examine, worker};
use crate::rules::refusal::failure::Failure;
use crate::store::server_facts;

pub fn doctor(schema: pg_sys::Oid) -> Result<Vec<DoctorFinding>, Failure> {
    let server = server_facts()?;
    let mut found = looking_at(schema, |store| Ok(examine(&store.facts_with(server)?)))?;
    found.extend(super::worker_status::upkeep(schema).iter().flat_map(worker::findings));
    Ok(found)
}
