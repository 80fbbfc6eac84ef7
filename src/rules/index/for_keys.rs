//! The indexes that make keys and their pruning cheap: is each there, and which statement mends it?

use super::needed::NeededIndex;
use crate::rules::catalogue::expression::bare;

/// An index of one of these tables, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundIndex {
    pub name: String,
    pub table: String,
    /// Its first column; None: an expression.
    pub column: Option<String>,
    pub columns: i32,
    /// None: of all rows.
    pub predicate: Option<String>,
    /// False: left by a concurrent build that failed.
    pub valid: bool,
    /// Its table has partitions: nothing is built or dropped beside writers there.
    pub partitioned: bool,
}

/// One line of the answer; `statement` is what to run next, outside of a transaction block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub index: String,
    pub state: &'static str,
    pub statement: Option<String>,
}

/// What is to be done about a wanted index. `schema` is quoted already.
#[must_use]
pub fn decide(wanted: &NeededIndex, found: &[FoundIndex], schema: &str) -> Vec<Line> {
    let serves = |index: &&FoundIndex| {
        index.table == wanted.table
            && index.columns == 1
            && index.column.as_deref() == wanted.columns.first().copied()
            && index.predicate.as_deref().is_none_or(|predicate| bare(predicate) == bare(wanted.predicate))
    };
    let line = |index: &str, state, statement| Line { index: index.to_owned(), state, statement };
    if let Some(index) = found.iter().filter(serves).find(|index| index.valid) {
        return vec![line(&index.name, "present", None)];
    }
    let (NeededIndex { table, name, predicate, .. }, column) = (wanted, wanted.built());
    let partitioned = found.iter().any(|index| index.table == *table && index.partitioned);
    let concurrently = if partitioned { "" } else { " concurrently" };
    let create = format!("create index{concurrently} {name} on {schema}.{table} ({column}) where {predicate}");
    let taken = found.iter().find(|index| index.name == *name);
    let Some(taken) = taken else { return vec![line(name, "missing", Some(create))] };
    // Under our name, and of no use: built half, or on something else.
    let state = if serves(&taken) { "invalid" } else { "different" };
    let drop = format!("drop index{concurrently} {schema}.{name}");
    vec![line(name, state, Some(drop)), line(name, "missing", Some(create))]
}
