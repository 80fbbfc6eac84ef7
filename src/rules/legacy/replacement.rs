//! Functions of the application that make room for ours.

use crate::rules::catalogue::facts::Facts;
use crate::rules::catalogue::function::FunctionFacts;
use crate::rules::doctor::finding::{DoctorFinding, MendStep, State};

/// What the schema of the legacy functions is called after the application's, unless that name is taken.
const SUFFIX: &str = "_legacy";
/// A name of the server has at most this many bytes.
const NAME_BYTES: usize = 63;

/// What attach does with a function of the application that has the name of one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement<'a> {
    pub function: &'a FunctionFacts,
    /// The contract's call works on it, so that the kill switch can route to it.
    pub callable: bool,
}

/// Functions that have to make room: attach moves them into a schema of their own, where they keep their names.
#[must_use]
pub fn replacements(facts: &Facts) -> Vec<Replacement<'_>> {
    let theirs = facts.functions.iter().filter(|function| !function.ours);
    let clashing = theirs.filter_map(|function| {
        let ours = facts.ours.iter().find(|ours| ours.clashes_with(function))?;
        Some(Replacement { function, callable: ours.differences(function).is_empty() })
    });
    clashing.collect()
}

/// A function that came after attach and would have to make room where its predecessor is kept.
#[must_use]
pub fn kept_twice(facts: &Facts) -> Vec<DoctorFinding> {
    let types = |function: &FunctionFacts| -> Vec<String> {
        function.inputs().into_iter().map(|input| input.type_name.clone()).collect()
    };
    let mut found = Vec::new();
    for replaced in replacements(facts) {
        let (name, given) = (&replaced.function.name, types(replaced.function));
        let kept = facts.legacy.iter().find(|kept| kept.name == *name && types(kept) == given);
        if let Some(kept) = kept {
            let what = format!("function {}", replaced.function.signature);
            let why = format!(
                "attach keeps {} already, under this name and with these arguments: drop the one that is not to come back",
                kept.signature
            );
            found.push(DoctorFinding { step: MendStep::Attach, ..DoctorFinding::new(what, State::Wrong, "G3", why) });
        }
    }
    found
}

/// `schema_legacy`, or the first of `schema_legacy_2` … that is free; within the length of a name.
#[must_use]
pub fn legacy_schema(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let with = |suffix: &str| {
        let mut end = name.len().min(NAME_BYTES - suffix.len());
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        format!("{}{suffix}", &name[..end])
    };
    let numbered = (2_u32..).map(|number| with(&format!("{SUFFIX}_{number}")));
    std::iter::once(with(SUFFIX)).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}
