//! The books of attach: who may call what, and what was added.

use super::Store;
use super::attachment::{ADDITIONS, DISAGREEMENTS, ORIGINALS, ROLLOUT};
use super::row;
use super::statement::{for_features, for_schema, statement};
use crate::rules::failure::Failure;
use crate::rules::requirement::attach::{Addition, REVOKE_USAGE};
use crate::rules::requirement::due::due;
use crate::rules::requirement::facts::{Constraint, Facts};

const BOOKS: &[&str] = &[
    include_str!("../../sql/attach/5_originals.sql"),
    include_str!("../../sql/attach/5_rollout.sql"),
    include_str!("../../sql/attach/5_shadow.sql"),
];

/// A rollout that an earlier release made knows no shadow.
const MODE_CHECK: &str = "holdfast_rollout_mode_check";
const WIDEN_MODE: &str = include_str!("../../sql/attach/5_rollout_mode.sql");

statement!(ADDITIONS_READ, "additions_read", []);
statement!(RIGHTS_HELD, "rights_held", [TEXTOID, OIDOID, OIDOID]);

impl Store {
    /// Opens the books, if they are not there.
    pub fn books_open(&self, facts: &Facts, owner: &str) -> Result<(), Failure> {
        let books = [ORIGINALS, ADDITIONS, ROLLOUT, DISAGREEMENTS];
        let new: Vec<&str> = books.into_iter().filter(|table| self.attachment.lacks(table)).collect();
        let scripts = BOOKS.iter().flat_map(|script| due(&for_features(script, &self.attachment), facts));
        scripts.map(|due| due.text).try_for_each(|text| self.script_for_schema(&text))?;
        let narrow = |found: &Constraint| {
            (found.table.as_str(), found.name.as_str()) == (ROLLOUT, MODE_CHECK) && !found.definition.contains("shadow")
        };
        if facts.constraints.iter().any(narrow) {
            self.script_for_schema(WIDEN_MODE)?;
        }
        new.into_iter().try_for_each(|table| self.own(table, owner))
    }

    /// May this role use the schema, and execute this function?
    pub fn rights_held(&self, role: &str, function: Option<u32>) -> Result<(bool, bool), Failure> {
        let function = function.map(|oid| pgrx::pg_sys::Oid::from_u32(oid).into());
        let rows =
            self.run(&RIGHTS_HELD, &[row::text(role), self.oid(), function], |row| (row.flag(1), row.flag(2)))?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    pub fn additions_write(&self, additions: &[Addition]) -> Result<(), Failure> {
        let (schema, literal) = (self.quoted_schema(), pgrx::spi::quote_literal::<&str>);
        let written = additions.iter().map(|addition| {
            let (undo, holds_data) = (literal(&addition.undo), addition.holds_data);
            format!("insert into {schema}.{ADDITIONS} (undo, holds_data) values ({undo}, {holds_data})")
        });
        written.into_iter().try_for_each(|statement| self.ddl(&statement))
    }

    /// What attach added, the last first, for the schema's name of today.
    pub fn additions_read(&self) -> Result<Vec<Addition>, Failure> {
        if self.attachment.lacks(ADDITIONS) {
            return Ok(Vec::new());
        }
        let undo = |written: &str| match written.strip_prefix(REVOKE_USAGE) {
            Some(role) => format!("revoke usage on schema {} from {role}", self.quoted_schema()),
            None => for_schema(written, &self.attachment),
        };
        self.run(&ADDITIONS_READ, &[], |row| Addition {
            undo: undo(&row.text(1).unwrap_or_default()),
            holds_data: row.flag(2),
        })
    }
}
