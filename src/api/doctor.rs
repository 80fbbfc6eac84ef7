//! What a DBA asks before adopting holdfast, and at any time after.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::argument;
use crate::commands::doctor::doctor;
use crate::errors;

/// Every requirement and known fault of a schema, with the statement that mends it.
#[pg_extern(sql = false)]
fn native_doctor(
    p_schema: pg_sys::Oid,
) -> TableIterator<
    'static,
    (
        name!(what, String),
        name!(state, &'static str),
        name!(why, String),
        name!(promise, Option<&'static str>),
        name!(mend, Option<String>),
        name!(locks, String),
    ),
> {
    let findings = errors::or_raise(doctor(p_schema)).into_iter();
    argument::rows(
        findings
            .map(|finding| {
                let (mend, locks) = (finding.statement(), finding.step.locks());
                let promise = Some(finding.promise).filter(|promise| !promise.is_empty());
                (finding.what, finding.state.name(), finding.why, promise, mend, locks)
            })
            .collect(),
    )
}
