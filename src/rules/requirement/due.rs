//! Which statements of attach's scripts have something to do: a lock that changes nothing stops writers all the same.

use super::facts::{Facts, Made};
use super::index::is_served;

/// A statement that has something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub text: String,
    /// The table that it is about, if it is there already.
    pub table: Option<String>,
    /// It stops writers of a table that is there: such come last.
    pub locks: bool,
}

/// The statements of a script that are not done yet. Statements end with a line; `app` stands for the schema.
#[must_use]
pub fn due(script: &str, facts: &Facts) -> Vec<Due> {
    let statements = script.split(";\n").map(str::trim).filter(|statement| !statement.is_empty());
    statements.filter_map(|statement| of_statement(statement, facts)).collect()
}

/// The tables that a script makes, with their columns.
#[must_use]
pub fn made(script: &str) -> Vec<Made> {
    let statements = script.split(";\n").map(str::trim);
    let tables = statements.filter_map(|statement| statement.strip_prefix("create table if not exists app."));
    tables
        .map(|table| {
            let lines = table.lines().skip(1).filter(|line| line.starts_with("  ") && !line.starts_with("   "));
            let columns = lines.map(|line| name(line.trim())).filter(|word| !NO_COLUMN.contains(word));
            Made { name: name(table).to_owned(), columns: columns.map(str::to_owned).collect() }
        })
        .collect()
}

/// What a line of a table begins with that is no column.
const NO_COLUMN: &[&str] = &["", "primary", "unique", "check", "constraint", "foreign", "exclude"];

fn of_statement(statement: &str, facts: &Facts) -> Option<Due> {
    let there = |table: &str| facts.table(table).is_some();
    let of = |table: Option<&str>| table.filter(|table| there(table)).map(str::to_owned);
    let about = after(statement, "insert into app.").or_else(|| on(statement));
    let done = |done: bool, locks: bool| (!done).then(|| Due { text: statement.to_owned(), table: of(about), locks });
    if let Some(table) = after(statement, "create table if not exists app.") {
        let referenced = statement.split("references app.").skip(1).map(name);
        return done(there(table), referenced.into_iter().any(there));
    }
    if let Some(index) = after(statement, "create index if not exists ") {
        let built = facts.indexes.iter().any(|found| found.name == index) || is_served(facts, index);
        return done(built, on(statement).is_some_and(there));
    }
    if let Some(table) = after(statement, "alter table app.") {
        return columns(statement, table, facts);
    }
    let trigger =
        after(statement, "create or replace trigger ").or_else(|| after(statement, "alter trigger ")).map(|trigger| {
            let on = on(statement);
            facts.triggers.iter().any(|found| found.name == trigger && Some(found.table.as_str()) == on)
        });
    done(trigger.unwrap_or(false), false)
}

/// `alter table … add column if not exists …, …` with the columns that are missing.
fn columns(statement: &str, table: &str, facts: &Facts) -> Option<Due> {
    const ADD: &str = "add column if not exists ";
    let (head, columns) = statement.split_once(ADD)?;
    let missing: Vec<&str> = columns
        .split(ADD)
        .map(|column| column.trim().trim_end_matches(','))
        .filter(|column| facts.column(table, name(column)).is_none())
        .collect();
    let text = format!("{head}{ADD}{}", missing.join(&format!(",\n  {ADD}")));
    let there = facts.table(table).map(|table| table.name.clone());
    (!missing.is_empty()).then(|| Due { text, locks: there.is_some(), table: there })
}

fn after<'a>(statement: &'a str, words: &str) -> Option<&'a str> {
    statement.strip_prefix(words).map(name)
}

/// The table that an index or a trigger is on.
fn on(statement: &str) -> Option<&str> {
    statement.split_once(" on app.").or_else(|| statement.split_once("\n  on app.")).map(|(_, rest)| name(rest))
}

/// The plain name at the beginning of a text.
fn name(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    &text[..end]
}
