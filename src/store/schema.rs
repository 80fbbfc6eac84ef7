//! The DDL that puts an application's schema in order, and what has to be known before it.

use pgrx::pg_sys;

use super::Store;
use super::columns::columns;
use super::plan::Connection;
use super::rights;
use super::row::Row;
use super::statement::{for_schema, statement};
use crate::rules::attach::first_release::{FIRST_RECORD, is_of_first_release, of_first_release};
use crate::rules::attach::missing::{self, Due};
use crate::rules::attach::rights::{BEHIND, READER, SHOWN};
use crate::rules::catalogue::facts::Facts;
use crate::rules::catalogue::signature::Signature;
use crate::rules::refusal;
use crate::rules::refusal::failure::{self, Failure, ServerError, sqlstate_pack};
use crate::rules::schema::ddl::reference_schema;

pub(super) const CONTRACT: &[&str] = &[
    include_str!("../../sql/contract/confirm.sql"),
    include_str!("../../sql/contract/assign.sql"),
    include_str!("../../sql/contract/transition.sql"),
    include_str!("../../sql/contract/hold.sql"),
    include_str!("../../sql/contract/question.sql"),
    include_str!("../../sql/contract/idempotency.sql"),
    include_str!("../../sql/contract/reconciliation.sql"),
    include_str!("../../sql/contract/preflight.sql"),
    include_str!("../../sql/contract/outbox.sql"),
    include_str!("../../sql/contract/time_limit.sql"),
    include_str!("../../sql/contract/attempt.sql"),
    include_str!("../../sql/contract/auto_assign.sql"),
    include_str!("../../sql/contract/undo.sql"),
    include_str!("../../sql/contract/retry.sql"),
    include_str!("../../sql/contract/confirm_many.sql"),
];

/// Views that look at the optional tables too: made after attach has written down which there are.
const VIEWS: &[&str] =
    &[include_str!("../../sql/attach/findings_view.sql"), include_str!("../../sql/attach/findings_shown.sql")];

columns!(FoundFlagRow { found: bool });
columns!(OwnerRow { owner: String });
statement!("schema_owner", SchemaOwner { schema: pg_sys::Oid } -> OwnerRow);
columns!(NameRow { name: String });
statement!("schema_keep", SchemaKeep { schema: pg_sys::Oid } -> NameRow);

/// Creates the schema if it is missing and installs the reference tables in it.
pub fn create_reference(name: &str) -> Result<(), Failure> {
    let quoted = pgrx::spi::quote_identifier(name);
    let connection = Connection::open();
    connection.script(&format!("create schema if not exists {quoted}"))?;
    let created = connection.attachment(
        schema_oid(name).ok_or_else(|| refusal::argument_invalid(format!("Schema {quoted} could not be created")))?,
    )?;
    reference_schema().iter().try_for_each(|statement| connection.script(&for_schema(statement, &created)))
}

fn schema_oid(name: &str) -> Option<pg_sys::Oid> {
    let name = std::ffi::CString::new(name).ok()?;
    super::attachment::namespace_oid(&name)
}

impl Store {
    pub fn quoted_schema(&self) -> &str {
        &self.attachment.quoted
    }

    /// Until the transaction ends the schema keeps its name: what a superuser does by that name is done to no other schema.
    pub fn keep_name(&self) -> Result<(), Failure> {
        let names = self.run(SchemaKeep { schema: self.oid() }, |row| row.name())?;
        if names.first().is_some_and(|name| name == self.schema()) {
            return Ok(());
        }
        Err(failure::schema_renamed(self.quoted_schema()).into())
    }

    /// Puts a table's columns, its indexes and rows in order, as the owner of the table.
    pub fn put_in_order(&self, facts: &Facts, due: &Due) -> Result<(), Failure> {
        let owner =
            due.table.as_deref().and_then(|table| facts.table(table)).map_or(&facts.owner, |table| &table.owner);
        self.ddl_as(owner, &for_schema(&due.text, &self.attachment))
    }

    /// The tables that release 0.1.0 made get their names of today, and belong to the owner of the bookings. Neither runs
    /// anybody's code.
    pub fn take_over(&self, facts: &Facts) -> Result<(), Failure> {
        let schema = &facts.schema;
        for (old, new) in of_first_release(facts) {
            self.ddl(&format!("alter table {schema}.{old} rename to {new}"))?;
            self.ddl(&format!("alter table {schema}.{new} owner to {}", quoted(&facts.owner)))?;
        }
        if is_of_first_release(facts) {
            self.ddl(&format!("drop table {schema}.{FIRST_RECORD}"))?;
        }
        Ok(())
    }

    /// What attach made belongs to the owner of the bookings, also when that is another role by now. Giving it away runs
    /// nobody's code.
    pub fn own_all(&self, facts: &Facts) -> Result<(), Failure> {
        let (schema, owner) = (&facts.schema, quoted(&facts.owner));
        let theirs = facts.tables.iter().filter(|table| table.owner != facts.owner);
        for table in theirs {
            let view = table.kind == "v" && [SHOWN, BEHIND].contains(&table.name.as_str());
            if view || facts.recorded.contains(&table.name) {
                let kind = if view { "view" } else { "table" };
                self.ddl(&format!("alter {kind} {schema}.{} owner to {owner}", quoted(&table.name)))?;
            }
        }
        let reader = facts.functions.iter().find(|function| function.name == READER);
        if let Some(reader) = reader.filter(|reader| reader.owner != facts.owner) {
            self.ddl(&format!("alter function {} owner to {owner}", reader.signature))?;
        }
        Ok(())
    }

    /// The trigger of the rollout, and its modes. The table is the owner's, and has no code of anybody's.
    pub fn complete_rollout(&self, facts: &Facts) -> Result<(), Failure> {
        for statement in missing::triggers(facts) {
            self.ddl(&for_schema(&statement, &self.attachment))?;
        }
        for statement in missing::checks(facts) {
            self.ddl_as(&facts.owner, &for_schema(&statement, &self.attachment))?;
        }
        Ok(())
    }

    /// Creates the wrappers, or replaces those that are ours already; `target` is where a confirm leads by default.
    pub fn create_wrappers(&self, ours: &[Signature], target: &str) -> Result<(), Failure> {
        let whole = self.attachment.with_present();
        let schema = self.quoted_schema();
        let status = for_schema("app.booking_status", &whole);
        let status = status.trim_end();
        let (written, default) =
            (format!("{status} default 'confirmed'"), format!("{status} default {}", pgrx::spi::quote_literal(target)));
        CONTRACT.iter().try_for_each(|script| {
            let script = for_schema(script, &whole).replace(&written, &default);
            // An overload of the application's may have the name as well: a comment says which it is for.
            let commented = ours.iter().fold(script, |text, one| {
                let (name, types) = (&one.name, one.types());
                text.replace(
                    &format!("comment on function {schema}.{name} is"),
                    &format!("comment on function {schema}.{name}({types}) is"),
                )
            });
            self.ddl(&commented)
        })
    }

    /// Creates the views for the features that are there now, as the owner of the bookings: they act with that role's
    /// rights.
    pub fn create_views(&self, owner: &str) -> Result<(), Failure> {
        let attachment = self.attachment.with_present();
        VIEWS.iter().try_for_each(|script| self.ddl_as(owner, &for_schema(script, &attachment)))
    }

    /// The named roles read the view.
    pub fn show(&self, owner: &str, roles: &[String]) -> Result<(), Failure> {
        let schema = self.quoted_schema();
        roles.iter().map(|role| quoted(role)).try_for_each(|role| {
            let shown = format!("grant select on {schema}.{SHOWN} to {role}");
            self.ddl_as(owner, &format!("{shown}; grant execute on function {schema}.{READER}() to {role}"))
        })
    }

    /// Takes the views away, in the order in which they lean on each other.
    pub fn drop_views(&self, owner: &str) -> Result<(), Failure> {
        let schema = self.quoted_schema();
        let views = format!(
            "drop view if exists {schema}.{SHOWN}; drop function if exists {schema}.{READER}(); \
             drop view if exists {schema}.{BEHIND}"
        );
        self.ddl_as(owner, &views)
    }

    /// The owner of the bookings: the wrappers act with their rights and no others.
    pub fn owner(&self) -> Result<String, Failure> {
        let rows = self.run(SchemaOwner { schema: self.oid() }, |row| row.owner())?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// Runs DDL with the caller's rights; its names are quoted already.
    pub fn ddl(&self, text: &str) -> Result<(), Failure> {
        self.connection.script(text)
    }

    /// Runs DDL as a role: code of the application that it wakes has the role's rights only.
    pub fn ddl_as(&self, role: &str, text: &str) -> Result<(), Failure> {
        let Some(oid) = rights::role(role) else {
            return Err(refusal::argument_invalid(format!("There is no role {}", quoted(role))).into());
        };
        rights::as_role(oid, || self.connection.script(text))
    }

    /// Does a column have rows without a value? Asked as the owner of the table.
    pub fn is_without_value(&self, owner: &str, table: &str, column: &str) -> Result<bool, Failure> {
        let (schema, table, column) = (self.quoted_schema(), quoted(table), quoted(column));
        let query = format!("select exists (select from {schema}.{table} where {column} is null) as found");
        let Some(oid) = rights::role(owner) else { return Ok(true) };
        let rows = rights::as_role(oid, || self.connection.query(&query, |row: &Row<FoundFlagRow>| row.found()))?;
        Ok(rows.into_iter().any(|found| found))
    }

    pub(super) fn oid(&self) -> pg_sys::Oid {
        self.attachment.oid
    }
}

/// Refuses who is no superuser: functions in C are made, and given to the owner of the bookings.
pub fn check_superuser(what: &str) -> Result<(), Failure> {
    if rights::is_superuser() {
        return Ok(());
    }
    Err(ServerError {
        sqlstate: sqlstate_pack("42501"),
        message: format!("permission denied to {what} a schema"),
        detail: Some("The functions of the contract are written in C, which only a superuser may create".to_owned()),
        hint: Some("Let a superuser call it; nothing was changed".to_owned()),
        ..ServerError::default()
    }
    .into())
}

/// A name as SQL quotes it.
pub fn quoted(name: &str) -> String {
    pgrx::spi::quote_identifier(name)
}
