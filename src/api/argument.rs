//! Between SQL's types and those of the rules.

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};
use serde_json::{Value, json};

pub use crate::commands::Jsonb;
use crate::commands::enum_label;
use crate::rules::Id;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::request::History;
use crate::rules::json::Json;

/// `timestamptz`, as the server passes it: microseconds since 2000-01-01 UTC.
pub type TimestampTz = pg_sys::TimestampTz;
/// An enum of the application: the OID of its value.
pub type Label = pg_sys::Oid;
/// `uuid[]`, whose elements may be NULL.
pub type Uuids = Vec<Option<Uuid>>;

pub fn id(given: Option<Uuid>) -> Option<Id> {
    given.map(|uuid| Id::from_bytes(*uuid.as_bytes()))
}

pub fn ids(given: Option<Uuids>) -> Option<Vec<Option<Id>>> {
    given.map(|ids| ids.into_iter().map(id).collect())
}

pub fn instant(given: Option<TimestampTz>) -> Option<Instant> {
    given.map(Instant)
}

pub fn label(given: Option<Label>) -> Option<String> {
    given.and_then(enum_label).map(|label| label.as_ref().to_owned())
}

pub fn json(given: Option<Jsonb>) -> Option<Json> {
    given.map(|json| json.0)
}

pub fn history(changed_by: Option<Uuid>, reason: Option<String>, metadata: Option<Jsonb>) -> History {
    History { changed_by: id(changed_by), reason, metadata: json(metadata) }
}

pub fn uuid(id: Id) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}

/// One row of an answer: assignment, table, start, end, merge group.
pub type AssignedRow = (Uuid, Uuid, Option<TimestampTz>, Option<TimestampTz>, Option<Uuid>);

pub fn assigned_row(row: &Assignment) -> AssignedRow {
    let window = row.window;
    (
        uuid(row.id),
        uuid(row.table),
        window.map(|window| window.start().0),
        window.map(|window| window.end().0),
        row.merge_group.map(uuid),
    )
}

/// The same as JSON.
pub fn assignment_json(row: &Assignment) -> Value {
    let window = row.window;
    json!({
        "assignment_id": row.id,
        "table_id": row.table,
        "start_at": window.map(|window| window.start().to_string()),
        "end_at": window.map(|window| window.end().to_string()),
        "merge_group_id": row.merge_group,
    })
}

/// `SETOF` in memory: the answer is known before the first row is asked for.
pub fn rows<T: 'static>(rows: Vec<T>) -> TableIterator<'static, T> {
    TableIterator::new(rows)
}
