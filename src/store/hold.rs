//! Holds: taken, locked, closed.

use std::collections::BTreeMap;

use super::Store;
use super::row;
use super::statement::{Statement, statement};
use crate::rules::Id;
use crate::rules::failure::Failure;
use crate::rules::hold::{Hold, HoldEnd};
use crate::rules::json::Json;
use crate::rules::window::{Instant, Window};

statement!(HOLD_LOCK, "hold_lock", [UUIDOID, UUIDOID]);
statement!(HOLD_LOOK, "hold_look", [UUIDOID, UUIDOID]);
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
        JSONBOID
    ]
);
statement!(HOLD_CLOSE, "hold_close", [UUIDOID, TEXTOID, UUIDOID]);

/// What a hold stands for; the window is None when it is unusable.
pub struct HeldTables {
    pub window: Option<Window>,
    pub tables: Vec<Id>,
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
}

impl Store {
    /// Locks the named hold and the live holds of the booking, by id.
    pub fn hold_lock(&self, booking: Option<Id>, hold: Option<Id>) -> Result<BTreeMap<Id, Hold>, Failure> {
        self.holds(&HOLD_LOCK, booking, hold)
    }

    /// The same, without a lock.
    pub fn hold_look(&self, booking: Option<Id>, hold: Option<Id>) -> Result<BTreeMap<Id, Hold>, Failure> {
        self.holds(&HOLD_LOOK, booking, hold)
    }

    fn holds(
        &self,
        statement: &'static Statement,
        booking: Option<Id>,
        hold: Option<Id>,
    ) -> Result<BTreeMap<Id, Hold>, Failure> {
        let rows = self.run(statement, &[row::optional_id(booking), row::optional_id(hold)], |row| {
            let id = row.id(1).unwrap_or_default();
            let hold = Hold {
                id,
                booking: row.id(2),
                restaurant: row.id(3).unwrap_or_default(),
                start: row.instant(4),
                end: row.instant(5),
                expires_at: row.instant(6).unwrap_or(Instant::NEVER),
                status: row.text(7).unwrap_or_default(),
                metadata: row.json(8).unwrap_or_default(),
                members: Vec::new(),
            };
            (id, hold)
        })?;
        Ok(rows.into_iter().collect())
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
        ];
        let rows = self.run(&HOLD_TAKE, &arguments, |row| row.numbers(1))?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// Closes a hold and takes its mirror away; the rows closed.
    pub fn hold_close(&self, hold: &Hold, end: HoldEnd) -> Result<Vec<i64>, Failure> {
        let arguments = [row::id(hold.id), row::text(end.label()), row::optional_id(hold.booking)];
        let rows = self.run(&HOLD_CLOSE, &arguments, |row| row.numbers(1))?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// Does this schema remember how far its commits were looked at again?
    pub fn has_verified(&self) -> bool {
        !self.attachment.lacks("holdfast_commit_scan")
    }
}
