//! Mixed calls in several schemas, in one transaction and across, while others change those schemas: whatever is answered is an
//! answer that the documents promise, every session can be ended, nothing crashes, and afterwards the audits are clean.
//!
//! The seed is printed; `HOLDFAST_SEED=… HOLDFAST_SECONDS=60` is the long form.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{Cluster, Dice, Session, eventually};
use postgres::Error;
use uuid::Uuid;

const SCHEMAS: [&str; 3] = ["uno", "due", "tre"];
const TABLES: usize = 5;
const BOOKINGS: usize = 60;
const CALLERS: usize = 3;

/// What the documents promise of a call that was not answered by a row, and what ends a session.
const PROMISED: &[&str] = &[
    "P0001", "P0002", "P0003", "P0004", "22000", "22023", "23514", "23503", "55000", "40001", "40P01", "55P03",
    "57014", "57P01", "25006", "25P02",
];
/// What the server itself says of a caller's statement, while a schema, a function or a type of it is not there, or is
/// another: before anything of ours is called, so without a context.
const OF_THE_STATEMENT: &[&str] = &["3F000", "42883", "42704", "42P01", "0A000"];

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn id(kind: u128, number: usize) -> Uuid {
    Uuid::from_u128(0x4000_8000_0000_0000_0000 + (kind << 32) + number as u128)
}

fn ids(kind: &str, number: &str) -> String {
    format!("('00000000-0000-4000-8000-{kind}' || lpad(to_hex({number}), 8, '0'))::uuid")
}

fn add(session: &mut Session, schema: &str) {
    let (r, z) = (id(1, 0), id(2, 0));
    session.run(&format!(
        "select holdfast.create_reference_schema('{schema}'); select holdfast.attach('{schema}');
         insert into {schema}.restaurants (id, timezone) values ('{r}', 'Europe/London');
         insert into {schema}.zones (id, restaurant_id) values ('{z}', '{r}');
         insert into {schema}.table_inventory (id, restaurant_id, zone_id, table_number, capacity)
           select {}, '{r}', '{z}', 'T' || n, 4 from generate_series(0, {TABLES} - 1) n;
         insert into {schema}.bookings (id, restaurant_id, party_size, start_at, end_at)
           select {}, '{r}', 2, at, at + interval '2 hours'
           from generate_series(0, {BOOKINGS} - 1) n,
             lateral (select timestamptz '2031-05-01 12:00Z' + n / 8 * interval '90 minutes' as at) t",
        ids("0003", "n"),
        ids("0004", "n"),
    ));
}

/// One call as an application makes it, of any of its functions, in any of the schemas.
fn call(dice: &mut Dice) -> String {
    let schema = SCHEMAS[dice.roll(SCHEMAS.len())];
    let booking = id(4, dice.roll(BOOKINGS));
    let (one, two) = (id(3, dice.roll(TABLES)), id(3, dice.roll(TABLES)));
    let tables = if dice.roll(4) == 0 { format!("'{{{one}, {two}}}'") } else { format!("'{{{one}}}'") };
    let key = format!("key-{}", dice.roll(4));
    let held = format!(
        "(select h.id from {schema}.table_holds h where h.booking_id = '{booking}' order by h.status, h.id limit 1)"
    );
    let native = format!("'{schema}', '{booking}'");
    match dice.roll(22) {
        0..=3 => format!("select * from {schema}.hold_tables('{booking}', {tables})"),
        4 | 5 => format!("select * from {schema}.atomic_confirm_and_transition('{booking}', {held}, '{key}')"),
        6 => format!(
            "select * from {schema}.confirm_hold_assignment_tx({held}, '{booking}', '{key}', p_target_status => 'confirmed')"
        ),
        7 | 8 => {
            format!("select * from {schema}.confirm_hold_assignment_with_transition('{booking}', {tables}, '{key}')")
        }
        9 => format!("select * from {schema}.atomic_confirm_and_transition_within('{booking}', {held}, '{key}', 500)"),
        10 => format!("select * from {schema}.assign_tables_atomic_v2('{booking}', {tables}, '{key}')"),
        11 | 12 => format!("select * from {schema}.unassign_tables_atomic('{booking}')"),
        13 => format!("select * from {schema}.confirm_outcome('{booking}', '{key}')"),
        14 => format!("select * from {schema}.fence_attempt('{booking}', 'fence-{key}')"),
        15 => format!("select {schema}.release_hold_and_emit({held})"),
        16 => format!("select * from {schema}.run_auto_assign('{booking}', {held}, 500)"),
        17 => format!("select * from {schema}.explain_confirm('{booking}', p_table_ids => {tables})"),
        18 => format!("select * from {schema}.reconcile_booking('{booking}')"),
        19 => format!("select * from holdfast.sweep('{schema}', 50)"),
        20 => format!("select * from holdfast.confirm_outcome({native}, '{key}')"),
        _ => format!("select id from {schema}.outbox_claim('storm', 5)"),
    }
}

/// What somebody else does to the schemas meanwhile.
fn change(dice: &mut Dice) -> &'static str {
    [
        "alter schema uno rename to away; alter schema away rename to uno",
        "begin; alter schema uno rename to away; alter schema due rename to uno; alter schema away rename to due; commit",
        "begin; alter schema due rename to away; alter schema tre rename to due; alter schema away rename to tre; rollback",
        "alter table uno.table_inventory alter column capacity type bigint",
        "alter table uno.table_inventory alter column capacity type integer",
        "alter table due.bookings add column if not exists notes text default 'none'",
        "alter table due.bookings drop column if exists notes",
        "alter table tre.bookings alter column party_size type smallint",
        "alter table tre.bookings alter column party_size type integer",
        "alter table tre.booking_table_assignments add column if not exists seat_count integer",
        "comment on table uno.table_holds is 'theirs'",
        "analyze due.allocations",
        "select holdfast.attach('due')",
        "begin; select holdfast.detach('tre'); select holdfast.attach('tre'); commit",
        "select holdfast.detach('tre'); select pg_sleep(0.05); select holdfast.attach('tre')",
        "begin; drop extension holdfast cascade; create extension holdfast;
           select holdfast.attach('uno'); select holdfast.attach('due'); select holdfast.attach('tre'); commit",
        "select * from holdfast.doctor('uno')",
    ][dice.roll(17)]
}

/// Answers that were not promised, with what was asked.
#[derive(Default)]
struct Log {
    counts: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Log {
    fn note(&mut self, sql: &str, error: &Error) {
        let Some(error) = error.as_db_error() else { return };
        let code = error.code().code();
        *self.counts.entry(code.to_owned()).or_default() += 1;
        // The server's own words for a function that is dropped while somebody calls it, whoever made it.
        let dropped = error.message().starts_with("cache lookup failed for function ");
        let of_the_statement = dropped || OF_THE_STATEMENT.contains(&code) && error.where_().is_none();
        if !PROMISED.contains(&code) && !of_the_statement && self.wrong.len() < 20 {
            self.wrong.push(format!(
                "{sql}\n  {code} {} | {:?} | {:?} | {:?}",
                error.message(),
                error.detail(),
                error.hint(),
                error.where_()
            ));
        }
    }
}

fn connect(cluster: &Cluster) -> Session {
    let mut session = Session::new(cluster.connect("storm"));
    session.run("set lock_timeout = '2s'");
    session
}

/// Calls one by one, or several in one transaction, at any level, with savepoints, some rolled back, some prepared.
fn make_calls(cluster: &Cluster, seed: u64, until: Instant, log: &Mutex<Log>) -> usize {
    let mut dice = Dice::new(seed);
    let mut session = connect(cluster);
    let mut made = 0;
    while Instant::now() < until {
        let mut statements = vec![];
        if dice.roll(2) == 0 {
            let level = ["read committed", "read committed", "repeatable read", "serializable"][dice.roll(4)];
            statements.push(format!("begin isolation level {level}"));
            for _ in 0..=dice.roll(4) {
                if dice.roll(4) == 0 {
                    statements.push("savepoint s".to_owned());
                }
                statements.push(call(&mut dice));
                if dice.roll(6) == 0 && statements.iter().any(|statement| statement == "savepoint s") {
                    statements.push("rollback to s".to_owned());
                }
            }
            let gid = format!("g{seed}-{made}");
            statements.extend(match dice.roll(6) {
                0 => vec!["rollback".to_owned()],
                1 => vec![format!("prepare transaction '{gid}'"), format!("commit prepared '{gid}'")],
                _ => vec!["commit".to_owned()],
            });
        } else {
            statements.push(call(&mut dice));
        }
        for statement in statements {
            made += 1;
            if let Err(error) = session.client.simple_query(&statement) {
                log.lock().expect("nobody panicked").note(&statement, &error);
                if session.client.is_closed() {
                    session = connect(cluster);
                } else {
                    let _ = session.client.simple_query("rollback");
                }
                break;
            }
        }
    }
    made
}

/// Changes the schemas, and ends a caller's session now and then: it is gone soon, whatever it was at.
fn make_changes(cluster: &Cluster, seed: u64, until: Instant, log: &Mutex<Log>) -> usize {
    let mut dice = Dice::new(seed);
    let mut session = connect(cluster);
    let mut made = 0;
    while Instant::now() < until {
        thread::sleep(Duration::from_millis(20 + dice.roll(200) as u64));
        made += 1;
        if dice.roll(8) == 0 {
            let others = "select pid from pg_stat_activity where datname = 'storm' and backend_type = 'client backend'
                          and pid <> pg_backend_pid()";
            let pids: Vec<i32> = session.column(others);
            if let Some(pid) = pids.get(dice.roll(pids.len().max(1))) {
                session.run(&format!("select pg_terminate_backend({pid})"));
                eventually(
                    &mut session,
                    &format!("select not exists (select from pg_stat_activity where pid = {pid})"),
                );
            }
            continue;
        }
        for statement in change(&mut dice).split("; ") {
            if let Err(error) = session.client.simple_query(statement) {
                log.lock().expect("nobody panicked").note(statement, &error);
                let _ = session.client.simple_query("rollback");
                break;
            }
        }
        // Whatever was left in the middle is put right, so that the others have something to call.
        mend(&mut session);
    }
    made
}

/// Every schema under its name, the extension there, each schema attached.
fn mend(session: &mut Session) {
    let give_up = Instant::now() + Duration::from_secs(60);
    let statements = [
        "do $$ begin if to_regnamespace('away') is not null then
           execute format('alter schema away rename to %I',
             (select n from unnest('{uno, due, tre}'::text[]) n where to_regnamespace(n) is null)); end if; end $$",
        "create extension if not exists holdfast",
        "select holdfast.attach(n::regnamespace) from unnest('{uno, due, tre}'::text[]) n
         where to_regprocedure(n || '.confirm_outcome(uuid, text)') is null",
    ];
    while let Some(error) = statements.iter().find_map(|statement| session.client.simple_query(statement).err()) {
        assert!(Instant::now() < give_up, "{error:?}");
    }
}

#[test]
fn calls_and_changes_of_any_kind_at_once() {
    let seed = number("HOLDFAST_SEED", u64::from(std::process::id()));
    let length = Duration::from_secs(number("HOLDFAST_SECONDS", 10));
    println!("HOLDFAST_SEED={seed} HOLDFAST_SECONDS={}", length.as_secs());
    let cluster = Cluster::start_with("-c shared_preload_libraries=holdfast -c holdfast.worker_interval=1");
    let mut session = cluster.install("storm");
    session.run("set client_min_messages = warning");
    SCHEMAS.iter().for_each(|schema| add(&mut session, schema));
    let began: String =
        session.value("select pg_postmaster_start_time()::text || (select epoch from holdfast.stat_attempts)");
    let (until, log) = (Instant::now() + length, Mutex::new(Log::default()));
    let (calls, changes) = thread::scope(|scope| {
        let (cluster, log) = (&cluster, &log);
        let callers: Vec<_> = (0..CALLERS as u64)
            .map(|caller| scope.spawn(move || make_calls(cluster, seed + 1 + caller, until, log)))
            .collect();
        let changes = make_changes(cluster, seed, until, log);
        (callers.into_iter().map(|caller| caller.join().expect("no panic")).sum::<usize>(), changes)
    });
    let log = log.into_inner().expect("nobody panicked");
    // The first one may have been ended like any other.
    drop(session);
    let mut session = connect(&cluster);
    println!("{calls} statements, {changes} changes; refused: {:?}", log.counts);
    assert!(log.wrong.is_empty(), "not promised:\n{}", log.wrong.join("\n"));
    // The server is the one that it was, and every session but this one is gone.
    let now: String =
        session.value("select pg_postmaster_start_time()::text || (select epoch from holdfast.stat_attempts)");
    assert_eq!(now, began, "a crash");
    eventually(
        &mut session,
        "select not exists (select from pg_stat_activity where datname = 'storm' and backend_type = 'client backend'
           and pid <> pg_backend_pid())",
    );
    mend(&mut session);
    for schema in SCHEMAS {
        // The contract lets a caller take the tables of a confirmed booking away: that much is said of it.
        let broken: Vec<String> = session.column(&format!(
            "select c.value::text from jsonb_array_elements(holdfast.audit('{schema}')->'checks') c
             where not (c.value->>'notice')::boolean and (c.value->>'broken')::int > 0
               and c.value->>'check' <> 'confirmed_with_tables'"
        ));
        assert_eq!(broken, [""; 0], "{schema}");
    }
    assert!(calls > 50 && changes > 5, "little happened");
}
