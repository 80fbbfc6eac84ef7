//! One step of a migration: what it does, in a way that it can be run again.

use super::psql::{Script, briefly, echo, literal, stop};
use super::swap;
use crate::rules::catalogue::name::quoted;
use crate::rules::doctor::finding::{DoctorFinding, MendStep};

/// The table that a step works on.
#[must_use]
pub fn table(step: &MendStep) -> Option<&str> {
    match step {
        MendStep::Brief { table }
        | MendStep::Concurrently { table, .. }
        | MendStep::UsingIndex { table, .. }
        | MendStep::Validated { table, .. }
        | MendStep::Partitioned { table }
        | MendStep::Blocking { table, .. } => Some(table),
        MendStep::Nothing | MendStep::Free | MendStep::Attach => None,
    }
}

/// One step of the script.
#[must_use]
pub fn step(script: &Script, number: usize, finding: &DoctorFinding) -> String {
    let schema = script.schema;
    let head = format!(
        "\n{}{}",
        echo(&format!("step {number}: {} (locks {})", finding.what, finding.step.locks())),
        echo(&format!("  {}", finding.why))
    );
    let body = match &finding.step {
        MendStep::Nothing | MendStep::Attach => String::new(),
        MendStep::Free | MendStep::Partitioned { .. } => script.plain(&finding.mend),
        MendStep::Brief { .. } => briefly(&finding.mend),
        MendStep::Concurrently { index, .. } => concurrently(script, index, &finding.mend),
        MendStep::UsingIndex { table, constraint, index } => {
            let work = [built(script, index, &finding.mend[..1]), briefly(&finding.mend[1..])].concat();
            unless_done(number, finding, &constraint_stands(schema, table, constraint), &work)
        }
        MendStep::Validated { table, constraint } => {
            let added = constraint_stands(schema, table, constraint);
            let add = unless_done(number, finding, &added, &briefly(&finding.mend[..1]));
            // Validating what is valid does nothing.
            add + &script.plain(&finding.mend[1..])
        }
        MendStep::Blocking { table, constraint } => {
            let done = exclusion_stands(schema, table, constraint);
            unless_done(number, finding, &done, &swap::choice(script, number, finding)) + &swap::tidy(schema)
        }
    };
    head + &body
}

/// Asks the catalogue, and works only when it says no. Rows that are in the way are shown, and stop the script.
fn unless_done(number: usize, finding: &DoctorFinding, done: &str, work: &str) -> String {
    let violations = finding.violations.as_ref().map_or(String::new(), |query| {
        format!(
            "select exists ({query}) as violated \\gset\n\\if :violated\n{}select * from ({query}) v limit 20;\n{}\\endif\n",
            echo("these rows are in its way (twenty at most); nothing is deleted, mend them and run this again:"),
            stop(&format!("step {number} stopped: rows violate {}", finding.what))
        )
    });
    format!("select {done} as done \\gset\n\\if :done\n\\echo '  is done'\n\\else\n{violations}{work}\\endif\n")
}

fn constraint_stands(schema: &str, table: &str, constraint: &str) -> String {
    format!(
        "exists (select from pg_catalog.pg_constraint c where c.conrelid = {}::regclass and c.conname = {} and not c.condeferrable)",
        literal(&format!("{schema}.{}", quoted(table))),
        literal(constraint)
    )
}

/// The exclusion as it has to be, and not a weaker one of the same name.
fn exclusion_stands(schema: &str, table: &str, constraint: &str) -> String {
    format!(
        "exists (select from pg_catalog.pg_constraint c where c.conrelid = {}::regclass and c.conname = {}\n  \
         and c.contype = 'x' and not c.condeferrable and pg_catalog.pg_get_constraintdef(c.oid) like '%WHERE ((NOT shadow))')",
        literal(&format!("{schema}.{}", quoted(table))),
        literal(constraint)
    )
}

fn concurrently(script: &Script, index: &str, mend: &[String]) -> String {
    if mend.iter().any(|statement| statement.starts_with("drop ")) {
        return script.plain(mend);
    }
    built(script, index, mend)
}

/// Builds an index beside writers; drops first what a failed build left invalid.
fn built(script: &Script, index: &str, mend: &[String]) -> String {
    let name = literal(&format!("{}.{}", script.schema, quoted(index)));
    let build = script.plain(mend);
    format!(
        "select pg_catalog.format('drop index concurrently %s', i.indexrelid::regclass) from pg_catalog.pg_index i\n  \
         where i.indexrelid = pg_catalog.to_regclass({name}) and not i.indisvalid \\gexec\n{build}"
    )
}
