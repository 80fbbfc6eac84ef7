//! What upkeep reads and writes: what is due in a schema, holds past their deadline, and rows past their retention.

use std::collections::HashMap;

use pgrx::pg_sys;

use super::columns::columns;
use super::parameter::{self, Parameters, Texts};
use super::plan::Connection;
use super::row::Row;
use super::statement::statement;
use super::{Store, registry};
use crate::rules::Id;
use crate::rules::attempt::auto_assign;
use crate::rules::booking::window::Instant;
use crate::rules::hold::{HoldEnd, HoldEnding};
use crate::rules::refusal::failure::Failure;
use crate::rules::upkeep::agenda::Agenda;

columns!(AttachedRow { oid: pg_sys::Oid, name: String, owner: pg_sys::Oid });
columns!(WatchedRow { schema: pg_sys::Oid, relation: pg_sys::Oid });
statement!("schemas_attached", SchemasAttached {} -> AttachedRow);
statement!("tables_watched", TablesWatched {} -> WatchedRow);
statement!("subscription_fills", SubscriptionFills { schema: pg_sys::Oid });
statement!("holds_prune", HoldsPrune { cutoff: Instant, batch: i32 });
statement!("marks_prune", MarksPrune { batch: i32 });
columns!(UrgentRow { retry: Option<Instant>, notify: Option<Instant> });
statement!("agenda_urgent", AgendaUrgent { now: Instant, retryable: Texts, pause_seconds: i32, retries: i32 } -> UrgentRow);
columns!(AgesRow {
    ledger: Option<Instant>,
    attempts: Option<Instant>,
    ended_holds: Option<Instant>,
    outbox: Option<Instant>,
});
statement!("agenda_ages", AgendaAges {} -> AgesRow);
columns!(NextHoldRow { due_at: Option<Instant> });
statement!("hold_next", HoldNext { now: Instant } -> NextHoldRow);
columns!(ScansRow {
    commits: Option<Instant>,
    live: Option<Instant>,
    has_live: bool,
    batch: Option<Instant>,
    passed: Option<Instant>,
});
statement!("agenda_scans", AgendaScans { now: Instant } -> ScansRow);
columns!(DueRow { booking_id: Option<Id>, hold_id: Option<Id> });
statement!(
    "auto_assign_due",
    AutoAssignDue {
        now: Instant,
        retryable: Texts,
        paused_since: Instant,
        retries: i32,
    } -> DueRow
);
columns!(OverdueHoldRow { id: Id, booking_id: Option<Id>, restaurant_id: Id, mirrors: Vec<Id> });
statement!("holds_overdue", HoldsOverdue { now: Instant, batch: i32 } -> OverdueHoldRow);

/// An open hold past its deadline, locked together with its mirrors.
pub struct Overdue {
    pub hold: Id,
    pub booking: Option<Id>,
    pub restaurant: Id,
    pub mirrors: Vec<Id>,
}

impl Overdue {
    #[must_use]
    pub fn ending(&self) -> HoldEnding {
        let Overdue { hold, booking, restaurant, .. } = *self;
        HoldEnding { hold, booking, restaurant, end: HoldEnd::Expired }
    }
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
    let connection = Connection::open();
    let read = |row: &Row<AttachedRow>| AttachedSchema { oid: row.oid(), name: row.name(), owner: row.owner() };
    Ok(registry::as_owner(|| connection.query(SchemasAttached::STATEMENT.text, read))?.unwrap_or_default())
}

/// The tables of each schema, by number, whose changes the server is asked for; 0 where it does not count them.
pub fn watched_tables() -> Result<HashMap<u32, Vec<u32>>, Failure> {
    let numbers = |row: &Row<WatchedRow>| (row.schema().to_u32(), row.relation().to_u32());
    let rows = Connection::open().query(TablesWatched::STATEMENT.text, numbers)?;
    let mut tables: HashMap<u32, Vec<u32>> = HashMap::new();
    for (schema, table) in rows {
        tables.entry(schema).or_default().push(table);
    }
    Ok(tables)
}

/// How far the scans of a schema have come.
pub struct Scans {
    /// Until then those of commits and of live bookings are throttled.
    pub commits: Instant,
    pub live: Instant,
    pub has_live: bool,
    /// When the next batch of the pass over all bookings is due, if there are any; when the last whole pass began.
    pub batch: Option<Instant>,
    pub passed: Option<Instant>,
}

impl Store {
    /// Are tables of this schema filled from another server, whose worker does there what is to be done?
    pub fn is_subscriber(&self) -> Result<bool, Failure> {
        Ok(!self.run(SubscriptionFills { schema: self.attachment.oid }, |_| ())?.is_empty())
    }

    /// From what instant on somebody waits for something.
    pub fn agenda_urgent(&self, now: Instant) -> Result<Agenda, Failure> {
        let parameters = AgendaUrgent {
            now,
            retryable: parameter::texts(auto_assign::retryable()),
            pause_seconds: auto_assign::RETRY_PAUSE_SECONDS as i32,
            retries: auto_assign::RETRIES,
        };
        let rows =
            self.run(parameters, |row| Agenda { retry: row.retry(), notify: row.notify(), ..Agenda::default() })?;
        let found = rows.into_iter().next().unwrap_or_default();
        Ok(Agenda { expire: self.hold_next(now)?, ..found })
    }

    /// Ages of what is kept, as they are found, beside what somebody waits for.
    pub fn agenda_ages(&self, urgent: Agenda) -> Result<Agenda, Failure> {
        let rows = self.run(AgendaAges {}, |row| Agenda {
            ledger: row.ledger(),
            attempts: row.attempts(),
            ended_holds: row.ended_holds(),
            outbox: row.outbox(),
            ..urgent
        })?;
        Ok(rows.into_iter().next().unwrap_or(urgent))
    }

    pub fn agenda_scans(&self, now: Instant) -> Result<Option<Scans>, Failure> {
        let rows = self.run(AgendaScans { now }, |row| Scans {
            commits: row.commits().unwrap_or(Instant::NEVER),
            live: row.live().unwrap_or(Instant::NEVER),
            has_live: row.has_live(),
            batch: row.batch(),
            passed: row.passed(),
        })?;
        Ok(rows.into_iter().next())
    }

    /// When the next open hold runs out, or the quarantine of one ends.
    pub fn hold_next(&self, now: Instant) -> Result<Option<Instant>, Failure> {
        let rows = self.run(HoldNext { now }, |row| row.due_at())?;
        Ok(rows.into_iter().next().flatten())
    }

    /// Deletes closed holds whose deadline passed before the cutoff, at most a batch.
    pub fn holds_prune(&self, cutoff: Instant, batch: i32) -> Result<i64, Failure> {
        Ok(self.run(HoldsPrune { cutoff, batch }, |_| ())?.len() as i64)
    }

    /// Deletes marks of pruned answers whose bookings are gone, at most a batch.
    pub fn marks_prune(&self, batch: i32) -> Result<i64, Failure> {
        if !self.attachment.has("pruned") {
            return Ok(0);
        }
        Ok(self.run(MarksPrune { batch }, |_| ())?.len() as i64)
    }

    /// A booking whose automatic attempt is to be made again, and its hold. Takes no lock.
    pub fn auto_assign_due(&self, now: Instant) -> Result<Option<(Id, Id)>, Failure> {
        let parameters = AutoAssignDue {
            now,
            retryable: parameter::texts(auto_assign::retryable()),
            paused_since: now.after_seconds(-auto_assign::RETRY_PAUSE_SECONDS),
            retries: auto_assign::RETRIES,
        };
        let found = self.run(parameters, |row| row.booking_id().zip(row.hold_id()))?;
        Ok(found.into_iter().next().flatten())
    }

    /// Locks open holds past their deadline, at most a batch; what somebody has locked stays.
    pub fn holds_overdue(&self, now: Instant, batch: i32) -> Result<Vec<Overdue>, Failure> {
        self.run(HoldsOverdue { now, batch }, |row| Overdue {
            hold: row.id(),
            booking: row.booking_id(),
            restaurant: row.restaurant_id(),
            mirrors: row.mirrors(),
        })
    }
}
