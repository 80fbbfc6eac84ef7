//! Foreign keys to tables that our statements delete from: without an index each delete reads the referring table whole.

use crate::rules::catalogue::facts::{Facts, Reference};
use crate::rules::catalogue::name::quoted;
use crate::rules::doctor::finding::{DoctorFinding, MendStep, State};

/// Tables whose rows our calls and tasks delete.
const DELETED_FROM: &[&str] = &[
    "allocations",
    "booking_table_assignments",
    "table_holds",
    "table_hold_members",
    "booking_assignment_idempotency",
    "booking_confirmation_results",
    "capacity_outbox",
];

/// Found by an index that a path of ours asks for anyway.
const BY_PATH: &[(&str, &str)] = &[("booking_table_assignments", "allocation_id"), ("table_hold_members", "hold_id")];

/// A name of the server has at most this many bytes.
const NAME_BYTES: usize = 63;

/// Our own deletes are cheap only when the server finds what refers to the rows.
pub(crate) fn findings(facts: &Facts) -> Vec<DoctorFinding> {
    let deleted = |reference: &&Reference| DELETED_FROM.contains(&reference.references.as_str());
    let by_path = |reference: &&Reference| {
        let column = reference.columns.first().map_or("", String::as_str);
        reference.columns.len() == 1 && BY_PATH.contains(&(reference.table.as_str(), column))
    };
    let lacking = facts.references.iter().filter(deleted).filter(|reference| !reference.indexed && !by_path(reference));
    lacking.map(of_reference).collect()
}

fn of_reference(reference: &Reference) -> DoctorFinding {
    let (schema, columns) = (&reference.schema, reference.columns.join(", "));
    let what = format!("index {} ({columns}) behind foreign key {}", reference.table, reference.name);
    let why = format!(
        "deleting from {} looks for the rows that refer to it; without it the table is read whole, at each confirm that frees something",
        reference.references
    );
    if reference.partitioned {
        let why = format!("{why}; it is partitioned: build the index on each partition, then on the table");
        return DoctorFinding::new(what, State::Risky, "", why);
    }
    let state = if reference.elsewhere { State::Risky } else { State::Missing };
    let name = index_name(reference);
    let on = format!("{schema}.{}", quoted(&reference.table));
    let list: Vec<String> = reference.columns.iter().map(|column| quoted(column)).collect();
    let step = MendStep::Concurrently { table: reference.table.clone(), index: name.clone() };
    DoctorFinding::new(what, state, "", why)
        .mend(
            step,
            [format!("create index concurrently if not exists {} on {on} ({})", quoted(&name), list.join(", "))],
        )
        .undo(format!("drop index concurrently if exists {schema}.{}", quoted(&name)))
}

fn index_name(reference: &Reference) -> String {
    let whole = format!("{}_{}_idx", reference.table, reference.columns.join("_"));
    if whole.len() <= NAME_BYTES {
        return whole;
    }
    let mut end = NAME_BYTES - "_idx".len();
    while !whole.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_idx", &whole[..end])
}
