//! What a key did, and taking it back.

use super::Store;
use super::parameter::{self, Ids};
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::Booking;
use crate::rules::booking::allocation::Removal;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::request::History;
use crate::rules::confirm::undo::KeyEffects;
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;

statement!("undo_read", UndoRead<'a> { booking: Id, key: &'a str });
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
    }
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
            tables: row.ids(1).unwrap_or_default(),
            target: row.text(2),
            before: row.text(3),
            found_standing: row.flag(4),
            undone: row.flag(5),
            changed_since: row.flag(6),
            replaced: row.ids(7).unwrap_or_default(),
            replaced_for: row.window(8, 9),
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
        let rows = self.run(parameters, |row| row.numbers(1))?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }
}
