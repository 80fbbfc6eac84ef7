//! What attach records of each schema, in tables that belong to the extension: nobody has a right on them, so they are read
//! and written as the extension's owner.

use pgrx::pg_sys;

use super::Store;
use super::attachment::{self, Attachment};
use super::columns::{Columns, columns};
use super::parameter::{self, Parameters, Texts};
use super::plan::{AttachmentFact, Connection};
use super::rights;
use super::row::Row;
use super::statement::statement;
use crate::rules::adopt::path;
use crate::rules::attach::addition::{Addition, AdditionKind};
use crate::rules::refusal::failure::Failure;

statement!("registry_read", RegistryRead { bookings: pg_sys::Oid } -> AttachmentFact);
statement!(
    "registry_attach",
    RegistryAttach<'a> {
        bookings: pg_sys::Oid,
        release: &'a str,
        features: Texts,
        callers: Texts,
    }
);
statement!("registry_detach", RegistryDetach { bookings: pg_sys::Oid });
columns!(AdditionRow { kind: String, relation: String, name: String, definition: String });
statement!("additions_read", AdditionsRead { bookings: pg_sys::Oid } -> AdditionRow);
statement!(
    "additions_write",
    AdditionsWrite { bookings: pg_sys::Oid, kinds: Texts, relations: Texts, names: Texts, definitions: Texts }
);
statement!("additions_forget", AdditionsForget { bookings: pg_sys::Oid });
statement!("legacy_forget", LegacyForget { bookings: pg_sys::Oid });
columns!(CallerRow { role: String });
statement!("callers_read", CallersRead { bookings: pg_sys::Oid } -> CallerRow);
columns!(ReleaseRow { release: String });
statement!("release_read", ReleaseRead { bookings: pg_sys::Oid } -> ReleaseRow);

/// This release.
pub const CURRENT: &str = env!("CARGO_PKG_VERSION");

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
    pub(super) fn registry_read(
        &self,
        found: &Attachment,
        read: impl FnMut(&Row<AttachmentFact>),
    ) -> Result<(), Failure> {
        let Some(bookings) = found.bookings() else { return Ok(()) };
        as_owner(|| self.run_once(found, RegistryRead { bookings }, read)).map(|_| ())
    }
}

impl Store {
    /// Runs a statement on what attach records, by the bookings of the schema.
    pub(super) fn registry<C: Columns, P: Parameters<C>, T>(
        &self,
        of_bookings: impl FnOnce(pg_sys::Oid) -> P,
        read: impl FnMut(&Row<C>) -> T,
    ) -> Result<Vec<T>, Failure> {
        let Some(bookings) = self.attachment.bookings() else { return Ok(Vec::new()) };
        let found = as_owner(|| self.connection.run_once(&self.attachment, of_bookings(bookings), read))?;
        Ok(found.unwrap_or_default())
    }

    /// Records that the schema is attached, with the optional tables that it has: from now on they are used, and missed
    /// when they are gone. Calls that run read the rows as they were; no lock stops them.
    pub fn record(&self, callers: &[String], application_path: &str) -> Result<(), Failure> {
        let path = format!("{}{application_path}", path::RECORDED);
        let features = self.attachment.features_present().into_iter().chain([path.as_str()]);
        let attach = |bookings| RegistryAttach {
            bookings,
            release: CURRENT,
            features: parameter::texts(features),
            callers: parameter::texts(callers.iter().map(String::as_str)),
        };
        self.registry(attach, |_| ())?;
        self.attachment.recorded();
        Ok(())
    }

    /// Forgets the schema; every session does.
    pub fn forget(&self) -> Result<(), Failure> {
        self.registry(|bookings| RegistryDetach { bookings }, |_| ())?;
        self.registry(|bookings| AdditionsForget { bookings }, |_| ())?;
        self.registry(|bookings| LegacyForget { bookings }, |_| ())?;
        self.attachment.recorded();
        Ok(())
    }

    /// The release that attached the schema.
    pub fn release(&self) -> Result<Option<String>, Failure> {
        Ok(self.registry(|bookings| ReleaseRead { bookings }, |row| row.release())?.into_iter().next())
    }

    /// The roles that were named at attach.
    pub fn callers(&self) -> Result<Vec<String>, Failure> {
        self.registry(|bookings| CallersRead { bookings }, |row| row.role())
    }

    pub fn additions_write(&self, additions: &[Addition]) -> Result<(), Failure> {
        let column = |of: fn(&Addition) -> &str| parameter::texts(additions.iter().map(of));
        let write = |bookings| AdditionsWrite {
            bookings,
            kinds: column(|addition| addition.kind.name()),
            relations: column(|addition| &addition.relation),
            names: column(|addition| &addition.name),
            definitions: column(|addition| &addition.definition),
        };
        self.registry(write, |_| ()).map(|_| ())
    }

    /// What attach added. A kind that this release does not know is left alone.
    pub fn additions_read(&self) -> Result<Vec<Addition>, Failure> {
        let found = self.registry(
            |bookings| AdditionsRead { bookings },
            |row| {
                Some(Addition {
                    kind: AdditionKind::parse(&row.kind())?,
                    relation: row.relation(),
                    name: row.name(),
                    definition: row.definition(),
                })
            },
        )?;
        Ok(found.into_iter().flatten().collect())
    }
}
