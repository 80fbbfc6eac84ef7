//! Holds: taken, locked, closed.

use std::collections::BTreeMap;

use super::Store;
use super::row::{self, Row};
use super::statement::{Statement, statement};
use crate::rules::Id;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::hold::request::HoldRequest;
use crate::rules::hold::{Hold, HoldEnd, HoldEnding, HoldPolicy, TTL_MAX_SECONDS};
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;

statement!(HOLDS_LOCK, "holds_lock" locks "holds", [UUIDOID, UUIDOID]);
statement!(HOLDS_READ, "holds_read" reads "holds", [UUIDOID, UUIDOID]);
statement!(HOLD_READ, "hold_read", [UUIDOID]);
statement!(
    HOLD_TAKE,
    "hold_take",
    [
        UUIDOID,
        UUIDOID,
        UUIDOID,
        UUIDOID,
        UUIDARRAYOID,
        TIMESTAMPTZOID,
        TIMESTAMPTZOID,
        TIMESTAMPTZOID,
        UUIDOID,
        JSONBOID,
        BOOLOID
    ]
);
statement!(HOLD_EXTEND, "hold_extend", [UUIDOID, TIMESTAMPTZOID]);
statement!(HOLDS_OWN, "holds_own", [UUIDOID, UUIDOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID]);
statement!(
    HOLDS_OVERDUE_ON,
    "holds_overdue_on",
    [TIMESTAMPTZOID, UUIDOID, UUIDARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID]
);
statement!(HOLDS_END, "holds_end", [UUIDARRAYOID, UUIDARRAYOID, TEXTARRAYOID, TIMESTAMPTZOID]);
statement!(HOLD_ENDED_READ, "hold_ended_read", [UUIDOID]);
statement!(ENDED_HOLDS_PRUNE, "ended_holds_prune", [TIMESTAMPTZOID, INT4OID]);
statement!(HOLD_POLICY_READ, "hold_policy_read", []);
statement!(HOLD_POLICY_WRITE, "hold_policy_write", [TEXTOID, BOOLOID, BOOLOID]);

/// The feature of a schema in which attach wrote down how holds end.
const ENDED_HOLDS: &str = "ended_holds";

/// What a hold stands for; the window is None when it is unusable.
pub struct HeldTables {
    pub window: Option<Window>,
    pub tables: Vec<Id>,
}

fn read(row: &Row) -> Hold {
    Hold {
        id: row.id(1).unwrap_or_default(),
        booking: row.id(2),
        restaurant: row.id(3).unwrap_or_default(),
        start: row.instant(4),
        end: row.instant(5),
        expires_at: row.instant(6).unwrap_or(Instant::NEVER),
        status: row.text(7).unwrap_or_default(),
        metadata: row.json(8).unwrap_or_default(),
        members: Vec::new(),
    }
}

/// A hold to be taken.
pub struct NewHold<'a> {
    pub id: Id,
    pub booking: Option<Id>,
    pub restaurant: Id,
    pub zone: Option<Id>,
    pub tables: &'a [Id],
    pub window: Window,
    pub expires_at: Instant,
    pub created_by: Option<Id>,
    pub metadata: Json,
    /// Is its mirror ours to write?
    pub mirrored: bool,
}

impl Store {
    /// Locks the named hold and the live holds of the booking, by id.
    pub fn holds_lock(&self, booking: Option<Id>, hold: Option<Id>) -> Result<BTreeMap<Id, Hold>, Failure> {
        self.holds(&HOLDS_LOCK, booking, hold)
    }

    /// The same, without a lock.
    pub fn holds_read(&self, booking: Option<Id>, hold: Option<Id>) -> Result<BTreeMap<Id, Hold>, Failure> {
        self.holds(&HOLDS_READ, booking, hold)
    }

    fn holds(
        &self,
        statement: &'static Statement,
        booking: Option<Id>,
        hold: Option<Id>,
    ) -> Result<BTreeMap<Id, Hold>, Failure> {
        let rows = self.run(statement, &[row::optional_id(booking), row::optional_id(hold)], read)?;
        let mut found: BTreeMap<Id, Hold> = rows.into_iter().map(|hold| (hold.id, hold)).collect();
        // Deleted when it ended: what became of it makes the same answers as a row that was closed.
        if let Some(id) = hold.filter(|id| !found.contains_key(id) && self.attachment.has(ENDED_HOLDS)) {
            let ended = self.run(&HOLD_ENDED_READ, &[row::id(id)], read)?;
            found.extend(ended.into_iter().map(|hold| (hold.id, hold)));
        }
        Ok(found)
    }

    /// The window and the tables of a hold, without a lock.
    pub fn hold_read(&self, hold: Id) -> Result<Option<HeldTables>, Failure> {
        let rows = self.run(&HOLD_READ, &[row::id(hold)], |row| HeldTables {
            window: row.window(1, 2),
            tables: row.ids(3).unwrap_or_default(),
        })?;
        Ok(rows.into_iter().next())
    }

    /// Takes a hold with its members and its mirror; the rows written.
    pub fn hold_take(&self, hold: NewHold) -> Result<Vec<i64>, Failure> {
        let arguments = [
            row::id(hold.id),
            row::optional_id(hold.booking),
            row::id(hold.restaurant),
            row::optional_id(hold.zone),
            row::ids(hold.tables),
            row::instant(hold.window.start()),
            row::instant(hold.window.end()),
            row::instant(hold.expires_at),
            row::optional_id(hold.created_by),
            row::json(hold.metadata),
            row::flag(hold.mirrored),
        ];
        let rows = self.run(&HOLD_TAKE, &arguments, |row| row.numbers(1))?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// Locks the open holds of whoever asks, with their tables. Judged by what the locked row says.
    pub fn holds_own(&self, request: &HoldRequest) -> Result<Vec<Hold>, Failure> {
        let window = request.window;
        let arguments = [
            row::optional_id(request.booking),
            row::optional_id(request.created_by),
            row::optional_id(request.tables.first().copied()),
            row::optional_instant(window.map(Window::start)),
            row::optional_instant(window.map(Window::end)),
        ];
        let rows = self.run(&HOLDS_OWN, &arguments, |row| {
            let taker = row.id(9);
            (Hold { members: row.ids(10).unwrap_or_default(), ..read(row) }, taker)
        })?;
        let own = |(hold, taker): &(Hold, Option<Id>)| {
            let by_taker = request.booking.is_some() || *taker == request.created_by;
            hold.status == "active" && hold.booking == request.booking && by_taker
        };
        Ok(rows.into_iter().filter(own).map(|(hold, _)| hold).collect())
    }

    /// Locks open holds on the tables that are over, but for those that somebody has locked.
    pub fn holds_overdue_on(
        &self,
        restaurant: Id,
        tables: &[Id],
        window: Window,
        now: Instant,
    ) -> Result<Vec<HoldEnding>, Failure> {
        let arguments = [
            row::instant(now),
            row::id(restaurant),
            row::ids(tables),
            row::instant(window.start()),
            row::instant(window.end()),
        ];
        self.run(&HOLDS_OVERDUE_ON, &arguments, |row| HoldEnding {
            hold: row.id(1).unwrap_or_default(),
            booking: row.id(2),
            restaurant: row.id(3).unwrap_or_default(),
            end: HoldEnd::Expired,
        })
    }

    /// Gives a locked hold a later deadline; the rows written.
    pub fn hold_extend(&self, hold: Id, expires_at: Instant) -> Result<i64, Failure> {
        let rows = self.run(&HOLD_EXTEND, &[row::id(hold), row::instant(expires_at)], |_| ())?;
        Ok(rows.len() as i64)
    }

    /// Ends holds that are locked and takes their mirrors away; the rows written: holds, mirrors.
    pub fn holds_end(&self, endings: &[HoldEnding], now: Instant) -> Result<Vec<i64>, Failure> {
        let nobody = Id::nil();
        let arguments = [
            row::ids(endings.iter().map(|ending| &ending.hold)),
            row::ids(endings.iter().map(|ending| ending.booking.as_ref().unwrap_or(&nobody))),
            row::texts(endings.iter().map(|ending| ending.end.label())),
            row::instant(now),
        ];
        let counts = self.run(&HOLDS_END, &arguments, |row| row.numbers(1))?;
        Ok(counts.into_iter().next().unwrap_or_default())
    }

    /// Forgets what became of holds that ended before the cutoff; how many.
    pub fn ended_holds_prune(&self, cutoff: Instant, batch: i32) -> Result<i64, Failure> {
        if !self.attachment.has(ENDED_HOLDS) {
            return Ok(0);
        }
        let counts = self.run(&ENDED_HOLDS_PRUNE, &[row::instant(cutoff), row::number(batch)], |row| row.count(1))?;
        Ok(counts.into_iter().next().unwrap_or_default())
    }

    /// How holds are taken and how they end, as attach found it or the owner says.
    pub fn hold_policy(&self) -> Result<HoldPolicy, Failure> {
        Ok(self.hold_policy_found()?.unwrap_or_default())
    }

    /// The same; None: nobody wrote anything down.
    pub fn hold_policy_found(&self) -> Result<Option<HoldPolicy>, Failure> {
        if !self.attachment.has(ENDED_HOLDS) {
            return Ok(None);
        }
        let rows = self.run(&HOLD_POLICY_READ, &[], |row| HoldPolicy {
            deletes: row.text(1).as_deref() == Some("delete"),
            mirrors: row.flag(2),
            to_window_end: row.flag(3),
            longest_seconds: row.number(4).unwrap_or(TTL_MAX_SECONDS),
        })?;
        Ok(rows.into_iter().next())
    }

    /// Writes down what the application does, unless something stands there already.
    pub fn hold_policy_write(&self, policy: HoldPolicy) -> Result<(), Failure> {
        let ending = if policy.deletes { "delete" } else { "close" };
        let arguments = [row::text(ending), row::flag(policy.mirrors), row::flag(policy.to_window_end)];
        self.run(&HOLD_POLICY_WRITE, &arguments, |_| ()).map(drop)
    }

    /// Does this schema remember how far its commits were looked at again?
    pub fn has_verified(&self) -> bool {
        !self.attachment.lacks("holdfast_commit_scan")
    }
}
