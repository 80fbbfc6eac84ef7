//! Callers are cancelled and ended at random moments, whatever they are at: nothing hangs, nothing crashes, every attempt is
//! counted, and afterwards the audit and the same questions in plain SQL find nothing.
//!
//! The seed is printed; `HOLDFAST_SEED=… HOLDFAST_ENDED=2000` is the long form.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{Cluster, Dice, Session, eventually};
use uuid::Uuid;

use super::suite::{Attack, report};

const CALLERS: usize = 3;
const TABLES: usize = 4;
const BOOKINGS: usize = 40;
const PROMISES: &str = include_str!("../../../../sql/audit/promises.sql");

/// What a caller may hear: what the documents promise, and that it was ended.
const PROMISED: &[&str] = &[
    "P0001", "P0002", "P0003", "P0004", "22000", "22023", "23514", "40001", "40P01", "55P03", "57014", "57P01",
    "25P02", "55000",
];

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn id(kind: u128, number: usize) -> Uuid {
    Uuid::from_u128(0x4000_8000_0000_0000_0000 + (kind << 32) + number as u128)
}

/// Eight bookings a sitting, for four tables.
fn furnish(session: &mut Session) {
    let (restaurant, zone) = (id(1, 0), id(2, 0));
    session.run(&format!(
        "insert into public.restaurants (id) values ('{restaurant}');
         insert into public.zones (id, restaurant_id) values ('{zone}', '{restaurant}')"
    ));
    for table in 0..TABLES {
        session.run(&format!(
            "insert into public.table_inventory (id, restaurant_id, zone_id, table_number, capacity)
             values ('{}', '{restaurant}', '{zone}', 'T{table}', 4)",
            id(3, table)
        ));
    }
    for booking in 0..BOOKINGS {
        session.run(&format!(
            "insert into public.bookings (id, restaurant_id, party_size, start_at, end_at)
             select '{}', '{restaurant}', 2, at, at + interval '2 hours'
             from (select timestamptz '2031-05-01 12:00Z' + {} * interval '90 minutes') t (at)",
            id(4, booking),
            booking / 8
        ));
    }
}

/// One call of an application.
fn call(dice: &mut Dice) -> String {
    let (booking, key) = (id(4, dice.roll(BOOKINGS)), format!("key-{}", dice.roll(3)));
    let (one, two) = (id(3, dice.roll(TABLES)), id(3, dice.roll(TABLES)));
    let tables = if dice.roll(4) == 0 { format!("'{{{one}, {two}}}'") } else { format!("'{{{one}}}'") };
    let held =
        format!("(select id from public.table_holds where booking_id = '{booking}' order by status, id limit 1)");
    match dice.roll(14) {
        0..=2 => format!("select * from public.hold_tables('{booking}', {tables})"),
        3 | 4 => format!("select * from public.atomic_confirm_and_transition('{booking}', {held}, '{key}')"),
        5 | 6 => {
            format!("select * from public.confirm_hold_assignment_with_transition('{booking}', {tables}, '{key}')")
        }
        7 => format!("select * from public.atomic_confirm_and_transition_within('{booking}', {held}, '{key}', 300)"),
        8 => format!("select public.release_hold_and_emit({held})"),
        9 => format!("select * from public.fence_attempt('{booking}', 'fence-{key}')"),
        10 => format!("select * from public.run_auto_assign('{booking}', {held}, 300)"),
        11 => format!("select * from public.undo_confirm('{booking}', '{key}')"),
        12 => "select * from holdfast.sweep('public', 50)".to_owned(),
        _ => format!("select * from public.confirm_outcome('{booking}', '{key}')"),
    }
}

/// Calls until it is told to stop; a session that was ended is opened again. What was said that nobody promised.
fn make_calls(cluster: &Cluster, seed: u64, pid: &AtomicI32, made: &AtomicUsize, over: &AtomicBool) -> Vec<String> {
    let mut dice = Dice::new(seed);
    let mut wrong = Vec::new();
    let mut session = None;
    while !over.load(SeqCst) {
        let mut open = session.take().unwrap_or_else(|| Session::new(cluster.connect("ended")));
        pid.store(open.pid, SeqCst);
        let statements = match dice.roll(3) {
            0 => format!("begin; savepoint s; {}; rollback to s; {}; commit", call(&mut dice), call(&mut dice)),
            1 => format!("begin; {}; {}; commit", call(&mut dice), call(&mut dice)),
            _ => call(&mut dice),
        };
        for statement in statements.split("; ") {
            made.fetch_add(1, SeqCst);
            if let Err(error) = open.client.simple_query(statement) {
                let said = error.as_db_error().map(|error| error.code().code().to_owned());
                if said.as_deref().is_some_and(|code| !PROMISED.contains(&code)) {
                    wrong.push(format!("{statement}: {error:?}"));
                }
                let _ = open.client.simple_query("rollback");
                break;
            }
        }
        session = Some(open).filter(|open| !open.client.is_closed());
    }
    wrong
}

/// Cancels or ends one caller after the other; whoever was ended is gone soon. Between two there is time for some calls,
/// however slow the machine is.
fn end(session: &mut Session, seed: u64, times: u64, pids: &[AtomicI32], made: &AtomicUsize) -> [usize; 2] {
    let (mut dice, mut done) = (Dice::new(seed), [0; 2]);
    while done[0] + done[1] < times as usize {
        let (enough, since) = (made.load(SeqCst) + dice.roll(4 * CALLERS), Instant::now());
        while made.load(SeqCst) < enough && since.elapsed() < Duration::from_secs(2) {
            thread::sleep(Duration::from_micros(200));
        }
        thread::sleep(Duration::from_micros(dice.roll(8000) as u64));
        let pid = pids[dice.roll(pids.len())].load(SeqCst);
        let kind = dice.roll(2);
        let function = ["pg_cancel_backend", "pg_terminate_backend"][kind];
        let sent: Option<bool> = session.value(&format!(
            "select {function}(pid) from pg_stat_activity where pid = {pid} union all select null limit 1"
        ));
        done[kind] += usize::from(sent == Some(true));
        if kind == 1 {
            eventually(session, &format!("select not exists (select from pg_stat_activity where pid = {pid})"));
        }
    }
    done
}

/// Check to rows examined and broken, asked in plain SQL; those that are no fault apart.
fn asked(session: &mut Session) -> BTreeMap<String, i64> {
    session.run("set search_path = public; set jit = off");
    let rows = session.client.query(PROMISES, &[]).expect("plain SQL");
    rows.iter().map(|row| (row.get(0), row.get(2))).filter(|(_, broken)| *broken > 0).collect()
}

#[test]
fn cancelled_and_ended_at_random() {
    let (seed, times) = (number("HOLDFAST_SEED", u64::from(std::process::id())), number("HOLDFAST_ENDED", 100));
    println!("HOLDFAST_SEED={seed} HOLDFAST_ENDED={times}");
    let cluster = Cluster::start_with("-c shared_preload_libraries=holdfast -c holdfast.worker_interval=1");
    let mut session = cluster.install("ended");
    session.run("set statement_timeout = '10min'");
    furnish(&mut session);
    let server = "select pg_postmaster_start_time()::text || (select epoch from holdfast.stat_attempts)";
    let began: String = session.value(server);
    let (over, made, pids) = (AtomicBool::new(false), AtomicUsize::new(0), [const { AtomicI32::new(0) }; CALLERS]);
    let (done, wrong) = thread::scope(|scope| {
        let (cluster, over, made) = (&cluster, &over, &made);
        let callers: Vec<_> = (1..)
            .zip(&pids)
            .map(|(caller, pid)| scope.spawn(move || make_calls(cluster, seed + caller, pid, made, over)))
            .collect();
        let done = end(&mut session, seed, times, &pids, made);
        over.store(true, SeqCst);
        let wrong: Vec<_> = callers.into_iter().flat_map(|caller| caller.join().expect("no panic")).collect();
        (done, wrong)
    });
    let calls = made.load(SeqCst);
    println!("{calls} statements, {} cancelled, {} ended", done[0], done[1]);
    assert!(wrong.is_empty(), "not promised:\n{}", wrong.join("\n"));
    assert_eq!(session.value::<String>(server), began, "a crash");
    let counted = "select started = in_flight + prepared + (select sum(count) from holdfast.stat_outcomes)::bigint
                   and in_flight = 0 from holdfast.stat_attempts";
    eventually(&mut session, counted);
    let broken: Vec<String> = session.column(
        "select c.value::text from jsonb_array_elements(holdfast.audit('public')->'checks') c
         where not (c.value->>'notice')::boolean and (c.value->>'broken')::int > 0",
    );
    let running: i64 = session.value(&format!(
        "select count(*) from generate_series(0, {BOOKINGS} - 1) b, generate_series(0, 2) k,
           public.confirm_outcome(('00000000-0000-4000-8000-0004' || lpad(to_hex(b), 8, '0'))::uuid, 'key-' || k) o
         where o.outcome = 'running'"
    ));
    let asked = asked(&mut session);
    let found = broken.is_empty() && asked.is_empty() && running == 0;
    let attack = Attack {
        who: "operator",
        what: format!("cancels {} and ends {} of {CALLERS} sessions in {calls} statements", done[0], done[1]),
        sign: "the audit, promises.sql or a count finds what is broken, or an attempt is running for ever",
        result: if found { Ok("nothing".into()) } else { Err(format!("{broken:?} {asked:?} {running}")) },
    };
    assert_eq!(report("ended", &[attack]), Vec::<String>::new());
    let confirmed: i64 =
        session.value("select count(*) from public.booking_assignment_idempotency where outcome = 'confirmed'");
    assert!(confirmed > 0, "nothing came to anything");
    assert!(calls > 50 && done[0] > 5 && done[1] > 5, "little happened");
}
