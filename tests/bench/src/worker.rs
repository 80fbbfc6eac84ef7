//! Confirms with the worker busy against confirms with it off: short turns, one after the other, median of the ratios.
//!
//! On a machine that others use as well the rates mean little. What the worker's processes took of a core, against what the
//! sessions' took, says the same of a machine that has no core to spare.
//!
//! Busy: every confirm is looked at again, events are told, fifty holds a second run out, live bookings are looked at.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{Cluster, Session, confirm};
use uuid::Uuid;

use crate::{median, number};

const SESSIONS: usize = 4;

pub fn run() {
    let cluster = Cluster::start_with(
        "-c shared_preload_libraries=holdfast -c shared_buffers=512MB -c max_wal_size=4GB \
         -c autovacuum=off",
    );
    let mut session = cluster.install("floor");
    session.run("set statement_timeout = 0");
    let (pairs, seconds) = (number("HOLDFAST_BENCH_PAIRS", 20), number("HOLDFAST_BENCH_SECONDS", 3));
    let mut stock = Stock::new(&mut session);
    let (mut ratios, mut shares) = (vec![], vec![]);
    for pair in 0..pairs {
        let mut rates = [0.0; 2];
        // Who begins changes from pair to pair.
        for place in 0..2 {
            let busy = (pair + place) % 2;
            switch(&mut session, busy == 1);
            overdue(&mut session, 50 * seconds);
            let (rate, share) = turn(&cluster, &mut session, &mut stock, Duration::from_secs(seconds as u64));
            rates[busy] = rate;
            shares.extend((busy == 1).then_some(share));
        }
        println!("off {:>7.0} busy {:>7.0} ratio {:.3}", rates[0], rates[1], rates[1] / rates[0]);
        ratios.push(rates[1] / rates[0]);
    }
    let done: String = session.value("select done::text from holdfast.stat_worker where database = current_database()");
    println!("the worker did {done}");
    println!("median of {pairs} ratios: {:.3}", median(ratios));
    println!("the worker's share of the server's processor time, median of {pairs} turns: {:.3}", median(shares));
}

/// Bookings that nobody confirmed yet; each session has restaurants of its own.
struct Stock {
    tables: Vec<Uuid>,
    round: usize,
}

impl Stock {
    fn new(session: &mut Session) -> Stock {
        let tables = (0..SESSIONS).map(|_| session.room(1).tables[0]).collect();
        Stock { tables, round: 0 }
    }

    /// So many bookings for one table, at times of their own.
    fn bookings(&mut self, session: &mut Session, table: Uuid, count: usize) -> Vec<Uuid> {
        self.round += count;
        session.column(&format!(
            "insert into public.bookings (restaurant_id, start_at, end_at, party_size)
             select t.restaurant_id, s.at, s.at + interval '1 hour', 2
             from public.table_inventory t, generate_series({} - {count}, {} - 1) n,
               lateral (select timestamptz '2030-01-01' + n * interval '1 hour' as at) s
             where t.id = '{table}' returning id",
            self.round, self.round
        ))
    }
}

/// Pauses the worker, or lets it go on, and waits until that is so.
fn switch(session: &mut Session, on: bool) {
    session.run(&format!("alter system set holdfast.worker = {}", if on { "on" } else { "off" }));
    session.run("select pg_reload_conf()");
    thread::sleep(Duration::from_millis(300));
    let busy = "select exists (select from pg_stat_activity where backend_type = 'holdfast worker')";
    while !on && session.value::<bool>(busy) {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Holds that run out while the turn lasts: the same for both.
fn overdue(session: &mut Session, number: usize) {
    session.run(&format!(
        "delete from public.table_holds; delete from public.allocations where resource_type = 'hold';
         with held as (
           insert into public.table_holds (restaurant_id, start_at, end_at, expires_at)
           select (select id from public.restaurants limit 1), '2027-05-01 18:00Z', '2027-05-01 20:00Z',
             clock_timestamp() + n * interval '20 ms' from generate_series(1, {number}) n returning id, restaurant_id)
         insert into public.allocations (restaurant_id, resource_type, resource_id, \"window\", shadow)
         select restaurant_id, 'hold', id, '[2027-05-01 18:00Z, 2027-05-01 20:00Z)', true from held"
    ));
}

/// The processor time, in seconds, of a process and of its children that ended.
fn processor_time(pid: i32) -> (f64, f64) {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process of Linux");
    let fields: Vec<f64> = stat
        .rsplit(')')
        .next()
        .into_iter()
        .flat_map(str::split_whitespace)
        .skip(11)
        .take(4)
        .map(|ticks| ticks.parse::<f64>().expect("a number") / 100.0)
        .collect();
    (fields[0] + fields[1], fields[2] + fields[3])
}

fn parent(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process of Linux");
    stat.rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().nth(1))
        .and_then(|id| id.parse().ok())
        .expect("a parent")
}

/// Confirms in a second, over all sessions; and the worker's share of the processor time, without the clients.
fn turn(cluster: &Cluster, observer: &mut Session, stock: &mut Stock, length: Duration) -> (f64, f64) {
    let over = AtomicBool::new(false);
    let work: Vec<(Session, Uuid, Vec<Uuid>)> = stock
        .tables
        .clone()
        .into_iter()
        .map(|table| {
            let mut session = Session::new(cluster.connect("floor"));
            let bookings = stock.bookings(&mut session, table, 1500 * length.as_secs() as usize);
            (session, table, bookings)
        })
        .collect();
    let postmaster = parent(observer.pid);
    let before = processor_time(postmaster).1;
    let began = Instant::now();
    let (ended, worker): (Vec<(usize, f64)>, f64) = thread::scope(|scope| {
        let sessions: Vec<_> = work
            .into_iter()
            .map(|(session, table, bookings)| {
                let over = &over;
                scope.spawn(move || confirm_until(over, session, table, &bookings))
            })
            .collect();
        thread::sleep(length);
        // Before the sessions end, only workers have: the postmaster has no other children that do.
        let worker = processor_time(postmaster).1 - before;
        over.store(true, Relaxed);
        (sessions.into_iter().map(|one| one.join().expect("no error")).collect(), worker)
    });
    let sessions: f64 = ended.iter().map(|(_, time)| time).sum();
    let done: usize = ended.iter().map(|(done, _)| done).sum();
    (done as f64 / began.elapsed().as_secs_f64(), worker / (worker + sessions))
}

/// How many were confirmed, and the processor time of the session on the server.
fn confirm_until(over: &AtomicBool, mut session: Session, table: Uuid, bookings: &[Uuid]) -> (usize, f64) {
    let before = processor_time(session.pid).0;
    for (done, booking) in bookings.iter().enumerate() {
        if over.load(Relaxed) {
            return (done, processor_time(session.pid).0 - before);
        }
        session.seats(&confirm(*booking, &[table], "key"));
    }
    panic!("more bookings are needed for a turn")
}
