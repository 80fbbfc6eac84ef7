//! Writes what was decided, in as many statements as it has parts that have work, whatever the number of tables.
//!
//! Old rows are gone before new ones go in (the constraints look), assignments stand before the status moves (guard triggers
//! look), and holds are deleted last.

use super::Store;
use super::columns::columns;
use super::parameter::{self, Ids};
use super::removal::Removed;
use super::row::Row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::Changes;
use crate::rules::confirm::request::{History, Intent, Request};
use crate::rules::confirm::resolved_request::ResolvedRequest;
use crate::rules::confirm::snapshot::Snapshot;
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;

columns!(AllocatedRow { id: Id, resource_id: Id });
statement!(
    "allocation_add",
    AllocationAdd {
        booking: Id,
        restaurant: Id,
        table: Id,
        start: Instant,
        end: Instant,
        actor: Option<Id>,
    } -> AllocatedRow
);
statement!(
    "allocations_add",
    AllocationsAdd {
        booking: Id,
        restaurant: Id,
        tables: Ids,
        start: Instant,
        end: Instant,
        actor: Option<Id>,
    } -> AllocatedRow
);
statement!(
    "group_add",
    GroupAdd {
        booking: Id,
        restaurant: Id,
        merge_group: Id,
        start: Instant,
        end: Instant,
        actor: Option<Id>,
    }
);
columns!(AssignedRow { id: Id, table_id: Id });
statement!(
    "assignment_add",
    AssignmentAdd<'a> {
        booking: Id,
        restaurant: Id,
        table: Id,
        allocation: Id,
        merge_group: Option<Id>,
        start: Instant,
        end: Instant,
        actor: Option<Id>,
        key: Option<&'a str>,
        now: Instant,
    } -> AssignedRow
);
statement!(
    "assignments_add",
    AssignmentsAdd<'a> {
        booking: Id,
        restaurant: Id,
        tables: Ids,
        allocations: Ids,
        merge_group: Option<Id>,
        start: Instant,
        end: Instant,
        actor: Option<Id>,
        key: Option<&'a str>,
        now: Instant,
    } -> AssignedRow
);
statement!("booking_move", BookingMove<'a> { booking: Id, status: &'a str, now: Instant });
statement!(
    "history_add",
    HistoryAdd<'a> {
        booking: Id,
        from: &'a str,
        to: Option<&'a str>,
        changed_by: Option<Id>,
        changed_at: Instant,
        reason: Option<&'a str>,
        metadata: Option<Json>,
    }
);
statement!(
    "ledger_bind",
    LedgerBind<'a> {
        booking: Id,
        key: &'a str,
        tables: Ids,
        start: Instant,
        end: Instant,
        merge_group: Option<Id>,
        table_set_hash: &'a str,
        checksum: &'a str,
        kept_until: Instant,
        now: Instant,
        outcome: &'a str,
        request: Json,
        assignments: Ids,
        hold: Option<Id>,
        basis: Json,
    }
);
statement!(
    "result_add",
    ResultAdd<'a> {
        booking: Id,
        key: &'a str,
        hold: Option<Id>,
        restaurant: Id,
        tables: Ids,
        start: Instant,
        end: Instant,
        actor: Option<Id>,
        metadata: Json,
        now: Instant,
    }
);

/// What was written.
pub struct Receipt {
    /// The rows of the answer, by table.
    pub rows: Vec<Assignment>,
    /// How many rows each part wrote, for `Changes::expected`.
    pub counts: Vec<i64>,
    pub transaction_id: u64,
}

/// A confirm or an assign that was decided.
struct Decided<'a> {
    request: &'a Request,
    resolved: &'a ResolvedRequest,
    snapshot: &'a Snapshot,
    changes: &'a Changes,
    kept_until: Instant,
    /// Several new tables are one group.
    made_group: Option<Id>,
}

impl Store {
    /// Applies the changes of a confirm or an assign.
    pub fn confirm_apply(
        &self,
        request: &Request,
        resolved: &ResolvedRequest,
        snapshot: &Snapshot,
        changes: &Changes,
        kept_until: Instant,
    ) -> Result<Receipt, Failure> {
        let made_group = changes.makes_group().then(|| self.new_id());
        let decided = Decided { request, resolved, snapshot, changes, kept_until, made_group };
        let (rows, counts) = self.at_once(|| decided.write(self))?;
        Ok(Receipt { rows, counts, transaction_id: self.transaction_id() })
    }

    /// Does this schema keep `booking_confirmation_results`?
    pub fn has_results(&self) -> bool {
        self.attachment.has("results")
    }

    /// Moves the booking; how many rows.
    pub(super) fn booking_move(&self, booking: Id, status: &str, now: Instant) -> Result<i64, Failure> {
        self.write(BookingMove { booking, status, now })
    }

    /// Writes down a move of the booking; how many rows.
    pub(super) fn history_add(
        &self,
        booking: Id,
        (from, to): (&str, Option<&str>),
        changed_at: Instant,
        history: &History,
    ) -> Result<i64, Failure> {
        self.write(HistoryAdd {
            booking,
            from,
            to,
            changed_by: history.changed_by,
            changed_at,
            reason: history.reason.as_deref(),
            metadata: history.metadata.clone(),
        })
    }
}

impl Decided<'_> {
    /// The rows of the answer, and how many rows each part wrote.
    fn write(&self, store: &Store) -> Result<(Vec<Assignment>, Vec<i64>), Failure> {
        let Decided { request, snapshot, changes, .. } = *self;
        let removal = changes.removal();
        let removed = if request.key.is_some() && store.attachment.has("basis") {
            store.replace(snapshot.booking.id, &removal)?
        } else {
            Removed { counts: store.remove(&removal)?, ..Removed::default() }
        };
        let mut counts = removed.counts.to_vec();
        let (added, grouped) = self.add(store)?;
        counts.extend([added.len() as i64, grouped]);
        let rows: Vec<Assignment> = changes.kept.iter().copied().chain(added).collect();
        counts.extend(self.move_booking(store)?);
        let bound = self.bind(store, &rows, removed)?;
        let holds = (changes.close_holds.as_slice(), snapshot.hold.as_ref());
        counts.push(store.holds_confirm(holds, request.booking, request.key.as_deref(), snapshot.now)?);
        counts.extend(bound);
        Ok((rows, counts))
    }

    /// The new tables by their order, and how many groups were made.
    fn add(&self, store: &Store) -> Result<(Vec<Assignment>, i64), Failure> {
        let (request, booking, window) = (self.request, &self.snapshot.booking, self.resolved.window);
        let (booking, restaurant, actor) = (booking.id, booking.restaurant, request.actor);
        let (start, end, merge_group) = (window.start(), window.end(), self.made_group);
        if self.changes.add.is_empty() {
            return Ok((Vec::new(), 0));
        }
        let row = |row: &Row<AllocatedRow>| (row.id(), row.resource_id());
        let allocated = match *self.changes.add {
            [table] => store.run(AllocationAdd { booking, restaurant, table, start, end, actor }, row)?,
            ref tables => {
                let tables = parameter::ids(tables);
                store.run(AllocationsAdd { booking, restaurant, tables, start, end, actor }, row)?
            }
        };
        let grouped = match merge_group {
            Some(merge_group) => store.write(GroupAdd { booking, restaurant, merge_group, start, end, actor })?,
            None => 0,
        };
        let (key, now) = (request.key.as_deref(), self.snapshot.now);
        let row = |row: &Row<AssignedRow>| Assignment {
            id: row.id(),
            table: row.table_id(),
            window: Some(window),
            merge_group,
        };
        let mut assigned = match *allocated {
            [(allocation, table)] => store.run(
                AssignmentAdd { booking, restaurant, table, allocation, merge_group, start, end, actor, key, now },
                row,
            )?,
            ref allocated => {
                let tables = parameter::ids(allocated.iter().map(|(_, table)| table));
                let allocations = parameter::ids(allocated.iter().map(|(id, _)| id));
                store.run(
                    AssignmentsAdd {
                        booking,
                        restaurant,
                        tables,
                        allocations,
                        merge_group,
                        start,
                        end,
                        actor,
                        key,
                        now,
                    },
                    row,
                )?
            }
        };
        assigned.sort_unstable_by_key(|row| row.table);
        Ok((assigned, grouped))
    }

    /// How many rows of the booking and of its history.
    fn move_booking(&self, store: &Store) -> Result<[i64; 2], Failure> {
        let (booking, now) = (&self.snapshot.booking, self.snapshot.now);
        let Some(target) = self.request.target.as_deref().filter(|_| self.changes.moves) else { return Ok([0, 0]) };
        let moved = store.booking_move(booking.id, target, now)?;
        let recorded = store.history_add(booking.id, (&booking.status, Some(target)), now, &self.request.history)?;
        Ok([moved, recorded])
    }

    /// How many entries were bound, and results kept.
    fn bind(&self, store: &Store, rows: &[Assignment], removed: Removed) -> Result<[i64; 2], Failure> {
        let Decided { request, resolved, snapshot, .. } = *self;
        let Some(key) = request.key.as_deref() else { return Ok([0, 0]) };
        let (booking, restaurant) = (snapshot.booking.id, snapshot.booking.restaurant);
        let (start, end, hold) = (resolved.window.start(), resolved.window.end(), request.selection.hold());
        let standing_group = self.changes.kept.first().and_then(|kept| kept.merge_group);
        let bound = store.write(LedgerBind {
            booking,
            key,
            tables: parameter::ids(&resolved.tables),
            start,
            end,
            merge_group: self.made_group.or(standing_group),
            table_set_hash: &resolved.table_set_hash(),
            checksum: &resolved.fingerprint.checksum(),
            kept_until: self.kept_until,
            now: snapshot.now,
            outcome: if request.target.is_some() { "confirmed" } else { "assigned" },
            request: resolved.fingerprint.stored(),
            assignments: parameter::ids(rows.iter().map(|row| &row.id)),
            hold,
            basis: self.basis(removed),
        })?;
        let metadata = result_metadata(request, snapshot).filter(|_| store.has_results());
        let answered = metadata.map(|metadata| {
            let (tables, actor, now) = (parameter::ids(&resolved.tables), request.actor, snapshot.now);
            store.write(ResultAdd { booking, key, hold, restaurant, tables, start, end, actor, metadata, now })
        });
        Ok([bound, answered.transpose()?.unwrap_or_default()])
    }

    /// Where the window came from, and what an undo brings back.
    fn basis(&self, removed: Removed) -> Json {
        let window = if self.resolved.is_as_booked(&self.snapshot.booking) { "derived" } else { "asked" };
        let replaced = [("replaced", removed.assignments), ("freed", removed.allocations)];
        let replaced = replaced.into_iter().filter(|(_, rows)| !rows.is_empty());
        let replaced = replaced.map(|(name, rows)| (name, Json::array(rows)));
        Json::object(std::iter::once(("window", Json::from(serde_json::Value::from(window)))).chain(replaced))
    }
}

/// What services read beside a confirm's answer: the words of its hold, or of the call where there was none. None: an
/// assign, which they do not read.
fn result_metadata(request: &Request, snapshot: &Snapshot) -> Option<Json> {
    let of_hold = snapshot.hold.as_ref().map(|hold| &hold.metadata);
    let words = of_hold.or(request.history.metadata.as_ref()).filter(|words| !words.is_null());
    (request.intent == Intent::Confirm).then(|| words.cloned().unwrap_or_else(|| Json::object([])))
}
