//! The statements that make what the list says. `app` stands for the schema, and `app.booking_status` for its type.

use super::application_tables::{APPLICATION, BESIDE, ENUMS, FILL_FACTORS, REFERENCE_UNIQUE};
use super::column::{ApplicationTable, Fill, HoldfastColumn, HoldfastTable};
use super::holdfast_tables::{HOLDFAST, HoldfastTrigger};
use crate::rules::booking::status::known_rows;
use crate::rules::catalogue::name::{literal, quoted};
use crate::rules::index::needed::{LIVE_HOLDS, NEEDED, NeededIndex};

/// The statements of the reference schema, in order: the tables of an application, and ours.
#[must_use]
pub fn reference_schema() -> Vec<String> {
    reference_tables().into_iter().chain(HOLDFAST.iter().flat_map(create)).collect()
}

/// The tables of an application.
#[must_use]
pub fn reference_tables() -> Vec<String> {
    let enums = ENUMS.iter().map(|(name, labels)| {
        let labels: Vec<String> = labels.iter().map(|label| literal(label)).collect();
        format!("create type app.{name} as enum ({})", labels.join(", "))
    });
    let indexes = NEEDED.iter().chain([&LIVE_HOLDS]).filter(|needed| needed.in_reference).map(reference_index);
    let from_attach = APPLICATION.iter().filter_map(|table| {
        let added = table.asked().filter(|column| column.reference.is_none());
        let added: Vec<String> =
            added.map(|column| format!("add column {} {}", column.name, column.kind.sql())).collect();
        (!added.is_empty()).then(|| format!("alter table app.{} {}", table.name, added.join(", ")))
    });
    let tables = APPLICATION.iter().chain(BESIDE).map(reference_table);
    let unique = REFERENCE_UNIQUE.iter().map(|index| (*index).to_owned());
    enums.chain(tables).chain(from_attach).chain(unique).chain(indexes).collect()
}

fn reference_table(table: &ApplicationTable) -> String {
    let columns = table.columns.iter().filter_map(|column| {
        let line = format!("  {} {} {}", quoted(column.name), column.kind.sql(), column.reference?);
        Some(line.trim_end().to_owned())
    });
    let lines: Vec<String> = columns.chain(table.rules.iter().map(|rule| format!("  {rule}"))).collect();
    let filled = FILL_FACTORS.iter().find(|(name, _)| *name == table.name);
    let filled = filled.map_or_else(String::new, |(_, percent)| format!(" with (fillfactor = {percent})"));
    format!("create table app.{} (\n{}\n){filled}", table.name, lines.join(",\n"))
}

fn reference_index(needed: &NeededIndex) -> String {
    let columns = format!("{}{}", needed.built(), needed.reference_more);
    let rows = if needed.predicate.is_empty() { String::new() } else { format!(" where {}", needed.predicate) };
    format!("create index {} on app.{} using {} ({columns}){rows}", needed.name, needed.table, needed.method)
}

/// Makes a table of ours, with all that is on it, and its first rows.
#[must_use]
pub fn create(table: &HoldfastTable) -> Vec<String> {
    let comment = (!table.comment.is_empty()).then(|| comment(table));
    let indexes = table.indexes.iter().map(|(name, columns)| create_index(table, name, columns));
    [create_table(table)].into_iter().chain(indexes).chain(comment).chain(first_rows(table)).collect()
}

/// The statement for the rows that it begins with.
#[must_use]
pub fn first_rows(table: &HoldfastTable) -> Option<String> {
    table.rows.map(|rows| rows.replace("--< known_statuses", &known_rows()))
}

/// The table alone.
#[must_use]
pub fn create_table(table: &HoldfastTable) -> String {
    let columns = table.columns.iter().map(|column| format!("  {}", declared(column)));
    let lines: Vec<String> = columns.chain(table.rules.iter().map(|rule| format!("  {rule}"))).collect();
    format!("create table if not exists app.{} (\n{}\n)", table.name, lines.join(",\n"))
}

/// An index of a table of ours.
#[must_use]
pub fn create_index(table: &HoldfastTable, name: &str, columns: &str) -> String {
    format!("create index if not exists {name} on app.{} ({columns})", table.name)
}

/// What is said of a table of ours.
#[must_use]
pub fn comment(table: &HoldfastTable) -> String {
    format!("comment on table app.{} is {}", table.name, literal(table.comment))
}

/// Adds columns to a table of ours that an earlier release made.
#[must_use]
pub fn add_columns(table: &HoldfastTable, columns: &[&HoldfastColumn]) -> String {
    let added: Vec<String> =
        columns.iter().map(|column| format!("  add column if not exists {}", declared(column))).collect();
    format!("alter table app.{}\n{}", table.name, added.join(",\n"))
}

/// The name that the server gives a CHECK of a column.
#[must_use]
pub fn check_name(table: &HoldfastTable, column: &HoldfastColumn) -> String {
    format!("{}_{}_check", table.name, column.name)
}

/// Puts a CHECK of a column of ours in the place of what an earlier release said there.
#[must_use]
pub fn renew_check(table: &HoldfastTable, column: &HoldfastColumn) -> Option<String> {
    let (name, check) = (check_name(table, column), condition(column)?);
    Some(format!("alter table app.{} drop constraint {name}, add constraint {name} check ({check})", table.name))
}

/// Makes a trigger of ours.
#[must_use]
pub fn create_trigger(trigger: &HoldfastTrigger) -> [String; 2] {
    let HoldfastTrigger { name, table, events, each, function } = trigger;
    [
        format!(
            "create or replace trigger {name}\n  after {events} on app.{table}\n  for each {each} execute function holdfast.{function}()"
        ),
        format!("alter trigger {name} on app.{table} depends on extension holdfast"),
    ]
}

fn condition(column: &HoldfastColumn) -> Option<String> {
    if column.one_of.is_empty() {
        return column.check.map(str::to_owned);
    }
    let texts: Vec<String> = column.one_of.iter().map(|text| literal(text)).collect();
    Some(format!("{} in ({})", column.name, texts.join(", ")))
}

fn declared(column: &HoldfastColumn) -> String {
    let mut text = format!("{} {}", quoted(column.name), column.kind.sql());
    if !column.null && !column.key {
        text += " not null";
    }
    match column.fill {
        Fill::Nothing => {}
        Fill::Default(value) => text += &format!(" default {value}"),
        Fill::Identity => text += " generated always as identity",
    }
    if column.key {
        text += " primary key";
    }
    if let Some((table, rest)) = column.references {
        text += &format!(" references app.{table} {rest}");
    }
    if let Some(check) = condition(column) {
        text += &format!(" check ({check})");
    }
    text
}
