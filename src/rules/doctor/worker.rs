//! The worker, as it is known in this database.

use crate::rules::doctor::finding::{DoctorFinding, State};

/// What a server with the library preloaded says of one schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// There are more databases than the worker has room for, and this one is not among those that it knows.
    pub no_place: bool,
    /// Attached schemas of this database that have no slot.
    pub unplaced: u32,
    /// Why nobody works in the database.
    pub paused: Option<&'static str>,
    /// The worker leaves this schema alone.
    pub skipped: bool,
    /// Runs of this schema in a row that failed.
    pub failures: u32,
}

/// Runs in a row that must have failed: one may have met a deadlock, or a schema that was just attached or detached.
const FAILURES_TOLD: u32 = 2;

/// What is amiss; nothing is said of a worker that does what it should.
#[must_use]
pub fn findings(upkeep: &Upkeep) -> Vec<DoctorFinding> {
    let risky = |why: String| DoctorFinding::new("worker", State::Risky, "G7", why);
    let mut found = Vec::new();
    if upkeep.no_place {
        found.push(risky(
            "there are more databases than the worker has room for, and none is left for this one: let pg_cron call holdfast.sweep".to_owned(),
        ));
    }
    if upkeep.unplaced > 0 {
        found.push(risky(format!(
            "{} attached schemas of this database are more than the worker has room for: it looks at them once a minute only",
            upkeep.unplaced
        )));
    }
    if let Some(why) = upkeep.paused {
        found.push(risky(format!(
            "the worker does nothing in this database ({why}): holds past their deadline stay open; for the server or this database somebody set holdfast.worker or default_transaction_read_only"
        )));
    }
    if upkeep.skipped {
        found.push(risky(
            "the worker does nothing in this schema: holdfast.worker_excluded_schemas names it, or a subscription fills its tables".to_owned(),
        ));
    }
    if upkeep.failures >= FAILURES_TOLD {
        found.push(risky(format!(
            "{} runs of the worker in a row failed in this schema: holdfast.stat_worker has the SQLSTATE, the server's log the text",
            upkeep.failures
        )));
    }
    found
}
