//! The database that every floor is copied from, made once by each test program.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock};
use std::{process, thread};

use postgres::Client;

use crate::{Refusal, SCHEMA, Server, Session, ground, reuse};

/// A role that the schema was attached for: it may call, but has no right on any table.
pub const GRANTED: &str = "holdfast_e2e_granted";
/// A role that nobody gave anything.
pub const STRANGER: &str = "holdfast_e2e_stranger";

const PREFIX: &str = "holdfast_e2e_";

/// The template, and what makes and drops databases.
pub struct Template {
    pub server: Server,
    pub name: String,
    /// What a copy looks like that nobody has changed.
    pub mark: String,
    admin: Mutex<Client>,
    /// Copies that are as good as new.
    clean: Mutex<Vec<String>>,
    /// Databases that nobody needs any more.
    done_with: Sender<String>,
}

impl Template {
    /// The template of this test program.
    pub fn of_this_program() -> &'static Template {
        static TEMPLATE: OnceLock<Result<Template, Refusal>> = OnceLock::new();
        let made = TEMPLATE.get_or_init(|| Template::make(Server::from_environment()));
        made.as_ref().unwrap_or_else(|refusal| panic!("the template could not be made: {refusal:?}"))
    }

    fn make(server: Server) -> Result<Template, Refusal> {
        let owner = format!("{PREFIX}{}", process::id());
        let mut admin = server.connect("postgres", &owner);
        let done_with = start_dropping(server.connect("postgres", &owner));
        for role in [GRANTED, STRANGER] {
            make_role(&mut admin, role);
        }
        let name = format!("{owner}_template");
        admin.batch_execute(&format!("create database {name}"))?;
        let mark = reuse::mark(&mut furnish(server.connect(&name, &owner))?);
        Ok(Template { server, name, mark, admin: Mutex::new(admin), clean: Mutex::default(), done_with })
    }

    /// A copy of the template that nobody else uses.
    pub fn take(&self) -> String {
        let clean = self.clean.lock().expect("a list is only pushed to and popped from").pop();
        clean.unwrap_or_else(|| self.copy(&self.name))
    }

    /// Gives back a copy that is as good as new.
    pub fn give_back(&self, name: String) {
        self.clean.lock().expect("a list is only pushed to and popped from").push(name);
    }

    /// A new database of this program, copied from `origin`; returns its name.
    pub fn copy(&self, origin: &str) -> String {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{PREFIX}{}_{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut admin = self.admin.lock().expect("no database failed to be created");
        admin.batch_execute(&format!("create database {name} template {origin}")).expect("a fresh database");
        name
    }

    /// Drops a database, some time.
    pub fn drop_later(&self, name: String) {
        // When the program ends first, the next one drops it.
        let _ = self.done_with.send(name);
    }
}

/// Every drop makes the server write a checkpoint: no test should wait for that.
fn start_dropping(mut admin: Client) -> Sender<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for name in leftovers(&mut admin).into_iter().chain(receiver) {
            // Another program may have been faster.
            let _ = admin.batch_execute(&format!("drop database if exists {name} with (force)"));
        }
    });
    sender
}

/// The application that the environment names, with every row of its own taken out; else the reference schema.
fn furnish(client: Client) -> Result<Session, Refusal> {
    let mut session = Session::new(client);
    let Some(application) = ground::application() else {
        install(&mut session.client)?;
        return Ok(session);
    };
    application.build(&mut session);
    application.adopt(&mut session);
    session.run(application.liberties);
    reuse::empty(&mut session);
    Ok(session)
}

/// The extension, the reference schema, and the wrappers for the one granted role.
pub fn install(db: &mut Client) -> Result<(), Refusal> {
    db.batch_execute(&format!(
        "create extension holdfast cascade;
         select holdfast.create_reference_schema('{SCHEMA}');
         select holdfast.attach('{SCHEMA}', array['{GRANTED}']);"
    ))?;
    Ok(())
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
fn leftovers(admin: &mut Client) -> Vec<String> {
    let query = "select d.datname::text from pg_database d
                 where d.datname like 'holdfast\\_e2e\\_%' and not exists (
                   select from pg_stat_activity a where starts_with(d.datname, a.application_name || '_')
                   and a.application_name like 'holdfast\\_e2e\\_%')";
    let rows = admin.query(query, &[]).expect("the databases can be listed");
    rows.iter().map(|row| row.get(0)).collect()
}
