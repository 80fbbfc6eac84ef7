//! What failed on its own, and is left alone for a while.

use super::Store;
use super::columns::columns;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::Failure;

columns!(FailuresRow { failures: Option<i32> });
statement!("quarantine_read", QuarantineRead<'a> { task: &'a str, id: Id } -> FailuresRow);
statement!("quarantine_write", QuarantineWrite<'a> { task: &'a str, id: Id, until: Instant, error: &'a str });

impl Store {
    /// How often it was in quarantine already.
    pub fn quarantine_failures(&self, step: &str, id: Id) -> Result<i32, Failure> {
        let rows = self.run(QuarantineRead { task: step, id }, |row| row.failures())?;
        Ok(rows.into_iter().flatten().next().unwrap_or_default())
    }

    pub fn quarantine_write(&self, step: &str, id: Id, until: Instant, error: &str) -> Result<(), Failure> {
        self.run(QuarantineWrite { task: step, id, until, error }, |_| ())?;
        Ok(())
    }
}
