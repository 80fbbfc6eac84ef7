//! What attach does about the findings: what it refuses, and what it mends.

use super::rights;
use crate::rules::catalogue::facts::Facts;
use crate::rules::doctor::finding::{DoctorFinding, MendStep, State};
use crate::rules::doctor::{application_table, holdfast_table, shape, status};
use crate::rules::index::{foreign_key, key, lookup};
use crate::rules::legacy::{function, replacement};

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
    let found = application_table::findings(facts)
        .into_iter()
        .chain(holdfast_table::findings(facts))
        .chain(shape::findings(facts))
        .chain(rights::findings(facts))
        .chain(key::findings(facts))
        .chain(function::of_others(facts));
    found.filter(is_a_persons).chain(status::of_target(facts)).chain(replacement::kept_twice(facts)).collect()
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
    let found = application_table::findings(facts)
        .into_iter()
        .chain(holdfast_table::findings(facts))
        .chain(shape::findings(facts))
        .chain(key::findings(facts))
        .chain(lookup::findings(facts).into_iter().filter(is_missing))
        .chain(foreign_key::findings(facts).into_iter().filter(is_missing))
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
        MendStep::Blocking { .. } => vec![key::no_overlap(facts)],
        _ => finding.mend,
    };
    let plain = |statement: String| Mend { statement: statement.replacen(" concurrently", "", 1), role: role.clone() };
    statements.into_iter().map(plain).collect()
}
