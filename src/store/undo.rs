//! What a key did, and taking it back.

use super::Store;
use super::columns::{CountsRow, columns};
use super::parameter::{self, Ids};
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::Booking;
use crate::rules::booking::allocation::Removal;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::request::History;
use crate::rules::confirm::undo::KeyEffects;
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;

columns!(UndoRow {
    tables: Vec<Id>,
    target: Option<String>,
    before: Option<String>,
    found_standing: bool,
    undone: bool,
    changed_since: bool,
    replaced: Vec<Id>,
    replaced_start: Option<Instant>,
    replaced_end: Option<Instant>,
});
statement!("undo_read", UndoRead<'a> { booking: Id, key: &'a str } -> UndoRow);
statement!(
    "undo_apply",
    UndoApply<'a> {
        booking: Id,
        restaurant: Id,
        assignments: Ids,
        allocations: Ids,
        dissolved: Ids,
        status: &'a str,
        before: Option<&'a str>,
        now: Instant,
        changed_by: Option<Id>,
        reason: Option<&'a str>,
        metadata: Option<Json>,
        key: &'a str,
        restores: bool,
    } -> CountsRow
);

/// What is to be taken back.
pub struct TakingBack<'a> {
    pub booking: &'a Booking,
    pub key: &'a str,
    pub removal: &'a Removal,
    /// None: it stays.
    pub status: Option<&'a str>,
    pub now: Instant,
    pub history: &'a History,
    /// Does what the key replaced come back?
    pub restores: bool,
}

impl Store {
    /// What the key did that still stands; None: it has no answer, or a refusal.
    pub fn undo_read(&self, booking: Id, key: &str) -> Result<Option<KeyEffects>, Failure> {
        let rows = self.run(UndoRead { booking, key }, |row| KeyEffects {
            tables: row.tables(),
            target: row.target(),
            before: row.before(),
            found_standing: row.found_standing(),
            undone: row.undone(),
            changed_since: row.changed_since(),
            replaced: row.replaced(),
            replaced_for: row::window(row.replaced_start(), row.replaced_end()),
        })?;
        Ok(rows.into_iter().next())
    }

    /// Takes it back; the rows written: assignments, allocations, groups dissolved, given back, moves, history.
    pub fn undo_apply(&self, back: TakingBack) -> Result<Vec<i64>, Failure> {
        let parameters = UndoApply {
            booking: back.booking.id,
            restaurant: back.booking.restaurant,
            assignments: parameter::ids(&back.removal.assignments),
            allocations: parameter::ids(&back.removal.allocations),
            dissolved: parameter::ids(&back.removal.dissolved),
            status: &back.booking.status,
            before: back.status,
            now: back.now,
            changed_by: back.history.changed_by,
            reason: back.history.reason.as_deref(),
            metadata: back.history.metadata.clone(),
            key: back.key,
            restores: back.restores,
        };
        let rows = self.run(parameters, |row| row.counts())?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }
}
