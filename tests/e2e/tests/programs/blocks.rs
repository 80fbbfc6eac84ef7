//! How long a writer waits while the migration runs, and while it is taken back. A program of its own: it loads the
//! server.
//!
//! `HOLDFAST_BOOKINGS` is how many bookings there are; the measurement that the README tells of had five million.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use holdfast_e2e::foreign::{Foreign, MINIMAL};
use holdfast_e2e::{Dice, GRANTED, Server};
use postgres::error::SqlState;

fn bookings() -> usize {
    std::env::var("HOLDFAST_BOOKINGS").ok().and_then(|number| number.parse().ok()).unwrap_or(20_000)
}

/// The application with a past: each booking has its table, its claim, its history and its answer.
fn with_a_past(count: usize) -> Foreign {
    let mut foreign = MINIMAL.install();
    // Rows that nobody has to check come in faster.
    foreign.run(&format!(
        "set statement_timeout = 0; set session_replication_role = replica;
         insert into public.bookings (restaurant_id, start_at, end_at, party_size, status)
         select '0ddba11a-0000-4000-8000-000000000001', t, t + interval '1 hour', 2, 'confirmed'
         from (select timestamptz '2027-01-01' + n * interval '1 hour' from generate_series(1, {count}) n) s (t);
         insert into public.allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\", shadow)
         select b.id, b.restaurant_id, 'table', '0ddba11a-0000-4000-8000-000000000101', tstzrange(b.start_at, b.end_at),
           b.start_at > '2030-01-01'
         from public.bookings b where b.start_at > '2027-01-01';
         insert into public.booking_table_assignments (booking_id, table_id, start_at, end_at, allocation_id)
         select booking_id, resource_id, lower(\"window\"), upper(\"window\"), id from public.allocations
         where lower(\"window\") > '2027-01-01';
         insert into public.booking_state_history (booking_id, to_status) select id, status from public.bookings;
         insert into public.booking_assignment_idempotency (booking_id, idempotency_key, table_ids, assignment_window)
         select booking_id, 'key', array[resource_id], \"window\" from public.allocations;
         insert into public.table_holds (restaurant_id, start_at, end_at, expires_at, status)
         select restaurant_id, start_at, end_at, start_at, 'expired' from public.bookings;
         reset session_replication_role"
    ));
    // What can't be done beside writers is there already; shadows keep it small, for it is built row by row.
    foreign.run(
        "alter table public.allocations add constraint allocations_no_overlap exclude using gist
         (restaurant_id with =, resource_type with =, resource_id with =, \"window\" with &&) where (not shadow)",
    );
    foreign.run("create table public.steps (at timestamptz default clock_timestamp(), step text)");
    foreign.run("analyze; checkpoint; create extension holdfast cascade");
    foreign
}

/// A write: when it began, how long it took, and whether it waited for a lock longer than the README says that anybody does.
struct Write {
    at: SystemTime,
    took: Duration,
    was_blocked: bool,
}

/// What a service writes all day, one statement a transaction.
fn write(server: &Server, database: &str, seed: u64, over: &AtomicBool) -> Vec<Write> {
    let mut client = server.connect(database, "writer");
    // What takes long without a lock in its way waits for the disk.
    client.batch_execute("set lock_timeout = '100ms'").expect("a setting");
    let mut dice = Dice::new(seed);
    let ids: Vec<uuid::Uuid> = client
        .query("select id from public.bookings tablesample system (5) limit 500", &[])
        .expect("bookings")
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut taken = vec![];
    while !over.load(Ordering::Relaxed) {
        let id = ids[dice.roll(ids.len())];
        let statement = [
            format!("update public.bookings set updated_at = now() where id = '{id}'"),
            "insert into public.bookings (restaurant_id, start_at, end_at, party_size)
             values ('0ddba11a-0000-4000-8000-000000000001', now(), now() + interval '1 hour', 2)"
                .to_owned(),
            "update public.table_inventory set status = status where id = '0ddba11a-0000-4000-8000-000000000101'".to_owned(),
            format!(
                "insert into public.allocations (restaurant_id, resource_type, resource_id, \"window\", shadow)
                 values ('0ddba11a-0000-4000-8000-000000000001', 'hold', '{id}', 'empty', true)"
            ),
            format!("insert into public.booking_state_history (booking_id, to_status) values ('{id}', 'confirmed')"),
            format!(
                "insert into public.booking_assignment_idempotency (booking_id, idempotency_key, table_ids, assignment_window)
                 values ('{id}', gen_random_uuid()::text, '{{}}', 'empty')"
            ),
            "insert into public.table_holds (restaurant_id, start_at, end_at, expires_at)
             values ('0ddba11a-0000-4000-8000-000000000001', now(), now() + interval '1 hour', now())"
                .to_owned(),
        ];
        let (at, began) = (SystemTime::now(), std::time::Instant::now());
        let was_blocked = match client.batch_execute(&statement[dice.roll(statement.len())]) {
            Ok(()) => false,
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => true,
            Err(error) => panic!("a write: {error:?}"),
        };
        taken.push(Write { at, took: began.elapsed(), was_blocked });
        thread::sleep(Duration::from_millis(2));
    }
    taken
}

/// The script, and when each of its steps began.
fn noting_steps(script: &str) -> String {
    let note = |line: &str| match line.strip_prefix("\\echo 'step ") {
        Some(rest) => format!("{line}\ninsert into public.steps (step) values ('{rest};\n").replace("';\n", "');\n"),
        None => format!("{line}\n"),
    };
    script.lines().map(note).collect()
}

/// Runs a script beside writers; shows each step with its longest write, and returns how long each took, the shortest first.
fn beside_writers(foreign: &mut Foreign, what: &str, script: &str) -> Vec<Duration> {
    let (server, database) = (foreign.server().clone(), foreign.name.clone());
    foreign.run("truncate public.steps");
    let over = AtomicBool::new(false);
    let (said, writes) = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|seed| {
                scope.spawn({
                    let (server, database, over) = (&server, &database, &over);
                    move || write(server, database, seed, over)
                })
            })
            .collect();
        thread::sleep(Duration::from_secs(2));
        let roles = format!("roles={{{GRANTED}}}");
        let said = server.psql(&database, &noting_steps(script), &[&roles]);
        foreign.run("insert into public.steps (step) values ('afterwards')");
        thread::sleep(Duration::from_secs(1));
        over.store(true, Ordering::Relaxed);
        (said, writers.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect::<Vec<Write>>())
    });
    assert_eq!(said.code, Some(0), "{said:?}");
    println!("{what}, {} bookings, {} writes:", bookings(), writes.len());
    let steps = foreign.client.query("select at, step from public.steps order by at", &[]).expect("steps");
    let mut steps: Vec<(SystemTime, String)> = steps.iter().map(|row| (row.get(0), row.get(1))).collect();
    let first = writes.iter().map(|write| write.at).min().expect("writes");
    steps.insert(0, (first, "before".to_owned()));
    let ends = steps.iter().skip(1).map(|(at, _)| *at).chain([SystemTime::now()]);
    for ((began, step), end) in steps.iter().zip(ends) {
        // A write belongs to each step that it ran beside.
        let beside = || writes.iter().filter(|write| write.at < end && write.at + write.took > *began);
        let longest = beside().map(|write| write.took).max().unwrap_or_default();
        let blocked = beside().filter(|write| write.was_blocked).count();
        let took = end.duration_since(*began).unwrap_or_default();
        let step: String = step.chars().take(90).collect();
        println!(
            "  {:>8.1} s  longest write {:>7.1} ms, {blocked} blocked for 100 ms  {step}",
            took.as_secs_f64(),
            longest.as_secs_f64() * 1e3
        );
    }
    let mut taken: Vec<Duration> = writes.into_iter().map(|write| write.took).collect();
    taken.sort_unstable();
    taken
}

#[test]
fn writers_go_on_while_the_migration_runs_and_while_it_is_taken_back() {
    let mut foreign = with_a_past(bookings());
    let script: String = foreign.value("select holdfast.migration('public')");
    let back: String = foreign.value("select holdfast.migration('public', 'back')");
    for (what, script) in [("the migration", script), ("the way back", back)] {
        let taken = beside_writers(&mut foreign, what, &script);
        let (middle, longest) = (taken[taken.len() / 2], taken[taken.len() - 1]);
        println!("  half of the writes took {middle:?} at most, the longest {longest:?}");
        assert!(taken.len() > 100, "{} writes", taken.len());
        // Generous, for machines that are busy with other things: a lock held while an index is built would show in the
        // middle.
        assert!(middle < Duration::from_millis(500) && longest < Duration::from_secs(10), "{middle:?}, {longest:?}");
        assert_eq!(foreign.value::<i64>("select count(*) from pg_index where not indisvalid"), 0);
    }
}
