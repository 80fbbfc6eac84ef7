//! The text of every statement: one file each, in `sql/query`.

use std::ffi::CStr;

use pgrx::pg_sys;

use super::attachment::Attachment;
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
    let kept = for_features(text, attachment);
    let named = attachment.enums.iter().fold(kept, |text, (ours, theirs)| replace_word(&text, ours, theirs));
    let kept = replace_schema(&replace_word(&named, "retention.ledger", &ledger_retention()), &attachment.quoted);
    match &attachment.legacy {
        Some(legacy) => kept.replace(" original.", &format!(" {}.", pgrx::spi::quote_identifier(legacy))),
        None => kept,
    }
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

/// A qualified name, where no longer name begins with it.
fn replace_word(text: &str, word: &str, by: &str) -> String {
    let mut replaced = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, from) = rest.split_at(at);
        rest = &from[word.len()..];
        let longer = rest.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_');
        replaced.push_str(before);
        replaced.push_str(if longer { word } else { by });
    }
    replaced.push_str(rest);
    replaced
}

/// `app.` as a word of its own.
fn replace_schema(text: &str, quoted: &str) -> String {
    let mut replaced = String::with_capacity(text.len() + 256);
    let mut rest = text;
    while let Some(at) = rest.find("app.") {
        let word_before = rest[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '"');
        replaced.push_str(&rest[..at]);
        replaced.push_str(if word_before { "app" } else { quoted });
        replaced.push('.');
        rest = &rest[at + 4..];
    }
    replaced.push_str(rest);
    replaced
}
