//! Every setting, one row each. All begin with `holdfast.`; a wrong name under it is reported by the server.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};

use crate::rules::retention;

/// Does the background worker run? Read by the launcher and by each worker, so that a reload pauses them.
static WORKER: GucSetting<bool> = GucSetting::<bool>::new(true);
/// Not for a session to change: it is a promise to every caller.
static LEDGER_RETENTION_DAYS: GucSetting<i32> = GucSetting::<i32>::new(retention::LEDGER_DAYS);

/// How long an answer is kept.
pub fn ledger_retention_days() -> i32 {
    LEDGER_RETENTION_DAYS.get()
}

/// Declares the settings to the server, once a process.
pub fn register() {
    GucRegistry::define_bool_guc(
        c"holdfast.worker",
        c"Runs the background worker that keeps the house clean.",
        c"Off pauses it at the next reload. Needs holdfast in shared_preload_libraries.",
        &WORKER,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"holdfast.ledger_retention_days",
        c"Days that the answer to a key is kept, at least.",
        c"prune_idempotency and the worker forget older answers; a fence is never forgotten.",
        &LEDGER_RETENTION_DAYS,
        1,
        retention::MAX_DAYS,
        GucContext::Sighup,
        GucFlags::default(),
    );
}
