//! What is measured together: one kind of work under one set of conditions, by every rival that can do it.

use serde::{Deserialize, Serialize};

use super::rival::Rival::{
    self, App, Best, Classic, Disjoint, Floor, Holdfast, Own, Replay, Select, Single, Small, Together, Wrapped,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Work {
    /// A first confirm.
    Fresh,
    /// The same confirm asked again.
    Replay,
    /// A confirm of a table that somebody has.
    Refusal,
    /// A hold, then its confirm.
    Hold,
    /// One restaurant, each session on tables of its own.
    Spread,
    /// Two of four tables a booking, more bookings than room.
    Hot,
    /// So many confirms by one session, in one call of confirm_many.
    Batch(usize),
    /// A first confirm, in a large database and in a small one.
    Size,
    /// An application with triggers of its own that adopted holdfast; its name.
    Application(Adopted),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Adopted {
    Old,
    HoldWindows,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    pub work: Work,
    pub by_hold: bool,
    pub tables: usize,
    pub sessions: usize,
    /// Does a commit wait for the disk?
    pub sync: bool,
    /// Bookings that are there already.
    pub bookings: usize,
    /// Windows in random order, not one after another.
    pub random: bool,
    /// From the client to the server and back, in microseconds.
    pub distance: u64,
}

impl Cell {
    #[must_use]
    pub fn new(work: Work, bookings: usize) -> Cell {
        Cell { work, by_hold: false, tables: 1, sessions: 1, sync: false, bookings, random: false, distance: 0 }
    }

    /// Those that take turns, the first of them is what the others are compared with.
    #[must_use]
    pub fn rivals(&self) -> &'static [Rival] {
        match self.work {
            Work::Fresh => &[Floor, Holdfast, Best, Classic, App],
            Work::Replay => &[Select, Wrapped, Holdfast, Best],
            Work::Refusal => &[Replay, Holdfast, Best],
            Work::Hold => &[Floor, Holdfast, Best],
            Work::Spread => &[Disjoint, Holdfast],
            Work::Hot => &[Floor, Holdfast, Best],
            Work::Batch(_) => &[Single, Together, Holdfast],
            Work::Size => &[Small, Holdfast, Floor],
            Work::Application(_) => &[Own, Holdfast],
        }
    }

    /// What it is called, in the report and as a file.
    #[must_use]
    pub fn name(&self) -> String {
        let work = match self.work {
            Work::Batch(size) => format!("batch-{size}"),
            Work::Application(name) => format!("application-{name:?}").to_lowercase(),
            other => format!("{other:?}").to_lowercase(),
        };
        format!(
            "{work}-{}-{}-sessions-{}-{}{}{}{}",
            if self.by_hold { "hold" } else { "tables" },
            self.tables,
            self.sessions,
            if self.sync { "sync" } else { "nosync" },
            if self.random { "-random" } else { "" },
            if self.distance > 0 { format!("-{}us", self.distance) } else { String::new() },
            if self.bookings >= 1_000_000 { format!("-{}m", self.bookings / 1_000_000) } else { String::new() },
        )
    }
}

const SYNC: [bool; 2] = [false, true];
const BY_HOLD: [bool; 2] = [false, true];

/// Fresh confirms by so many sessions: by tables and by hold, of one table and three, with and without waiting for the disk.
fn fresh(bookings: usize, sessions: usize) -> Vec<Cell> {
    let kinds = BY_HOLD.iter().flat_map(|by_hold| SYNC.map(|sync| (*by_hold, sync)));
    kinds
        .flat_map(|(by_hold, sync)| {
            [1, 3].map(|tables| Cell { by_hold, sync, tables, sessions, ..Cell::new(Work::Fresh, bookings) })
        })
        .collect()
}

/// What `make bench` measures: each number of the goals, and one of each kind beside them. The first ones matter most: what
/// there is no time for is left out from the end.
#[must_use]
pub fn chosen(bookings: usize) -> Vec<Cell> {
    let cell = |work| Cell::new(work, bookings);
    let mut cells = Vec::new();
    cells.extend([1, 8].into_iter().flat_map(|sessions| fresh(bookings, sessions)));
    for work in [Work::Replay, Work::Refusal, Work::Hold] {
        cells.extend([1, 8].map(|sessions| Cell { sessions, by_hold: work != Work::Refusal, ..cell(work) }));
    }
    cells.extend([16, 64].map(|sessions| Cell { sessions, ..cell(Work::Spread) }));
    cells.extend([8, 16].map(|sessions| Cell { sessions, tables: 2, ..cell(Work::Hot) }));
    cells.extend([500, 2000].map(|distance| Cell { distance, by_hold: true, ..cell(Work::Fresh) }));
    cells.extend([100, 1000].map(|size| Cell { sync: true, ..cell(Work::Batch(size)) }));
    cells.extend(BY_HOLD.map(|by_hold| Cell { by_hold, ..cell(Work::Application(Adopted::Old)) }));
    cells.push(Cell { by_hold: true, ..cell(Work::Application(Adopted::HoldWindows)) });
    cells.extend(fresh(bookings, 16));
    cells.push(Cell { random: true, ..cell(Work::Fresh) });
    cells.push(Cell { tables: 8, by_hold: true, ..cell(Work::Fresh) });
    cells.push(Cell { sessions: 64, ..cell(Work::Fresh) });
    cells
}

/// Every cell, for `make bench-full`, by size of the database.
#[must_use]
pub fn all(sizes: &[usize]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for bookings in sizes {
        let cell = |work| Cell::new(work, *bookings);
        for sessions in [1, 2, 8, 16, 64] {
            for (by_hold, sync) in BY_HOLD.iter().flat_map(|by_hold| SYNC.map(|sync| (*by_hold, sync))) {
                for tables in [1, 3, 8] {
                    for random in [false, true] {
                        cells.push(Cell { by_hold, sync, tables, sessions, random, ..cell(Work::Fresh) });
                    }
                    cells.push(Cell { by_hold, sync, tables, sessions, ..cell(Work::Replay) });
                    cells.push(Cell { by_hold, sync, tables, sessions, ..cell(Work::Refusal) });
                }
            }
            for sync in SYNC {
                cells.extend([1, 3, 8].map(|tables| Cell {
                    by_hold: true,
                    sync,
                    tables,
                    sessions,
                    ..cell(Work::Hold)
                }));
                cells.push(Cell { sync, sessions, ..cell(Work::Spread) });
                cells.push(Cell { sync, sessions, tables: 2, ..cell(Work::Hot) });
            }
            for distance in [500, 2000] {
                cells.extend(BY_HOLD.map(|by_hold| Cell { by_hold, sessions, distance, ..cell(Work::Fresh) }));
            }
        }
        cells.extend([10, 100, 1000, 10_000].map(|size| Cell { sync: true, ..cell(Work::Batch(size)) }));
    }
    let largest = sizes.last().copied().unwrap_or_default();
    for sessions in [1, 8] {
        cells.extend(BY_HOLD.map(|by_hold| Cell { by_hold, sessions, ..Cell::new(Work::Size, largest) }));
    }
    let cell = |work| Cell::new(work, sizes.first().copied().unwrap_or_default());
    for (work, sync) in [Adopted::Old, Adopted::HoldWindows].iter().flat_map(|name| SYNC.map(|sync| (*name, sync))) {
        cells.extend(BY_HOLD.map(|by_hold| Cell { by_hold, sync, ..cell(Work::Application(work)) }));
    }
    cells
}
