//! What the server is short of, and what it does beside us: parallel workers, logical decoding, no locks, connections, workers
//! and places for prepared transactions left.

use holdfast_e2e::{Cluster, GRANTED, Session, eventually};
use uuid::Uuid;

use super::functions::calls;
use super::ground::{HOUSE, OWNER, SERVICE};
use super::suite::{Attack, Suite, answered, refused, report};

/// Whatever may run in a parallel worker does, by the setting's name of this version.
const PARALLEL: &str = "select set_config(name, 'on', false) from pg_settings
    where name in ('force_parallel_mode', 'debug_parallel_query')";

/// Calls that get as far as the rows.
fn with_arguments(booking: Uuid, table: Uuid) -> [(String, String); 7] {
    let of = |name: &str, arguments: &str| {
        (format!("{name}, with arguments"), format!("select {HOUSE}.{name}('{booking}'{arguments})"))
    };
    let tables = format!(", array['{table}']::uuid[]");
    [
        of("confirm_hold_assignment_with_transition", &format!("{tables}, 'k'")),
        of("hold_tables", &tables),
        of("assign_tables_atomic_v2", &format!("{tables}, 'k'")),
        of("fence_attempt", ", 'k'"),
        of("confirm_outcome", ", 'k'"),
        of("reconcile_booking", ""),
        of("repair_booking", ""),
    ]
}

#[test]
fn in_parallel_workers() {
    let mut suite = Suite::new("parallel");
    let floor = &mut suite.house.floor;
    // What reads no table may run there; the counters are read by the leader; nothing else.
    let marked: Vec<String> = floor.column(
        "select p.oid::regprocedure::text || ' ' || p.proparallel::text from pg_proc p
         where p.pronamespace in ('holdfast'::regnamespace, 'bistro'::regnamespace) and p.proparallel <> 'u'
           and not (p.provolatile = 'i' and p.proparallel = 's') order by 1",
    );
    let counters = ["attempt_counts", "call_counts", "outcome_counts", "phase_counts", "shadow_counts"]
        .map(|name| format!("holdfast.{name}() r"));
    assert_eq!(marked, counters, "marked for parallel plans");
    let key = "select string_agg(bistro.auto_assign_idempotency_key(id, restaurant_id, 2, '2027-06-01', '18:00'), '' order by id)
               from bistro.bookings";
    suite.house.booking(1);
    let sign = "a crash, an internal error, or half of a call is written";
    suite.attack("superuser", "the key of every booking in parallel workers", sign, |house| {
        let alone: String = house.floor.value(key);
        let mut beside = house.floor.session();
        beside.run(&format!(
            "{PARALLEL}; set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0"
        ));
        let plan: String = beside.column::<String>(&format!("explain {key}")).join(" ");
        let same = beside.value::<String>(key) == alone;
        if same && plan.contains("Gather") { Ok("the same keys".into()) } else { Err(format!("{same} {plan}")) }
    });
    let (booking, table) = (suite.house.booking(2), suite.house.tables[0]);
    let confirm =
        format!("select {HOUSE}.confirm_hold_assignment_with_transition('{booking}', array['{table}']::uuid[], 'k')");
    // The owner may say of its functions that they are safe there. They are not, and the server keeps them from writing.
    let functions = calls(&mut suite, HOUSE);
    suite.house.session_as(OWNER).run(
        "do $$ declare r record; begin
           for r in select p.oid::regprocedure as name from pg_proc p where p.pronamespace = 'bistro'::regnamespace
             and p.prokind = 'f' loop execute format('alter function %s parallel safe', r.name); end loop; end $$",
    );
    let told = with_arguments(booking, table);
    let mut in_a_worker = 0;
    for (name, call) in functions.into_iter().chain(told) {
        suite.attack(
            "owner",
            format!("marks {name} as parallel safe; a service calls it in a worker"),
            sign,
            |house| {
                let mut service = house.session_as(SERVICE);
                service.run(PARALLEL);
                // Up to 16 the server has no SQLSTATE for that.
                let kept = answered(&mut service, &call);
                let is_parallel = |said: &String| said.ends_with("during a parallel operation");
                let said = kept.or_else(|said| if is_parallel(&said) { Ok("25000".to_owned()) } else { Err(said) })?;
                in_a_worker += i32::from(said == "25000");
                Ok(said)
            },
        );
    }
    assert!(in_a_worker >= 4, "few calls met a parallel operation: {in_a_worker}");
    let floor = &mut suite.house.floor;
    let written: i64 = floor.value(
        "select (select count(*) from bistro.allocations) + (select count(*) from bistro.booking_state_history)",
    );
    assert_eq!(written, 0, "a call in a worker wrote");
    suite.house.session_as(SERVICE).run(&confirm);
    assert_eq!(suite.report(25), Vec::<String>::new());
}

/// A confirm of a booking of its own.
fn confirm(booking: Uuid, table: Uuid) -> String {
    format!("select public.confirm_hold_assignment_with_transition('{booking}', array['{table}']::uuid[], 'key')")
}

fn booking(session: &mut Session, day: u32) -> Uuid {
    session.value(&format!(
        "insert into public.bookings (restaurant_id, party_size, start_at, end_at)
         select id, 2, '2027-06-{day:02} 18:00Z', '2027-06-{day:02} 20:00Z' from public.restaurants returning id"
    ))
}

/// The small server of this test, and a table in it.
struct Small {
    cluster: Cluster,
    session: Session,
    tables: Vec<Uuid>,
    attacks: Vec<Attack>,
}

impl Small {
    fn start() -> Small {
        let cluster = Cluster::start_with(
            "-c shared_preload_libraries=holdfast -c holdfast.worker_interval=1 -c max_worker_processes=1 -c wal_level=logical
             -c max_connections=14 -c max_locks_per_transaction=40 -c max_prepared_transactions=3 -c max_wal_senders=2"
                .replace('\n', " ")
                .as_str(),
        );
        let mut session = cluster.install("small");
        let room = session.room(4);
        Small { cluster, session, tables: room.tables, attacks: Vec::new() }
    }

    fn connect(&self) -> Session {
        let mut session = Session::new(self.cluster.connect("small"));
        session.run(&format!("set session authorization {GRANTED}"));
        session
    }

    fn note(&mut self, who: &'static str, what: &str, sign: &'static str, result: Result<String, String>) {
        let broken: Vec<String> = self.session.column(
            "select c.value::text from jsonb_array_elements(holdfast.audit('public')->'checks') c
             where not (c.value->>'notice')::boolean and (c.value->>'broken')::int > 0",
        );
        let result = if broken.is_empty() { result } else { Err(format!("the audit finds {broken:?}")) };
        self.attacks.push(Attack { who, what: what.to_owned(), sign, result });
    }

    /// Fills the table of locks, calls, and lets go again.
    fn without_locks(&mut self) {
        let mut hog = Session::new(self.cluster.connect("small"));
        let (booking, mut service) = (booking(&mut self.session, 1), self.connect());
        let call = confirm(booking, self.tables[0]);
        service.run(&format!("select * from public.confirm_outcome('{booking}', 'key')"));
        hog.run(
            "do $$ begin for n in 1..1000000 loop perform pg_advisory_lock(n); end loop;
             exception when out_of_memory then null; end $$",
        );
        let kept = refused(&mut service, &call, &["53200"]);
        hog.run("select pg_advisory_unlock_all()");
        drop(hog);
        let after = service.try_run(&call).map_err(|refusal| format!("afterwards: {refusal:?}"));
        let result = kept.and_then(|kept| after.map(|()| kept));
        self.note("anybody", "takes every lock that the server has", "a crash, or something left of the call", result);
    }

    /// Who is in goes on, and so does the worker's launcher.
    fn without_connections(&mut self) {
        let (booking, mut service) = (booking(&mut self.session, 2), self.connect());
        let mut crowd = Vec::new();
        let full = loop {
            match self.cluster.server.try_connect("small", "crowd") {
                Ok(client) if crowd.len() < 50 => crowd.push(client),
                Ok(_) => break None,
                Err(error) => break error.code().map(|code| code.code().to_owned()),
            }
        };
        let done = service.try_run(&confirm(booking, self.tables[0]));
        drop(crowd);
        let result = match (full.as_deref(), done) {
            (Some("53300"), Ok(())) => Ok("53300 for others, and who is in confirms".to_owned()),
            other => Err(format!("{other:?}")),
        };
        self.note("anybody", "takes every connection", "who is connected is kept from confirming", result);
    }

    /// Three are prepared, and no more fits.
    fn without_places_for_prepared(&mut self) {
        let mut service = self.connect();
        let mut said = Ok("nothing".to_owned());
        let bookings: Vec<Uuid> = (3..=6).map(|day| booking(&mut self.session, day)).collect();
        for (number, booking) in bookings.iter().enumerate() {
            service.run(&format!("begin; {}", confirm(*booking, self.tables[number])));
            let prepare = format!("prepare transaction 'small {number}'");
            said = match number {
                3 => refused(&mut service, &prepare, &["53200"]),
                _ => service.try_run(&prepare).map(|()| String::new()).map_err(|refusal| format!("{refusal:?}")),
            };
        }
        // The client is told of the error before the server has let go of the transaction.
        service.run("rollback");
        let outcome = |session: &mut Session, booking: Uuid| -> String {
            session.value(&format!("select outcome from public.confirm_outcome('{booking}', 'key')"))
        };
        let last = outcome(&mut self.session, bookings[3]);
        let running = outcome(&mut self.session, bookings[0]);
        (0..3).for_each(|number| self.session.run(&format!("rollback prepared 'small {number}'")));
        let result = match (last.as_str(), running.as_str()) {
            ("never_seen", "running") => said,
            other => Err(format!("{other:?}")),
        };
        self.note("service", "prepares more than the server takes", "what did not fit counts as prepared", result);
    }

    /// The launcher has the only place for a worker: nothing is worked off, and nothing else suffers.
    fn without_workers(&mut self) {
        let hold: Uuid = self.session.value(
            "insert into public.table_holds (restaurant_id, start_at, end_at, expires_at)
             select id, '2027-05-01 18:00Z', '2027-05-01 20:00Z', now() - interval '1 hour' from public.restaurants returning id",
        );
        let workers: i64 =
            self.session.value("select count(*) from pg_stat_activity where backend_type = 'holdfast worker'");
        self.session.run("select * from holdfast.sweep('public')");
        let closed = self.session.get("table_holds", hold, "status");
        let result = match (workers, closed.as_deref()) {
            (0, Some("expired")) => Ok("the sweep by hand does it".to_owned()),
            other => Err(format!("{other:?}")),
        };
        self.note("anybody", "leaves no place for a worker", "the sweep cannot be done by hand", result);
    }

    /// What is decoded is what was committed, and nobody without the right decodes it.
    fn decoded(&mut self) {
        self.session.run("select pg_create_logical_replication_slot('slot', 'test_decoding')");
        let (first, second) = (booking(&mut self.session, 8), booking(&mut self.session, 9));
        let mut service = self.connect();
        service.run(&confirm(first, self.tables[0]));
        service.run(&format!("begin; {}; rollback", confirm(second, self.tables[0])));
        service.run(&format!("begin; savepoint s; {0}; rollback to s; {0}; commit", confirm(second, self.tables[0])));
        let sign = "a role without the right reads the changes, or they are others than those committed";
        let read = "select data from pg_logical_slot_get_changes('slot', null, null)";
        let kept = refused(&mut service, read, &["42501"]);
        let ledger: i64 = self.session.value(&format!(
            "select count(*) from ({read}) t where data like 'table public.booking_assignment_idempotency: INSERT%'"
        ));
        self.session.run("select pg_drop_replication_slot('slot')");
        let result = if ledger == 2 { kept } else { Err(format!("{ledger} entries of the ledger were decoded")) };
        self.note("service", "decodes what the server writes", sign, result);
    }
}

#[test]
fn when_the_server_is_short_of_something() {
    let mut small = Small::start();
    let server = "select pg_postmaster_start_time()::text || (select epoch from holdfast.stat_attempts)";
    let began: String = small.session.value(server);
    small.without_locks();
    small.without_connections();
    small.without_places_for_prepared();
    small.without_workers();
    small.decoded();
    assert_eq!(small.session.value::<String>(server), began, "a crash");
    eventually(
        &mut small.session,
        "select started = (select sum(count) from holdfast.stat_outcomes)::bigint from holdfast.stat_attempts",
    );
    assert!(!small.cluster.log().contains("PANIC"), "{}", small.cluster.log());
    assert_eq!(report("server", &small.attacks), Vec::<String>::new());
}
