//! Every row of every table, for a comparison that forgets nothing.

use std::collections::BTreeMap;

use crate::{Floor, Session};

/// Table name to its rows as JSON text, ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<String, Vec<String>>);

impl Snapshot {
    pub fn take(session: &mut Session) -> Snapshot {
        let tables: Vec<String> = session.column(
            "select c.oid::regclass::text from pg_class c
             where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text in ('public', 'holdfast') order by 1",
        );
        let rows = |table: &String| -> Vec<String> {
            session.column(&format!("select to_jsonb(t)::text from {table} t order by 1"))
        };
        let contents: Vec<Vec<String>> = tables.iter().map(rows).collect();
        Snapshot(tables.into_iter().zip(contents).collect())
    }

    /// The tables whose rows differ, with the rows that only one side has.
    #[must_use]
    pub fn differences(&self, after: &Snapshot) -> BTreeMap<String, Vec<String>> {
        let names = self.0.keys().chain(after.0.keys());
        let nothing = Vec::new();
        names
            .filter_map(|name| {
                let (was, is) = (self.0.get(name).unwrap_or(&nothing), after.0.get(name).unwrap_or(&nothing));
                let gone = was.iter().filter(|row| !is.contains(row)).map(|row| format!("- {row}"));
                let new = is.iter().filter(|row| !was.contains(row)).map(|row| format!("+ {row}"));
                let changed: Vec<String> = gone.chain(new).collect();
                (was != is).then(|| (name.clone(), changed))
            })
            .collect()
    }

    /// The tables whose rows differ.
    #[must_use]
    pub fn changed_tables(&self, after: &Snapshot) -> Vec<String> {
        self.differences(after).into_keys().collect()
    }
}

/// Every table of the floor is as it was.
pub fn assert_untouched(floor: &mut Floor, before: &Snapshot, what: &str) {
    let after = floor.snapshot();
    let differences = before.differences(&after);
    assert!(differences.is_empty(), "{what} left traces: {differences:#?}");
}
