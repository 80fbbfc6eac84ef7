//! Functions that the application had: which make room for ours, and what their bodies give away.

pub mod body;
pub mod caller;
pub mod function;
pub mod replacement;
