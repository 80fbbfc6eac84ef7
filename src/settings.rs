//! Every setting, one row each. All begin with `holdfast.`; a wrong name under it is reported by the server.

use std::ffi::{CStr, CString};

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};

use crate::rules::event::{lease, observation};
use crate::rules::trace::attempt_log::LoggedAttempts;
use crate::rules::upkeep::{pace, retention, scan_bookings};

/// A row says the kind, the name, what it is where nobody sets it, its limits, who may set it, its unit, and what
/// `pg_settings` tells of it. `settings::name()` reads it.
macro_rules! settings {
    ($($kind:ident $name:ident = $default:expr $(, $least:literal to $most:expr)?, $who:ident $(, $unit:ident)?; $short:literal, $long:literal;)*) => {
        $(
            #[doc = $short]
            pub fn $name() -> kind!($kind read) {
                values::$name.get()
            }
        )*

        #[allow(non_upper_case_globals, reason = "each is called as its setting")]
        mod values {
            use super::*;
            $(pub static $name: GucSetting<kind!($kind read)> = GucSetting::<kind!($kind read)>::new($default);)*
        }

        /// Declares the settings to the server, once a process. What only its start sets is declared by the postmaster alone:
        /// later the server refuses it, and without preloading it says nothing.
        pub fn register(preloading: bool) {
            $(if preloading || !who!($who is_of_the_start) {
                let define = kind!($kind define);
                define(
                c_str(concat!("holdfast.", stringify!($name), "\0")),
                c_str(concat!($short, "\0")),
                c_str(concat!($long, "\0")),
                &values::$name,
                $($least, $most,)?
                GucContext::$who,
                GucFlags::default() $(| GucFlags::$unit)?,
                );
            })*
        }
    };
}

macro_rules! kind {
    (bool read) => { bool };
    (bool define) => { GucRegistry::define_bool_guc };
    (int read) => { i32 };
    (int define) => { GucRegistry::define_int_guc };
    (attempts read) => { AttemptsWord };
    (attempts define) => { GucRegistry::define_enum_guc };
    (access read) => { AccessPath };
    (access define) => { GucRegistry::define_enum_guc };
    (text read) => { Option<CString> };
    (text define) => { GucRegistry::define_string_guc };
}

macro_rules! who {
    (Postmaster is_of_the_start) => {
        true
    };
    ($who:ident is_of_the_start) => {
        false
    };
}

// What only the configuration file sets (Sighup) is a promise to every caller, or the server's own affair. What a superuser
// sets (Suset) may be said of one database or role.
settings! {
    bool atomic_confirm_enabled = true, Suset;
        "Lets holdfast confirm; off sends every call to the functions that the application had before.",
        "The emergency brake. A schema that keeps no such functions refuses to confirm.";
    int retry_limit = 3, 0 to 100, Suset;
        "How often a deadlock or a lock timeout is tried again inside a deadline.",
        "0 returns it at once. The deadline bounds the tries in any case.";

    access access_path = AccessPath::Auto, Suset;
        "How rows are found, locked and written: auto, direct or sql.",
        "auto: without a statement, by an index and by the executor, where that does what the statement does. sql: always by statements. direct, for tests, refuses instead of running a statement.";

    int ledger_retention_days = retention::LEDGER_DAYS, 1 to retention::MAX_DAYS, Sighup;
        "Days that the answer to a key is kept, at least.",
        "prune_idempotency and the worker forget older answers; a fence is never forgotten.";
    int outbox_retention_days = retention::OUTBOX_DAYS, 1 to retention::MAX_DAYS, Sighup;
        "Days that a delivered event is kept, at least.",
        "The worker deletes older ones.";
    int outbox_dead_retention_days = retention::OUTBOX_DEAD_DAYS, 1 to retention::MAX_DAYS, Sighup;
        "Days that an event is kept that nobody could deliver, at least.",
        "The worker deletes older ones: somebody should have looked at them by then.";
    text observability_events = Some(observation::WRITTEN), Suset;
        "Types of events that are written into the application's observability_events, separated by commas.",
        "A type, a group like transaction.* or auto_assign.*, or * for all. A row costs its caller a write; what rolled back, the worker's.";
    int outbox_attempts = lease::ATTEMPTS, 1 to 1000, Sighup;
        "How often an event is given to a consumer before it is dead.",
        "outbox_claim counts each time, outbox_fail looks at the count.";

    int spans = 4096, 0 to 1_000_000, Postmaster;
        "How many of the last attempts are kept for holdfast.spans.",
        "About 1.3 kB of shared memory each, with shared_preload_libraries. 0: none.";
    bool span_keys = true, Sighup;
        "Keeps idempotency keys in holdfast.spans and holdfast.in_flight.",
        "Off leaves them out, also where a message repeats them.";
    attempts log_attempts = AttemptsWord::Failed, Suset;
        "Which attempts are written to the server's log, one JSON object each: off, failed or refused.",
        "failed: outcomes with an HTTP status of 500 or more, as timeouts and errors. refused: the others without success too.";
    int log_attempts_per_second = 10, 1 to 10_000, Sighup;
        "How many attempts are written to the server's log in a second, at most, over all sessions.",
        "How many were held back since is said in the next line, as suppressed.";
    text traceparent = None, Userset;
        "The W3C trace context of the caller, of which the next attempts are children.",
        "Where the history metadata has a traceparent, that one counts. An invalid one begins a new trace.";

    bool worker = true, Suset;
        "Runs the background worker, in the server or in one database.",
        "Off pauses it at the next reload, or ten seconds after ALTER DATABASE. Needs shared_preload_libraries.";
    text worker_excluded_schemas = None, Suset;
        "Schemas in which the worker does nothing, separated by commas.",
        "For the server, or for one database by ALTER DATABASE. holdfast.sweep goes on working there.";
    int max_workers = pace::WORKERS, 1 to 64, Sighup;
        "How many worker processes there may be at once, over all databases.",
        "Each takes one of max_worker_processes, which parallel queries need as well.";
    int worker_interval = pace::INTERVAL_SECONDS, 1 to 3600, Sighup, UNIT_S;
        "Seconds between two looks of the launcher for what others than holdfast wrote.",
        "A commit of a call that wrote calls the worker at once.";

    int reconcile_interval = scan_bookings::INTERVAL_SECONDS, 0 to 86_400, Sighup, UNIT_S;
        "Seconds between two looks at all live bookings, at least.",
        "Each rests forty times as long as it took. 0: none.";
    int full_scan_interval = scan_bookings::FULL_SCAN_MINUTES, 0 to 525_600, Sighup, UNIT_MIN;
        "Minutes from the beginning of one pass over all bookings to the next, at least.",
        "It goes on in small batches, each resting a hundred times as long as it took. 0: none.";

    int label_sets = 1024, 0 to 65_536, Postmaster;
        "Schemas, functions and paths that are counted for themselves; each takes 2 kB of shared memory.",
        "What comes when the table is full is counted by function and path alone. Read when the server starts.";
    text path = None, Userset;
        "On whose behalf the session calls: inline (the request that made the booking), background or manual.",
        "A label of holdfast.stat_confirm; anything else is manual. run_auto_assign says it itself.";
}

/// The words of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PostgresGucEnum)]
pub enum AttemptsWord {
    #[name = c"off"]
    Off,
    #[name = c"failed"]
    Failed,
    #[name = c"refused"]
    Refused,
}

/// How rows are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PostgresGucEnum)]
pub enum AccessPath {
    #[name = c"auto"]
    Auto,
    #[name = c"direct"]
    Direct,
    #[name = c"sql"]
    Sql,
}

/// Which attempts are written to the log.
pub fn logged_attempts() -> LoggedAttempts {
    match log_attempts() {
        AttemptsWord::Off => LoggedAttempts::Off,
        AttemptsWord::Failed => LoggedAttempts::Failed,
        AttemptsWord::Refused => LoggedAttempts::Refused,
    }
}

/// The types of events that are written for the application's services.
pub fn observed() -> String {
    observability_events().map(|types| types.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The schemas in which the worker does nothing, each by its name.
pub fn excluded_schemas() -> Vec<String> {
    let names = worker_excluded_schemas().map(|names| names.to_string_lossy().into_owned()).unwrap_or_default();
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Of a literal that ends with a NUL.
const fn c_str(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a NUL in the middle"),
    }
}
