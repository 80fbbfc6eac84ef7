//! What attach added to a schema, as kinds and names, and how it is undone: the statement is made here, and only for what
//! is still what attach made.

use crate::rules::catalogue::expression::bare;
use crate::rules::catalogue::facts::{Column, Constraint, Facts, Index};
use crate::rules::catalogue::name::quoted;
use crate::rules::index::key::is_null_check;
use crate::rules::schema::holdfast_tables::{all, is_ours};

/// What kind of thing was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdditionKind {
    /// In the order in which they are undone.
    Constraint,
    Index,
    Default,
    NotNull,
    Usage,
    Table,
    /// A table of ours that was there: an earlier attach made it, or it is one that detach drops in any case.
    Found,
    /// A column of the application's: it has data by now, so it stays, and detach says so.
    Column,
}

const KINDS: &[(AdditionKind, &str)] = &[
    (AdditionKind::Constraint, "constraint"),
    (AdditionKind::Index, "index"),
    (AdditionKind::Default, "default"),
    (AdditionKind::NotNull, "not_null"),
    (AdditionKind::Usage, "usage"),
    (AdditionKind::Table, "table"),
    (AdditionKind::Found, "found"),
    (AdditionKind::Column, "column"),
];

impl AdditionKind {
    #[must_use]
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<AdditionKind> {
        KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

/// Something that attach added beside the application's own, or took from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    pub kind: AdditionKind,
    /// The table that it is on; empty for one that is on none.
    pub relation: String,
    pub name: String,
    /// What the catalogue said of it; it is compared with, never executed.
    pub definition: String,
}

/// What is to be done about an addition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    /// This statement, with the rights of the owner of that table; None: of who owns the schema.
    Run { statement: String, table: Option<String> },
    /// The column gets its NOT NULL back, unless a row is without a value by now.
    Fill { table: String, column: String },
    /// It is not there any more.
    Gone,
    /// It is not what attach made: it stays.
    Changed,
    /// It stays as it is.
    Kept,
}

/// The right to use the schema that a role got.
#[must_use]
pub fn usage(role: &str) -> Addition {
    Addition { kind: AdditionKind::Usage, relation: String::new(), name: role.to_owned(), definition: String::new() }
}

/// How an index is compared: by what it does, not by its name, nor by the names of schemas.
fn of_index(index: &Index) -> String {
    let columns: Vec<String> = index.columns.iter().map(|column| bare(column)).collect();
    let predicate = index.predicate.as_deref().map(bare).unwrap_or_default();
    let unique = if index.unique { "unique " } else { "" };
    format!("{unique}{} ({}) {predicate}", index.method, columns.join(", ")).trim_end().to_owned()
}

fn of_constraint(constraint: &Constraint) -> String {
    bare(&constraint.definition)
}

fn of_default(column: &Column) -> String {
    column.expression.as_deref().map(bare).unwrap_or_default()
}

/// What is there after and was not before.
#[must_use]
pub fn additions(before: &Facts, after: &Facts) -> Vec<Addition> {
    let new = |kind, relation: &str, name: &str, definition: String| Addition {
        kind,
        relation: relation.to_owned(),
        name: name.to_owned(),
        definition,
    };
    let mut found = Vec::new();
    for ours in all().filter(|ours| after.table(ours.name).is_some()) {
        let (table, is_new) = (ours.name, before.table(ours.name).is_none() && ours.kept);
        let kind = if is_new { AdditionKind::Table } else { AdditionKind::Found };
        if !before.recorded.iter().any(|recorded| recorded == table) {
            found.push(new(kind, "", table, String::new()));
        }
    }
    let old = |name: &str| before.table(name).is_some() && !is_ours(name);
    let was = |constraint: &Constraint| {
        before.constraints.iter().any(|one| one.table == constraint.table && one.name == constraint.name)
    };
    let constraints = after.constraints.iter().filter(|one| old(&one.table) && !was(one) && !is_null_check(one));
    found.extend(constraints.map(|one| new(AdditionKind::Constraint, &one.table, &one.name, of_constraint(one))));
    let known = |index: &Index| before.indexes.iter().any(|one| one.name == index.name);
    let indexes = after.indexes.iter().filter(|one| old(&one.table) && !one.backs_constraint && !known(one));
    found.extend(indexes.map(|one| new(AdditionKind::Index, &one.table, &one.name, of_index(one))));
    let tables = after.tables.iter().filter_map(|table| Some((table, before.table(&table.name)?)));
    for (table, old) in tables.filter(|(table, _)| !is_ours(&table.name)) {
        let new_columns = table.columns.iter().filter(|column| !old.columns.iter().any(|was| was.name == column.name));
        found.extend(new_columns.map(|column| new(AdditionKind::Column, &table.name, &column.name, String::new())));
        for was in &old.columns {
            let Some(is) = table.columns.iter().find(|column| column.name == was.name) else { continue };
            if is.filled && !was.filled {
                found.push(new(AdditionKind::Default, &table.name, &is.name, of_default(is)));
            }
            if was.not_null && !is.not_null {
                found.push(new(AdditionKind::NotNull, &table.name, &is.name, String::new()));
            }
        }
    }
    found
}

/// What undoes an addition, as the schema stands now. A table goes only when that is said: its rows may be somebody's.
#[must_use]
pub fn undo(facts: &Facts, addition: &Addition) -> Undo {
    let (relation, name) = (&addition.relation, &addition.name);
    let on = format!("{}.{}", facts.schema, quoted(relation));
    let same = |definition: String| if definition == addition.definition { None } else { Some(Undo::Changed) };
    let run = |statement: String| Undo::Run { statement, table: Some(relation.clone()) };
    match addition.kind {
        AdditionKind::Constraint => {
            let Some(found) = facts.constraints.iter().find(|one| one.table == *relation && one.name == *name) else {
                return Undo::Gone;
            };
            let statement = format!("alter table {on} drop constraint {}", quoted(name));
            same(of_constraint(found)).unwrap_or_else(|| run(statement))
        }
        AdditionKind::Index => {
            let Some(found) = facts.indexes.iter().find(|one| one.name == *name) else { return Undo::Gone };
            if found.table != *relation || found.backs_constraint {
                return Undo::Changed;
            }
            same(of_index(found)).unwrap_or_else(|| run(format!("drop index {}.{}", facts.schema, quoted(name))))
        }
        AdditionKind::Default => {
            let Some(found) = facts.column(relation, name).filter(|column| column.filled) else { return Undo::Gone };
            let statement = format!("alter table {on} alter column {} drop default", quoted(name));
            same(of_default(found)).unwrap_or_else(|| run(statement))
        }
        AdditionKind::NotNull => match facts.column(relation, name) {
            Some(column) if !column.not_null => Undo::Fill { table: relation.clone(), column: name.clone() },
            _ => Undo::Gone,
        },
        AdditionKind::Column => facts.column(relation, name).map_or(Undo::Gone, |_| Undo::Kept),
        AdditionKind::Usage => {
            let statement = format!("revoke usage on schema {} from {}", facts.schema, quoted(name));
            Undo::Run { statement, table: None }
        }
        // Detach drops it in any case, and before.
        AdditionKind::Found if all().any(|ours| ours.name == *name && !ours.kept) => Undo::Gone,
        AdditionKind::Table | AdditionKind::Found => {
            let Some(found) = facts.table(name) else { return Undo::Gone };
            let made = found.kind == "r" && facts.table("bookings").is_some_and(|table| table.owner == found.owner);
            let statement = format!("drop table {}.{}", facts.schema, quoted(name));
            if made { Undo::Run { statement, table: Some(name.clone()) } } else { Undo::Changed }
        }
    }
}
