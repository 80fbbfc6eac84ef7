//! A table's status, brought to that of now.

use crate::rules::Id;
use crate::rules::refusal::failure::Failure;
use crate::store::Store;

/// Nothing happens for an id that is no table's: a trigger on allocations asks with the id of a hold or of a group too.
pub fn refresh(store: &Store, table: Option<Id>) -> Result<(), Failure> {
    let Some(id) = table else { return Ok(()) };
    let locked = store.tables_lock(None, None, &[id])?;
    if locked.tables.is_empty() { Ok(()) } else { super::refresh(store, &[id]) }
}
