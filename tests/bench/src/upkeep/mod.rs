//! What looking after the bookings costs, on a server of its own with a million of them.

mod incremental;
mod tenants;
mod view;
pub mod worker;

use std::time::{Duration, Instant};

use holdfast_e2e::{Books, Cluster, Session};

use crate::number;

pub fn run(what: &str) {
    match what {
        "view" => view::run(),
        "incremental" => incremental::run(),
        "worker" => worker::run(),
        "tenants" => tenants::run(),
        other => panic!("view, incremental, worker or tenants, not {other}"),
    }
}

/// A database with a thousand bookings a restaurant, of which so many in a hundred are still to come, and its superuser.
fn house(cluster: &Cluster, database: &str, bookings: usize, live: usize) -> Session {
    let mut session = cluster.install(database);
    let books = Books { bookings, restaurants: (bookings / 1000).max(1), live };
    let ((), took) = timed(|| books.write(&mut session));
    session.run("vacuum analyze");
    let live: i64 = session.value("select count(*) from public.bookings where end_at > now()");
    eprintln!("{bookings} bookings, {live} of them live, written in {:.0} s", took.as_secs_f64());
    session
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let done = work();
    (done, began.elapsed())
}

fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    values[values.len() / 2]
}
