//! Indexes: those that our statements look things up by, and those that only cost.

use super::needed::{LIVE_HOLDS, NEEDED, NeededIndex};
use crate::rules::catalogue::expression::bare;
use crate::rules::catalogue::facts::{Facts, Index};
use crate::rules::catalogue::name::quoted;
use crate::rules::doctor::finding::{DoctorFinding, MendStep, State};

pub(crate) fn findings(facts: &Facts) -> Vec<DoctorFinding> {
    let mut found: Vec<DoctorFinding> = NEEDED.iter().filter_map(|needed| of_needed(facts, needed)).collect();
    found.extend(live_window(facts));
    found.extend(facts.indexes.iter().filter(|index| !index.valid).map(|index| invalid(facts, index)));
    found.extend(duplicates(facts));
    found
}

/// Does an index do what a lookup of ours needs? The application's own serves as well, whatever it is called.
#[must_use]
pub fn serves(index: &Index, needed: &NeededIndex) -> bool {
    let rows = index.predicate.as_deref().is_none_or(|predicate| bare(predicate) == bare(needed.predicate));
    let begins = index.columns.len() >= needed.columns.len()
        && needed.columns.iter().zip(&index.columns).all(|(wanted, found)| bare(wanted) == bare(found));
    let method = ["btree", needed.method].contains(&index.method.as_str());
    index.table == needed.table && index.usable && method && rows && begins
}

fn of_needed(facts: &Facts, needed: &NeededIndex) -> Option<DoctorFinding> {
    facts.table(needed.table)?;
    let columns = needed.built();
    let what = needed.what();
    if facts.indexes.iter().any(|index| serves(index, needed)) {
        return Some(DoctorFinding::new(what, State::Ok, "", needed.why));
    }
    let status = facts.column(needed.table, "status").map_or("text", |column| column.type_name.as_str());
    let predicate = match (needed.predicate, needed.predicate.split_once(" = ")) {
        ("", _) => String::new(),
        (_, Some(("status", label))) => format!(" where status = {label}::{status}"),
        (other, _) => format!(" where {other}"),
    };
    let why = format!("{}; without it the table is read whole", needed.why);
    let by = if needed.method == "btree" { String::new() } else { format!("using {} ", needed.method) };
    Some(built(facts, what, &why, needed, &format!("{by}({columns}){predicate}")))
}

/// Nothing can be built beside the writers of such a table.
pub(crate) fn is_partitioned(facts: &Facts, table: &str) -> bool {
    facts.table(table).is_some_and(|table| table.kind == "p")
}

fn built(facts: &Facts, what: String, why: &str, needed: &NeededIndex, rest: &str) -> DoctorFinding {
    let (table, name) = (needed.table, needed.name);
    let on = format!("{}.{}", facts.schema, quoted(table));
    if is_partitioned(facts, table) {
        return DoctorFinding::new(what, State::Missing, "", why)
            .mend(
                MendStep::Partitioned { table: table.to_owned() },
                [format!("create index if not exists {name} on {on} {rest}")],
            )
            .undo(format!("drop index if exists {}.{name}", facts.schema));
    }
    let step = MendStep::Concurrently { table: table.to_owned(), index: name.to_owned() };
    let create = format!("create index concurrently if not exists {name} on {on} {rest}");
    let drop = format!("drop index concurrently if exists {}.{name}", facts.schema);
    // One that is invalid is another finding.
    if facts.indexes.iter().any(|index| index.name == name && index.valid) {
        let why = format!("{why}; {name} is another one, and has its name");
        return DoctorFinding::new(what, State::Wrong, "", why).mend(step, [drop, create]);
    }
    DoctorFinding::new(what, State::Missing, "", why).mend(step, [create]).undo(drop)
}

/// The index by which a confirm sees at once whether somebody else holds one of its tables.
fn live_window(facts: &Facts) -> Option<DoctorFinding> {
    let status = facts.column(LIVE_HOLDS.table, "status")?.type_name.clone();
    let what = "index table_holds (restaurant_id, window) of live holds".to_owned();
    let there = facts.indexes.iter().any(|index| {
        index.table == LIVE_HOLDS.table
            && index.usable
            && index.method == LIVE_HOLDS.method
            && index.columns.first().is_some_and(|column| column == LIVE_HOLDS.columns[0])
            && index.columns.iter().any(|column| column.to_lowercase().contains("tstzrange(least"))
            && index.predicate.as_deref().is_none_or(|predicate| bare(predicate) == bare(LIVE_HOLDS.predicate))
    });
    if there {
        return Some(DoctorFinding::new(what, State::Ok, "", LIVE_HOLDS.why));
    }
    let why = format!("{}; without it that takes longer with each closed hold", LIVE_HOLDS.why);
    let rest = format!("using gist ({}) where {}::{status}", LIVE_HOLDS.built(), LIVE_HOLDS.predicate);
    Some(built(facts, what, &why, &LIVE_HOLDS, &rest))
}

fn dropped(facts: &Facts, index: &Index) -> (MendStep, String) {
    let step = MendStep::Concurrently { table: index.table.clone(), index: index.name.clone() };
    (step, format!("drop index concurrently if exists {}.{}", facts.schema, quoted(&index.name)))
}

fn invalid(facts: &Facts, index: &Index) -> DoctorFinding {
    let what = format!("index {} on {}", index.name, index.table);
    let why = "it is invalid, left behind by a build that failed: writers keep it up, and nobody can read by it";
    let (step, statement) = dropped(facts, index);
    DoctorFinding::new(what, State::Wrong, "", why).mend(step, [statement])
}

/// Indexes that are another one's double, and those that another one begins with.
fn duplicates(facts: &Facts) -> Vec<DoctorFinding> {
    let mut found = Vec::new();
    for (at, index) in facts.indexes.iter().enumerate().filter(|(_, index)| index.valid && may_go(index)) {
        let others = || facts.indexes.iter().enumerate().filter(|(_, other)| other.valid && other.table == index.table);
        // Of two that are equal, the first stays, unless only the other has to.
        let double = others().find(|(other_at, other)| {
            *other_at != at && other.shape == index.shape && (!may_go(other) || *other_at < at)
        });
        let what = format!("index {} on {}", index.name, index.table);
        if let Some((_, other)) = double {
            let why = format!("it is the same as {}: every write pays for both", other.name);
            let (step, statement) = dropped(facts, index);
            found.push(DoctorFinding::new(what, State::Risky, "", why).mend(step, [statement]));
        } else if let Some((_, other)) = others().find(|(_, other)| is_beginning(index, other)) {
            let why = format!(
                "{} begins with the same columns, so that it serves the same lookups; drop it if nothing else needs it, a person has to say so",
                other.name
            );
            found.push(DoctorFinding::new(what, State::Risky, "", why));
        }
    }
    found
}

/// Only costs: no rule stands on it.
fn may_go(index: &Index) -> bool {
    !index.unique && !index.backs_constraint && !index.replica_identity
}

fn is_beginning(index: &Index, other: &Index) -> bool {
    index.method == "btree"
        && other.usable
        && other.method == "btree"
        && index.columns.len() < other.columns.len()
        && index.predicate == other.predicate
        && other.columns.starts_with(&index.columns)
}
