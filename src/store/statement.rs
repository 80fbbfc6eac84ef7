//! The text of every statement: one file each, in `sql/query`.

use std::ffi::CStr;

use pgrx::pg_sys;

use super::attachment::Attachment;
use crate::rules::render::{Names, render};
use crate::rules::retention;

/// Features that are a column: its feature, table and name. A schema attached by an earlier release may lack one of ours.
pub(super) const FEATURE_COLUMNS: &[(&str, &str, &CStr)] = &[
    ("history_metadata", "booking_state_history", c"metadata"),
    ("needs_tables", "holdfast_booking_statuses", c"needs_tables"),
    ("attached_at", "holdfast_booking_scans", c"attached_at"),
    ("basis", "booking_assignment_idempotency", c"basis"),
];

/// A statement that is planned once a session and schema.
pub struct Statement {
    pub name: &'static str,
    pub text: &'static str,
    pub types: &'static [pg_sys::BuiltinOid],
}

/// `statement!(BOOKING_LOCK, "booking_lock", [UUIDOID])` reads `sql/query/booking_lock.sql`.
macro_rules! statement {
    ($constant:ident, $name:literal, [$($kind:ident),* $(,)?]) => {
        static $constant: $crate::store::statement::Statement = $crate::store::statement::Statement {
            name: $name,
            text: include_str!(concat!("../../sql/query/", $name, ".sql")),
            types: &[$(pgrx::pg_sys::BuiltinOid::$kind),*],
        };
    };
}
pub(super) use statement;

impl Statement {
    /// Does it call a function of the application by its name?
    pub fn calls_application(&self) -> bool {
        self.name.starts_with("original_")
    }

    /// The text for one application schema, without the parts whose tables it does not have. A comment behind the
    /// first word names the statement wherever the server shows it (pg_stat_statements drops one before it).
    pub fn source(&self, attachment: &Attachment) -> String {
        let text = for_schema(self.text, attachment);
        let (verb, rest) = text.split_once(' ').unwrap_or((&text, ""));
        format!("{verb} /* holdfast.{} */ {rest}", self.name)
    }
}

/// Puts a schema in the place of `app.`, the application's enums in the place of the contract's, and leaves out what
/// is for features that it lacks.
pub fn for_schema(text: &str, attachment: &Attachment) -> String {
    let (retention, legacy) = (ledger_retention(), attachment.legacy.as_deref().map(pgrx::spi::quote_identifier));
    let mut words: Vec<(&str, &str)> = attachment.enums.iter().map(|(ours, theirs)| (*ours, theirs.as_str())).collect();
    words.push(("retention.ledger", &retention));
    let names = Names { schema: &attachment.quoted, legacy: legacy.as_deref().unwrap_or_default(), words };
    render(&for_features(text, attachment), &names)
}

/// How long an answer is kept, as SQL asks for it where a statement runs: a view is also read where the library is not loaded.
fn ledger_retention() -> String {
    format!(
        "pg_catalog.make_interval(days => coalesce(nullif(pg_catalog.current_setting(\
         'holdfast.ledger_retention_days', true), ''), '{}')::integer)",
        retention::LEDGER_DAYS
    )
}

/// Drops what stands between `--[feature` and `--]` when a schema lacks the feature; `--|` introduces what stands there
/// instead.
pub fn for_features(text: &str, attachment: &Attachment) -> String {
    let mut kept = String::with_capacity(text.len() + 256);
    let mut present = true;
    for line in text.lines() {
        if let Some(feature) = line.strip_prefix("--[") {
            present = attachment.has(feature.trim());
        } else if line == "--]" {
            present = true;
        } else if let Some(instead) = line.strip_prefix("--|") {
            if !present {
                kept.push_str(instead);
                kept.push('\n');
            }
        } else if present && !line.trim_start().starts_with("--") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}
