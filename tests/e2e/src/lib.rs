//! A real server, asked from outside: what every test of this crate stands on.
//!
//! The server's address comes from `PGHOST`, `PGPORT` and `PGUSER` (a superuser); `HOLDFAST_PG_BIN` are its programs,
//! `HOLDFAST_PGDATA` its data folder, `HOLDFAST_RUNAS` the account it runs under. It needs
//! `shared_preload_libraries = 'pg_stat_statements'`, `pg_stat_statements.track = all`, `max_prepared_transactions` of at
//! least 5 and `max_connections` of at least 60.
//!
//! A [`Floor`] is a database of its own: one restaurant business with the reference schema attached. It is copied from a
//! template that each test program makes once. When the test is over it is dropped, or emptied for the next one.

mod books;
pub mod breaks;
mod call;
pub mod catalogue;
mod cluster;
mod crowd;
mod duel;
mod floor;
pub mod foreign;
pub mod ground;
mod invariants;
mod mixed;
mod outbox;
mod pooler;
mod refusal;
mod reuse;
pub mod script;
mod server;
mod session;
mod site;
mod snapshot;
mod template;
mod waiting;
mod wire;

pub use books::Books;
pub use call::{
    Call, Literal, Sql, assign, at, atomic_confirm, check_in, confirm, confirm_hold, confirm_outcome, fence, native,
    unassign, within,
};
pub use cluster::Cluster;
pub use crowd::{Crowd, Dice};
pub use duel::{Arena, End, Prize, Strategy, Turn};
pub use floor::{Floor, Room};
pub use invariants::assert_invariants;
pub use mixed::{Guests, assert_no_drift};
pub use outbox::lose_events;
pub use pooler::Pooler;
pub use refusal::Refusal;
pub use server::Server;
pub use session::{Seat, Session, seat};
pub use site::{Site, number};
pub use snapshot::{Snapshot, assert_untouched};
pub use template::{GRANTED, STRANGER};
pub use waiting::{Pending, behind, eventually, in_time};
pub use wire::{Cut, Wire};

/// The schema that the reference schema stands in.
pub const SCHEMA: &str = "public";
