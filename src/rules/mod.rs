//! Every decision, as pure functions: no database, no clock, nothing to wait for. A folder a subject:
//!
//! | folder | what it decides |
//! |---|---|
//! | `booking` | a booking's window and status moves, its tables and their neighbours, capacity |
//! | `confirm` | what was asked (`request`), whether it was answered before (`replay`), whether it may be (`check`), what changes |
//! | `batch` | many confirms in one call: what a caller may list, and whose a failure is |
//! | `hold` | whose a hold is, whether it is live, when it ends, what may be held |
//! | `attempt` | how far a call under a key got; deadlines, orphaned attempts, automatic attempts |
//! | `event` | what services are told, and who works on it |
//! | `reconcile` | what does not agree about a booking (`finding`), and what an audit says |
//! | `repair` | what may be done about a finding |
//! | `schema` | the tables and columns that we ask of an application, and those of ours, as data, and their DDL |
//! | `index` | the keys and indexes that we need, and what a schema lacks of them |
//! | `catalogue` | what was found in a schema, as plain data |
//! | `doctor` | what goes wrong in a schema: from what was found to findings |
//! | `legacy` | the functions that an application had |
//! | `attach` | what attach makes and adds, in which order, and what detach undoes |
//! | `adopt` | names, paths and rehearsal of an application; `migration` prints the script |
//! | `rollout` | who confirms, holdfast or the legacy functions; `shadow` compares the two |
//! | `trace` | what is kept of an attempt that ended, and which trace it belongs to |
//! | `upkeep` | the worker's tasks and when each is due; quarantine, scans, retention |
//! | `statistics` | what is counted and timed of calls, and the file that keeps it over a restart |
//! | `refusal` | every refusal in the words of the contract, every outcome with its code |

pub mod adopt;
pub mod attach;
pub mod attempt;
pub mod batch;
pub mod booking;
pub mod catalogue;
pub mod confirm;
pub mod doctor;
pub mod event;
pub mod hold;
pub mod index;
pub mod json;
pub mod legacy;
pub mod migration;
pub mod reconcile;
pub mod refusal;
pub mod release;
pub mod repair;
pub mod rollout;
pub mod schema;
pub mod statistics;
pub mod trace;
pub mod upkeep;

pub use uuid::Uuid as Id;
