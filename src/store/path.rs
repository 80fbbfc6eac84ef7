//! The search path of the application, as attach finds it.

use pgrx::pg_sys;

use super::Store;
use super::columns::facts;
use super::parameter::{self, Texts};
use super::statement::statement;
use crate::rules::adopt::path;
use crate::rules::attempt::function::Function;
use crate::rules::refusal::failure::Failure;

facts!(PathFact {
    "replaced" Replaced { path: Option<String> = value }
    "schema" Schema { name: String = value }
});
statement!(
    "application_path",
    ApplicationPath<'a> {
        schema: pg_sys::Oid,
        names: Texts,
        legacy: Option<&'a str>,
    } -> PathFact
);

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
        let (mut replaced, mut schemas) = (None, Vec::new());
        let parameters = ApplicationPath { schema: self.oid(), names: parameter::texts(names), legacy };
        self.run(parameters, |row| match row.fact() {
            Some(PathFact::Replaced { path }) => replaced = path,
            Some(PathFact::Schema { name }) => schemas.push(name),
            None => {}
        })?;
        let schemas: Vec<&str> = schemas.iter().map(String::as_str).collect();
        Ok(path::recorded(replaced.as_deref(), self.schema(), &schemas))
    }

    /// The application's path, if the schema is attached.
    pub fn recorded_path(&self) -> Option<String> {
        self.attachment.attached.then(|| self.attachment.path())
    }
}
