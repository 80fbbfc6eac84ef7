//! The booking as an automatic attempt finds it, and what it leaves on it.

use super::Store;
use super::columns::columns;
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::attempt::auto_assign::{AttemptInput, GivenHold};
use crate::rules::booking::window::Instant;
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;

columns!(AutoAssignRow {
    status: String,
    restaurant_id: Id,
    party_size: i32,
    date: Option<String>,
    time: Option<String>,
    auto_assign_idempotency_key: Option<String>,
    has_tables: bool,
    given_booking: Option<Id>,
    given_status: Option<String>,
    given_expires_at: Option<Instant>,
    own_hold: Option<Id>,
    targets: Option<Json>,
    window_derived: bool,
});
statement!("auto_assign_read", AutoAssignRead { booking: Id, hold: Option<Id>, now: Instant } -> AutoAssignRow);
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
            restaurant: row.restaurant_id(),
            status: row.status(),
            targets: row::parsed(row.targets()).unwrap_or_default(),
            party_size: row.party_size(),
            date: row.date(),
            time: row.time(),
            key: row.auto_assign_idempotency_key(),
            has_tables: row.has_tables(),
            window_derived: row.window_derived(),
            given: hold.zip(row.given_status()).map(|(id, status)| GivenHold {
                id,
                booking: row.given_booking(),
                status,
                expires_at: row.given_expires_at().unwrap_or(Instant::NEVER),
            }),
            own_hold: row.own_hold(),
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
