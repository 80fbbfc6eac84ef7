//! The server that the environment names, and the demo's own database on it.

use crate::calls::Caller;
use crate::evening::Evening;
use chrono::NaiveDate;
use postgres::{Client, Config, NoTls};
use std::env;
use std::time::Duration;

pub const DATABASE: &str = "holdfast_demo";
/// May call the functions and touch nothing else.
pub const ROLE: &str = "holdfast_demo_host";
pub const RESTAURANT: &str = "Brasserie Linden";
pub const TIME_ZONE: &str = "Europe/Berlin";

const RECORDS: &str = include_str!("sql/records.sql");
const BOOKINGS: &str = include_str!("sql/bookings.sql");

pub struct Server {
    config: Config,
    maintenance: String,
}

/// What the server says about itself and the evening.
pub struct Opening {
    pub version: String,
    pub date: NaiveDate,
    /// By booking.
    pub keys: Vec<String>,
}

impl Server {
    /// PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE, as psql reads them.
    pub fn from_environment() -> Result<Self, String> {
        let value = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let mut config = Config::new();
        config.host(value("PGHOST").as_deref().unwrap_or("localhost"));
        if let Some(port) = value("PGPORT") {
            config.port(port.parse().map_err(|_| format!("PGPORT is not a port: {port}"))?);
        }
        let user = value("PGUSER").or_else(|| value("USER")).unwrap_or_else(|| "postgres".to_string());
        config.user(&user);
        if let Some(password) = value("PGPASSWORD") {
            config.password(password);
        }
        config.connect_timeout(Duration::from_secs(10));
        config.application_name("holdfast demo");
        Ok(Self { config, maintenance: value("PGDATABASE").unwrap_or_else(|| "postgres".to_string()) })
    }

    fn connect(&self, database: &str) -> Result<Client, String> {
        let mut config = self.config.clone();
        config.dbname(database);
        config.connect(NoTls).map_err(|error| format!("connecting to database {database}: {}", explain(&error)))
    }

    /// A session that sees everything.
    pub fn owner(&self) -> Result<Client, String> {
        self.connect(DATABASE)
    }

    /// A session of the service.
    pub fn caller(&self) -> Result<Caller, String> {
        let mut client = self.connect(DATABASE)?;
        run(&mut client, &format!("set role {ROLE}"))?;
        Caller::new(client).map_err(|error| format!("preparing the calls: {}", explain(&error)))
    }

    /// A fresh database with the extension, the reference schema and a role that may call it.
    pub fn create_database(&self) -> Result<Client, String> {
        let maintenance = if self.maintenance == DATABASE { "postgres" } else { &self.maintenance };
        let mut client = self.connect(maintenance)?;
        run(&mut client, &format!("drop database if exists {DATABASE} with (force)"))?;
        run(&mut client, &format!("create database {DATABASE}"))?;
        let mut client = self.owner()?;
        run(&mut client, "set client_min_messages = warning")?;
        run(&mut client, "create extension holdfast cascade")?;
        let role = format!(
            "do $$ begin
               if not exists (select from pg_roles where rolname = '{ROLE}') then create role {ROLE} nologin; end if;
             end $$"
        );
        run(&mut client, &role)?;
        run(&mut client, "select holdfast.create_reference_schema('public')")?;
        run(&mut client, &format!("select holdfast.attach('public', array['{ROLE}'])"))?;
        run(&mut client, RECORDS)?;
        Ok(client)
    }
}

/// Runs statements one after the other.
pub fn run(client: &mut Client, statements: &str) -> Result<(), String> {
    client.batch_execute(statements).map_err(|error| {
        let first = statements.lines().find(|line| !line.starts_with("--")).unwrap_or_default();
        format!("{first}: {}", explain(&error))
    })
}

/// What the server said, with its detail and hint.
pub fn explain(error: &postgres::Error) -> String {
    let Some(refusal) = error.as_db_error() else { return error.to_string() };
    let more = [refusal.detail(), refusal.hint()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    format!("{} [{}] {more}", refusal.message(), refusal.code().code()).trim_end().to_string()
}

/// Writes the floor and the bookings of the plan.
pub fn load(client: &mut Client, evening: &Evening) -> Result<Opening, String> {
    write_floor(client, evening).map_err(|error| format!("writing the floor: {}", explain(&error)))?;
    write_bookings(client, evening).map_err(|error| format!("writing the bookings: {}", explain(&error)))
}

fn write_floor(client: &mut Client, evening: &Evening) -> Result<(), postgres::Error> {
    let floor = &evening.floor;
    client.execute(
        "insert into restaurants (id, name, timezone) values ($1, $2, $3)",
        &[&floor.restaurant, &RESTAURANT, &TIME_ZONE],
    )?;
    for zone in &floor.zones {
        let statement = "insert into zones (id, restaurant_id, name) values ($1, $2, $3)";
        client.execute(statement, &[&zone.id, &floor.restaurant, &zone.name])?;
    }
    for table in &floor.tables {
        let mobility = if table.movable { "movable" } else { "fixed" };
        client.execute(
            "insert into table_inventory (id, restaurant_id, zone_id, table_number, capacity, mobility)
             values ($1, $2, $3, $4, $5, $6::text::table_mobility)",
            &[&table.id, &floor.restaurant, &floor.zones[table.zone].id, &table.number, &table.seats, &mobility],
        )?;
    }
    for (one, other) in floor.adjacent_pairs() {
        client.execute("insert into table_adjacencies (table_a, table_b) values ($1, $2)", &[&one, &other])?;
    }
    Ok(())
}

fn write_bookings(client: &mut Client, evening: &Evening) -> Result<Opening, postgres::Error> {
    let bookings = &evening.bookings;
    let ids: Vec<_> = bookings.iter().map(|booking| booking.id).collect();
    let guests: Vec<_> = bookings.iter().map(|booking| booking.guest.as_str()).collect();
    let parties: Vec<_> = bookings.iter().map(|booking| booking.party).collect();
    let starts: Vec<_> = bookings.iter().map(|booking| booking.start_quarter as i32).collect();
    let stays: Vec<_> = bookings.iter().map(|booking| booking.quarters as i32).collect();
    let restaurant = &evening.floor.restaurant;
    let rows = client.query(BOOKINGS, &[&restaurant, &ids, &guests, &parties, &starts, &stays])?;
    client.batch_execute("analyze")?;
    Ok(Opening {
        version: client.query_one("show server_version", &[])?.get(0),
        date: rows[0].get("booking_date"),
        keys: rows.iter().map(|row| row.get("key")).collect(),
    })
}
