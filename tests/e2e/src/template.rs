//! The database that every floor is copied from, made once by each test program.

use std::process;
use std::sync::{Mutex, OnceLock};

use postgres::Client;

use crate::{SCHEMA, Server};

/// A role that the schema was attached for: it may call, but has no right on any table.
pub const GRANTED: &str = "holdfast_e2e_granted";
/// A role that nobody gave anything.
pub const STRANGER: &str = "holdfast_e2e_stranger";

const PREFIX: &str = "holdfast_e2e_";

/// The template, and a connection whose presence says that its owner lives.
pub struct Template {
    pub server: Server,
    pub name: String,
    pub admin: Mutex<Client>,
}

impl Template {
    /// The template of this test program.
    pub fn of_this_program() -> &'static Template {
        static TEMPLATE: OnceLock<Template> = OnceLock::new();
        TEMPLATE.get_or_init(|| Template::make(Server::from_environment()))
    }

    fn make(server: Server) -> Template {
        let owner = format!("{PREFIX}{}", process::id());
        let mut admin = server.connect("postgres", &owner);
        drop_leftovers(&mut admin);
        for role in [GRANTED, STRANGER] {
            make_role(&mut admin, role);
        }
        let name = format!("{owner}_template");
        admin.batch_execute(&format!("create database {name}")).expect("the template database can be created");
        install(&mut server.connect(&name, &owner));
        Template { server, name, admin: Mutex::new(admin) }
    }

    /// A name for a new database of this program.
    pub fn database_name(&self, number: usize) -> String {
        format!("{PREFIX}{}_{number}", process::id())
    }
}

/// The extension, the reference schema, and the wrappers for the one granted role.
pub fn install(db: &mut Client) {
    db.batch_execute(&format!(
        "create extension holdfast cascade;
         select holdfast.create_reference_schema('{SCHEMA}');
         select holdfast.attach('{SCHEMA}', array['{GRANTED}']);"
    ))
    .expect("the extension, the reference schema and the wrappers can be installed");
}

/// Roles belong to the whole server; another program may be making the same one.
pub fn make_role(admin: &mut Client, role: &str) {
    admin
        .batch_execute(&format!(
            "do $$ begin create role {role} login; exception when duplicate_object or unique_violation then null; end $$"
        ))
        .expect("the test roles can be created");
}

/// Databases of test programs that ended: nobody with their application name is connected any more.
fn drop_leftovers(admin: &mut Client) {
    let leftovers = admin
        .query(
            "select d.datname from pg_database d
             where d.datname like 'holdfast\\_e2e\\_%' and not exists (
               select from pg_stat_activity a where starts_with(d.datname, a.application_name || '_')
               and a.application_name like 'holdfast\\_e2e\\_%')",
            &[],
        )
        .expect("the databases can be listed");
    for row in leftovers {
        let name: String = row.get(0);
        // Another program may have been faster.
        let _ = admin.batch_execute(&format!("drop database if exists {name} with (force)"));
    }
}
