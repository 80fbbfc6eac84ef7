//! Bookings for one block of calls: written beforehand, each with a table and a window that nobody else has.

use chrono::{DateTime, Duration, TimeZone, Utc};
use holdfast_e2e::Session;
use uuid::Uuid;

use super::cell::{Adopted, Cell, Work};
use super::job::Item;
use super::place::{BIG, HOT, PLACES, place, table};

/// A window every three hours, two hours long.
const STEP_HOURS: i64 = 3;
/// As many windows as the random order mixes, a power of two.
const MIXED: i64 = 1 << 17;

/// Which windows of a database were given out already.
#[derive(Debug, Default)]
pub struct Calendar {
    next: i64,
}

impl Calendar {
    /// So many windows in a row that are free on every table.
    fn take(&mut self, windows: i64) -> i64 {
        self.next += windows;
        self.next - windows
    }
}

/// The start of a window: one after another, or anywhere in the forty years after those.
fn start(number: i64, random: bool) -> DateTime<Utc> {
    let base = Utc.with_ymd_and_hms(2030, 1, 1, 12, 0, 0).single().expect("an instant");
    let place = if random { MIXED + (number * 48_271) % MIXED } else { number };
    base + Duration::hours(place * STEP_HOURS)
}

/// Restaurants of one session with how many tables each has.
fn places_of(cell: &Cell, session: usize, disjoint: bool) -> (Vec<usize>, usize) {
    match cell.work {
        Work::Hot => (vec![HOT], 4),
        Work::Spread if !disjoint => (vec![BIG], 8),
        _ => ((1..=PLACES).filter(|place| place % cell.sessions == session).collect(), 20),
    }
}

/// Items of each session, and the calendar knows that they are taken.
pub fn items(cell: &Cell, calls: usize, disjoint: bool, calendar: &mut Calendar) -> Vec<Vec<Item>> {
    if cell.work == Work::Hot {
        return contested(cell, calls, calendar);
    }
    let (places, tables) = places_of(cell, 0, disjoint);
    let room = places.len().max(1) * (tables / cell.tables);
    let windows = calls.div_ceil(room.max(1)) as i64 + 1;
    let first = calendar.take(windows);
    let of_session = |session: usize| {
        let (places, tables) = places_of(cell, session, disjoint);
        let groups = tables / cell.tables;
        let item = |number: usize| {
            let (here, rest) = (places[number % places.len()], number / places.len());
            let (group, window) = (rest % groups, rest / groups);
            // In the big restaurant a session has eight tables of its own.
            let offset = if here == BIG { session * 8 } else { 0 };
            let chosen = (0..cell.tables).map(|n| table(here, offset + group * cell.tables + n + 1)).collect();
            Item::new(here, chosen, start(first + window as i64, cell.random))
        };
        (0..calls).map(item).collect()
    };
    (0..cell.sessions).map(of_session).collect()
}

/// Every session wants two of the four tables in the same windows, each in an order of its own.
fn contested(cell: &Cell, calls: usize, calendar: &mut Calendar) -> Vec<Vec<Item>> {
    let first = calendar.take(calls as i64);
    let item = |session: usize, number: usize| {
        let one = (session * 7 + number * 3) % 4;
        let other = (one + 1 + (session + number / 3) % 3) % 4;
        let mut tables = vec![table(HOT, one + 1), table(HOT, other + 1)];
        tables.sort_unstable();
        Item::new(HOT, tables, start(first + (number / 2) as i64, cell.random))
    };
    (0..cell.sessions).map(|session| (0..calls).map(|number| item(session, number)).collect()).collect()
}

impl Item {
    pub fn new(here: usize, tables: Vec<Uuid>, start: DateTime<Utc>) -> Item {
        Item {
            booking: Uuid::new_v4(),
            restaurant: place(here),
            zone: place(here),
            tables,
            start,
            end: start + Duration::hours(2),
            hold: Uuid::new_v4(),
            expires: start + Duration::hours(2),
        }
    }

    /// Another booking that wants the same.
    #[must_use]
    pub fn again(&self) -> Item {
        Item { booking: Uuid::new_v4(), hold: Uuid::new_v4(), ..self.clone() }
    }
}

/// What is there of an item before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    Booking,
    Hold,
    /// A hold whose mirror is the application's own business.
    BareHold,
}

impl Before {
    #[must_use]
    pub fn of(cell: &Cell) -> Before {
        match cell.work {
            _ if !cell.by_hold => Before::Booking,
            Work::Hold => Before::Booking,
            Work::Application(Adopted::HoldWindows) => Before::BareHold,
            _ => Before::Hold,
        }
    }
}

/// Writes the bookings, and their holds where these are there before the call.
pub fn write(session: &mut Session, items: &[&Item], before: Before) {
    let column = |of: fn(&Item) -> Uuid| items.iter().map(|item| of(item)).collect::<Vec<Uuid>>();
    let (bookings, places) = (column(|item| item.booking), column(|item| item.restaurant));
    let (starts, ends): (Vec<_>, Vec<_>) = items.iter().map(|item| (item.start, item.end)).unzip();
    let client = &mut session.client;
    let rows = "insert into public.bookings (id, restaurant_id, start_at, end_at, party_size)
                select *, 2 from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[])";
    client.execute(rows, &[&bookings, &places, &starts, &ends]).expect("bookings");
    if before == Before::Booking {
        return;
    }
    let (holds, zones) = (column(|item| item.hold), column(|item| item.zone));
    let metadata: Vec<_> = items.iter().map(|item| item.metadata()).collect();
    let rows = "insert into public.table_holds (id, booking_id, restaurant_id, zone_id, start_at, end_at, expires_at, metadata)
                select h, b, r, z, s, e, e, m from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[],
                  $6::timestamptz[], $7::jsonb[]) t (h, b, r, z, s, e, m)";
    client.execute(rows, &[&holds, &bookings, &places, &zones, &starts, &ends, &metadata]).expect("holds");
    let members = || items.iter().flat_map(|item| item.tables.iter().map(|table| (item.hold, *table)));
    let (of, tables): (Vec<Uuid>, Vec<Uuid>) = members().unzip();
    let rows = "insert into public.table_hold_members (hold_id, table_id) select * from unnest($1::uuid[], $2::uuid[])";
    client.execute(rows, &[&of, &tables]).expect("members");
    if before == Before::BareHold {
        return;
    }
    let rows =
        "insert into public.allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\", shadow)
                select h.booking_id, h.restaurant_id, 'hold', h.id, tstzrange(h.start_at, h.end_at, '[)'), true
                from public.table_holds h where h.id = any ($1)";
    client.execute(rows, &[&holds]).expect("mirrors");
}
