//! Writes what a repair has planned, and hands back each row as it was and as it is.

use serde_json::Value;

use super::Store;
use super::columns::columns;
use super::parameter::Parameters;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;

columns!(ChangesRow { changes: Option<Json> });
statement!("repair_remove", RepairRemove { booking: Id, steps: Json } -> ChangesRow);
statement!("repair_add", RepairAdd { booking: Id, steps: Json, now: Instant } -> ChangesRow);
statement!("repair_link", RepairLink { booking: Id });
statement!(
    "repair_record",
    RepairRecord<'a> {
        booking: Id,
        to: &'a str,
        from: &'a str,
        now: Instant,
        metadata: Json,
        moves: bool,
    }
);

impl Store {
    /// Applies the steps, given by name; the rows that changed.
    pub fn repair_apply(&self, booking: Id, steps: &Value, now: Instant) -> Result<Vec<Json>, Failure> {
        let mut changes = self.changes(RepairRemove { booking, steps: steps.clone().into() })?;
        changes.extend(self.changes(RepairAdd { booking, steps: steps.clone().into(), now })?);
        self.run(RepairLink { booking }, |_| ())?;
        Ok(changes)
    }

    fn changes(&self, parameters: impl Parameters<ChangesRow>) -> Result<Vec<Json>, Failure> {
        let rows = self.run(parameters, |row| row.changes())?;
        let lists = rows.into_iter().flatten().filter_map(|list| list.items());
        Ok(lists.flatten().collect())
    }

    /// Writes the history and, where the status `moves`, the status; the rows of the history written.
    pub fn repair_record(
        &self,
        booking: Id,
        (from, to): (&str, &str),
        moves: bool,
        metadata: Json,
        now: Instant,
    ) -> Result<usize, Failure> {
        Ok(self.run(RepairRecord { booking, to, from, now, metadata, moves }, |_| ())?.len())
    }
}
