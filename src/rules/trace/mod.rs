//! What is kept of an attempt for whoever asks why: its span, and the trace that it belongs to.

pub mod attempt_log;
pub mod context;
pub mod id_stream;
pub mod lock_holder;
pub mod span;
mod span_key;
pub mod story;
