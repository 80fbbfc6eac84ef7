//! Cells, one after another: in each, every rival has its turn in every round. A finished cell is kept as a file.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs};

use holdfast_e2e::Session;
use serde::{Deserialize, Serialize};

use super::block::{Caller, Measured, run};
use super::cell::{Cell, Work};
use super::job::{Item, Job};
use super::place::Place;
use super::proxy::Proxy;
use super::rival::Rival;
use super::supply::{Before, items, write};
use crate::number;

/// A finished cell: what each rival came to in each round, rivals in the order of the cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finished {
    pub cell: Cell,
    pub rounds: Vec<Vec<Measured>>,
    /// A round trip as it was measured, in microseconds.
    pub round_trip_us: f64,
}

impl Finished {
    #[must_use]
    pub fn place(folder: &Path, cell: &Cell) -> PathBuf {
        folder.join(format!("{}.json", cell.name()))
    }

    #[must_use]
    pub fn read(folder: &Path, cell: &Cell) -> Option<Finished> {
        let text = fs::read_to_string(Finished::place(folder, cell)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Written beside its place and moved there: a run that is interrupted leaves no half.
    fn keep(&self, folder: &Path) {
        let place = Finished::place(folder, &self.cell);
        let unfinished = place.with_extension("new");
        fs::write(&unfinished, serde_json::to_string(self).expect("numbers")).expect("a file");
        fs::rename(unfinished, place).expect("a file in its place");
    }
}

/// Measures what is not there yet, until the time is over.
pub fn cells(place: &mut Place, cells: &[Cell], folder: &Path, until: Option<Instant>) {
    fs::create_dir_all(folder).expect("a folder");
    let left: Vec<&Cell> = cells.iter().filter(|cell| Finished::read(folder, cell).is_none()).collect();
    for (done, cell) in left.iter().enumerate() {
        if until.is_some_and(|until| Instant::now() > until) {
            eprintln!("no time left for {} cells", left.len() - done);
            return;
        }
        let began = Instant::now();
        let finished = measure(place, cell);
        finished.keep(folder);
        eprintln!("{}/{} {} ({:.0} s)", done + 1, left.len(), cell.name(), began.elapsed().as_secs_f64());
    }
}

/// One rival with its sessions.
pub struct Side {
    rival: Rival,
    database: String,
    callers: Vec<Caller>,
    observer: Session,
    /// Calls of each session in a block.
    pub calls: usize,
}

/// Rounds of a cell; never less than five.
fn rounds() -> usize {
    number("HOLDFAST_ROUNDS", 5).max(if env::var("HOLDFAST_TRIAL").is_ok() { 1 } else { 5 })
}

fn measure(place: &mut Place, cell: &Cell) -> Finished {
    let proxy = (cell.distance > 0).then(|| Proxy::to(&place.cluster.server, Duration::from_micros(cell.distance)));
    let mut sides: Vec<Side> = cell.rivals().iter().map(|rival| side(place, cell, *rival, proxy.as_ref())).collect();
    let shared = shared(place, cell, &mut sides);
    // None comes while it is measured, and the log of earlier cells is freed.
    sides[0].observer.run("checkpoint");
    for side in &mut sides {
        prime(place, cell, side, &shared);
    }
    let mut rounds: Vec<Vec<Measured>> = Vec::new();
    for _ in 0..self::rounds() {
        rounds.push(sides.iter_mut().map(|side| block(place, cell, side, side.calls, &shared)).collect());
    }
    let mut client =
        proxy.as_ref().map_or(&place.cluster.server, |proxy| &proxy.server).connect("postgres", "round trip");
    let mut trips: Vec<f64> = (0..21)
        .map(|_| {
            let began = Instant::now();
            client.batch_execute("").expect("an answer");
            began.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    trips.sort_by(f64::total_cmp);
    Finished { cell: cell.clone(), rounds, round_trip_us: trips[10] }
}

pub fn side(place: &mut Place, cell: &Cell, rival: Rival, proxy: Option<&Proxy>) -> Side {
    let database = place.database(cell, rival);
    let server = proxy.map_or(&place.cluster.server, |proxy| &proxy.server);
    let caller = |_| Caller::new(server.connect(&database, "caller"), rival, cell);
    let callers = (0..cell.sessions).map(caller).collect();
    let mut observer = Session::new(place.cluster.connect(&database));
    observer.run("set statement_timeout = 0; set synchronous_commit = off");
    Side { rival, database, callers, observer, calls: 0 }
}

/// What every rival asks again and again: confirmed beforehand for replays, taken by somebody else for refusals.
fn shared(place: &mut Place, cell: &Cell, sides: &mut [Side]) -> Vec<Vec<Item>> {
    if ![Work::Replay, Work::Refusal].contains(&cell.work) {
        return Vec::new();
    }
    const EACH: usize = 50;
    let Some(side) = sides.first_mut() else { return Vec::new() };
    let taken = items(cell, EACH, false, place.calendar(&side.database));
    let fresh =
        Cell { work: Work::Fresh, by_hold: cell.work == Work::Replay && cell.by_hold, sessions: 1, ..cell.clone() };
    let all: Vec<&Item> = taken.iter().flatten().collect();
    write(&mut side.observer, &all, Before::of(&fresh));
    let caller = Caller::new(place.cluster.connect(&side.database), Rival::Holdfast, &fresh);
    let jobs = all.iter().map(|item| Job::new((*item).clone(), fresh.by_hold)).collect();
    let made = run(&mut [caller], vec![jobs], &mut side.observer);
    assert_eq!(made.done, all.len(), "{}: a booking was not confirmed", cell.name());
    taken
}

/// Plans are made and caches filled before anything is measured; then a block gets as many calls as take its time.
pub fn prime(place: &mut Place, cell: &Cell, side: &mut Side, shared: &[Vec<Item>]) {
    let trial = env::var("HOLDFAST_TRIAL").is_ok();
    let seconds = number("HOLDFAST_BLOCK_MS", if trial { 100 } else { 700 }) as f64 / 1e3;
    let few = (64 / cell.sessions).clamp(8, 24);
    block(place, cell, side, few, shared);
    let measured = block(place, cell, side, few, shared);
    side.calls = match cell.work {
        // A batch is as long as it is called; contested windows are the same for all.
        Work::Batch(size) => size,
        Work::Hot => (seconds * 1000.0) as usize / cell.sessions + 12,
        _ => ((few as f64 * seconds / measured.seconds) as usize).clamp(few, 4000),
    };
}

/// One block of a rival; `calls` of each session.
pub fn block(place: &mut Place, cell: &Cell, side: &mut Side, calls: usize, shared: &[Vec<Item>]) -> Measured {
    let fresh = match cell.work {
        Work::Replay => repeated(shared, calls, Item::clone),
        Work::Refusal if side.rival == Rival::Replay => repeated(shared, calls, Item::clone),
        Work::Refusal => {
            let others: Vec<Vec<Item>> = shared.iter().map(|items| items.iter().map(Item::again).collect()).collect();
            let all: Vec<&Item> = others.iter().flatten().collect();
            write(&mut side.observer, &all, Before::of(cell));
            repeated(&others, calls, Item::clone)
        }
        _ => {
            let fresh = items(cell, calls, side.rival == Rival::Disjoint, place.calendar(&side.database));
            let all: Vec<&Item> = fresh.iter().flatten().collect();
            write(&mut side.observer, &all, Before::of(cell));
            fresh
        }
    };
    let named = cell.by_hold || cell.work == Work::Hold;
    let jobs = fresh.into_iter().map(|items| items.into_iter().map(|item| Job::new(item, named)).collect()).collect();
    let measured = run(&mut side.callers, jobs, &mut side.observer);
    check(cell, side.rival, &measured);
    measured
}

fn repeated(items: &[Vec<Item>], calls: usize, each: fn(&Item) -> Item) -> Vec<Vec<Item>> {
    items.iter().map(|own| own.iter().cycle().take(calls).map(each).collect()).collect()
}

/// A block in which something else happened than its work is no measurement.
fn check(cell: &Cell, rival: Rival, measured: &Measured) {
    let name = || format!("{} by {}: {measured:?}", cell.name(), rival.name());
    match cell.work {
        Work::Hot => {}
        Work::Refusal if rival != Rival::Replay => assert_eq!(measured.refused, measured.calls, "{}", name()),
        _ => assert_eq!(measured.done, measured.calls, "{}", name()),
    }
}
