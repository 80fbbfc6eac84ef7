//! Applications that others wrote, and that holdfast has to live in.

use std::ops::{Deref, DerefMut};

use crate::Floor;

/// A schema under tests/e2e/foreign that our reference schema had no part in.
pub struct Application {
    pub name: &'static str,
    /// The schema it stands in, as SQL quotes it.
    pub schema: &'static str,
    scripts: &'static [&'static str],
    /// What its sessions run with.
    search_path: &'static str,
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
};

/// It has only what a confirm cannot do without, and no functions.
pub const MINIMAL: Application = Application {
    name: "minimal",
    schema: "public",
    scripts: &[include_str!("../foreign/minimal.sql")],
    search_path: "public",
};

/// Other labels, identity keys, columns that must have a value, a name in mixed case.
pub const OTHER_LABELS: Application = Application {
    name: "other_labels",
    schema: "\"Harbour Dining\"",
    scripts: &[include_str!("../foreign/other_labels.sql")],
    search_path: "\"Harbour Dining\", public",
};

pub const APPLICATIONS: [&Application; 3] = [&OLD, &MINIMAL, &OTHER_LABELS];

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

impl Application {
    /// Installs the application in a database of its own; its sessions get its search path from the database.
    #[must_use]
    pub fn install(&'static self) -> Foreign {
        let mut floor = Floor::bare();
        floor.run("set client_min_messages = warning; create extension btree_gist");
        let database = floor.name.clone();
        floor.run(&format!("alter database {database} set search_path = {}", self.search_path));
        floor.run(&format!("set search_path = {}", self.search_path));
        for script in self.scripts {
            floor.run(script);
        }
        Foreign { floor, application: self }
    }
}
