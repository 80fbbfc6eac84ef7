//! What is kept of an attempt for whoever asks why: its span, and the trace that it belongs to.

pub mod attempt_log;
pub mod context;
pub mod lock_holder;
pub mod span;
pub mod story;
