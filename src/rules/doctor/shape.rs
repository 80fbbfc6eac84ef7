//! Shapes of tables that no statement of ours can live with, and that nothing mends but a decision of the owner. Said
//! before the first change: a call would fail in the middle of its writes, or not see a row that it has to.

use crate::rules::catalogue::facts::{Column, Facts, Index, TableFacts};
use crate::rules::catalogue::name::quoted;
use crate::rules::doctor::finding::{DoctorFinding, MendStep, State};
use crate::rules::index::key::UNIQUE;
use crate::rules::schema::application_tables::application_table;
use crate::rules::schema::used;

/// What an automatic key takes: `booking-<uuid>-auto-assign-` and twelve digits.
const KEY_LENGTH: i32 = 69;

pub(crate) fn findings(facts: &Facts) -> Vec<DoctorFinding> {
    let contract = facts.tables.iter().filter(|table| is_used(&table.name));
    let mut found: Vec<DoctorFinding> = contract.clone().filter_map(hidden_rows).collect();
    found.extend(UNIQUE.iter().filter_map(|key| {
        let table = facts.table(key.table)?;
        partitioned(table, key.columns).or_else(|| soft_deleted(facts, table, key.columns))
    }));
    found.extend(exclusion(facts));
    found.extend(short_key(facts));
    found.extend(encoding(facts));
    found
}

/// Does a call work on it?
fn is_used(table: &str) -> bool {
    used().any(|used| used.table() == table)
}

/// Row security that keeps rows from the role as which the functions act.
fn hidden_rows(table: &TableFacts) -> Option<DoctorFinding> {
    let why = "its row security applies to the owner of bookings too: the functions act as that role, would miss rows, and nobody would be told; let its policies show that role every row and give it BYPASSRLS, or take NO FORCE ROW LEVEL SECURITY";
    table.hides_rows.then(|| DoctorFinding::new(format!("row security of {}", table.name), State::Wrong, "G9", why))
}

/// A unique key of a partitioned table has to contain what the table is partitioned by.
fn partitioned(table: &TableFacts, key: &[&str]) -> Option<DoctorFinding> {
    let outside = table.partitioned_by.iter().find(|column| !key.contains(&column.as_str()))?;
    let what = format!("partitions of {}", table.name);
    let why = format!(
        "it is partitioned by {outside}, so that ({}) cannot be unique in it, and a promise stands on that key",
        key.join(", ")
    );
    Some(DoctorFinding::new(what, State::Wrong, "G3", why))
}

/// A key that looks only at rows that are not marked as deleted: our statements would take the others for living ones.
fn soft_deleted(facts: &Facts, table: &TableFacts, key: &[&str]) -> Option<DoctorFinding> {
    let has = |index: &&Index| {
        index.table == table.name
            && index.unique
            && index.columns.len() == key.len()
            && key.iter().all(|c| index.columns.iter().any(|f| f == c))
    };
    if facts.indexes.iter().filter(has).any(|index| index.predicate.is_none()) {
        return None;
    }
    let (index, mark) = facts
        .indexes
        .iter()
        .filter(has)
        .find_map(|index| Some((index, mark_of(table, index.predicate.as_deref()?)?)))?;
    Some(marked(table, &index.name, mark))
}

/// The exclusion of overlapping allocations in a shape that cannot be mended.
fn exclusion(facts: &Facts) -> Option<DoctorFinding> {
    let table = facts.table("allocations")?;
    let overlaps = facts.constraints.iter().filter(|one| one.table == table.name && one.kind == "x");
    let marked_by = overlaps.clone().find_map(|one| Some((one, mark_of(table, one.predicate.as_deref()?)?)));
    if let Some((constraint, mark)) = marked_by {
        return Some(marked(table, &constraint.name, mark));
    }
    if table.kind == "p" && overlaps.count() == 0 {
        let why = "it is partitioned and nothing keeps two allocations of a table apart; an exclusion constraint cannot be added to it by rule";
        return Some(DoctorFinding::new(format!("partitions of {}", table.name), State::Wrong, "G2", why));
    }
    None
}

fn marked(table: &TableFacts, constraint: &str, mark: &str) -> DoctorFinding {
    let why = format!(
        "{constraint} looks only at rows without {mark}, so the application marks rows as deleted; holdfast deletes them, and would take a marked row for a living one: delete in it, or keep the marked rows in a table of their own"
    );
    DoctorFinding::new(format!("deleted rows of {}", table.name), State::Wrong, "G2", why)
}

/// The column of the application's own that a predicate wants to be NULL or false.
fn mark_of<'a>(table: &'a TableFacts, predicate: &str) -> Option<&'a str> {
    let known = |name: &str| {
        application_table(&table.name).is_some_and(|needed| needed.asked().any(|column| column.name == name))
    };
    let plain: String = predicate.to_lowercase().chars().filter(|c| !"()\"".contains(*c)).collect();
    let asks = |name: &str| {
        plain.split(" and ").map(str::trim).any(|part| {
            [format!("{name} is null"), format!("not {name}"), format!("{name} = false"), format!("{name} is not true")]
                .contains(&part.to_owned())
        })
    };
    let own = table.columns.iter().map(|column: &Column| column.name.as_str()).filter(|name| !known(name));
    own.into_iter().find(|name| asks(&name.to_lowercase()))
}

/// A ledger that cannot hold the keys in use.
fn short_key(facts: &Facts) -> Option<DoctorFinding> {
    let tables = ["booking_assignment_idempotency", "booking_confirmation_results"];
    let (table, length) = tables.into_iter().find_map(|table| {
        let length = facts.column(table, "idempotency_key")?.length.filter(|length| *length < KEY_LENGTH)?;
        Some((table, length))
    })?;
    let what = format!("length of {table}.idempotency_key");
    let why = format!(
        "it holds {length} characters, and an automatic key has {KEY_LENGTH}: such a call would be refused by the server with 22001"
    );
    let alter = format!("alter table {}.{} alter column idempotency_key type", facts.schema, quoted(table));
    Some(
        DoctorFinding::new(what, State::Wrong, "G3", why)
            .mend(MendStep::Brief { table: table.to_owned() }, [format!("{alter} text")])
            .undo(format!("{alter} character varying({length})")),
    )
}

fn encoding(facts: &Facts) -> Option<DoctorFinding> {
    let encoding = facts.server.encoding.as_str();
    if ["", "UTF8"].contains(&encoding) {
        return None;
    }
    let why = format!(
        "the database is encoded in {encoding}: texts that callers give and read cannot be carried without loss; restore its dump into a database with ENCODING UTF8"
    );
    Some(DoctorFinding::new("encoding of the database", State::Wrong, "G4", why))
}
