//! The constraint that can be neither concurrent nor NOT VALID: in a maintenance window, or by copy and swap.

use crate::rules::adopt::render::{Names, render};
use crate::rules::doctor::finding::DoctorFinding;

use super::psql::{Script, briefly, echo, literal, stop};

const ROUTINES: &[&str] =
    &[include_str!("../../../sql/swap/1_routines.sql"), include_str!("../../../sql/swap/2_swap.sql")];

/// The table that the constraint is for.
const TABLE: &str = "allocations";

/// Rows that are copied in one transaction: a second or so of work.
const BATCH: usize = 10_000;

/// The way that was chosen; without a choice the script stops here, and says what each costs.
pub fn choice(script: &Script, number: usize, finding: &DoctorFinding) -> String {
    let mut text = String::from("\\if :{?overlap}\n\\else\n\\set overlap ask\n\\endif\n");
    text += "select :'overlap' = 'window' as in_window, :'overlap' = 'swap' as by_swap \\gset\n\\if :in_window\n";
    text += &briefly(&finding.mend);
    text += "\\elif :by_swap\n";
    // Its routines name the schema in texts and formats of their own.
    text += &if script.schema.contains(['\'', '%', '\\']) {
        stop("a swap cannot be said for a schema of this name: choose the maintenance window")
    } else {
        swap(script, finding)
    };
    text += "\\else\n";
    for line in [
        "an EXCLUDE constraint can be neither concurrent nor NOT VALID:",
        "  -v overlap=window  adds it at once: every writer of allocations waits while the index is built, from a minute for",
        "                     a million rows to ten for five million. Run it when nobody books.",
        "  -v overlap=swap    fills a copy of allocations that has it, in short transactions, follows what changes meanwhile,",
        "                     and lets the copy take its place: writers wait for an instant. It takes about twice as long, needs",
        "                     the room for a second allocations, makes each write of it a little slower until it is done, and",
        "                     stops where something stands on the table that it could not keep. It may be stopped and run",
        "                     again at any time: what is copied stays copied.",
    ] {
        text += &echo(line);
    }
    text += &stop(&format!(
        "step {number} stopped: choose with -v overlap=window or -v overlap=swap, and run this script again"
    ));
    text += "\\endif\n";
    text
}

/// The steps of the swap; each looks whether it is done.
fn swap(script: &Script, finding: &DoctorFinding) -> String {
    let weaker = finding.mend.iter().find_map(|statement| statement.split_once(" drop constraint "));
    let weaker = weaker.map_or("", |(_, name)| name.trim_matches('"'));
    let add = finding.mend.last().map_or(String::new(), |add| {
        add.replacen(&format!(".{TABLE} "), &format!(".{TABLE}_holdfast_new "), 1).replacen(
            "allocations_no_overlap",
            "allocations_no_overlap_holdfast",
            1,
        )
    });
    let text = format!(
        "do $swap$
declare
  lost text := (select pg_catalog.string_agg(c.what, '; ') from pg_temp.cannot_keep('app.{TABLE}') c);
begin
  if lost is not null then
    raise exception 'a swap of app.{TABLE} cannot keep: %', lost
      using hint = 'Drop these and make them again afterwards, or choose the maintenance window.';
  end if;
end $swap$;
{prepare}select not exists (select from pg_catalog.pg_constraint c where c.conname = 'allocations_no_overlap_holdfast'
  and c.conrelid = 'app.{TABLE}_holdfast_new'::regclass) as to_build \\gset
\\if :to_build
{add};
\\endif
{copying}call pg_temp.copy({BATCH});
analyze app.{TABLE}_holdfast_new;
{swapping}call pg_temp.swap_in_time();
",
        prepare = briefly(&["call pg_temp.prepare_copy()".to_owned()]),
        copying = echo("  copies; what changes meanwhile is noted"),
        swapping = echo("  swaps"),
    );
    let names = Names { schema: script.schema, ..Names::default() };
    render(&script.tagged(&(ROUTINES.concat() + &text)), &names).replace("{weaker}", &literal(weaker))
}

/// What is left to do after a swap: nobody waits for it.
pub fn tidy(schema: &str) -> String {
    format!(
        "select pg_catalog.to_regclass({old}) is not null as swapped \\gset
\\if :swapped
select pg_catalog.format('alter table %s validate constraint %I', k.conrelid::regclass, k.conname)
from pg_catalog.pg_constraint k join {schema}.{TABLE}_holdfast_changed c on c.afterwards = k.oid
where k.contype = 'f' and not k.convalidated \\gexec
{drop}\\endif
",
        old = literal(&format!("{schema}.{TABLE}_holdfast_old")),
        drop = briefly(&[
            format!("drop table {schema}.{TABLE}_holdfast_old"),
            format!("drop function {schema}.{TABLE}_holdfast_note()"),
            format!("drop table {schema}.{TABLE}_holdfast_changed"),
        ])
    )
}
