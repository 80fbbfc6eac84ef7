//! The rules of holdfast, one file a topic: `cargo test -p holdfast-rules-tests confirm::` runs one of them.

mod adjacency;
mod allocation;
mod arguments;
mod booking;
mod capacity;
mod changes;
mod confirm;
mod decision;
mod drift;
mod failure;
mod floor;
mod hold;
mod idempotency_key;
mod index;
mod lease;
mod outbox;
mod outcome;
mod repair;
mod replay;
mod request;
mod requirement;
mod requirement_function;
mod retention;
mod tally;
mod transition;
mod window;
