//! A restaurant in the middle of its evenings, from a seed: bookings in every status, joined tables, holds that live, ended and
//! are over, keys that were used, refused and given up.

use holdfast_e2e::{Dice, Session};
use uuid::Uuid;

use super::random;

/// What calls are about.
pub struct World {
    pub tables: Vec<Uuid>,
    pub bookings: Vec<Uuid>,
    pub holds: Vec<Uuid>,
}

/// Begin and end of windows that overlap one another.
pub const WINDOWS: [(&str, &str); 5] = [
    ("2027-05-01 18:00Z", "2027-05-01 20:00Z"),
    ("2027-05-01 19:00Z", "2027-05-01 21:00Z"),
    ("2027-05-01 20:00Z", "2027-05-01 22:00Z"),
    ("2027-05-01 12:00Z", "2027-05-01 14:30Z"),
    ("2027-05-02 00:30Z", "2027-05-02 02:30Z"),
];

const STATUSES: [&str; 12] = [
    "pending",
    "pending",
    "pending",
    "pending",
    "pending",
    "pending_allocation",
    "PRIORITY_WAITLIST",
    "confirmed",
    "no_show",
    "checked_in",
    "completed",
    "cancelled",
];

/// One of them.
pub fn one<T: Copy>(dice: &mut Dice, of: &[T]) -> T {
    of[dice.roll(of.len())]
}

pub fn chance(dice: &mut Dice, percent: usize) -> bool {
    dice.roll(100) < percent
}

pub fn id(dice: &mut Dice) -> Uuid {
    let part = |dice: &mut Dice| dice.roll(1 << 31) as u128;
    Uuid::from_u128(part(dice) << 97 | part(dice) << 66 | part(dice) << 35 | part(dice))
}

impl World {
    /// Empties the database and fills it again.
    pub fn new(session: &mut Session, dice: &mut Dice) -> World {
        session.run(
            "set holdfast.access_path = sql;
             do $$ begin execute (select 'truncate ' || string_agg(c.oid::regclass::text, ', ') from pg_class c
               where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, 'both_paths'::regnamespace)
                 and c.relname not in ('holdfast_booking_statuses', 'holdfast_status_transitions', 'holdfast_hold_policy')); end $$;
             update public.holdfast_hold_policy set ending = 'close', mirrors = true, to_window_end = false",
        );
        let mut sql = String::new();
        let mut world = World { tables: Vec::new(), bookings: Vec::new(), holds: Vec::new() };
        let main = world.restaurant(dice, &mut sql, "UTC", &[4, 2]);
        let other = world.restaurant(dice, &mut sql, "Europe/Paris", &[2]);
        for number in 0..12 {
            let restaurant = if number < 10 { main } else { other };
            world.booking(dice, &mut sql, restaurant);
        }
        if chance(dice, 30) {
            sql += &format!(
                "insert into public.holdfast_capacity_policies values ('{main}', {}, {});",
                dice.roll(3),
                chance(dice, 50)
            );
        }
        if chance(dice, 30) {
            sql += &format!(
                "update public.holdfast_hold_policy set ending = '{}', mirrors = {}, to_window_end = {};",
                one(dice, &["close", "delete"]),
                chance(dice, 70),
                chance(dice, 30)
            );
        }
        session.run(&sql);
        for _ in 0..16 {
            // What is refused leaves traces too.
            let _ = session.try_run(&random::call(&world, dice));
        }
        session.run(&format!(
            "set session_replication_role = replica;
             update public.table_holds set start_at = start_at - interval '1 day', end_at = end_at - interval '1 day',
               expires_at = '2026-01-01Z' where abs(hashtext(id::text)) % 5 = 0;
             update public.bookings set status = 'cancelled' where id = '{}';
             reset session_replication_role; reset holdfast.access_path; analyze",
            one(dice, &world.bookings)
        ));
        world.holds = session.column("select id from public.table_holds order by id");
        world
    }

    fn restaurant(&mut self, dice: &mut Dice, sql: &mut String, zone: &str, tables: &[usize]) -> Uuid {
        let restaurant = id(dice);
        *sql += &format!("insert into public.restaurants (id, timezone) values ('{restaurant}', '{zone}');");
        for count in tables {
            let zone = id(dice);
            *sql += &format!("insert into public.zones (id, restaurant_id) values ('{zone}', '{restaurant}');");
            let mut row: Vec<Uuid> = (0..*count).map(|_| id(dice)).collect();
            row.sort();
            for table in &row {
                *sql += &format!(
                    "insert into public.table_inventory (id, restaurant_id, zone_id, table_number, capacity, active, status, mobility)
                     values ('{table}', '{restaurant}', '{zone}', '{table}', {}, {}, '{}', '{}');",
                    2 + dice.roll(5),
                    chance(dice, 95),
                    one(dice, &["available", "available", "available", "reserved", "out_of_service"]),
                    one(dice, &["movable", "movable", "movable", "movable", "fixed"])
                );
            }
            for pair in row.windows(2) {
                *sql += &format!("insert into public.table_adjacencies values ('{}', '{}');", pair[0], pair[1]);
            }
            self.tables.extend(row);
        }
        restaurant
    }

    fn booking(&mut self, dice: &mut Dice, sql: &mut String, restaurant: Uuid) {
        let booking = id(dice);
        let (start, end) = one(dice, &WINDOWS);
        let when = if chance(dice, 85) {
            format!("'{start}', '{end}', null, null, null")
        } else {
            "null, null, '2027-05-01', '18:30', '20:30'".to_owned()
        };
        let key = if chance(dice, 30) { format!("'stored {booking}'") } else { "null".to_owned() };
        *sql += &format!(
            "insert into public.bookings (id, restaurant_id, party_size, status, start_at, end_at, booking_date, start_time, end_time,
               auto_assign_idempotency_key) values ('{booking}', '{restaurant}', {}, '{}', {when}, {key});",
            1 + dice.roll(5),
            one(dice, &STATUSES)
        );
        self.bookings.push(booking);
    }
}
