//! Binding an application's schema: what is missing is added, functions of the same names make room, the wrappers are
//! installed, rights are granted. And the way back.
//!
//! What runs code of the schema, or could, is done as the owner of its tables. A superuser's rights are used for functions
//! in C, for who owns what, for the trigger of the rollout, and for the right to use the schema; the schema keeps its name
//! meanwhile, and what is given to the owner of the bookings is nobody's but theirs, or of the owner before.

use pgrx::pg_sys;

use crate::rules::attach::addition::{Addition, AdditionKind, Undo, additions, undo, usage};
use crate::rules::attach::mend::{mends, unmet};
use crate::rules::attach::missing::due;
use crate::rules::attach::rights::{closing, row_security};
use crate::rules::catalogue::facts::Facts;
use crate::rules::catalogue::function::FunctionFacts;
use crate::rules::doctor::finding::DoctorFinding;
use crate::rules::doctor::hold;
use crate::rules::doctor::status::default_target;
use crate::rules::legacy::caller;
use crate::rules::legacy::replacement::replacements;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::rollout::{self, Legacy};
use crate::rules::schema::holdfast_tables::{HOLDFAST, ROLLOUT};
use crate::store::rights::{self, Work};
use crate::store::schema::{check_superuser, create_reference, quoted};
use crate::store::{Store, server_facts};
use crate::worker_slots;

/// Creates a schema with the tables of the contract.
pub fn create_reference_schema(name: &str) -> Result<(), Failure> {
    create_reference(name)
}

/// May be repeated: what is there already stays as it is. What locks a table that has writers comes as late as it can:
/// when everything is there, nothing does.
pub fn attach(schema: pg_sys::Oid, grant_to: &[String]) -> Result<(), Failure> {
    check_superuser("attach")?;
    let store = Store::open_anyhow(schema)?;
    store.keep_name()?;
    let found = facts(&store, schema)?;
    refuse(store.quoted_schema(), &unmet(&found))?;
    check_rollout(&store, &found)?;
    let path = store.application_path()?;
    store.take_over(&found)?;
    store.own_all(&found)?;
    let before = facts(&store, schema)?;
    let owner = &before.owner;
    let (locking, free): (Vec<_>, Vec<_>) = due(&before).into_iter().partition(|due| due.locks);
    free.iter().try_for_each(|due| store.put_in_order(&before, due))?;
    store.complete_rollout(&before)?;
    let renewed = replace_functions(&store, &before, owner)?;
    let roles = union(&before.callers, grant_to);
    grant(&store, &before, &facts(&store, schema)?, &roles, &renewed)?;
    let granted = grant_usage(&store, grant_to)?;
    mends(&before).iter().try_for_each(|mend| store.ddl_as(&mend.role, &mend.statement))?;
    locking.iter().try_for_each(|due| store.put_in_order(&before, due))?;
    rights::for_schema(schema, Work::Restricted, || store.hold_policy_write(hold::policy(&before)))?;
    store.create_views(owner)?;
    let after = facts(&store, schema)?;
    closing(&found, &after).iter().try_for_each(|statement| store.ddl_as(owner, statement))?;
    store.legacy_shut(&after.legacy)?;
    store.show(owner, &roles)?;
    store.record(grant_to, &path)?;
    store.additions_write(&additions(&found, &after))?;
    store.additions_write(&granted)?;
    if let Some(said) = caller::left_out(&found, &roles) {
        pgrx::warning!("{said}");
    }
    if let Some(said) = row_security(&after).filter(|_| !store.has_row_security()) {
        pgrx::warning!("{said}");
    }
    // A database that has work from now on.
    worker_slots::note_call(schema.to_u32());
    Ok(())
}

/// The same, and takes itself back when a rehearsal speaks against the schema.
pub fn attach_rehearsed(schema: pg_sys::Oid, grant_to: &[String], rehearsed: bool) -> Result<(), Failure> {
    attach(schema, grant_to)?;
    if rehearsed { super::rehearse::insist(schema) } else { Ok(()) }
}

/// Rows that are there already may leave bookings to legacy functions.
fn check_rollout(store: &Store, before: &Facts) -> Result<(), Refusal> {
    let found = replacements(before);
    let moves = |name: &str| found.iter().any(|replaced| replaced.callable && replaced.function.name == name);
    rollout::check(store.rollout(), |function| match moves(function.name()) {
        true => Legacy::Callable,
        false => store.kept(function),
    })
}

/// Looked at as the owner of the bookings: reading may run code of the schema's.
fn facts(store: &Store, schema: pg_sys::Oid) -> Result<Facts, Failure> {
    let server = server_facts()?;
    rights::for_schema(schema, Work::Restricted, || store.facts_with(server))
}

fn union(some: &[String], others: &[String]) -> Vec<String> {
    let mut all: Vec<String> = some.iter().chain(others).cloned().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Functions of the application make room for ours. Returns those of an earlier release that were dropped for it.
fn replace_functions<'a>(store: &Store, before: &'a Facts, owner: &str) -> Result<Vec<&'a FunctionFacts>, Failure> {
    let replaced = replacements(before);
    if !replaced.is_empty() {
        let legacy = store.legacy_open(owner)?;
        replaced.iter().try_for_each(|replaced| store.legacy_keep(replaced, &legacy, owner))?;
    }
    let renewed: Vec<&FunctionFacts> = before.functions.iter().filter(|function| outdated(before, function)).collect();
    for function in &renewed {
        store.ddl_as(&function.owner, &format!("drop routine {}", function.signature))?;
    }
    store.create_wrappers(&before.ours, default_target(before).unwrap_or_default())?;
    Ok(renewed)
}

/// A wrapper of an earlier release that cannot be replaced in place.
fn outdated(facts: &Facts, function: &FunctionFacts) -> bool {
    function.ours && !facts.ours.iter().any(|ours| ours.is_current(function))
}

/// The wrappers belong to the owner of the bookings, and only the named roles may call them, whatever default privileges
/// say; a renewed one keeps its callers.
fn grant(
    store: &Store,
    before: &Facts,
    now: &Facts,
    roles: &[String],
    renewed: &[&FunctionFacts],
) -> Result<(), Failure> {
    let owner = quoted(&now.owner);
    let declared = |function: &&FunctionFacts| now.ours.iter().any(|ours| ours.is_same_as(function));
    for wrapper in now.functions.iter().filter(declared) {
        let signature = &wrapper.signature;
        store.ddl(&format!("alter routine {signature} owner to {owner}"))?;
        store.ddl(&format!("alter routine {signature} depends on extension holdfast"))?;
        store.ddl(&format!("revoke all on routine {signature} from public"))?;
        if is_new(before, wrapper, renewed) {
            for role in wrapper.grantees.iter().filter(|role| **role != now.owner) {
                store.ddl(&format!("revoke all on routine {signature} from {} cascade", quoted(role)))?;
            }
        }
        let callers = renewed.iter().filter(|before| before.signature == *signature);
        for role in roles.iter().chain(callers.flat_map(|before| &before.grantees)) {
            store.ddl(&format!("grant execute on routine {signature} to {}", quoted(role)))?;
        }
    }
    Ok(())
}

/// Was it made, or given to another owner, by this attach?
fn is_new(before: &Facts, wrapper: &FunctionFacts, renewed: &[&FunctionFacts]) -> bool {
    let same = |function: &FunctionFacts| function.signature == wrapper.signature;
    renewed.iter().any(|function| same(function))
        || !before.functions.iter().any(|function| same(function) && function.ours && function.owner == before.owner)
}

/// The named roles may use the schema. Returns what it takes to undo that.
fn grant_usage(store: &Store, roles: &[String]) -> Result<Vec<Addition>, Failure> {
    let mut granted = Vec::new();
    for role in roles {
        let (may_use, _) = store.rights_held(role, None)?;
        if !may_use {
            store.ddl(&format!("grant usage on schema {} to {}", store.quoted_schema(), quoted(role)))?;
            granted.push(usage(role));
        }
    }
    Ok(granted)
}

/// Calls on such tables would fail in the middle, or somebody would gain a right.
fn refuse(schema: &str, unmet: &[DoctorFinding]) -> Result<(), Failure> {
    if unmet.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = unmet.iter().map(|finding| format!("{}: {}", finding.what, finding.why)).collect();
    let message = format!("Schema {schema} cannot be attached");
    Err(Refusal::new(Outcome::NotAttached, message)
        .detail(list.join("\n"))
        .hint(format!(
            "{}: Mend what DETAIL lists (holdfast.doctor lists all), then attach again. Nothing was changed.",
            Outcome::NotAttached.entry().code
        ))
        .into())
}

/// Undoes attach: the legacy functions come back, and what attach added goes, but for columns,
/// and for tables that hold data unless `keep_tables` is false. What locks a table that has writers comes last.
pub fn detach(schema: pg_sys::Oid, keep_tables: bool) -> Result<(), Failure> {
    check_superuser("detach")?;
    let store = Store::open_anyhow(schema)?;
    store.check_attached()?;
    store.keep_name()?;
    let facts = facts(&store, schema)?;
    let mut added = store.additions_read()?;
    added.sort_by_key(|addition| addition.kind);
    store.drop_views(&facts.owner)?;
    bring_back(&store, &facts)?;
    for table in ROLLOUT.iter().filter_map(|ours| facts.table(ours.name)) {
        store.ddl_as(&table.owner, &format!("drop table {}.{}", facts.schema, quoted(&table.name)))?;
    }
    let (tables, others): (Vec<_>, Vec<_>) =
        added.iter().partition(|addition| matches!(addition.kind, AdditionKind::Table | AdditionKind::Found));
    say_kept(&facts, &others);
    others.into_iter().try_for_each(|addition| undo_one(&store, &facts, addition))?;
    if !keep_tables {
        // The last first: they refer to those before them.
        let place = |table: &Addition| HOLDFAST.iter().position(|ours| ours.name == table.name);
        let mut tables = tables;
        tables.sort_by_key(|table| std::cmp::Reverse(place(table)));
        tables.into_iter().try_for_each(|addition| undo_one(&store, &facts, addition))?;
    }
    store.forget()
}

/// Columns that attach added stay: they have data by now.
fn say_kept(facts: &Facts, added: &[&Addition]) {
    let kept = added.iter().filter(|addition| undo(facts, addition) == Undo::Kept);
    let kept: Vec<String> =
        kept.map(|column| format!("{}.{}", quoted(&column.relation), quoted(&column.name))).collect();
    if !kept.is_empty() {
        pgrx::info!(
            "columns that attach added to schema {} stay, with what is in them: {}",
            facts.schema,
            kept.join(", ")
        );
    }
}

/// Undoes one addition, where it is still what attach made of it.
fn undo_one(store: &Store, facts: &Facts, addition: &Addition) -> Result<(), Failure> {
    let owner = |table: &str| facts.table(table).map_or(&facts.owner, |table| &table.owner);
    match undo(facts, addition) {
        Undo::Run { statement, table: Some(table) } => store.ddl_as(owner(&table), &statement),
        Undo::Run { statement, table: None } => store.ddl(&statement),
        Undo::Gone | Undo::Kept => Ok(()),
        Undo::Changed => {
            let (kind, name) = (addition.kind.name(), quoted(&addition.name));
            pgrx::warning!("{kind} {name} of schema {} is not what attach made of it: it stays", facts.schema);
            Ok(())
        }
        Undo::Fill { table, column } => {
            let on = format!("{}.{}", facts.schema, quoted(&table));
            if store.is_without_value(owner(&table), &table, &column)? {
                pgrx::warning!(
                    "{on}.{} has rows without a value by now: it stays without its NOT NULL",
                    quoted(&column)
                );
                return Ok(());
            }
            store.ddl_as(owner(&table), &format!("alter table {on} alter column {} set not null", quoted(&column)))
        }
    }
}

/// Our functions go, and those that attach kept stand again where they stood.
fn bring_back(store: &Store, facts: &Facts) -> Result<(), Failure> {
    for function in facts.functions.iter().filter(|function| function.ours) {
        store.ddl_as(&function.owner, &format!("drop routine {}", function.signature))?;
    }
    let owner = quoted(&facts.owner);
    for legacy in store.kept_functions()? {
        let (kind, signature) = (&legacy.kind, &legacy.signature);
        if legacy.granted {
            store.ddl(&format!("revoke execute on {kind} {signature} from {owner}"))?;
        }
        if legacy.closed {
            store.ddl(&format!("grant execute on {kind} {signature} to public"))?;
        }
        store.ddl(&format!("alter {kind} {signature} set schema {}", store.quoted_schema()))?;
    }
    store.legacy_close()
}
