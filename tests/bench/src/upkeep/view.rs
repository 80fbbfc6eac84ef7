//! The view over a million bookings of which fifty are broken, and the worker's look at all of them.

use holdfast_e2e::{Cluster, Session};

use super::worker::switch;
use super::{house, median, number, timed};

const VIEW: &str = "select count(distinct booking_id) from public.holdfast_reconciliation where severity <> 'info'";

pub fn run() {
    let cluster =
        Cluster::start_with("-c shared_preload_libraries=holdfast -c shared_buffers=512MB -c max_wal_size=4GB");
    let worker = |on| switch(&mut Session::new(cluster.connect("postgres")), on);
    worker(false);
    let (size, live) = (number("HOLDFAST_BENCH_BOOKINGS", 1_000_000), number("HOLDFAST_BENCH_LIVE", 4));
    let mut session = house(&cluster, "books", size, live);
    break_some(&mut session, 50);
    // The repair's own bookings are bound to be found: all of them, and nothing else.
    let found: i64 = session.value(VIEW);
    println!("found {found} of 50");
    let warm = |session: &mut Session| median((0..9).map(|_| timed(|| session.value::<i64>(VIEW)).1).collect());
    println!("the view, warm: {:?} (median of 9)", warm(&mut session));
    let look = "select done from holdfast.sweep('public') where task = 'scan_live_bookings'";
    let (told, first) = timed(|| session.value::<i64>(look));
    println!("the worker's first look: {first:?}, {told} bookings told of");
    session.run("update public.holdfast_booking_scans set look_at = '-infinity'");
    let (told, next) = timed(|| session.value::<i64>(look));
    println!("its next look: {next:?}, {told} told of");
    // The worker's own look would read the same at the same time.
    session.run("update public.holdfast_booking_scans set look_at = 'infinity', pass_at = 'infinity'; checkpoint");
    drop(session);
    for (on, says) in [(false, "off"), (true, "on")] {
        worker(on);
        for _ in 0..5 {
            let mut session = cold(&cluster);
            let (_, took) = timed(|| session.value::<i64>(VIEW));
            println!("the view, first of all after a restart, worker {says}: {took:?}");
        }
    }
}

/// A session after a restart, with nothing of the database in memory.
fn cold(cluster: &Cluster) -> Session {
    cluster.stop();
    std::fs::write("/proc/sys/vm/drop_caches", "3").expect("the right to drop the system's caches");
    cluster.launch();
    Session::new(cluster.connect("books"))
}

/// Breaks bookings that are still to come, each in one of five ways.
fn break_some(session: &mut Session, number: usize) {
    session.run(&format!(
        "create temporary table broken as
           select id, row_number() over () % 5 as way from (
             select id from public.bookings where end_at > now() order by id limit {number}) b;
         delete from public.allocations a using broken b where b.id = a.booking_id and b.way = 0;
         delete from public.booking_table_assignments a using broken b where b.id = a.booking_id and b.way = 1;
         update public.bookings o set status = 'pending' from broken b where b.id = o.id and b.way = 2;
         delete from public.booking_state_history h using broken b where b.id = h.booking_id and b.way = 3;
         update public.booking_table_assignments a set end_at = end_at - interval '1 hour' from broken b
           where b.id = a.booking_id and b.way = 4"
    ));
}
