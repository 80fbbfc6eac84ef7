//! What the catalogue says about an application's schema: the facts that a doctor looks at. Reads only.

use serde::de::DeserializeOwned;

use super::plan::{Argument, Connection};
use super::row::Row;
use super::schema::CONTRACT;
use super::statement::{Statement, for_features, statement};
use super::{Store, rights, row};
use crate::rules::refusal::failure::Failure;
use crate::rules::requirement::addition::AdditionKind;
use crate::rules::requirement::attach::{ROLLOUT, TABLES};
use crate::rules::requirement::facts::{Facts, Server};
use crate::rules::requirement::rights::{BEHIND, SHOWN};
use crate::rules::requirement::signature;

statement!(CATALOGUE_TABLES, "catalogue_tables", [OIDOID, OIDOID]);
statement!(CATALOGUE_SCHEMA, "catalogue_schema", [OIDOID, OIDOID]);
statement!(CATALOGUE_GRANTS, "catalogue_grants", [OIDOID, TEXTARRAYOID]);
statement!(CATALOGUE_CONSTRAINTS, "catalogue_constraints", [OIDOID]);
statement!(CATALOGUE_INDEXES, "catalogue_indexes", [OIDOID]);
statement!(CATALOGUE_FUNCTIONS, "catalogue_functions", [OIDOID]);
statement!(CATALOGUE_TRIGGERS, "catalogue_triggers", [OIDOID]);
statement!(CATALOGUE_REFERENCES, "catalogue_references", [OIDOID]);
statement!(CATALOGUE_SERVER, "catalogue_server", []);
statement!(CATALOGUE_STATUS_RULES, "catalogue_status_rules", []);
statement!(CATALOGUE_HOLDS, "catalogue_holds", []);

/// Tables of rules that attach adds; they are read when the caller may.
const STATUS_RULES: &[&str] = &["holdfast_booking_statuses", "holdfast_status_transitions"];

impl Store {
    /// Everything there is to know about the schema without locking any of it. Of the server the caller may see more than
    /// who looks at the schema.
    pub fn facts_with(&self, server: Server) -> Result<Facts, Failure> {
        let owner = self.attachment.bookings().and_then(rights::owner_of);
        let acting = owner.map(Into::into);
        let mut facts = Facts {
            schema: self.quoted_schema().to_owned(),
            attached: self.attachment.attached,
            path: self.recorded_path(),
            owner: self.owner()?,
            rights: self.facts_of(&CATALOGUE_SCHEMA, &[self.oid(), acting])?.into_iter().next(),
            callers: self.callers()?,
            made: self.made(),
            tables: self.facts_of(&CATALOGUE_TABLES, &[self.oid(), acting])?,
            constraints: self.facts_of(&CATALOGUE_CONSTRAINTS, &[self.oid()])?,
            indexes: self.facts_of(&CATALOGUE_INDEXES, &[self.oid()])?,
            functions: self.facts_of(&CATALOGUE_FUNCTIONS, &[self.oid()])?,
            legacy: self.facts_of(&CATALOGUE_FUNCTIONS, &[self.legacy_oid()])?,
            triggers: self.facts_of(&CATALOGUE_TRIGGERS, &[self.oid()])?,
            references: self.facts_of(&CATALOGUE_REFERENCES, &[self.oid()])?,
            server,
            ..Facts::default()
        };
        let tables = self
            .additions_read()?
            .into_iter()
            .filter(|made| matches!(made.kind, AdditionKind::Table | AdditionKind::Found));
        facts.recorded = tables.map(|table| table.name).collect();
        let ours = row::texts(TABLES.iter().chain(ROLLOUT).chain(&[SHOWN, BEHIND]).copied());
        facts.grants = self.facts_of(&CATALOGUE_GRANTS, &[self.oid(), ours])?;
        let present = self.attachment.with_present();
        let scripts = CONTRACT.iter().map(|script| for_features(script, &present));
        facts.ours = scripts.flat_map(|script| signature::declared(&script, &facts)).collect();
        let readable = |table: &str| {
            facts.table(table).is_some_and(|table| table.readable && ["r", "p"].contains(&table.kind.as_str()))
        };
        let (rules, holds) = (STATUS_RULES.iter().all(|table| readable(table)), readable("table_holds"));
        let policy = readable("holdfast_hold_policy");
        let holds = holds
            && ["expires_at", "start_at", "end_at", "status"].iter().all(|c| facts.column("table_holds", c).is_some());
        if rules {
            facts.status_rules = self.facts_of(&CATALOGUE_STATUS_RULES, &[])?.into_iter().next();
        }
        if holds {
            facts.holds = self.facts_of(&CATALOGUE_HOLDS, &[])?.into_iter().next();
        }
        if policy {
            facts.hold_policy = self.hold_policy_found()?;
        }
        Ok(facts)
    }

    fn facts_of<T: DeserializeOwned>(
        &self,
        statement: &'static Statement,
        arguments: &[Argument],
    ) -> Result<Vec<T>, Failure> {
        Ok(self.run(statement, arguments, fact)?.into_iter().flatten().collect())
    }
}

fn fact<T: DeserializeOwned>(row: &Row) -> Option<T> {
    row.read(1)
}

/// What the caller may know of the server and its database; nothing of a schema is touched.
pub fn server_facts() -> Result<Server, Failure> {
    let found = Connection::open().query(CATALOGUE_SERVER.text, fact)?;
    Ok(found.into_iter().flatten().next().unwrap_or_default())
}
