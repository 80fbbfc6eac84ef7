//! How a step is said to psql, so that it can be run again, and so that no name in it can say anything to psql: names stand in
//! literals and quoted names, never in a comment, and no dollar tag is a part of one.

use crate::rules::catalogue::name::{is_control, quoted};
use crate::rules::doctor::finding::DoctorFinding;

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

/// How large a table is, as a row.
#[must_use]
pub fn size(schema: &str, table: &str) -> String {
    let name = literal(&format!("{schema}.{}", quoted(table)));
    format!(
        "select {name} as \"table\", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size({name})) as size,\n  \
         (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = {name}::regclass) as rows;\n"
    )
}
