//! What a confirm costs beside what a team would write itself. How to run and read it: README.md beside this crate.

mod block;
mod cell;
mod instructions;
mod job;
mod overhead;
mod picture;
mod place;
mod proxy;
mod report;
mod rival;
#[cfg(test)]
mod rivals_test;
mod run;
mod script;
mod supply;

use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs};

use crate::number;
use place::Place;

/// Where cells and reports are written: the target directory of the clone.
fn folder(name: &str) -> PathBuf {
    let target = env::var("CARGO_TARGET_DIR").map_or_else(|_| PathBuf::from("target"), PathBuf::from);
    let major = env::var("HOLDFAST_PG").unwrap_or_else(|_| "unknown".to_owned());
    target.join("bench").join(name).join(major)
}

/// The chosen cells in forty minutes at most, all measured in this run.
pub fn short() {
    let began = Instant::now();
    let folder = folder("short");
    let _ = fs::remove_dir_all(&folder);
    let cells = only(cell::chosen(number("HOLDFAST_BENCH_BOOKINGS", 100_000)));
    let minutes = number("HOLDFAST_BENCH_MINUTES", 38) as u64;
    // Five minutes of it are for the instructions.
    let until = began + Duration::from_secs(minutes * 60).saturating_sub(Duration::from_secs(300));
    let mut place = Place::new();
    run::cells(&mut place, &cells, &folder, Some(until));
    instructions::measure(&mut place, number("HOLDFAST_BENCH_BOOKINGS", 100_000), &folder);
    report::write(&folder, &cells);
}

/// Every cell; what an earlier run finished is not measured again.
pub fn full() {
    let folder = folder("full");
    let cells = only(cell::all(&[100_000, 10_000_000]));
    let mut place = Place::large();
    run::cells(&mut place, &cells, &folder, None);
    instructions::measure(&mut place, 100_000, &folder);
    report::write(&folder, &cells);
}

/// What preloading costs a confirm.
pub fn overhead() {
    overhead::measure(number("HOLDFAST_BENCH_BOOKINGS", 20_000), number("HOLDFAST_ROUNDS", 10));
}

/// The report of what is there, without measuring anything.
pub fn report(full: bool) {
    let cells =
        if full { cell::all(&[100_000, 10_000_000]) } else { cell::chosen(number("HOLDFAST_BENCH_BOOKINGS", 100_000)) };
    report::write(&folder(if full { "full" } else { "short" }), &cells);
}

/// Writes the figures of the last whole run of `make bench` into the documents.
pub fn publish() {
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/performance.md");
    let major = env::var("HOLDFAST_PG").unwrap_or_else(|_| "unknown".to_owned());
    report::publish(&page, &folder("short"), &cell::chosen(100_000), &major);
}

/// `HOLDFAST_CELLS=replay` measures those cells alone whose name has this in it.
fn only(cells: Vec<cell::Cell>) -> Vec<cell::Cell> {
    let wanted = env::var("HOLDFAST_CELLS").unwrap_or_default();
    cells.into_iter().filter(|cell| cell.name().contains(&wanted)).collect()
}
