//! How long a writer waits while the migration runs. A program of its own: it loads the server.
//!
//! `HOLDFAST_BOOKINGS` is how many bookings there are; the measurement that the README tells of had a million.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::foreign::{Foreign, MINIMAL};
use holdfast_e2e::{Dice, GRANTED, Server};

fn bookings() -> usize {
    std::env::var("HOLDFAST_BOOKINGS").ok().and_then(|number| number.parse().ok()).unwrap_or(20_000)
}

/// The application with a past: each booking has its table, its claim, its history and its answer.
fn with_a_past(count: usize) -> Foreign {
    let mut foreign = MINIMAL.install();
    // What can't be done beside writers is there already.
    foreign.run(
        "set statement_timeout = 0; alter table public.allocations add constraint allocations_no_overlap exclude using gist
         (restaurant_id with =, resource_type with =, resource_id with =, \"window\" with &&) where (not shadow)",
    );
    foreign.run(&format!(
        "insert into public.bookings (restaurant_id, start_at, end_at, party_size, status)
         select '0ddba11a-0000-4000-8000-000000000001', t, t + interval '1 hour', 2, 'confirmed'
         from (select timestamptz '2027-01-01' + n * interval '1 hour' from generate_series(1, {count}) n) s (t);
         insert into public.allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\")
         select b.id, b.restaurant_id, 'table', '0ddba11a-0000-4000-8000-000000000101', tstzrange(b.start_at, b.end_at)
         from public.bookings b where b.start_at > '2027-01-01';
         insert into public.booking_table_assignments (booking_id, table_id, start_at, end_at, allocation_id)
         select booking_id, resource_id, lower(\"window\"), upper(\"window\"), id from public.allocations
         where lower(\"window\") > '2027-01-01';
         insert into public.booking_state_history (booking_id, to_status) select id, status from public.bookings;
         insert into public.booking_assignment_idempotency (booking_id, idempotency_key, table_ids, assignment_window)
         select booking_id, 'key', array[resource_id], \"window\" from public.allocations;
         insert into public.table_holds (restaurant_id, start_at, end_at, expires_at, status)
         select restaurant_id, start_at, end_at, start_at, 'expired' from public.bookings;
         analyze; create extension holdfast cascade"
    ));
    foreign
}

/// What a service writes all day, one statement a transaction. Returns how long each took.
fn write(server: &Server, database: &str, seed: u64, over: &AtomicBool) -> Vec<Duration> {
    let mut client = server.connect(database, "writer");
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
            format!("update public.allocations set created_by = '{id}' where booking_id is null and resource_id = '{id}'"),
            format!("insert into public.booking_state_history (booking_id, to_status) values ('{id}', 'confirmed')"),
            format!(
                "insert into public.booking_assignment_idempotency (booking_id, idempotency_key, table_ids, assignment_window)
                 values ('{id}', gen_random_uuid()::text, '{{}}', 'empty')"
            ),
            "insert into public.table_holds (restaurant_id, start_at, end_at, expires_at)
             values ('0ddba11a-0000-4000-8000-000000000001', now(), now() + interval '1 hour', now())"
                .to_owned(),
        ];
        let began = Instant::now();
        client.batch_execute(&statement[dice.roll(statement.len())]).expect("a write");
        taken.push(began.elapsed());
        thread::sleep(Duration::from_millis(2));
    }
    taken
}

#[test]
fn writers_go_on_while_the_migration_runs() {
    let mut foreign = with_a_past(bookings());
    let script: String = foreign.value("select holdfast.migration('public')");
    let (server, database) = (foreign.server().clone(), foreign.name.clone());
    let over = AtomicBool::new(false);
    let began = Instant::now();
    let (said, mut taken) = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|seed| {
                scope.spawn({
                    let (server, database, over) = (&server, &database, &over);
                    move || write(server, database, seed, over)
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(500));
        let roles = format!("roles={{{GRANTED}}}");
        let said = server.psql(&database, &script, &[&roles]);
        over.store(true, Ordering::Relaxed);
        (said, writers.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect::<Vec<_>>())
    });
    assert_eq!(said.code, Some(0), "{said:?}");
    taken.sort_unstable();
    let (middle, longest) = (taken[taken.len() / 2], taken[taken.len() - 1]);
    println!(
        "{} bookings: the migration took {:?} beside {} writes; half of them took {middle:?} at most, the longest {longest:?}",
        bookings(),
        began.elapsed(),
        taken.len()
    );
    assert!(taken.len() > 100, "{} writes", taken.len());
    // Generous, for machines that are busy with other things: a lock held while an index is built would show in the middle.
    assert!(middle < Duration::from_millis(500) && longest < Duration::from_secs(10), "{middle:?}, {longest:?}");
    assert_eq!(foreign.value::<i64>("select count(*) from pg_index where not indisvalid"), 0);
}
