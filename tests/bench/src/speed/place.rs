//! The server and the databases that cells run in: each is made once, by what it holds.

use std::collections::BTreeMap;

use holdfast_e2e::foreign::{Application, HOLD_WINDOWS, OLD};
use holdfast_e2e::{Books, Cluster, Session};
use uuid::Uuid;

use super::cell::{Adopted, Cell, Work};
use super::rival::{FUNCTIONS, Rival};
use super::supply::Calendar;

/// Restaurants of twenty tables that calls go to.
pub const PLACES: usize = 64;
/// A restaurant with eight tables for each of 64 sessions.
pub const BIG: usize = 900_001;
/// A restaurant of four tables.
pub const HOT: usize = 800_001;

/// Its indexes are no more in memory when all is written.
const LARGE: usize = 1_000_000;

/// As `books.sql` names them.
#[must_use]
pub fn place(number: usize) -> Uuid {
    Uuid::from_u128(0x0000_0000_0000_4000_9000_0000_0000_0000 + number as u128)
}

#[must_use]
pub fn table(place: usize, number: usize) -> Uuid {
    Uuid::from_u128(0x0000_0000_0000_4000_a000_0000_0000_0000 + (place as u128 * 32 + number as u128))
}

/// Years of entries, which a foreign key without an index makes the application read.
const LEDGER: &str = "
  insert into booking_assignment_idempotency (booking_id, idempotency_key, table_ids, assignment_window, table_set_hash)
  select '0ddba11a-0000-4000-8000-000000000205', 'old-' || n, '{}', '[2020-01-01, 2020-01-02)', md5(n::text)
  from generate_series(1, 200000) n";

/// A server of the benchmark's own. It writes to the disk as a real one, and nothing else runs in it.
pub struct Place {
    pub cluster: Cluster,
    calendars: BTreeMap<String, Calendar>,
}

/// Preloaded, without a worker that would take its share of the processor.
const PRELOADED: &str = "-c shared_preload_libraries=holdfast -c holdfast.worker=off";

pub const SMALL: &str = "-c shared_buffers=2GB";

const SETTINGS: &str = "-c fsync=on -c max_connections=420 -c max_wal_size=16GB -c min_wal_size=1GB -c checkpoint_timeout=1d -c autovacuum=off \
    -c track_io_timing=off -c maintenance_work_mem=1GB";

impl Place {
    #[must_use]
    pub fn new() -> Place {
        Place::with(&format!("{PRELOADED} {SMALL}"))
    }

    /// A server whose memory has room for the indexes of the largest database.
    #[must_use]
    pub fn large() -> Place {
        Place::with(&format!("{PRELOADED} -c shared_buffers=9GB"))
    }

    /// A server with these settings beside those of every other.
    #[must_use]
    pub fn with(options: &str) -> Place {
        Place { cluster: Cluster::start_with(&format!("{SETTINGS} {options}")), calendars: BTreeMap::new() }
    }

    /// The database in which a rival does the work of a cell.
    pub fn database(&mut self, cell: &Cell, rival: Rival) -> String {
        let bookings = if rival == Rival::Small { 100_000 } else { cell.bookings };
        let name = match cell.work {
            Work::Application(name) if rival == Rival::Own => format!("{name:?}_own").to_lowercase(),
            Work::Application(name) => format!("{name:?}_adopted").to_lowercase(),
            _ => format!("books_{bookings}"),
        };
        if !self.calendars.contains_key(&name) {
            match cell.work {
                Work::Application(adopted) => self.application(&name, adopted, rival == Rival::Own),
                _ => self.books(&name, bookings),
            }
            self.calendars.insert(name.clone(), Calendar::default());
        }
        name
    }

    pub fn calendar(&mut self, database: &str) -> &mut Calendar {
        self.calendars.entry(database.to_owned()).or_default()
    }

    fn books(&self, name: &str, bookings: usize) {
        eprintln!("writing {bookings} bookings …");
        let mut session = self.cluster.install(name);
        let books = Books { bookings, restaurants: (bookings / 1000).max(PLACES), live: 10 };
        books.write(&mut session);
        for (number, tables) in [(BIG, 512), (HOT, 4)] {
            add_place(&mut session, number, tables);
        }
        FUNCTIONS.iter().for_each(|functions| session.run(functions));
        session.run("vacuum analyze");
        if bookings >= LARGE {
            // As they are in a server that has been asked for a while.
            session.run(
                "create extension pg_prewarm;
                 select sum(pg_prewarm(oid)) from pg_class where relkind = 'i' and relnamespace = 'public'::regnamespace",
            );
        }
    }

    fn application(&self, name: &str, adopted: Adopted, own: bool) {
        let application: &Application = match adopted {
            Adopted::Old => &OLD,
            Adopted::HoldWindows => &HOLD_WINDOWS,
        };
        self.cluster.connect("postgres").batch_execute(&format!("create database {name}")).expect("a database");
        let mut session = Session::new(self.cluster.connect(name));
        application.build(&mut session);
        session.run(&format!("alter database {name} set search_path = {}", application.search_path));
        if adopted == Adopted::HoldWindows {
            session.run(LEDGER);
        }
        if !own {
            application.adopt(&mut session);
        }
        (1..=PLACES).for_each(|number| add_place(&mut session, number, 20));
        session.run("vacuum analyze");
    }
}

pub fn add_place(session: &mut Session, number: usize, tables: usize) {
    let here = place(number);
    session.run(&format!("insert into public.restaurants (id) values ('{here}'); insert into public.zones (id, restaurant_id) values ('{here}', '{here}')"));
    let ids: Vec<Uuid> = (1..=tables).map(|n| table(number, n)).collect();
    let rows = "insert into public.table_inventory (id, restaurant_id, zone_id, table_number, capacity)
                select t.id, $2, $2, t.n::text, 4 from unnest($1::uuid[]) with ordinality t (id, n)";
    session.client.execute(rows, &[&ids, &here]).expect("tables");
}
