//! Applications that others wrote, and that holdfast has to live in.

use std::ops::{Deref, DerefMut};

use crate::{Floor, GRANTED, SCHEMA, Session};

/// A schema under tests/e2e/foreign that our reference schema had no part in.
pub struct Application {
    pub name: &'static str,
    /// The schema it stands in, as SQL quotes it.
    pub schema: &'static str,
    scripts: &'static [&'static str],
    /// What its sessions run with.
    pub search_path: &'static str,
    /// The contract's word for a status, and its own; a status that is not here is called the same, or does not exist.
    pub labels: &'static [(&'static str, &'static str)],
    /// Columns that the contract does not know, of the tables that a confirm writes.
    pub own_columns: &'static [&'static str],
    /// Optional tables of the contract that it has not.
    pub lacks: &'static [&'static str],
    /// Has it functions of its own that confirm? These delete a hold when it ends, and holdfast does so too, then.
    pub deletes_holds: bool,
    /// Do triggers of its own mirror what is held? Then a hold also lasts until its window's end at least.
    pub mirrors_holds: bool,
    /// What a test does that nobody does in the application: it moves a hold's deadline by hand, and makes tables as somebody
    /// who does not own the bookings.
    pub liberties: &'static str,
    /// What its owner tells holdfast about labels that the contract does not know.
    meaning: &'static str,
}

/// It has lived for years, on its own PL/pgSQL functions with the faults F1 to F28.
pub const OLD: Application = Application {
    name: "old",
    schema: "public",
    scripts: &[
        include_str!("../foreign/old/1_tables.sql"),
        include_str!("../foreign/old/2_triggers.sql"),
        include_str!("../foreign/old/3_assign.sql"),
        include_str!("../foreign/old/4_write.sql"),
        include_str!("../foreign/old/5_confirm.sql"),
        include_str!("../foreign/old/6_rows.sql"),
    ],
    search_path: "public, extensions",
    labels: &[],
    own_columns: &["updated_at", "last_touched_at", "created_at"],
    lacks: &[],
    deletes_holds: true,
    mirrors_holds: false,
    liberties: "",
    meaning: "",
};

/// It has only what a confirm cannot do without, and no functions.
pub const MINIMAL: Application = Application {
    name: "minimal",
    schema: "public",
    scripts: &[include_str!("../foreign/minimal.sql")],
    search_path: "public",
    labels: &[],
    own_columns: &[],
    lacks: &[
        "table_adjacencies",
        "booking_slots",
        "booking_confirmation_results",
        "capacity_outbox",
        "observability_events",
    ],
    deletes_holds: false,
    mirrors_holds: false,
    liberties: "",
    meaning: "",
};

/// Other labels, identity keys, columns that must have a value, a name in mixed case.
pub const OTHER_LABELS: Application = Application {
    name: "other_labels",
    schema: "\"Harbour Dining\"",
    scripts: &[include_str!("../foreign/other_labels.sql")],
    search_path: "\"Harbour Dining\", public",
    labels: &[
        ("pending", "requested"),
        ("checked_in", "seated"),
        ("completed", "left"),
        ("cancelled", "withdrawn"),
        ("no_show", "absent"),
    ],
    own_columns: &["no", "costCentre", "covers", "region", "writtenBy", "channel", "topic"],
    lacks: &["observability_events"],
    deletes_holds: false,
    mirrors_holds: false,
    liberties: "",
    meaning: include_str!("../foreign/other_labels_meaning.sql"),
};

/// It deletes its holds and keeps windows of them by triggers, which name no schema; API roles get what is made.
pub const HOLD_WINDOWS: Application = Application {
    name: "hold_windows",
    schema: "public",
    scripts: &[
        include_str!("../foreign/hold_windows/1_tables.sql"),
        include_str!("../foreign/hold_windows/2_triggers.sql"),
        include_str!("../foreign/hold_windows/3_functions.sql"),
        include_str!("../foreign/hold_windows/4_rows.sql"),
    ],
    search_path: "public, extensions",
    labels: &[],
    own_columns: &["created_at"],
    lacks: &["observability_events"],
    deletes_holds: true,
    mirrors_holds: true,
    liberties: "alter table table_holds drop constraint th_times_consistent",
    meaning: "",
};

/// Partitioned bookings, domains, two owners who are no superusers, a schema name that needs quotes.
pub const TWO_OWNERS: Application = Application {
    name: "two_owners",
    schema: "\"x-app.y\"",
    scripts: &[include_str!("../foreign/two_owners.sql")],
    search_path: "\"x-app.y\", app, public",
    labels: &[],
    own_columns: &["deleted_at"],
    // Its adjacencies belong to the floor's owner: an optional table of another role does not count.
    lacks: &[
        "table_adjacencies",
        "booking_slots",
        "booking_confirmation_results",
        "capacity_outbox",
        "observability_events",
    ],
    deletes_holds: false,
    mirrors_holds: false,
    liberties: "alter default privileges in schema \"x-app.y\" grant all on tables to two_owners_bookings;
        alter default privileges in schema \"x-app.y\" grant all on sequences to two_owners_bookings",
    meaning: "",
};

/// Tables, views and functions of its own under names that holdfast uses or once used.
pub const NAMESAKES: Application = Application {
    name: "namesakes",
    schema: "public",
    scripts: &[include_str!("../foreign/minimal.sql"), include_str!("../foreign/namesakes.sql")],
    search_path: "public",
    labels: &[],
    own_columns: &[],
    lacks: MINIMAL.lacks,
    deletes_holds: false,
    mirrors_holds: false,
    liberties: "",
    meaning: "",
};

pub const APPLICATIONS: [&Application; 6] = [&OLD, &MINIMAL, &OTHER_LABELS, &HOLD_WINDOWS, &TWO_OWNERS, &NAMESAKES];

/// A database with one of these applications in it; nothing of holdfast is there yet.
pub struct Foreign {
    pub floor: Floor,
    pub application: &'static Application,
}

impl Deref for Foreign {
    type Target = Floor;
    fn deref(&self) -> &Floor {
        &self.floor
    }
}

impl DerefMut for Foreign {
    fn deref_mut(&mut self) -> &mut Floor {
        &mut self.floor
    }
}

impl Foreign {
    /// Attaches it for the one granted role; nobody says what its labels mean.
    pub fn attach(&mut self) {
        self.application.attach(&mut self.floor);
    }

    /// Attaches it, and says what its labels mean.
    pub fn adopt(&mut self) {
        self.application.adopt(&mut self.floor);
    }

    /// Who confirms in it.
    pub fn mode(&mut self, mode: &str) {
        let schema = self.application.schema;
        self.run(&format!(
            "insert into {schema}.holdfast_rollout (mode) values ('{mode}')
             on conflict (restaurant_id) do update set mode = excluded.mode"
        ));
    }
}

impl Application {
    /// Installs the application in a database of its own; its sessions get its search path from the database.
    #[must_use]
    pub fn install(&'static self) -> Foreign {
        let mut floor = Floor::bare();
        self.build(&mut floor);
        let database = floor.name.clone();
        floor.run(&format!("alter database {database} set search_path = {}", self.search_path));
        floor.renew();
        floor.run("set client_min_messages = warning");
        Foreign { floor, application: self }
    }

    /// Installs the application in the database of a session.
    pub fn build(&self, session: &mut Session) {
        session.run("set client_min_messages = warning; create extension btree_gist");
        session.run(&format!("set search_path = {}", self.search_path));
        // As they are: they speak the application's own words.
        for script in self.scripts {
            session.client.batch_execute(script).unwrap_or_else(|error| panic!("{}: {error:?}", self.name));
        }
    }

    pub fn attach(&self, session: &mut Session) {
        let schema = self.schema;
        session.run("create extension if not exists holdfast cascade");
        session.run(&format!("select holdfast.attach('{schema}', array['{GRANTED}'])"));
    }

    pub fn adopt(&self, session: &mut Session) {
        self.attach(session);
        session.run(self.meaning);
    }

    /// Are its names or labels not those of the contract?
    pub fn speaks_otherwise(&self) -> bool {
        self.schema != SCHEMA || !self.labels.is_empty()
    }
}
