//! What release 0.1.0 left in a schema.

use crate::rules::catalogue::facts::Facts;
use crate::rules::release::Release;
use crate::rules::schema::holdfast_tables::HOLDFAST;

/// Where release 0.1.0 wrote down that a schema is attached.
pub const FIRST_RECORD: &str = "holdfast_attachment";

fn has_exactly<'a>(facts: &Facts, table: &str, columns: impl Iterator<Item = &'a str>) -> bool {
    facts
        .table(table)
        .is_some_and(|table| table.kind == "r" && table.columns.iter().map(|column| column.name.as_str()).eq(columns))
}

/// Was the schema attached by release 0.1.0, and by none since?
#[must_use]
pub fn is_of_first_release(facts: &Facts) -> bool {
    !facts.attached && has_exactly(facts, FIRST_RECORD, ["feature"].into_iter())
}

/// The tables that release 0.1.0 made, by the names that they had and have today; an application's own of these names
/// look otherwise.
#[must_use]
pub fn of_first_release(facts: &Facts) -> Vec<(&'static str, &'static str)> {
    let made = HOLDFAST.iter().filter_map(|table| {
        let first = table.columns.iter().filter(|column| column.since == Release::V0_1_0);
        let old = table.once?;
        let is_made = has_exactly(facts, old, first.map(|column| column.name)) && facts.table(table.name).is_none();
        is_made.then_some((old, table.name))
    });
    made.filter(|_| is_of_first_release(facts)).collect()
}
