//! Taking back what one key did, and nothing of an earlier success (F28).

use std::collections::BTreeMap;

use serde_json::json;

use crate::rules::Id;
use crate::rules::booking::StatusRules;
use crate::rules::booking::transition;
use crate::rules::booking::window::Window;
use crate::rules::confirm::snapshot::Snapshot;
use crate::rules::json::Json;
use crate::rules::refusal::{self, Refusal};

/// What a key did that still stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyEffects {
    /// Tables that were given under the key and are the booking's still.
    pub tables: Vec<Id>,
    /// The status that the key led to; None: it left the status.
    pub target: Option<String>,
    /// The status before.
    pub before: Option<String>,
    /// Does its answer stand on tables that earlier keys gave?
    pub found_standing: bool,
    /// Was it taken back already?
    pub undone: bool,
    /// Did the status move since, or another key do something?
    pub changed_since: bool,
    /// Tables of the booking that the key took away to give others, and the time over which they were its.
    pub replaced: Vec<Id>,
    pub replaced_for: Option<Window>,
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
pub fn decide(current: &str, done: Option<&KeyEffects>) -> Result<Undoing, Refusal> {
    let Some(done) = done else { return Ok(Undoing::Nothing) };
    let back = done.before.clone().filter(|before| Some(before) != done.target.as_ref());
    let moved_only = done.tables.is_empty() && done.found_standing && !done.undone;
    if done.tables.is_empty() && !(moved_only && back.as_deref().is_some_and(|before| before != current)) {
        return Ok(Undoing::Nothing);
    }
    match &done.target {
        Some(target) if target != current => Err(refusal::status_conflict(current, std::slice::from_ref(target))),
        Some(target) if moved_only && done.changed_since => Err(refusal::changed_since(target)),
        Some(_) => Ok(Undoing::TakeBack { status: back }),
        None => Ok(Undoing::TakeBack { status: None }),
    }
}

/// May the tables come back that the key replaced? Only while nobody else has them.
pub fn may_restore(booking: Id, replaced: &[Id], snapshot: &Snapshot) -> Result<(), Refusal> {
    let gone = replaced.iter().find(|table| !snapshot.tables.contains_key(*table));
    if let Some(gone) = gone {
        return Err(refusal::undo_undecided(
            booking,
            format!("Table {gone}, which the key replaced, is not there any more"),
        ));
    }
    let taken = snapshot.blockers.iter().find_map(|blocker| transition::taken(snapshot, &BTreeMap::new(), blocker));
    taken.map_or(Ok(()), |(table, by)| {
        Err(refusal::undo_undecided(booking, format!("Table {table}, which the key replaced, is taken by {by}")))
    })
}

/// A booking is not left in a status that needs tables without one.
pub fn may_leave(booking: Id, tables_left: usize, status: &str, rules: &StatusRules) -> Result<(), Refusal> {
    if tables_left > 0 || !(rules.target_needs_tables || rules.target_is_confirmable) {
        return Ok(());
    }
    Err(refusal::undo_undecided(booking, format!("The booking would be {status} without a table")))
}

/// The caller's words, what was taken back, and what was given back.
#[must_use]
pub fn metadata(given: Option<Json>, key: &str, tables: &[Id], restored: &[Id]) -> Json {
    let mut fields = match given.filter(|given| !given.is_null()) {
        None => BTreeMap::new(),
        Some(given) => given.fields().unwrap_or_else(|| BTreeMap::from([("metadata".to_owned(), given)])),
    };
    fields.insert("undoneKey".to_owned(), json!(key).into());
    fields.insert("tableIds".to_owned(), json!(tables).into());
    if !restored.is_empty() {
        fields.insert("restoredTableIds".to_owned(), json!(restored).into());
    }
    Json::object(fields.iter().map(|(name, value)| (name.as_str(), value.clone())))
}

/// What a caller reads beside the tables that were taken.
#[must_use]
pub fn given_back(restored: &[Id]) -> Option<String> {
    let words: Vec<String> = restored.iter().map(Id::to_string).collect();
    (!words.is_empty()).then(|| format!("Given back: {}", words.join(", ")))
}
