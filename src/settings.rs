//! Every setting, one row each. All begin with `holdfast.`; a wrong name under it is reported by the server.

use std::ffi::CString;

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};

use crate::rules::event::lease;
use crate::rules::upkeep::{self, retention, scan_bookings};

/// Does the background worker run? Read by the launcher and by each worker, so that a reload pauses them.
static WORKER: GucSetting<bool> = GucSetting::<bool>::new(true);
/// Not for a session to change: it is a promise to every caller.
static LEDGER_RETENTION_DAYS: GucSetting<i32> = GucSetting::<i32>::new(retention::LEDGER_DAYS);

static WORKER_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(upkeep::INTERVAL_SECONDS);
static MAX_WORKERS: GucSetting<i32> = GucSetting::<i32>::new(upkeep::WORKERS);
static WORKER_EXCLUDED_SCHEMAS: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static OUTBOX_RETENTION_DAYS: GucSetting<i32> = GucSetting::<i32>::new(retention::OUTBOX_DAYS);
static OUTBOX_DEAD_RETENTION_DAYS: GucSetting<i32> = GucSetting::<i32>::new(retention::OUTBOX_DEAD_DAYS);
static OUTBOX_ATTEMPTS: GucSetting<i32> = GucSetting::<i32>::new(lease::ATTEMPTS);

static RECONCILE_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(scan_bookings::INTERVAL_SECONDS);
static FULL_SCAN_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(scan_bookings::FULL_SCAN_MINUTES);

/// How often every live booking is looked at by the view; 0: never.
pub fn reconcile_interval_seconds() -> i32 {
    RECONCILE_INTERVAL.get()
}

/// How often every live booking is looked at by the rules; 0: never.
pub fn full_scan_interval_minutes() -> i32 {
    FULL_SCAN_INTERVAL.get()
}

/// Is the worker to run?
pub fn worker() -> bool {
    WORKER.get()
}

/// How often it is looked for what others wrote.
pub fn worker_interval_seconds() -> i32 {
    WORKER_INTERVAL.get()
}

/// How many worker processes there may be at once.
pub fn max_workers() -> i32 {
    MAX_WORKERS.get()
}

/// The schemas in which the worker does nothing, as they are written.
pub fn worker_excluded_schemas() -> Vec<String> {
    let names = WORKER_EXCLUDED_SCHEMAS.get().map(|names| names.to_string_lossy().into_owned()).unwrap_or_default();
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// How long a delivered event is kept.
pub fn outbox_retention_days() -> i32 {
    OUTBOX_RETENTION_DAYS.get()
}

/// How long an event is kept that nobody could deliver.
pub fn outbox_dead_retention_days() -> i32 {
    OUTBOX_DEAD_RETENTION_DAYS.get()
}

/// How often an event is given away before it is dead.
pub fn outbox_attempts() -> i32 {
    OUTBOX_ATTEMPTS.get()
}

/// How long an answer is kept.
pub fn ledger_retention_days() -> i32 {
    LEDGER_RETENTION_DAYS.get()
}

/// How often a try is repeated inside a deadline.
static RETRY_LIMIT: GucSetting<i32> = GucSetting::<i32>::new(3);

/// How often a deadlock or a lock timeout is tried again inside a deadline.
pub fn retry_limit() -> i32 {
    RETRY_LIMIT.get()
}

/// May holdfast confirm at all?
static ATOMIC_CONFIRM_ENABLED: GucSetting<bool> = GucSetting::<bool>::new(true);

pub fn atomic_confirm_enabled() -> bool {
    ATOMIC_CONFIRM_ENABLED.get()
}

/// Declares the settings to the server, once a process.
pub fn register() {
    register_worker();
    register_scans();
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
    GucRegistry::define_int_guc(
        c"holdfast.outbox_retention_days",
        c"Days that a delivered event is kept, at least.",
        c"The worker deletes older ones.",
        &OUTBOX_RETENTION_DAYS,
        1,
        retention::MAX_DAYS,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"holdfast.outbox_dead_retention_days",
        c"Days that an event is kept that nobody could deliver, at least.",
        c"The worker deletes older ones: somebody should have looked at them by then.",
        &OUTBOX_DEAD_RETENTION_DAYS,
        1,
        retention::MAX_DAYS,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"holdfast.outbox_attempts",
        c"How often an event is given to a consumer before it is dead.",
        c"outbox_claim counts each time, outbox_fail looks at the count.",
        &OUTBOX_ATTEMPTS,
        1,
        1000,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_bool_guc(
        c"holdfast.atomic_confirm_enabled",
        c"Lets holdfast confirm; off sends every call to the functions that the application had before.",
        c"The emergency brake. A schema that keeps no such functions refuses to confirm.",
        &ATOMIC_CONFIRM_ENABLED,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"holdfast.retry_limit",
        c"How often a deadlock or a lock timeout is tried again inside a deadline.",
        c"0 returns it at once. The deadline bounds the tries in any case.",
        &RETRY_LIMIT,
        0,
        100,
        GucContext::Suset,
        GucFlags::default(),
    );
}

/// When and where the background worker runs.
fn register_worker() {
    // A superuser's, so that ALTER DATABASE … SET may say it of one database; what a session says for itself is not read.
    GucRegistry::define_bool_guc(
        c"holdfast.worker",
        c"Runs the background worker, in the server or in one database.",
        c"Off pauses it at the next reload, or ten seconds after ALTER DATABASE. Needs shared_preload_libraries.",
        &WORKER,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"holdfast.worker_excluded_schemas",
        c"Schemas in which the worker does nothing, separated by commas.",
        c"For the server, or for one database by ALTER DATABASE. holdfast.sweep goes on working there.",
        &WORKER_EXCLUDED_SCHEMAS,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"holdfast.max_workers",
        c"How many worker processes there may be at once, over all databases.",
        c"Each takes one of max_worker_processes, which parallel queries need as well.",
        &MAX_WORKERS,
        1,
        64,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"holdfast.worker_interval",
        c"Seconds between two looks of the launcher for what others than holdfast wrote.",
        c"A commit of a call that wrote calls the worker at once.",
        &WORKER_INTERVAL,
        1,
        3600,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
}

/// The looks at every live booking.
fn register_scans() {
    GucRegistry::define_int_guc(
        c"holdfast.reconcile_interval",
        c"Seconds between two looks at all live bookings, at least.",
        c"Each rests forty times as long as it took. 0: none.",
        &RECONCILE_INTERVAL,
        0,
        86_400,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_int_guc(
        c"holdfast.full_scan_interval",
        c"Minutes from the beginning of one pass over all bookings to the next, at least.",
        c"It goes on in small batches, each resting a hundred times as long as it took. 0: none.",
        &FULL_SCAN_INTERVAL,
        0,
        525_600,
        GucContext::Sighup,
        GucFlags::UNIT_MIN,
    );
}
