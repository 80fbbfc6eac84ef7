//! Binding an application's schema: what is missing is added, the wrappers are installed, rights are granted.

use pgrx::pg_sys;

use crate::rules::failure::Failure;
use crate::rules::outcome::Outcome;
use crate::rules::refusal::Refusal;
use crate::store::Store;
use crate::store::schema::{quoted, wrapper_names};

/// May be repeated: what is there already stays as it is.
pub fn attach(schema: pg_sys::Oid, grant_to: &[String]) -> Result<(), Failure> {
    let store = Store::open(schema)?;
    let names = wrapper_names();
    let foreign: Vec<String> =
        store.wrappers_found(&names)?.into_iter().filter(|found| !found.ours).map(|found| found.signature).collect();
    if !foreign.is_empty() {
        return Err(occupied(store.quoted_schema(), &foreign).into());
    }
    store.add_missing()?;
    store.create_wrappers()?;
    let owner = quoted(&store.owner()?);
    let roles: Vec<String> = grant_to.iter().map(|role| quoted(role)).collect();
    for wrapper in store.wrappers_found(&names)? {
        let signature = &wrapper.signature;
        store.ddl(&format!("alter function {signature} owner to {owner}"))?;
        store.ddl(&format!("alter function {signature} depends on extension holdfast"))?;
        store.ddl(&format!("revoke all on function {signature} from public"))?;
        for role in &roles {
            store.ddl(&format!("grant execute on function {signature} to {role}"))?;
        }
    }
    for role in &roles {
        store.ddl(&format!("grant usage on schema {} to {role}", store.quoted_schema()))?;
    }
    Ok(())
}

/// The application has functions of these names: replacing them would lose them.
fn occupied(schema: &str, foreign: &[String]) -> Refusal {
    Refusal::new(Outcome::NotAttached, format!("Schema {schema} has functions of its own under the contract's names"))
        .detail(foreign.join(", "))
        .hint(format!("{}: Rename or drop them, then attach again.", Outcome::NotAttached.entry().code))
}
