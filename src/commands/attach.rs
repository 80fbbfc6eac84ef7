//! Binding an application's schema: what is missing is added, functions of the same names make room, the wrappers are
//! installed, rights are granted. And the way back.

use pgrx::pg_sys;

use crate::noticeboard;
use crate::rules::failure::Failure;
use crate::rules::outcome::Outcome;
use crate::rules::refusal::Refusal;
use crate::rules::requirement::Finding;
use crate::rules::requirement::attach::{Addition, BOOKS, REVOKE_USAGE, additions, mends, unmet};
use crate::rules::requirement::facts::{Facts, Function};
use crate::rules::requirement::function::replacements;
use crate::rules::requirement::status::default_target;
use crate::rules::rollout::{self, Kept};
use crate::store::Store;
use crate::store::schema::{create_reference, quoted};

/// Creates a schema with the tables of the contract.
pub fn create_reference_schema(name: &str) -> Result<(), Failure> {
    create_reference(name)
}

/// May be repeated: what is there already stays as it is. What locks a table that has writers comes as late as it can:
/// when everything is there, nothing does.
pub fn attach(schema: pg_sys::Oid, grant_to: &[String]) -> Result<(), Failure> {
    let store = Store::open_unattached(schema)?;
    let before = store.facts()?;
    // Statements that outlive a renaming of the schema.
    let named = |facts: &Facts| Facts { schema: "app".to_owned(), ..facts.clone() };
    refuse(store.quoted_schema(), &unmet(&before))?;
    check_rollout(&store, &before)?;
    let role = store.owner()?;
    let owner = quoted(&role);
    store.books_open(&before, &owner)?;
    let (locking, free): (Vec<_>, Vec<_>) = store.missing(&before).into_iter().partition(|due| due.locks);
    free.iter().try_for_each(|due| store.script_for_schema(&due.text))?;
    let renewed = replace_functions(&store, &before, &role)?;
    let granted = grant(&store, &store.facts()?, grant_to, &owner, &renewed)?;
    mends(&named(&before)).iter().try_for_each(|statement| store.script_for_schema(statement))?;
    locking.iter().try_for_each(|due| store.script_for_schema(&due.text))?;
    store.own_new(&before, &owner)?;
    store.record(&owner)?;
    let roles: Vec<String> = grant_to.iter().map(|role| quoted(role)).collect();
    store.create_views(&owner, &roles)?;
    store.additions_write(&additions(&named(&before), &named(&store.facts()?)))?;
    store.additions_write(&granted)?;
    // A database that has work from now on.
    noticeboard::note_call(schema.to_u32());
    Ok(())
}

/// Rows that are there already may leave bookings to legacy functions.
fn check_rollout(store: &Store, before: &Facts) -> Result<(), Refusal> {
    let found = replacements(before);
    let moves = |name: &str| found.iter().any(|replaced| replaced.callable && replaced.function.name == name);
    rollout::check(store.rollout(), |function| match moves(function.name()) {
        true => Kept::Callable,
        false => store.kept(function),
    })
}

/// Functions of the application make room for ours. Returns those of an earlier release that were dropped for it.
fn replace_functions<'a>(store: &Store, before: &'a Facts, owner: &str) -> Result<Vec<&'a Function>, Failure> {
    let replaced = replacements(before);
    if !replaced.is_empty() {
        let legacy = store.legacy_open(owner)?;
        replaced.iter().try_for_each(|replaced| store.legacy_keep(replaced, &legacy, owner))?;
    }
    let renewed: Vec<&Function> = before.functions.iter().filter(|function| outdated(before, function)).collect();
    for function in &renewed {
        store.ddl(&format!("drop routine {}", function.signature))?;
    }
    store.create_wrappers(&before.ours, default_target(before).unwrap_or_default())?;
    Ok(renewed)
}

/// A wrapper of an earlier release that cannot be replaced in place.
fn outdated(facts: &Facts, function: &Function) -> bool {
    function.ours && !facts.ours.iter().any(|ours| ours.is_current(function))
}

/// The wrappers belong to the owner of the bookings, and only the named roles may call them; a renewed one keeps its
/// callers. Returns what it takes to undo the rights on the schema.
fn grant(
    store: &Store,
    facts: &Facts,
    grant_to: &[String],
    owner: &str,
    renewed: &[&Function],
) -> Result<Vec<Addition>, Failure> {
    let declared = |function: &&Function| facts.ours.iter().any(|ours| ours.is_same_as(function));
    for wrapper in facts.functions.iter().filter(declared) {
        let signature = &wrapper.signature;
        store.ddl(&format!("alter routine {signature} owner to {owner}"))?;
        store.ddl(&format!("alter routine {signature} depends on extension holdfast"))?;
        store.ddl(&format!("revoke all on routine {signature} from public"))?;
        let callers = renewed.iter().filter(|before| before.signature == *signature);
        for role in grant_to.iter().chain(callers.flat_map(|before| &before.grantees)) {
            store.ddl(&format!("grant execute on routine {signature} to {}", quoted(role)))?;
        }
    }
    let mut granted = Vec::new();
    for role in grant_to {
        let (may_use, _) = store.rights_held(role, None)?;
        if !may_use {
            store.ddl(&format!("grant usage on schema {} to {}", store.quoted_schema(), quoted(role)))?;
            granted.push(Addition { undo: format!("{REVOKE_USAGE}{}", quoted(role)), holds_data: false });
        }
    }
    Ok(granted)
}

/// Calls on such tables would fail in the middle.
fn refuse(schema: &str, unmet: &[Finding]) -> Result<(), Failure> {
    if unmet.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = unmet.iter().map(|finding| format!("{}: {}", finding.what, finding.why)).collect();
    let message = format!("Schema {schema} has what holdfast cannot work with");
    Err(Refusal::new(Outcome::NotAttached, message)
        .detail(list.join("\n"))
        .hint(format!(
            "{}: Mend what DETAIL lists (holdfast.doctor lists all), then attach again.",
            Outcome::NotAttached.entry().code
        ))
        .into())
}

/// Undoes attach: the legacy functions come back, and what attach added goes, but for columns,
/// and for tables that hold data unless `keep_tables` is false. What locks a table that has writers comes last.
pub fn detach(schema: pg_sys::Oid, keep_tables: bool) -> Result<(), Failure> {
    let store = Store::open_anyhow(schema)?;
    store.check_attached()?;
    let (gone, kept): (Vec<_>, Vec<_>) = store.additions_read()?.into_iter().partition(|addition| !addition.holds_data);
    store.drop_views()?;
    bring_back(&store)?;
    BOOKS.iter().try_for_each(|book| store.ddl(&format!("drop table if exists {}.{book}", store.quoted_schema())))?;
    gone.iter().try_for_each(|addition| store.ddl(&addition.undo))?;
    let tables: Vec<&str> =
        kept.iter().filter_map(|addition| addition.undo.strip_prefix("drop table if exists ")).collect();
    if !keep_tables && !tables.is_empty() {
        store.ddl(&format!("drop table if exists {}", tables.join(", ")))?;
    }
    Ok(())
}

/// Our functions go, and those that attach kept stand again where they stood.
fn bring_back(store: &Store) -> Result<(), Failure> {
    let facts = store.facts()?;
    for function in facts.functions.iter().filter(|function| function.ours) {
        store.ddl(&format!("drop routine {}", function.signature))?;
    }
    let owner = quoted(&store.owner()?);
    for original in store.kept_functions()? {
        let (kind, signature) = (&original.kind, &original.signature);
        if original.granted {
            store.ddl(&format!("revoke execute on {kind} {signature} from {owner}"))?;
        }
        if original.closed {
            store.ddl(&format!("grant execute on {kind} {signature} to public"))?;
        }
        store.ddl(&format!("alter {kind} {signature} set schema {}", store.quoted_schema()))?;
    }
    store.legacy_close()
}
