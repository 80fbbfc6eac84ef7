//! What shadow mode looks at, without a lock, and what it writes down.

use serde_json::Value;

use super::Store;
use super::attachment::DISAGREEMENTS;
use super::columns::columns;
use super::guard::SnapshotMode;
use super::parameter::{self, Jsons};
use super::row;
use super::statement::statement;
use super::time_limit::Ended;
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::json::Json;
use crate::rules::refusal;
use crate::rules::refusal::failure::Failure;
use crate::rules::rollout::shadow::BookingAfter;

columns!(LeftRow { status: String, tables: Vec<Id>, open_holds: Vec<Id> });
statement!("booking_left", BookingLeft { booking: Id } -> LeftRow);
columns!(SessionRow { session: Option<Json>, shows_other_time: bool });
statement!("session_read", SessionRead {} -> SessionRow);
statement!("disagreements_keep", DisagreementsKeep { records: Jsons });
statement!("disagreements_prune", DisagreementsPrune { before: Instant, batch: i32 });
columns!(OldestRow { called_at: Option<Instant> });
statement!("disagreements_oldest", DisagreementsOldest {} -> OldestRow);
columns!(SeenRow {
    fault: Option<String>,
    count: i32,
    first_at: Option<Instant>,
    last_at: Option<Instant>,
    example: Option<Json>,
});
statement!("disagreements_seen", DisagreementsSeen {} -> SeenRow);

/// How often a fault was seen in disagreements; no fault: other ones.
pub struct Seen {
    pub fault: Option<String>,
    pub count: i32,
    pub first: Option<Instant>,
    pub last: Option<Instant>,
    pub example: Option<Json>,
}

impl Store {
    /// Runs the work so that an error of it leaves the transaction as it was: in a subtransaction, which takes no
    /// transaction id unless something is written in it. It sees what a function that the transaction calls sees.
    pub fn harmlessly<T>(&self, work: impl FnOnce(&Store) -> Result<T, Failure>) -> Result<T, Failure> {
        let ended = self.connection.with_snapshot(SnapshotMode::Transaction, || self.within(Instant::FOREVER, work));
        match ended {
            Ended::Done(done) => Ok(done),
            Ended::Failed(failure) => Err(failure),
            Ended::TimedOut => Err(refusal::broken_invariant("Work without a limit", &[], &[]).into()),
        }
    }

    /// Runs the work as a call would, deferred constraints included, and takes it back: what would have come of it?
    pub fn tried(&self, work: impl FnOnce(&Store) -> Result<(), Failure>) -> Result<(), Failure> {
        self.connection.with_snapshot(SnapshotMode::Latest, || self.taken_back(|store| store.in_savepoint(work)))
    }

    pub fn booking_left(&self, booking: Id) -> Result<Option<BookingAfter>, Failure> {
        let rows = self.run(BookingLeft { booking }, |row| BookingAfter {
            status: row.status(),
            tables: row.tables().into_iter().collect(),
            open_holds: row.open_holds(),
        })?;
        Ok(rows.into_iter().next())
    }

    /// Who calls and how the session is set; does its clock show another time than UTC?
    pub fn session_read(&self) -> Result<(Value, bool), Failure> {
        let rows =
            self.run(SessionRead {}, |row| (row::parsed(row.session()).unwrap_or_default(), row.shows_other_time()))?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// Is there a table for them? A schema that an earlier release attached has none.
    pub fn has_disagreements(&self) -> bool {
        !self.attachment.lacks(DISAGREEMENTS)
    }

    pub fn disagreements_keep(&self, records: Vec<Value>) -> Result<i64, Failure> {
        Ok(self.run(DisagreementsKeep { records: parameter::jsons(records) }, |_| ())?.len() as i64)
    }

    pub fn disagreements_prune(&self, before: Instant, batch: i32) -> Result<i64, Failure> {
        Ok(self.run(DisagreementsPrune { before, batch }, |_| ())?.len() as i64)
    }

    pub fn disagreements_oldest(&self) -> Result<Option<Instant>, Failure> {
        Ok(self.run(DisagreementsOldest {}, |row| row.called_at())?.into_iter().next().flatten())
    }

    pub fn disagreements_seen(&self) -> Result<Vec<Seen>, Failure> {
        self.run(DisagreementsSeen {}, |row| Seen {
            fault: row.fault(),
            count: row.count(),
            first: row.first_at(),
            last: row.last_at(),
            example: row.example(),
        })
    }
}
