//! Calls of the legacy functions: those that the application had before, as attach keeps them.

use std::cell::Cell;

use super::Store;
use super::booking::{Landed, LandedRow};
use super::columns::{Columns, columns};
use super::parameter::{self, Ids, Parameters};
use super::row::{self, Row};
use super::statement::statement;
use crate::rules::Id;
use crate::rules::attempt::function::Function;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::request::History;
use crate::rules::confirm::request::{Arguments, Named};
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;
use crate::rules::rollout::{Legacy, Rule};

columns!(RestaurantRow { restaurant_id: Option<Id> });
statement!("booking_restaurant", BookingRestaurant { booking: Id } -> RestaurantRow);
columns!(AssignmentRow {
    assignment_id: Id,
    table_id: Option<Id>,
    start_at: Option<Instant>,
    end_at: Option<Instant>,
    merge_group_id: Option<Id>,
});
statement!(
    "legacy_call_confirm_by_tables",
    LegacyCallConfirmByTables<'a> {
        booking: Option<Id>,
        tables: Option<Ids>,
        key: Option<&'a str>,
        adjacent: Option<bool>,
        actor: Option<Id>,
        start: Option<Instant>,
        end: Option<Instant>,
        target: Option<&'a str>,
        changed_by: Option<Id>,
        reason: Option<&'a str>,
        metadata: Option<Json>,
    } -> AssignmentRow
);
statement!(
    "legacy_call_confirm_by_hold",
    LegacyCallConfirmByHold<'a> {
        hold: Option<Id>,
        booking: Option<Id>,
        key: Option<&'a str>,
        adjacent: Option<bool>,
        actor: Option<Id>,
        start: Option<Instant>,
        end: Option<Instant>,
        policy_version: Option<&'a str>,
        adjacency_hash: Option<&'a str>,
        target: Option<&'a str>,
        reason: Option<&'a str>,
        metadata: Option<Json>,
        changed_by: Option<Id>,
    } -> AssignmentRow
);
statement!(
    "legacy_call_atomic_confirm",
    LegacyCallAtomicConfirm<'a> {
        booking: Option<Id>,
        hold: Option<Id>,
        key: Option<&'a str>,
        actor: Option<Id>,
        reason: Option<&'a str>,
        metadata: Option<Json>,
        changed_by: Option<Id>,
        target: Option<&'a str>,
    } -> AssignmentRow
);
statement!(
    "legacy_call_assign",
    LegacyCallAssign<'a> {
        booking: Option<Id>,
        tables: Option<Ids>,
        key: Option<&'a str>,
        adjacent: Option<bool>,
        actor: Option<Id>,
        start: Option<Instant>,
        end: Option<Instant>,
    } -> AssignmentRow
);
statement!("legacy_call_assign_single", LegacyCallAssignSingle<'a> { booking: Option<Id>, table: Option<Id>, actor: Option<Id>, key: Option<&'a str> });
statement!(
    "legacy_call_assign_merged",
    LegacyCallAssignMerged<'a> {
        booking: Option<Id>,
        tables: Option<Ids>,
        adjacent: Option<bool>,
        actor: Option<Id>,
        key: Option<&'a str>,
    }
);
columns!(TableRow { table_id: Option<Id> });
statement!("legacy_call_unassign", LegacyCallUnassign { booking: Option<Id>, tables: Option<Ids> } -> TableRow);
statement!(
    "legacy_call_transition",
    LegacyCallTransition<'a> {
        booking: Option<Id>,
        to: Option<&'a str>,
        checked_in_at: Option<Instant>,
        checked_out_at: Option<Instant>,
        updated_at: Option<Instant>,
        history_from: Option<&'a str>,
        history_to: Option<&'a str>,
        changed_by: Option<Id>,
        changed_at: Option<Instant>,
        reason: Option<&'a str>,
        metadata: Option<Json>,
    } -> LandedRow
);
columns!(LiveRow { live: bool });
statement!("legacy_call_release", LegacyCallRelease { hold: Option<Id>, actor: Option<Id> } -> LiveRow);
statement!("legacy_call_refresh", LegacyCallRefresh { table: Option<Id> });

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
        let rows = self.run(BookingRestaurant { booking }, |row| row.restaurant_id())?;
        Ok(rows.into_iter().next().flatten())
    }

    /// Calls a kept function. One without a `search_path` of its own runs under the application's path, as every statement
    /// that calls one does.
    fn legacy<C: Columns, P: Parameters<C>, T>(
        &self,
        parameters: P,
        read: impl FnMut(&Row<C>) -> T,
    ) -> Result<Vec<T>, Failure> {
        let _running = Running::begin();
        self.run(parameters, read)
    }

    pub fn legacy_confirm(&self, function: Function, given: &Arguments) -> Result<Vec<Assignment>, Failure> {
        let (tables, hold): (Option<&[Option<Id>]>, Option<Id>) = match &given.named {
            Named::Tables(tables) => (tables.as_deref(), None),
            Named::Hold(hold) => (None, *hold),
        };
        let Arguments { booking, actor, start, end, .. } = *given;
        let tables = || tables.map(parameter::given_ids);
        let (key, target) = (given.key.as_deref(), given.target.as_deref());
        let adjacent = given.require_adjacency;
        let (changed_by, reason) = (given.history.changed_by, given.history.reason.as_deref());
        let metadata = || given.history.metadata.clone();
        let rows = match function {
            Function::ConfirmByTables => {
                let (tables, metadata) = (tables(), metadata());
                let call = LegacyCallConfirmByTables {
                    booking,
                    tables,
                    key,
                    adjacent,
                    actor,
                    start,
                    end,
                    target,
                    changed_by,
                    reason,
                    metadata,
                };
                self.legacy(call, assignment)
            }
            Function::ConfirmByHold => {
                let call = LegacyCallConfirmByHold {
                    hold,
                    booking,
                    key,
                    adjacent,
                    actor,
                    start,
                    end,
                    policy_version: given.expectation.policy_version.as_deref(),
                    adjacency_hash: given.expectation.adjacency_hash.as_deref(),
                    target,
                    reason,
                    metadata: metadata(),
                    changed_by,
                };
                self.legacy(call, assignment)
            }
            Function::AtomicConfirm => {
                let metadata = metadata();
                let call = LegacyCallAtomicConfirm { booking, hold, key, actor, reason, metadata, changed_by, target };
                self.legacy(call, assignment)
            }
            Function::AssignSingle => {
                let table = match &given.named {
                    Named::Tables(Some(tables)) => tables.first().copied().flatten(),
                    _ => None,
                };
                self.legacy(LegacyCallAssignSingle { booking, table, actor, key }, |_| None)
            }
            Function::AssignMerged => {
                self.legacy(LegacyCallAssignMerged { booking, tables: tables(), adjacent, actor, key }, |_| None)
            }
            _ => {
                let tables = tables();
                self.legacy(LegacyCallAssign { booking, tables, key, adjacent, actor, start, end }, assignment)
            }
        };
        Ok(rows?.into_iter().flatten().collect())
    }

    pub fn legacy_unassign(&self, booking: Option<Id>, tables: Option<&[Id]>) -> Result<Vec<Id>, Failure> {
        let parameters = LegacyCallUnassign { booking, tables: tables.map(parameter::ids) };
        let taken = self.legacy(parameters, |row| row.table_id())?;
        Ok(taken.into_iter().flatten().collect())
    }

    pub fn legacy_transition(&self, given: &GivenMove) -> Result<Landed, Failure> {
        let parameters = LegacyCallTransition {
            booking: given.booking,
            to: given.to,
            checked_in_at: given.checked_in_at,
            checked_out_at: given.checked_out_at,
            updated_at: given.updated_at,
            history_from: given.history_from,
            history_to: given.history_to,
            changed_by: given.history.changed_by,
            changed_at: given.changed_at,
            reason: given.history.reason.as_deref(),
            metadata: given.history.metadata.clone(),
        };
        let landed = self.legacy(parameters, super::booking::landed)?;
        let landed = landed.into_iter().flatten().next();
        landed.ok_or_else(|| Failure::Undone(crate::rules::refusal::broken_invariant("Transition", &[1], &[0])))
    }

    pub fn legacy_release(&self, hold: Option<Id>, actor: Option<Id>) -> Result<bool, Failure> {
        let parameters = LegacyCallRelease { hold, actor };
        let live = self.legacy(parameters, |row| row.live())?;
        Ok(live.into_iter().any(|live| live))
    }

    pub fn legacy_refresh(&self, table: Option<Id>) -> Result<(), Failure> {
        self.legacy(LegacyCallRefresh { table }, |_| ()).map(|_| ())
    }
}

fn assignment(row: &Row<AssignmentRow>) -> Option<Assignment> {
    let (id, window) = (row.assignment_id(), row::window(row.start_at(), row.end_at()));
    Some(Assignment { id, table: row.table_id()?, window, merge_group: row.merge_group_id() })
}
