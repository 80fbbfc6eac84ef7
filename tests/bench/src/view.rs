//! The view over a million bookings of which fifty are broken, and the worker's look at all of them.

use holdfast_e2e::{Cluster, Session};

use crate::{books, median, number, timed};

const VIEW: &str = "select count(distinct booking_id) from public.booking_reconciliation where severity <> 'info'";

pub fn run() {
    let cluster = Cluster::start_with(
        "-c shared_preload_libraries=holdfast -c holdfast.worker=off -c shared_buffers=512MB -c max_wal_size=4GB",
    );
    let (size, live) = (number("HOLDFAST_BENCH_BOOKINGS", 1_000_000), number("HOLDFAST_BENCH_LIVE", 4));
    let mut session = books::write(&cluster, "books", size, live);
    books::break_some(&mut session, 50);
    // The repair's own bookings are bound to be found: all of them, and nothing else.
    let found: i64 = session.value(VIEW);
    println!("found {found} of 50");
    let warm = |session: &mut Session| median((0..9).map(|_| timed(|| session.value::<i64>(VIEW)).1).collect());
    println!("the view, warm: {:?} (median of 9)", warm(&mut session));
    let look = "select done from holdfast.sweep('public') where step = 'reconcile_live'";
    let (told, first) = timed(|| session.value::<i64>(look));
    println!("the worker's first look: {first:?}, {told} bookings told of");
    session.run("update public.holdfast_looks set look_at = '-infinity'");
    let (told, next) = timed(|| session.value::<i64>(look));
    println!("its next look: {next:?}, {told} told of");
    session.run("checkpoint");
    drop(session);
    for _ in 0..3 {
        cluster.stop();
        let dropped = std::fs::write("/proc/sys/vm/drop_caches", "3").is_ok();
        cluster.launch();
        let mut session = Session::new(cluster.connect("books"));
        let (_, cold) = timed(|| session.value::<i64>(VIEW));
        println!(
            "the view, cold (restarted, the system's cache {}): {cold:?}",
            if dropped { "dropped" } else { "kept" }
        );
    }
}
