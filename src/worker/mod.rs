//! The background worker: one launcher, and for each database that has work a worker that comes, works and goes.
//!
//! The launcher is connected to no database and reads only which ones there are. A worker stays for two seconds at most
//! and leaves at least half a second until the next (forty times as long as it stayed, up to five seconds, whoever calls):
//! whoever wants to drop the database, or to copy it, finds it empty, and calls that need every core keep theirs.
//! What takes longer than a visit may is cancelled, and the next visit begins with what comes after it.
//! The first one after a start of the server begins with what a look at all live bookings will read from the disk.
//! What it does are the steps of `commands::sweep`, each batch in a transaction of its own, with the rights of the owner
//! of the schema's bookings.

mod databases;
mod launcher;
mod round;
mod transaction;

use std::time::Duration;

use pgrx::bgworkers::{BackgroundWorkerBuilder, BgWorkerStartTime};

/// Asks the server for a launcher. Only while it preloads the library, and not before it can write: a standby has none
/// until it is promoted.
pub fn register() {
    BackgroundWorkerBuilder::new("holdfast launcher")
        .set_type("holdfast launcher")
        .set_library("holdfast")
        .set_function("holdfast_launcher")
        .enable_spi_access()
        .set_start_time(BgWorkerStartTime::RecoveryFinished)
        .set_restart_time(Some(Duration::from_secs(5)))
        .load();
}
