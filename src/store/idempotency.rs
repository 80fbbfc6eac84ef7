//! Keys beside the ledger: those that bookings carry, the indexes that find them, and forgetting.

use pgrx::pg_sys;

use super::Store;
use super::parameter::{self, Texts};
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::index::for_keys::FoundIndex;
use crate::rules::index::needed::for_keys;
use crate::rules::refusal::failure::Failure;

statement!("booking_by_key", BookingByKey<'a> { key: &'a str });
statement!("idempotency_conflicts", IdempotencyConflicts {});
statement!("indexes_found", IndexesFound { schema: pg_sys::Oid, tables: Texts });
statement!("attempts_prune", AttemptsPrune { cutoff: Instant, batch: i32 });
statement!("ledger_prune", LedgerPrune { cutoff: Instant, batch: i32 });

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
            booking: row.id(1).unwrap_or_default(),
            restaurant: row.id(2).unwrap_or_default(),
            status: row.label(3).unwrap_or(pg_sys::InvalidOid),
            start: row.instant(4),
            end: row.instant(5),
        })
    }

    pub fn idempotency_conflicts(&self) -> Result<Vec<Conflict>, Failure> {
        self.run(IdempotencyConflicts {}, |row| Conflict {
            finding: row.text(1).unwrap_or_default(),
            booking: row.id(2),
            key: row.text(3),
            detail: row.text(4),
        })
    }

    /// The indexes of the tables that the wanted ones belong to.
    pub fn indexes_found(&self) -> Result<Vec<FoundIndex>, Failure> {
        let tables = parameter::texts(for_keys().map(|wanted| wanted.table));
        self.run(IndexesFound { schema: self.attachment.oid, tables }, |row| FoundIndex {
            table: row.text(1).unwrap_or_default(),
            name: row.text(2).unwrap_or_default(),
            column: row.text(3),
            columns: row.number(4).unwrap_or_default(),
            predicate: row.text(5),
            valid: row.flag(6),
            partitioned: row.flag(7),
        })
    }

    /// Forgets attempts that ended before the cutoff, at most a batch of them.
    pub fn attempts_prune(&self, cutoff: Instant, batch: i32) -> Result<i64, Failure> {
        let counts = self.run(AttemptsPrune { cutoff, batch }, |row| row.numbers(1))?;
        Ok(counts.first().and_then(|counts| counts.first()).copied().unwrap_or_default())
    }

    /// Forgets answers from before the cutoff, at most a batch of them; what somebody has locked stays.
    pub fn ledger_prune(&self, cutoff: Instant, batch: i32) -> Result<Pruned, Failure> {
        let counts = self.run(LedgerPrune { cutoff, batch }, |row| row.numbers(1))?;
        let count = |at: usize| counts.first().and_then(|counts| counts.get(at)).copied().unwrap_or_default();
        Ok(Pruned { answers: count(0), bookings: count(1) })
    }
}
