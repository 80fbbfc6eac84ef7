//! The background worker: one launcher, and for a database in which something is due a worker process that stays while
//! there is work.
//!
//! The launcher is connected to no database. It knows of each attached schema when its next run is due: commits of our calls
//! say so, the last run does, and what others write it sees by the server's own count of rows written; so nobody visits a
//! schema, or a database, in which there is nothing to do. A worker runs what is due, schema by schema, rests forty times as
//! long as that took (up to five seconds, whoever calls), and leaves when nothing is due within five seconds, after a minute
//! at last, and at once when somebody wants to drop the database or to copy it. What takes longer than its time is
//! cancelled, and the next run begins with what waits longest.
//! A run does the tasks of `commands::sweep`, each batch in a transaction of its own, with the rights of the owner of the
//! schema's bookings. The first one after a start of the server begins with what a scan of all live bookings will read.

mod counts;
mod databases;
mod launcher;
mod run;
mod session;
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
