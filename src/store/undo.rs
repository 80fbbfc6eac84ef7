//! What a key did, and taking it back.

use super::Store;
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::Booking;
use crate::rules::booking::allocation::Removal;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::request::History;
use crate::rules::confirm::undo::KeyEffects;
use crate::rules::refusal::failure::Failure;

statement!(UNDO_READ, "undo_read", [UUIDOID, TEXTOID]);
statement!(
    UNDO_APPLY,
    "undo_apply",
    [
        UUIDOID,
        UUIDOID,
        UUIDARRAYOID,
        UUIDARRAYOID,
        UUIDARRAYOID,
        TEXTOID,
        TEXTOID,
        TIMESTAMPTZOID,
        UUIDOID,
        TEXTOID,
        JSONBOID,
        TEXTOID,
        BOOLOID
    ]
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
        let rows = self.run(&UNDO_READ, &[row::id(booking), row::text(key)], |row| KeyEffects {
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
        let arguments = [
            row::id(back.booking.id),
            row::id(back.booking.restaurant),
            row::ids(&back.removal.assignments),
            row::ids(&back.removal.allocations),
            row::ids(&back.removal.dissolved),
            row::text(&back.booking.status),
            row::optional_text(back.status),
            row::instant(back.now),
            row::optional_id(back.history.changed_by),
            row::optional_text(back.history.reason.as_deref()),
            row::optional_json(back.history.metadata.clone()),
            row::text(back.key),
            row::flag(back.restores),
        ];
        let rows = self.run(&UNDO_APPLY, &arguments, |row| row.numbers(1))?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }
}
