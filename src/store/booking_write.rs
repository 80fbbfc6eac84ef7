//! What a move writes of a booking: directly, or by the statement beside it.

use super::Store;
use super::booking::BookingLockById;
use super::parameter::EnumLabel;
use super::row::Row;
use super::statement::statement;
use super::writer::written;
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::request::History;
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;

statement!("booking_move", BookingMove<'a> { booking: Id, status: &'a str, now: Instant });
written!(update "bookings", MovedBooking<'a> { status: EnumLabel<'a>, updated_at: Instant });
statement!(
    "history_add",
    HistoryAdd<'a> {
        booking: Id,
        from: &'a str,
        to: Option<&'a str>,
        changed_by: Option<Id>,
        changed_at: Instant,
        reason: Option<&'a str>,
        metadata: Option<Json>,
    }
);
written!(
    insert "booking_state_history",
    NewHistory<'a> {
        booking_id: Id,
        from_status: EnumLabel<'a>,
        to_status: Option<EnumLabel<'a>>,
        changed_by: Option<Id>,
        changed_at: Instant,
        reason: Option<&'a str>,
        metadata: Json,
    }
);
impl Store {
    /// Moves the booking; how many rows.
    pub(super) fn booking_move(&self, booking: Id, status: &str, now: Instant) -> Result<i64, Failure> {
        let moved = self.connection.write_directly(|reader| {
            let row = |_: &Row<_>| MovedBooking { status: EnumLabel(status), updated_at: now };
            reader.update(BookingLockById { id: booking }, row)
        })?;
        moved.map_or_else(|| self.write(BookingMove { booking, status, now }), Ok)
    }

    /// Writes down a move of the booking; how many rows.
    pub(super) fn history_add(
        &self,
        booking: Id,
        (from, to): (&str, Option<&str>),
        changed_at: Instant,
        history: &History,
    ) -> Result<i64, Failure> {
        let (changed_by, reason) = (history.changed_by, history.reason.as_deref());
        if self.attachment.has("history_metadata") {
            let row = NewHistory {
                booking_id: booking,
                from_status: EnumLabel(from),
                to_status: to.map(EnumLabel),
                changed_by,
                changed_at,
                reason,
                metadata: history.metadata.clone().unwrap_or_else(|| Json::object([])),
            };
            let added = self.connection.write_directly(|reader| reader.insert_all([row]))?;
            if let Some(added) = added {
                return Ok(added);
            }
        }
        let metadata = history.metadata.clone();
        self.write(HistoryAdd { booking, from, to, changed_by, changed_at, reason, metadata })
    }
}
