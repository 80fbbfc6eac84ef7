//! The checks of a confirm, one list: a decision takes the first objection, an explanation all of them.

use super::Id;
use super::booking::{self, Booking};
use super::capacity;
use super::confirm::{self, Situation};
use super::hold::Hold;
use super::refusal::{self, Refusal};
use super::request::{Asked, Intent, Request, Selection};
use super::table::{Blocker, Table};
use super::window::Instant;

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

/// The outcome of one check, under its name.
pub type Checked = (&'static str, Result<(), Refusal>);

/// What the checks look at.
struct Looked<'a> {
    asked: &'a Asked,
    request: &'a Request,
    situation: &'a Situation,
    /// Those of the asked tables that exist.
    tables: Vec<&'a Table>,
}

type Look = fn(&Looked) -> Vec<Objection>;

/// In their declared order; after them, nothing may fail.
const CHECKS: &[(&str, Look)] = &[
    ("booking_status", |looked| {
        let (asked, situation) = (looked.asked, looked.situation);
        if !situation.booking.is_known() {
            return Vec::new();
        }
        one(booking::may_take_tables(&situation.booking, asked.target.as_deref(), &situation.statuses))
    }),
    ("tables_exist", |looked| {
        let situation = looked.situation;
        one(confirm::loaded(situation.booking.id, &looked.request.tables, &situation.tables).map(|_| ()))
    }),
    ("tables_usable", |looked| {
        let home = looked.situation.booking.restaurant;
        looked.tables.iter().flat_map(|table| one(confirm::check_table(table, home))).collect()
    }),
    ("zone", |looked| {
        let situation = looked.situation;
        one(confirm::check_zone(&situation.booking, &looked.tables, looked.asked.intent, situation))
    }),
    ("tables_movable", |looked| one(confirm::check_movable(&looked.tables))),
    ("tables_adjacent", |looked| {
        let of_hold = looked.situation.hold.as_ref().is_some_and(Hold::requires_adjacency);
        let wanted = looked.asked.require_adjacency || of_hold;
        one(confirm::check_adjacent(wanted, &looked.tables, looked.situation))
    }),
    ("capacity", |looked| match looked.asked.intent {
        Intent::Confirm if looked.situation.booking.is_known() => {
            let situation = looked.situation;
            one(capacity::check(&situation.booking, &looked.tables, situation.policy))
        }
        _ => Vec::new(),
    }),
    ("hold_floor", |looked| {
        let situation = looked.situation;
        let hold = situation.hold.iter();
        hold.flat_map(|hold| one(hold.check_floor(&looked.tables, &situation.edges))).collect()
    }),
    ("tables_free", |looked| in_the_way(looked.situation)),
];

fn one(result: Result<(), Refusal>) -> Vec<Objection> {
    result.err().map(Objection::from).into_iter().collect()
}

fn looked<'a>(asked: &'a Asked, request: &'a Request, situation: &'a Situation) -> Looked<'a> {
    let tables = request.tables.iter().filter_map(|id| situation.tables.get(id)).collect();
    Looked { asked, request, situation, tables }
}

/// The first objection, if there is any.
pub fn first(asked: &Asked, request: &Request, situation: &Situation) -> Result<(), Refusal> {
    let looked = looked(asked, request, situation);
    let objection = CHECKS.iter().flat_map(|(_, look)| look(&looked)).next();
    objection.map_or(Ok(()), |objection| Err(objection.refusal))
}

/// Every check with all of its objections.
#[must_use]
pub fn all(asked: &Asked, request: &Request, situation: &Situation) -> Vec<(&'static str, Vec<Objection>)> {
    let looked = looked(asked, request, situation);
    CHECKS.iter().map(|(name, look)| (*name, look(&looked))).collect()
}

/// Live holds of others first, then claims, then what only the assignments know.
#[must_use]
pub fn in_the_way(situation: &Situation) -> Vec<Objection> {
    let (booking, blockers) = (situation.booking.id, &situation.blockers);
    let objection = |refusal: Refusal, id, table| {
        let occupant = situation.occupants.get(&id).copied().unwrap_or_default();
        Objection { refusal: refusal.occupied(id, table, occupant), blocker: Some((id, table)) }
    };
    let holds = blockers.iter().filter_map(|blocker| match blocker {
        Blocker::Hold { hold, table } => Some(objection(refusal::hold_conflict(booking, *hold), *hold, *table)),
        _ => None,
    });
    let claims = blockers.iter().filter_map(|blocker| match blocker {
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
    holds.chain(claims).chain(assigned).collect()
}

/// What a call stands for: the checks of its hold and its window, and the request if there is enough to make one.
#[must_use]
pub fn selection(
    asked: &Asked,
    booking: &Booking,
    hold: Option<&Hold>,
    now: Instant,
) -> (Vec<Checked>, Option<Request>) {
    let resolved = |window| booking::resolve_window(asked.booking, window, booking.window);
    match (&asked.selection, hold) {
        (Selection::Tables(tables), _) => {
            let window = resolved(asked.window);
            let request = window.as_ref().ok().map(|window| Request::new(asked, tables.clone(), *window));
            (vec![("window", window.map(|_| ()))], request)
        }
        (Selection::Hold(id), None) => (vec![("hold_exists", Err(refusal::hold_not_found(Some(*id))))], None),
        (Selection::Hold(_), Some(hold)) => {
            let mut checks = vec![("hold_exists", Ok(()))];
            checks.extend(hold.checks(booking.id, booking.restaurant, now));
            checks.push(("hold_expectation", hold.check_expectation(&asked.expectation)));
            let held = hold.window();
            checks.push(("hold_window", held.as_ref().map(|_| ()).map_err(Refusal::clone)));
            let Ok(held) = held else { return (checks, None) };
            // The hold speaks for the window, but not for another day than the booking's (F16).
            let own = resolved(Some(held));
            let custom = asked.window.map_or(Ok(held), |window| resolved(Some(window)));
            checks.push(("window", own.and(custom).map(|_| ())));
            let window = asked.window.unwrap_or(held);
            let request = Request::new(asked, hold.members.clone(), window);
            (checks, (!hold.members.is_empty()).then_some(request))
        }
    }
}
