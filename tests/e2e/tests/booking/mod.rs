//! Bookings: their time, their status, and what other sessions see of a move.

mod first_look;
mod levels;
mod midnight;
mod moves;
mod presence;
mod status_moves;
mod why;
