//! What services are told.

mod emitted;
mod observed;
