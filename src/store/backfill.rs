//! The bookings that a backfill looks at.

use super::Store;
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::refusal::failure::Failure;

statement!(BACKFILL_DUE, "backfill_due", [UUIDOID, INT4OID]);

impl Store {
    /// Live bookings from before adoption that do not agree, after the given one, by id.
    pub fn backfill_due(&self, after: Option<Id>, limit: i32) -> Result<Vec<Id>, Failure> {
        let arguments = [row::optional_id(after), row::number(limit)];
        Ok(self.run(&BACKFILL_DUE, &arguments, |row| row.id(1))?.into_iter().flatten().collect())
    }
}
