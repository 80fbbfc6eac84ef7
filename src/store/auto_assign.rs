//! The booking as an automatic attempt finds it, and what it leaves on it.

use super::Store;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::attempt::auto_assign::{AttemptInput, GivenHold};
use crate::rules::booking::window::Instant;
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;

statement!("auto_assign_read", AutoAssignRead { booking: Id, hold: Option<Id>, now: Instant });
statement!("auto_assign_note", AutoAssignNote<'a> { booking: Id, result: Json, new_key: Option<&'a str> });

impl Store {
    /// The booking with the hold that was given and the live one that it has; takes no lock.
    pub fn auto_assign_read(
        &self,
        booking: Id,
        hold: Option<Id>,
        now: Instant,
    ) -> Result<Option<AttemptInput>, Failure> {
        let rows = self.run(AutoAssignRead { booking, hold, now }, |row| AttemptInput {
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
        self.run(AutoAssignNote { booking, result: result.into(), new_key }, |_| ())?;
        Ok(())
    }
}
