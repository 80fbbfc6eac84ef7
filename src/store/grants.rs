//! Who may call what.

use pgrx::pg_sys;

use super::Store;
use super::columns::columns;
use super::statement::statement;
use crate::rules::refusal::failure::Failure;

columns!(RightsRow { may_use: bool, may_execute: bool });
statement!(
    "rights_held",
    RightsHeld<'a> {
        role: &'a str,
        schema: pg_sys::Oid,
        function: Option<pg_sys::Oid>,
    } -> RightsRow
);

impl Store {
    /// May this role use the schema, and execute this function?
    pub fn rights_held(&self, role: &str, function: Option<u32>) -> Result<(bool, bool), Failure> {
        let function = function.map(pgrx::pg_sys::Oid::from_u32);
        let rows =
            self.run(RightsHeld { role, schema: self.oid(), function }, |row| (row.may_use(), row.may_execute()))?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }
}
