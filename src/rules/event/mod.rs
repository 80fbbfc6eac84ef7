//! What services are told: events in the outbox, and who works on them.

pub mod lease;
pub mod observation;
pub mod outbox;
