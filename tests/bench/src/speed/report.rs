//! The report: every figure is a ratio within a round, and the median of rounds stands beside the least and the most.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::block::Measured;
use super::cell::{Cell, Work};
use super::instructions::{self, Counted};
use super::picture;
use super::rival::Rival;
use super::run::Finished;

/// A median with the least and the most of all rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub least: f64,
    pub median: f64,
    pub most: f64,
}

impl Spread {
    /// Nothing where no round has a number.
    #[must_use]
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let median = *values.get(values.len() / 2)?;
        Some(Spread { least: *values.first()?, median, most: *values.last()? })
    }

    fn text(self) -> String {
        format!("{:.2} ({:.2} to {:.2})", self.median, self.least, self.most)
    }
}

/// Successes a second; where nobody succeeds, calls.
fn rate(cell: &Cell, measured: &Measured) -> f64 {
    let counted = if cell.work == Work::Refusal { measured.calls } else { measured.done };
    counted as f64 / measured.seconds
}

fn column(finished: &Finished, rival: Rival) -> Option<usize> {
    finished.cell.rivals().iter().position(|other| *other == rival)
}

/// How a number of one rival stands to that of another, round by round.
fn ratio(finished: &Finished, one: usize, other: usize, of: impl Fn(&Measured) -> f64) -> Option<Spread> {
    Spread::of(finished.rounds.iter().map(|round| of(&round[one]) / of(&round[other])))
}

/// holdfast's throughput against that of a rival.
#[must_use]
pub fn throughput(finished: &Finished, against: Rival) -> Option<Spread> {
    let (ours, theirs) = (column(finished, Rival::Holdfast)?, column(finished, against)?);
    ratio(finished, ours, theirs, |measured| rate(&finished.cell, measured))
}

/// The first rival that the cell compares holdfast with.
#[must_use]
pub fn first_rival(cell: &Cell) -> Option<Rival> {
    cell.rivals().iter().copied().find(|rival| *rival != Rival::Holdfast)
}

pub fn write(folder: &Path, cells: &[Cell]) {
    let finished: Vec<Finished> = cells.iter().filter_map(|cell| Finished::read(folder, cell)).collect();
    let mut text = String::from("# What a confirm costs\n\n");
    let rounds = finished.iter().map(|finished| finished.rounds.len()).min().unwrap_or_default();
    let _ = writeln!(
        text,
        "{} of {} cells, each in at least {rounds} rounds; in a round every rival has its turn. Ratios are throughput, above 1 is \
         faster than the rival: the median of all rounds, and the least and the most. CPU and WAL are a call's, below 1 is less.\n\n\
         ![ratios](ratios.svg)\n",
        finished.len(),
        cells.len()
    );
    let goals = goals(&finished);
    if !goals.is_empty() {
        let _ = writeln!(
            text,
            "## Goals\n\n| goal | worst cell | there | reached |\n|---|---|---|---|\n{}",
            goals.concat()
        );
    }
    let _ = writeln!(text, "## Cells\n{}", tables(&finished));
    text.push_str(&counted(&instructions::read(folder)));
    let left: Vec<String> =
        cells.iter().filter(|cell| Finished::read(folder, cell).is_none()).map(Cell::name).collect();
    if !left.is_empty() {
        let _ = writeln!(text, "\nNot measured: {}.", left.join(", "));
    }
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("report.md"), text).expect("a file");
    picture::write(&folder.join("ratios.svg"), &finished);
    println!("{}", folder.join("report.md").display());
}

/// Between these lines of a page stand figures of a report, and nothing that anybody wrote by hand.
const FIRST: &str = "<!-- Made by `make bench`. -->\n";
const LAST: &str = "<!-- So far. -->";

/// Writes what the report says into the page, when every cell was measured.
pub fn publish(page: &Path, folder: &Path, cells: &[Cell], major: &str) {
    let finished: Vec<Finished> = cells.iter().filter_map(|cell| Finished::read(folder, cell)).collect();
    if finished.len() < cells.len() {
        return eprintln!(
            "{} is left as it is: {} cells are not measured",
            page.display(),
            cells.len() - finished.len()
        );
    }
    let text = fs::read_to_string(page).expect("the page");
    let (before, rest) = text.split_once(FIRST).expect("the first line");
    let (_, after) = rest.split_once(LAST).expect("the last line");
    let figures = format!(
        "\nPostgreSQL {major}. Throughput is that of holdfast over the rival's: above 1 is faster. CPU and WAL are those of a call over \
         the rival's: below 1 is less. Each figure is the median, with the least and the most of all rounds in brackets.\n{}{}\n",
        tables(&finished),
        counted(&instructions::read(folder))
    );
    fs::write(page, format!("{before}{FIRST}{figures}{LAST}{after}")).expect("the page");
}

/// One table for each kind of work: who takes part is the same in all of its cells.
fn tables(finished: &[Finished]) -> String {
    let mut text = String::new();
    let mut seen: Vec<&[Rival]> = Vec::new();
    for one in finished {
        let rivals = one.cell.rivals();
        if seen.contains(&rivals) {
            continue;
        }
        seen.push(rivals);
        let others: Vec<&str> =
            rivals.iter().filter(|rival| **rival != Rival::Holdfast).map(|rival| rival.name()).collect();
        let _ = writeln!(
            text,
            "\n| cell | {} | CPU | WAL | p50 | p99 | calls | refused | told | deadlocks | way, µs |\n|---{}|",
            others.iter().map(|name| format!("/ {name}")).collect::<Vec<_>>().join(" | "),
            "|---".repeat(others.len() + 9),
        );
        finished.iter().filter(|other| other.cell.rivals() == rivals).for_each(|one| text.push_str(&line(one)));
    }
    text
}

/// What holdfast came to in a cell; CPU and WAL against the first rival.
fn line(one: &Finished) -> String {
    let Some(ours) = column(one, Rival::Holdfast) else { return String::new() };
    let shown = |spread: Option<Spread>| spread.map_or_else(String::new, Spread::text);
    let calls = |measured: &Measured| measured.calls.max(1) as f64;
    let median = |of: fn(&Measured) -> f64| {
        Spread::of(one.rounds.iter().map(|round| of(&round[ours]))).map_or(0.0, |spread| spread.median)
    };
    let others = (0..one.cell.rivals().len()).filter(|theirs| *theirs != ours);
    let ratios: Vec<String> =
        others.map(|theirs| shown(ratio(one, ours, theirs, |measured| rate(&one.cell, measured)))).collect();
    format!(
        "| {} | {} | {} | {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {} | {:.0} |\n",
        one.cell.name(),
        ratios.join(" | "),
        shown(ratio(one, ours, 0, |measured| measured.cpu_us / calls(measured))),
        shown(ratio(one, ours, 0, |measured| measured.wal_bytes / calls(measured))),
        median(|measured| measured.median_us),
        median(|measured| measured.p99_us),
        median(|measured| measured.calls as f64),
        median(|measured| measured.refused as f64),
        median(|measured| measured.told as f64),
        one.rounds.iter().map(|round| round[ours].deadlocks).sum::<usize>(),
        one.round_trip_us,
    )
}

/// One goal: the cell that is furthest from it decides.
struct Goal {
    what: &'static str,
    of: fn(&Finished) -> Option<f64>,
    bound: Bound,
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    /// Above one is reached.
    fn share(self, value: f64) -> f64 {
        match self {
            Bound::AtLeast(least) => value / least,
            Bound::AtMost(most) => most / value,
        }
    }
}

use Bound::{AtLeast, AtMost};

const GOALS: &[Goal] = &[
    Goal { what: "fresh against floor", of: |one| fresh(one, Rival::Floor, 0), bound: AtLeast(1.0) },
    Goal { what: "CPU of fresh against floor", of: |one| used(one, |measured| measured.cpu_us), bound: AtMost(1.0) },
    Goal {
        what: "WAL of fresh against floor",
        of: |one| used(one, |measured| measured.wal_bytes),
        bound: AtMost(1.05),
    },
    Goal { what: "fresh against best", of: |one| fresh(one, Rival::Best, 0), bound: AtLeast(1.0) },
    Goal { what: "fresh against classic", of: |one| fresh(one, Rival::Classic, 0), bound: AtLeast(3.0) },
    Goal { what: "fresh against app at 0.5 ms", of: |one| fresh(one, Rival::App, 500), bound: AtLeast(8.0) },
    Goal {
        what: "replay against a select in a function",
        of: |one| of(one, Work::Replay, Rival::Wrapped),
        bound: AtLeast(0.65),
    },
    Goal { what: "refusal against a replay", of: |one| of(one, Work::Refusal, Rival::Replay), bound: AtLeast(0.7) },
    Goal {
        what: "spread against a restaurant each",
        of: |one| of(one, Work::Spread, Rival::Disjoint),
        bound: AtLeast(0.9),
    },
    Goal { what: "p99 over p50 of spread", of: tail, bound: AtMost(5.0) },
    Goal { what: "hot against floor, in successes", of: |one| of(one, Work::Hot, Rival::Floor), bound: AtLeast(1.0) },
    Goal { what: "told which table, of the refused of hot", of: told, bound: AtLeast(1.0) },
    Goal {
        what: "batch of 100 against single calls",
        of: |one| of(one, Work::Batch(100), Rival::Single),
        bound: AtLeast(6.0),
    },
    Goal {
        what: "batch of 1000 against single calls",
        of: |one| of(one, Work::Batch(1000), Rival::Single),
        bound: AtLeast(6.0),
    },
    Goal { what: "an application by tables", of: |one| application(one, false), bound: AtLeast(2.5) },
    Goal { what: "an application by hold", of: |one| application(one, true), bound: AtLeast(1.5) },
    Goal {
        what: "10 million bookings against 100 thousand",
        of: |one| of(one, Work::Size, Rival::Small),
        bound: AtLeast(0.9),
    },
    Goal { what: "best against floor", of: best, bound: AtLeast(0.5) },
];

fn of(one: &Finished, work: Work, against: Rival) -> Option<f64> {
    (one.cell.work == work).then(|| throughput(one, against)).flatten().map(|spread| spread.median)
}

fn fresh(one: &Finished, against: Rival, distance: u64) -> Option<f64> {
    (one.cell.distance == distance).then(|| of(one, Work::Fresh, against)).flatten()
}

/// What a call of holdfast uses, against the floor's.
fn used(one: &Finished, what: fn(&Measured) -> f64) -> Option<f64> {
    let (ours, floor) = (column(one, Rival::Holdfast)?, column(one, Rival::Floor)?);
    let each = |measured: &Measured| what(measured) / measured.calls.max(1) as f64;
    (one.cell.work == Work::Fresh).then(|| ratio(one, ours, floor, each)).flatten().map(|spread| spread.median)
}

fn tail(one: &Finished) -> Option<f64> {
    let ours = column(one, Rival::Holdfast).filter(|_| one.cell.work == Work::Spread)?;
    Spread::of(one.rounds.iter().map(|round| round[ours].p99_us / round[ours].median_us)).map(|spread| spread.median)
}

fn told(one: &Finished) -> Option<f64> {
    let ours = column(one, Rival::Holdfast).filter(|_| one.cell.work == Work::Hot)?;
    Spread::of(one.rounds.iter().map(|round| round[ours].told as f64 / round[ours].refused as f64))
        .map(|spread| spread.least)
}

fn application(one: &Finished, by_hold: bool) -> Option<f64> {
    (one.cell.by_hold == by_hold).then(|| of(one, one.cell.work, Rival::Own)).flatten()
}

fn best(one: &Finished) -> Option<f64> {
    let (best, floor) = (column(one, Rival::Best)?, column(one, Rival::Floor)?);
    let at_home = one.cell.work == Work::Fresh && one.cell.distance == 0;
    at_home.then(|| ratio(one, best, floor, |measured| rate(&one.cell, measured))).flatten().map(|spread| spread.median)
}

fn goals(finished: &[Finished]) -> Vec<String> {
    let worst = |goal: &Goal| {
        let all = finished.iter().filter_map(|one| (goal.of)(one).map(|value| (value, one.cell.name())));
        all.min_by(|one, other| goal.bound.share(one.0).total_cmp(&goal.bound.share(other.0)))
    };
    let line = |goal: &Goal| {
        let (value, cell) = worst(goal)?;
        let reached = if goal.bound.share(value) >= 1.0 { "yes" } else { "no" };
        let bound = match goal.bound {
            AtLeast(least) => format!("at least {least}"),
            AtMost(most) => format!("at most {most}"),
        };
        Some(format!("| {}: {bound} | {cell} | {value:.2} | {reached} |\n", goal.what))
    };
    GOALS.iter().filter_map(line).collect()
}

fn counted(counted: &[Counted]) -> String {
    if counted.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\n## Instructions of one call\n\n| call | who | million instructions | of the first |\n|---|---|---|---|\n",
    );
    for one in counted {
        let first = counted.iter().find(|other| other.what == one.what).map_or(1.0, |other| other.instructions);
        let million = one.instructions / 1e6;
        let _ =
            writeln!(text, "| {} | {} | {million:.3} | {:.2} |", one.what, one.rival.name(), one.instructions / first);
    }
    text
}
