//! Writes what was decided, part by part: those that have work, whatever the number of tables.
//!
//! Old rows are gone before new ones go in (the constraints look), assignments stand before the status moves (guard triggers
//! look), and holds are deleted last.

use super::Store;
use super::ledger_write::BoundAnswer;
use super::removal::Removed;
use super::table_write::WrittenFor;
use crate::rules::Id;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::Changes;
use crate::rules::confirm::request::{Intent, Request};
use crate::rules::confirm::resolved_request::ResolvedRequest;
use crate::rules::confirm::snapshot::Snapshot;
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;

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
        if self.changes.add.is_empty() {
            return Ok((Vec::new(), 0));
        }
        let given = self.given();
        let allocated = store.allocations_add(&given, &self.changes.add)?;
        let grouped = self.made_group.map_or(Ok(0), |merge_group| store.group_add(&given, merge_group))?;
        let mut assigned = store.assignments_add(&given, &allocated, self.made_group)?;
        assigned.sort_unstable_by_key(|row| row.table);
        Ok((assigned, grouped))
    }

    fn given(&self) -> WrittenFor<'_> {
        let booking = &self.snapshot.booking;
        WrittenFor {
            booking: booking.id,
            restaurant: booking.restaurant,
            window: self.resolved.window,
            actor: self.request.actor,
            key: self.request.key.as_deref(),
            now: self.snapshot.now,
        }
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
        let (given, hold) = (self.given(), request.selection.hold());
        let standing_group = self.changes.kept.first().and_then(|kept| kept.merge_group);
        let answered = BoundAnswer {
            key,
            tables: &resolved.tables,
            merge_group: self.made_group.or(standing_group),
            table_set_hash: &resolved.table_set_hash(),
            checksum: &resolved.fingerprint.checksum(),
            kept_until: self.kept_until,
            outcome: if request.target.is_some() { "confirmed" } else { "assigned" },
            request: resolved.fingerprint.stored(),
            assignments: rows,
            hold,
            basis: self.basis(removed),
        };
        let bound = store.ledger_bind(&given, answered)?;
        let metadata = result_metadata(request, snapshot).filter(|_| store.has_results());
        let kept = metadata.map(|metadata| store.result_add(&given, (key, hold), &resolved.tables, metadata));
        Ok([bound, kept.transpose()?.unwrap_or_default()])
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
