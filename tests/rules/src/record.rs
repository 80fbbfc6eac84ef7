//! A booking that was confirmed by key and hold, as a reconciliation sees it: everything agrees.

use holdfast::rules::Id;
use holdfast::rules::booking::Booking;
use holdfast::rules::booking::table::Resource;
use holdfast::rules::reconcile::finding::record::{
    AllocationRecord, Answered, AssignmentRecord, Basis, BookingRecord, Moved, OpenHold, Rival, StatusRule, TableState,
};

use crate::{BOOKING, HOLD, OTHER_BOOKING, RESTAURANT, ZONE, booking, clock, hours, now, table_id, table_ids};

fn rule(status: &str, is_confirm_target: bool, holds_tables: bool, releases_tables: bool) -> StatusRule {
    StatusRule { status: status.to_owned(), is_confirm_target, holds_tables, releases_tables }
}

/// Ids are those of [`crate::assignment`].
#[must_use]
pub fn assignment(number: u128, group: Option<Id>) -> AssignmentRecord {
    AssignmentRecord {
        id: Id::from_u128(0x100 + number),
        table: table_id(number),
        window: Some(hours(18, 20)),
        merge_group: group,
        key: Some("key".to_owned()),
        foreign: false,
        status_unexplained: false,
        recent: true,
        allocation: Some(Id::from_u128(0x200 + number)),
    }
}

/// Ids are those of [`crate::allocation`].
#[must_use]
pub fn table_allocation(number: u128) -> AllocationRecord {
    AllocationRecord { id: Id::from_u128(0x200 + number), ..claim_on(Resource::Table, table_id(number)) }
}

/// Ids are 0x300 and the resource's.
#[must_use]
pub fn claim_on(resource: Resource, resource_id: Id) -> AllocationRecord {
    AllocationRecord {
        id: Id::from_u128(0x300 + resource_id.as_u128()),
        resource,
        resource_id,
        restaurant: RESTAURANT,
        window: Some(hours(18, 20)),
        shadow: resource == Resource::Hold,
    }
}

#[must_use]
pub fn moved(from: &str, to: &str, hour: i64) -> Moved {
    Moved { from: Some(from.to_owned()), to: to.to_owned(), at: clock(hour, 0) }
}

#[must_use]
pub fn answered(key: &str, outcome: &str, tables: &[u128]) -> Answered {
    Answered {
        key: key.to_owned(),
        outcome: outcome.to_owned(),
        window: Some(hours(18, 20)),
        tables: table_ids(tables),
        hold: None,
        at: clock(16, 0),
        told: true,
        basis: Some(Basis::Derived),
        assignments: tables.iter().map(|number| Id::from_u128(0x100 + number)).collect(),
        adjacent: false,
        hold_shared: false,
        ours: true,
    }
}

/// An open hold on these tables, with its mirror among `allocations` if the case adds it.
#[must_use]
pub fn open_hold(tables: &[u128]) -> OpenHold {
    OpenHold {
        id: HOLD,
        restaurant: RESTAURANT,
        window: Some(hours(18, 20)),
        expires_at: clock(17, 30),
        members: table_ids(tables),
        foreign_member: false,
        mirrored: true,
    }
}

/// Another booking's allocation on a table of ours.
#[must_use]
pub fn rival(number: u128) -> Rival {
    Rival {
        id: Id::from_u128(0x400 + number),
        is_allocation: true,
        table: table_id(number),
        owner: Some(OTHER_BOOKING),
        window: Some(hours(19, 21)),
        released: false,
    }
}

/// Four assignments in the first zone.
#[must_use]
pub fn state() -> TableState {
    TableState { zone: Some(ZONE), active: true, out_of_service: false, seats: 4 }
}

/// Confirmed at four on table 1 from six to eight, looked at at five.
#[must_use]
pub fn agreed() -> BookingRecord {
    let moves = [("pending", "confirmed"), ("confirmed", "checked_in"), ("confirmed", "cancelled")];
    BookingRecord {
        booking: Booking { status: "confirmed".to_owned(), ..booking() },
        statuses: vec![
            rule("pending", false, true, false),
            rule("confirmed", true, true, false),
            rule("checked_in", false, true, false),
            rule("cancelled", false, false, true),
            rule("no_show", false, false, false),
        ],
        moves: moves.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect(),
        assignments: vec![assignment(1, None)],
        allocations: vec![table_allocation(1)],
        history: vec![moved("pending", "confirmed", 16)],
        answers: vec![Answered { hold: Some(HOLD), ..answered("key", "confirmed", &[1]) }],
        tables: [(table_id(1), state())].into(),
        ..BookingRecord::of(BOOKING, now())
    }
}
