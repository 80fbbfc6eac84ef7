//! What is counted by labels, and what becomes of the numbers: under load that is cut off, over restarts, in a full table.
//! Each test has a server of its own. `HOLDFAST_ATTEMPTS=1000000` is the long form of the one that loads it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{
    Cluster, Dice, Guests, Room, Session, assert_no_drift, assign, at, atomic_confirm, behind, confirm, confirm_hold,
};
use postgres::Client;
use serde_json::Value;
use uuid::Uuid;

/// Everything that is counted and timed, label set by label set.
const ALL: &str = "select jsonb_build_object(
  'calls', (select jsonb_agg(to_jsonb(c) order by to_jsonb(c)) from holdfast.stat_confirm c),
  'outcomes', (select jsonb_agg(to_jsonb(o) order by to_jsonb(o)) from holdfast.stat_outcomes o),
  'phases', (select jsonb_agg(to_jsonb(p) order by to_jsonb(p)) from holdfast.stat_phase p))";

fn booking(session: &mut Session, room: &Room, day: i64) -> Uuid {
    let shift = chrono::Duration::days(day);
    session.booking_at(room.restaurant, at("18:00") + shift, at("20:00") + shift)
}

fn started(session: &mut Session, function: &str, path: &str) -> i64 {
    session.value(&format!(
        "select coalesce(sum(started), 0)::bigint from holdfast.stat_confirm
         where (database, schema, function, path) = (current_database(), 'public', '{function}', '{path}')"
    ))
}

/// Each wait is counted by what was waited for, and how long; what goes through counts nothing.
#[test]
fn waits_are_counted_by_lock() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("labels");
    let room = session.room(1);
    let waits = |session: &mut Session| -> Vec<i64> {
        session.value(
            "select array[sum(booking_waits), sum(hold_waits), sum(table_waits), sum(write_waits)]::bigint[]
             from holdfast.stat_confirm",
        )
    };
    let mut blocker = Session::new(cluster.connect("labels"));
    let table = room.tables[0];
    for (at, locks) in ["bookings", "table_holds", "table_inventory", "allocations"].into_iter().enumerate() {
        let booking = booking(&mut session, &room, i64::try_from(at).expect("few"));
        let hold =
            session.value::<Uuid>(&format!("select hold_id from hold_tables('{booking}', array['{table}']::uuid[])"));
        let before = waits(&mut session);
        blocker.run("begin");
        match locks {
            "bookings" => blocker.run(&format!("select from bookings where id = '{booking}' for update")),
            "table_holds" => blocker.run(&format!("select from table_holds where id = '{hold}' for update")),
            "table_inventory" => blocker.run(&format!("select from table_inventory where id = '{table}' for update")),
            _ => blocker.run("lock table allocations in share mode"),
        }
        let caller = Session::new(cluster.connect("labels"));
        let pending = behind(&mut session, blocker.pid, caller, &confirm_hold(hold, booking, "key"));
        blocker.run("rollback");
        let (mut caller, answer) = pending.finish();
        answer.expect("it went through after the wait");
        let mut expected = before;
        expected[at] += 1;
        assert_eq!(waits(&mut session), expected, "{locks}");
        // The same session again: it has waited before, and does not now.
        let other = self::booking(&mut session, &room, 10 + i64::try_from(at).expect("few"));
        caller.done(&confirm(other, &room.tables, "key"));
        assert_eq!(waits(&mut session), expected, "{locks}");
    }
    // One that gave up has waited too.
    let last = booking(&mut session, &room, 20);
    blocker.run(&format!("begin; select from bookings where id = '{last}' for update"));
    session.run("set lock_timeout = 20");
    let before = waits(&mut session);
    session.refused(&confirm(last, &room.tables, "key"));
    assert_eq!(waits(&mut session)[0], before[0] + 1);
    let sums: Vec<i64> = session
        .value("select array[booking_wait_us, hold_wait_us, table_wait_us, write_wait_us] from holdfast.stat_attempts");
    assert!(sums.iter().all(|us| *us > 0), "{sums:?}");
}

#[test]
fn a_call_is_counted_under_its_labels_and_timed() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("labels");
    let room = session.room(2);
    let (first, other) = (booking(&mut session, &room, 0), booking(&mut session, &room, 1));
    session.done(&confirm(first, &room.tables[..1], "key"));
    session.run("set holdfast.path = 'inline'");
    session.done(&assign(other, &room.tables[..1], "key"));
    session.run("set holdfast.path = 'no such path'");
    session.refused(&confirm(other, &[], "another"));
    assert_eq!(started(&mut session, "confirm_hold_assignment_with_transition", "manual"), 2);
    assert_eq!(started(&mut session, "assign_tables_atomic_v2", "inline"), 1);

    // Whatever writes to bookings or holds.
    let third = booking(&mut session, &room, 2);
    let hold: Uuid =
        session.value(&format!("select hold_id from hold_tables('{third}', array['{}']::uuid[])", room.tables[0]));
    session.run(&format!("select extend_hold('{hold}', 900)"));
    session.done(&atomic_confirm(third, hold, "third"));
    session.run(&format!(
        "select undo_confirm('{third}', 'third'); select fence_attempt('{third}', 'never');
         select unassign_tables_atomic('{first}'); select repair_booking('{first}', p_dry_run => false);
         select hold_id, release_hold_and_emit(hold_id) from hold_tables('{third}', array['{}']::uuid[]);
         select run_auto_assign('{third}', null, null, 'background')",
        room.tables[1]
    ));
    for (function, number) in [
        ("hold_tables", 2),
        ("extend_hold", 1),
        ("atomic_confirm_and_transition", 1),
        ("undo_confirm", 1),
        ("fence_attempt", 1),
        ("unassign_tables_atomic", 1),
        ("repair_booking", 1),
        ("release_hold_and_emit", 1),
    ] {
        assert_eq!(started(&mut session, function, "manual"), number, "{function}");
    }
    assert_eq!(started(&mut session, "run_auto_assign", "background"), 1);
    assert_no_drift(&mut session);

    // Each call was timed, and what committed has every phase.
    let untimed: i64 = session.value(
        "select count(*) from holdfast.stat_confirm c where not exists (
           select from holdfast.stat_phase p where (p.schema, p.function, p.path) = (c.schema, c.function, c.path)
             and p.phase = 'call' and p.calls = c.started and p.buckets[cardinality(p.buckets)] = c.started
             and cardinality(p.buckets) = cardinality(p.le_ms) + 1 and p.p50_ms <= p.p99_ms and p.total_ms = c.total_ms)",
    );
    assert_eq!(untimed, 0);
    let phases: Vec<String> = session.column(
        "select phase || ' ' || calls from holdfast.stat_phase
         where function = 'confirm_hold_assignment_with_transition' order by phase",
    );
    assert_eq!(phases, ["call 2", "commit 1", "lock 1", "replay 1", "validate 1", "write 1"]);

    // From another database: by the name that the schema had when it was called.
    let mut elsewhere = cluster.install("elsewhere");
    let seen: i64 =
        elsewhere.value("select count(*) from holdfast.stat_confirm where (database, schema) = ('labels', 'public')");
    assert_eq!(seen, session.value::<i64>("select count(*) from holdfast.stat_confirm"));
}

/// The numbers live on in a file; it is gone once it is read.
#[test]
fn a_clean_restart_keeps_the_numbers_and_a_crash_begins_an_epoch() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("kept");
    let room = session.room(2);
    let days: Vec<Uuid> = (0..4).map(|day| booking(&mut session, &room, day)).collect();
    session.done(&confirm(days[0], &room.tables[..1], "key"));
    session.refused(&confirm(days[0], &[], "other"));
    session.run("begin");
    session.done(&confirm(days[1], &room.tables[..1], "key"));
    session.run("prepare transaction 'over the restart'");
    let before: Value = session.value(ALL);
    drop(session);
    let restart = || {
        cluster.stop();
        cluster.launch();
        Session::new(cluster.connect("kept"))
    };
    let mut session = restart();
    assert_eq!(session.value::<Value>(ALL), before);
    // What was prepared before is counted after.
    session.run("commit prepared 'over the restart'");
    assert_no_drift(&mut session);
    let confirmed = "select sum(count)::bigint from holdfast.stat_outcomes where outcome = 'confirmed'";
    assert_eq!(session.value::<i64>(confirmed), 2);
    session.done(&confirm(days[2], &room.tables[..1], "key"));
    let epoch = "select extract(epoch from epoch)::float8 from holdfast.stat_attempts";
    let first: f64 = session.value(epoch);
    drop(session);

    let mut session = restart();
    assert_eq!(session.value::<i64>(confirmed), 3);
    assert!((session.value::<f64>(epoch) - first).abs() < 0.001);
    // An immediate stop that cut no call off is a crash nevertheless: a commit may be lost that was counted.
    drop(session);
    cluster.stop_at_once();
    cluster.launch();
    let mut session = Session::new(cluster.connect("kept"));
    assert_eq!(session.value::<i64>("select started from holdfast.stat_attempts"), 0, "an immediate stop");
    // Whoever is killed takes the memory with it: the server makes it anew, and finds no file.
    cluster.kill_one(session.pid);
    drop(session);
    let give_up = Instant::now() + Duration::from_secs(30);
    let from_zero = |mut client: Client| {
        client.query_one("select started from holdfast.stat_attempts", &[]).is_ok_and(|row| row.get::<_, i64>(0) == 0)
    };
    while !cluster.try_connect("kept").is_ok_and(from_zero) {
        assert!(Instant::now() < give_up, "a killed session begins an epoch");
        thread::sleep(Duration::from_millis(50));
    }
    cluster.kill();
    cluster.launch();
    let mut session = Session::new(cluster.connect("kept"));
    assert_eq!(session.value::<i64>("select started from holdfast.stat_attempts"), 0, "a crash begins an epoch");
    assert!(session.value::<f64>(epoch) > first);
    assert!(cluster.log().contains("holdfast counts from zero"), "and says so");

    // A file that somebody damaged is of no use, and stops nobody.
    session.done(&confirm(days[3], &room.tables[..1], "key"));
    drop(session);
    cluster.stop();
    let file = cluster.data().join("pg_stat/holdfast.stat");
    let text = std::fs::read_to_string(&file).expect("the file of a clean stop");
    std::fs::write(&file, text.replace("\"started\":1", "\"started\":2")).expect("damaged");
    cluster.launch();
    let mut session = Session::new(cluster.connect("kept"));
    assert_eq!(session.value::<i64>("select started from holdfast.stat_attempts"), 0);
    assert!(cluster.log().contains("its checksum is wrong"));
    assert!(!file.exists());
}

#[test]
fn a_full_table_counts_on_without_labels() {
    let cluster =
        Cluster::start_with("-c shared_preload_libraries=holdfast -c holdfast.worker=off -c holdfast.label_sets=1");
    let mut session = cluster.install("crowded");
    let room = session.room(1);
    let days: Vec<Uuid> = (0..3).map(|day| booking(&mut session, &room, day)).collect();
    session.done(&confirm(days[0], &room.tables, "key"));
    session.done(&assign(days[1], &room.tables, "key"));
    let mut other = Session::new(cluster.connect("crowded"));
    other.done(&assign(days[2], &room.tables, "key"));
    let rows: Vec<String> = session.column(
        "select concat_ws(' ', coalesce(database, '-'), coalesce(schema, '-'), function, path, started)
         from holdfast.stat_confirm order by 1",
    );
    assert_eq!(
        rows,
        ["- - assign_tables_atomic_v2 manual 2", "crowded public confirm_hold_assignment_with_transition manual 1"]
    );
    assert_no_drift(&mut session);
    drop((session, other));
    cluster.stop();
    cluster.launch();
    let mut session = Session::new(cluster.connect("crowded"));
    assert_eq!(session.value::<i64>("select started from holdfast.stat_attempts"), 3);
}

#[test]
fn whatever_is_cut_off_the_sum_holds_for_every_label_set() {
    const GUESTS: usize = 6;
    let wanted = std::env::var("HOLDFAST_ATTEMPTS").ok().and_then(|text| text.parse().ok()).unwrap_or(4000);
    let seed = std::env::var("HOLDFAST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7);
    println!("HOLDFAST_SEED={seed} HOLDFAST_ATTEMPTS={wanted}");
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("mixed");
    let room = session.room(GUESTS);
    let bookings: Vec<Uuid> = (0..12).map(|day| booking(&mut session, &room, day)).collect();
    let guests = Guests { cluster: &cluster, database: "mixed", bookings, tables: room.tables.clone(), seed };
    let (enough, began) = (AtomicBool::new(false), Instant::now());
    thread::scope(|scope| {
        for number in 0..GUESTS {
            let (guests, enough) = (&guests, &enough);
            scope.spawn(move || guests.go_on(number, enough));
        }
        let mut dice = Dice::new(seed);
        loop {
            thread::sleep(Duration::from_millis(20));
            let how = if dice.roll(3) == 0 { "pg_terminate_backend" } else { "pg_cancel_backend" };
            session.run(&format!(
                "select {how}(pid) from pg_stat_activity where application_name = 'guest' order by random() limit 1"
            ));
            // Others end what was prepared.
            let prepared: Vec<String> = session.column("select gid from pg_prepared_xacts order by prepared limit 3");
            for gid in prepared {
                let verb = if dice.roll(2) == 0 { "commit" } else { "rollback" };
                let _ = session.try_run(&format!("{verb} prepared '{gid}'"));
            }
            let started: i64 = session.value("select started from holdfast.stat_attempts");
            if started >= wanted || began.elapsed() > Duration::from_secs(6 * 3600) {
                break;
            }
        }
        enough.store(true, Relaxed);
    });
    assert_no_drift(&mut session);
    let left: Vec<String> = session.column("select gid from pg_prepared_xacts");
    left.iter().for_each(|gid| session.run(&format!("rollback prepared '{gid}'")));
    assert_no_drift(&mut session);
    let seen = "select (select sum(prepared) from holdfast.stat_confirm)::bigint";
    assert_eq!(session.value::<i64>(seen), 0, "every prepared transaction has ended");
    for outcome in ["confirmed", "assigned", "rolled_back", "failed", "tables_missing", "released"] {
        let reached = format!("select exists (select from holdfast.stat_outcomes where outcome = '{outcome}')");
        assert!(session.value::<bool>(&reached), "{outcome} never happened");
    }
    println!("{}", session.value::<Value>("select to_jsonb(a) from holdfast.stat_attempts a"));
    // Forgotten, with a call in flight that is counted on.
    let mut open = Session::new(cluster.connect("mixed"));
    open.run("begin");
    let late = booking(&mut open, &room, 100);
    open.done(&confirm(late, &room.tables[..1], "late"));
    assert!(session.value::<bool>("select holdfast.stat_reset()"));
    let counted = "select started || ' ' || in_flight || ' ' || ended from holdfast.stat_attempts";
    assert_eq!(session.value::<String>(counted), "1 1 0");
    open.run("commit");
    assert_eq!(session.value::<String>(counted), "1 0 1");
    assert_no_drift(&mut session);
    // And the numbers of a server that was loaded outlive its clean stop.
    let before: Value = session.value(ALL);
    drop((session, open));
    cluster.stop();
    cluster.launch();
    assert_eq!(Session::new(cluster.connect("mixed")).value::<Value>(ALL), before);
}
