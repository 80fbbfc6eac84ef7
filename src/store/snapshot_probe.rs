//! What every decision looks at, by probes: as `snapshot_read` and `floor_read` read it.

use std::rc::Rc;

use pgrx::pg_sys::BuiltinOid::{TEXTOID, UUIDOID};

use super::blocker_probe::{self, KnownStatuses};
use super::columns::columns;
use super::labels::enum_label;
use super::ledger::AssignmentsOf;
use super::probe::{Compares, KeyPart, NotDirect, Reader, Shape, probe};
use super::row::{self, Bounds, EnumValue, Word};
use super::snapshot::BlockerFact;
use super::table::MembersOf;
use crate::rules::Id;
use crate::rules::booking::capacity::CapacityPolicy;
use crate::rules::booking::table::{Allocation, Assignment, Resource};
use crate::rules::booking::window::{Instant, Window};
use crate::rules::booking::{Booking, StatusRules};

columns!(StatusRow {
    status: Option<EnumValue>,
    is_confirm_target: bool,
    holds_tables: bool,
    occupies_tables: bool,
    releases_tables: bool,
});
probe!(all "holdfast_booking_statuses", EveryStatus {} -> StatusRow);
columns!(MoveRow { from_status: Option<EnumValue>, to_status: Option<EnumValue> });
probe!(all "holdfast_status_transitions", EveryMove {} -> MoveRow);
columns!(CapacityRow { extra_seats: i32, enforce_min_party: bool });
probe!(one "holdfast_capacity_policies", PolicyOf { restaurant_id: Id } -> CapacityRow);
columns!(AllocationRow { id: Id, resource_type: Word, resource_id: Id, window: Bounds });
probe!(all "allocations", AllocationsOf { booking_id: Id } -> AllocationRow);

// What belongs to a hold, and to tables.
columns!(MirrorRow { id: Id });
const MIRROR: &[KeyPart] = &[
    KeyPart { of: Shape::Column("booking_id"), compares: Compares::Absent, kind: UUIDOID },
    KeyPart::equal("resource_type", TEXTOID),
    KeyPart::equal("resource_id", UUIDOID),
];
probe!(
    all "allocations",
    MirrorOf<'a> { booking: Option<Id>, resource_type: &'a str, resource_id: Id } by MIRROR -> MirrorRow
);
columns!(EdgeRow { table_b: Id });
probe!(all "table_adjacencies", EdgesOf { table_a: Id } -> EdgeRow);

/// What is asked, once the rows that it hangs on are locked.
pub struct Inquiry<'a> {
    pub booking: &'a Booking,
    pub target: Option<&'a str>,
    pub tables: &'a [Id],
    pub window: Window,
    pub now: Instant,
    pub own_holds: &'a [Id],
}

/// What was found.
pub struct Surroundings {
    pub statuses: StatusRules,
    pub policy: CapacityPolicy,
    pub assignments: Vec<Assignment>,
    pub allocations: Vec<Allocation>,
    /// Who is in the way; None: that is read by the statement.
    pub blockers: Option<Vec<BlockerFact>>,
}

/// What belongs to the holds of a booking, and which tables stand side by side.
#[derive(Default)]
pub struct Belongings {
    /// Holds with their tables.
    pub members: Vec<(Id, Id)>,
    pub mirrors: Vec<Id>,
    pub edges: Vec<(Id, Id)>,
}

/// As `snapshot_read`: with the first look, where the schema has what it needs.
pub fn look(reader: &Reader, asked: &Inquiry, looks_first: bool) -> Result<Surroundings, NotDirect> {
    if looks_first {
        blocker_probe::has_indexes(reader)?;
    }
    let candidates = if looks_first { blocker_probe::candidates(reader, asked)? } else { None };
    let mut known = KnownStatuses::default();
    let statuses = status_rules(reader, asked, &mut known)?;
    let blockers = candidates.map(|candidates| blocker_probe::blockers(reader, candidates, &known)).transpose()?;
    let mut found = Surroundings {
        statuses,
        policy: CapacityPolicy::default(),
        assignments: Vec::new(),
        allocations: Vec::new(),
        blockers,
    };
    let policies = reader.rows(PolicyOf { restaurant_id: asked.booking.restaurant }, |row| CapacityPolicy {
        extra_seats: row.extra_seats(),
        enforce_min_party: row.enforce_min_party(),
    })?;
    found.policy = policies.into_iter().last().unwrap_or_default();
    found.assignments = reader.rows(AssignmentsOf { booking_id: asked.booking.id }, |row| Assignment {
        id: row.id().unwrap_or_default(),
        table: row.table_id().unwrap_or_default(),
        window: row::window(row.start_at(), row.end_at()),
        merge_group: row.merge_group_id(),
    })?;
    let allocations = reader.rows(AllocationsOf { booking_id: asked.booking.id }, |row| {
        let (resource, window) = (Resource::of_label(&row.resource_type().0)?, row.window());
        let window = row::window(window.lower, window.upper);
        Some(Allocation { id: row.id(), resource, resource_id: row.resource_id(), window })
    })?;
    found.allocations.extend(allocations.into_iter().flatten());
    Ok(found)
}

fn status_rules(reader: &Reader, asked: &Inquiry, known: &mut KnownStatuses) -> Result<StatusRules, NotDirect> {
    let mut rules = StatusRules::default();
    reader.rows(EveryStatus {}, |row| {
        known.note(row.status(), row.occupies_tables(), row.releases_tables());
        let status = label(row.status());
        let is_current = status.as_deref() == Some(asked.booking.status.as_str());
        let is_target = status.is_some() && status.as_deref() == asked.target;
        rules.current_holds_tables |= is_current && row.holds_tables();
        rules.target_holds_tables |= is_target && row.holds_tables();
        rules.target_is_confirmable |= is_target && row.is_confirm_target();
    })?;
    let moves = reader.rows(EveryMove {}, |row| {
        let is_wanted = label(row.to_status()).is_some_and(|to| Some(to.as_ref()) == asked.target);
        if is_wanted { label(row.from_status()).map(|from| from.as_ref().to_owned()) } else { None }
    })?;
    rules.target_reached_from = moves.into_iter().flatten().collect();
    Ok(rules)
}

fn label(value: Option<EnumValue>) -> Option<Rc<str>> {
    enum_label(value?.0)
}

/// As `floor_read`; the tables are none where nobody asks which stand side by side, and None where the schema does not say.
pub fn belongings(reader: &Reader, own_holds: &[Id], tables: Option<&[Id]>) -> Result<Belongings, NotDirect> {
    let mut found = Belongings::default();
    for hold_id in own_holds {
        let members = reader.rows(MembersOf { hold_id: *hold_id }, |row| row.table_id().unwrap_or_default())?;
        found.members.extend(members.into_iter().map(|table| (*hold_id, table)));
        let key = MirrorOf { booking: None, resource_type: "hold", resource_id: *hold_id };
        found.mirrors.extend(reader.rows(key, |row| row.id())?);
    }
    let Some(tables) = tables else { return Ok(found) };
    if tables.is_empty() {
        reader.looks_at::<_, EdgesOf>()?;
    }
    for table in tables {
        let others = reader.rows(EdgesOf { table_a: *table }, |row| row.table_b())?;
        found.edges.extend(others.into_iter().filter(|other| tables.contains(other)).map(|other| (*table, other)));
    }
    Ok(found)
}
