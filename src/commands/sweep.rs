//! Looking after the house, a bounded batch of each step: what is locked by others is left, what was found is judged
//! again under lock.

use super::aside::apart;
use crate::rules::aside;
use crate::rules::auto_assign;
use crate::rules::failure::Failure;
use crate::rules::outbox;
use crate::rules::outcome::Outcome;
use crate::rules::retention;
use crate::rules::window::Instant;
use crate::settings;
use crate::store::Store;
use crate::store::sweep::Overdue;
pub use crate::store::sweep::{AttachedSchema, attached_schemas};
use crate::telemetry;

/// One thing that has to be done again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Attempts whose session was ended are written down.
    CutOff,
    /// Automatic attempts that failed for a reason that may have passed are made again, while their hold lives.
    AutoAssign,
    /// Open holds past their deadline are closed.
    Holds,
    /// Who listens is told that events are due.
    Notify,
    /// What was committed is looked at again.
    Verify,
    /// Every live booking is looked at, as the view sees it.
    Live,
    /// Every live booking is looked at, one after the other.
    Pass,
    /// What shadow mode found in calls that raised is written down.
    KeepDisagreements,
    /// Old answers are forgotten.
    Ledger,
    /// Old attempts that came to nothing are forgotten.
    Attempts,
    /// Events that were delivered long ago are forgotten.
    Outbox,
    /// Old disagreements of shadow mode are forgotten.
    PruneDisagreements,
}

/// In the order in which they are done: first what an automatic attempt is made again for, then what takes locks and may
/// wait, then what keeps tables from others.
pub const STEPS: &[Step] = &[
    Step::CutOff,
    Step::AutoAssign,
    Step::Holds,
    Step::Notify,
    Step::Verify,
    Step::Live,
    Step::Pass,
    Step::KeepDisagreements,
    Step::Ledger,
    Step::Attempts,
    Step::Outbox,
    Step::PruneDisagreements,
];

/// What one batch of a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    pub step: Step,
    /// Rows that it closed or forgot.
    pub done: i64,
    /// The batch was full: there may be more.
    pub more: bool,
    /// What kept some of it, or all, from being done.
    pub error: Option<String>,
}

impl Step {
    /// Nobody waits for it: the worker does one batch a visit, so that a backlog of millions takes no core from the calls.
    pub fn is_patient(self) -> bool {
        matches!(self, Step::Ledger | Step::Attempts | Step::Outbox | Step::PruneDisagreements)
    }

    pub fn name(self) -> &'static str {
        match self {
            Step::CutOff => "record_cut_off",
            Step::AutoAssign => "retry_auto_assign",
            Step::Holds => "expire_holds",
            Step::Notify => "notify_outbox",
            Step::Verify => "verify_commits",
            Step::Live => "reconcile_live",
            Step::Pass => "reconcile_all",
            Step::Ledger => "prune_ledger",
            Step::Attempts => "prune_attempts",
            Step::Outbox => "prune_outbox",
            Step::KeepDisagreements => "keep_disagreements",
            Step::PruneDisagreements => "prune_disagreements",
        }
    }
}

/// Every step once, in one transaction. One that fails for a reason of its own does not keep the others.
pub fn sweep(store: &Store, batch: Option<i32>) -> Result<Vec<Swept>, Failure> {
    let batch = retention::batch(batch)?;
    let once = |step: &Step| match store.apart(|store| step_once(store, *step, batch)) {
        Err(failure) if aside::is_its_own(&failure) => {
            Ok(Swept { step: *step, done: 0, more: false, error: Some(aside::words(&failure)) })
        }
        swept => swept,
    };
    STEPS.iter().map(once).collect()
}

/// One batch of one step.
pub fn step_once(store: &Store, step: Step, batch: i32) -> Result<Swept, Failure> {
    let full = |done: i64| (done, done >= i64::from(batch));
    let (done, more) = match step {
        Step::CutOff => (record_cut_off(store)?, false),
        Step::AutoAssign => retry_auto_assign(store)?,
        Step::Holds => full(expire_holds(store, batch)?),
        // One notification says all.
        Step::Notify => (notify(store)?, false),
        Step::Verify => full(super::verify::now_and_then(store, batch)?),
        Step::Live => super::look::live(store, batch)?,
        Step::Pass => super::look::all(store, batch)?,
        Step::Ledger => full(super::idempotency::prune(store, None, Some(batch))?.0.answers),
        Step::Attempts => full(prune_attempts(store, batch)?),
        Step::Outbox => full(prune_outbox(store, batch)?),
        Step::KeepDisagreements => full(super::shadow::keep_waiting(store, batch)?),
        Step::PruneDisagreements => full(super::shadow::prune(store, batch)?),
    };
    let error = store.aside_heard();
    Ok(Swept { step, done, more, error })
}

/// Nobody who asks has to wait for it: until then the note answers.
fn record_cut_off(store: &Store) -> Result<i64, Failure> {
    let taken = telemetry::take_cut_off(store.number());
    for cut_off in &taken {
        store.attempt_record_cut_off(cut_off)?;
    }
    Ok(taken.len() as i64)
}

/// One booking a transaction, so that no locks of several add up. What was skipped leaves no trace and would be found
/// again at once: the next visit looks.
fn retry_auto_assign(store: &Store) -> Result<(i64, bool), Failure> {
    let Some((booking, hold)) = store.auto_assign_due(store.clock())? else { return Ok((0, false)) };
    let timeout_ms = Some(auto_assign::RETRY_TIMEOUT_MS);
    let attempt =
        |store: &Store| super::auto_assign::run(store, Some(booking), Some(hold), timeout_ms, Some("background"));
    let Some(report) = apart(store, Step::AutoAssign.name(), booking, attempt)? else { return Ok((0, true)) };
    let skipped = matches!(report.outcome, Outcome::SkippedConfirmed | Outcome::SkippedInProgress);
    Ok((i64::from(report.outcome == Outcome::Confirmed), !skipped))
}

/// How many schemas were notified: none, or one. Not in the confirm: it would forbid PREPARE TRANSACTION, and make
/// commits wait for one another.
fn notify(store: &Store) -> Result<i64, Failure> {
    if store.has_outbox() { store.outbox_notify(store.clock()) } else { Ok(0) }
}

/// The deadline is judged by a clock read before the locks: what was over then is over now.
fn expire_holds(store: &Store, batch: i32) -> Result<i64, Failure> {
    let now = store.clock();
    let overdue = store.holds_overdue(now, batch)?;
    close(store, &overdue, now)
}

/// All at once; when one of them is refused, by a trigger of the application's, by halves until it stands alone.
fn close(store: &Store, overdue: &[Overdue], now: Instant) -> Result<i64, Failure> {
    match overdue {
        [] => Ok(0),
        [one] => {
            let closed = apart(store, Step::Holds.name(), one.hold, |store| write_closed(store, overdue, now))?;
            Ok(closed.map_or(0, |()| 1))
        }
        _ => match store.apart(|store| write_closed(store, overdue, now)) {
            Ok(()) => Ok(overdue.len() as i64),
            Err(failure) if aside::is_its_own(&failure) => {
                let (one, other) = overdue.split_at(overdue.len() / 2);
                Ok(close(store, one, now)? + close(store, other, now)?)
            }
            Err(failure) => Err(failure),
        },
    }
}

fn write_closed(store: &Store, overdue: &[Overdue], now: Instant) -> Result<(), Failure> {
    let events = overdue.iter().map(|due| outbox::hold_released(due.booking, due.restaurant, due.hold, None));
    let written = store.holds_expire(overdue, events.collect(), now)?;
    let count = |rows: usize| rows as i64;
    let mirrors = overdue.iter().map(|due| due.mirrors.len()).sum();
    // An application may have told others already, under the same key.
    let told = written.get(2).copied().unwrap_or_default();
    super::assert_written("Sweep", &[count(overdue.len()), count(mirrors), told], &written)
}

/// As long as answers: an attempt is part of what a key came to.
fn prune_attempts(store: &Store, batch: i32) -> Result<i64, Failure> {
    let cutoff = retention::cutoff(store.clock(), None, settings::ledger_retention_days())?;
    store.attempts_prune(cutoff, batch)
}

fn prune_outbox(store: &Store, batch: i32) -> Result<i64, Failure> {
    if !store.has_outbox() {
        return Ok(0);
    }
    let cutoff = retention::cutoff(store.clock(), None, settings::outbox_retention_days())?;
    store.outbox_prune(cutoff, batch)
}
