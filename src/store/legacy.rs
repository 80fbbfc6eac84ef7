//! The legacy functions of an application: attach moves them into a schema of their own, and detach brings them back.

use pgrx::pg_sys;

use super::Store;
use super::attachment::namespace_oid_of;
use super::columns::columns;
use super::schema::quoted;
use super::statement::statement;
use crate::rules::catalogue::function::FunctionFacts;
use crate::rules::legacy::replacement::{Replacement, legacy_schema};
use crate::rules::refusal::failure::Failure;

columns!(FunctionRow { signature: String, kind: String, granted: bool, closed: bool });
statement!("legacy_functions", LegacyFunctions { bookings: pg_sys::Oid } -> FunctionRow);
columns!(SignatureRow { signature: String });
statement!("function_signature", FunctionSignature { function: pg_sys::Oid } -> SignatureRow);
statement!(
    "legacy_record",
    LegacyRecord<'a> {
        bookings: pg_sys::Oid,
        function: pg_sys::Oid,
        legacy: &'a str,
        callable: bool,
        granted: bool,
        closed: bool,
    }
);
columns!(OpenRow { open: bool });
statement!("open_to_all", OpenToAll { function: pg_sys::Oid } -> OpenRow);
columns!(GranteeRow { grantee: String });
statement!("schema_grantees", SchemaGrantees { schema: Option<pg_sys::Oid> } -> GranteeRow);
columns!(EmptyRow { empty: bool });
statement!("schema_is_empty", SchemaIsEmpty { schema: pg_sys::Oid } -> EmptyRow);

/// A function that attach keeps.
pub struct LegacyFunction {
    /// As `ALTER` takes it.
    pub signature: String,
    /// function or procedure.
    pub kind: String,
    /// The owner of the bookings may execute it because attach said so.
    pub granted: bool,
    /// Everybody could execute it before attach.
    pub closed: bool,
}

impl Store {
    /// The schema of the legacy functions, made where it is missing. It is the owner's of the bookings: nobody else may
    /// create in it, nor reach what is in it by name, whatever the default privileges say.
    pub fn legacy_open(&self, owner: &str) -> Result<String, Failure> {
        let taken = |name: &str| namespace_oid_of(name).is_some();
        let name = self.attachment.legacy.clone().unwrap_or_else(|| legacy_schema(self.schema(), taken));
        if taken(&name) {
            return Ok(name);
        }
        let (new, role) = (quoted(&name), quoted(owner));
        self.ddl(&format!("create schema {new} authorization {role}"))?;
        let comment = format!("holdfast: the legacy functions of schema {}; detach brings them back", self.schema());
        self.ddl_as(owner, &format!("comment on schema {new} is {}", pgrx::spi::quote_literal(comment)))?;
        let schema = namespace_oid_of(&name);
        let grantees = self.run(SchemaGrantees { schema }, |row| row.grantee())?;
        for grantee in grantees {
            let grantee = if grantee.is_empty() { "public".to_owned() } else { quoted(&grantee) };
            self.ddl_as(owner, &format!("revoke all on schema {new} from {grantee}"))?;
        }
        Ok(name)
    }

    /// Moves a function of the application into the schema of the legacy functions, as their owner, who is that of the bookings;
    /// they may execute it, and everybody no more.
    pub fn legacy_keep(&self, replaced: &Replacement, legacy: &str, owner: &str) -> Result<(), Failure> {
        let function = replaced.function;
        let kind = if function.kind == "p" { "procedure" } else { "function" };
        self.ddl_as(owner, &format!("alter {kind} {} set schema {}", function.signature, quoted(legacy)))?;
        let oid = pg_sys::Oid::from_u32(u32::try_from(function.oid).unwrap_or_default());
        let moved = self.signature_of(oid)?;
        let closed = self.is_open_to_all(oid)?;
        if closed {
            self.ddl_as(owner, &format!("revoke execute on {kind} {moved} from public"))?;
        }
        let (_, may_execute) = self.rights_held(owner, Some(oid.to_u32()))?;
        if !may_execute {
            self.ddl_as(owner, &format!("grant execute on {kind} {moved} to {}", quoted(owner)))?;
        }
        let (function, callable, granted) = (oid, replaced.callable, !may_execute);
        let record = |bookings| LegacyRecord { bookings, function, legacy, callable, granted, closed };
        self.registry(record, |_| ()).map(|_| ())
    }

    /// Nobody but the owner of the bookings reaches them, also when a dump without grants has left them open.
    pub fn legacy_shut(&self, functions: &[FunctionFacts]) -> Result<(), Failure> {
        for function in functions.iter().filter(|function| function.for_public) {
            let oid = pg_sys::Oid::from_u32(u32::try_from(function.oid).unwrap_or_default());
            if self.is_open_to_all(oid)? {
                let revoke = format!("revoke execute on routine {} from public", function.signature);
                self.ddl_as(&function.owner, &revoke)?;
            }
        }
        Ok(())
    }

    fn signature_of(&self, function: pg_sys::Oid) -> Result<String, Failure> {
        let rows = self.run(FunctionSignature { function }, |row| row.signature())?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    fn is_open_to_all(&self, function: pg_sys::Oid) -> Result<bool, Failure> {
        let rows = self.run(OpenToAll { function }, |row| row.open())?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// The schema of the legacy functions; None where there is none.
    pub(super) fn legacy_oid(&self) -> Option<pg_sys::Oid> {
        self.attachment.legacy.as_deref().and_then(namespace_oid_of)
    }

    /// Drops the schema of the legacy functions, unless somebody put something into it.
    pub fn legacy_close(&self) -> Result<(), Failure> {
        let (Some(legacy), Some(schema)) = (&self.attachment.legacy, self.legacy_oid()) else { return Ok(()) };
        let empty = self.run(SchemaIsEmpty { schema }, |row| row.empty())?;
        if empty.into_iter().any(|empty| empty) {
            self.ddl(&format!("drop schema {}", quoted(legacy)))?;
        }
        Ok(())
    }

    /// The legacy functions that are still where attach moved them.
    pub fn kept_functions(&self) -> Result<Vec<LegacyFunction>, Failure> {
        self.registry(
            |bookings| LegacyFunctions { bookings },
            |row| LegacyFunction {
                signature: row.signature(),
                kind: row.kind(),
                granted: row.granted(),
                closed: row.closed(),
            },
        )
    }
}
