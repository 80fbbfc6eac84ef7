//! An application's schema: what holdfast needs of it, what it lacks, and the way there.

pub mod path;
pub mod rehearsal;
pub mod render;
