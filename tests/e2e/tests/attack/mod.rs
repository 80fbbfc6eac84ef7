//! Nobody gains a right (G11): what an owner, a role that may create, another tenant or a caller tries to run with more
//! rights than it has.

mod ended;
mod functions;
mod ground;
mod names;
mod printed;
mod restored;
mod rows;
mod server;
mod suite;
mod taken_over;
mod told;
mod traps;
