//! Who is in the way, by probes: as the first look of `snapshot_read` and `blockers_read` find them.

use pgrx::pg_sys;
use pgrx::pg_sys::BuiltinOid::{TIMESTAMPTZOID, TSTZRANGEOID, UUIDOID};

use super::columns::columns;
use super::hold::{LIVE, is_active};
use super::probe::{self, Compares, KeyPart, NotDirect, Reader, Shape, probe};
use super::row::{Bounds, EnumValue, Row, Word};
use super::snapshot::BlockerFact;
use super::snapshot_probe::Inquiry;
use super::table::MembersOf;
use crate::rules::Id;
use crate::rules::booking::table::PRESENCE_SECONDS;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::hold::GRACE_SECONDS;

// The first entries of a table that end at a moment or after it, in the order of their ends.
columns!(NextOnTableRow { id: Id, restaurant_id: Option<Id>, booking_id: Option<Id>, window: Bounds });
const STANDS: &[Shape] = &[
    Shape::Call(pg_sys::F_TEXTEQ, &[Shape::Column("resource_type"), Shape::Text("table")]),
    Shape::Not(&[Shape::Column("shadow")]),
];
const UNTIL: Shape =
    Shape::Coalesce(&[Shape::Call(pg_sys::F_UPPER_ANYRANGE, &[Shape::Column("window")]), Shape::Forever]);
const OF_TABLE_FROM: &[KeyPart] =
    &[KeyPart::equal("resource_id", UUIDOID), KeyPart { of: UNTIL, compares: Compares::From, kind: TIMESTAMPTZOID }];
/// The first may end at the moment itself; one that is in the way, and the one after it, tell that there is no other.
const NEXT: usize = 3;
probe!(first 3 where STANDS, "allocations", NextOnTable { resource_id: Id, until: Instant } by OF_TABLE_FROM -> NextOnTableRow);

columns!(AroundRow { id: Id, booking_id: Option<Id>, start_at: Option<Instant>, end_at: Option<Instant> });
const OF_TABLE_AROUND: &[KeyPart] = &[
    KeyPart::equal("table_id", UUIDOID),
    KeyPart { of: Shape::Column("end_at"), compares: Compares::After, kind: TIMESTAMPTZOID },
    KeyPart { of: Shape::Column("start_at"), compares: Compares::Before, kind: TIMESTAMPTZOID },
];
probe!(
    all "booking_table_assignments",
    AssignedAround { table_id: Id, end_at: Instant, start_at: Instant } by OF_TABLE_AROUND -> AroundRow
);

// The same by the index of a constraint that keeps the assignments of a table apart.
const SEATED: Shape = Shape::Call(
    pg_sys::F_TSTZRANGE_TIMESTAMPTZ_TIMESTAMPTZ_TEXT,
    &[Shape::Column("start_at"), Shape::Column("end_at"), Shape::Text("[)")],
);
const OF_TABLE_IN: &[KeyPart] =
    &[KeyPart::equal("table_id", UUIDOID), KeyPart { of: SEATED, compares: Compares::Overlaps, kind: TSTZRANGEOID }];
probe!(all "booking_table_assignments", AssignedIn { table_id: Id, span: Window } by OF_TABLE_IN -> AroundRow);

columns!(HeldInRow {
    id: Id,
    booking_id: Option<Id>,
    status: Word,
    start_at: Option<Instant>,
    end_at: Option<Instant>,
    expires_at: Option<Instant>,
});
const ENDS: &[Shape] = &[Shape::Column("start_at"), Shape::Column("end_at")];
const SPAN: Shape = Shape::Call(
    pg_sys::F_TSTZRANGE_TIMESTAMPTZ_TIMESTAMPTZ_TEXT,
    &[Shape::Least(ENDS), Shape::Greatest(ENDS), Shape::Text("[)")],
);
const OF_RESTAURANT_IN: &[KeyPart] =
    &[KeyPart::equal("restaurant_id", UUIDOID), KeyPart { of: SPAN, compares: Compares::Overlaps, kind: TSTZRANGEOID }];
probe!(all where LIVE, "table_holds", HeldIn { restaurant_id: Id, span: Window } by OF_RESTAURANT_IN -> HeldInRow);

columns!(BookingStatusRow { status: Option<EnumValue> });
probe!(one "bookings", StatusOf { id: Id } -> BookingStatusRow);

/// Somebody who is near. Whether he is in the way is told by the status of his booking.
pub struct Candidate {
    fact: BlockerFact,
    booking: Option<Id>,
    /// Windows have a moment in common: he need not sit there.
    overlaps: bool,
}

/// What the schema says of the statuses that bookings may have.
#[derive(Default)]
pub struct KnownStatuses(Vec<StatusMeaning>);

struct StatusMeaning {
    status: pg_sys::Oid,
    occupies: bool,
    releases: bool,
}

impl KnownStatuses {
    pub fn note(&mut self, status: Option<EnumValue>, occupies: bool, releases: bool) {
        self.0.extend(status.map(|status| StatusMeaning { status: status.0, occupies, releases }));
    }

    fn of(&self, status: pg_sys::Oid) -> Option<&StatusMeaning> {
        self.0.iter().find(|known| known.status == status)
    }
}

/// Applications have these indexes or not.
pub fn has_indexes(reader: &Reader) -> Result<(), NotDirect> {
    match reader.finds::<_, AssignedAround>() {
        Err(NotDirect::Sql(_)) => reader.finds::<_, AssignedIn>()?,
        found => found?,
    }
    reader.finds::<_, NextOnTable>()?;
    reader.finds::<_, HeldIn>()
}

/// Everybody who may be in the way; None: there may be more than were found.
pub fn candidates(reader: &Reader, asked: &Inquiry) -> Result<Option<Vec<Candidate>>, NotDirect> {
    let mut found = Vec::new();
    for table in asked.tables {
        if !allocations(reader, asked, *table, &mut found)? {
            return Ok(None);
        }
    }
    for table in asked.tables {
        assignments(reader, asked, *table, &mut found)?;
    }
    holds(reader, asked, &mut found)?;
    Ok(Some(found))
}

/// The windows of a table do not overlap within a restaurant: they begin in the order in which they end, and behind the first that
/// begins when the asked window has ended there is none in the way. So it is behind the booking's own, to the end of the window.
/// False: it is not certain that these are all.
fn allocations(reader: &Reader, asked: &Inquiry, table: Id, found: &mut Vec<Candidate>) -> Result<bool, NotDirect> {
    let (start, end) = (asked.window.start(), asked.window.end());
    let (next, is_cut) = next_on(reader, table, start)?;
    for NextOn { id, restaurant, booking, window } in next {
        // Of another restaurant, or of none, for which the constraint does not hold; without an end, or empty: the statement knows.
        if restaurant != Some(asked.booking.restaurant) {
            return Ok(false);
        }
        let (Some(lower), Some(upper)) = (window.lower, window.upper) else { return Ok(false) };
        let is_own = booking == Some(asked.booking.id);
        if lower >= end || is_own && upper >= end {
            return Ok(true);
        }
        if !is_own {
            let (start, end) = (Some(lower), Some(upper));
            let fact = BlockerFact::Allocation { id, table, booking, start, end, released: false };
            found.push(Candidate { fact, booking, overlaps: true });
        }
    }
    Ok(!is_cut)
}

/// Does nobody have the table at the moment, going by its allocations in the restaurant? As `table_status_refresh` looks; in the
/// order that is said above. False: somebody has it, or that is not certain.
pub fn is_free_at(reader: &Reader, table: Id, restaurant: Id, now: Instant) -> Result<bool, NotDirect> {
    let (next, is_cut) = next_on(reader, table, now)?;
    Ok(next.first().map_or(!is_cut, |next| {
        next.restaurant == Some(restaurant) && next.window.lower.is_some_and(|lower| lower > now)
    }))
}

struct NextOn {
    id: Id,
    restaurant: Option<Id>,
    booking: Option<Id>,
    window: Bounds,
}

/// The entries of a table that have not ended at the moment, as many as are looked at; true: there may be more.
fn next_on(reader: &Reader, table: Id, at: Instant) -> Result<(Vec<NextOn>, bool), NotDirect> {
    let mut next = reader.rows(NextOnTable { resource_id: table, until: at }, |row| NextOn {
        id: row.id(),
        restaurant: row.restaurant_id(),
        booking: row.booking_id(),
        window: row.window(),
    })?;
    let is_cut = next.len() == NEXT;
    next.retain(|next| next.window.upper_counts || next.window.upper != Some(at));
    Ok((next, is_cut))
}

/// A party that came early or sits past its window has its table now; nobody sits for longer than that.
fn assignments(reader: &Reader, asked: &Inquiry, table: Id, found: &mut Vec<Candidate>) -> Result<(), NotDirect> {
    let (now, asked_start, asked_end) = (asked.now, asked.window.start(), asked.window.end());
    let (mut from, mut until) = (asked_start, asked_end);
    if from <= now && now < until {
        from = from.min(now.after_seconds(-PRESENCE_SECONDS));
        until = until.max(now.after_seconds(PRESENCE_SECONDS));
    }
    let read = |row: &Row<AroundRow>| {
        let (id, booking) = (row.id(), row.booking_id().filter(|booking| *booking != asked.booking.id)?);
        let (start, end) = (row.start_at(), row.end_at());
        let overlaps = end.is_some_and(|end| end > asked_start) && start.is_some_and(|start| start < asked_end);
        let booking = Some(booking);
        let fact = BlockerFact::Assignment { id, table, booking, start, end, released: false };
        Some(Candidate { fact, booking, overlaps })
    };
    let around = match (reader.finds::<_, AssignedAround>(), Window::new(from, until)) {
        (Err(NotDirect::Sql(_)), Some(span)) => reader.rows(AssignedIn { table_id: table, span }, read)?,
        _ => reader.rows(AssignedAround { table_id: table, end_at: from, start_at: until }, read)?,
    };
    found.extend(around.into_iter().flatten());
    Ok(())
}

/// Live holds of others in the restaurant, at the time, that have one of the tables.
fn holds(reader: &Reader, asked: &Inquiry, found: &mut Vec<Candidate>) -> Result<(), NotDirect> {
    let key = HeldIn { restaurant_id: asked.booking.restaurant, span: asked.window };
    let held = reader.rows(key, |row| {
        let until = row.expires_at();
        let lives = until.is_some_and(|until| asked.now < until.after_seconds(GRACE_SECONDS));
        let is_other = is_active(&row.status())? && lives && !asked.own_holds.contains(&row.id());
        Some(is_other.then(|| (row.id(), row.booking_id(), row.start_at(), row.end_at(), until)))
    })?;
    let held: Option<Vec<_>> = held.into_iter().collect();
    // Whether their members may be read at all, was told when the tables were found.
    for (hold, booking, start, end, until) in held.ok_or(NotDirect::Sql(probe::UNKNOWN_WORD))?.into_iter().flatten() {
        let members = reader.rows(MembersOf { hold_id: hold }, |row| row.table_id())?;
        found.extend(members.into_iter().flatten().filter(|table| asked.tables.contains(table)).map(|table| {
            let fact = BlockerFact::Hold { hold, table, booking, start, end, until };
            Candidate { fact, booking, overlaps: true }
        }));
    }
    Ok(())
}

/// Those who are in the way, once their bookings are looked at.
pub fn blockers(
    reader: &Reader,
    candidates: Vec<Candidate>,
    statuses: &KnownStatuses,
) -> Result<Vec<BlockerFact>, NotDirect> {
    let mut found = Vec::new();
    for Candidate { mut fact, booking, overlaps } in candidates {
        let status = match booking {
            Some(id) => reader.rows(StatusOf { id }, |row| row.status().map(|status| status.0))?.pop(),
            None => None,
        };
        let known = status.flatten().and_then(|status| statuses.of(status));
        let (occupies, releases) = known.map_or((false, false), |known| (known.occupies, known.releases));
        let blocks = match &mut fact {
            BlockerFact::Allocation { released, .. } => {
                *released = releases;
                true
            }
            BlockerFact::Assignment { released, .. } => {
                *released = releases;
                // Without its booking it is nobody's.
                status.is_some() && (overlaps || occupies)
            }
            BlockerFact::Hold { .. } => !releases,
        };
        found.extend(blocks.then_some(fact));
    }
    Ok(found)
}
