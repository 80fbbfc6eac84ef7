//! From findings to a script for psql: what a DBA reviews and runs by hand, again after any failure, until it is done.
//!
//! Three forms: `run` changes the schema, `dry_run` shows what that would do and which rows are in the way, `back` undoes
//! what `run` is about to do, so it is printed beside it, before. What is only risky is said and left to a person.

pub mod psql;
mod step;
mod swap;

use crate::rules::doctor::finding::{DoctorFinding, MendStep, State};
use crate::rules::legacy::caller;
use crate::rules::refusal::{Refusal, argument_invalid};
use crate::rules::rollout;
use crate::rules::schema::holdfast_tables::MODES;
use psql::{BRIEFLY, Script, briefly, echo, literal};

/// Which script is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Run,
    DryRun,
    Back,
}

impl Form {
    pub fn parse(text: &str) -> Result<Form, Refusal> {
        match text {
            "run" => Ok(Form::Run),
            "dry_run" => Ok(Form::DryRun),
            "back" => Ok(Form::Back),
            other => Err(argument_invalid(format!("p_form must be run, dry_run or back, not {other}"))),
        }
    }
}

/// The script for a schema, as SQL quotes it, of a server of this version. What is unmet keeps attach from doing anything,
/// and so it does here.
#[must_use]
pub fn render(schema: &str, version: i32, findings: &[DoctorFinding], unmet: &[DoctorFinding], form: Form) -> String {
    let script = Script::new(schema, version, findings);
    let mut steps: Vec<DoctorFinding> = findings.iter().filter(|finding| is_step(finding)).cloned().collect();
    // Columns before what is built on them, and what stops writers last.
    steps.sort_by_key(|finding| rank(&finding.step));
    let steps = joined(steps);
    let steps: Vec<&DoctorFinding> = steps.iter().collect();
    let undecided = findings.iter().filter(|finding| needed(finding) && finding.mend.is_empty());
    match form {
        Form::Run | Form::DryRun if !unmet.is_empty() => refusal(schema, unmet),
        Form::Run => run(&script, &steps, &undecided.collect::<Vec<_>>(), findings),
        Form::DryRun => dry_run(&script, &steps, &undecided.collect::<Vec<_>>(), findings),
        Form::Back => back(&script, &steps),
    }
}

/// A script says in which encoding its names are written: in another one a byte of a letter may be a quote or a backslash.
#[must_use]
pub fn in_encoding(script: &str, encoding: &str) -> String {
    let first = "set client_min_messages";
    script.replacen(first, &format!("set client_encoding = {};\n{first}", literal(encoding)), 1)
}

fn needed(finding: &DoctorFinding) -> bool {
    matches!(finding.state, State::Missing | State::Wrong)
}

fn is_step(finding: &DoctorFinding) -> bool {
    needed(finding) && !finding.mend.is_empty() && !matches!(finding.step, MendStep::Nothing | MendStep::Attach)
}

fn rank(step: &MendStep) -> u8 {
    match step {
        MendStep::Free => 0,
        MendStep::Brief { .. } => 1,
        MendStep::Concurrently { .. } => 2,
        MendStep::UsingIndex { .. } => 3,
        MendStep::Validated { .. } => 4,
        MendStep::Blocking { .. } | MendStep::Partitioned { .. } => 5,
        MendStep::Attach | MendStep::Nothing => 6,
    }
}

/// What locks the same table for an instant is one step: one lock, and not one for each column.
fn joined(steps: Vec<DoctorFinding>) -> Vec<DoctorFinding> {
    let mut joined: Vec<DoctorFinding> = Vec::new();
    for step in steps {
        match joined.last_mut().filter(|last| matches!(step.step, MendStep::Brief { .. }) && last.step == step.step) {
            Some(last) => {
                last.what = format!("{}, {}", last.what, step.what);
                if !last.why.contains(&step.why) {
                    last.why = format!("{}; {}", last.why, step.why);
                }
                last.mend.extend(step.mend);
                last.undo.extend(step.undo);
            }
            None => joined.push(step),
        }
    }
    joined
}

const PREAMBLE: &str = "\\set ON_ERROR_STOP on
\\set QUIET on
set client_min_messages = warning;
set statement_timeout = 0;
set search_path = pg_catalog, pg_temp;
set standard_conforming_strings = on;
";

/// A role that is not there is found before the first change, and not by the last step.
const KNOWN_ROLES: &str = "
-- Roles that are to call.
do $holdfast$
declare
  unknown text;
begin
  select pg_catalog.string_agg(r.role::text, ', ') into unknown
  from pg_catalog.unnest(pg_catalog.current_setting('migration.roles')::name[]) r (role)
  where not exists (select from pg_catalog.pg_roles known where known.rolname = r.role);
  if unknown is not null then
    raise exception 'no role is called %', unknown
      using hint = 'Give -v roles those that exist. Nothing was changed.';
  end if;
end
$holdfast$;
";

/// The same for who is to answer.
const KNOWN_MODE: &str = "
-- Who is to answer.
do $holdfast$
begin
  if pg_catalog.current_setting('migration.rollout') not in ('', MODES) then
    raise exception 'no rollout has the mode %', pg_catalog.current_setting('migration.rollout')
      using hint = 'Give -v rollout a mode of holdfast_rollout. Nothing was changed.';
  end if;
end
$holdfast$;
";

/// A script that stops before the first change, with every reason.
fn refusal(schema: &str, unmet: &[DoctorFinding]) -> String {
    let mut text = String::from("-- holdfast: why a schema cannot be migrated yet. Changes nothing.\n");
    text += PREAMBLE;
    text += &echo(&format!("schema {schema} cannot be attached:"));
    for finding in unmet {
        text += &echo(&format!("  {}: {}", finding.what, finding.why));
        let mends: Vec<String> = finding.mend.iter().map(|statement| echo(&format!("    {statement};"))).collect();
        text += &mends.concat();
    }
    let stop = "begin raise exception 'nothing was changed: mend what is listed, then print this script again'; end";
    text + &format!("do {};\n", literal(stop))
}

fn run(script: &Script, steps: &[&DoctorFinding], undecided: &[&DoctorFinding], findings: &[DoctorFinding]) -> String {
    let schema = script.schema;
    let mut text = String::from("-- holdfast: brings a schema to where holdfast.attach finds everything.
--
-- Run it with: psql -X -v roles='{role_one,role_two}' -v rollout=original -f this_file
-- roles may call the functions. rollout says who answers from attach on where the application had such functions: original or
-- shadow, they do; without it, holdfast. A rollout that has its row already keeps it. When a step fails, mend what it names and run the file again: a step that is done is passed
-- over. Each lock is waited for 50 ms at most and tried again, so that nobody waits behind us for longer.
");
    text += PREAMBLE;
    text += &echo(&format!("migration of schema {schema}"));
    text += &script.tagged(BRIEFLY);
    text += "set lock_timeout = '5min';\n\\if :{?roles}\n\\else\n\\set roles '{}'\n\\endif\n";
    text += "select set_config('migration.roles', :'roles', false) as roles \\gset\n";
    text += "\\if :{?rollout}\n\\else\n\\set rollout ''\n\\endif\n";
    text += "select set_config('migration.rollout', :'rollout', false) as rollout \\gset\n";
    text += &script.tagged(KNOWN_ROLES);
    text += &script.tagged(&KNOWN_MODE.replace("MODES", &format!("'{}'", MODES.join("', '"))));
    text += &callers(findings);
    for finding in undecided {
        text += &echo(&format!("a person has to decide: {}: {}", finding.what, finding.why));
    }
    for (number, finding) in (1..).zip(steps) {
        text += &step::step(script, number, finding);
    }
    text += &attach(schema, steps.len() + 1);
    text += &advice(schema);
    text += &echo("done; what is left, if anything:");
    text += &format!(
        "select what, state, why from holdfast.doctor({}) where state in ('missing', 'wrong');\n",
        literal(schema)
    );
    text
}

/// The last step: it finds everything in place, so that its own locks are short. Who answers from then on is said in the same
/// transaction, and as the owner, whose table it is.
fn attach(schema: &str, number: usize) -> String {
    let bookings = literal(&format!("{schema}.bookings"));
    let statements = [
        format!(
            "select holdfast.attach({}::regnamespace, pg_catalog.current_setting('migration.roles')::name[])",
            literal(schema)
        ),
        format!(
            "select pg_catalog.set_config('migration.kept', exists (select from holdfast.legacy_function l where l.bookings = {bookings}::regclass and l.callable and l.name in ('{}'))::text, true)",
            rollout::giving().collect::<Vec<_>>().join("', '")
        ),
        format!(
            "select pg_catalog.set_config('role', pg_catalog.pg_get_userbyid(c.relowner), true) from pg_catalog.pg_class c where c.oid = {bookings}::regclass"
        ),
        format!(
            "insert into {schema}.holdfast_rollout (mode) select pg_catalog.current_setting('migration.rollout') where pg_catalog.current_setting('migration.rollout') <> '' and pg_catalog.current_setting('migration.kept')::boolean on conflict do nothing"
        ),
    ];
    format!("\n{}{}", echo(&format!("step {number}: attach")), briefly(&statements))
}

/// What is risky and not needed: it is said, and not done. Asked once the schema is attached, because legacy functions have
/// another schema then, and the statements have to name that one.
fn advice(schema: &str) -> String {
    format!(
        "\n{}\\x on\nselect what, why, mend from holdfast.doctor({}) where state = 'risky' and mend <> '' and what <> {};\n\\x off\n\n",
        echo("worth a look, and left to you:"),
        literal(schema),
        literal(caller::WHAT)
    )
}

/// Who could call until now, and may not unless `-v roles` names them.
fn callers(findings: &[DoctorFinding]) -> String {
    findings.iter().filter(|finding| finding.what == caller::WHAT).map(|finding| echo(&finding.why)).collect()
}

fn dry_run(
    script: &Script,
    steps: &[&DoctorFinding],
    undecided: &[&DoctorFinding],
    findings: &[DoctorFinding],
) -> String {
    let schema = script.schema;
    let mut text = String::from("-- holdfast: what the migration of a schema would do. Changes nothing.\n");
    text += PREAMBLE;
    text += &echo(&format!("what the migration of schema {schema} would do"));
    text += "begin transaction isolation level repeatable read read only;\n";
    for finding in undecided {
        text += &echo(&format!("a person has to decide: {}: {}", finding.what, finding.why));
    }
    text += &callers(findings);
    for (number, finding) in (1..).zip(steps) {
        text += &echo(&format!("step {number}: {}: {}", finding.what, finding.why));
        text += &echo(&format!("  locks {}", finding.step.locks()));
        for statement in &finding.mend {
            text += &echo(&format!("  {statement};"));
        }
        if let Some(table) = step::table(&finding.step) {
            text += &psql::size(schema, table);
        }
        if let Some(violations) = &finding.violations {
            text += &echo("  rows in its way, twenty at most:");
            text += &script.plain(&[format!("select * from ({violations}) v limit 20")]);
        }
    }
    text += &echo(&format!("step {}: attach", steps.len() + 1));
    text += "rollback;\n";
    text
}

fn back(script: &Script, steps: &[&DoctorFinding]) -> String {
    let schema = script.schema;
    let mut text = String::from(
        "-- holdfast: takes back what the migration of a schema is about to do.
-- Print it before you run that one: afterwards there is nothing left to take back but attach.
",
    );
    text += PREAMBLE;
    text += &echo(&format!("way back of the migration of schema {schema}"));
    text += &script.tagged(BRIEFLY);
    text += "set lock_timeout = '5min';\n";
    text += &echo("step 1: detach");
    text += &format!(
        "select exists (select from holdfast.attachment a where a.bookings = pg_catalog.to_regclass({})) as attached \\gset\n\\if :attached\n{}\\endif\n",
        literal(&format!("{schema}.bookings")),
        briefly(&[format!("select holdfast.detach({}::regnamespace)", literal(schema))])
    );
    let undo = steps.iter().rev().flat_map(|finding| finding.undo.iter().map(move |statement| (*finding, statement)));
    for (number, (finding, statement)) in (2..).zip(undo) {
        text += &format!("\n{}", echo(&format!("step {number}: {}", finding.what)));
        text += &if statement.contains(" drop column ") {
            echo(&format!("  it has data by now, and nothing needs it gone: {statement};"))
        } else if matches!(finding.step, MendStep::Free) || statement.contains(" concurrently ") {
            script.plain(std::slice::from_ref(statement))
        } else {
            briefly(std::slice::from_ref(statement))
        };
    }
    text
}
