//! What attach does about what a doctor finds: what it mends and refuses (`mend`), what it makes (`missing`), what it gives
//! to whom (`rights`), and what it has added (`addition`), for detach to undo.

pub mod addition;
pub mod first_release;
pub mod mend;
pub mod missing;
pub mod rights;
