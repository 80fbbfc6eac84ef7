//! Upkeep of many schemas and databases: what is due is found without visiting what is not.

use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{Cluster, Session, eventually, in_time};

const WORKER: &str = "-c shared_preload_libraries=holdfast -c holdfast.worker_interval=1";

/// So many attached schemas, beside public.
fn add_schemas(session: &mut Session, number: usize) {
    for at in 1..=number {
        session.run(&format!("select holdfast.create_reference_schema('t{at}'); select holdfast.attach('t{at}')"));
    }
}

/// A hold, written by hand, that is over after so many seconds.
fn hold(session: &mut Session, schema: &str, seconds: i64) {
    session.run(&format!(
        "insert into {schema}.restaurants (id) values ('00000000-0000-4000-8000-000000000001') on conflict do nothing;
         insert into {schema}.table_holds (restaurant_id, start_at, end_at, expires_at)
         values ('00000000-0000-4000-8000-000000000001', '2027-05-01 18:00Z', '2027-05-01 20:00Z',
                 clock_timestamp() + {seconds} * interval '1 s')"
    ));
}

fn closed(schema: &str) -> String {
    format!("select not exists (select from {schema}.table_holds where status = 'active')")
}

/// Is that so of a task of a schema of this database?
fn task(schema: &str, task: &str, what: &str) -> String {
    format!(
        "select coalesce((select {what} from holdfast.stat_tasks
           where database = current_database() and schema = '{schema}' and task = '{task}'), false)"
    )
}

fn runs(session: &mut Session) -> i64 {
    session.value("select coalesce(sum(runs), 0)::bigint from holdfast.stat_worker")
}

fn written(session: &mut Session) -> i64 {
    session.value("select (pg_current_wal_insert_lsn() - '0/0')::bigint")
}

/// Waits until nobody has run anything for a while: a session that stays idle reports the rows that it wrote, also those of a
/// rehearsal, up to ten seconds later.
fn calm(session: &mut Session) {
    let give_up = Instant::now() + Duration::from_secs(120);
    loop {
        let before = runs(session);
        thread::sleep(Duration::from_secs(12));
        if before > 0 && runs(session) == before {
            return;
        }
        assert!(Instant::now() < give_up, "the worker never comes to rest");
    }
}

#[test]
fn what_is_idle_costs_nothing() {
    // Autovacuum looks after what was made just now, and writes.
    let cluster = Cluster::start_with(&format!("{WORKER} -c autovacuum=off"));
    let mut session = cluster.install("floor");
    add_schemas(&mut session, 12);
    // Nobody takes events here, and who does not take them is told again.
    session.run(
        "select holdfast.create_reference_schema('silent'); drop table silent.capacity_outbox;
         select holdfast.attach('silent')",
    );
    calm(&mut session);
    let (ran, before) = (runs(&mut session), written(&mut session));
    thread::sleep(Duration::from_secs(6));
    assert_eq!(runs(&mut session), ran, "nobody came");
    let wal = written(&mut session) - before;
    assert!(wal < 500, "{wal} bytes of WAL");
    let workers = "select count(*) from pg_stat_activity where backend_type = 'holdfast worker'";
    assert_eq!(session.value::<i64>(workers), 0);
    // What the worker itself writes when a hold runs out calls nobody: it costs one run.
    hold(&mut session, "silent", 0);
    in_time(&mut session, &closed("silent"), Duration::from_secs(16));
    thread::sleep(Duration::from_secs(8));
    assert_eq!(runs(&mut session), ran + 1);
    // What somebody writes by hand in one of them is seen, and nobody looks at the others.
    hold(&mut session, "t7", 6);
    in_time(&mut session, &closed("t7"), Duration::from_secs(6 + 10));
    assert_eq!(session.value::<i64>("select errors from holdfast.stat_worker where database = 'floor'"), 0);
}

#[test]
fn there_are_no_more_workers_than_the_setting_allows() {
    let cluster = Cluster::start_with(&format!("{WORKER} -c holdfast.max_workers=1"));
    let mut sessions: Vec<Session> = ["one", "two", "three"].map(|name| cluster.install(name)).into();
    sessions.iter_mut().for_each(|session| {
        session.run(
            "create function public.slow() returns trigger language plpgsql as
               $$ begin perform pg_catalog.pg_sleep(1); return new; end $$;
             create trigger slow before update on public.table_holds for each row execute function public.slow()",
        );
        hold(session, "public", 0);
    });
    let give_up = Instant::now() + Duration::from_secs(60);
    let mut most = 0;
    while !sessions.iter_mut().all(|session| session.value::<bool>(&closed("public"))) {
        let at_once: i64 =
            sessions[0].value("select count(*) from pg_stat_activity where backend_type = 'holdfast worker'");
        most = most.max(at_once);
        assert!(Instant::now() < give_up, "a database has no turn");
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(most, 1);
}

/// A database, a schema, and whoever says that nothing is to be written.
#[test]
fn it_is_switched_off_for_a_database_and_for_a_schema() {
    let cluster = Cluster::start_with(WORKER);
    let mut session = cluster.install("floor");
    add_schemas(&mut session, 1);
    let mut admin = Session::new(cluster.connect("postgres"));
    for (setting, why) in [("holdfast.worker = off", "worker off"), ("default_transaction_read_only = on", "read only")]
    {
        admin.run(&format!("alter database floor set {setting}"));
        let paused = format!(
            "select coalesce(paused = '{why}' and pid is null, false) from holdfast.stat_worker where database = 'floor'"
        );
        eventually(&mut session, &paused);
        hold(&mut session, "public", 0);
        thread::sleep(Duration::from_secs(3));
        assert!(!session.value::<bool>(&closed("public")), "{setting}");
        // Switched off before it ever came, it knows of no schema.
        if why == "read only" {
            let lags = format!("paused = '{why}' and lag_s > 0 and next_run < clock_timestamp()");
            eventually(&mut session, &task("public", "expire_holds", &lags));
        }
        admin.run("alter database floor reset all");
        in_time(&mut session, &closed("public"), Duration::from_secs(40));
    }
    admin.run("alter database floor set holdfast.worker_excluded_schemas = 'nobody, t1'");
    eventually(&mut session, "select skipped_schemas = 1 from holdfast.stat_worker where database = 'floor'");
    hold(&mut session, "t1", 0);
    hold(&mut session, "public", 0);
    in_time(&mut session, &closed("public"), Duration::from_secs(40));
    assert!(!session.value::<bool>(&closed("t1")), "excluded");
    let skipped = "paused = 'skipped' and lag_s = 0 and next_run is null";
    assert!(session.value::<bool>(&task("t1", "expire_holds", skipped)));
    assert!(session.value::<bool>(&task("public", "expire_holds", "paused is null and runs > 0")));
    admin.run("alter database floor reset all");
    in_time(&mut session, &closed("t1"), Duration::from_secs(40));
}

/// Where it is off, doctor says so at once, and not only when the launcher has come by.
#[test]
fn doctor_knows_that_it_is_off() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("floor");
    let said: Vec<String> = session.column("select why from holdfast.doctor('public') where what = 'worker'");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("(worker off)"), "{said:?}");
}

/// Whoever looks sees what the worker is at, and the log says where something failed.
#[test]
fn it_says_what_it_is_at() {
    let cluster = Cluster::start_with(WORKER);
    let mut session = cluster.install("floor");
    session.run(
        "create function public.slow() returns trigger language plpgsql as
           $$ begin perform pg_catalog.pg_sleep(2); raise exception 'not today' using errcode = '53ZZZ'; end $$;
         create trigger slow before update on public.table_holds for each row execute function public.slow()",
    );
    hold(&mut session, "public", 0);
    eventually(
        &mut session,
        "select exists (select from pg_stat_activity where backend_type = 'holdfast worker' and datname = 'floor'
           and state = 'active' and query = 'holdfast: expire_holds in schema public')",
    );
    // Its process is ended in the middle of it; the next one meets the error.
    session.run("select pg_terminate_backend(pid) from holdfast.stat_worker where database = 'floor'");
    let ended = "failures = 1 and runs = 1 and last_error = '57P01' and last_error_at is not null";
    eventually(&mut session, &task("public", "expire_holds", ended));
    eventually(
        &mut session,
        "select coalesce(last_error = '53ZZZ', false) from holdfast.stat_worker where database = 'floor'",
    );
    let met = "last_error = '53ZZZ' and runs >= 2 and last_run is not null";
    eventually(&mut session, &task("public", "expire_holds", met));
    assert!(session.value::<bool>(&task("public", "prune_outbox", "last_error is null and failures = 0")));
    // The row is there an instant before the log line.
    let line = "holdfast worker: database floor, expire_holds in schema public: not today";
    let began = Instant::now();
    while !cluster.log().contains(line) {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", cluster.log());
        thread::sleep(Duration::from_millis(50));
    }
}

/// Two servers: what a subscription fills is left to the publisher's worker, for a row written here as well would stop it.
#[test]
fn what_a_subscription_fills_is_left_alone() {
    let publisher =
        Cluster::start_with("-c wal_level=logical -c shared_preload_libraries=holdfast -c holdfast.worker=off");
    let subscriber = Cluster::start_with(WORKER);
    let mut source = publisher.install("floor");
    let mut copy = subscriber.install("floor");
    source.run("create publication all_of_it for tables in schema public");
    copy.run("truncate public.holdfast_commit_scan, public.holdfast_booking_scans, public.holdfast_rollout");
    let (host, port) = (&publisher.server.host, publisher.server.port);
    copy.run(&format!(
        "create subscription of_all connection 'host={host} port={port} dbname=floor user={}' publication all_of_it
           with (copy_data = false)",
        publisher.server.user
    ));
    hold(&mut source, "public", 1);
    eventually(&mut copy, "select count(*) = 1 from public.table_holds");
    in_time(
        &mut copy,
        "select skipped_schemas = 1 from holdfast.stat_worker where database = 'floor'",
        Duration::from_secs(60),
    );
    thread::sleep(Duration::from_secs(4));
    assert!(!copy.value::<bool>(&closed("public")), "the copy is as it was copied");
    let swept: Vec<String> =
        copy.column("select task || ': ' || done from holdfast.sweep('public') where error is null");
    assert_eq!(swept, [""; 0], "nor is it swept by hand");
    // The publisher closes it, and the copy follows.
    source.run("select holdfast.sweep('public')");
    eventually(&mut copy, &closed("public"));
    let failed: i64 = copy.value("select coalesce(sum(apply_error_count), 0)::bigint from pg_stat_subscription_stats");
    assert_eq!(failed, 0);
    // Blue becomes green: from the end of the subscription on, it is ours.
    hold(&mut source, "public", 2);
    eventually(&mut copy, "select count(*) = 2 from public.table_holds");
    copy.run("drop subscription of_all");
    in_time(&mut copy, &closed("public"), Duration::from_secs(90));
}
