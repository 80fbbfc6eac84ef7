//! Writes what was decided, in one statement whatever the number of tables.

use super::Store;
use super::columns::{CountsRow, columns};
use super::parameter::{self, Ids, Texts};
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::allocation::Removal;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::Changes;
use crate::rules::confirm::request::{Intent, Request};
use crate::rules::confirm::resolved_request::ResolvedRequest;
use crate::rules::confirm::snapshot::Snapshot;
use crate::rules::json::Json;
use crate::rules::refusal;
use crate::rules::refusal::failure::Failure;

columns!(WrittenRow { ids: Vec<Id>, counts: Vec<i64> });
statement!(
    "confirm_apply",
    ConfirmApply<'a> {
        booking: Id,
        restaurant: Id,
        add: Ids,
        start: Instant,
        end: Instant,
        merge_group: Option<Id>,
        drop_allocations: Ids,
        drop_assignments: Ids,
        dissolve: Ids,
        actor: Option<Id>,
        key: Option<&'a str>,
        now: Instant,
        from: &'a str,
        target: Option<&'a str>,
        changed_by: Option<Id>,
        reason: Option<&'a str>,
        metadata: Option<Json>,
        close_holds: Ids,
        close_as: Texts,
        request: Json,
        checksum: &'a str,
        table_set_hash: &'a str,
        kept_until: Instant,
        hold: Option<Id>,
        tables: Ids,
        kept: Ids,
        answer_group: Option<Id>,
        result_metadata: Option<Json>,
        moves: bool,
        basis: &'a str,
    } -> WrittenRow
);
columns!(StandRow { stand: bool });
statement!("removed_stand", RemovedStand { assignments: Ids, allocations: Ids } -> StandRow);
statement!(
    "tables_remove",
    TablesRemove {
        booking: Id,
        assignments: Ids,
        allocations: Ids,
        dissolved: Ids,
    } -> CountsRow
);

/// What was written.
pub struct Receipt {
    /// The rows of the answer, by table.
    pub rows: Vec<Assignment>,
    /// How many rows each part wrote, for `Changes::expected`.
    pub counts: Vec<i64>,
    pub transaction_id: u64,
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
        let merge_group = changes.makes_group().then(|| self.new_id());
        let booking = &snapshot.booking;
        let standing_group = changes.kept.first().and_then(|kept| kept.merge_group);
        let parameters = ConfirmApply {
            booking: booking.id,
            restaurant: booking.restaurant,
            add: parameter::ids(&changes.add),
            start: resolved.window.start(),
            end: resolved.window.end(),
            merge_group,
            drop_allocations: parameter::ids(&changes.drop_allocations),
            drop_assignments: parameter::ids(&changes.drop_assignments),
            dissolve: parameter::ids(&changes.dissolve),
            actor: request.actor,
            key: request.key.as_deref(),
            now: snapshot.now,
            from: &booking.status,
            target: request.target.as_deref(),
            changed_by: request.history.changed_by,
            reason: request.history.reason.as_deref(),
            metadata: request.history.metadata.clone(),
            close_holds: parameter::ids(changes.close_holds.iter().map(|(hold, _)| hold)),
            close_as: parameter::texts(changes.close_holds.iter().map(|(_, end)| end.label())),
            request: resolved.fingerprint.stored(),
            checksum: &resolved.fingerprint.checksum(),
            table_set_hash: &resolved.table_set_hash(),
            kept_until,
            hold: request.selection.hold(),
            tables: parameter::ids(&resolved.tables),
            kept: parameter::ids(changes.kept.iter().map(|kept| &kept.id)),
            answer_group: merge_group.or(standing_group),
            result_metadata: result_metadata(request, snapshot),
            moves: changes.moves,
            basis: if resolved.is_as_booked(booking) { "derived" } else { "asked" },
        };
        let written = self.run(parameters, |row| (row.ids(), row.counts()))?;
        let (ids, counts) = written.into_iter().next().unwrap_or_default();
        let added = ids.into_iter().zip(&changes.add);
        let added =
            added.map(|(id, table)| Assignment { id, table: *table, window: Some(resolved.window), merge_group });
        let rows = changes.kept.iter().copied().chain(added).collect();
        Ok(Receipt { rows, counts, transaction_id: self.transaction_id() })
    }

    /// Does this schema keep `booking_confirmation_results`?
    pub fn has_results(&self) -> bool {
        self.attachment.has("results")
    }

    /// Rows that were told to go, the first `removed` counts, and were fewer. They are locked by nobody: who takes none of our
    /// locks may have deleted them first, and the next try sees that. Kept by a trigger, they would be at each try.
    pub fn removed_by_others(
        &self,
        booking: Id,
        removal: &Removal,
        expected: &[i64],
        counts: &[i64],
        removed: usize,
    ) -> Result<(), Failure> {
        let fewer = |at: usize| at < removed && counts.get(at) < expected.get(at);
        if !(0..expected.len()).all(|at| expected.get(at) == counts.get(at) || fewer(at)) {
            return Ok(());
        }
        let parameters = RemovedStand {
            assignments: parameter::ids(&removal.assignments),
            allocations: parameter::ids(&removal.allocations),
        };
        let stand = self.run(parameters, |row| row.stand())?;
        if stand == [false] { Err(Failure::Undone(refusal::left_over_freed(booking))) } else { Ok(()) }
    }

    /// Takes tables from a booking; the rows written: assignments, allocations, groups dissolved.
    pub fn tables_remove(&self, booking: Id, removal: &Removal) -> Result<Vec<i64>, Failure> {
        let parameters = TablesRemove {
            booking,
            assignments: parameter::ids(&removal.assignments),
            allocations: parameter::ids(&removal.allocations),
            dissolved: parameter::ids(&removal.dissolved),
        };
        let rows = self.run(parameters, |row| row.counts())?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }
}

/// What services read beside a confirm's answer: the words of its hold, or of the call where there was none. None: an
/// assign, which they do not read.
fn result_metadata(request: &Request, snapshot: &Snapshot) -> Option<Json> {
    let of_hold = snapshot.hold.as_ref().map(|hold| &hold.metadata);
    let words = of_hold.or(request.history.metadata.as_ref()).filter(|words| !words.is_null());
    (request.intent == Intent::Confirm).then(|| words.cloned().unwrap_or_else(|| Json::object([])))
}
