//! README and docs: their blocks run, their generated pages are what the server says.

mod first_steps;
pub mod generated;
mod generated_events;
mod pages;
