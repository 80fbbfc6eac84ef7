//! What a schema lacks and what is known to go wrong in it. Reads only, locks nothing.

use pgrx::pg_sys;

use crate::rules::failure::Failure;
use crate::rules::requirement::{Finding, examine};
use crate::store::Store;

pub fn doctor(schema: pg_sys::Oid) -> Result<Vec<Finding>, Failure> {
    Ok(examine(&Store::open_anyhow(schema)?.facts()?))
}
