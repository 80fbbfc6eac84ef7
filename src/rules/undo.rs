//! Taking back what one key did, and nothing of an earlier success (F28).

use serde_json::{Value, json};

use super::Id;
use super::refusal::{self, Refusal};

/// What a key did that still stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Done {
    /// Tables that were given under the key and are the booking's still.
    pub tables: Vec<Id>,
    /// The status that the key led to; None: it left the status.
    pub target: Option<String>,
    /// The status before.
    pub before: Option<String>,
}

/// What has to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undoing {
    Nothing,
    /// The tables go; the status moves back where the key had moved it.
    TakeBack {
        status: Option<String>,
    },
}

/// A status that moved on since is not the key's any more: then nothing is taken back.
pub fn decide(current: &str, done: Option<&Done>) -> Result<Undoing, Refusal> {
    let Some(done) = done.filter(|done| !done.tables.is_empty()) else { return Ok(Undoing::Nothing) };
    match &done.target {
        Some(target) if target != current => Err(refusal::status_conflict(current, std::slice::from_ref(target))),
        Some(target) => Ok(Undoing::TakeBack { status: done.before.clone().filter(|before| before != target) }),
        None => Ok(Undoing::TakeBack { status: None }),
    }
}

/// The caller's words, and what was taken back.
#[must_use]
pub fn metadata(given: Option<Value>, key: &str, tables: &[Id]) -> Value {
    let mut fields = match given {
        Some(Value::Object(fields)) => fields,
        None | Some(Value::Null) => serde_json::Map::new(),
        Some(other) => serde_json::Map::from_iter([("metadata".to_owned(), other)]),
    };
    fields.insert("undoneKey".to_owned(), json!(key));
    fields.insert("tableIds".to_owned(), json!(tables));
    Value::Object(fields)
}
