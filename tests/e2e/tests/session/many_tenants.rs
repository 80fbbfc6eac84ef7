//! One session, and a few behind a pooler, over the schemas of many owners: each call has its own schema's rights, what a
//! session keeps is bounded, and no owner's changes reach another's calls.
//!
//! `HOLDFAST_TENANTS=1000` is the long form: as many schemas, of 40 owners.

use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{Cluster, GRANTED, Pooler, Server, Session};

/// Schemas that a session keeps.
const KEPT: usize = 24;
const SMALL: usize = 28;

struct Tenants {
    cluster: Cluster,
    schemas: usize,
    owners: usize,
}

impl Tenants {
    fn open() -> Tenants {
        let schemas = std::env::var("HOLDFAST_TENANTS").ok().and_then(|text| text.parse().ok()).unwrap_or(SMALL);
        let tenants = Tenants { cluster: Cluster::start_preloaded(), schemas, owners: schemas.div_ceil(25).max(8) };
        let mut session = tenants.cluster.install("tenants");
        session.run("set client_min_messages = warning");
        for owner in 0..tenants.owners {
            session.run(&format!("create role owner{owner}; grant create on database tenants to owner{owner}"));
        }
        for number in 0..schemas {
            add(&mut session, number, number % tenants.owners);
        }
        tenants
    }

    fn session(&self) -> Session {
        caller(&self.cluster.server)
    }

    /// One call in every schema; the mean time of one.
    fn visit(&self, session: &mut Session, call: impl Fn(usize) -> String) -> Duration {
        let began = Instant::now();
        for number in 0..self.schemas {
            let rows = session.simple(&call(number)).unwrap_or_else(|refusal| panic!("{number}: {refusal:?}"));
            assert_eq!(rows.len(), 1, "tenant{number}");
        }
        began.elapsed() / u32::try_from(self.schemas).expect("fewer schemas")
    }
}

fn caller(server: &Server) -> Session {
    Session::new(server.connect("tenants", "tenants"))
}

/// A schema with a table and two bookings, of an owner.
fn add(session: &mut Session, number: usize, owner: usize) {
    let schema = format!("tenant{number}");
    session.run(&format!(
        "set role owner{owner}; create schema {schema}; reset role; select holdfast.create_reference_schema('{schema}');
         do $$ declare name text; begin
           for name in select oid::regclass from pg_class where relnamespace = '{schema}'::regnamespace and relkind = 'r'
           loop execute format('alter table %s owner to owner{owner}', name); end loop;
           for name in select oid::regtype from pg_type where typnamespace = '{schema}'::regnamespace and typtype = 'e'
           loop execute format('alter type %s owner to owner{owner}', name); end loop;
         end $$;
         select holdfast.attach('{schema}', '{{{GRANTED}}}', false); grant usage on schema {schema} to {GRANTED};
         insert into {schema}.restaurants (id) values ('00000000-0000-4000-8000-000000000001');
         insert into {schema}.zones (id, restaurant_id)
           values ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001');
         insert into {schema}.table_inventory (id, restaurant_id, zone_id, table_number, capacity)
           values ('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000001',
                   '00000000-0000-4000-8000-000000000002', 'T', 4);
         insert into {schema}.bookings (id, restaurant_id, party_size, start_at, end_at)
           select ('00000000-0000-4000-8000-00000000001' || n)::uuid, '00000000-0000-4000-8000-000000000001', 2,
                  timestamptz '2031-05-01 12:00Z' + n * interval '3 hours', timestamptz '2031-05-01 14:00Z' + n * interval '3 hours'
           from generate_series(0, 7) n"
    ));
}

fn confirm(number: usize, booking: usize, key: &str) -> String {
    format!(
        "select * from tenant{number}.confirm_hold_assignment_with_transition(
           '00000000-0000-4000-8000-00000000001{booking}', '{{00000000-0000-4000-8000-000000000003}}', '{key}')"
    )
}

/// What the session keeps, of how many schemas it keeps plans, and of how many tables it keeps expressions.
fn kept(session: &mut Session) -> (i64, i64, i64) {
    session.run("reset role");
    let bytes = session.value("select sum(total_bytes)::bigint from pg_backend_memory_contexts");
    let schemas = session.value(
        "select count(distinct substring(c.ident from 'tenant[0-9]+')) from pg_backend_memory_contexts c
         where c.name like 'CachedPlan%' and c.ident like '%/* holdfast.%tenant%'",
    );
    let tables =
        session.value("select count(*) from pg_backend_memory_contexts where name = 'holdfast expressions of a table'");
    session.run(&format!("set role {GRANTED}"));
    (bytes, schemas, tables)
}

#[test]
fn the_schemas_of_many_owners_are_served() {
    let tenants = Tenants::open();
    by_one_session(&tenants, "sql", 0);
    by_one_session(&tenants, "auto", 4);
    by_a_pooler(&tenants);
}

/// Tables that a confirm writes.
const WRITTEN: usize = 8;

fn by_one_session(tenants: &Tenants, path: &str, first: usize) {
    let mut owner = tenants.session();
    let mut session = tenants.session();
    session.run(&format!("set holdfast.access_path = {path}; set role {GRANTED}"));
    let mut memory = vec![];
    for round in 0..4 {
        // Each round is the first time for a booking: a whole confirm. Whatever owners change is looked at again.
        for number in (0..tenants.schemas).step_by(7) {
            owner.run(&format!("alter table tenant{number}.bookings set (fillfactor = {})", 90 + round));
        }
        let booking = first + round;
        let took = tenants.visit(&mut session, |number| confirm(number, booking, "key"));
        let again = Instant::now();
        for _ in 0..20 {
            session.run(&confirm(tenants.schemas - 1, booking, "key"));
        }
        let again = again.elapsed() / 20;
        let (bytes, schemas, tables) = kept(&mut session);
        println!(
            "{path} {round}: {took:?} a confirm in each of {} schemas, {again:?} a replay in the last; {} kB, plans of {schemas}, expressions of {tables}",
            tenants.schemas,
            bytes / 1000
        );
        let (kept, most) = if path == "sql" { (schemas, KEPT) } else { (tables, KEPT * WRITTEN) };
        assert!((1..=most as i64).contains(&kept), "plans of {schemas} schemas, expressions of {tables} tables");
        memory.push(bytes);
    }
    // The server keeps what it knows of tables; what we know of schemas is given back.
    let grown = memory[3] - memory[1];
    assert!(grown < 2_000_000.max(memory[1] / 20), "{grown} bytes more after two more rounds");
}

/// Sessions that a pooler shares, each for one transaction.
fn by_a_pooler(tenants: &Tenants) {
    let pooler = Pooler::before(&tenants.cluster.server);
    for round in 0..2 {
        let took = thread::scope(|scope| {
            let clients: Vec<_> = (0..4)
                .map(|client| {
                    let server = &pooler.server;
                    let call = move |number| format!("set local role {GRANTED}; {}", confirm(number, client, "pooled"));
                    scope.spawn(move || tenants.visit(&mut caller(server), call))
                })
                .collect();
            clients.into_iter().map(|client| client.join().expect("no refusal")).max().expect("clients")
        });
        let mut observer = tenants.session();
        let pids: Vec<i32> = observer.column(
            "select pid from pg_stat_activity where backend_type = 'client backend' and datname = 'tenants'
             and pid <> pg_backend_pid()",
        );
        let memory: Vec<usize> = pids.iter().map(|pid| own_memory(*pid) / 1000).collect();
        println!("round {round}: {took:?} a call of each of 4 clients; kB of each session: {memory:?}");
    }
    let mut observer = tenants.session();
    for number in [0, tenants.schemas - 1] {
        let confirmed = format!("select count(*) from tenant{number}.bookings where status = 'confirmed'");
        assert_eq!(observer.value::<i64>(&confirmed), 8, "tenant{number}");
    }
}

/// Bytes that are a process's alone.
fn own_memory(pid: i32) -> usize {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages: Vec<usize> = statm.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    pages.get(1).zip(pages.get(2)).map_or(0, |(resident, shared)| (resident - shared) * 4096)
}
