//! Keys beside the ledger: those that bookings carry, the indexes that find them, and forgetting.

use pgrx::pg_sys;

use super::Store;
use super::columns::{CountsRow, columns};
use super::parameter::{self, Texts};
use super::row::EnumValue;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::index::for_keys::FoundIndex;
use crate::rules::index::needed::for_keys;
use crate::rules::refusal::failure::Failure;

columns!(KeyedRow {
    id: Id,
    restaurant_id: Id,
    status: Option<EnumValue>,
    start_at: Option<Instant>,
    end_at: Option<Instant>,
});
statement!("booking_by_key", BookingByKey<'a> { key: &'a str } -> KeyedRow);
columns!(ConflictRow { finding: String, id: Option<Id>, idempotency_key: Option<String>, detail: Option<String> });
statement!("idempotency_conflicts", IdempotencyConflicts {} -> ConflictRow);
columns!(IndexRow {
    table: String,
    name: String,
    column: Option<String>,
    columns: i32,
    predicate: Option<String>,
    valid: bool,
    partitioned: bool,
});
statement!("indexes_found", IndexesFound { schema: pg_sys::Oid, tables: Texts } -> IndexRow);
statement!("attempts_prune", AttemptsPrune { cutoff: Instant, batch: i32 } -> CountsRow);
statement!("ledger_prune", LedgerPrune { cutoff: Instant, batch: i32 } -> CountsRow);

/// A booking that carries a key.
pub struct Keyed {
    pub booking: Id,
    pub restaurant: Id,
    /// The enum's value.
    pub status: pg_sys::Oid,
    pub start: Option<Instant>,
    pub end: Option<Instant>,
}

/// A key that will not do what its booking expects of it.
pub struct Conflict {
    pub finding: String,
    pub booking: Option<Id>,
    pub key: Option<String>,
    pub detail: Option<String>,
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    pub answers: i64,
    pub bookings: i64,
}

impl Store {
    pub fn booking_by_key(&self, key: &str) -> Result<Vec<Keyed>, Failure> {
        self.run(BookingByKey { key }, |row| Keyed {
            booking: row.id(),
            restaurant: row.restaurant_id(),
            status: row.status().map_or(pg_sys::InvalidOid, |value| value.0),
            start: row.start_at(),
            end: row.end_at(),
        })
    }

    pub fn idempotency_conflicts(&self) -> Result<Vec<Conflict>, Failure> {
        self.run(IdempotencyConflicts {}, |row| Conflict {
            finding: row.finding(),
            booking: row.id(),
            key: row.idempotency_key(),
            detail: row.detail(),
        })
    }

    /// The indexes of the tables that the wanted ones belong to.
    pub fn indexes_found(&self) -> Result<Vec<FoundIndex>, Failure> {
        let tables = parameter::texts(for_keys().map(|wanted| wanted.table));
        self.run(IndexesFound { schema: self.attachment.oid, tables }, |row| FoundIndex {
            table: row.table(),
            name: row.name(),
            column: row.column(),
            columns: row.columns(),
            predicate: row.predicate(),
            valid: row.valid(),
            partitioned: row.partitioned(),
        })
    }

    /// Forgets attempts that ended before the cutoff, at most a batch of them.
    pub fn attempts_prune(&self, cutoff: Instant, batch: i32) -> Result<i64, Failure> {
        let counts = self.run(AttemptsPrune { cutoff, batch }, |row| row.counts())?;
        Ok(counts.first().and_then(|counts| counts.first()).copied().unwrap_or_default())
    }

    /// Forgets answers from before the cutoff, at most a batch of them; what somebody has locked stays.
    pub fn ledger_prune(&self, cutoff: Instant, batch: i32) -> Result<Pruned, Failure> {
        let counts = self.run(LedgerPrune { cutoff, batch }, |row| row.counts())?;
        let count = |at: usize| counts.first().and_then(|counts| counts.get(at)).copied().unwrap_or_default();
        Ok(Pruned { answers: count(0), bookings: count(1) })
    }
}
