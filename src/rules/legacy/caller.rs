//! Who may call: the roles that could call what attach replaces, and those that it was told of.

use std::collections::BTreeSet;

use crate::rules::catalogue::facts::Facts;
use crate::rules::catalogue::function::FunctionFacts;
use crate::rules::catalogue::name::{literal, quoted, shown};
use crate::rules::doctor::finding::{DoctorFinding, MendStep, State};

use super::replacement::replacements;

/// The row of doctor's that says who may call.
pub const WHAT: &str = "callers of the functions";

/// The statement that attaches the schema with these roles.
#[must_use]
pub fn attach_with(facts: &Facts, roles: &[String]) -> String {
    let schema = literal(&facts.schema);
    if roles.is_empty() {
        return format!("select holdfast.attach({schema})");
    }
    let roles: Vec<String> = roles.iter().map(|role| literal(role)).collect();
    format!("select holdfast.attach({schema}, array[{}])", roles.join(", "))
}

/// The same with those to propose: an attached schema keeps the roles that it was given.
#[must_use]
pub fn attach(facts: &Facts) -> String {
    let roles = if facts.attached { Vec::new() } else { named(facts, before(facts)) };
    attach_with(facts, &roles)
}

/// What a role that could call what is replaced is told, when attach is given these roles. None: nobody loses anything.
#[must_use]
pub fn left_out(facts: &Facts, given: &[String]) -> Option<String> {
    let named: Vec<String> = named(facts, before(facts)).into_iter().filter(|role| !given.contains(role)).collect();
    let everybody = given.is_empty() && before(facts).any(|function| function.for_public);
    if named.is_empty() && !everybody {
        return None;
    }
    let who: Vec<String> =
        everybody.then(|| "PUBLIC".to_owned()).into_iter().chain(named.iter().map(|role| quoted(role))).collect();
    let proposed =
        if named.is_empty() { vec!["service".to_owned()] } else { given.iter().cloned().chain(named).collect() };
    Some(shown(&format!(
        "{} could call the functions that attach replaces and may not call those of holdfast in schema {}: name who has to, as in {}",
        who.join(", "),
        facts.schema,
        attach_with(facts, &proposed)
    )))
}

/// Whether anybody may call at all.
pub(crate) fn findings(facts: &Facts) -> Vec<DoctorFinding> {
    let ours = || facts.functions.iter().filter(|function| function.ours);
    if facts.attached {
        if ours().next().is_none() || ours().any(|function| function.for_public || !function.grantees.is_empty()) {
            return Vec::new();
        }
        let named = named(facts, facts.legacy.iter());
        let why = "attach was given no role: nobody but the owner of the bookings may call; attach again with the role of the service";
        let mend = if named.is_empty() { None } else { Some(attach_with(facts, &named)) };
        return vec![DoctorFinding::new(WHAT, State::Risky, "G9", why).mend(MendStep::Attach, mend)];
    }
    let Some(why) = left_out(facts, &[]) else { return Vec::new() };
    vec![DoctorFinding::new(WHAT, State::Risky, "G9", why).mend(MendStep::Attach, [attach(facts)])]
}

fn before(facts: &Facts) -> impl Iterator<Item = &FunctionFacts> {
    replacements(facts).into_iter().map(|replaced| replaced.function)
}

/// The roles that may execute these, by name; the owner of the bookings needs no grant.
fn named<'a>(facts: &Facts, functions: impl Iterator<Item = &'a FunctionFacts>) -> Vec<String> {
    let roles: BTreeSet<&String> = functions.flat_map(|function| &function.grantees).collect();
    roles.into_iter().filter(|role| **role != facts.owner).cloned().collect()
}
