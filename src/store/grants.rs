//! Who may call what.

use super::Store;
use super::row;
use super::statement::statement;
use crate::rules::refusal::failure::Failure;

statement!(RIGHTS_HELD, "rights_held", [TEXTOID, OIDOID, OIDOID]);

impl Store {
    /// May this role use the schema, and execute this function?
    pub fn rights_held(&self, role: &str, function: Option<u32>) -> Result<(bool, bool), Failure> {
        let function = function.map(|oid| pgrx::pg_sys::Oid::from_u32(oid).into());
        let rows =
            self.run(&RIGHTS_HELD, &[row::text(role), self.oid(), function], |row| (row.flag(1), row.flag(2)))?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }
}
