//! The constraints that say what our code alone must not have to say.

use super::lookup::is_partitioned;
use crate::rules::catalogue::facts::{Constraint, Facts, Index};
use crate::rules::catalogue::name::quoted;
use crate::rules::doctor::finding::{DoctorFinding, MendStep, State};

/// A unique key that our statements and the promises stand on.
pub struct UniqueKey {
    pub table: &'static str,
    pub columns: &'static [&'static str],
    /// The name that it gets where it is missing.
    name: &'static str,
    primary: bool,
    pub promise: &'static str,
    pub why: &'static str,
}

pub const UNIQUE: &[UniqueKey] = &[
    UniqueKey {
        table: "booking_assignment_idempotency",
        columns: &["booking_id", "idempotency_key"],
        name: "booking_assignment_idempotency_pkey",
        primary: true,
        promise: "G3",
        why: "two calls under one key must not both write an answer",
    },
    UniqueKey {
        table: "allocations",
        columns: &["booking_id", "resource_type", "resource_id"],
        name: "allocations_booking_resource_key",
        primary: false,
        promise: "G2",
        why: "a booking has one allocation of a table",
    },
    UniqueKey {
        table: "booking_table_assignments",
        columns: &["booking_id", "table_id"],
        name: "booking_table_assignments_booking_table_key",
        primary: false,
        promise: "G2",
        why: "a booking has a table once",
    },
    UniqueKey {
        table: "bookings",
        columns: &["id"],
        name: "bookings_pkey",
        primary: true,
        promise: "G1",
        why: "one row is locked for one booking",
    },
    UniqueKey {
        table: "table_inventory",
        columns: &["id"],
        name: "table_inventory_pkey",
        primary: true,
        promise: "G2",
        why: "one row is locked for one table",
    },
    UniqueKey {
        table: "table_holds",
        columns: &["id"],
        name: "table_holds_pkey",
        primary: true,
        promise: "G6",
        why: "one row is locked for one hold",
    },
    UniqueKey {
        table: "booking_confirmation_results",
        columns: &["booking_id", "idempotency_key"],
        name: "booking_confirmation_results_pkey",
        primary: true,
        promise: "G3",
        why: "services read one answer a key",
    },
];

pub(crate) fn findings(facts: &Facts) -> Vec<DoctorFinding> {
    let mut found: Vec<DoctorFinding> = UNIQUE.iter().filter_map(|key| of_unique(facts, key)).collect();
    found.extend(of_overlap(facts));
    found.extend(facts.constraints.iter().filter(|constraint| !constraint.validated).map(|c| unvalidated(facts, c)));
    found.extend(facts.indexes.iter().filter(|index| index.unique && index.valid).filter_map(of_their_key));
    found.extend(facts.constraints.iter().filter(|constraint| constraint.kind == "x").filter_map(of_their_exclusion));
    found
}

/// Tables that a call writes rows into, and the unique keys that the contract gives them beside those of `UNIQUE`.
const WRITTEN: &[(&str, &[&[&str]])] = &[
    ("allocations", &[&["id"]]),
    ("booking_table_assignments", &[&["id"]]),
    ("booking_assignment_idempotency", &[&["booking_id", "table_set_hash"]]),
    ("booking_confirmation_results", &[&["id"], &["hold_id"]]),
    ("booking_state_history", &[&["id"]]),
    ("capacity_outbox", &[&["id"]]),
    ("table_holds", &[&["id"]]),
    ("table_hold_members", &[&["id"], &["hold_id", "table_id"]]),
];

fn theirs(table: &str, name: &str, about: &str) -> DoctorFinding {
    let why = format!(
        "{about} is the application's own rule: a call that breaks it fails with the name {name}, and no retry mends that"
    );
    DoctorFinding::new(format!("constraint {name} on {table}"), State::Risky, "", why)
}

fn of_their_key(index: &Index) -> Option<DoctorFinding> {
    let (_, known) = WRITTEN.iter().find(|(table, _)| *table == index.table)?;
    let contract = UNIQUE.iter().filter(|key| key.table == index.table).map(|key| key.columns);
    let same = |key: &[&str]| {
        key.len() == index.columns.len() && key.iter().all(|column| index.columns.iter().any(|found| found == column))
    };
    let is_known = known.iter().copied().chain(contract).any(same);
    (!is_known).then(|| theirs(&index.table, &index.name, &format!("unique ({})", index.columns.join(", "))))
}

fn of_their_exclusion(constraint: &Constraint) -> Option<DoctorFinding> {
    WRITTEN.iter().find(|(table, _)| *table == constraint.table)?;
    let about = |column: &str| constraint.columns.iter().flatten().any(|found| found == column);
    let is_known = match constraint.table.as_str() {
        "allocations" => about("resource_id"),
        "booking_table_assignments" => about("table_id"),
        _ => false,
    };
    (!is_known).then(|| theirs(&constraint.table, &constraint.name, &constraint.definition))
}

fn on(facts: &Facts, table: &str) -> String {
    format!("{}.{}", facts.schema, quoted(table))
}

fn of_unique(facts: &Facts, key: &UniqueKey) -> Option<DoctorFinding> {
    // Of a table or column that is missing, that is what is said.
    let there = key.columns.iter().all(|column| facts.column(key.table, column).is_some());
    if !there {
        return None;
    }
    let columns = key.columns.join(", ");
    let what = format!("unique {} ({columns})", key.table);
    let same = |found: &[String]| {
        found.len() == key.columns.len() && key.columns.iter().all(|column| found.iter().any(|name| name == column))
    };
    let unique = facts
        .indexes
        .iter()
        .filter(|index| index.table == key.table && index.unique && index.predicate.is_none() && same(&index.columns));
    let unique: Vec<_> = unique.collect();
    if unique.iter().any(|index| index.usable) {
        return Some(DoctorFinding::new(what, State::Ok, key.promise, key.why));
    }
    let table = on(facts, key.table);
    let using = |index: &str| MendStep::UsingIndex {
        table: key.table.to_owned(),
        constraint: key.name.to_owned(),
        index: index.to_owned(),
    };
    let index = format!("{}_building", key.name);
    let is_primary_free = !facts.constraints.iter().any(|c| c.table == key.table && c.kind == "p");
    // A primary key on columns that may be NULL reads the table under a lock, for one that is not.
    let is_filled = key.columns.iter().all(|name| facts.column(key.table, name).is_some_and(|column| column.not_null));
    let kind = if key.primary && is_primary_free && is_filled { "primary key" } else { "unique" };
    let state = if unique.is_empty() { State::Missing } else { State::Wrong };
    let why = match unique.first() {
        None => key.why.to_owned(),
        Some(found) => format!(
            "{}; {} is deferrable or invalid: it speaks too late, and no statement can lean on it",
            key.why, found.name
        ),
    };
    let mend = [
        format!("create unique index concurrently if not exists {index} on {table} ({columns})"),
        format!("alter table {table} add constraint {} {kind} using index {index}", key.name),
    ];
    let duplicates = format!(
        "select {columns}, pg_catalog.count(*) from {table} group by {columns} having pg_catalog.count(*) > 1{}",
        key.columns.iter().map(|column| format!(" and {column} is not null")).collect::<String>()
    );
    let finding = DoctorFinding::new(what, state, key.promise, why);
    let finding = if is_partitioned(facts, key.table) {
        let step = MendStep::Partitioned { table: key.table.to_owned() };
        finding.mend(step, [format!("alter table {table} add constraint {} {kind} ({columns})", key.name)])
    } else {
        finding.mend(using(&index), mend)
    };
    Some(finding.undo(format!("alter table {table} drop constraint if exists {}", key.name)).violations(duplicates))
}

/// What an exclusion constraint on the allocations comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlap {
    Holds,
    /// It lets some overlap pass, or says so too late.
    Weaker(String),
    /// It is about something else.
    Other,
}

/// Judges one constraint. It may be stricter than ours (compare fewer columns, skip fewer rows), never laxer.
#[must_use]
pub fn overlap(constraint: &Constraint) -> Overlap {
    let pairs: Vec<(&str, &str)> = constraint
        .columns
        .iter()
        .map(|column| column.as_deref().unwrap_or("an expression"))
        .zip(constraint.operators.iter().map(String::as_str))
        .collect();
    if constraint.kind != "x" || !pairs.contains(&("window", "&&")) {
        return Overlap::Other;
    }
    let ours = ["restaurant_id", "resource_type", "resource_id"];
    let strange = pairs.iter().find(|(column, operator)| {
        (*column, *operator) != ("window", "&&") && !(ours.contains(column) && *operator == "=")
    });
    if let Some((column, operator)) = strange {
        return Overlap::Weaker(format!("it lets rows overlap that differ in {column} ({operator})"));
    }
    if constraint.deferrable {
        return Overlap::Weaker("it is deferrable: an overlap is refused at commit, not when it is written".to_owned());
    }
    match constraint.predicate.as_deref().map(skips_shadows_only) {
        None | Some(true) => Overlap::Holds,
        Some(false) => Overlap::Weaker(format!(
            "it skips rows: it looks only at those with {}",
            constraint.predicate.as_deref().unwrap_or_default()
        )),
    }
}

/// A NOT NULL goes and comes with its column.
pub(crate) fn is_null_check(constraint: &Constraint) -> bool {
    constraint.kind == "n"
}

fn skips_shadows_only(predicate: &str) -> bool {
    let predicate: String =
        predicate.to_lowercase().chars().filter(|c| !c.is_whitespace() && !"()".contains(*c)).collect();
    ["notshadow", "shadow=false", "shadowisfalse", "shadowisnottrue", "shadow<>true"].contains(&predicate.as_str())
}

const NO_OVERLAP: &str = "allocations_no_overlap";

/// No two live allocations of a table overlap.
pub const EXCLUSION: &str = "exclude using gist (restaurant_id with =, resource_type with =, resource_id with =, \"window\" with &&) where (not shadow)";

fn adds_no_overlap(facts: &Facts, name: &str) -> String {
    format!("alter table {} add constraint {name} {EXCLUSION}", on(facts, "allocations"))
}

/// The exclusion beside one of the application's, which may have its name.
pub(crate) fn no_overlap(facts: &Facts) -> String {
    let is_taken = facts.constraints.iter().any(|one| one.table == "allocations" && one.name == NO_OVERLAP);
    adds_no_overlap(facts, if is_taken { "holdfast_no_overlap" } else { NO_OVERLAP })
}

fn of_overlap(facts: &Facts) -> Option<DoctorFinding> {
    facts.column("allocations", "window")?;
    let what = "exclusion of overlapping allocations";
    let judged: Vec<(&Constraint, Overlap)> =
        facts.constraints.iter().filter(|c| c.table == "allocations").map(|c| (c, overlap(c))).collect();
    if judged.iter().any(|(_, overlap)| *overlap == Overlap::Holds) {
        let why = "a constraint, not only our code, keeps two live allocations of a table apart";
        return Some(DoctorFinding::new(what, State::Ok, "G2", why));
    }
    let weaker = judged.iter().find_map(|(constraint, overlap)| match overlap {
        Overlap::Weaker(why) => Some((*constraint, why.as_str())),
        _ => None,
    });
    let price = "adding it reads the whole table and stops every writer until it is done; it can be neither concurrent nor NOT VALID";
    let table = on(facts, "allocations");
    let mut mend = Vec::new();
    let (state, why) = match weaker {
        None => (State::Missing, format!("without it two writers can give one table away twice; {price}")),
        Some((weaker, why)) => {
            mend.push(format!("alter table {table} drop constraint {}", quoted(&weaker.name)));
            (State::Wrong, format!("{} is weaker than it has to be: {why}; {price}", weaker.name))
        }
    };
    mend.push(adds_no_overlap(facts, NO_OVERLAP));
    // Each row beside the latest end before it: one sort, however many rows there are.
    let overlapping = format!(
        "select id, resource_id, \"window\", taken as taken_until from (select a.id, a.resource_id, a.\"window\", \
         pg_catalog.lower(a.\"window\") as starts, \
         pg_catalog.max(coalesce(pg_catalog.upper(a.\"window\"), 'infinity')) over (\
         partition by a.restaurant_id, a.resource_type, a.resource_id \
         order by pg_catalog.lower(a.\"window\") nulls first, a.id rows between unbounded preceding and 1 preceding) as taken \
         from {table} a where not a.shadow and not pg_catalog.isempty(a.\"window\")) o \
         where taken > coalesce(starts, '-infinity')"
    );
    let blocking = MendStep::Blocking { table: "allocations".to_owned(), constraint: NO_OVERLAP.to_owned() };
    let finding = DoctorFinding::new(what, state, "G2", why)
        .mend(blocking, mend)
        .undo(format!("alter table {table} drop constraint if exists allocations_no_overlap"))
        .violations(overlapping);
    Some(match weaker {
        None => finding,
        Some((weaker, _)) => {
            finding.undo(format!("alter table {table} add constraint {} {}", quoted(&weaker.name), weaker.definition))
        }
    })
}

fn unvalidated(facts: &Facts, constraint: &Constraint) -> DoctorFinding {
    let (table, name) = (on(facts, &constraint.table), quoted(&constraint.name));
    let what = format!("constraint {} on {}", constraint.name, constraint.table);
    let why = "it was added NOT VALID and never validated: old rows may break it";
    let concurrently = MendStep::Brief { table: constraint.table.clone() };
    DoctorFinding::new(what, State::Risky, "G1", why)
        .mend(concurrently, [format!("alter table {table} validate constraint {name}")])
}
