//! The books of attach: functions that are kept under another name, and what was added.

use super::Store;
use super::attachment::{ADDITIONS, DISAGREEMENTS, ORIGINALS, ROLLOUT};
use super::row;
use super::statement::{for_features, for_schema, statement};
use crate::rules::failure::Failure;
use crate::rules::requirement::attach::{Addition, REVOKE_USAGE};
use crate::rules::requirement::due::due;
use crate::rules::requirement::facts::{Constraint, Facts};
use crate::rules::requirement::function::Replacement;

const BOOKS: &[&str] = &[
    include_str!("../../sql/attach/5_originals.sql"),
    include_str!("../../sql/attach/5_rollout.sql"),
    include_str!("../../sql/attach/5_shadow.sql"),
];

/// A rollout that an earlier release made knows no shadow.
const MODE_CHECK: &str = "holdfast_rollout_mode_check";
const WIDEN_MODE: &str = include_str!("../../sql/attach/5_rollout_mode.sql");

statement!(ADDITIONS_READ, "additions_read", []);
statement!(KEPT_FUNCTIONS, "kept_functions", [OIDOID]);
statement!(OPEN_TO_ALL, "open_to_all", [OIDOID]);
statement!(RIGHTS_HELD, "rights_held", [TEXTOID, OIDOID, OIDOID]);

/// A function that attach keeps.
pub struct Kept {
    /// As `ALTER` takes it.
    pub signature: String,
    /// function or procedure.
    pub kind: String,
    pub name: String,
    /// The owner of the bookings may execute it because attach said so.
    pub granted: bool,
    /// Everybody could execute it before attach.
    pub closed: bool,
}

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

    /// Gives a function of the application another name; the owner of the bookings may execute it, and everybody no more.
    pub fn original_keep(&self, replaced: &Replacement, owner: &str) -> Result<(), Failure> {
        let (function, kept_as) = (replaced.function, &replaced.kept_as);
        let schema = self.quoted_schema();
        let kind = if function.kind == "p" { "procedure" } else { "function" };
        self.ddl(&format!("alter {kind} {} rename to {}", function.signature, super::schema::quoted(kept_as)))?;
        let oid = u32::try_from(function.oid).unwrap_or_default();
        let renamed = format!("{schema}.{}", super::schema::quoted(kept_as));
        let closed = self.is_open_to_all(oid)?;
        if closed {
            self.ddl(&format!("revoke execute on {kind} {renamed} from public"))?;
        }
        let (_, may_execute) = self.rights_held(owner, Some(oid))?;
        if !may_execute {
            self.ddl(&format!("grant execute on {kind} {renamed} to {}", super::schema::quoted(owner)))?;
        }
        let literal = pgrx::spi::quote_literal;
        self.ddl(&format!(
            "insert into {schema}.{ORIGINALS} (kept_as, name, callable, granted, closed) values ({}, {}, {}, {}, {closed})",
            literal(kept_as),
            literal(&function.name),
            replaced.callable,
            !may_execute
        ))
    }

    fn is_open_to_all(&self, function: u32) -> Result<bool, Failure> {
        let function = Some(pgrx::pg_sys::Oid::from_u32(function).into());
        let rows = self.run(&OPEN_TO_ALL, &[function], |row| row.flag(1))?;
        Ok(rows.into_iter().next().unwrap_or_default())
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

    pub fn kept_functions(&self) -> Result<Vec<Kept>, Failure> {
        if self.attachment.lacks(ORIGINALS) {
            return Ok(Vec::new());
        }
        self.run(&KEPT_FUNCTIONS, &[self.oid()], |row| Kept {
            signature: row.text(1).unwrap_or_default(),
            kind: row.text(2).unwrap_or_default(),
            name: row.text(3).unwrap_or_default(),
            granted: row.flag(4),
            closed: row.flag(5),
        })
    }
}
