//! What every decision looks at, by probes: as `snapshot_read` and `floor_read` read it.

use pgrx::pg_sys;
use pgrx::pg_sys::BuiltinOid::{TEXTOID, TIMESTAMPTZOID, TSTZRANGEOID, UUIDOID};

use super::columns::columns;
use super::hold::{LIVE, is_active};
use super::ledger::AssignmentsOf;
use super::probe::{self, Compares, KeyPart, NotDirect, Reader, Shape, probe};
use super::row::{self, Bounds, EnumValue, Word};
use super::server::enum_label;
use super::table::MembersOf;
use crate::rules::Id;
use crate::rules::booking::capacity::CapacityPolicy;
use crate::rules::booking::table::{Allocation, Assignment, PRESENCE_SECONDS, Resource};
use crate::rules::booking::window::{Instant, Window};
use crate::rules::booking::{Booking, StatusRules};
use crate::rules::hold::GRACE_SECONDS;

columns!(StatusRow { status: Option<EnumValue>, is_confirm_target: bool, holds_tables: bool });
probe!(all "holdfast_booking_statuses", EveryStatus {} -> StatusRow);
columns!(MoveRow { from_status: Option<EnumValue>, to_status: Option<EnumValue> });
probe!(all "holdfast_status_transitions", EveryMove {} -> MoveRow);
columns!(CapacityRow { extra_seats: i32, enforce_min_party: bool });
probe!(one "holdfast_capacity_policies", PolicyOf { restaurant_id: Id } -> CapacityRow);
columns!(AllocationRow { id: Id, resource_type: Word, resource_id: Id, window: Bounds });
probe!(all "allocations", AllocationsOf { booking_id: Id } -> AllocationRow);

// The first entries of a table that end at a moment or after it, in the order of their ends.
columns!(NextOnTableRow { restaurant_id: Option<Id>, booking_id: Option<Id>, window: Bounds });
const STANDS: &[Shape] = &[
    Shape::Call(pg_sys::F_TEXTEQ, &[Shape::Column("resource_type"), Shape::Text("table")]),
    Shape::Not(&[Shape::Column("shadow")]),
];
const UNTIL: Shape =
    Shape::Coalesce(&[Shape::Call(pg_sys::F_UPPER_ANYRANGE, &[Shape::Column("window")]), Shape::Forever]);
const OF_TABLE_FROM: &[KeyPart] =
    &[KeyPart::equal("resource_id", UUIDOID), KeyPart { of: UNTIL, compares: Compares::From, kind: TIMESTAMPTZOID }];
/// One more than decide: the first may end at the moment itself.
const NEXT: usize = 3;
probe!(first 3 where STANDS, "allocations", NextOnTable { resource_id: Id, until: Instant } by OF_TABLE_FROM -> NextOnTableRow);

columns!(NearRow { booking_id: Option<Id> });
const OF_TABLE_AROUND: &[KeyPart] = &[
    KeyPart::equal("table_id", UUIDOID),
    KeyPart { of: Shape::Column("end_at"), compares: Compares::After, kind: TIMESTAMPTZOID },
    KeyPart { of: Shape::Column("start_at"), compares: Compares::Before, kind: TIMESTAMPTZOID },
];
probe!(
    all "booking_table_assignments",
    AssignedAround { table_id: Id, end_at: Instant, start_at: Instant } by OF_TABLE_AROUND -> NearRow
);

columns!(HeldInRow { id: Id, status: Word, expires_at: Option<Instant> });
const ENDS: &[Shape] = &[Shape::Column("start_at"), Shape::Column("end_at")];
const SPAN: Shape = Shape::Call(
    pg_sys::F_TSTZRANGE_TIMESTAMPTZ_TIMESTAMPTZ_TEXT,
    &[Shape::Least(ENDS), Shape::Greatest(ENDS), Shape::Text("[)")],
);
const OF_RESTAURANT_IN: &[KeyPart] =
    &[KeyPart::equal("restaurant_id", UUIDOID), KeyPart { of: SPAN, compares: Compares::Overlaps, kind: TSTZRANGEOID }];
probe!(all where LIVE, "table_holds", HeldIn { restaurant_id: Id, span: Window } by OF_RESTAURANT_IN -> HeldInRow);

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
    /// May somebody be in the way?
    pub crowded: bool,
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
        // Applications have these indexes or not.
        reader.finds::<_, AssignedAround>()?;
        reader.finds::<_, NextOnTable>()?;
        reader.finds::<_, HeldIn>()?;
    }
    let crowded = looks_first && is_crowded(reader, asked)?;
    let mut found = Surroundings {
        statuses: status_rules(reader, asked)?,
        policy: CapacityPolicy::default(),
        assignments: Vec::new(),
        allocations: Vec::new(),
        crowded,
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

fn status_rules(reader: &Reader, asked: &Inquiry) -> Result<StatusRules, NotDirect> {
    let (mut rules, mut labels) = (StatusRules::default(), LabelsRead::default());
    reader.rows(EveryStatus {}, |row| {
        let status = labels.of(row.status());
        let is_current = status == Some(asked.booking.status.as_str());
        let is_target = status.is_some() && status == asked.target;
        rules.current_holds_tables |= is_current && row.holds_tables();
        rules.target_holds_tables |= is_target && row.holds_tables();
        rules.target_is_confirmable |= is_target && row.is_confirm_target();
    })?;
    let moves = reader.rows(EveryMove {}, |row| {
        let is_wanted = labels.of(row.to_status()).is_some_and(|to| Some(to) == asked.target);
        if is_wanted { labels.of(row.from_status()).map(str::to_owned) } else { None }
    })?;
    rules.target_reached_from = moves.into_iter().flatten().collect();
    Ok(rules)
}

/// The labels of an enum's values, each looked up once.
#[derive(Default)]
struct LabelsRead(Vec<(pg_sys::Oid, String)>);

impl LabelsRead {
    fn of(&mut self, value: Option<EnumValue>) -> Option<&str> {
        let value = value?.0;
        if !self.0.iter().any(|(known, _)| *known == value) {
            self.0.push((value, enum_label(value)?));
        }
        self.0.iter().find(|(known, _)| *known == value).map(|(_, label)| label.as_str())
    }
}

/// May somebody be in the way? Who is, is read where somebody may.
fn is_crowded(reader: &Reader, asked: &Inquiry) -> Result<bool, NotDirect> {
    for table in asked.tables {
        if has_assignment_near(reader, asked, *table)? || has_allocation_next(reader, asked, *table)? {
            return Ok(true);
        }
    }
    has_hold(reader, asked)
}

/// A party that came early or sits past its window has its table now; nobody sits for longer than that.
fn has_assignment_near(reader: &Reader, asked: &Inquiry, table: Id) -> Result<bool, NotDirect> {
    let (now, mut start, mut end) = (asked.now, asked.window.start(), asked.window.end());
    if start <= now && now < end {
        start = start.min(now.after_seconds(-PRESENCE_SECONDS));
        end = end.max(now.after_seconds(PRESENCE_SECONDS));
    }
    let key = AssignedAround { table_id: table, end_at: start, start_at: end };
    let others = reader.rows(key, |row| row.booking_id().is_some_and(|booking| booking != asked.booking.id))?;
    Ok(others.contains(&true))
}

/// The windows of a table do not overlap, so that the first to end after the start is the only one that may be in the way, or the
/// second, where the one holds the moment at which the other ends. The booking's own, to the end of the window, leaves no room.
fn has_allocation_next(reader: &Reader, asked: &Inquiry, table: Id) -> Result<bool, NotDirect> {
    let (start, end) = (asked.window.start(), asked.window.end());
    let next = reader.rows(NextOnTable { resource_id: table, until: start }, |row| {
        let window = row.window();
        if !window.upper_counts && window.upper == Some(start) {
            return None;
        }
        let is_here = row.restaurant_id() == Some(asked.booking.restaurant);
        let is_elsewhere = !is_here && row.restaurant_id().is_some();
        let is_own = is_here && row.booking_id() == Some(asked.booking.id);
        let begins_before = window.lower.is_none_or(|lower| lower < end);
        Some((is_elsewhere || begins_before) && !(is_own && window.upper.is_some_and(|upper| upper >= end)))
    })?;
    // Of more that end at that moment nothing is known.
    let is_unclear = next.len() == NEXT && next.iter().flatten().count() < 2;
    Ok(is_unclear || next.into_iter().flatten().take(2).any(|is_near| is_near))
}

/// Live holds of others in the restaurant, at the time, that have one of the tables.
fn has_hold(reader: &Reader, asked: &Inquiry) -> Result<bool, NotDirect> {
    let key = HeldIn { restaurant_id: asked.booking.restaurant, span: asked.window };
    let held = reader.rows(key, |row| {
        let lives = row.expires_at().is_some_and(|until| asked.now < until.after_seconds(GRACE_SECONDS));
        Some((row.id(), is_active(&row.status())? && lives))
    })?;
    let held: Option<Vec<(Id, bool)>> = held.into_iter().collect();
    let held = held.ok_or(NotDirect::Sql(probe::UNKNOWN_WORD))?;
    // Whether their members may be read at all, was told when the tables were found.
    let others = held.into_iter().filter(|(id, lives)| *lives && !asked.own_holds.contains(id));
    for (hold_id, _) in others {
        let members = reader.rows(MembersOf { hold_id }, |row| row.table_id())?;
        if members.iter().flatten().any(|table| asked.tables.contains(table)) {
            return Ok(true);
        }
    }
    Ok(false)
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
