//! Every setting, one row each. All begin with `holdfast.`; a wrong name under it is reported by the server.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};

/// Does the background worker run? Read by the launcher and by each worker, so that a reload pauses them.
static WORKER: GucSetting<bool> = GucSetting::<bool>::new(true);

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
}
