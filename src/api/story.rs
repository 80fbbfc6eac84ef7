//! Why a booking is as it is, for whoever is on call.

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};

use super::argument::{self, Jsonb, TimestampTz};
use crate::commands::story::why;
use crate::errors;
use crate::rules::trace::story::StoryEntry;

/// A row for each thing that is known, in the order of time.
#[pg_extern(sql = false)]
fn native_why(
    p_schema: Option<pg_sys::Oid>,
    p_booking_id: Option<Uuid>,
    p_idempotency_key: Option<String>,
) -> TableIterator<
    'static,
    (
        name!(at, Option<TimestampTz>),
        name!(source, &'static str),
        name!(what, String),
        name!(detail, Jsonb),
        name!(what_to_do, Option<String>),
    ),
> {
    let schema = p_schema.unwrap_or(pg_sys::InvalidOid);
    let entries = errors::or_raise(why(schema, argument::id(p_booking_id), p_idempotency_key.as_deref()));
    let row = |entry: StoryEntry| {
        let advice = Some(entry.advice).filter(|advice| !advice.is_empty());
        (entry.at.map(|at| at.0), entry.source.name(), entry.what, Jsonb(entry.detail.into()), advice)
    };
    argument::rows(entries.into_iter().map(row).collect())
}
