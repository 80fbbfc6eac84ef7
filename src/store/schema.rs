//! The DDL that puts an application's schema in order, and what has to be known before it.

use pgrx::pg_sys;

use super::Store;
use super::attachment::RECORD;
use super::plan::Connection;
use super::statement::{for_features, for_schema, statement};
use crate::rules::failure::Failure;
use crate::rules::refusal;
use crate::rules::requirement::attach::TABLES;
use crate::rules::requirement::due::{Due, due};
use crate::rules::requirement::facts::Facts;
use crate::rules::requirement::signature::Signature;

const REFERENCE: &[&str] = &[
    include_str!("../../sql/reference_schema/1_floor.sql"),
    include_str!("../../sql/reference_schema/2_bookings.sql"),
    include_str!("../../sql/reference_schema/3_holds.sql"),
    include_str!("../../sql/reference_schema/4_ledger.sql"),
];
const ATTACH: &[&str] = &[
    include_str!("../../sql/attach/1_columns.sql"),
    include_str!("../../sql/attach/2_rules.sql"),
    include_str!("../../sql/attach/3_status_rules.sql"),
    include_str!("../../sql/attach/4_attempts.sql"),
    include_str!("../../sql/attach/6_upkeep.sql"),
    include_str!("../../sql/attach/7_reconciliation.sql"),
];
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
    include_str!("../../sql/contract/deadline.sql"),
    include_str!("../../sql/contract/attempt.sql"),
    include_str!("../../sql/contract/auto_assign.sql"),
    include_str!("../../sql/contract/undo.sql"),
    include_str!("../../sql/contract/retry.sql"),
];

/// Views that look at the optional tables too: made after attach has written down which there are.
const VIEWS: &[&str] = &[include_str!("../../sql/attach/7_reconciliation_view.sql")];
/// What the roles that may call the wrappers read, what reads it for them, and what only the owner sees.
const SHOWN: &str = "holdfast_reconciliation";
const READER: &str = "holdfast_reconciliation_read()";
const BEHIND: &str = "holdfast_inconsistent_bookings";

statement!(SCHEMA_OWNER, "schema_owner", [OIDOID]);

/// Creates the schema if it is missing and installs the reference tables in it.
pub fn create_reference(name: &str) -> Result<(), Failure> {
    let quoted = pgrx::spi::quote_identifier(name);
    let connection = Connection::open();
    connection.script(&format!("create schema if not exists {quoted}"))?;
    let created = connection.attachment(
        schema_oid(name).ok_or_else(|| refusal::argument_invalid(format!("Schema {quoted} could not be created")))?,
    )?;
    REFERENCE.iter().try_for_each(|script| connection.script(&for_schema(script, &created)))?;
    let whole = created.with_present();
    ATTACH.iter().try_for_each(|script| connection.script(&for_schema(script, &whole)))
}

fn schema_oid(name: &str) -> Option<pg_sys::Oid> {
    let name = std::ffi::CString::new(name).ok()?;
    super::attachment::namespace_oid(&name)
}

impl Store {
    pub fn quoted_schema(&self) -> &str {
        &self.attachment.quoted
    }

    /// What is missing of the columns, indexes and rules.
    pub fn missing(&self, facts: &Facts) -> Vec<Due> {
        let whole = self.attachment.with_present();
        ATTACH.iter().flat_map(|script| due(&for_features(script, &whole), facts)).collect()
    }

    /// What is new of our own tables belongs to the owner of the bookings.
    pub fn own_new(&self, before: &Facts, owner: &str) -> Result<(), Failure> {
        let new = TABLES.iter().filter(|table| before.table(table).is_none());
        new.filter(|table| !self.attachment.lacks(table)).try_for_each(|table| self.own(table, owner))
    }

    /// Records which features the schema has: from now on they are used, and missed when they are gone. Calls that run
    /// read the rows as they were; no lock stops them.
    pub fn record(&self, owner: &str) -> Result<(), Failure> {
        let (schema, table) = (self.quoted_schema(), RECORD);
        let features: Vec<String> =
            self.attachment.features_present().iter().map(|feature| format!("'{feature}'")).collect();
        let features = format!("array[{}]::text[]", features.join(", "));
        if self.attachment.lacks(table) {
            self.ddl(&format!("create table {schema}.{table} (feature text primary key)"))?;
            self.own(table, owner)?;
        }
        self.ddl(&format!(
            "comment on table {schema}.{table} is 'holdfast: the optional tables that attach found; call attach again when that changes'"
        ))?;
        self.ddl(&format!("delete from {schema}.{table} where feature <> all ({features})"))?;
        self.ddl(&format!("insert into {schema}.{table} select pg_catalog.unnest({features}) on conflict do nothing"))?;
        self.attachment.recorded();
        Ok(())
    }

    pub(super) fn own(&self, table: &str, owner: &str) -> Result<(), Failure> {
        self.ddl(&format!("alter table {}.{table} owner to {owner}", self.quoted_schema()))
    }

    /// Creates the wrappers, or replaces those that are ours already; `target` is where a confirm leads by default.
    pub fn create_wrappers(&self, ours: &[Signature], target: &str) -> Result<(), Failure> {
        let whole = self.attachment.with_present();
        let schema = self.quoted_schema();
        let default = format!("app.booking_status default {}", pgrx::spi::quote_literal(target));
        CONTRACT.iter().try_for_each(|script| {
            let script = &script
                .replace("app.booking_status default 'confirmed'", &default)
                .replace("'app'::regnamespace", &format!("{}::regnamespace", pgrx::spi::quote_literal(schema)));
            // An overload of the application's may have the name as well: a comment says which it is for.
            let commented = ours.iter().fold(for_schema(script, &whole), |text, one| {
                let (name, types) = (&one.name, one.types());
                text.replace(
                    &format!("comment on function {schema}.{name} is"),
                    &format!("comment on function {schema}.{name}({types}) is"),
                )
            });
            self.ddl(&commented)
        })
    }

    /// Creates the views for the features that are there now; they act with the rights of the bookings' owner.
    pub fn create_views(&self, owner: &str, roles: &[String]) -> Result<(), Failure> {
        let attachment = self.attachment.with_present();
        for script in VIEWS {
            self.ddl(&for_schema(script, &attachment))?;
        }
        let schema = self.quoted_schema();
        let (shown, reader) = (format!("{schema}.{SHOWN}"), format!("function {schema}.{READER}"));
        self.own(BEHIND, owner)?;
        self.own(SHOWN, owner)?;
        self.ddl(&format!("alter {reader} owner to {owner}"))?;
        self.ddl(&format!("revoke all on {shown}, {schema}.{BEHIND} from public; revoke all on {reader} from public"))?;
        for role in roles {
            self.ddl(&format!("grant select on {shown} to {role}; grant execute on {reader} to {role}"))?;
        }
        Ok(())
    }

    /// Takes the views away, in the order in which they lean on each other.
    pub fn drop_views(&self) -> Result<(), Failure> {
        let schema = self.quoted_schema();
        self.ddl(&format!(
            "drop view if exists {schema}.{SHOWN}; drop function if exists {schema}.{READER}; \
             drop view if exists {schema}.{BEHIND}"
        ))
    }

    /// The owner of the bookings: the wrappers act with their rights and no others.
    pub fn owner(&self) -> Result<String, Failure> {
        let rows = self.run(&SCHEMA_OWNER, &[self.oid()], |row| row.text(1).unwrap_or_default())?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// Runs a statement in which `app` stands for the schema.
    pub fn script_for_schema(&self, text: &str) -> Result<(), Failure> {
        self.ddl(&for_schema(text, &self.attachment))
    }

    /// Runs DDL whose names are quoted already.
    pub fn ddl(&self, text: &str) -> Result<(), Failure> {
        self.connection.script(text)
    }

    pub(super) fn oid(&self) -> super::plan::Argument {
        Some(self.attachment.oid.into())
    }
}

/// A name as SQL quotes it.
pub fn quoted(name: &str) -> String {
    pgrx::spi::quote_identifier(name)
}
