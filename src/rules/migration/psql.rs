//! How a step is said to psql, so that it can be run again, and so that no name in it can say anything to psql: names stand in
//! literals and quoted names, never in a comment, and no dollar tag is a part of one.

use crate::rules::requirement::facts::is_control;
use crate::rules::requirement::{DoctorFinding, MendStep, quoted};

use super::swap;

/// What the script defines for itself: statements that take their locks for an instant, all in one transaction, tried
/// again while somebody is in the way, and never with others queueing behind them for long.
pub const BRIEFLY: &str = "
-- Statements that lock a table for an instant: in one transaction, tried again while somebody is in the way.
create or replace procedure pg_temp.briefly(variadic statements text[]) language plpgsql as $holdfast$
declare
  statement text;
begin
  for try in 1..200 loop
    begin
      set local lock_timeout = '50ms';
      foreach statement in array statements loop
        execute statement;
      end loop;
      return;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then
        raise;
      end if;
      perform pg_catalog.pg_sleep(0.05 + 0.2 * pg_catalog.random());
    end;
  end loop;
end
$holdfast$;

-- Stops the script.
create or replace procedure pg_temp.stop(why text) language plpgsql as $holdfast$
begin
  raise exception '%', why;
end
$holdfast$;
";

/// What a script is printed for.
pub struct Script<'a> {
    /// As SQL quotes it.
    pub schema: &'a str,
    /// A word that is a part of no name and of no statement.
    word: String,
    /// psql can be told to take plain SQL only.
    restricts: bool,
}

impl<'a> Script<'a> {
    /// For a server of this version: its psql is at least as old as that of whoever installed it.
    #[must_use]
    pub fn new(schema: &'a str, version: i32, findings: &[DoctorFinding]) -> Script<'a> {
        fn texts(finding: &DoctorFinding) -> impl Iterator<Item = &String> {
            let own = [&finding.what, &finding.why].into_iter().chain(&finding.violations);
            own.chain(&finding.mend).chain(&finding.undo)
        }
        let is_free = |word: &String| {
            !schema.contains(word.as_str()) && !findings.iter().flat_map(texts).any(|text| text.contains(word.as_str()))
        };
        let word = (0_u32..).map(|number| format!("only{number}")).find(is_free).unwrap_or_default();
        let restricts = RESTRICTING.iter().any(|(from, to)| (*from..*to).contains(&version));
        Script { schema, word, restricts }
    }

    /// Statements that are nothing but SQL, one after the other.
    #[must_use]
    pub fn plain(&self, statements: &[String]) -> String {
        let lines: String = statements.iter().map(|statement| format!("{statement};\n")).collect();
        if statements.is_empty() || !self.restricts {
            return lines;
        }
        format!("\\restrict {}\n{lines}\\unrestrict {}\n", self.word, self.word)
    }

    /// A text with bodies in `$holdfast$`, under a tag that no name can end.
    #[must_use]
    pub fn tagged(&self, text: &str) -> String {
        text.replace("$holdfast$", &format!("${}$", self.word)).replace("$swap$", &format!("${}$", self.word))
    }
}

/// Versions whose psql knows `\\restrict`.
const RESTRICTING: &[(i32, i32)] =
    &[(140_019, 150_000), (150_014, 160_000), (160_010, 170_000), (170_006, 180_000), (180_000, i32::MAX)];

/// A text as SQL quotes it.
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A line of the terminal.
#[must_use]
pub fn echo(text: &str) -> String {
    let line: String = text.chars().map(|c| if is_control(c) { ' ' } else { c }).collect();
    format!("\\echo '{}'\n", line.replace('\\', "\\\\").replace('\'', "''"))
}

/// Calls that.
#[must_use]
pub fn briefly(statements: &[String]) -> String {
    let quoted: Vec<String> = statements.iter().map(|statement| format!("  {}", literal(statement))).collect();
    format!("call pg_temp.briefly(\n{}\n);\n", quoted.join(",\n"))
}

/// Stops the script, with words that say why.
pub fn stop(message: &str) -> String {
    format!("call pg_temp.stop({});\n", literal(message))
}

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

/// How large a table is, as a row.
#[must_use]
pub fn size(schema: &str, table: &str) -> String {
    let name = literal(&format!("{schema}.{}", quoted(table)));
    format!(
        "select {name} as \"table\", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size({name})) as size,\n  \
         (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = {name}::regclass) as rows;\n"
    )
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
