//! The decision of a confirm or an assign: refuse, or name the exact changes.

pub mod check;
pub mod fingerprint;
pub mod idempotency_key;
pub mod replay;
pub mod request;
pub mod resolved_request;
pub mod snapshot;
pub mod undo;

use std::collections::{BTreeMap, BTreeSet};

use crate::rules::Id;
use crate::rules::booking::Booking;
use crate::rules::booking::allocation;
use crate::rules::booking::table::{Allocation, Assignment, Blocker, Resource};
use crate::rules::booking::window::{Instant, Window};
use crate::rules::confirm::request::{Intent, Request, Selection};
use crate::rules::confirm::resolved_request::ResolvedRequest;
use crate::rules::confirm::snapshot::Snapshot;
use crate::rules::hold::{self, Hold, HoldEnd};
use crate::rules::refusal::{self, Refusal};

/// The tables and the window that a call stands for, and that its hold may be used.
pub fn select(
    request: &Request,
    booking: &Booking,
    hold: Option<&Hold>,
    now: Instant,
) -> Result<ResolvedRequest, Refusal> {
    let (checks, resolved) = check::selection(request, booking, hold, now);
    checks.into_iter().try_for_each(|(_, result)| result)?;
    resolved.ok_or_else(|| refusal::hold_not_found(hold.map(|hold| hold.id)))
}

/// What has to be written; nothing of it has happened yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    pub add: Vec<Id>,
    /// The rows of the answer that stand already.
    pub kept: Vec<Assignment>,
    pub drop_assignments: Vec<Id>,
    pub drop_allocations: Vec<Id>,
    pub dissolve: Vec<Id>,
    pub close_holds: Vec<(Id, HoldEnd)>,
    /// Does the booking's row change, and with it its history? Not when tables and status stand as asked.
    pub moves: bool,
    /// Tables whose status of now may change.
    pub touched: Vec<Id>,
}

/// The place of the ledger's entry in [`Changes::expected`].
const BOUND: usize = 8;

impl Changes {
    /// Several tables are one group.
    #[must_use]
    pub fn makes_group(&self) -> bool {
        self.add.len() > 1
    }

    #[must_use]
    pub fn removal(&self) -> allocation::Removal {
        let (assignments, allocations) = (self.drop_assignments.clone(), self.drop_allocations.clone());
        allocation::Removal { assignments, allocations, dissolved: self.dissolve.clone() }
    }

    /// How many rows each part has to write, in the order of the counts of `confirm_apply`.
    #[must_use]
    pub fn expected(&self, request: &Request, has_results: bool) -> Vec<i64> {
        let (moved, bound) = (i64::from(self.moves), i64::from(request.key.is_some()));
        let mut expected = self.removal().expected().to_vec();
        expected.extend([
            self.add.len() as i64,
            i64::from(self.makes_group()),
            moved,
            moved,
            self.close_holds.len() as i64,
            bound,
            i64::from(has_results && request.intent == Intent::Confirm) * bound,
        ]);
        expected
    }

    /// Tables that the booking had and has no more.
    #[must_use]
    pub fn freed(&self, resolved: &ResolvedRequest, snapshot: &Snapshot) -> Vec<Id> {
        let dropped = snapshot.assignments.iter().filter(|row| self.drop_assignments.contains(&row.id));
        dropped.map(|row| row.table).filter(|table| !resolved.tables.contains(table)).collect()
    }
}

/// Was everything written but the entry under the key?
#[must_use]
pub fn is_only_unbound(expected: &[i64], counts: &[i64]) -> bool {
    (0..expected.len()).all(|at| at == BOUND || expected.get(at) == counts.get(at))
}

/// The holds that a call of the booking ends or may pass by, with their deadlines. Judged by what the locked rows say: another
/// session may have ended one, or given it to another booking, while we waited for it.
#[must_use]
pub fn own_holds(booking: Id, named: Option<Id>, locked: &BTreeMap<Id, Hold>) -> BTreeMap<Id, Instant> {
    let own = |hold: &&Hold| match hold.booking {
        Some(owner) => owner == booking,
        None => named == Some(hold.id),
    };
    let open = locked.values().filter(|hold| hold.status == "active").filter(own);
    open.map(|hold| (hold.id, hold.expires_at)).collect()
}

/// The checks of [`check`] in their declared order; after them, nothing may fail.
pub fn decide(request: &Request, resolved: &ResolvedRequest, snapshot: &Snapshot) -> Result<Changes, Refusal> {
    check::first(request, resolved, snapshot)?;
    Ok(changes(request, resolved, snapshot))
}

/// May these tables be held? What no confirm could use is not worth keeping from others: the checks are a confirm's.
pub fn may_hold(hold: &Hold, window: Window, snapshot: &Snapshot) -> Result<(), Refusal> {
    let request = Request::to_hold(snapshot.booking.id, hold.members.clone(), window);
    let resolved = ResolvedRequest::new(&request, hold.members.clone(), window);
    let snapshot = Snapshot { hold: Some(hold.clone()), ..snapshot.clone() };
    check::first(&request, &resolved, &snapshot)
}

fn changes(request: &Request, resolved: &ResolvedRequest, snapshot: &Snapshot) -> Changes {
    let kept = standing(resolved, snapshot, request.intent);
    let asked_for = |table: Id| resolved.tables.contains(&table);
    let removal = match (request.intent, kept.is_empty()) {
        (_, false) => allocation::Removal::default(),
        (Intent::Confirm, true) => allocation::remove(&snapshot.assignments, &snapshot.allocations, |_| true),
        (Intent::Assign, true) => allocation::remove(&snapshot.assignments, &snapshot.allocations, asked_for),
    };
    let close_holds = ended_holds(request, resolved, snapshot);
    let freed = snapshot.blockers.iter().filter_map(|blocker| match blocker {
        Blocker::Allocation { id, released: true, .. } => Some(*id),
        _ => None,
    });
    let mirrors = snapshot.allocations.iter().filter_map(|allocation| {
        let closed = close_holds.iter().any(|(hold, _)| *hold == allocation.resource_id);
        (allocation.resource == Resource::Hold && closed).then_some(allocation.id)
    });
    let mut drop_allocations = removal.allocations;
    drop_allocations.extend(freed.collect::<BTreeSet<Id>>());
    drop_allocations.extend(mirrors);
    drop_allocations.extend(&snapshot.mirrors);
    let mut drop_assignments = removal.assignments;
    drop_assignments.extend(left_behind(snapshot));
    Changes {
        add: if kept.is_empty() { resolved.tables.clone() } else { Vec::new() },
        touched: touched_now(resolved, snapshot),
        moves: request.target.as_ref().is_some_and(|target| kept.is_empty() || *target != snapshot.booking.status),
        kept,
        drop_assignments,
        drop_allocations,
        dissolve: removal.dissolved,
        close_holds,
    }
}

/// Assignments of bookings that are over. They are the record of who sat where and stay, unless they would block.
pub fn left_behind(snapshot: &Snapshot) -> impl Iterator<Item = Id> {
    let blocks = |blocker: &Blocker| match blocker {
        Blocker::Assignment { id, released: true, .. } if snapshot.assignments_exclude => Some(*id),
        _ => None,
    };
    snapshot.blockers.iter().filter_map(blocks)
}

/// The rows of the answer, when the tables already stand exactly as asked (F3); else empty.
fn standing(resolved: &ResolvedRequest, snapshot: &Snapshot, intent: Intent) -> Vec<Assignment> {
    let mut rows: Vec<Assignment> = snapshot
        .assignments
        .iter()
        .filter(|row| resolved.tables.contains(&row.table) && row.window == Some(resolved.window))
        .copied()
        .collect();
    rows.sort_unstable_by_key(|row| row.table);
    let complete = rows.len() == resolved.tables.len();
    // A confirm sets the tables: an allocation without its table must not outlive it.
    let of_row = |allocation: &Allocation| match allocation.resource {
        Resource::Table => rows.iter().any(|row| row.table == allocation.resource_id),
        Resource::MergeGroup => rows.iter().any(|row| row.merge_group == Some(allocation.resource_id)),
        Resource::Hold => true,
    };
    let exact = intent == Intent::Assign
        || (snapshot.assignments.len() == rows.len() && snapshot.allocations.iter().all(of_row));
    let one_group = rows.windows(2).all(|pair| pair[0].merge_group == pair[1].merge_group)
        && rows.first().is_some_and(|row| row.merge_group.is_some() == (rows.len() > 1));
    let allocated = rows.iter().all(|row| {
        snapshot.allocations.iter().any(|allocation| {
            allocation.resource == Resource::Table
                && allocation.resource_id == row.table
                && allocation.window == row.window
        })
    });
    if complete && exact && one_group && allocated { rows } else { Vec::new() }
}

/// A confirm leaves no live hold behind (F25); an assign consumes those whose tables it took.
fn ended_holds(request: &Request, resolved: &ResolvedRequest, snapshot: &Snapshot) -> Vec<(Id, HoldEnd)> {
    snapshot
        .own_holds
        .iter()
        .filter_map(|(id, hold)| {
            let named = request.selection == Selection::Hold(*id);
            let taken = matches!(request.selection, Selection::Tables(_))
                && hold.members.iter().all(|table| resolved.tables.contains(table));
            let end = if named {
                HoldEnd::Confirmed
            } else if !hold::is_live(hold.expires_at, snapshot.now) {
                HoldEnd::Expired
            } else if taken {
                HoldEnd::Confirmed
            } else {
                HoldEnd::Cancelled
            };
            (request.intent == Intent::Confirm || named || taken).then_some((*id, end))
        })
        .collect()
}

/// Tables whose status may change at this moment: only those whose window is running.
fn touched_now(resolved: &ResolvedRequest, snapshot: &Snapshot) -> Vec<Id> {
    let mut touched: BTreeSet<Id> = snapshot
        .assignments
        .iter()
        .filter(|row| row.window.is_some_and(|window| window.contains(snapshot.now)))
        .map(|row| row.table)
        .collect();
    if resolved.window.contains(snapshot.now) {
        touched.extend(&resolved.tables);
    }
    touched.into_iter().collect()
}
