//! Functions of the application: those that attach replaces, and who may call what.

use std::collections::BTreeSet;

use crate::rules::catalogue::facts::Facts;
use crate::rules::catalogue::function::FunctionFacts;
use crate::rules::catalogue::name::{first_name, quoted};
use crate::rules::catalogue::signature::Signature;
use crate::rules::doctor::finding::{DoctorFinding, MendStep, State};

use super::caller;
use super::replacement::{Replacement, kept_twice, replacements};

pub(crate) fn findings(facts: &Facts) -> Vec<DoctorFinding> {
    let mut found: Vec<DoctorFinding> =
        replacements(facts).iter().map(|replaced| of_replaced(facts, replaced)).collect();
    found.extend(kept_twice(facts));
    found.extend(facts.legacy.iter().filter_map(|kept| of_moved(facts, kept)));
    found.extend(of_others(facts));
    found.extend(facts.functions.iter().filter_map(|function| of_overload(facts, function)));
    found.extend(
        facts.functions.iter().filter(|function| function.ours).flat_map(|function| of_our_own(facts, function)),
    );
    found.extend(facts.ours.iter().filter_map(|ours| of_wrapper(facts, ours)));
    found.extend(facts.routines().filter_map(|function| open_to_all(facts, function)));
    found.extend(facts.routines().filter_map(|function| unpinned(facts, function)));
    found.extend(facts.path.as_deref().map(of_path));
    found
}

/// What the application's own code finds its things by, for an owner to compare with what they expect.
fn of_path(path: &str) -> DoctorFinding {
    let why = format!(
        "while holdfast works, triggers, defaults, CHECKs and policies of the schema, and its legacy functions without a path of \
         their own, run under search_path = {path}; attach finds it again"
    );
    DoctorFinding::new("search_path of the application", State::Ok, "G12", why)
}

fn of_replaced(facts: &Facts, replaced: &Replacement) -> DoctorFinding {
    let function = replaced.function;
    let what = format!("function {}", function.signature);
    let kept = "attach moves it, with its name and grants, into a schema of its own, and detach brings it back";
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
    DoctorFinding { step: MendStep::Attach, ..DoctorFinding::new(what, state, "G3", why) }
}

/// A kept function that is no call of the contract: nobody calls it through ours, and its own callers have to find it.
fn of_moved(facts: &Facts, kept: &FunctionFacts) -> Option<DoctorFinding> {
    if facts.ours.iter().any(|ours| ours.name == kept.name && ours.differences(kept).is_empty()) {
        return None;
    }
    let roles: BTreeSet<&String> =
        kept.grantees.iter().chain(&facts.callers).filter(|role| **role != facts.owner).collect();
    let schema = first_name(&kept.signature);
    let grants = roles.into_iter().flat_map(|role| {
        let role = quoted(role);
        let execute = format!("grant execute on {} {} to {role}", kind(kept), kept.signature);
        [format!("grant usage on schema {schema} to {role}"), execute]
    });
    let what = format!("function {} that was moved", kept.signature);
    let why = "one of ours has its name and does something else: who called it calls ours now, or nobody; whoever needs it calls it here, with these grants";
    Some(DoctorFinding::new(what, State::Risky, "G3", why).mend(MendStep::Free, grants))
}

/// Functions that would be kept, and that belong to somebody else: called by ours, they would run with the rights of the
/// owner of the bookings.
pub(crate) fn of_others(facts: &Facts) -> Vec<DoctorFinding> {
    let others = replacements(facts).into_iter().filter(|replaced| replaced.function.owner != facts.owner);
    others
        .map(|replaced| {
            let (function, owner) = (replaced.function, quoted(&facts.owner));
            let why = format!(
                "it belongs to {}, the bookings to {owner}: kept and called by ours, it would run with rights that are not its owner's",
                quoted(&function.owner)
            );
            let alter = format!("alter {} {} owner to {owner}", kind(function), function.signature);
            let what = format!("owner of function {}", function.signature);
            DoctorFinding::new(what, State::Wrong, "G11", why).mend(MendStep::Nothing, [alter])
        })
        .collect()
}

/// One name, but no call that both would take.
fn of_overload(facts: &Facts, function: &FunctionFacts) -> Option<DoctorFinding> {
    let named = facts.ours.iter().any(|ours| ours.name == function.name);
    let clashes = facts.ours.iter().any(|ours| ours.clashes_with(function));
    if function.ours || !named || clashes {
        return None;
    }
    let what = format!("function {}", function.signature);
    let why = "an overload of a function of the contract; it stays as it is, and who calls it does not reach holdfast";
    Some(DoctorFinding::new(what, State::Risky, "G3", why))
}

/// A wrapper that is not there.
fn of_wrapper(facts: &Facts, ours: &Signature) -> Option<DoctorFinding> {
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
    Some(DoctorFinding::new(what, state, "", why).mend(MendStep::Attach, [caller::attach(facts)]))
}

/// A function of ours: its owner, and who may call it beside those that attach let.
fn of_our_own(facts: &Facts, function: &FunctionFacts) -> Vec<DoctorFinding> {
    let (kind, signature) = (kind(function), &function.signature);
    let mut found = Vec::new();
    if function.owner != facts.owner {
        let why = format!(
            "it belongs to {}, the bookings to {}: it has to act as the owner of bookings; attach again",
            quoted(&function.owner),
            quoted(&facts.owner)
        );
        let what = format!("owner of {kind} {signature}");
        found.push(DoctorFinding::new(what, State::Wrong, "G11", why).mend(MendStep::Attach, [caller::attach(facts)]));
    }
    for role in function.grantees.iter().filter(|role| facts.attached && !facts.callers.contains(role)) {
        let role = quoted(role);
        let why = "attach was not told of this role: default privileges let it call, or a person; revoke it, or attach again with it";
        found.push(
            DoctorFinding::new(format!("execute on {signature} for {role}"), State::Risky, "G11", why)
                .mend(MendStep::Free, [format!("revoke execute on {kind} {signature} from {role}")])
                .undo(format!("grant execute on {kind} {signature} to {role}")),
        );
    }
    found
}

fn open_to_all(facts: &Facts, function: &FunctionFacts) -> Option<DoctorFinding> {
    let matters = function.ours || function.definer || super::body::is_concerned(facts, function);
    if !function.for_public || !matters {
        return None;
    }
    let what = format!("execute on {} for PUBLIC", function.signature);
    let why = "any role may call it; grant it to the roles that have to, then revoke it from PUBLIC";
    let (kind, signature) = (kind(function), &function.signature);
    Some(
        DoctorFinding::new(what, State::Risky, "G9", why)
            .mend(MendStep::Free, [format!("revoke execute on {kind} {signature} from public")])
            .undo(format!("grant execute on {kind} {signature} to public")),
    )
}

fn unpinned(facts: &Facts, function: &FunctionFacts) -> Option<DoctorFinding> {
    if !function.definer || function.pinned {
        return None;
    }
    let what = format!("search_path of {}", function.signature);
    let why = "SECURITY DEFINER with the caller's search_path: a caller's temporary table can stand in for the application's; add the schemas of extensions that its body names";
    let alter = format!("alter {} {}", kind(function), function.signature);
    Some(
        DoctorFinding::new(what, State::Risky, "G9", why)
            .mend(MendStep::Free, [format!("{alter} set search_path = pg_catalog, {}, pg_temp", facts.schema)])
            .undo(format!("{alter} reset search_path")),
    )
}

fn kind(function: &FunctionFacts) -> &'static str {
    if function.kind == "p" { "procedure" } else { "function" }
}
