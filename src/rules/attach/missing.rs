//! What is missing of our tables, as statements: a lock that changes nothing stops writers all the same.

use crate::rules::catalogue::facts::Facts;
use crate::rules::catalogue::name::literal;
use crate::rules::schema::column::{HoldfastColumn, HoldfastTable};
use crate::rules::schema::ddl;
use crate::rules::schema::holdfast_tables::{TRIGGERS, all};

/// A statement that has something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub text: String,
    /// The table that it is about, if it is there already.
    pub table: Option<String>,
    /// It stops writers of a table that is there: such come last.
    pub locks: bool,
}

/// What is missing of the tables that attach makes, in order; `app` stands for the schema.
#[must_use]
pub fn due(facts: &Facts) -> Vec<Due> {
    all()
        .flat_map(|table| if facts.table(table.name).is_some() { added(table, facts) } else { made(table, facts) })
        .collect()
}

/// A table, where there is none.
fn made(table: &HoldfastTable, facts: &Facts) -> Vec<Due> {
    let refers = |column: &HoldfastColumn| column.references.is_some_and(|(other, _)| facts.table(other).is_some());
    let locks = table.columns.iter().any(refers);
    ddl::create(table).into_iter().map(|text| Due { text, table: None, locks }).collect()
}

/// What a table of an earlier release lacks. Its rows and what is said of it are asked for again: they stop nobody.
fn added(table: &HoldfastTable, facts: &Facts) -> Vec<Due> {
    let lacking = |column: &&HoldfastColumn| facts.column(table.name, column.name).is_none();
    let lacking: Vec<&HoldfastColumn> = table.columns.iter().filter(lacking).collect();
    let columns = (!lacking.is_empty()).then(|| (ddl::add_columns(table, &lacking), true));
    let indexes = table.indexes.iter().filter(|(name, _)| !facts.indexes.iter().any(|found| found.name == *name));
    let indexes = indexes.map(|(name, columns)| (ddl::create_index(table, name, columns), true));
    let comment = (!table.comment.is_empty()).then(|| (ddl::comment(table), false));
    let rows = ddl::first_rows(table).map(|rows| (rows, false));
    let found = columns.into_iter().chain(indexes).chain(comment).chain(rows);
    found.map(|(text, locks)| Due { text, table: Some(table.name.to_owned()), locks }).collect()
}

/// Triggers of ours that are missing: statements that only a superuser may run.
#[must_use]
pub fn triggers(facts: &Facts) -> Vec<String> {
    let lacking = TRIGGERS
        .iter()
        .filter(|ours| !facts.triggers.iter().any(|found| found.name == ours.name && found.table == ours.table));
    lacking.flat_map(ddl::create_trigger).collect()
}

/// CHECKs of an earlier release that allow less than they have to.
#[must_use]
pub fn checks(facts: &Facts) -> Vec<String> {
    let columns = all().flat_map(|table| table.columns.iter().map(move |column| (table, column)));
    let narrow = columns.filter(|(table, column)| {
        let name = ddl::check_name(table, column);
        let found = facts.constraints.iter().find(|found| found.table == table.name && found.name == name);
        found.is_some_and(|found| column.one_of.iter().any(|text| !found.definition.contains(&literal(text))))
    });
    narrow.filter_map(|(table, column)| ddl::renew_check(table, column)).collect()
}
