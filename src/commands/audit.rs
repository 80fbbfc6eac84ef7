//! The certificate of a schema.

use serde_json::Value;

use crate::rules::reconcile::audit::certificate;
use crate::rules::refusal::failure::Failure;
use crate::store::Store;

pub fn audit(store: &Store) -> Result<Value, Failure> {
    Ok(certificate(store.audit_read(store.clock())?))
}
