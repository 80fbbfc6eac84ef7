//! Writes what a repair has planned, and hands back each row as it was and as it is.

use serde_json::Value;

use super::Store;
use super::row;
use super::statement::{Statement, statement};
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;

statement!(REPAIR_REMOVE, "repair_remove", [UUIDOID, JSONBOID]);
statement!(REPAIR_ADD, "repair_add", [UUIDOID, JSONBOID, TIMESTAMPTZOID]);
statement!(REPAIR_LINK, "repair_link", [UUIDOID]);
statement!(REPAIR_RECORD, "repair_record", [UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, JSONBOID, BOOLOID]);

impl Store {
    /// Applies the steps, given by name; the rows that changed.
    pub fn repair_apply(&self, booking: Id, steps: &Value, now: Instant) -> Result<Vec<Json>, Failure> {
        let mut changes = self.changes(&REPAIR_REMOVE, &[row::id(booking), row::json(steps.clone())])?;
        let added = [row::id(booking), row::json(steps.clone()), row::instant(now)];
        changes.extend(self.changes(&REPAIR_ADD, &added)?);
        self.run(&REPAIR_LINK, &[row::id(booking)], |_| ())?;
        Ok(changes)
    }

    fn changes(
        &self,
        statement: &'static Statement,
        arguments: &[super::plan::Argument],
    ) -> Result<Vec<Json>, Failure> {
        let rows = self.run(statement, arguments, |row| row.json(1))?;
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
        let arguments = [
            row::id(booking),
            row::text(to),
            row::text(from),
            row::instant(now),
            row::json(metadata),
            row::flag(moves),
        ];
        Ok(self.run(&REPAIR_RECORD, &arguments, |_| ())?.len())
    }
}
