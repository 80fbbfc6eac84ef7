//! Table-driven cases and properties of the rules: a small restaurant to decide about, without PostgreSQL.
//!
//! Everything built here is in order; a case breaks the one thing that it is about.

pub mod evening;
pub mod model;
pub mod record;

use std::collections::BTreeSet;

use holdfast::rules::Id;
use holdfast::rules::booking::adjacency::{Edges, edge};
use holdfast::rules::booking::capacity::CapacityPolicy;
use holdfast::rules::booking::table::{Allocation, Assignment, Resource, Table};
use holdfast::rules::booking::window::{Instant, Window};
use holdfast::rules::booking::{Booking, BookingWindow, StatusRules};
use holdfast::rules::confirm::request::{Expectation, History, Intent, Request, Selection};
use holdfast::rules::confirm::snapshot::{OwnHold, Snapshot};
use holdfast::rules::hold::Hold;
use holdfast::rules::refusal::Refusal;
use holdfast::rules::refusal::outcome::Outcome;
use serde_json::json;

pub const RESTAURANT: Id = Id::from_u128(0xA0);
pub const BOOKING: Id = Id::from_u128(0xB0);
pub const OTHER_BOOKING: Id = Id::from_u128(0xB1);
pub const ZONE: Id = Id::from_u128(0xC0);
pub const OTHER_ZONE: Id = Id::from_u128(0xC1);
pub const HOLD: Id = Id::from_u128(0xD0);
pub const ACTOR: Id = Id::from_u128(0xE0);
/// An id that nothing has.
pub const NOBODY: Id = Id::from_u128(0xFF);

/// 2027-05-01 00:00 UTC, in microseconds since 2000.
const FIRST_OF_MAY: i64 = 862_444_800_000_000;

/// A time of day on 2027-05-01, UTC.
#[must_use]
pub fn clock(hour: i64, minute: i64) -> Instant {
    Instant(FIRST_OF_MAY + (hour * 60 + minute) * 60_000_000)
}

/// Whole hours of 2027-05-01.
#[must_use]
pub fn hours(from: i64, to: i64) -> Window {
    Window::new(clock(from, 0), clock(to, 0)).expect("hours in order")
}

/// Table ids are their numbers.
#[must_use]
pub fn table_id(number: u128) -> Id {
    Id::from_u128(number)
}

#[must_use]
pub fn table_ids(numbers: &[u128]) -> Vec<Id> {
    numbers.iter().copied().map(table_id).collect()
}

/// Four seats, movable, in the first zone.
#[must_use]
pub fn table(number: u128) -> Table {
    Table {
        id: table_id(number),
        restaurant: RESTAURANT,
        zone: Some(ZONE),
        number: format!("T{number}"),
        capacity: 4,
        min_party_size: Some(1),
        max_party_size: None,
        active: true,
        out_of_service: false,
        mobility: "movable".to_owned(),
    }
}

/// Two guests, pending, from six to eight.
#[must_use]
pub fn booking() -> Booking {
    Booking {
        id: BOOKING,
        restaurant: RESTAURANT,
        status: "pending".to_owned(),
        party_size: 2,
        zone_lock: None,
        window: own_window(18, 20),
    }
}

#[must_use]
pub fn own_window(from: i64, to: i64) -> BookingWindow {
    BookingWindow { start: Some(clock(from, 0)), end: Some(clock(to, 0)) }
}

/// A live hold of the booking on these tables, from six to eight, until half past five.
#[must_use]
pub fn hold(numbers: &[u128]) -> Hold {
    Hold {
        id: HOLD,
        booking: Some(BOOKING),
        restaurant: RESTAURANT,
        start: Some(clock(18, 0)),
        end: Some(clock(20, 0)),
        expires_at: clock(17, 30),
        status: "active".to_owned(),
        metadata: json!({}).into(),
        members: table_ids(numbers),
    }
}

/// The moment at which cases are decided: five o'clock.
#[must_use]
pub fn now() -> Instant {
    clock(17, 0)
}

/// An automatic confirm.
#[must_use]
pub fn ask(selection: Selection) -> Request {
    Request {
        intent: Intent::Confirm,
        booking: BOOKING,
        selection,
        key: Some("key".to_owned()),
        window: None,
        require_adjacency: false,
        actor: None,
        target: Some("confirmed".to_owned()),
        history: History::default(),
        expectation: Expectation::default(),
    }
}

#[must_use]
pub fn ask_tables(numbers: &[u128]) -> Request {
    ask(Selection::Tables(table_ids(numbers)))
}

#[must_use]
pub fn ask_hold() -> Request {
    ask(Selection::Hold(HOLD))
}

/// The same call as an assign, which leaves the status alone.
#[must_use]
pub fn as_assign(request: Request) -> Request {
    Request { intent: Intent::Assign, target: None, ..request }
}

/// Moves as `holdfast_status_transitions` declares them for a target of `confirmed`.
#[must_use]
pub fn statuses() -> StatusRules {
    StatusRules {
        target_holds_tables: true,
        current_holds_tables: true,
        target_is_confirmable: true,
        current_needs_tables: false,
        target_needs_tables: true,
        current_releases_tables: false,
        target_releases_tables: false,
        target_reached_from: vec!["pending".to_owned(), "pending_allocation".to_owned()],
    }
}

/// Tables 1 to 6 in a row, nothing on them, and a pending booking for two.
#[must_use]
pub fn snapshot() -> Snapshot {
    Snapshot {
        now: now(),
        booking: booking(),
        hold: None,
        own_holds: [].into(),
        tables: (1..=6).map(|number| (table_id(number), table(number))).collect(),
        statuses: statuses(),
        policy: CapacityPolicy::default(),
        assignments: vec![],
        allocations: vec![],
        mirrors: vec![],
        edges: edges(&[(1, 2), (2, 3), (3, 4), (4, 5), (5, 6)]),
        blockers: vec![],
        occupants: [].into(),
        assignments_exclude: false,
    }
}

/// The same, with a hold that was named.
#[must_use]
pub fn situation_with(hold: Hold) -> Snapshot {
    let own = OwnHold { members: hold.members.iter().copied().collect(), expires_at: hold.expires_at };
    Snapshot { own_holds: [(hold.id, own)].into(), hold: Some(hold), ..snapshot() }
}

#[must_use]
pub fn edges(pairs: &[(u128, u128)]) -> Edges {
    pairs.iter().map(|(a, b)| edge(table_id(*a), table_id(*b))).collect()
}

#[must_use]
pub fn own_hold(numbers: &[u128], expires_at: Instant) -> OwnHold {
    OwnHold { members: table_ids(numbers).into_iter().collect::<BTreeSet<Id>>(), expires_at }
}

/// Ids of assignments are 0x100 and the table's number.
#[must_use]
pub fn assignment(number: u128, window: Window, group: Option<Id>) -> Assignment {
    Assignment { id: Id::from_u128(0x100 + number), table: table_id(number), window: Some(window), merge_group: group }
}

/// The claim beside an assignment; ids are 0x200 and the table's number.
#[must_use]
pub fn claim(number: u128, window: Window) -> Allocation {
    Allocation {
        id: Id::from_u128(0x200 + number),
        resource: Resource::Table,
        resource_id: table_id(number),
        window: Some(window),
    }
}

/// The claim of a merge group or of a hold; ids are 0x300 and the resource's.
#[must_use]
pub fn claim_of(resource: Resource, resource_id: Id, window: Window) -> Allocation {
    Allocation { id: Id::from_u128(0x300 + resource_id.as_u128()), resource, resource_id, window: Some(window) }
}

/// Fails unless it was refused exactly so.
///
/// # Panics
/// When the refusal is another one, or the words differ.
#[track_caller]
pub fn assert_refused(refusal: &Refusal, outcome: Outcome, sqlstate: &str, message: &str, detail: Option<&str>) {
    assert_eq!(refusal.outcome, outcome, "{refusal:?}");
    assert_eq!(refusal.outcome.entry().sqlstate, sqlstate);
    assert_eq!(refusal.message, message);
    assert_eq!(refusal.detail.as_deref(), detail);
}

/// A uuid of which only the last digits matter, as messages print it.
#[must_use]
pub fn shown(id: Id) -> String {
    format!("00000000-0000-0000-0000-{:012x}", id.as_u128())
}
