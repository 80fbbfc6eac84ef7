//! What failed on its own, and is left alone for a while.

use super::Store;
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::failure::Failure;
use crate::rules::window::Instant;

statement!(ASIDE_READ, "aside_read", [TEXTOID, UUIDOID]);
statement!(ASIDE_NOTE, "aside_note", [TEXTOID, UUIDOID, TIMESTAMPTZOID, TEXTOID]);

impl Store {
    /// Keeps the first thing that was said, for whoever asked for the whole batch.
    pub fn aside_say(&self, words: String) {
        let first = self.said.take().unwrap_or(words);
        self.said.set(Some(first));
    }

    /// What was said since the last time.
    pub fn aside_heard(&self) -> Option<String> {
        self.said.take()
    }

    /// How often it was set aside already.
    pub fn aside_failures(&self, step: &str, id: Id) -> Result<i32, Failure> {
        let rows = self.run(&ASIDE_READ, &[row::text(step), row::id(id)], |row| row.number(1))?;
        Ok(rows.into_iter().flatten().next().unwrap_or_default())
    }

    pub fn aside_note(&self, step: &str, id: Id, until: Instant, error: &str) -> Result<(), Failure> {
        self.run(&ASIDE_NOTE, &[row::text(step), row::id(id), row::instant(until), row::text(error)], |_| ())?;
        Ok(())
    }
}
