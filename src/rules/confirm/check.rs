//! The checks of a confirm, one list: a decision takes the first objection, an explanation all of them.

use std::collections::BTreeMap;

use crate::rules::Id;
use crate::rules::booking::adjacency;
use crate::rules::booking::capacity;
use crate::rules::booking::table::{Assignment, Blocker, Table};
use crate::rules::booking::window::Instant;
use crate::rules::booking::{self, Booking};
use crate::rules::confirm::request::{Intent, Request, Selection};
use crate::rules::confirm::resolved_request::ResolvedRequest;
use crate::rules::confirm::snapshot::Snapshot;
use crate::rules::hold::Hold;
use crate::rules::refusal::{self, CheckResult, Refusal};

/// Why a check is not passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    pub refusal: Refusal,
    /// The hold, the allocation or the assignment that stands in the way, and on which table.
    pub blocker: Option<(Id, Id)>,
}

impl From<Refusal> for Objection {
    fn from(refusal: Refusal) -> Objection {
        Objection { refusal, blocker: None }
    }
}

/// What the checks look at.
struct CheckInput<'a> {
    request: &'a Request,
    resolved: &'a ResolvedRequest,
    snapshot: &'a Snapshot,
    /// Those of the asked tables that exist.
    tables: Vec<&'a Table>,
}

type CheckFunction = fn(&CheckInput) -> Vec<Objection>;

/// In their declared order; after them, nothing may fail.
const CHECKS: &[(&str, CheckFunction)] = &[
    ("booking_status", |looked| {
        let (request, snapshot) = (looked.request, looked.snapshot);
        if !snapshot.booking.is_known() {
            return Vec::new();
        }
        one(booking::may_take_tables(&snapshot.booking, request.target.as_deref(), &snapshot.statuses))
    }),
    ("tables_exist", |looked| {
        let snapshot = looked.snapshot;
        one(loaded(snapshot.booking.id, &looked.resolved.tables, &snapshot.tables).map(|_| ()))
    }),
    ("tables_usable", |looked| {
        let home = looked.snapshot.booking.restaurant;
        looked.tables.iter().flat_map(|table| one(check_table(table, home))).collect()
    }),
    ("zone", |looked| {
        let snapshot = looked.snapshot;
        one(check_zone(&snapshot.booking, &looked.tables, looked.request.intent, snapshot))
    }),
    ("tables_movable", |looked| one(check_movable(&looked.tables))),
    ("tables_adjacent", |looked| {
        let of_hold = looked.snapshot.hold.as_ref().is_some_and(Hold::requires_adjacency);
        let wanted = looked.request.require_adjacency || of_hold;
        one(check_adjacent(wanted, &looked.tables, looked.snapshot))
    }),
    ("capacity", |looked| match looked.request.intent {
        Intent::Confirm if looked.snapshot.booking.is_known() => {
            let snapshot = looked.snapshot;
            one(capacity::check(&snapshot.booking, &looked.tables, snapshot.policy))
        }
        _ => Vec::new(),
    }),
    ("hold_floor", |looked| {
        let snapshot = looked.snapshot;
        let hold = snapshot.hold.iter();
        hold.flat_map(|hold| one(hold.check_floor(&looked.tables, &snapshot.edges))).collect()
    }),
    ("tables_free", |looked| in_the_way(looked.snapshot)),
];

fn one(result: Result<(), Refusal>) -> Vec<Objection> {
    result.err().map(Objection::from).into_iter().collect()
}

fn looked<'a>(request: &'a Request, resolved: &'a ResolvedRequest, snapshot: &'a Snapshot) -> CheckInput<'a> {
    let tables = resolved.tables.iter().filter_map(|id| snapshot.tables.get(id)).collect();
    CheckInput { request, resolved, snapshot, tables }
}

/// The first objection, if there is any.
pub fn first(request: &Request, resolved: &ResolvedRequest, snapshot: &Snapshot) -> Result<(), Refusal> {
    let looked = looked(request, resolved, snapshot);
    let objection = CHECKS.iter().flat_map(|(_, look)| look(&looked)).next();
    objection.map_or(Ok(()), |objection| Err(objection.refusal))
}

/// Every check with all of its objections.
#[must_use]
pub fn all(request: &Request, resolved: &ResolvedRequest, snapshot: &Snapshot) -> Vec<(&'static str, Vec<Objection>)> {
    let looked = looked(request, resolved, snapshot);
    CHECKS.iter().map(|(name, look)| (*name, look(&looked))).collect()
}

/// Live holds of others first, then allocations, then what only the assignments know.
#[must_use]
pub fn in_the_way(snapshot: &Snapshot) -> Vec<Objection> {
    let (booking, blockers) = (snapshot.booking.id, &snapshot.blockers);
    let objection = |refusal: Refusal, id, table| {
        let occupant = snapshot.occupants.get(&id).copied().unwrap_or_default();
        Objection { refusal: refusal.occupied(id, table, occupant), blocker: Some((id, table)) }
    };
    let holds = blockers.iter().filter_map(|blocker| match blocker {
        Blocker::Hold { hold, table } => Some(objection(refusal::hold_conflict(booking, *hold), *hold, *table)),
        _ => None,
    });
    let allocations = blockers.iter().filter_map(|blocker| match blocker {
        Blocker::Allocation { id, table, released: false } => {
            Some(objection(refusal::allocation_conflict(booking, *table), *id, *table))
        }
        _ => None,
    });
    let assigned = blockers.iter().filter_map(|blocker| match blocker {
        Blocker::Assignment { id, table, owner, window, released: false } => {
            Some(objection(refusal::assignment_conflict(*table, *owner, *window), *id, *table))
        }
        _ => None,
    });
    holds.chain(allocations).chain(assigned).collect()
}

/// What a call stands for: the checks of its hold and its window, and the request if there is enough to make one.
#[must_use]
pub fn selection(
    request: &Request,
    booking: &Booking,
    hold: Option<&Hold>,
    now: Instant,
) -> (Vec<CheckResult>, Option<ResolvedRequest>) {
    let resolved = |window| booking::resolve_window(request.booking, window, booking.window);
    match (&request.selection, hold) {
        (Selection::Tables(tables), _) => {
            let window = resolved(request.window);
            let resolved = window.as_ref().ok().map(|window| ResolvedRequest::new(request, tables.clone(), *window));
            (vec![("window", window.map(|_| ()))], resolved)
        }
        (Selection::Hold(id), None) => (vec![("hold_exists", Err(refusal::hold_not_found(Some(*id))))], None),
        (Selection::Hold(_), Some(hold)) => {
            let mut checks = vec![("hold_exists", Ok(()))];
            checks.extend(hold.checks(booking.id, booking.restaurant, now));
            checks.push(("hold_expectation", hold.check_expectation(&request.expectation)));
            let held = hold.window();
            checks.push(("hold_window", held.as_ref().map(|_| ()).map_err(Refusal::clone)));
            let Ok(held) = held else { return (checks, None) };
            // The hold speaks for the window, but not for another day than the booking's (F16).
            let own = resolved(Some(held));
            let custom = request.window.map_or(Ok(held), |window| resolved(Some(window)));
            checks.push(("window", own.and(custom).map(|_| ())));
            let window = request.window.unwrap_or(held);
            let resolved = ResolvedRequest::new(request, hold.members.clone(), window);
            (checks, (!hold.members.is_empty()).then_some(resolved))
        }
    }
}

/// Every asked table, or the refusal that names those that are not there.
pub fn loaded<'a>(booking: Id, request: &[Id], tables: &'a BTreeMap<Id, Table>) -> Result<Vec<&'a Table>, Refusal> {
    let missing: Vec<Option<Id>> = request.iter().filter(|id| !tables.contains_key(id)).map(|id| Some(*id)).collect();
    if missing.is_empty() {
        Ok(request.iter().filter_map(|id| tables.get(id)).collect())
    } else {
        Err(refusal::tables_not_found(booking, &missing))
    }
}

/// One table by itself.
pub fn check_table(table: &Table, restaurant: Id) -> Result<(), Refusal> {
    if table.restaurant != restaurant {
        return Err(refusal::table_of_other_restaurant(table.id));
    }
    if table.zone.is_none() {
        return Err(refusal::table_without_zone(table.id));
    }
    if !table.active {
        return Err(refusal::table_inactive(table.id));
    }
    if table.out_of_service {
        return Err(refusal::table_out_of_service(table.id));
    }
    Ok(())
}

/// One zone for the set, for what the booking has already, and for what it is locked to.
fn check_zone(booking: &Booking, tables: &[&Table], intent: Intent, snapshot: &Snapshot) -> Result<(), Refusal> {
    let Some(zone) = tables.first().and_then(|table| table.zone) else { return Ok(()) };
    if let Some(other) = tables.iter().filter_map(|table| table.zone).find(|other| *other != zone) {
        return Err(refusal::tables_in_different_zones(zone, other));
    }
    let elsewhere = |row: &&Assignment| {
        let table = snapshot.tables.get(&row.table);
        table.and_then(|table| table.zone).is_some_and(|other| other != zone)
    };
    if intent == Intent::Assign && snapshot.assignments.iter().any(|row| elsewhere(&row)) {
        return Err(refusal::other_zone_assigned(booking.id));
    }
    match booking.zone_lock {
        Some(lock) if lock != zone => Err(refusal::zone_locked(booking.id, lock, zone)),
        _ => Ok(()),
    }
}

/// Joined tables can be moved.
fn check_movable(tables: &[&Table]) -> Result<(), Refusal> {
    match tables.iter().find(|table| table.mobility != "movable") {
        Some(fixed) if tables.len() > 1 => Err(refusal::table_not_movable(fixed.id, &fixed.mobility)),
        _ => Ok(()),
    }
}

/// Joined tables are one connected set, where that is asked for.
fn check_adjacent(wanted: bool, tables: &[&Table], snapshot: &Snapshot) -> Result<(), Refusal> {
    let ids: Vec<Id> = tables.iter().map(|table| table.id).collect();
    if wanted { adjacency::check_connected(&ids, &snapshot.edges) } else { Ok(()) }
}
