//! Attempts: the locks by which a running one is seen, what they leave behind, and what is known of a key.

use pgrx::pg_sys;

use super::Store;
use super::columns::columns;
use super::parameter::{self, Texts};
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::attempt::auto_assign::{self, Initiator};
use crate::rules::attempt::orphaned::{Orphaned, later};
use crate::rules::attempt::phase::Phase;
use crate::rules::attempt::{self, AttemptEntry, Holder, KeyFacts, LastAttempt};
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::confirm::request::Request;
use crate::rules::hold::Hold;
use crate::rules::json::Json;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;

columns!(HolderRow { pid: Option<i32>, gid: Option<String> });
statement!(
    "attempt_holders",
    AttemptHolders {
        high: pg_sys::Oid,
        low: pg_sys::Oid,
        share_high: pg_sys::Oid,
        share_low: pg_sys::Oid,
        lockers: Texts,
    } -> HolderRow
);
columns!(LastRow {
    outcome: Option<String>,
    ended_at: Option<Instant>,
    detail: Option<Json>,
    transaction_id: Option<String>,
    forgotten: Option<Instant>,
});
statement!("attempt_last", AttemptLast<'a> { booking: Id, key: &'a str } -> LastRow);
columns!(AnswerRow {
    outcome: String,
    refusal: Option<Json>,
    table_ids: Vec<Id>,
    start_at: Option<Instant>,
    end_at: Option<Instant>,
    assignment_ids: Vec<Id>,
    merge_group_allocation_id: Option<Id>,
    transaction_id: Option<String>,
    created_at: Option<Instant>,
    undone_at: Option<Instant>,
});
statement!("ledger_read", LedgerRead<'a> { booking: Id, key: &'a str } -> AnswerRow);
statement!("ledger_fence", LedgerFence<'a> { booking: Id, key: &'a str, now: Instant, refusal: Option<Json> });
statement!("booking_lock_free", BookingLockFree { booking: Id });
columns!(LockedHoldRow {
    booking_id: Option<Id>,
    restaurant_id: Id,
    expires_at: Option<Instant>,
    status: String,
    of_booking: Option<Id>,
});
statement!("hold_lock_free", HoldLockFree { hold: Id, booking: Id } -> LockedHoldRow);
statement!("retry_pause", RetryPause { seconds: f64 });
statement!(
    "attempt_record_orphaned",
    AttemptRecordOrphaned<'a> {
        booking: Id,
        key: &'a str,
        hold: Option<Id>,
        trigger: Option<&'a str>,
        started: Instant,
        ended: Instant,
        outcome: &'a str,
        phase: &'a str,
        elapsed_ms: i32,
        pid: i32,
        detail: Json,
        transaction: Option<&'a str>,
        last_result: Option<Json>,
    }
);
columns!(RecordRow { id: Option<String>, restaurant_id: Option<Id> });
statement!(
    "attempt_record",
    AttemptRecord<'a> {
        booking: Id,
        key: Option<&'a str>,
        hold: Option<Id>,
        trigger: Option<&'a str>,
        started: Instant,
        ended: Instant,
        outcome: &'a str,
        phase: &'a str,
        elapsed_ms: i32,
        tries: i32,
        detail: Json,
    } -> RecordRow
);

/// How an attempt ended that did not confirm.
pub struct Ending<'a> {
    pub booking: Id,
    pub key: Option<&'a str>,
    pub hold: Option<Id>,
    pub trigger: Option<&'a str>,
    pub started: Instant,
    pub ended: Instant,
    pub outcome: Outcome,
    pub phase: Phase,
    pub elapsed_ms: i64,
    pub tries: i32,
    pub detail: serde_json::Value,
}

/// What is read of the words that an attempt left behind.
#[derive(serde::Deserialize)]
struct Detail {
    refusal: Option<Refusal>,
}

impl Store {
    /// Says to everybody that an attempt under the key is running, until the transaction ends.
    pub fn attempt_lock(&self, booking: Id, key: &str) {
        super::server::lock_shared(attempt::lock_number(self.number(), booking, key));
    }

    /// Is another transaction at work under the key? One that marks a share of the bookings is where it has this one locked.
    pub fn attempt_is_live(&self, booking: Id, key: &str) -> Result<bool, Failure> {
        if super::server::others_hold(attempt::lock_number(self.number(), booking, key)) {
            return Ok(true);
        }
        let of_share = super::server::others_hold(attempt::share_number(self.number(), booking));
        Ok(of_share && self.attempt_holder(booking, key)?.is_some_and(|holder| holder != Holder::default()))
    }

    /// Takes the booking's turn for an automatic attempt, until the transaction ends; false when another has it.
    pub fn turn_take(&self, booking: Id) -> bool {
        super::server::lock_if_free(attempt::turn_number(self.number(), booking))
    }

    /// Somebody else who is at work under the key: whoever marks the key itself, a prepared transaction first, or else whoever
    /// marks the booking's share and has the booking locked. Without a name: others have it locked, and behind them
    /// somebody may wait who marks the share.
    pub fn attempt_holder(&self, booking: Id, key: &str) -> Result<Option<Holder>, Failure> {
        let share = attempt::share_number(self.number(), booking);
        let lockers = if super::server::others_hold(share) { self.row_lockers(booking)? } else { Vec::new() };
        let lockers: Vec<String> = lockers.iter().map(u32::to_string).collect();
        let (high, low) = super::server::halves(attempt::lock_number(self.number(), booking, key));
        let (share_high, share_low) = super::server::halves(share);
        let lockers = parameter::texts(lockers.iter().map(String::as_str));
        let holders = self.run(AttemptHolders { high, low, share_high, share_low, lockers }, |row| Holder {
            pid: row.pid(),
            gid: row.gid(),
        })?;
        Ok(holders.into_iter().next())
    }

    /// Everything that is known of the key; None: there is no such booking. The locks are looked at before the
    /// ledger, each in a snapshot of its own: a lock goes after its commit can be seen, or its end was noted (`orphaned`);
    /// and a note goes after what it was written down as can be seen.
    pub fn attempt_known(
        &self,
        booking: Id,
        key: &str,
        orphaned: impl FnOnce(u32) -> Option<Orphaned>,
    ) -> Result<Option<KeyFacts>, Failure> {
        let holder = self.attempt_holder(booking, key)?;
        let orphaned = orphaned(self.number()).map(|note| note.last());
        let entry = self.ledger_read(booking, key)?;
        let found = self.run(AttemptLast { booking, key }, |row| {
            let refusal = row::parsed(row.detail()).and_then(|Detail { refusal }| refusal);
            let last = row.outcome().map(|outcome| LastAttempt {
                outcome,
                refusal,
                receipt: row.transaction_id().and_then(|text| text.parse().ok()),
                decided_at: row.ended_at(),
            });
            (last, row.forgotten())
        })?;
        let standby = super::server::is_standby();
        let known = found.into_iter().next();
        Ok(known.map(|(last, forgotten)| KeyFacts { holder, entry, last: later(last, orphaned), forgotten, standby }))
    }

    fn ledger_read(&self, booking: Id, key: &str) -> Result<Option<AttemptEntry>, Failure> {
        let rows = self.run(LedgerRead { booking, key }, |row| {
            let (tables, group) = (row.table_ids(), row.merge_group_allocation_id());
            let assignments =
                assignments(&row.assignment_ids(), &tables, row::window(row.start_at(), row.end_at()), group);
            AttemptEntry {
                outcome: row.outcome(),
                refusal: row::parsed(row.refusal()),
                assignments,
                receipt: row.transaction_id().and_then(|text| text.parse().ok()),
                decided_at: row.created_at(),
                undone_at: row.undone_at(),
            }
        })?;
        Ok(rows.into_iter().next())
    }

    /// Plants a tombstone; false when an answer is there already.
    pub fn ledger_fence(&self, booking: Id, key: &str, refusal: &Refusal, now: Instant) -> Result<bool, Failure> {
        let refusal = serde_json::to_value(refusal).ok().map(Into::into);
        Ok(!self.run(LedgerFence { booking, key, now, refusal }, |_| ())?.is_empty())
    }

    /// Locks the booking unless somebody else has it.
    pub fn booking_lock_free(&self, booking: Id) -> Result<bool, Failure> {
        Ok(!self.run(BookingLockFree { booking }, |_| ())?.is_empty())
    }

    /// Locks a hold unless somebody else has it; with the restaurant of the booking.
    pub fn hold_lock_free(&self, hold: Id, booking: Id) -> Result<Option<(Hold, Option<Id>)>, Failure> {
        let rows = self.run(HoldLockFree { hold, booking }, |row| {
            let found = Hold {
                id: hold,
                booking: row.booking_id(),
                restaurant: row.restaurant_id(),
                start: None,
                end: None,
                expires_at: row.expires_at().unwrap_or(Instant::NEVER),
                status: row.status(),
                metadata: Json::default(),
                members: Vec::new(),
            };
            (found, row.of_booking())
        })?;
        Ok(rows.into_iter().next())
    }

    /// Writes down how an attempt ended; the number of the record, and the restaurant of its booking, if there is one.
    pub fn attempt_record(&self, ending: Ending) -> Result<Option<(String, Id)>, Failure> {
        let number = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
        let parameters = AttemptRecord {
            booking: ending.booking,
            key: ending.key,
            hold: ending.hold,
            trigger: ending.trigger,
            started: ending.started,
            ended: ending.ended,
            outcome: ending.outcome.entry().name,
            phase: ending.phase.name(),
            elapsed_ms: number(ending.elapsed_ms),
            tries: ending.tries,
            detail: ending.detail.into(),
        };
        let rows = self.run(parameters, |row| row.id().zip(row.restaurant_id()))?;
        Ok(rows.into_iter().next().flatten())
    }

    /// Writes down an attempt that nobody was left to write down, once.
    pub fn attempt_record_orphaned(&self, orphaned: &Orphaned) -> Result<(), Failure> {
        let id = orphaned.attempt.unwrap_or_else(|| self.new_id());
        let ms = orphaned.started.ms_until(orphaned.ended);
        let result = orphaned.trigger.map(|trigger| auto_assign::last_result(Outcome::Failed, ms, id, trigger));
        let transaction = orphaned.transaction.map(|id| id.to_string());
        let parameters = AttemptRecordOrphaned {
            booking: orphaned.booking,
            key: &orphaned.key,
            hold: orphaned.hold,
            trigger: orphaned.trigger.map(Initiator::name),
            started: orphaned.started,
            ended: orphaned.ended,
            outcome: Outcome::Failed.entry().name,
            phase: orphaned.phase.name(),
            elapsed_ms: i32::try_from(ms).unwrap_or(i32::MAX),
            pid: orphaned.pid,
            detail: attempt::detail(&orphaned.refusal(), id, false).into(),
            transaction: transaction.as_deref(),
            last_result: result.map(Into::into),
        };
        self.run(parameters, |_| ())?;
        Ok(())
    }

    /// What is noted of an attempt at its beginning; None when it has no key.
    pub fn begun(&self, request: &Request, started: Instant) -> Option<Orphaned> {
        Some(Orphaned { schema: self.number(), ..Orphaned::begun(request, started)? })
    }

    /// The schema's number, wherever it stands for the schema.
    pub fn number(&self) -> u32 {
        self.attachment.oid.to_u32()
    }

    /// Waits before the next try; a cancel ends it.
    pub fn pause(&self, ms: i64) -> Result<(), Failure> {
        self.run(RetryPause { seconds: ms as f64 / 1000.0 }, |_| ())?;
        Ok(())
    }
}

/// The rows of an answer as they were given; without their ids, older code wrote it.
fn assignments(ids: &[Id], tables: &[Id], window: Option<Window>, merge_group: Option<Id>) -> Vec<Assignment> {
    let row = |(id, table): (&Id, &Id)| Assignment { id: *id, table: *table, window, merge_group };
    ids.iter().zip(tables).map(row).collect()
}
