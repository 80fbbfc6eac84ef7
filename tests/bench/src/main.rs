//! What looking after the house costs, on a server of its own with a million bookings.
//!
//! `cargo run --release -p holdfast-bench -- view` (the view and the looks at every live booking, warm and cold),
//! `-- incremental` (what was committed, by size of the database and number of commits), `-- worker` (confirms with the
//! worker busy against confirms with it off, in turns), `-- tenants` (idle, and how late holds are closed, with many
//! schemas and databases), `-- confirm` (a confirm by hold against the application's own function, in turns). The server's programs come from the environment, as for the end to end tests: `eval
//! "$(toolchain/server start demo)"` after an optimised build. Numbers of a busy machine mean nothing but in ratios.

mod confirm;
mod incremental;
mod tenants;
mod view;
mod worker;

use std::time::{Duration, Instant};

use holdfast_e2e::{Books, Cluster, Session};

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("view") => view::run(),
        Some("incremental") => incremental::run(),
        Some("worker") => worker::run(),
        Some("tenants") => tenants::run(),
        Some("confirm") => confirm::run(),
        other => panic!("view, incremental, worker, tenants or confirm, not {other:?}"),
    }
}

/// A number from the environment, so that a run can be made smaller.
fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
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
