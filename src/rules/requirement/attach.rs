//! What attach does about the findings, and what it takes to undo it.

use super::facts::{Constraint, Facts};
use super::{Finding, State, Step, constraint, function, index, quoted, shape, status, table};

/// The tables in which attach keeps its own books; detach always drops them.
pub const BOOKS: &[&str] =
    &["holdfast_attachment", "holdfast_originals", "holdfast_additions", "holdfast_rollout", "holdfast_disagreements"];

/// The tables of rules and records that attach creates where they are missing, and keeps.
pub const TABLES: &[&str] = &[
    "holdfast_booking_statuses",
    "holdfast_status_transitions",
    "holdfast_capacity_policies",
    "holdfast_attempts",
    "holdfast_pruned",
    "holdfast_reconciliation_policies",
    "holdfast_commit_scan",
    "holdfast_findings",
    "holdfast_booking_scans",
    "holdfast_quarantine",
];

fn amiss(finding: &Finding) -> bool {
    matches!(finding.state, State::Missing | State::Wrong)
}

/// What a person has to mend before: a call would fail in the middle of its writes.
#[must_use]
pub fn unmet(facts: &Facts) -> Vec<Finding> {
    let found = table::findings(facts).into_iter().chain(shape::findings(facts)).chain(constraint::findings(facts));
    let unmet = found.filter(|finding| amiss(finding) && finding.mend.is_empty());
    unmet.chain(status::of_target(facts)).chain(function::kept_twice(facts)).collect()
}

/// The statements that bring the tables in order, in one transaction: nothing is built beside writers.
#[must_use]
pub fn mends(facts: &Facts) -> Vec<String> {
    let found = table::findings(facts)
        .into_iter()
        .chain(shape::findings(facts))
        .chain(constraint::findings(facts))
        .chain(index::findings(facts).into_iter().filter(|finding| finding.state == State::Missing))
        .chain(status::labels(facts));
    let ours = found.filter(|finding| amiss(finding) && finding.step != Step::Attach);
    ours.flat_map(|finding| finding.mend).map(|statement| statement.replace(" concurrently", "")).collect()
}

/// How the right to use the schema is taken back; the role follows.
pub const REVOKE_USAGE: &str = "revoke usage on schema app from ";

/// Something that attach added beside the application's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    pub undo: String,
    /// Rows of it may be somebody's: it goes only when that is said.
    pub holds_data: bool,
}

/// What a column of the application's lost or got so that our statements can write it.
fn of_columns(before: &Facts, after: &Facts) -> Vec<Addition> {
    let mut found = Vec::new();
    let tables = after.tables.iter().filter_map(|table| Some((table, before.table(&table.name)?)));
    let columns =
        tables.flat_map(|(table, old)| old.columns.iter().map(move |was| (table, was))).filter_map(|(table, was)| {
            Some((quoted(&table.name), was, table.columns.iter().find(|column| column.name == was.name)?))
        });
    for (table, was, is) in columns {
        let column = quoted(&was.name);
        let (on, alter) = (format!("app.{table}"), format!("alter table app.{table} alter column {column}"));
        if is.filled && !was.filled {
            found.push(Addition { undo: format!("{alter} drop default"), holds_data: false });
        }
        if was.not_null && !is.not_null {
            let undo = format!(
                "do $holdfast$ begin if exists (select from {on} where {column} is null) then raise warning \
                 '{on}.{column} has rows without a value by now: it stays without its NOT NULL'; \
                 else {alter} set not null; end if; end $holdfast$"
            );
            found.push(Addition { undo, holds_data: false });
        }
    }
    found
}

/// What is there after and was not before, and what was before and is not after. Columns that were added stay.
#[must_use]
pub fn additions(before: &Facts, after: &Facts) -> Vec<Addition> {
    let mut found = Vec::new();
    let on = |table: &str| format!("{}.{}", after.schema, quoted(table));
    for table in after.tables.iter().filter(|table| !BOOKS.contains(&table.name.as_str())) {
        if before.table(&table.name).is_none() {
            let view = table.kind == "v";
            let kind = if view { "view" } else { "table" };
            let undo = format!("drop {kind} if exists {}", on(&table.name));
            found.push(Addition { undo, holds_data: !view });
        }
    }
    let old = |name: &str| before.table(name).is_some();
    let was = |constraint: &Constraint| before.constraints.iter().any(|one| same(one, constraint));
    let is = |constraint: &Constraint| after.constraints.iter().any(|one| same(one, constraint));
    // Undone from the last to the first: what was dropped comes back once what took its place is gone.
    for gone in before.constraints.iter().filter(|constraint| constraint.kind != "n" && !is(constraint)) {
        let name = quoted(&gone.name);
        let undo = format!("alter table {} add constraint {name} {}", on(&gone.table), gone.definition);
        found.push(Addition { undo, holds_data: false });
    }
    for new in after.constraints.iter().filter(|constraint| old(&constraint.table) && !was(constraint)) {
        let undo = format!("alter table {} drop constraint if exists {}", on(&new.table), quoted(&new.name));
        // A not-null of a column goes with the column.
        if new.kind != "n" {
            found.push(Addition { undo, holds_data: false });
        }
    }
    for new in after.indexes.iter().filter(|index| old(&index.table) && !index.backs_constraint) {
        if !before.indexes.iter().any(|index| index.name == new.name) {
            let undo = format!("drop index if exists {}.{}", after.schema, quoted(&new.name));
            found.push(Addition { undo, holds_data: false });
        }
    }
    found.extend(of_columns(before, after));
    found
}

fn same(one: &Constraint, other: &Constraint) -> bool {
    one.table == other.table && one.name == other.name && one.definition == other.definition
}
