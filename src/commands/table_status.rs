//! A table's status, brought to that of now.

use crate::rules::Id;
use crate::rules::failure::Failure;
use crate::rules::refusal;
use crate::store::Store;

pub fn refresh(store: &Store, table: Option<Id>) -> Result<(), Failure> {
    let id = table.ok_or_else(|| refusal::table_not_found(None))?;
    let locked = store.tables_lock(None, None, &[id])?;
    if locked.tables.is_empty() {
        return Err(refusal::table_not_found(Some(id)).into());
    }
    super::refresh(store, &[id])
}
