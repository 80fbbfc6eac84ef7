//! The task expire_holds: open holds past their deadline are closed.

use super::quarantine::TaskRun;
use crate::commands::{assert_written, release};
use crate::rules::booking::window::Instant;
use crate::rules::hold::HoldEnding;
use crate::rules::refusal::failure::Failure;
use crate::rules::upkeep::quarantine;
use crate::rules::upkeep::task::Task;
use crate::store::Store;
use crate::store::upkeep::Overdue;

/// The deadline is judged by a clock read before the locks: what was over then is over now.
pub fn run(run: &TaskRun, batch: i32) -> Result<i64, Failure> {
    let now = run.store.clock();
    let overdue = run.store.holds_overdue(now, batch)?;
    close(run, &overdue, now)
}

/// All at once; when one of them is refused, by a trigger of the application's, by halves until it stands alone.
fn close(run: &TaskRun, overdue: &[Overdue], now: Instant) -> Result<i64, Failure> {
    match overdue {
        [] => Ok(0),
        [one] => {
            let closed =
                run.in_savepoint(Task::ExpireHolds.name(), one.hold, |store| write_closed(store, overdue, now))?;
            Ok(closed.map_or(0, |()| 1))
        }
        _ => match run.store.in_savepoint(|store| write_closed(store, overdue, now)) {
            Ok(()) => Ok(overdue.len() as i64),
            Err(failure) if quarantine::is_its_own(&failure) => {
                let (one, other) = overdue.split_at(overdue.len() / 2);
                Ok(close(run, one, now)? + close(run, other, now)?)
            }
            Err(failure) => Err(failure),
        },
    }
}

fn write_closed(store: &Store, overdue: &[Overdue], now: Instant) -> Result<(), Failure> {
    let endings: Vec<HoldEnding> = overdue.iter().map(Overdue::ending).collect();
    let mirrors = overdue.iter().map(|due| due.mirrors.len() as i64).sum();
    let written = release::end(store, &endings, None, now)?;
    assert_written("Sweep", &[mirrors], &[written])
}
