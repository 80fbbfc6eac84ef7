//! What the catalogue says about an application's schema, as plain data.

use serde::Deserialize;

use super::function::FunctionFacts;
use super::name::is_control;
use super::signature::Signature;
use crate::rules::hold::HoldPolicy;

/// A schema as it was found.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// As SQL quotes it.
    pub schema: String,
    pub attached: bool,
    /// The release that attached it.
    pub attached_by: Option<String>,
    /// The release that looks.
    pub release: String,
    /// Of the bookings: what our functions do, they do as this role.
    pub owner: String,
    /// None: there are no bookings, so nobody is their owner.
    pub rights: Option<SchemaRights>,
    /// Tables that attach recorded as its own.
    pub recorded: Vec<String>,
    /// Roles that attach let call.
    pub callers: Vec<String>,
    /// Rights of others on what attach made.
    pub grants: Vec<Grant>,
    pub tables: Vec<TableFacts>,
    pub constraints: Vec<Constraint>,
    pub indexes: Vec<Index>,
    pub functions: Vec<FunctionFacts>,
    /// The legacy functions, in the schema that attach keeps them in.
    pub legacy: Vec<FunctionFacts>,
    /// The functions that attach installs.
    pub ours: Vec<Signature>,
    pub triggers: Vec<TriggerFacts>,
    /// Foreign keys to its tables.
    pub references: Vec<Reference>,
    /// What the application's own code names its things by; None: not attached.
    pub path: Option<String>,
    pub server: Server,
    /// None: the schema has no such tables yet.
    pub status_rules: Option<StatusFacts>,
    /// None: they could not be looked at.
    pub holds: Option<Holds>,
    /// None: nothing was written down yet.
    pub hold_policy: Option<HoldPolicy>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct TableFacts {
    pub name: String,
    /// `relkind`: r table, p partitioned, v view, m materialized view, f foreign.
    pub kind: String,
    pub owner: String,
    /// The planner's estimate; below zero: never counted.
    pub rows: i64,
    pub row_security: bool,
    /// Row security keeps rows of it from the owner of the bookings.
    pub hides_rows: bool,
    /// The columns that it is partitioned by; an expression is one of them, by its text.
    pub partitioned_by: Vec<String>,
    /// By who looks.
    pub readable: bool,
    pub has_rules: bool,
    /// Rights that the owner of the bookings has not.
    pub lacks: Vec<String>,
    pub columns: Vec<Column>,
}

/// What the owner of the bookings may do in the schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct SchemaRights {
    pub usage: bool,
    pub create: bool,
}

/// Rights of somebody on a table or view of ours, its sequence or its row type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Grant {
    pub table: String,
    /// As `REVOKE` names it: table, sequence, type.
    pub kind: String,
    /// As SQL names it.
    pub object: String,
    /// Empty: PUBLIC.
    pub grantee: String,
    pub privileges: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Column {
    pub name: String,
    /// With its schema, unless that is `pg_catalog`.
    pub type_name: String,
    /// `typtype`: e is an enum, d a domain.
    pub type_kind: String,
    /// Of a domain, the type under it; else the type itself.
    pub base_type: String,
    /// How many characters it holds, where the type says so.
    pub length: Option<i32>,
    pub type_owner: String,
    /// The owner of the bookings may not use the type.
    pub barred: bool,
    pub not_null: bool,
    /// Has a default, is an identity, or is generated.
    pub filled: bool,
    /// May not be written at all.
    pub computed: bool,
    pub expression: Option<String>,
    /// Of an enum, in order.
    pub labels: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Constraint {
    pub table: String,
    pub name: String,
    /// `contype`: p primary, u unique, x exclude, f foreign key, c check.
    pub kind: String,
    pub validated: bool,
    pub deferrable: bool,
    pub columns: Vec<Option<String>>,
    /// Of an exclusion, one a column.
    pub operators: Vec<String>,
    pub predicate: Option<String>,
    pub usable: bool,
    pub definition: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Index {
    pub table: String,
    pub name: String,
    pub method: String,
    pub unique: bool,
    /// Valid, ready, and checked at once.
    pub usable: bool,
    pub valid: bool,
    pub backs_constraint: bool,
    pub replica_identity: bool,
    pub predicate: Option<String>,
    /// Names or expressions, in order, without INCLUDE.
    pub columns: Vec<String>,
    /// The definition without the name.
    pub shape: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct TriggerFacts {
    pub table: String,
    pub name: String,
    /// O fires, D never, R on replicas only, A always.
    pub enabled: String,
    pub of_constraint: bool,
    pub before_row: bool,
    pub on_insert: bool,
    pub body: String,
}

/// A foreign key to a table of the schema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Reference {
    /// Of the referring table, as SQL quotes it.
    pub schema: String,
    pub table: String,
    pub name: String,
    pub columns: Vec<String>,
    /// The table that is referred to.
    pub references: String,
    pub partitioned: bool,
    /// In another schema than the table that is referred to.
    pub elsewhere: bool,
    /// Does an index find the referring rows?
    pub indexed: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Server {
    pub version: i32,
    pub encoding: String,
    /// What this session is told things in.
    pub client_encoding: String,
    /// None: the caller may not see it.
    pub preloaded: Option<String>,
    pub isolation: String,
    pub read_only: bool,
    pub synchronous_commit: String,
    pub full_page_writes: bool,
    pub fsync: bool,
    pub prepared_transactions: i32,
    /// Does the server look, while a statement runs, whether its client is still there?
    pub connection_check: bool,
    pub plan_cache_mode: String,
    pub replication_role: String,
    pub in_recovery: bool,
    /// Roles, schemas and sessions that are named after a pooler.
    pub poolers: Vec<String>,
    /// Settings of roles and the database that change what a promise stands on.
    pub presets: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct StatusFacts {
    pub statuses: Vec<String>,
    /// Statuses that a declared move leads to or from.
    pub moving: Vec<String>,
    pub targets: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Holds {
    pub seen: i64,
    /// End with the booking.
    pub tied: i64,
    /// Active, but past their deadline.
    pub past: i64,
}

impl Server {
    /// What a text is in that this session was told: without an encoding of its own it gets the database's bytes.
    #[must_use]
    pub fn script_encoding(&self) -> &str {
        if self.client_encoding == "SQL_ASCII" { &self.encoding } else { &self.client_encoding }
    }
}

impl Facts {
    /// May what attach made belong to this role? To the owner of the bookings, or to the one before, who has our functions still.
    #[must_use]
    pub fn may_follow(&self, owner: &str) -> bool {
        let has_ours = |function: &FunctionFacts| function.ours && function.language == "c" && function.owner == owner;
        owner == self.owner || self.functions.iter().any(has_ours)
    }

    /// Whatever the application may run: its own functions, ours, and legacy ones.
    pub fn routines(&self) -> impl Iterator<Item = &FunctionFacts> {
        self.functions.iter().chain(&self.legacy)
    }

    /// A name that may not be printed: it has a control character, which is shown escaped.
    #[must_use]
    pub fn unprintable(&self) -> Option<String> {
        let tables = self.tables.iter().flat_map(|table| {
            let columns = table
                .columns
                .iter()
                .flat_map(|column| [&column.name, &column.type_name].into_iter().chain(column.labels.iter().flatten()));
            [&table.name, &table.owner].into_iter().chain(columns)
        });
        let functions = self.routines().flat_map(|function| {
            [&function.signature, &function.owner, &function.returns].into_iter().chain(&function.grantees)
        });
        let names = [&self.schema].into_iter().chain(tables).chain(functions);
        let names = names.chain(self.constraints.iter().flat_map(|found| [&found.name, &found.table]));
        let names = names.chain(self.indexes.iter().flat_map(|found| [&found.name, &found.table]));
        let mut names = names.chain(self.triggers.iter().flat_map(|found| [&found.name, &found.table]));
        names.find(|name| name.chars().any(is_control)).map(|name| name.escape_default().to_string())
    }

    #[must_use]
    pub fn table(&self, name: &str) -> Option<&TableFacts> {
        self.tables.iter().find(|table| table.name == name)
    }

    #[must_use]
    pub fn column(&self, table: &str, column: &str) -> Option<&Column> {
        self.table(table)?.columns.iter().find(|found| found.name == column)
    }
}
