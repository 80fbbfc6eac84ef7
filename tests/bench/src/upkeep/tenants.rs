//! What the worker costs and how late it is when a database has many schemas, or a server many databases.
//!
//! Idle: processor time of launcher and workers in percent of one core, and WAL a minute, over `HOLDFAST_BENCH_SECONDS`.
//! Busy: one hold a schema runs out, spread over a minute; how late each is closed. `HOLDFAST_BENCH_SCHEMAS` and
//! `HOLDFAST_BENCH_DATABASES` are how many.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{Cluster, Session, in_time};

use super::timed;
use super::worker::{parent, processor_time, switch};
use crate::number;

/// Schemas written to in one transaction: each table costs a lock.
const BATCH: usize = 25;

pub fn run() {
    let (schemas, databases) = (number("HOLDFAST_BENCH_SCHEMAS", 1000), number("HOLDFAST_BENCH_DATABASES", 51));
    let cluster =
        Cluster::start_with("-c shared_preload_libraries=holdfast -c autovacuum=off -c max_locks_per_transaction=256");
    let mut session = cluster.install("tenants");
    switch(&mut session, false);
    let ((), took) = timed(|| open(&cluster, schemas));
    eprintln!("{schemas} schemas attached in {:.0} s", took.as_secs_f64());
    session.run("vacuum analyze");
    switch(&mut session, true);
    calm(&mut session);
    idle(&mut session, &format!("{schemas} idle schemas"));
    late(&mut session, schemas);
    if databases > 0 {
        calm(&mut session);
        let ((), took) = timed(|| copy(&cluster, databases));
        eprintln!("{databases} databases made in {:.0} s", took.as_secs_f64());
        calm(&mut session);
        idle(&mut session, &format!("{schemas} idle schemas and {databases} idle databases"));
    }
}

/// By three sessions at once.
fn open(cluster: &Cluster, schemas: usize) {
    thread::scope(|scope| {
        for first in 0..3 {
            scope.spawn(move || {
                let mut session = Session::new(cluster.connect("tenants"));
                (first..schemas).step_by(3).for_each(|number| add(&mut session, number));
            });
        }
    });
}

fn add(session: &mut Session, number: usize) {
    session.run(&format!(
        "select holdfast.create_reference_schema('tenant{number}');
             select holdfast.attach('tenant{number}', p_rehearse => false);
             insert into tenant{number}.restaurants (id) values ('00000000-0000-4000-8000-000000000001')"
    ));
}

/// Databases with one attached schema each.
fn copy(cluster: &Cluster, databases: usize) {
    drop(cluster.install("house"));
    let mut admin = Session::new(cluster.connect("postgres"));
    for number in 1..databases {
        admin.run(&format!("create database house{number} template house"));
    }
}

/// Waits until nobody has anything to do.
fn calm(session: &mut Session) {
    let quiet = "select coalesce(bool_and(pid is null and runs > 0 and coalesce(next_run_at > now() + interval '20 s', true)), false)
                 from holdfast.stat_worker";
    let give_up = Instant::now() + Duration::from_secs(1200);
    while !session.value::<bool>(quiet) {
        assert!(Instant::now() < give_up, "the worker has always something to do");
        thread::sleep(Duration::from_secs(1));
    }
}

fn idle(session: &mut Session, what: &str) {
    let seconds = number("HOLDFAST_BENCH_SECONDS", 60) as u64;
    let postmaster = parent(session.pid);
    let wal = "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn";
    let bytes = |session: &mut Session| session.value::<String>(&format!("select ({wal})::text")).parse::<f64>();
    let (before, written) = (upkeep_time(postmaster), bytes(session).expect("a number"));
    thread::sleep(Duration::from_secs(seconds));
    let (took, written) = (upkeep_time(postmaster) - before, bytes(session).expect("a number") - written);
    let minutes = seconds as f64 / 60.0;
    println!(
        "{what}: {:.2} % of a core, {:.1} kB of WAL a minute",
        100.0 * took / seconds as f64,
        written / 1000.0 / minutes
    );
}

/// Processor time of every launcher and worker, also of those that ended: nobody else ends meanwhile.
fn upkeep_time(postmaster: i32) -> f64 {
    let processes = fs::read_dir("/proc").expect("Linux").flatten();
    let pids = processes.filter_map(|process| process.file_name().to_str()?.parse::<i32>().ok());
    let ours = pids.filter(|pid| {
        let title = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        title.contains("holdfast") && try_parent(*pid) == Some(postmaster)
    });
    ours.map(|pid| processor_time(pid).0).sum::<f64>() + processor_time(postmaster).1
}

fn try_parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
}

/// One hold a schema, due at moments spread over a minute that begins in half a minute.
fn late(session: &mut Session, schemas: usize) {
    let from: String = session.value("select (clock_timestamp() + interval '30 s')::text");
    let numbers: Vec<usize> = (0..schemas).collect();
    for batch in numbers.chunks(BATCH) {
        let holds = batch.iter().map(|number| {
            let after = *number as f64 * 60.0 / schemas as f64;
            format!(
                "with held as (
                   insert into tenant{number}.table_holds (restaurant_id, start_at, end_at, expires_at)
                   values ('00000000-0000-4000-8000-000000000001', '2027-05-01 18:00Z', '2027-05-01 20:00Z',
                           timestamptz '{from}' + interval '{after} s') returning id, restaurant_id)
                 insert into tenant{number}.allocations (restaurant_id, resource_type, resource_id, \"window\", shadow)
                 select restaurant_id, 'hold', id, '[2027-05-01 18:00Z, 2027-05-01 20:00Z)', true from held;"
            )
        });
        session.run(&format!("begin; {} commit", holds.collect::<String>()));
    }
    let began = upkeep_time(parent(session.pid));
    let (mut lateness, took) = timed(|| {
        thread::sleep(Duration::from_secs(95));
        numbers.iter().map(|number| lateness(session, *number)).collect::<Vec<f64>>()
    });
    let share = (upkeep_time(parent(session.pid)) - began) / took.as_secs_f64();
    lateness.sort_by(f64::total_cmp);
    let at = |share: f64| lateness[((lateness.len() - 1) as f64 * share) as usize];
    println!(
        "{schemas} holds in as many schemas, due within a minute: closed late by {:.1} s (median), {:.1} s (of 95 in 100), \
         {:.1} s (most); {} later than 10 s; {:.0} % of a core meanwhile",
        at(0.5),
        at(0.95),
        at(1.0),
        lateness.iter().filter(|late| **late > 10.0).count(),
        100.0 * share
    );
}

/// Seconds from the deadline of a schema's hold to its end.
fn lateness(session: &mut Session, number: usize) -> f64 {
    let closed = format!("select exists (select from tenant{number}.capacity_outbox)");
    in_time(session, &closed, Duration::from_secs(900));
    session.value(&format!(
        "select extract(epoch from max(o.next_attempt_at) - max(h.expires_at))::float8
         from tenant{number}.table_holds h, tenant{number}.capacity_outbox o"
    ))
}
