//! Every decision, as pure functions: no database, no clock, nothing to wait for.
//!
//! `request` says what was asked, `replay` whether it was answered before, `confirm` what would have to change,
//! and each refusal comes from `refusal`, in the words of the contract.

pub mod adjacency;
pub mod allocation;
pub mod attempt;
pub mod audit;
pub mod auto_assign;
pub mod backfill;
pub mod booking;
pub mod capacity;
pub mod check;
pub mod confirm;
pub mod deadline;
pub mod drift;
pub mod failure;
pub mod hold;
pub mod hold_request;
pub mod idempotency_key;
pub mod index;
pub mod json;
pub mod lease;
pub mod migration;
pub mod orphaned;
pub mod outbox;
pub mod outcome;
pub mod path;
pub mod quarantine;
pub mod refusal;
pub mod rehearsal;
pub mod render;
pub mod repair;
pub mod replay;
pub mod request;
pub mod requirement;
pub mod retention;
pub mod rollout;
pub mod scan_bookings;
pub mod shadow;
pub mod snapshot;
pub mod table;
pub mod tally;
pub mod transition;
pub mod undo;
pub mod upkeep;
pub mod window;

pub use uuid::Uuid as Id;
