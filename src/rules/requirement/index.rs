//! Indexes: those that our statements look things up by, and those that only cost.

use super::facts::{Facts, Index};
use super::{DoctorFinding, MendStep, State, quoted};

/// A path that a statement of ours takes.
struct Path {
    table: &'static str,
    /// Columns that an index has to begin with.
    columns: &'static [&'static str],
    /// A predicate that such an index may have: our statements ask for these rows only.
    predicate: &'static str,
    name: &'static str,
    why: &'static str,
    /// Attach builds it under this name where it is missing, and stops writers while it does.
    attached: bool,
}

const PATHS: &[Path] = &[
    Path {
        table: "bookings",
        columns: &["auto_assign_idempotency_key"],
        predicate: "auto_assign_idempotency_key is not null",
        name: "bookings_auto_assign_idempotency_key_idx",
        why: "a booking is looked up by its stored key",
        attached: true,
    },
    Path {
        table: "table_holds",
        columns: &["booking_id"],
        predicate: "status = 'active'",
        name: "table_holds_live_booking_idx",
        why: "each confirm locks the live holds of its booking",
        attached: false,
    },
    Path {
        table: "booking_table_assignments",
        columns: &["table_id"],
        predicate: "",
        name: "booking_table_assignments_table_end_idx",
        why: "each confirm looks who else is assigned to its tables",
        attached: false,
    },
    Path {
        table: "booking_table_assignments",
        columns: &["allocation_id"],
        predicate: "",
        name: "booking_table_assignments_allocation_idx",
        why: "dropping an allocation looks for its assignment",
        attached: false,
    },
    Path {
        table: "booking_state_history",
        columns: &["booking_id"],
        predicate: "",
        name: "booking_state_history_booking_idx",
        why: "the last change of a booking is compared with its status",
        attached: false,
    },
    Path {
        table: "table_hold_members",
        columns: &["hold_id"],
        predicate: "",
        name: "table_hold_members_hold_idx",
        why: "each confirm reads the tables of its hold",
        attached: false,
    },
    Path {
        table: "table_adjacencies",
        columns: &["table_a"],
        predicate: "",
        name: "table_adjacencies_table_a_idx",
        why: "each confirm of joined tables reads who stands beside them",
        attached: false,
    },
    Path {
        table: "bookings",
        columns: &["(coalesce(end_at, (booking_date + 2)::timestamp at time zone 'UTC', 'infinity'))"],
        predicate: "",
        name: "bookings_ends_by_idx",
        why: "reconciliation looks at the bookings that are not over yet",
        attached: true,
    },
    Path {
        table: "booking_assignment_idempotency",
        columns: &["created_at"],
        predicate: "outcome <> 'fenced'",
        name: "booking_assignment_idempotency_age_idx",
        why: "answers that are past their retention are forgotten by age",
        attached: true,
    },
    Path {
        table: "table_holds",
        columns: &["expires_at"],
        predicate: "status = 'active'",
        name: "table_holds_live_expiry_idx",
        why: "the sweeper looks for live holds past their deadline",
        attached: true,
    },
    Path {
        table: "capacity_outbox",
        columns: &["next_attempt_at"],
        predicate: "status = 'pending'",
        name: "capacity_outbox_due_idx",
        why: "events that are due are claimed in order",
        attached: true,
    },
    Path {
        table: "capacity_outbox",
        columns: &["next_attempt_at"],
        predicate: "status = 'processing'",
        name: "capacity_outbox_lease_idx",
        why: "events whose worker died are found by the end of their lease",
        attached: true,
    },
    Path {
        table: "table_holds",
        columns: &["expires_at"],
        predicate: "status <> 'active'",
        name: "table_holds_ended_idx",
        why: "holds that ended long ago are deleted by age",
        attached: true,
    },
    Path {
        table: "capacity_outbox",
        columns: &["next_attempt_at"],
        predicate: "status = 'dead'",
        name: "capacity_outbox_dead_idx",
        why: "events that nobody could deliver are deleted by age",
        attached: true,
    },
    Path {
        table: "capacity_outbox",
        columns: &["next_attempt_at"],
        predicate: "status = 'done'",
        name: "capacity_outbox_done_idx",
        why: "events that were delivered long ago are deleted by age",
        attached: true,
    },
    Path {
        table: "capacity_outbox",
        columns: &["dedupe_key"],
        predicate: "",
        name: "capacity_outbox_dedupe_idx",
        why: "each event looks whether its key was used before",
        attached: true,
    },
    Path {
        table: "capacity_outbox",
        columns: &["booking_id"],
        predicate: "",
        name: "capacity_outbox_booking_idx",
        why: "the events of a booking are numbered, and given away in order",
        attached: true,
    },
];

pub(super) fn findings(facts: &Facts) -> Vec<DoctorFinding> {
    let mut found: Vec<DoctorFinding> = PATHS.iter().filter_map(|path| of_path(facts, path)).collect();
    found.extend(live_window(facts));
    found.extend(facts.indexes.iter().filter(|index| !index.valid).map(|index| invalid(facts, index)));
    found.extend(duplicates(facts));
    found
}

/// Does a lookup by these columns have the index?
#[must_use]
pub fn begins_with(index: &Index, columns: &[&str]) -> bool {
    let begins = index.columns.len() >= columns.len()
        && columns.iter().zip(&index.columns).all(|(wanted, found)| wanted == found);
    index.usable && index.method == "btree" && begins
}

/// The indexes that attach builds where they are missing.
pub fn built_by_attach() -> impl Iterator<Item = &'static str> {
    PATHS.iter().filter(|path| path.attached).map(|path| path.name)
}

/// A predicate without its casts, brackets and spaces.
pub(super) fn bare(predicate: &str) -> String {
    let mut bare = String::new();
    let lower = predicate.to_lowercase();
    let mut words = lower.split("::");
    bare.push_str(words.next().unwrap_or_default());
    for word in words {
        // The name of a type, with its schema and quotes, ends where something else begins.
        let mut in_quotes = false;
        bare.push_str(word.trim_start_matches(|c: char| {
            in_quotes ^= c == '"';
            in_quotes || c.is_alphanumeric() || "_.\"".contains(c)
        }));
    }
    bare.retain(|c| !c.is_whitespace() && !"()".contains(c));
    bare
}

/// Is there an index that does what one of attach's of this name would do? The application's own serves as well.
pub(super) fn is_served(facts: &Facts, name: &str) -> bool {
    let path = PATHS.iter().find(|path| path.name == name);
    path.is_some_and(|path| facts.indexes.iter().any(|index| serves(index, path)))
}

fn serves(index: &Index, path: &Path) -> bool {
    if path.attached && index.table == path.table && index.name == path.name {
        return index.usable;
    }
    let rows = index.predicate.as_deref().is_none_or(|predicate| bare(predicate) == bare(path.predicate));
    index.table == path.table && rows && begins_with(index, path.columns)
}

fn of_path(facts: &Facts, path: &Path) -> Option<DoctorFinding> {
    facts.table(path.table)?;
    let columns = if path.name == "booking_table_assignments_table_end_idx" {
        "table_id, end_at, start_at".to_owned()
    } else {
        path.columns.join(", ")
    };
    let what = format!("index {} ({columns})", path.table);
    if facts.indexes.iter().any(|index| serves(index, path)) {
        return Some(DoctorFinding::new(what, State::Ok, "", path.why));
    }
    let status = facts.column(path.table, "status").map_or("text", |column| column.type_name.as_str());
    let predicate = match (path.predicate, path.predicate.split_once(" = ")) {
        ("", _) => String::new(),
        (_, Some(("status", label))) => format!(" where status = {label}::{status}"),
        (other, _) => format!(" where {other}"),
    };
    let why = format!("{}; without it the table is read whole", path.why);
    // Keys of any length: a btree would refuse the application's long ones.
    let by = if columns == "dedupe_key" { "using hash " } else { "" };
    Some(built(facts, what, &why, path.table, path.name, &format!("{by}({columns}){predicate}")))
}

/// Nothing can be built beside the writers of such a table.
pub(super) fn is_partitioned(facts: &Facts, table: &str) -> bool {
    facts.table(table).is_some_and(|table| table.kind == "p")
}

fn built(facts: &Facts, what: String, why: &str, table: &str, name: &str, rest: &str) -> DoctorFinding {
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
    DoctorFinding::new(what, State::Missing, "", why)
        .mend(step, [format!("create index concurrently if not exists {name} on {on} {rest}")])
        .undo(format!("drop index concurrently if exists {}.{name}", facts.schema))
}

/// The index by which a confirm sees at once whether somebody else holds one of its tables.
fn live_window(facts: &Facts) -> Option<DoctorFinding> {
    let status = facts.column("table_holds", "status")?.type_name.clone();
    let what = "index table_holds (restaurant_id, window) of live holds".to_owned();
    let there = facts.indexes.iter().any(|index| {
        index.table == "table_holds"
            && index.usable
            && index.method == "gist"
            && index.columns.first().is_some_and(|column| column == "restaurant_id")
            && index.columns.iter().any(|column| column.to_lowercase().contains("tstzrange(least"))
            && index.predicate.as_deref().is_none_or(|predicate| bare(predicate) == "status='active'")
    });
    let why = "each confirm looks whether somebody else holds its tables";
    if there {
        return Some(DoctorFinding::new(what, State::Ok, "", why));
    }
    let why = format!("{why}; without it that takes longer with each closed hold");
    let rest = format!(
        "using gist (restaurant_id, pg_catalog.tstzrange(least(start_at, end_at), greatest(start_at, end_at), '[)')) \
         where status = 'active'::{status}"
    );
    Some(built(facts, what, &why, "table_holds", "table_holds_live_window_idx", &rest))
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
