//! What the catalogue says about an application's schema: the facts that a doctor looks at. Reads only.

use serde::de::DeserializeOwned;

use pgrx::pg_sys;

use super::columns::columns;
use super::parameter::{self, Parameters, Texts};
use super::plan::Connection;
use super::registry::CURRENT;
use super::row::{self, Row};
use super::schema::CONTRACT;
use super::statement::{for_features, statement};
use super::{Store, rights};
use crate::rules::attach::addition::AdditionKind;
use crate::rules::attach::rights::{BEHIND, SHOWN};
use crate::rules::catalogue::declared::declared;
use crate::rules::catalogue::facts::{Facts, Server};
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;
use crate::rules::schema::holdfast_tables::all;

columns!(FactRow { fact: Option<Json> });
statement!("catalogue_tables", CatalogueTables { schema: pg_sys::Oid, owner: Option<pg_sys::Oid> } -> FactRow);
statement!("catalogue_schema", CatalogueSchema { schema: pg_sys::Oid, owner: Option<pg_sys::Oid> } -> FactRow);
statement!("catalogue_grants", CatalogueGrants { schema: pg_sys::Oid, ours: Texts } -> FactRow);
statement!("catalogue_constraints", CatalogueConstraints { schema: pg_sys::Oid } -> FactRow);
statement!("catalogue_indexes", CatalogueIndexes { schema: pg_sys::Oid } -> FactRow);
statement!("catalogue_functions", CatalogueFunctions { schema: Option<pg_sys::Oid> } -> FactRow);
statement!("catalogue_triggers", CatalogueTriggers { schema: pg_sys::Oid } -> FactRow);
statement!("catalogue_references", CatalogueReferences { schema: pg_sys::Oid } -> FactRow);
statement!("catalogue_server", CatalogueServer {} -> FactRow);
statement!("catalogue_status_rules", CatalogueStatusRules {} -> FactRow);
statement!("catalogue_holds", CatalogueHolds {} -> FactRow);

/// Tables of rules that attach adds; they are read when the caller may.
const STATUS_RULES: &[&str] = &["holdfast_booking_statuses", "holdfast_status_transitions"];

impl Store {
    /// Everything there is to know about the schema without locking any of it. Of the server the caller may see more than
    /// who looks at the schema.
    pub fn facts_with(&self, server: Server) -> Result<Facts, Failure> {
        let owner = self.attachment.bookings().and_then(rights::owner_of);
        let mut facts = Facts {
            schema: self.quoted_schema().to_owned(),
            attached: self.attachment.attached,
            attached_by: self.release()?,
            release: CURRENT.to_owned(),
            path: self.recorded_path(),
            owner: self.owner()?,
            rights: self.facts_of(CatalogueSchema { schema: self.oid(), owner })?.into_iter().next(),
            callers: self.callers()?,
            tables: self.facts_of(CatalogueTables { schema: self.oid(), owner })?,
            constraints: self.facts_of(CatalogueConstraints { schema: self.oid() })?,
            indexes: self.facts_of(CatalogueIndexes { schema: self.oid() })?,
            functions: self.facts_of(CatalogueFunctions { schema: Some(self.oid()) })?,
            legacy: self.facts_of(CatalogueFunctions { schema: self.legacy_oid() })?,
            triggers: self.facts_of(CatalogueTriggers { schema: self.oid() })?,
            references: self.facts_of(CatalogueReferences { schema: self.oid() })?,
            server,
            ..Facts::default()
        };
        let tables = self
            .additions_read()?
            .into_iter()
            .filter(|made| matches!(made.kind, AdditionKind::Table | AdditionKind::Found));
        facts.recorded = tables.map(|table| table.name).collect();
        let ours = parameter::texts(all().map(|table| table.name).chain([SHOWN, BEHIND]));
        facts.grants = self.facts_of(CatalogueGrants { schema: self.oid(), ours })?;
        let present = self.attachment.with_present();
        let scripts = CONTRACT.iter().map(|script| for_features(script, &present));
        facts.ours = scripts.flat_map(|script| declared(&script, &facts)).collect();
        let readable = |table: &str| {
            facts.table(table).is_some_and(|table| table.readable && ["r", "p"].contains(&table.kind.as_str()))
        };
        let (rules, holds) = (STATUS_RULES.iter().all(|table| readable(table)), readable("table_holds"));
        let policy = readable("holdfast_hold_policy");
        let holds = holds
            && ["expires_at", "start_at", "end_at", "status"].iter().all(|c| facts.column("table_holds", c).is_some());
        if rules {
            facts.status_rules = self.facts_of(CatalogueStatusRules {})?.into_iter().next();
        }
        if holds {
            facts.holds = self.facts_of(CatalogueHolds {})?.into_iter().next();
        }
        if policy {
            facts.hold_policy = self.hold_policy_found()?;
        }
        Ok(facts)
    }

    fn facts_of<T: DeserializeOwned>(&self, parameters: impl Parameters<FactRow>) -> Result<Vec<T>, Failure> {
        Ok(self.run(parameters, fact)?.into_iter().flatten().collect())
    }
}

fn fact<T: DeserializeOwned>(row: &Row<FactRow>) -> Option<T> {
    row::parsed(row.fact())
}

/// What the caller may know of the server and its database; nothing of a schema is touched.
pub fn server_facts() -> Result<Server, Failure> {
    let found = Connection::open().query(CatalogueServer::STATEMENT.text, fact)?;
    Ok(found.into_iter().flatten().next().unwrap_or_default())
}
