//! Tables, columns and enums as our scripts write them: a column a line, its comment above it.

use std::collections::BTreeMap;

use super::source::File;

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: String,
    pub comment: String,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Table {
    /// False: columns are added to a table that somebody else makes.
    pub is_created: bool,
    pub comment: String,
    pub columns: Vec<Column>,
}

impl Table {
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Lines that begin something else than a column.
const OTHERS: &[&str] = &[
    "check",
    "primary",
    "unique",
    "constraint",
    "foreign",
    "exclude",
    ")",
    "using",
    "where",
    "drop",
    "add",
    "alter",
    "validate",
];
/// Words after which a type has ended.
const AFTER_TYPE: &[&str] =
    &["not", "null", "default", "references", "check", "primary", "unique", "generated", "constraint"];

fn named(line: &str, prefix: &str) -> Option<String> {
    let rest = line.strip_prefix(prefix)?;
    let rest = rest.strip_prefix("if not exists ").unwrap_or(rest).strip_prefix("app.")?;
    Some(rest.split([' ', '(', ';']).next()?.trim_matches('"').to_owned())
}

fn column(line: &str, comment: &str) -> Option<Column> {
    let rest = line.strip_prefix("  ")?;
    if rest.starts_with(' ') {
        return None;
    }
    let rest = rest.strip_prefix("add column if not exists ").unwrap_or(rest);
    let mut words = rest.split_whitespace();
    let name = words.next()?.trim_matches('"');
    if OTHERS.contains(&name) || name.starts_with([')', '-']) {
        return None;
    }
    let kind: Vec<&str> = words.take_while(|word| !AFTER_TYPE.contains(&word.trim_end_matches([',', ';']))).collect();
    let kind = kind.join(" ").trim_end_matches([',', ';']).replace("app.", "");
    Some(Column { name: name.to_owned(), kind, comment: comment.to_owned() })
}

/// The tables that these scripts make or add to, by name.
pub fn tables(files: &[File]) -> BTreeMap<String, Table> {
    let mut found: BTreeMap<String, Table> = BTreeMap::new();
    for file in files {
        let mut open: Option<String> = None;
        let mut comment = String::new();
        for line in file.text.lines() {
            if let Some(words) = line.trim_start().strip_prefix("-- ") {
                comment = format!("{comment} {words}").trim_start().to_owned();
                continue;
            }
            let made = named(line, "create table ");
            if let Some(name) = made.clone().or_else(|| named(line, "alter table ")) {
                let table = found.entry(name.clone()).or_default();
                if made.is_some() {
                    table.is_created = true;
                    table.comment = std::mem::take(&mut comment);
                }
                open = Some(name);
            } else if let Some(table) = open.as_ref().and_then(|name| found.get_mut(name)) {
                table.columns.extend(column(line, &comment).filter(|column| table.column(&column.name).is_none()));
            }
            if line.ends_with(';') {
                open = None;
            }
            comment.clear();
        }
    }
    found
}

/// Each enum's name and labels.
pub fn enums(files: &[File]) -> Vec<(String, String)> {
    let text = files.iter().map(|file| file.text.as_str()).collect::<String>();
    let mut found = vec![];
    for part in text.split("create type app.").skip(1) {
        let Some((name, rest)) = part.split_once(" as enum (") else { continue };
        let labels = rest.split(')').next().unwrap_or_default();
        let labels: Vec<String> =
            labels.split(',').map(|label| format!("`{}`", label.trim().trim_matches('\''))).collect();
        found.push((name.to_owned(), labels.join(", ")));
    }
    found
}

#[test]
fn tables_are_read_as_they_are_written() {
    let text = "-- What it is.\ncreate table if not exists app.t (\n  -- Its id.\n  id uuid primary key,\n  \"window\" tstzrange\n    not null,\n  primary key (id),\n  kind app.e not null default 'x'\n);\nalter table app.t\n  add column if not exists later bigint not null default 0;\ncreate type app.e as enum ('x', 'y z');";
    let file = [File::new("sql/a.sql", text)];
    let found = &tables(&file)["t"];
    let columns: Vec<(&str, &str, &str)> =
        found.columns.iter().map(|c| (c.name.as_str(), c.kind.as_str(), c.comment.as_str())).collect();
    assert_eq!(
        columns,
        [("id", "uuid", "Its id."), ("window", "tstzrange", ""), ("kind", "e", ""), ("later", "bigint", "")]
    );
    assert!(found.is_created && found.comment == "What it is.");
    assert_eq!(enums(&file), [("e".to_owned(), "`x`, `y z`".to_owned())]);
}
