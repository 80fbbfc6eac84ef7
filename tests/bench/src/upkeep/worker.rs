//! Confirms with the worker busy against confirms with it off: turns, one after the other, median of the ratios.
//!
//! On a machine that others use as well the rates mean little. What the worker's processes took of a core, against what the
//! sessions' took, says the same of a machine that has no core to spare.
//!
//! Busy: every confirm is looked at again, events are told, fifty holds a second run out, live bookings are looked at. Each
//! turn begins alike: a hundred thousand bookings of others, 18 000 of them live, and none of its own.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{Cluster, Room, Session, confirm};
use uuid::Uuid;

use super::{house, median, number};

const SESSIONS: usize = 4;
/// Of each session's restaurant: a table that is booked out for months has some hundreds of bookings, not ten thousand.
const TABLES: usize = 40;

pub fn run() {
    let cluster = Cluster::start_with(
        "-c shared_preload_libraries=holdfast -c shared_buffers=512MB -c max_wal_size=4GB \
         -c autovacuum=off",
    );
    let mut session = house(&cluster, "floor", number("HOLDFAST_BENCH_BOOKINGS", 100_000), 20);
    // For the bookings that go between the turns; nobody else looks a closed hold up by its booking.
    session.run("create index on public.table_holds (booking_id)");
    let (pairs, seconds) = (number("HOLDFAST_BENCH_PAIRS", 11), number("HOLDFAST_BENCH_SECONDS", 10));
    let stock = Stock::new(&mut session);
    let (mut ratios, mut shares) = (vec![], vec![]);
    for pair in 0..pairs {
        let mut rates = [0.0; 2];
        // Who begins changes from pair to pair.
        for place in 0..2 {
            let busy = (pair + place) % 2;
            switch(&mut session, false);
            stock.clear(&mut session);
            let work = stock.write(&mut session, 750 * seconds);
            session.run("vacuum analyze");
            overdue(&mut session, &stock, 50 * seconds);
            switch(&mut session, busy == 1);
            let (rate, share) = turn(&cluster, &session, work, Duration::from_secs(seconds as u64));
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

/// Bookings that nobody confirmed yet; each session has a restaurant of its own.
struct Stock {
    rooms: Vec<Room>,
}

/// A booking and the table that it is to have.
type Work = Vec<(Uuid, Uuid)>;

impl Stock {
    fn new(session: &mut Session) -> Stock {
        Stock { rooms: (0..SESSIONS).map(|_| session.room(TABLES)).collect() }
    }

    /// Takes away whatever the last turn left.
    fn clear(&self, session: &mut Session) {
        let restaurants: Vec<String> = self.rooms.iter().map(|room| format!("'{}'", room.restaurant)).collect();
        let of_ours = format!("where restaurant_id in ({})", restaurants.join(", "));
        session.run(&format!(
            "delete from public.bookings {of_ours}; delete from public.table_holds {of_ours};
             delete from public.allocations {of_ours}; delete from public.capacity_outbox {of_ours}"
        ));
    }

    /// So many bookings for each session, in the order of their time.
    fn write(&self, session: &mut Session, each: usize) -> Vec<Work> {
        self.rooms.iter().map(|room| Stock::bookings(session, room, each)).collect()
    }

    /// Each table has one an hour.
    fn bookings(session: &mut Session, room: &Room, count: usize) -> Work {
        let booked: Vec<Uuid> = session.column(&format!(
            "insert into public.bookings (restaurant_id, start_at, end_at, party_size)
             select '{}', s.at, s.at + interval '1 hour', 2
             from generate_series(0, {count} - 1) n,
               lateral (select timestamptz '2030-01-01' + n / {TABLES} * interval '1 hour' as at) s
             returning id",
            room.restaurant
        ));
        booked.into_iter().zip(room.tables.iter().copied().cycle()).collect()
    }
}

/// Pauses the worker, or lets it go on, and waits until that is so.
pub fn switch(session: &mut Session, on: bool) {
    session.run(&format!("alter system set holdfast.worker = {}", if on { "on" } else { "off" }));
    session.run("select pg_reload_conf()");
    thread::sleep(Duration::from_millis(300));
    let busy = "select exists (select from pg_stat_activity where backend_type = 'holdfast worker')";
    while !on && session.value::<bool>(busy) {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Holds that run out while the turn lasts: the same for both.
fn overdue(session: &mut Session, stock: &Stock, number: usize) {
    session.run(&format!(
        "with held as (
           insert into public.table_holds (restaurant_id, start_at, end_at, expires_at)
           select '{}', '2027-05-01 18:00Z', '2027-05-01 20:00Z',
             clock_timestamp() + n * interval '20 ms' from generate_series(1, {number}) n returning id, restaurant_id)
         insert into public.allocations (restaurant_id, resource_type, resource_id, \"window\", shadow)
         select restaurant_id, 'hold', id, '[2027-05-01 18:00Z, 2027-05-01 20:00Z)', true from held",
        stock.rooms[0].restaurant
    ));
}

/// The processor time, in seconds, of a process and of its children that ended.
pub fn processor_time(pid: i32) -> (f64, f64) {
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

pub fn parent(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process of Linux");
    stat.rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().nth(1))
        .and_then(|id| id.parse().ok())
        .expect("a parent")
}

/// Confirms in a second, over all sessions; and the worker's share of the processor time, without the clients.
fn turn(cluster: &Cluster, observer: &Session, work: Vec<Work>, length: Duration) -> (f64, f64) {
    let over = AtomicBool::new(false);
    let postmaster = parent(observer.pid);
    let before = processor_time(postmaster).1;
    let began = Instant::now();
    let (ended, worker): (Vec<(usize, f64)>, f64) = thread::scope(|scope| {
        let sessions: Vec<_> = work
            .into_iter()
            .map(|work| {
                let (over, session) = (&over, Session::new(cluster.connect("floor")));
                scope.spawn(move || confirm_until(over, session, &work))
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
fn confirm_until(over: &AtomicBool, mut session: Session, work: &[(Uuid, Uuid)]) -> (usize, f64) {
    let before = processor_time(session.pid).0;
    for (done, (booking, table)) in work.iter().enumerate() {
        if over.load(Relaxed) {
            return (done, processor_time(session.pid).0 - before);
        }
        session.seats(&confirm(*booking, &[*table], "key"));
    }
    panic!("more bookings are needed for a turn")
}
