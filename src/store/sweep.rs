//! Holds whose time is over.

use pgrx::pg_sys;

use super::Store;
use super::plan::Connection;
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::auto_assign;
use crate::rules::failure::Failure;
use crate::rules::outbox::Event;
use crate::rules::window::Instant;

statement!(SCHEMAS_ATTACHED, "schemas_attached", []);
statement!(AUTO_ASSIGN_DUE, "auto_assign_due", [TIMESTAMPTZOID, TEXTARRAYOID, TIMESTAMPTZOID, INT4OID]);
statement!(HOLDS_OVERDUE, "holds_overdue", [TIMESTAMPTZOID, INT4OID]);
statement!(
    HOLDS_EXPIRE,
    "holds_expire",
    [UUIDARRAYOID, UUIDARRAYOID, TIMESTAMPTZOID, TEXTOID, TEXTARRAYOID, UUIDARRAYOID, UUIDARRAYOID, JSONBARRAYOID]
);

/// An open hold past its deadline, locked together with its mirrors.
pub struct Overdue {
    pub hold: Id,
    pub booking: Option<Id>,
    pub restaurant: Id,
    pub mirrors: Vec<Id>,
}

/// A schema that holdfast is bound to.
pub struct AttachedSchema {
    pub oid: pg_sys::Oid,
    pub name: String,
    /// Of its bookings: whatever is done there is done with their rights.
    pub owner: pg_sys::Oid,
}

/// Every attached schema of this database; none where the extension is not installed.
pub fn attached_schemas() -> Result<Vec<AttachedSchema>, Failure> {
    Connection::open().query(SCHEMAS_ATTACHED.text, |row| AttachedSchema {
        oid: row.label(1).unwrap_or(pg_sys::InvalidOid),
        name: row.text(2).unwrap_or_default(),
        owner: row.label(3).unwrap_or(pg_sys::InvalidOid),
    })
}

impl Store {
    /// A booking whose automatic attempt is to be made again, and its hold. Takes no lock.
    pub fn auto_assign_due(&self, now: Instant) -> Result<Option<(Id, Id)>, Failure> {
        let arguments = [
            row::instant(now),
            row::texts(auto_assign::retryable()),
            row::instant(now.after_seconds(-auto_assign::RETRY_PAUSE_SECONDS)),
            row::number(auto_assign::RETRIES),
        ];
        let found = self.run(&AUTO_ASSIGN_DUE, &arguments, |row| row.id(1).zip(row.id(2)))?;
        Ok(found.into_iter().next().flatten())
    }

    /// Locks open holds past their deadline, at most a batch; what somebody has locked stays.
    pub fn holds_overdue(&self, now: Instant, batch: i32) -> Result<Vec<Overdue>, Failure> {
        self.run(&HOLDS_OVERDUE, &[row::instant(now), row::number(batch)], |row| Overdue {
            hold: row.id(1).unwrap_or_default(),
            booking: row.id(2),
            restaurant: row.id(3).unwrap_or_default(),
            mirrors: row.ids(4).unwrap_or_default(),
        })
    }

    /// Closes them, takes their mirrors away and tells others; the rows written: holds, mirrors, events.
    pub fn holds_expire(&self, overdue: &[Overdue], events: Vec<Event>, now: Instant) -> Result<Vec<i64>, Failure> {
        let nobody = Id::nil();
        let arguments = [
            row::ids(overdue.iter().map(|due| &due.hold)),
            row::ids(overdue.iter().flat_map(|due| &due.mirrors)),
            row::instant(now),
            row::optional_text(events.first().map(|event| event.event_type)),
            row::texts(events.iter().map(|event| event.dedupe_key.as_str())),
            row::ids(overdue.iter().map(|due| &due.restaurant)),
            row::ids(overdue.iter().map(|due| due.booking.as_ref().unwrap_or(&nobody))),
            row::jsons(events.into_iter().map(|event| event.payload).collect()),
        ];
        let counts = self.run(&HOLDS_EXPIRE, &arguments, |row| row.numbers(1))?;
        Ok(counts.into_iter().next().unwrap_or_default())
    }
}
