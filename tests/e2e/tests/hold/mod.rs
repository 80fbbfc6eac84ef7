//! Holds: taken, kept, and ended as the application ends them.

mod ended;
mod own;
