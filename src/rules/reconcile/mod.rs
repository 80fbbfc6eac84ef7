//! Whether what was promised still holds, and what mends it.

pub mod audit;
pub mod finding;
