//! How the application takes its holds and ends them: holdfast does as it does.

use crate::rules::catalogue::facts::{Constraint, Facts, TriggerFacts};
use crate::rules::doctor::finding::{DoctorFinding, State};
use crate::rules::hold::HoldPolicy;
use crate::rules::legacy::body;

/// The tables of a hold itself.
const OWN: &[&str] = &["table_holds", "table_hold_members"];

/// What attach writes down, unless the owner of the schema said otherwise before.
#[must_use]
pub fn policy(facts: &Facts) -> HoldPolicy {
    HoldPolicy {
        deletes: why_deleted(facts).is_some(),
        mirrors: why_unmirrored(facts).is_none(),
        to_window_end: bound_to_window(facts).is_some(),
        ..HoldPolicy::default()
    }
}

pub(crate) fn findings(facts: &Facts) -> Vec<DoctorFinding> {
    let found = policy(facts);
    let now = facts.hold_policy.unwrap_or(found);
    let (state, why) = match (now.deletes, why_deleted(facts)) {
        (true, Some(why)) => (State::Ok, format!("a hold is deleted when it ends: {why}")),
        (true, None) => (State::Ok, "a hold is deleted when it ends, as holdfast_hold_policy says".to_owned()),
        (false, None) => (State::Ok, "a hold is closed when it ends, by its status and its deadline".to_owned()),
        (false, Some(why)) => {
            (State::Risky, format!("holdfast_hold_policy has a hold closed when it ends, although {why}"))
        }
    };
    let mut all = vec![DoctorFinding::new("ending of holds", state, "G7", why)];
    all.extend(why_unmirrored(facts).map(|why| match now.mirrors {
        true => DoctorFinding::new("mirrors of holds", State::Risky, "G7", format!("we write them, although {why}")),
        false => DoctorFinding::new("mirrors of holds", State::Ok, "G7", format!("we write none: {why}")),
    }));
    all
}

/// What shows that the application deletes a hold that has ended.
fn why_deleted(facts: &Facts) -> Option<String> {
    let cascade = facts.constraints.iter().find(|constraint| hangs_on_holds(constraint));
    let trigger = facts.triggers.iter().find(|trigger| keeps_rows(facts, trigger));
    let function = facts.functions.iter().find(|function| {
        !function.ours && ["f", "p"].contains(&function.kind.as_str()) && deletes_holds(&body::plain(&function.body))
    });
    let check = bound_to_window(facts);
    let cascade = cascade.map(|found| format!("rows of {} go with the hold ({})", found.table, found.name));
    let trigger = trigger.map(|found| format!("trigger {} on {} keeps rows for as long", found.name, found.table));
    let function = function.map(|found| format!("function {} deletes them", found.name));
    let check = check.map(|found| format!("constraint {} forbids an earlier deadline", found.name));
    cascade.or(trigger).or(function).or(check)
}

/// A table of the application's keeps something of a hold for as long as its row lives.
fn hangs_on_holds(constraint: &Constraint) -> bool {
    let definition = constraint.definition.to_lowercase().replace('"', "");
    let target = definition.split("references ").nth(1).unwrap_or_default();
    let target = target.split('(').next().unwrap_or_default().trim();
    constraint.kind == "f"
        && !OWN.contains(&constraint.table.as_str())
        && target.rsplit('.').next() == Some("table_holds")
        && definition.contains("on delete cascade")
}

/// Does it write rows of a table that knows holds, or mirrors, when a hold is taken?
fn keeps_rows(facts: &Facts, trigger: &TriggerFacts) -> bool {
    if trigger.of_constraint || trigger.enabled == "D" || !OWN.contains(&trigger.table.as_str()) {
        return false;
    }
    let body = body::plain(&trigger.body);
    let knows_holds =
        |name: &str| name == "allocations" || (!OWN.contains(&name) && facts.column(name, "hold_id").is_some());
    written(&body).any(|name| knows_holds(&name))
}

/// The tables that a body inserts into, without their schema.
fn written(body: &str) -> impl Iterator<Item = String> + '_ {
    body.split("insert into ").skip(1).filter_map(|rest| {
        let name = rest.split(|c: char| c.is_whitespace() || c == '(').next()?;
        Some(name.rsplit('.').next()?.trim_matches('"').to_owned())
    })
}

fn deletes_holds(body: &str) -> bool {
    body.split("delete from ").skip(1).any(|rest| {
        let name = rest.trim_start_matches("only ").split(|c: char| c.is_whitespace() || c == ';').next();
        name.and_then(|name| name.rsplit('.').next()).is_some_and(|name| name.trim_matches('"') == "table_holds")
    })
}

/// Why a mirror is not ours to write.
fn why_unmirrored(facts: &Facts) -> Option<String> {
    let trigger = facts.triggers.iter().find(|trigger| {
        keeps_rows(facts, trigger) && written(&body::plain(&trigger.body)).any(|name| name == "allocations")
    });
    let check = facts.constraints.iter().find(|constraint| {
        let definition = &constraint.definition;
        constraint.table == "allocations"
            && constraint.kind == "c"
            && definition.contains("resource_type")
            && definition.contains("'table'")
            && !definition.contains("'hold'")
    });
    let labels = facts.column("allocations", "resource_type").and_then(|column| column.labels.as_ref());
    let trigger = trigger.map(|found| format!("trigger {} on {} does", found.name, found.table));
    let check = check.map(|found| format!("constraint {} of allocations does not know them", found.name));
    let labels = labels.filter(|labels| !labels.iter().any(|label| label == "hold"));
    trigger.or(check).or_else(|| labels.map(|_| "the type of allocations.resource_type does not know them".to_owned()))
}

/// A constraint by which a hold lives to the end of its window at least.
fn bound_to_window(facts: &Facts) -> Option<&Constraint> {
    let bounds = ["expires_at >= end_at", "end_at <= expires_at", "expires_at >= start_at", "start_at <= expires_at"];
    facts.constraints.iter().find(|constraint| {
        let definition = constraint.definition.to_lowercase();
        constraint.table == "table_holds"
            && constraint.kind == "c"
            && bounds.iter().any(|words| definition.contains(words))
    })
}
