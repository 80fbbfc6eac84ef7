//! What attach records of each schema, in tables that belong to the extension: nobody has a right on them, so they are read
//! and written as the extension's owner.

use pgrx::pg_sys;

use super::Store;
use super::attachment::{self, Attachment};
use super::plan::{Argument, Connection};
use super::rights;
use super::row::{self, Row};
use super::statement::{Statement, statement};
use crate::rules::adopt::path;
use crate::rules::refusal::failure::Failure;
use crate::rules::requirement::addition::{Addition, AdditionKind};

statement!(REGISTRY_READ, "registry_read", [OIDOID]);
statement!(REGISTRY_ATTACH, "registry_attach", [OIDOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID]);
statement!(REGISTRY_DETACH, "registry_detach", [OIDOID]);
statement!(ADDITIONS_READ, "additions_read", [OIDOID]);
statement!(ADDITIONS_WRITE, "additions_write", [OIDOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID]);
statement!(ADDITIONS_FORGET, "additions_forget", [OIDOID]);
statement!(LEGACY_FORGET, "legacy_forget", [OIDOID]);
statement!(CALLERS_READ, "callers_read", [OIDOID]);

/// The table of attached schemas; None where the extension is not installed, or is of a release that had none.
pub fn relation() -> Option<pg_sys::Oid> {
    let schema = attachment::namespace_oid(c"holdfast")?;
    let found = pg_sys::Oid::from_u32(attachment::relation(schema, "attachment")?);
    rights::is_of_extension(found).then_some(found)
}

/// Runs the work as the owner of the extension; None where there is nothing recorded.
pub fn as_owner<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<Option<T>, Failure> {
    let Some(owner) = relation().and_then(rights::owner_of) else { return Ok(None) };
    rights::as_role(owner, work).map(Some)
}

impl Connection {
    /// Hands over what attach recorded of a schema; no row: it is not attached.
    pub(super) fn registry_read(&self, found: &Attachment, read: impl FnMut(&Row)) -> Result<(), Failure> {
        let Some(bookings) = found.bookings() else { return Ok(()) };
        as_owner(|| self.run_once(found, &REGISTRY_READ, &[Some(bookings.into())], read)).map(|_| ())
    }
}

impl Store {
    /// Runs a statement on what attach records; the bookings of the schema are its first argument.
    pub(super) fn registry<T>(
        &self,
        statement: &'static Statement,
        arguments: &[Argument],
        read: impl FnMut(&Row) -> T,
    ) -> Result<Vec<T>, Failure> {
        let Some(bookings) = self.attachment.bookings() else { return Ok(Vec::new()) };
        let all: Vec<Argument> = [Some(bookings.into())].into_iter().chain(arguments.iter().copied()).collect();
        let found = as_owner(|| self.connection.run_once(&self.attachment, statement, &all, read))?;
        Ok(found.unwrap_or_default())
    }

    /// Records that the schema is attached, with the optional tables that it has: from now on they are used, and missed
    /// when they are gone. Calls that run read the rows as they were; no lock stops them.
    pub fn record(&self, callers: &[String], application_path: &str) -> Result<(), Failure> {
        let path = format!("{}{application_path}", path::RECORDED);
        let features = self.attachment.features_present().into_iter().chain([path.as_str()]);
        let arguments = [
            row::text(env!("CARGO_PKG_VERSION")),
            row::texts(features),
            row::texts(callers.iter().map(String::as_str)),
        ];
        self.registry(&REGISTRY_ATTACH, &arguments, |_| ())?;
        self.attachment.recorded();
        Ok(())
    }

    /// Forgets the schema; every session does.
    pub fn forget(&self) -> Result<(), Failure> {
        for statement in [&REGISTRY_DETACH, &ADDITIONS_FORGET, &LEGACY_FORGET] {
            self.registry(statement, &[], |_| ())?;
        }
        self.attachment.recorded();
        Ok(())
    }

    /// The roles that were named at attach.
    pub fn callers(&self) -> Result<Vec<String>, Failure> {
        self.registry(&CALLERS_READ, &[], |row| row.text(1).unwrap_or_default())
    }

    pub fn additions_write(&self, additions: &[Addition]) -> Result<(), Failure> {
        let column = |of: fn(&Addition) -> &str| row::texts(additions.iter().map(of));
        let arguments = [
            column(|addition| addition.kind.name()),
            column(|addition| &addition.relation),
            column(|addition| &addition.name),
            column(|addition| &addition.definition),
        ];
        self.registry(&ADDITIONS_WRITE, &arguments, |_| ()).map(|_| ())
    }

    /// What attach added. A kind that this release does not know is left alone.
    pub fn additions_read(&self) -> Result<Vec<Addition>, Failure> {
        let text = |row: &Row, column| row.text(column).unwrap_or_default();
        let found = self.registry(&ADDITIONS_READ, &[], |row| {
            Some(Addition {
                kind: AdditionKind::parse(&text(row, 1))?,
                relation: text(row, 2),
                name: text(row, 3),
                definition: text(row, 4),
            })
        })?;
        Ok(found.into_iter().flatten().collect())
    }
}
