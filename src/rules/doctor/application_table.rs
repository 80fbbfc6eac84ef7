//! Tables and columns of the application, as our statements take them.

use crate::rules::catalogue::facts::{Column, Facts, TableFacts, TriggerFacts};
use crate::rules::catalogue::name::quoted;
use crate::rules::doctor::finding::{DoctorFinding, MendStep, State};
use crate::rules::schema::application_tables::APPLICATION;
use crate::rules::schema::column::{ApplicationColumn, ApplicationTable};
use crate::rules::schema::{Kind, used};

pub(crate) fn findings(facts: &Facts) -> Vec<DoctorFinding> {
    let mut found: Vec<DoctorFinding> = APPLICATION.iter().flat_map(|table| of_table(facts, table)).collect();
    found.extend(facts.holds.iter().flat_map(|holds| super::status::of_holds(facts, *holds)));
    found.extend(facts.triggers.iter().filter_map(|trigger| of_trigger(facts, trigger)));
    found
}

fn of_table(facts: &Facts, needed: &ApplicationTable) -> Vec<DoctorFinding> {
    let name = needed.name;
    let what = format!("table {name}");
    let Some(table) = facts.table(name) else {
        return vec![absent(needed, what)];
    };
    if !["r", "p"].contains(&table.kind.as_str()) {
        let why = "it is not a table of this database: rows cannot be locked in it, and a promise cannot be kept";
        return vec![DoctorFinding::new(what, State::Wrong, "G1", why)];
    }
    let mut found = vec![DoctorFinding::new(what, State::Ok, "G1", "the table is there")];
    if table.row_security && !table.hides_rows {
        let why = "row security is on: the functions act as the owner of bookings, who has to see every row of it, or a check misses some; no policy keeps a role that may execute them from any booking of the schema, so grant them to services that judge that themselves, or create the table holdfast_row_security () in the schema";
        found.push(DoctorFinding::new(format!("row security of {name}"), State::Risky, "G9", why));
    }
    found.extend(needed.asked().filter_map(|column| of_column(facts, table, column)));
    found.extend(table.columns.iter().filter_map(|column| unfilled(facts, needed, column)));
    found
}

fn absent(needed: &ApplicationTable, what: String) -> DoctorFinding {
    if !needed.feature.is_empty() {
        let why = format!("the schema goes without it: what it would carry ({}) is left out", needed.feature);
        return DoctorFinding::new(what, State::Ok, "", why);
    }
    let why = format!(
        "every call works on it, and its columns are the application's to choose; docs/schema.md shows them: {}",
        needed.asked().map(|column| column.name).collect::<Vec<_>>().join(", ")
    );
    DoctorFinding::new(what, State::Missing, "G1", why)
}

/// Do our statements take a column of this type?
pub(crate) fn fits(kind: Kind, column: &Column) -> bool {
    // A domain is read and written as the type under it; the server checks what else it asks for.
    let found = if column.type_kind == "d" { column.base_type.as_str() } else { column.type_name.as_str() };
    match kind {
        Kind::Any(_) => true,
        Kind::Enum(_) => column.type_kind == "e",
        Kind::Text => ["text", "character varying", "character", "name"].contains(&found),
        Kind::Integer => ["integer", "smallint"].contains(&found),
        other => found == other.full(),
    }
}

/// The type of a status of tables, where the application has none; a name of ours, so that none of theirs is meant.
const TABLE_STATUS: &str = "holdfast_table_status";

/// The type, where an earlier attach has not made it.
fn makes_type(kind: &str) -> String {
    let labels = "'available', 'reserved', 'occupied', 'out_of_service'";
    let body = format!(
        "begin if pg_catalog.to_regtype({}) is null then create type {kind} as enum ({labels}); end if; end",
        crate::rules::catalogue::name::literal(kind)
    );
    format!("do {}", crate::rules::catalogue::name::literal(&body))
}

fn of_column(facts: &Facts, table: &TableFacts, needed: &ApplicationColumn) -> Option<DoctorFinding> {
    let name = needed.name;
    let what = format!("column {}.{name}", table.name);
    let altered = format!("alter table {}.{} alter column {}", facts.schema, quoted(&table.name), quoted(name));
    let brief = || MendStep::Brief { table: table.name.clone() };
    let Some(column) = table.columns.iter().find(|column| column.name == name) else {
        return Some(missing(facts, table, what, needed));
    };
    if !fits(needed.kind, column) {
        let why = format!("it is {}, and our statements take {}", column.type_name, needed.kind.word());
        return Some(DoctorFinding::new(what, State::Wrong, "G1", why));
    }
    if needed.null && column.not_null {
        let why = "a call may leave it NULL, and the constraint would refuse that in the middle of it";
        return Some(
            DoctorFinding::new(what, State::Wrong, "G1", why)
                .mend(brief(), [format!("{altered} drop not null")])
                .undo(format!("{altered} set not null")),
        );
    }
    if let Some(default) = needed.made.filter(|_| !column.filled) {
        let why = "our inserts leave it to its default, and it has none";
        return Some(
            DoctorFinding::new(what, State::Wrong, "G1", why)
                .mend(brief(), [format!("{altered} set default {default}")])
                .undo(format!("{altered} drop default")),
        );
    }
    if needed.given && column.computed {
        return Some(DoctorFinding::new(what, State::Wrong, "G1", "the table computes it, and our inserts write it"));
    }
    None
}

/// A column that is not there: attach adds it, a call goes without it, or which value old rows get is not ours to say.
fn missing(facts: &Facts, table: &TableFacts, what: String, needed: &ApplicationColumn) -> DoctorFinding {
    let alter = format!("alter table {}.{}", facts.schema, quoted(&table.name));
    let Some(declared) = needed.as_added().filter(|_| !needed.optional || needed.added.is_some()) else {
        if needed.optional {
            let why = "the schema goes without it: what it would carry is left out";
            return DoctorFinding::new(what, State::Ok, "", why);
        }
        let why = "our statements read or write it; which value old rows get is the application's to say";
        return DoctorFinding::new(what, State::Missing, "G1", why);
    };
    let is_enum = matches!(needed.kind, Kind::Enum(_));
    let kind = if is_enum { format!("{}.{TABLE_STATUS}", facts.schema) } else { needed.kind.sql() };
    let added = format!("{alter} add column if not exists {} {kind} {declared}", quoted(needed.name));
    let made = is_enum.then(|| makes_type(&kind));
    DoctorFinding::new(what, State::Missing, "G1", "our statements read or write it")
        .mend(MendStep::Brief { table: table.name.clone() }, made.into_iter().chain([added.trim_end().to_owned()]))
        .undo(format!("{alter} drop column if exists {}", quoted(needed.name)))
}

/// A column that we do not know, that has to have a value, and that nothing fills.
fn unfilled(facts: &Facts, needed: &ApplicationTable, column: &Column) -> Option<DoctorFinding> {
    let written = needed.asked().any(|known| known.given);
    let known = needed.asked().any(|known| known.name == column.name);
    if !written || known || !column.not_null || column.filled {
        return None;
    }
    let table = needed.name;
    let what = format!("column {table}.{}", column.name);
    let trigger = facts.triggers.iter().find(|trigger| {
        trigger.table == table && trigger.before_row && trigger.on_insert && trigger.body.contains(&column.name)
    });
    Some(match trigger {
        Some(trigger) => {
            let why = format!("it has no default; trigger {} has to fill it at every insert of ours", trigger.name);
            DoctorFinding::new(what, State::Risky, "G1", why)
        }
        None => {
            let why = "it must have a value, and nothing fills it: our inserts would fail with 23502; give it a default, which one is the application's to say";
            DoctorFinding::new(what, State::Wrong, "G1", why)
        }
    })
}

fn of_trigger(facts: &Facts, trigger: &TriggerFacts) -> Option<DoctorFinding> {
    if !used().any(|used| used.table() == trigger.table) {
        return None;
    }
    let what = format!("trigger {} on {}", trigger.name, trigger.table);
    if trigger.of_constraint && trigger.enabled == "D" {
        let why = "the trigger of a constraint is disabled: rows that break it go in unseen";
        let on = format!("{}.{}", facts.schema, quoted(&trigger.table));
        let statement = format!("alter table {on} enable trigger {}", quoted(&trigger.name));
        let brief = MendStep::Brief { table: trigger.table.clone() };
        return Some(DoctorFinding::new(what, State::Risky, "G1", why).mend(brief, [statement]));
    }
    let body = crate::rules::legacy::body::plain(&trigger.body);
    if trigger.before_row && body.contains("return null") {
        let why =
            "it can swallow a row that we write; the call is then refused whole (broken_invariant), never half done";
        return Some(DoctorFinding::new(what, State::Risky, "G1", why));
    }
    None
}
