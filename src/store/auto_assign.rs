//! The booking as an automatic attempt finds it, and what it leaves on it.

use super::Store;
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::attempt::auto_assign::{AttemptInput, GivenHold};
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::Failure;

statement!(AUTO_ASSIGN_READ, "auto_assign_read", [UUIDOID, UUIDOID, TIMESTAMPTZOID]);
statement!(AUTO_ASSIGN_NOTE, "auto_assign_note", [UUIDOID, JSONBOID, TEXTOID]);

impl Store {
    /// The booking with the hold that was given and the live one that it has; takes no lock.
    pub fn auto_assign_read(
        &self,
        booking: Id,
        hold: Option<Id>,
        now: Instant,
    ) -> Result<Option<AttemptInput>, Failure> {
        let arguments = [row::id(booking), row::optional_id(hold), row::instant(now)];
        let rows = self.run(&AUTO_ASSIGN_READ, &arguments, |row| AttemptInput {
            booking,
            restaurant: row.id(2).unwrap_or_default(),
            status: row.text(1).unwrap_or_default(),
            targets: row.read(12).unwrap_or_default(),
            party_size: row.number(3).unwrap_or_default(),
            date: row.text(4),
            time: row.text(5),
            key: row.text(6),
            has_tables: row.flag(7),
            window_derived: row.flag(13),
            given: hold.zip(row.text(9)).map(|(id, status)| GivenHold {
                id,
                booking: row.id(8),
                status,
                expires_at: row.instant(10).unwrap_or(Instant::NEVER),
            }),
            own_hold: row.id(11),
        })?;
        Ok(rows.into_iter().next())
    }

    /// Keeps the last result, and the key if it is a new one, unless somebody has the booking locked.
    pub fn auto_assign_note(
        &self,
        booking: Id,
        result: serde_json::Value,
        new_key: Option<&str>,
    ) -> Result<(), Failure> {
        self.run(&AUTO_ASSIGN_NOTE, &[row::id(booking), row::json(result), row::optional_text(new_key)], |_| ())?;
        Ok(())
    }
}
