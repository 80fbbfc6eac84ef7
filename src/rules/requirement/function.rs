//! Functions of the application: those that attach replaces, and who may call what.

use super::facts::{Facts, Function};
use super::signature::Signature;
use super::{Finding, State, Step};

/// What a kept function is called, unless that name is taken.
const SUFFIX: &str = "_original";
/// A name of the server has at most this many bytes.
const NAME_BYTES: usize = 63;

/// What attach does with a function of the application that has the name of one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement<'a> {
    pub function: &'a Function,
    pub kept_as: String,
    /// The contract's call works on it, so that the kill switch can route to it.
    pub callable: bool,
}

/// Functions that have to make room, with the names that they are kept under.
#[must_use]
pub fn replacements(facts: &Facts) -> Vec<Replacement<'_>> {
    let mut taken: Vec<&str> = facts.functions.iter().map(|function| function.name.as_str()).collect();
    taken.extend(facts.ours.iter().map(|ours| ours.name.as_str()));
    let mut names: Vec<String> = Vec::new();
    let mut found = Vec::new();
    let foreign = facts.functions.iter().filter(|function| !function.ours);
    for function in foreign {
        let Some(ours) = facts.ours.iter().find(|ours| ours.clashes_with(function)) else { continue };
        let kept_as = free_name(&function.name, |name| taken.contains(&name) || names.iter().any(|used| used == name));
        names.push(kept_as.clone());
        found.push(Replacement { function, kept_as, callable: ours.differences(function).is_empty() });
    }
    found
}

/// `name_original`, or the first of `name_original_2` … that is free; within the length of a name.
#[must_use]
pub fn free_name(name: &str, taken: impl Fn(&str) -> bool) -> String {
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

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut found: Vec<Finding> = replacements(facts).iter().map(|replaced| of_replaced(facts, replaced)).collect();
    found.extend(facts.functions.iter().filter_map(|function| of_overload(facts, function)));
    found.extend(facts.ours.iter().filter_map(|ours| of_wrapper(facts, ours)));
    found.extend(facts.functions.iter().filter_map(|function| open_to_all(facts, function)));
    found.extend(facts.functions.iter().filter_map(|function| unpinned(facts, function)));
    found
}

fn of_replaced(facts: &Facts, replaced: &Replacement) -> Finding {
    let function = replaced.function;
    let what = format!("function {}", function.signature);
    let kept = format!("attach keeps it as {} with its grants, and detach gives it its name back", replaced.kept_as);
    let ours: Vec<&Signature> = facts.ours.iter().filter(|ours| ours.name == function.name).collect();
    let same = ours.iter().any(|ours| ours.is_same_as(function));
    let differences: Vec<String> = ours.iter().flat_map(|ours| ours.differences(function)).collect();
    let (state, why) = if replaced.callable {
        (State::Ok, format!("it will be replaced; {kept}; the kill switch calls it"))
    } else if same {
        let why = format!(
            "its signature differs from the contract's: {}; {kept}; the kill switch cannot call it",
            differences.join(", ")
        );
        (State::Wrong, why)
    } else {
        let why = format!(
            "an overload that makes calls ambiguous ({}); {kept}; its own callers have to follow",
            differences.join(", ")
        );
        (State::Risky, why)
    };
    Finding { step: Step::Attach, ..Finding::new(what, state, "G3", why) }
}

/// One name, but no call that both would take.
fn of_overload(facts: &Facts, function: &Function) -> Option<Finding> {
    let named = facts.ours.iter().any(|ours| ours.name == function.name);
    let clashes = facts.ours.iter().any(|ours| ours.clashes_with(function));
    if function.ours || !named || clashes {
        return None;
    }
    let what = format!("function {}", function.signature);
    let why = "an overload of a function of the contract; it stays as it is, and who calls it does not reach holdfast";
    Some(Finding::new(what, State::Risky, "G3", why))
}

/// A wrapper that is not there.
fn of_wrapper(facts: &Facts, ours: &Signature) -> Option<Finding> {
    let there = facts.functions.iter().any(|function| function.ours && ours.is_same_as(function));
    if there {
        return None;
    }
    let (state, why) = if facts.attached {
        (State::Missing, "attach installed it and it is gone, or it is new in this release: attach again")
    } else {
        (State::Missing, "attach installs it")
    };
    let what = format!("wrapper {}", ours.name);
    let statement = format!("select holdfast.attach('{}')", facts.schema.replace('\'', "''"));
    Some(Finding::new(what, state, "", why).mend(Step::Attach, [statement]))
}

/// Does it write, or decide on, what the promises are about?
pub(super) fn is_concerned(facts: &Facts, function: &Function) -> bool {
    !function.ours
        && (facts.ours.iter().any(|ours| ours.name == function.name)
            || facts.kept.contains(&function.name)
            || super::body::names_a_table(&function.body))
}

fn open_to_all(facts: &Facts, function: &Function) -> Option<Finding> {
    let matters = function.ours || function.definer || is_concerned(facts, function);
    if !function.for_public || !matters {
        return None;
    }
    let what = format!("execute on {} for PUBLIC", function.signature);
    let why = "any role may call it; grant it to the roles that have to, then revoke it from PUBLIC";
    let (kind, signature) = (kind(function), &function.signature);
    Some(
        Finding::new(what, State::Risky, "G9", why)
            .mend(Step::Free, [format!("revoke execute on {kind} {signature} from public")])
            .undo(format!("grant execute on {kind} {signature} to public")),
    )
}

fn unpinned(facts: &Facts, function: &Function) -> Option<Finding> {
    if !function.definer || function.pinned {
        return None;
    }
    let what = format!("search_path of {}", function.signature);
    let why = "SECURITY DEFINER with the caller's search_path: a caller's temporary table can stand in for the application's; add the schemas of extensions that its body names";
    let alter = format!("alter {} {}", kind(function), function.signature);
    Some(
        Finding::new(what, State::Risky, "G9", why)
            .mend(Step::Free, [format!("{alter} set search_path = pg_catalog, {}, pg_temp", facts.schema)])
            .undo(format!("{alter} reset search_path")),
    )
}

fn kind(function: &Function) -> &'static str {
    if function.kind == "p" { "procedure" } else { "function" }
}
