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
    let _ = writeln!(text, "## Cells\n\n{}", table(&finished));
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

fn table(finished: &[Finished]) -> String {
    let mut text = String::from(
        "| cell | against | throughput | CPU | WAL | p50, µs | p99, µs | refused | deadlocks |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for one in finished {
        let Some(ours) = column(one, Rival::Holdfast) else { continue };
        for (theirs, rival) in one.cell.rivals().iter().enumerate().filter(|(theirs, _)| *theirs != ours) {
            let shown = |spread: Option<Spread>| spread.map_or_else(String::new, Spread::text);
            let calls = |measured: &Measured| measured.calls.max(1) as f64;
            let median = |of: fn(&Measured) -> f64| {
                Spread::of(one.rounds.iter().map(|round| of(&round[ours]))).map_or(0.0, |spread| spread.median)
            };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {:.0} | {:.0} | {} of {} | {} |",
                one.cell.name(),
                rival.name(),
                shown(ratio(one, ours, theirs, |measured| rate(&one.cell, measured))),
                shown(ratio(one, ours, theirs, |measured| measured.cpu_us / calls(measured))),
                shown(ratio(one, ours, theirs, |measured| measured.wal_bytes / calls(measured))),
                median(|measured| measured.median_us),
                median(|measured| measured.p99_us),
                median(|measured| measured.refused as f64),
                median(|measured| measured.calls as f64),
                one.rounds.iter().map(|round| round[ours].deadlocks).sum::<usize>(),
            );
        }
    }
    text
}

/// One goal of the issue: the cell that is furthest from it decides.
struct Goal {
    what: &'static str,
    of: fn(&Finished) -> Option<f64>,
    least: f64,
}

const GOALS: &[Goal] = &[
    Goal { what: "fresh against floor", of: |one| fresh(one, Rival::Floor, 0), least: 1.0 },
    Goal { what: "fresh against best", of: |one| fresh(one, Rival::Best, 0), least: 1.0 },
    Goal { what: "fresh against classic", of: |one| fresh(one, Rival::Classic, 0), least: 3.0 },
    Goal { what: "fresh against app at 0.5 ms", of: |one| fresh(one, Rival::App, 500), least: 8.0 },
    Goal {
        what: "replay against a select in a function",
        of: |one| of(one, Work::Replay, Rival::Wrapped),
        least: 0.65,
    },
    Goal { what: "refusal against a replay", of: |one| of(one, Work::Refusal, Rival::Replay), least: 0.7 },
    Goal { what: "spread against restaurants apart", of: |one| of(one, Work::Spread, Rival::Disjoint), least: 0.9 },
    Goal { what: "hot against floor, in successes", of: |one| of(one, Work::Hot, Rival::Floor), least: 1.0 },
    Goal { what: "best against floor", of: best, least: 0.5 },
];

fn of(one: &Finished, work: Work, against: Rival) -> Option<f64> {
    (one.cell.work == work).then(|| throughput(one, against)).flatten().map(|spread| spread.median)
}

fn fresh(one: &Finished, against: Rival, distance: u64) -> Option<f64> {
    (one.cell.distance == distance).then(|| of(one, Work::Fresh, against)).flatten()
}

fn best(one: &Finished) -> Option<f64> {
    let (best, floor) = (column(one, Rival::Best)?, column(one, Rival::Floor)?);
    let at_home = one.cell.work == Work::Fresh && one.cell.distance == 0;
    at_home.then(|| ratio(one, best, floor, |measured| rate(&one.cell, measured))).flatten().map(|spread| spread.median)
}

fn goals(finished: &[Finished]) -> Vec<String> {
    let worst = |goal: &Goal| {
        let all = finished.iter().filter_map(|one| (goal.of)(one).map(|ratio| (ratio, one.cell.name())));
        all.min_by(|one, other| one.0.total_cmp(&other.0))
    };
    let line = |goal: &Goal| {
        let (ratio, cell) = worst(goal)?;
        let reached = if ratio >= goal.least { "yes" } else { "no" };
        Some(format!("| {}: at least {} | {cell} | {ratio:.2} | {reached} |\n", goal.what, goal.least))
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
