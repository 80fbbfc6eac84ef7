//! What the look at commits costs, by the size of the database and the number of commits.

use holdfast_e2e::{Cluster, Session, confirm};
use uuid::Uuid;

use super::{house, median, number, timed};

pub fn run() {
    let cluster = Cluster::start_with(
        "-c shared_preload_libraries=holdfast -c holdfast.worker=off -c shared_buffers=512MB -c max_wal_size=4GB",
    );
    let most = number("HOLDFAST_BENCH_BOOKINGS", 1_000_000);
    println!(
        "{:>10} {:>9} {:>12} {:>12} {:>12} {:>14}",
        "bookings", "commits", "look, ms", "per commit", "idle, ms", "the view, ms"
    );
    for size in [10_000, 100_000, 1_000_000].into_iter().filter(|size| *size <= most) {
        let mut session = house(&cluster, &format!("books_{size}"), size, 4);
        session.run("select holdfast.verify_commits('public')");
        for changed in [10, 100, 1000] {
            let looks = (0..3).map(|_| {
                commit(&mut session, changed);
                let (seen, took) = timed(|| look(&mut session));
                assert_eq!(seen, i64::try_from(changed).expect("few"), "every commit is looked at");
                took.as_secs_f64() * 1000.0
            });
            let took = median(looks.collect());
            let idle = median((0..9).map(|_| timed(|| look(&mut session)).1.as_secs_f64() * 1000.0).collect());
            let view = "select count(*) from public.holdfast_reconciliation";
            let view = median((0..5).map(|_| timed(|| session.value::<i64>(view)).1.as_secs_f64() * 1000.0).collect());
            println!("{size:>10} {changed:>9} {took:>12.1} {:>12.2} {idle:>12.1} {view:>14.0}", took / changed as f64);
        }
        drop(session);
        cluster.connect("postgres").batch_execute(&format!("drop database books_{size}")).expect("nobody is connected");
    }
}

/// How many bookings were looked at; nothing disagrees.
fn look(session: &mut Session) -> i64 {
    let before: i64 = session.value("select commits from public.holdfast_commit_scan");
    let found: i64 = session.value("select count(*) from holdfast.verify_commits('public', 100000)");
    assert_eq!(found, 0, "nothing disagrees");
    session.value::<i64>("select commits from public.holdfast_commit_scan") - before
}

/// Confirms so many new bookings, each in a transaction of its own.
fn commit(session: &mut Session, number: usize) {
    let bookings: Vec<Uuid> = session.column(&format!(
        "insert into public.bookings (restaurant_id, start_at, end_at, party_size)
         select t.restaurant_id, s.at, s.at + interval '1 hour', 2
         from (select coalesce(max(end_at), now()) as at from public.bookings) l,
           generate_series(1, {number}) n,
           lateral (select l.at + n * interval '1 hour' as at) s,
           (select restaurant_id from public.table_inventory order by id limit 1) t returning id"
    ));
    let table: Uuid = session.value("select id from public.table_inventory order by id limit 1");
    for booking in bookings {
        session.seats(&confirm(booking, &[table], "key"));
    }
}
