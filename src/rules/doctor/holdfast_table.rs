//! Tables that attach makes: is each there, with the columns that it has to have?

use super::application_table::fits;
use super::finding::{DoctorFinding, MendStep, State};
use crate::rules::attach::rights::strange;
use crate::rules::catalogue::facts::{Column, Facts, TableFacts};
use crate::rules::catalogue::name::{literal, quoted};
use crate::rules::schema::column::{Fill, HoldfastColumn, HoldfastTable};
use crate::rules::schema::holdfast_tables::{HOLDFAST, all};

pub(crate) fn findings(facts: &Facts) -> Vec<DoctorFinding> {
    let mut found: Vec<DoctorFinding> = HOLDFAST.iter().map(|table| of_table(facts, table)).collect();
    found.extend(facts.attached_by.as_deref().and_then(|by| of_release(facts, by)));
    for ours in all() {
        let is_ours = |table: &&TableFacts| strange(facts, table, facts.recorded.contains(&table.name)).is_none();
        let Some(table) = facts.table(ours.name).filter(is_ours) else { continue };
        found.extend(ours.columns.iter().filter_map(|column| of_column(facts, table, ours, column)));
        found.extend(table.columns.iter().filter_map(|column| unknown(ours, column)));
    }
    found
}

/// Another release attached the schema than the one that looks at it.
fn of_release(facts: &Facts, by: &str) -> Option<DoctorFinding> {
    if by == facts.release {
        return None;
    }
    let why = format!("release {by} attached the schema, and this is {}: attach again", facts.release);
    let finding = DoctorFinding::new("release of the schema", State::Risky, "", why);
    Some(finding.mend(MendStep::Attach, attach(facts)))
}

fn attach(facts: &Facts) -> [String; 1] {
    [format!("select holdfast.attach({})", literal(&facts.schema))]
}

fn of_table(facts: &Facts, ours: &HoldfastTable) -> DoctorFinding {
    let what = format!("table {}", ours.name);
    if facts.table(ours.name).is_some() {
        return DoctorFinding::new(what, State::Ok, "", "attach created it, and keeps what is in it");
    }
    let why = match facts.attached {
        true => {
            format!("attach created it and it is gone, or it is new in release {}: attach again", ours.since.name())
        }
        false => "attach creates it".to_owned(),
    };
    DoctorFinding::new(what, State::Missing, "", why).mend(MendStep::Attach, attach(facts))
}

/// What our statements would meet in the middle of a call.
fn of_column(
    facts: &Facts,
    table: &TableFacts,
    ours: &HoldfastTable,
    column: &HoldfastColumn,
) -> Option<DoctorFinding> {
    let what = format!("column {}.{}", ours.name, column.name);
    let wrong = |why: String| DoctorFinding::new(what.clone(), State::Wrong, "G1", why);
    let on = format!("{}.{}", facts.schema, ours.name);
    let alter = format!("alter table {on} alter column {}", quoted(column.name));
    let brief = || MendStep::Brief { table: ours.name.to_owned() };
    let Some(found) = table.columns.iter().find(|found| found.name == column.name) else {
        let mut why =
            format!("attach makes it, since release {}, and it is not there: attach again", column.since.name());
        if !column.null && column.fill == Fill::Nothing {
            why += "; no value is known for rows that are there: delete these before";
        }
        return Some(DoctorFinding::new(what, State::Missing, "G1", why).mend(MendStep::Attach, attach(facts)));
    };
    if !fits(column.kind, found) {
        let why = format!(
            "it is {}, and attach makes it {}: what is in it is the owner's to convert",
            found.type_name,
            column.kind.word()
        );
        return Some(wrong(why));
    }
    if !column.null && !found.not_null {
        let empty = format!("select * from {on} where {} is null", quoted(column.name));
        let why = "a row without a value in it says nothing, and our statements lean on one";
        return Some(wrong(why.to_owned()).mend(brief(), [format!("{alter} set not null")]).violations(empty));
    }
    if column.null && found.not_null {
        let why = "our statements leave it NULL at times, and the constraint would refuse that in the middle of a call";
        return Some(wrong(why.to_owned()).mend(brief(), [format!("{alter} drop not null")]));
    }
    match column.fill {
        Fill::Default(value) if !found.filled => {
            let why = "our inserts leave it to its default, and it has none";
            Some(wrong(why.to_owned()).mend(brief(), [format!("{alter} set default {value}")]))
        }
        Fill::Identity if !found.filled => {
            let why = "our inserts leave it to the server to number, and it does not";
            Some(wrong(why.to_owned()).mend(brief(), [format!("{alter} add generated always as identity")]))
        }
        _ => None,
    }
}

/// A column that somebody added to a table of ours, and that nothing fills.
fn unknown(ours: &HoldfastTable, column: &Column) -> Option<DoctorFinding> {
    let known = ours.columns.iter().any(|known| known.name == column.name);
    if known || !column.not_null || column.filled {
        return None;
    }
    let why = "attach did not make it, it must have a value, and nothing fills it: our inserts would fail with 23502";
    Some(DoctorFinding::new(format!("column {}.{}", ours.name, column.name), State::Wrong, "G1", why))
}
