//! What a key did, and taking it back.

use super::Store;
use super::columns::columns;
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::Booking;
use crate::rules::booking::allocation::Removal;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::request::History;
use crate::rules::confirm::undo::KeyEffects;
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
statement!("replaced_restore", ReplacedRestore<'a> { booking: Id, restaurant: Id, key: &'a str });

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

    /// Takes it back. Old rows are gone before earlier ones come back, and those stand before the status moves. The rows written: assignments, allocations, groups dissolved, given back, moves, history.
    pub fn undo_apply(&self, back: TakingBack) -> Result<Vec<i64>, Failure> {
        let (booking, status) = (back.booking.id, back.booking.status.as_str());
        self.at_once(|| {
            let mut counts = self.remove(back.removal)?.to_vec();
            let restores = back.restores && self.attachment.has("basis");
            let replaced = ReplacedRestore { booking, restaurant: back.booking.restaurant, key: back.key };
            counts.push(if restores { self.write(replaced)? } else { 0 });
            counts.push(back.status.map_or(Ok(0), |before| self.booking_move(booking, before, back.now))?);
            let moved = (status, Some(back.status.unwrap_or(status)));
            counts.push(self.history_add(booking, moved, back.now, back.history)?);
            Ok(counts)
        })
    }
}
