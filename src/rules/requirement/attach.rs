//! What attach does about the findings.

use super::facts::Facts;
use super::{DoctorFinding, MendStep, State, constraint, function, index, reference, rights, shape, status, table};

/// The tables of who confirms, and of what shadow mode saw; detach always drops them.
pub const ROLLOUT: &[&str] = &["holdfast_rollout", "holdfast_disagreements"];

/// The tables of rules and records that attach creates where they are missing, and keeps.
pub const TABLES: &[&str] = &[
    "holdfast_booking_statuses",
    "holdfast_status_transitions",
    "holdfast_capacity_policies",
    "holdfast_attempts",
    "holdfast_pruned",
    "holdfast_out_of_service",
    "holdfast_reconciliation_policies",
    "holdfast_commit_scan",
    "holdfast_findings",
    "holdfast_booking_scans",
    "holdfast_quarantine",
    "holdfast_hold_policy",
    "holdfast_ended_holds",
];

/// The trigger by which sessions learn of a change of the rollout.
pub const ROLLOUT_TRIGGER: &str = "holdfast_rollout_changed";

/// A table that attach makes.
#[must_use]
pub fn is_ours(table: &str) -> bool {
    TABLES.contains(&table) || ROLLOUT.contains(&table)
}

fn is_missing(finding: &DoctorFinding) -> bool {
    finding.state == State::Missing
}

fn amiss(finding: &DoctorFinding) -> bool {
    matches!(finding.state, State::Missing | State::Wrong)
}

/// What only a person can decide, or only with other rights than those of the owner of bookings.
fn is_a_persons(finding: &DoctorFinding) -> bool {
    amiss(finding) && (finding.mend.is_empty() || finding.step == MendStep::Nothing)
}

/// What a person has to mend before: a call would fail in the middle of its writes, or somebody would gain a right.
#[must_use]
pub fn unmet(facts: &Facts) -> Vec<DoctorFinding> {
    let found = table::findings(facts)
        .into_iter()
        .chain(shape::findings(facts))
        .chain(rights::findings(facts))
        .chain(constraint::findings(facts))
        .chain(function::of_others(facts));
    found.filter(is_a_persons).chain(status::of_target(facts)).chain(function::kept_twice(facts)).collect()
}

/// Where release 0.1.0 wrote down that a schema is attached.
pub const FIRST_RECORD: &str = "holdfast_attachment";

/// Tables of release 0.1.0, with their columns, and what they are called today.
const FIRST: &[(&str, &str, &[&str])] = &[
    (
        "booking_statuses",
        "holdfast_booking_statuses",
        &["status", "is_confirm_target", "holds_tables", "occupies_tables", "releases_tables"],
    ),
    ("booking_status_transitions", "holdfast_status_transitions", &["from_status", "to_status"]),
    ("capacity_policies", "holdfast_capacity_policies", &["restaurant_id", "extra_seats", "enforce_min_party"]),
];

fn has_exactly(facts: &Facts, table: &str, columns: &[&str]) -> bool {
    facts.table(table).is_some_and(|table| {
        table.kind == "r" && table.columns.iter().map(|column| column.name.as_str()).eq(columns.iter().copied())
    })
}

/// Was the schema attached by release 0.1.0, and by none since?
#[must_use]
pub fn is_of_first_release(facts: &Facts) -> bool {
    !facts.attached && has_exactly(facts, FIRST_RECORD, &["feature"])
}

/// The tables that release 0.1.0 made, by the names that they had and have today; an application's own of these names
/// look otherwise.
#[must_use]
pub fn of_first_release(facts: &Facts) -> Vec<(&'static str, &'static str)> {
    let made =
        FIRST.iter().filter(|(old, new, columns)| has_exactly(facts, old, columns) && facts.table(new).is_none());
    made.filter(|_| is_of_first_release(facts)).map(|(old, new, _)| (*old, *new)).collect()
}

/// A statement that brings a table in order, with the rights of one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mend {
    pub statement: String,
    pub role: String,
}

/// The statements that bring the tables in order, in one transaction: nothing is built beside writers. A constraint of
/// the application stays, also where it is weaker than ours.
#[must_use]
pub fn mends(facts: &Facts) -> Vec<Mend> {
    let found = table::findings(facts)
        .into_iter()
        .chain(shape::findings(facts))
        .chain(constraint::findings(facts))
        .chain(index::findings(facts).into_iter().filter(is_missing))
        .chain(reference::findings(facts).into_iter().filter(is_missing))
        .chain(status::labels(facts));
    let ours = found.filter(|finding| amiss(finding) && !matches!(finding.step, MendStep::Attach | MendStep::Nothing));
    ours.flat_map(|finding| of_finding(facts, finding)).collect()
}

fn of_finding(facts: &Facts, finding: DoctorFinding) -> Vec<Mend> {
    let owner = |table: &str| facts.table(table).map_or(&facts.owner, |table| &table.owner).clone();
    let role = match &finding.step {
        MendStep::Brief { table }
        | MendStep::Concurrently { table, .. }
        | MendStep::UsingIndex { table, .. }
        | MendStep::Validated { table, .. }
        | MendStep::Partitioned { table, .. }
        | MendStep::Blocking { table, .. } => owner(table),
        MendStep::Free | MendStep::Nothing | MendStep::Attach => {
            status::type_owner(facts, &finding).unwrap_or(&facts.owner).to_owned()
        }
    };
    let statements = match finding.step {
        MendStep::Blocking { .. } => vec![constraint::no_overlap(facts)],
        _ => finding.mend,
    };
    let plain = |statement: String| Mend { statement: statement.replacen(" concurrently", "", 1), role: role.clone() };
    statements.into_iter().map(plain).collect()
}
