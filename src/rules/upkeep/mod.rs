//! Upkeep: the tasks of the worker, when each is due in a schema, and how long the worker stays and is throttled.
//!
//! A new task is a row in `task`, its instant in `agenda`, and a file in `commands/upkeep/`.

pub mod agenda;
pub mod pace;
pub mod quarantine;
pub mod retention;
pub mod scan_bookings;
pub mod schema_memory;
pub mod task;
pub mod task_status;
