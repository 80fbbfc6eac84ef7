//! An application's schema: attached, checked, migrated, rehearsed, and given back.

mod application_path;
pub mod attach;
mod backfill;
mod columns;
mod foreign;
mod legacy;
mod migration;
pub mod names;
mod page;
mod refused;
mod rehearsal;
mod rights;
mod schemas;
mod strangers;
mod swap;
mod upgrade;
mod whole_way;
