//! An application's schema: what holdfast needs of it, what it lacks, and the way there.

pub mod index;
pub mod path;
pub mod rehearsal;
pub mod render;
