//! Calls of the legacy functions: those that the application had before, as attach keeps them.

use std::cell::Cell;

use super::Store;
use super::booking::Landed;
use super::plan::Argument;
use super::row::{self, Row};
use super::statement::{Statement, statement};
use crate::rules::Id;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::request::History;
use crate::rules::confirm::request::{Arguments, Named};
use crate::rules::refusal::failure::Failure;
use crate::rules::rollout::{Function, Legacy, Rule};

statement!(BOOKING_RESTAURANT, "booking_restaurant", [UUIDOID]);
statement!(
    LEGACY_CALL_CONFIRM_BY_TABLES,
    "legacy_call_confirm_by_tables",
    [
        UUIDOID,
        UUIDARRAYOID,
        TEXTOID,
        BOOLOID,
        UUIDOID,
        TIMESTAMPTZOID,
        TIMESTAMPTZOID,
        TEXTOID,
        UUIDOID,
        TEXTOID,
        JSONBOID
    ]
);
statement!(
    LEGACY_CALL_CONFIRM_BY_HOLD,
    "legacy_call_confirm_by_hold",
    [
        UUIDOID,
        UUIDOID,
        TEXTOID,
        BOOLOID,
        UUIDOID,
        TIMESTAMPTZOID,
        TIMESTAMPTZOID,
        TEXTOID,
        TEXTOID,
        TEXTOID,
        TEXTOID,
        JSONBOID,
        UUIDOID
    ]
);
statement!(
    LEGACY_CALL_ATOMIC_CONFIRM,
    "legacy_call_atomic_confirm",
    [UUIDOID, UUIDOID, TEXTOID, UUIDOID, TEXTOID, JSONBOID, UUIDOID, TEXTOID]
);
statement!(
    LEGACY_CALL_ASSIGN,
    "legacy_call_assign",
    [UUIDOID, UUIDARRAYOID, TEXTOID, BOOLOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID]
);
statement!(LEGACY_CALL_ASSIGN_SINGLE, "legacy_call_assign_single", [UUIDOID, UUIDOID, UUIDOID, TEXTOID]);
statement!(LEGACY_CALL_ASSIGN_MERGED, "legacy_call_assign_merged", [UUIDOID, UUIDARRAYOID, BOOLOID, UUIDOID, TEXTOID]);
statement!(LEGACY_CALL_UNASSIGN, "legacy_call_unassign", [UUIDOID, UUIDARRAYOID]);
statement!(
    LEGACY_CALL_TRANSITION,
    "legacy_call_transition",
    [
        UUIDOID,
        TEXTOID,
        TIMESTAMPTZOID,
        TIMESTAMPTZOID,
        TIMESTAMPTZOID,
        TEXTOID,
        TEXTOID,
        UUIDOID,
        TIMESTAMPTZOID,
        TEXTOID,
        JSONBOID
    ]
);
statement!(LEGACY_CALL_RELEASE, "legacy_call_release", [UUIDOID, UUIDOID]);
statement!(LEGACY_CALL_REFRESH, "legacy_call_refresh", [UUIDOID]);

/// A status move as it was asked for.
pub struct GivenMove<'a> {
    pub booking: Option<Id>,
    pub to: Option<&'a str>,
    pub checked_in_at: Option<Instant>,
    pub checked_out_at: Option<Instant>,
    pub updated_at: Option<Instant>,
    pub changed_at: Option<Instant>,
    pub history_from: Option<&'a str>,
    pub history_to: Option<&'a str>,
    pub history: &'a History,
}

thread_local! {
    /// Originals that are running, one inside the other.
    static RUNNING: Cell<u32> = const { Cell::new(0) };
}

pub(super) struct Running;

impl Running {
    pub(super) fn begin() -> Running {
        RUNNING.set(RUNNING.get() + 1);
        Running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.set(RUNNING.get().saturating_sub(1));
    }
}

thread_local! {
    /// A rehearsal of ours runs.
    static ONLY_OURS: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, ours answers every call.
pub(super) struct OnlyOurs;

impl OnlyOurs {
    pub(super) fn begin() -> OnlyOurs {
        ONLY_OURS.set(true);
        OnlyOurs
    }
}

impl Drop for OnlyOurs {
    fn drop(&mut self) {
        ONLY_OURS.set(false);
    }
}

impl Store {
    /// Does ours answer, whatever the rollout says?
    pub fn only_ours(&self) -> bool {
        ONLY_OURS.get()
    }

    /// The rows of the owner; none: ours does everything.
    pub fn rollout(&self) -> &[Rule] {
        &self.attachment.rollout
    }

    /// Is there a legacy function to call instead?
    pub fn kept(&self, function: Function) -> Legacy {
        self.attachment.kept(function.name())
    }

    /// Is there any legacy function to call?
    pub fn keeps_any(&self) -> bool {
        !self.attachment.originals.is_empty()
    }

    /// Were we called by a function that we called?
    pub fn in_legacy(&self) -> bool {
        RUNNING.get() > 0
    }

    pub fn booking_restaurant(&self, booking: Id) -> Result<Option<Id>, Failure> {
        let rows = self.run(&BOOKING_RESTAURANT, &[row::id(booking)], |row| row.id(1))?;
        Ok(rows.into_iter().next().flatten())
    }

    /// Calls a kept function. One without a `search_path` of its own runs under the application's path, as every statement
    /// that calls one does.
    fn legacy<T>(
        &self,
        statement: &'static Statement,
        arguments: &[Argument],
        read: impl FnMut(&Row) -> T,
    ) -> Result<Vec<T>, Failure> {
        let _running = Running::begin();
        self.run(statement, arguments, read)
    }

    pub fn legacy_confirm(&self, function: Function, given: &Arguments) -> Result<Vec<Assignment>, Failure> {
        let (tables, hold): (Option<&[Option<Id>]>, Option<Id>) = match &given.named {
            Named::Tables(tables) => (tables.as_deref(), None),
            Named::Hold(hold) => (None, *hold),
        };
        let (booking, hold, tables) = (row::optional_id(given.booking), row::optional_id(hold), row::tables(tables));
        let key = row::optional_text(given.key.as_deref());
        let (adjacent, actor) = (row::optional_flag(given.require_adjacency), row::optional_id(given.actor));
        let (start, end) = (row::optional_instant(given.start), row::optional_instant(given.end));
        let target = row::optional_text(given.target.as_deref());
        let history = &given.history;
        let (by, reason) = (row::optional_id(history.changed_by), row::optional_text(history.reason.as_deref()));
        let metadata = row::optional_json(history.metadata.clone());
        let policy = row::optional_text(given.expectation.policy_version.as_deref());
        let hash = row::optional_text(given.expectation.adjacency_hash.as_deref());
        let one = match &given.named {
            Named::Tables(Some(tables)) => row::optional_id(tables.first().copied().flatten()),
            _ => None,
        };
        let rows = match function {
            Function::ConfirmByTables => self.legacy(
                &LEGACY_CALL_CONFIRM_BY_TABLES,
                &[booking, tables, key, adjacent, actor, start, end, target, by, reason, metadata],
                assignment,
            ),
            Function::ConfirmByHold => self.legacy(
                &LEGACY_CALL_CONFIRM_BY_HOLD,
                &[hold, booking, key, adjacent, actor, start, end, policy, hash, target, reason, metadata, by],
                assignment,
            ),
            Function::AtomicConfirm => self.legacy(
                &LEGACY_CALL_ATOMIC_CONFIRM,
                &[booking, hold, key, actor, reason, metadata, by, target],
                assignment,
            ),
            Function::AssignSingle => self.legacy(&LEGACY_CALL_ASSIGN_SINGLE, &[booking, one, actor, key], |_| None),
            Function::AssignMerged => {
                self.legacy(&LEGACY_CALL_ASSIGN_MERGED, &[booking, tables, adjacent, actor, key], |_| None)
            }
            _ => self.legacy(&LEGACY_CALL_ASSIGN, &[booking, tables, key, adjacent, actor, start, end], assignment),
        };
        Ok(rows?.into_iter().flatten().collect())
    }

    pub fn legacy_unassign(&self, booking: Option<Id>, tables: Option<&[Id]>) -> Result<Vec<Id>, Failure> {
        let arguments = [row::optional_id(booking), tables.and_then(row::ids)];
        let taken = self.legacy(&LEGACY_CALL_UNASSIGN, &arguments, |row| row.id(1))?;
        Ok(taken.into_iter().flatten().collect())
    }

    pub fn legacy_transition(&self, given: &GivenMove) -> Result<Landed, Failure> {
        let arguments = [
            row::optional_id(given.booking),
            row::optional_text(given.to),
            row::optional_instant(given.checked_in_at),
            row::optional_instant(given.checked_out_at),
            row::optional_instant(given.updated_at),
            row::optional_text(given.history_from),
            row::optional_text(given.history_to),
            row::optional_id(given.history.changed_by),
            row::optional_instant(given.changed_at),
            row::optional_text(given.history.reason.as_deref()),
            row::optional_json(given.history.metadata.clone()),
        ];
        let landed = self.legacy(&LEGACY_CALL_TRANSITION, &arguments, super::booking::landed)?;
        let landed = landed.into_iter().flatten().next();
        landed.ok_or_else(|| Failure::Undone(crate::rules::refusal::broken_invariant("Transition", &[1], &[0])))
    }

    pub fn legacy_release(&self, hold: Option<Id>, actor: Option<Id>) -> Result<bool, Failure> {
        let arguments = [row::optional_id(hold), row::optional_id(actor)];
        let live = self.legacy(&LEGACY_CALL_RELEASE, &arguments, |row| row.flag(1))?;
        Ok(live.into_iter().any(|live| live))
    }

    pub fn legacy_refresh(&self, table: Option<Id>) -> Result<(), Failure> {
        self.legacy(&LEGACY_CALL_REFRESH, &[row::optional_id(table)], |_| ()).map(|_| ())
    }
}

fn assignment(row: &Row) -> Option<Assignment> {
    let (id, window) = (row.id(1).unwrap_or_default(), row.window(3, 4));
    Some(Assignment { id, table: row.id(2)?, window, merge_group: row.id(5) })
}
