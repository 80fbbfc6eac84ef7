//! Binding an application's schema: what is missing is added, the wrappers are installed, rights are granted.

use pgrx::pg_sys;

use crate::noticeboard;
use crate::rules::failure::Failure;
use crate::rules::outcome::Outcome;
use crate::rules::refusal::Refusal;
use crate::store::Store;
use crate::store::schema::{create_reference, quoted, wrapper_names};

/// Creates a schema with the tables of the contract.
pub fn create_reference_schema(name: &str) -> Result<(), Failure> {
    create_reference(name)
}

/// May be repeated: what is there already stays as it is.
pub fn attach(schema: pg_sys::Oid, grant_to: &[String]) -> Result<(), Failure> {
    let store = Store::open_unattached(schema)?;
    let names = wrapper_names();
    let foreign: Vec<String> =
        store.wrappers_found(&names)?.into_iter().filter(|found| !found.ours).map(|found| found.signature).collect();
    if !foreign.is_empty() {
        return Err(occupied(store.quoted_schema(), &foreign).into());
    }
    let owner = quoted(&store.owner()?);
    store.add_missing(&owner)?;
    store.record(&owner)?;
    store.create_wrappers()?;
    let roles: Vec<String> = grant_to.iter().map(|role| quoted(role)).collect();
    store.create_views(&owner, &roles)?;
    for wrapper in store.wrappers_found(&names)? {
        let signature = &wrapper.signature;
        store.ddl(&format!("alter routine {signature} owner to {owner}"))?;
        store.ddl(&format!("alter routine {signature} depends on extension holdfast"))?;
        store.ddl(&format!("revoke all on routine {signature} from public"))?;
        for role in &roles {
            store.ddl(&format!("grant execute on routine {signature} to {role}"))?;
        }
    }
    for role in &roles {
        store.ddl(&format!("grant usage on schema {} to {role}", store.quoted_schema()))?;
    }
    // A database that has work from now on.
    noticeboard::call_at_commit();
    Ok(())
}

/// The application has functions of these names: replacing them would lose them.
fn occupied(schema: &str, foreign: &[String]) -> Refusal {
    Refusal::new(Outcome::NotAttached, format!("Schema {schema} has functions of its own under the contract's names"))
        .detail(foreign.join(", "))
        .hint(format!("{}: Rename or drop them, then attach again.", Outcome::NotAttached.entry().code))
}
