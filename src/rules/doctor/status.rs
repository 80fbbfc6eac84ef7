//! Statuses without a rule, and holds that outlive their purpose.

use crate::rules::adopt::render::{Names, render};
use crate::rules::booking::status::{TARGET, contract_status, target};
use crate::rules::catalogue::facts::{Facts, Holds};
use crate::rules::catalogue::name::quoted;
use crate::rules::doctor::finding::{DoctorFinding, MendStep, State};
use crate::rules::schema::application_tables::APPLICATION;
use crate::rules::schema::column::{ApplicationColumn, ApplicationTable, HoldfastTable};
use crate::rules::schema::holdfast_tables::HOLDFAST;
use crate::rules::schema::{Kind, ddl};

/// Enums whose labels our statements write or compare: table and column.
fn labelled() -> impl Iterator<Item = (&'static str, &'static ApplicationColumn)> {
    let of = |table: &'static ApplicationTable| table.asked().map(move |column| (table.name, column));
    let is_enum = |column: &ApplicationColumn| matches!(column.kind, Kind::Enum(_)) && !column.values.is_empty();
    APPLICATION.iter().flat_map(of).filter(move |(_, column)| is_enum(column))
}

pub(crate) fn findings(facts: &Facts) -> Vec<DoctorFinding> {
    let mut found = labels(facts);
    found.extend(of_statuses(facts));
    found.extend(of_target(facts));
    found
}

pub(crate) fn labels(facts: &Facts) -> Vec<DoctorFinding> {
    labelled().flat_map(|(table, column)| of_labels(facts, table, column.name, column.values)).collect()
}

/// Labels of an enum that we need and it lacks.
fn of_labels(facts: &Facts, table: &str, column: &str, needed: &[&str]) -> Vec<DoctorFinding> {
    let Some(found) = facts.column(table, column) else { return Vec::new() };
    let Some(labels) = &found.labels else { return Vec::new() };
    needed
        .iter()
        .filter(|needed| !labels.iter().any(|label| label == *needed))
        .map(|label| {
            let what = format!("label {label} of {table}.{column}");
            let why = "our statements write or compare it; an enum's label cannot be taken back, and it is free to add";
            DoctorFinding::new(what, State::Missing, "G1", why)
                .mend(MendStep::Free, [format!("alter type {} add value if not exists '{label}'", found.type_name)])
        })
        .collect()
}

/// The owner of the type that a label is missing of.
pub(crate) fn type_owner<'a>(facts: &'a Facts, finding: &DoctorFinding) -> Option<&'a str> {
    let column = labelled().filter_map(|(table, column)| facts.column(table, column.name)).find(|column| {
        let alter = format!("alter type {} ", column.type_name);
        finding.mend.iter().any(|statement| statement.starts_with(&alter))
    })?;
    Some(&column.type_owner)
}

/// The same before there are rules: what the labels say.
#[must_use]
pub fn default_target(facts: &Facts) -> Option<&str> {
    let declared = facts.status_rules.as_ref().filter(|rules| !rules.statuses.is_empty());
    if let Some(rules) = declared {
        return target(&rules.targets);
    }
    let labels = status_labels(facts);
    let spelled = labels.iter().find(|label| *label == TARGET);
    spelled.or_else(|| labels.iter().find(|label| contract_status(label) == Some(TARGET))).map(String::as_str)
}

fn status_labels(facts: &Facts) -> &[String] {
    facts.column("bookings", "status").and_then(|column| column.labels.as_deref()).unwrap_or_default()
}

fn of_statuses(facts: &Facts) -> Vec<DoctorFinding> {
    status_labels(facts).iter().filter_map(|label| of_status(facts, label)).collect()
}

fn of_status(facts: &Facts, label: &str) -> Option<DoctorFinding> {
    let what = format!("status {label}");
    match &facts.status_rules {
        None if contract_status(label).is_some() => {
            Some(DoctorFinding::new(what, State::Ok, "G8", "attach knows what it means"))
        }
        None => {
            let why = format!(
                "attach cannot know what it means for tables: it may not hold any and no move leads to it, until a row of {0}.holdfast_booking_statuses and rows of {0}.holdfast_status_transitions say so",
                facts.schema
            );
            Some(DoctorFinding::new(what, State::Risky, "G8", why))
        }
        Some(rules) if !rules.statuses.iter().any(|status| status == label) => {
            let why = "no rule says what it means for tables: it may not hold any; the values below are the strictest";
            let table = format!("{}.holdfast_booking_statuses", facts.schema);
            let value = label.replace('\'', "''");
            Some(
                DoctorFinding::new(what, State::Missing, "G8", why)
                    .mend(
                        MendStep::Free,
                        [format!("insert into {table} (status) values ('{value}') on conflict do nothing")],
                    )
                    .undo(format!("delete from {table} where status::text = '{value}'")),
            )
        }
        Some(rules) if !rules.moving.iter().any(|status| status == label) => {
            let why = format!(
                "no move leads to it or from it: a booking cannot get there through us; rows of {}.holdfast_status_transitions say which may",
                facts.schema
            );
            Some(DoctorFinding::new(what, State::Risky, "G8", why))
        }
        Some(_) => Some(DoctorFinding::new(what, State::Ok, "G8", "it has a rule and moves")),
    }
}

/// Without a status that may be the target of a confirm, every confirm is refused.
pub(crate) fn of_target(facts: &Facts) -> Option<DoctorFinding> {
    let status = facts.column("bookings", "status")?;
    if default_target(facts).is_some() || status.labels.is_none() {
        return None;
    }
    let what = "target of a confirm";
    if facts.status_rules.is_some() {
        let why = "no status may be the target of a confirm: mark one with is_confirm_target";
        return Some(DoctorFinding::new(what, State::Wrong, "G8", why));
    }
    let (schema, kind) = (&facts.schema, &status.type_name);
    let why = format!(
        "none of the labels of bookings.status says confirmed, so attach cannot know which one does; create these tables, insert your statuses into {schema}.holdfast_booking_statuses with what they mean (is_confirm_target for that one) and the legal moves into {schema}.holdfast_status_transitions, then attach"
    );
    let ruled = |ours: &&HoldfastTable| ours.columns.iter().any(|column| column.kind == Kind::Enum("booking_status"));
    let owner = quoted(&facts.owner);
    let owned = format!(
        "alter table {schema}.holdfast_booking_statuses owner to {owner};\nalter table {schema}.holdfast_status_transitions owner to {owner}"
    );
    let names = Names { schema, legacy: "", words: vec![("app.booking_status", kind)] };
    let tables = HOLDFAST.iter().filter(ruled).map(|ours| render(&ddl::create_table(ours), &names));
    Some(DoctorFinding::new(what, State::Missing, "G8", why).mend(MendStep::Free, tables.chain([owned])))
}

/// Holds as they stand in the table, and what ties their deadline to the booking.
pub(crate) fn of_holds(facts: &Facts, holds: Holds) -> Vec<DoctorFinding> {
    let what = "deadline of holds";
    let checks = facts.constraints.iter().filter(|constraint| {
        let definition = constraint.definition.to_lowercase();
        constraint.table == "table_holds"
            && constraint.kind == "c"
            && definition.contains("expires_at")
            && (definition.contains("end_at") || definition.contains("start_at"))
    });
    let tied = facts.column("table_holds", "expires_at").and_then(|column| column.expression.as_deref());
    let tied = tied.filter(|expression| expression.contains("end_at") || expression.contains("start_at"));
    let mut found = Vec::new();
    if holds.tied > 0 || tied.is_some() {
        let why = format!(
            "{} of {} live holds end with the booking's own time: such a hold keeps its tables for days; holdfast takes holds with a deadline of their own (hold_tables, 180 seconds), what others write is theirs to mend",
            holds.tied, holds.seen
        );
        found.push(DoctorFinding::new(what, State::Risky, "G6", why));
    }
    found.extend(checks.map(|constraint| {
        let what = format!("constraint {} on table_holds", constraint.name);
        let why = format!("it ties a hold's deadline to the booking's time: {}", constraint.definition);
        let table = format!("{}.table_holds", facts.schema);
        DoctorFinding::new(what, State::Risky, "G6", why)
            .mend(
                MendStep::Brief { table: "table_holds".to_owned() },
                [format!("alter table {table} drop constraint {}", quoted(&constraint.name))],
            )
            .undo(format!(
                "alter table {table} add constraint {} {} not valid",
                quoted(&constraint.name),
                constraint.definition
            ))
    }));
    if holds.past > 0 {
        let why = format!(
            "{} of {} holds that say active are past their deadline: they block nobody, and the background worker tidies them",
            holds.past, holds.seen
        );
        found.push(DoctorFinding::new("holds past their deadline", State::Risky, "G7", why));
    }
    found
}
