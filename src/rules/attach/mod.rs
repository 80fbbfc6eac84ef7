//! What attach does about what a doctor finds: what it makes (`missing`), in which order, what it gives to whom (`rights`),
//! and what it has added (`addition`), for detach to undo.

pub mod addition;
pub mod first_release;
pub mod missing;
pub mod order;
pub mod rights;
