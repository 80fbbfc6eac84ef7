//! Who owns what, and who may do what: our functions act as the owner of the bookings, so that role needs rights on all
//! that they touch, and what attach makes is its alone.

use crate::rules::catalogue::facts::{Column, Facts, Grant, TableFacts, TriggerFacts};
use crate::rules::catalogue::function::FunctionFacts;
use crate::rules::catalogue::name::quoted;
use crate::rules::doctor::finding::{DoctorFinding, MendStep, State};
use crate::rules::schema::application_tables::{APPLICATION, application_table};
use crate::rules::schema::holdfast_tables::{TRIGGERS, all};

/// The view that callers read, and what stands behind it.
pub const SHOWN: &str = "holdfast_reconciliation";
pub const BEHIND: &str = "holdfast_inconsistent_bookings";

/// What reads it for them.
pub const READER: &str = "holdfast_reconciliation_read";

/// What our functions do with a table of the application.
fn needed(table: &str) -> &'static [&'static str] {
    match table {
        "restaurants" | "zones" | "table_adjacencies" | "booking_slots" => &["select"],
        "table_inventory" | "bookings" => &["select", "update"],
        "booking_state_history" => &["select", "insert"],
        "table_hold_members" | "booking_confirmation_results" => &["select", "insert", "delete"],
        _ => &["select", "insert", "update", "delete"],
    }
}

pub(crate) fn findings(facts: &Facts) -> Vec<DoctorFinding> {
    if facts.table("bookings").is_none() {
        return Vec::new();
    }
    let mut found: Vec<DoctorFinding> = of_schema(facts).into_iter().collect();
    for needed in APPLICATION {
        let Some(table) = facts.table(needed.name) else { continue };
        found.extend(of_table(facts, table, !needed.feature.is_empty()));
        found.extend(needed.asked().filter_map(|wanted| {
            let column = table.columns.iter().find(|column| column.name == wanted.name)?;
            of_type(facts, table, column)
        }));
    }
    found.extend(all().filter_map(|ours| of_ours(facts, facts.table(ours.name)?)));
    found.extend([SHOWN, BEHIND].iter().filter_map(|view| of_view(facts, facts.table(view)?)));
    found.extend(
        facts.functions.iter().filter(|function| function.name == READER).filter_map(|it| of_reader(facts, it)),
    );
    found.extend(of_grants(facts));
    found
}

/// A view by a name of ours that somebody else made would become the owner's, and so would what it runs.
fn of_view(facts: &Facts, view: &TableFacts) -> Option<DoctorFinding> {
    if facts.may_follow(&view.owner) {
        return None;
    }
    Some(of_somebody_else(format!("view {}", view.name), &view.owner))
}

/// The same of the function that reads it.
fn of_reader(facts: &Facts, reader: &FunctionFacts) -> Option<DoctorFinding> {
    if facts.may_follow(&reader.owner) {
        return None;
    }
    Some(of_somebody_else(format!("function {}", reader.signature), &reader.owner))
}

fn of_somebody_else(what: String, owner: &str) -> DoctorFinding {
    let why = format!("it has a name of ours and belongs to {}: drop it, attach does not touch it", quoted(owner));
    DoctorFinding::new(format!("{what} of somebody else"), State::Wrong, "G11", why)
}

fn of_schema(facts: &Facts) -> Option<DoctorFinding> {
    let rights = facts.rights?;
    let lacking: Vec<&str> = [("usage", rights.usage), ("create", rights.create)]
        .iter()
        .filter(|(_, has)| !has)
        .map(|(name, _)| *name)
        .collect();
    if lacking.is_empty() {
        return None;
    }
    let (schema, owner, lacking) = (&facts.schema, quoted(&facts.owner), lacking.join(", "));
    let why = format!(
        "what attach makes is made by {owner}, the owner of bookings, who lacks {lacking} on the schema: grant it, or let another role own the bookings"
    );
    let grant = format!("grant {lacking} on schema {schema} to {owner}");
    Some(
        DoctorFinding::new(format!("rights of {owner} on the schema"), State::Wrong, "G11", why)
            .mend(MendStep::Nothing, [grant]),
    )
}

/// A table of the application whose owner is not that of the bookings.
fn of_table(facts: &Facts, table: &TableFacts, is_optional: bool) -> Option<DoctorFinding> {
    if table.owner == facts.owner {
        return None;
    }
    let (owner, on) = (quoted(&facts.owner), format!("{}.{}", facts.schema, quoted(&table.name)));
    let theirs = format!("it belongs to {}, the bookings to {owner}", quoted(&table.owner));
    let what = format!("owner of {}", table.name);
    let alter = format!("alter table {on} owner to {owner}");
    if is_optional {
        let why = format!(
            "{theirs}: an optional table counts only when both are one role's, because its triggers run in our calls; it is not used"
        );
        return Some(DoctorFinding::new(what, State::Risky, "G11", why).mend(MendStep::Nothing, [alter]));
    }
    let lacking: Vec<&str> =
        needed(&table.name).iter().filter(|right| table.lacks.iter().any(|lacks| lacks == *right)).copied().collect();
    if lacking.is_empty() {
        let why = format!(
            "{theirs}, who may put triggers on it: in our calls these run with the rights of {owner}; it works as it is"
        );
        return Some(DoctorFinding::new(what, State::Risky, "G11", why).mend(MendStep::Nothing, [alter]));
    }
    let lacking = lacking.join(", ");
    let why =
        format!("{theirs}, who lacks {lacking} on it: our functions act as {owner}; give it the table, or the rights");
    Some(DoctorFinding::new(what, State::Wrong, "G11", why).mend(MendStep::Nothing, [alter]))
}

fn of_type(facts: &Facts, table: &TableFacts, column: &Column) -> Option<DoctorFinding> {
    if !column.barred {
        return None;
    }
    let owner = quoted(&facts.owner);
    let what = format!("type of {}.{}", table.name, column.name);
    let why =
        format!("our functions act as {owner}, the owner of bookings, who may not use the type {}", column.type_name);
    let grant = format!("grant usage on type {} to {owner}", column.type_name);
    Some(DoctorFinding::new(what, State::Wrong, "G11", why).mend(MendStep::Nothing, [grant]))
}

/// A table that attach makes: its owner, and whether it is what attach makes at all.
fn of_ours(facts: &Facts, table: &TableFacts) -> Option<DoctorFinding> {
    let is_recorded = facts.recorded.contains(&table.name);
    let what = format!("owner of {}", table.name);
    if let Some(strange) = strange(facts, table, is_recorded) {
        let why = format!(
            "it has a name of ours and is not what attach makes: {strange}; give it another name, attach does not touch it"
        );
        return Some(DoctorFinding::new(format!("table {} of somebody else", table.name), State::Wrong, "G11", why));
    }
    if table.owner == facts.owner {
        return None;
    }
    let why = format!(
        "it belongs to {}, the bookings to {}: what attach makes belongs to the owner of bookings; attach again",
        quoted(&table.owner),
        quoted(&facts.owner)
    );
    let attach = format!("select holdfast.attach({})", crate::rules::catalogue::name::literal(&facts.schema));
    Some(DoctorFinding::new(what, State::Wrong, "G11", why).mend(MendStep::Attach, [attach]))
}

/// Why a relation with the name of one of ours is not ours. One that attach recorded may have more columns by now.
pub(crate) fn strange(facts: &Facts, table: &TableFacts, is_recorded: bool) -> Option<String> {
    if table.kind != "r" {
        return Some("it is no plain table".to_owned());
    }
    if table.has_rules {
        return Some("it has rewrite rules".to_owned());
    }
    if is_recorded && facts.may_follow(&table.owner) {
        return None;
    }
    if table.owner != facts.owner {
        return Some(format!("it belongs to {}, the bookings to {}", quoted(&table.owner), quoted(&facts.owner)));
    }
    let made = all().filter(|ours| ours.name == table.name).flat_map(|ours| ours.columns).map(|column| column.name);
    let made: Vec<&str> = made.collect();
    if let Some(column) = table.columns.iter().find(|column| !made.contains(&column.name.as_str())) {
        return Some(format!("it has a column {}", quoted(&column.name)));
    }
    if let Some(column) = made.into_iter().find(|name| facts.column(&table.name, name).is_none()) {
        return Some(format!("it has no column {}", quoted(column)));
    }
    let is_ours = |trigger: &TriggerFacts| TRIGGERS.iter().any(|ours| ours.name == trigger.name);
    let trigger = facts
        .triggers
        .iter()
        .find(|trigger| trigger.table == table.name && !trigger.of_constraint && !is_ours(trigger));
    trigger.map(|trigger| format!("it has a trigger {}", trigger.name))
}

/// What takes from everybody the rights that default privileges gave on what attach has just made, or given to another
/// owner: whatever they say, it is the owner's alone. And what a dump without grants left open.
#[must_use]
pub fn closing(before: &Facts, after: &Facts) -> Vec<String> {
    let role = |name: &str| if name.is_empty() { "public".to_owned() } else { quoted(name) };
    let is_new = |table: &str| before.table(table).is_none_or(|table| table.owner != after.owner);
    let grants = after.grants.iter().filter(|grant| is_new(&grant.table));
    let mut found: Vec<String> = grants
        .map(|grant| format!("revoke all on {} {} from {} cascade", grant.kind, grant.object, role(&grant.grantee)))
        .collect();
    let is_old = |function: &FunctionFacts| {
        before.functions.iter().any(|old| old.signature == function.signature && old.owner == after.owner)
    };
    for reader in after.functions.iter().filter(|function| function.name == READER) {
        let is_old = is_old(reader);
        let named = reader.grantees.iter().filter(|_| !is_old).map(|name| role(name));
        let everybody = named.chain((reader.for_public || !is_old).then(|| "public".to_owned()));
        found.extend(everybody.map(|role| format!("revoke all on function {} from {role} cascade", reader.signature)));
    }
    found
}

/// What the functions see of a schema that has row security, and the check that there is, for who attaches it.
#[must_use]
pub fn row_security(facts: &Facts) -> Option<String> {
    let under = facts.tables.iter().filter(|table| table.row_security && application_table(&table.name).is_some());
    let under: Vec<String> = under.map(|table| quoted(&table.name)).collect();
    let (schema, owner) = (&facts.schema, quoted(&facts.owner));
    (!under.is_empty()).then(|| {
        format!(
            "row security of {} does not apply to who calls the functions in schema {schema}: they see what {owner} sees; \
             create table {schema}.holdfast_row_security () and bookings that the caller does not see are not found",
            under.join(", ")
        )
    })
}

/// Rights on what attach made that attach did not give.
fn of_grants(facts: &Facts) -> Vec<DoctorFinding> {
    let given = |grant: &Grant| {
        grant.table == SHOWN
            && grant.kind == "table"
            && grant.privileges == ["SELECT"]
            && facts.callers.contains(&grant.grantee)
    };
    let mut found: Vec<DoctorFinding> = Vec::new();
    for grant in facts.grants.iter().filter(|grant| !given(grant)) {
        let role = if grant.grantee.is_empty() { "PUBLIC".to_owned() } else { quoted(&grant.grantee) };
        let what = format!("rights of {role} on {}", grant.table);
        let (kind, object) = (&grant.kind, &grant.object);
        let revoke = format!("revoke all on {kind} {object} from {role}");
        let undo = format!("grant {} on {kind} {object} to {role}", grant.privileges.join(", "));
        match found.iter_mut().find(|finding| finding.what == what) {
            Some(finding) => {
                finding.mend.push(revoke);
                finding.undo.push(undo);
            }
            None => {
                let why = "attach gave nobody but the owner of bookings a right on it: default privileges did, or a person; revoke it";
                found
                    .push(DoctorFinding::new(what, State::Risky, "G11", why).mend(MendStep::Free, [revoke]).undo(undo));
            }
        }
    }
    found
}
