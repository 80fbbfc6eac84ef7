//! holdfast: a held table becomes a confirmed booking exactly once.
//!
//! The layers, each above what it may call: `api` (every SQL function), `commands` (the order of steps), `rules` (every
//! decision, pure), `store` (the only one that speaks SPI) and `telemetry` (what a rollback leaves). `errors` raises.

pub mod rules;
pub mod shared_memory;

#[cfg(feature = "pgrx")]
mod api;
#[cfg(feature = "pgrx")]
mod commands;
#[cfg(feature = "pgrx")]
mod errors;
#[cfg(feature = "pg_test")]
mod in_server_tests;
#[cfg(feature = "pgrx")]
mod install;
#[cfg(feature = "pgrx")]
mod settings;
#[cfg(feature = "pgrx")]
mod store;
#[cfg(feature = "pgrx")]
mod telemetry;
#[cfg(feature = "pgrx")]
mod timer;
#[cfg(feature = "pgrx")]
mod transaction_end;
#[cfg(feature = "pgrx")]
mod unguarded;
#[cfg(feature = "pgrx")]
mod worker;
#[cfg(feature = "pgrx")]
mod worker_slots;

#[cfg(feature = "pgrx")]
::pgrx::pg_module_magic!(name, version);

/// What the server calls when it loads the library: in the postmaster when it is preloaded, else in the session
/// that first calls one of our functions.
#[cfg(feature = "pgrx")]
#[pgrx::pg_guard]
pub extern "C-unwind" fn _PG_init() {
    errors::leave_out_backtraces();
    let preloading = shared_memory::is_preloading();
    settings::register(preloading);
    store::hooks::register();
    if preloading {
        worker_slots::register();
        telemetry::register();
        transaction_end::register();
        worker::register();
    }
}

/// What `cargo pgrx test` asks of the crate: the settings of its server.
#[cfg(all(test, feature = "pg_test"))]
pub mod pg_test {
    pub fn setup(_options: Vec<&str>) {}

    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec!["shared_preload_libraries = 'holdfast'", "holdfast.worker = off"]
    }
}
