//! The tasks of the worker.

mod orphaned;
mod quarantine;
mod scan_bookings;
mod tasks;
