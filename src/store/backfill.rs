//! The bookings that a backfill looks at.

use super::Store;
use super::columns::BookingIdRow;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::refusal::failure::Failure;

statement!("backfill_due", BackfillDue { after: Option<Id>, limit: i32 } -> BookingIdRow);

impl Store {
    /// Live bookings from before adoption that do not agree, after the given one, by id.
    pub fn backfill_due(&self, after: Option<Id>, limit: i32) -> Result<Vec<Id>, Failure> {
        Ok(self.run(BackfillDue { after, limit }, |row| row.booking_id())?.into_iter().flatten().collect())
    }
}
