//! A database of a test's own, with a restaurant in it.

use std::ops::{Deref, DerefMut};
use std::thread;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::template::Template;
use crate::{Server, Session, Snapshot, Sql, at, ground, reuse};

/// A fresh database, and a superuser's session in it.
pub struct Floor {
    session: Session,
    pub name: String,
    template: &'static Template,
}

/// A zone of a restaurant with a row of tables for four; each stands beside the next.
#[derive(Debug, Clone)]
pub struct Room {
    pub restaurant: Uuid,
    pub zone: Uuid,
    /// Ascending by id.
    pub tables: Vec<Uuid>,
}

impl Deref for Floor {
    type Target = Session;
    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Floor {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

impl Floor {
    /// A copy of the template: extension, reference schema and wrappers, no rows but the status rules.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a database is nothing to make by accident")]
    pub fn new() -> Floor {
        Floor::open(Template::of_this_program().take())
    }

    /// A database with nothing in it.
    #[must_use]
    pub fn bare() -> Floor {
        Floor::open(Template::of_this_program().copy("template1"))
    }

    fn open(name: String) -> Floor {
        let template = Template::of_this_program();
        let session = Session::new(template.server.connect(&name, "floor"));
        Floor { session, name, template }
    }

    #[must_use]
    pub fn server(&self) -> &Server {
        &self.template.server
    }

    /// One more session of the superuser.
    #[must_use]
    pub fn session(&self) -> Session {
        Session::new(self.server().connect(&self.name, "another session"))
    }

    /// Begins the superuser's session again: settings of the database that came meanwhile count from now on.
    pub fn renew(&mut self) {
        self.session = self.session();
    }

    /// A session that has only the rights of `role`.
    #[must_use]
    pub fn session_as(&self, role: &str) -> Session {
        let mut session = self.session();
        session.run(&format!("set session authorization {role}"));
        session
    }

    /// Every row of every table of ours.
    pub fn snapshot(&mut self) -> Snapshot {
        Snapshot::take(&mut self.session)
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let name = self.name.clone();
        if thread::panicking() {
            self.roll_back_prepared();
            return self.template.drop_later(name);
        }
        // A session of its own: the test's may have any setting, role or open transaction.
        let _ = self.session.client.batch_execute("rollback");
        let mut session = Session::new(self.template.server.connect(&name, "floor"));
        let attached: bool = session.value("select to_regclass('public.holdfast_booking_statuses') is not null");
        if attached && reuse::mark(&mut session) == self.template.mark {
            reuse::empty(&mut session);
            self.template.give_back(name);
        } else {
            self.template.drop_later(name);
        }
    }
}

impl Floor {
    /// A prepared transaction, left by a test that failed, would keep the database from being dropped.
    fn roll_back_prepared(&mut self) {
        let client = &mut self.session.client;
        let _ = client.batch_execute("rollback");
        let left = client.query("select gid from pg_prepared_xacts where database = current_database()", &[]);
        for row in left.unwrap_or_default() {
            let _ = client.batch_execute(&format!("rollback prepared '{}'", row.get::<_, String>(0)));
        }
    }
}

/// What stands on the floor. Every window is the evening of [`at`], from 18:00 to 20:00, unless a test moves it.
impl Session {
    pub fn restaurant(&mut self, timezone: &str) -> Uuid {
        self.insert("restaurants", &[("timezone", &timezone)])
    }

    pub fn zone(&mut self, restaurant: Uuid) -> Uuid {
        self.insert("zones", &[("restaurant_id", &restaurant)])
    }

    /// A restaurant with one zone and a row of tables.
    pub fn room(&mut self, tables: usize) -> Room {
        let restaurant = self.restaurant("UTC");
        self.room_in(restaurant, tables)
    }

    /// One more zone of a restaurant, with a row of tables of its own.
    pub fn room_in(&mut self, restaurant: Uuid, tables: usize) -> Room {
        let zone = self.zone(restaurant);
        let mut ids: Vec<Uuid> = (0..tables).map(|_| Uuid::new_v4()).collect();
        ids.sort_unstable();
        for id in &ids {
            let number = id.to_string();
            self.insert(
                "table_inventory",
                &[
                    ("id", id),
                    ("restaurant_id", &restaurant),
                    ("zone_id", &zone),
                    ("table_number", &number),
                    ("capacity", &4),
                ],
            );
        }
        for pair in ids.windows(2) {
            self.join(pair[0], pair[1]);
        }
        Room { restaurant, zone, tables: ids }
    }

    /// Puts two tables side by side.
    pub fn join(&mut self, a: Uuid, b: Uuid) {
        if !ground::lacks("table_adjacencies") {
            self.run(&format!("insert into public.table_adjacencies (table_a, table_b) values ('{a}', '{b}')"));
        }
    }

    /// Takes one table apart from every other.
    pub fn part(&mut self, table: Uuid) {
        if !ground::lacks("table_adjacencies") {
            self.run(&format!("delete from public.table_adjacencies where table_a = '{table}' or table_b = '{table}'"));
        }
    }

    /// Takes every table apart from every other.
    pub fn part_all(&mut self) {
        self.run("delete from public.table_adjacencies");
    }

    /// A pending booking of two guests from 18:00 to 20:00.
    pub fn booking(&mut self, restaurant: Uuid) -> Uuid {
        self.booking_at(restaurant, at("18:00"), at("20:00"))
    }

    pub fn booking_at(&mut self, restaurant: Uuid, start: DateTime<Utc>, end: DateTime<Utc>) -> Uuid {
        let values: [(&str, &dyn crate::Literal); 4] =
            [("restaurant_id", &restaurant), ("party_size", &2), ("start_at", &start), ("end_at", &end)];
        self.insert("bookings", &values)
    }

    /// A live hold with its mirror allocation, as an application wrote it; it expires in ten minutes.
    pub fn hold(&mut self, room: &Room, booking: Option<Uuid>, tables: &[Uuid]) -> Uuid {
        let deadline = if ground::mirrors_holds() {
            "greatest(clock_timestamp() + interval '10 minutes', '2027-05-01 20:00+00')"
        } else {
            "clock_timestamp() + interval '10 minutes'"
        };
        let (start, end, expires) = (at("18:00"), at("20:00"), Sql(deadline));
        let id = self.insert(
            "table_holds",
            &[
                ("booking_id", &booking),
                ("restaurant_id", &room.restaurant),
                ("zone_id", &room.zone),
                ("start_at", &start),
                ("end_at", &end),
                ("expires_at", &expires),
            ],
        );
        for table in tables {
            self.run(&format!("insert into public.table_hold_members (hold_id, table_id) values ('{id}', '{table}')"));
        }
        if ground::mirrors_holds() {
            return id;
        }
        self.insert(
            "allocations",
            &[
                ("booking_id", &booking),
                ("restaurant_id", &room.restaurant),
                ("resource_type", &"hold"),
                ("resource_id", &id),
                ("\"window\"", &Sql("'[2027-05-01 18:00+00, 2027-05-01 20:00+00)'")),
                ("shadow", &true),
            ],
        );
        id
    }

    /// A booking, and a live hold of its own on the tables.
    pub fn held(&mut self, room: &Room, tables: &[Uuid]) -> (Uuid, Uuid) {
        let booking = self.booking(room.restaurant);
        (booking, self.hold(room, Some(booking), tables))
    }
}
