//! Where the server is, and how to reach a database of it.

use std::env;
use std::path::PathBuf;

use postgres::{Client, Config, NoTls};

/// The address of a server, its programs and the account that runs it.
#[derive(Debug, Clone)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub programs: PathBuf,
    /// The account of the server's processes; None when it is our own.
    pub run_as: Option<String>,
}

fn setting(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: these tests need a running server"))
}

impl Server {
    /// The server that the environment names.
    pub fn from_environment() -> Server {
        Server {
            host: setting("PGHOST"),
            port: setting("PGPORT").parse().expect("PGPORT is a number"),
            user: setting("PGUSER"),
            programs: PathBuf::from(setting("HOLDFAST_PG_BIN")),
            run_as: env::var("HOLDFAST_RUNAS").ok().filter(|name| !name.is_empty()),
        }
    }

    /// A connection as the superuser, with its clock in UTC and no statement that hangs for ever.
    pub fn connect(&self, database: &str, application: &str) -> Client {
        self.try_connect(database, application).unwrap_or_else(|error| panic!("no connection to {database}: {error}"))
    }

    pub fn try_connect(&self, database: &str, application: &str) -> Result<Client, postgres::Error> {
        Config::new()
            .host(&self.host)
            .port(self.port)
            .user(&self.user)
            .dbname(database)
            .application_name(application)
            .options("-c TimeZone=UTC -c statement_timeout=60s -c lc_messages=C")
            .connect(NoTls)
    }
}
