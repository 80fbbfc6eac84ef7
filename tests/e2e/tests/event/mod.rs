//! What services are told.

mod emitted;
