//! The search path of the application, as attach finds it.

use pgrx::pg_sys;

use super::Store;
use super::parameter::{self, Texts};
use super::statement::statement;
use crate::rules::adopt::path;
use crate::rules::refusal::failure::Failure;
use crate::rules::rollout::Function;

statement!("application_path", ApplicationPath<'a> { schema: pg_sys::Oid, names: Texts, legacy: Option<&'a str> });

/// The functions that ours replace, in the order in which their path counts.
const REPLACED: [Function; 9] = [
    Function::ConfirmByTables,
    Function::ConfirmByHold,
    Function::AtomicConfirm,
    Function::Assign,
    Function::AssignMerged,
    Function::AssignSingle,
    Function::Unassign,
    Function::Transition,
    Function::Release,
];

impl Store {
    /// What the application's own code names its things by: it goes on doing so while ours works (G12).
    pub fn application_path(&self) -> Result<String, Failure> {
        let names = REPLACED.iter().map(|function| function.name());
        let legacy = self.attachment.legacy.as_deref();
        let rows = self.run(ApplicationPath { schema: self.oid(), names: parameter::texts(names), legacy }, |row| {
            (row.text(1).unwrap_or_default(), row.text(2))
        })?;
        let replaced = rows.iter().find(|(kind, _)| kind == "replaced").and_then(|(_, path)| path.as_deref());
        let schemas = rows.iter().filter(|(kind, _)| kind == "schema").filter_map(|(_, name)| name.as_deref());
        Ok(path::recorded(replaced, self.schema(), &schemas.collect::<Vec<_>>()))
    }

    /// The application's path, if the schema is attached.
    pub fn recorded_path(&self) -> Option<String> {
        self.attachment.attached.then(|| self.attachment.path())
    }
}
