//! A database with a past: what confirms would have written, written at once.

use crate::Session;

const BOOKS: &str = include_str!("sql/books.sql");

pub struct Books {
    pub bookings: usize,
    pub restaurants: usize,
    /// Of a hundred bookings, how many are still to come.
    pub live: usize,
}

impl Books {
    /// Writes them into an empty reference schema. The planner is told nothing: that is a `vacuum analyze`.
    pub fn write(&self, session: &mut Session) {
        session.run("set statement_timeout = 0");
        session.run(
            &BOOKS
                .replace("{bookings}", &self.bookings.to_string())
                .replace("{restaurants}", &self.restaurants.to_string())
                .replace("{live}", &self.live.to_string()),
        );
    }
}
