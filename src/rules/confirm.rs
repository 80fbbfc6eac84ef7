//! The decision of a confirm or an assign: refuse, or name the exact changes.

use std::collections::{BTreeMap, BTreeSet};

use super::Id;
use super::adjacency::{self, Edges};
use super::allocation;
use super::booking::{Booking, StatusRules};
use super::capacity::CapacityPolicy;
use super::check;
use super::hold::{Hold, HoldEnd};
use super::outcome::Outcome;
use super::refusal::{self, Refusal};
use super::request::{Asked, Intent, Request, Selection};
use super::table::{Allocation, Assignment, Blocker, Occupant, Resource, Table};
use super::window::{Instant, Window};

/// The tables and the window that a call stands for, and that its hold may be used.
pub fn select(asked: &Asked, booking: &Booking, hold: Option<&Hold>, now: Instant) -> Result<Request, Refusal> {
    let (checks, request) = check::selection(asked, booking, hold, now);
    checks.into_iter().try_for_each(|(_, result)| result)?;
    request.ok_or_else(|| refusal::hold_not_found(hold.map(|hold| hold.id)))
}

/// Everything a decision looks at, read under the locks that protect it.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation {
    pub now: Instant,
    pub booking: Booking,
    /// The hold that was named.
    pub hold: Option<Hold>,
    /// Live holds of the booking, the named one among them, with their tables and deadline.
    pub own_holds: BTreeMap<Id, OwnHold>,
    /// By id: the asked tables that exist, and those that the booking has.
    pub tables: BTreeMap<Id, Table>,
    pub statuses: StatusRules,
    pub policy: CapacityPolicy,
    pub assignments: Vec<Assignment>,
    pub allocations: Vec<Allocation>,
    /// Mirrors of own holds that no booking was known for.
    pub mirrors: Vec<Id>,
    pub edges: Edges,
    pub blockers: Vec<Blocker>,
    /// Who has what the blockers stand for, by their ids.
    pub occupants: BTreeMap<Id, Occupant>,
    /// Do assignments exclude each other by a constraint of their own?
    pub assignments_exclude: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnHold {
    pub members: BTreeSet<Id>,
    pub expires_at: Instant,
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

impl Changes {
    /// Tables that the booking had and has no more.
    #[must_use]
    pub fn freed(&self, request: &Request, situation: &Situation) -> Vec<Id> {
        let dropped = situation.assignments.iter().filter(|row| self.drop_assignments.contains(&row.id));
        dropped.map(|row| row.table).filter(|table| !request.tables.contains(table)).collect()
    }
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
pub fn decide(asked: &Asked, request: &Request, situation: &Situation) -> Result<Changes, Refusal> {
    check::first(asked, request, situation)?;
    Ok(changes(asked, request, situation))
}

/// May these tables be held? What no confirm could use is not worth keeping from others: the checks are a confirm's.
pub fn may_hold(hold: &Hold, window: Window, situation: &Situation) -> Result<(), Refusal> {
    let asked = Asked::to_hold(situation.booking.id, hold.members.clone(), window);
    let request = Request::new(&asked, hold.members.clone(), window);
    let situation = Situation { hold: Some(hold.clone()), ..situation.clone() };
    check::first(&asked, &request, &situation)
}

/// Every asked table, or the refusal that names those that are not there.
pub fn loaded<'a>(booking: Id, asked: &[Id], tables: &'a BTreeMap<Id, Table>) -> Result<Vec<&'a Table>, Refusal> {
    let missing: Vec<Option<Id>> = asked.iter().filter(|id| !tables.contains_key(id)).map(|id| Some(*id)).collect();
    if missing.is_empty() {
        Ok(asked.iter().filter_map(|id| tables.get(id)).collect())
    } else {
        Err(refusal::tables_not_found(booking, &missing))
    }
}

/// One table by itself.
pub fn check_table(table: &Table, restaurant: Id) -> Result<(), Refusal> {
    let refuse = |outcome, words: &str| Err(Refusal::new(outcome, format!("Table {} {words}", table.id)));
    if table.restaurant != restaurant {
        return refuse(Outcome::TableOfOtherRestaurant, "belongs to a different restaurant");
    }
    if table.zone.is_none() {
        return refuse(Outcome::TableWithoutZone, "is not assigned to a zone");
    }
    if !table.active {
        return refuse(Outcome::TableInactive, "is inactive");
    }
    if table.out_of_service {
        return refuse(Outcome::TableOutOfService, "is out of service");
    }
    Ok(())
}

/// One zone for the set, for what the booking has already, and for what it is locked to.
pub(super) fn check_zone(
    booking: &Booking,
    tables: &[&Table],
    intent: Intent,
    situation: &Situation,
) -> Result<(), Refusal> {
    let Some(zone) = tables.first().and_then(|table| table.zone) else { return Ok(()) };
    if let Some(other) = tables.iter().filter_map(|table| table.zone).find(|other| *other != zone) {
        return Err(Refusal::new(
            Outcome::TablesInDifferentZones,
            format!("All tables must belong to the same zone (found {other}, expected {zone})"),
        ));
    }
    let elsewhere = |row: &&Assignment| {
        let table = situation.tables.get(&row.table);
        table.and_then(|table| table.zone).is_some_and(|other| other != zone)
    };
    if intent == Intent::Assign && situation.assignments.iter().any(|row| elsewhere(&row)) {
        return Err(Refusal::new(
            Outcome::OtherZoneAssigned,
            format!("Booking {} already has assignments in a different zone", booking.id),
        ));
    }
    match booking.zone_lock {
        Some(lock) if lock != zone => Err(Refusal::new(
            Outcome::ZoneLocked,
            format!("Booking {} locked to zone {lock}, cannot assign zone {zone}", booking.id),
        )),
        _ => Ok(()),
    }
}

/// Joined tables can be moved.
pub(super) fn check_movable(tables: &[&Table]) -> Result<(), Refusal> {
    match tables.iter().find(|table| table.mobility != "movable") {
        Some(fixed) if tables.len() > 1 => Err(Refusal::new(
            Outcome::TableNotMovable,
            format!("Merged assignments require movable tables ({} is {})", fixed.id, fixed.mobility),
        )),
        _ => Ok(()),
    }
}

/// Joined tables are one connected set, where that is asked for.
pub(super) fn check_adjacent(wanted: bool, tables: &[&Table], situation: &Situation) -> Result<(), Refusal> {
    let ids: Vec<Id> = tables.iter().map(|table| table.id).collect();
    if wanted { adjacency::check_connected(&ids, &situation.edges) } else { Ok(()) }
}

fn changes(asked: &Asked, request: &Request, situation: &Situation) -> Changes {
    let kept = standing(request, situation, asked.intent);
    let asked_for = |table: Id| request.tables.contains(&table);
    let removal = match (asked.intent, kept.is_empty()) {
        (_, false) => allocation::Removal::default(),
        (Intent::Confirm, true) => allocation::remove(&situation.assignments, &situation.allocations, |_| true),
        (Intent::Assign, true) => allocation::remove(&situation.assignments, &situation.allocations, asked_for),
    };
    let close_holds = ended_holds(asked, request, situation);
    let freed = situation.blockers.iter().filter_map(|blocker| match blocker {
        Blocker::Allocation { id, released: true, .. } => Some(*id),
        _ => None,
    });
    let mirrors = situation.allocations.iter().filter_map(|claim| {
        let closed = close_holds.iter().any(|(hold, _)| *hold == claim.resource_id);
        (claim.resource == Resource::Hold && closed).then_some(claim.id)
    });
    let mut drop_allocations = removal.allocations;
    drop_allocations.extend(freed.collect::<BTreeSet<Id>>());
    drop_allocations.extend(mirrors);
    drop_allocations.extend(&situation.mirrors);
    let mut drop_assignments = removal.assignments;
    drop_assignments.extend(left_behind(situation));
    Changes {
        add: if kept.is_empty() { request.tables.clone() } else { Vec::new() },
        touched: touched_now(request, situation),
        moves: asked.target.as_ref().is_some_and(|target| kept.is_empty() || *target != situation.booking.status),
        kept,
        drop_assignments,
        drop_allocations,
        dissolve: removal.dissolved,
        close_holds,
    }
}

/// Assignments of bookings that are over. They are the record of who sat where and stay, unless they would block.
fn left_behind(situation: &Situation) -> impl Iterator<Item = Id> {
    let blocks = |blocker: &Blocker| match blocker {
        Blocker::Assignment { id, released: true, .. } if situation.assignments_exclude => Some(*id),
        _ => None,
    };
    situation.blockers.iter().filter_map(blocks)
}

/// The rows of the answer, when the tables already stand exactly as asked (F3); else empty.
fn standing(request: &Request, situation: &Situation, intent: Intent) -> Vec<Assignment> {
    let mut rows: Vec<Assignment> = situation
        .assignments
        .iter()
        .filter(|row| request.tables.contains(&row.table) && row.window == Some(request.window))
        .copied()
        .collect();
    rows.sort_unstable_by_key(|row| row.table);
    let complete = rows.len() == request.tables.len();
    // A confirm sets the tables: a claim without its table must not outlive it.
    let of_row = |claim: &Allocation| match claim.resource {
        Resource::Table => rows.iter().any(|row| row.table == claim.resource_id),
        Resource::MergeGroup => rows.iter().any(|row| row.merge_group == Some(claim.resource_id)),
        Resource::Hold => true,
    };
    let exact = intent == Intent::Assign
        || (situation.assignments.len() == rows.len() && situation.allocations.iter().all(of_row));
    let one_group = rows.windows(2).all(|pair| pair[0].merge_group == pair[1].merge_group)
        && rows.first().is_some_and(|row| row.merge_group.is_some() == (rows.len() > 1));
    let claimed = rows.iter().all(|row| {
        situation.allocations.iter().any(|claim| {
            claim.resource == Resource::Table && claim.resource_id == row.table && claim.window == row.window
        })
    });
    if complete && exact && one_group && claimed { rows } else { Vec::new() }
}

/// A confirm leaves no live hold behind (F25); an assign consumes those whose tables it took.
fn ended_holds(asked: &Asked, request: &Request, situation: &Situation) -> Vec<(Id, HoldEnd)> {
    situation
        .own_holds
        .iter()
        .filter_map(|(id, hold)| {
            let named = asked.selection == Selection::Hold(*id);
            let taken = matches!(asked.selection, Selection::Tables(_))
                && hold.members.iter().all(|table| request.tables.contains(table));
            let end = if named {
                HoldEnd::Confirmed
            } else if hold.expires_at <= situation.now {
                HoldEnd::Expired
            } else if taken {
                HoldEnd::Confirmed
            } else {
                HoldEnd::Cancelled
            };
            (asked.intent == Intent::Confirm || named || taken).then_some((*id, end))
        })
        .collect()
}

/// Tables whose status may change at this moment: only those whose window is running.
fn touched_now(request: &Request, situation: &Situation) -> Vec<Id> {
    let mut touched: BTreeSet<Id> = situation
        .assignments
        .iter()
        .filter(|row| row.window.is_some_and(|window| window.contains(situation.now)))
        .map(|row| row.table)
        .collect();
    if request.window.contains(situation.now) {
        touched.extend(&request.tables);
    }
    touched.into_iter().collect()
}
