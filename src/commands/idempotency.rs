//! Keys and the ledger, for the DBA: find, check, forget.

use crate::rules::index::for_keys::{Line, decide};
use crate::rules::index::needed::for_keys;
use crate::rules::refusal::failure::Failure;
use crate::rules::upkeep::retention;
use crate::settings;
use crate::store::Store;
pub use crate::store::idempotency::{Conflict, Keyed, Pruned};

/// The bookings that carry the key; a blank one is nobody's.
pub fn booking_by_key(store: &Store, key: Option<&str>) -> Result<Vec<Keyed>, Failure> {
    let mut found = key.map_or_else(|| Ok(Vec::new()), |key| store.booking_by_key(key))?;
    if store.has_row_security() {
        for keyed in std::mem::take(&mut found) {
            if store.sees(keyed.booking)? {
                found.push(keyed);
            }
        }
    }
    Ok(found)
}

pub fn conflicts(store: &Store) -> Result<Vec<Conflict>, Failure> {
    store.idempotency_conflicts()
}

/// Each wanted index: there, or what to run.
pub fn ensure_index(store: &Store) -> Result<Vec<Line>, Failure> {
    let found = store.indexes_found()?;
    Ok(for_keys().flat_map(|wanted| decide(wanted, &found, store.quoted_schema())).collect())
}

/// Forgets one batch of old answers. Also: may there be more?
pub fn prune(store: &Store, age_us: Option<i128>, batch: Option<i32>) -> Result<(Pruned, bool), Failure> {
    let cutoff = retention::cutoff(store.clock(), age_us, settings::ledger_retention_days())?;
    let batch = retention::batch(batch)?;
    let pruned = store.ledger_prune(cutoff, batch)?;
    Ok((pruned, pruned.answers >= i64::from(batch)))
}
