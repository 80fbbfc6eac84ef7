//! Every promise against every row, in one statement and so in one snapshot.

use super::Store;
use super::statement::statement;
use crate::rules::booking::window::Instant;
use crate::rules::reconcile::audit::{Check, Findings};
use crate::rules::refusal::failure::Failure;

statement!("audit_read", AuditRead { now: Instant });

impl Store {
    pub fn audit_read(&self, now: Instant) -> Result<Findings, Failure> {
        let mut findings =
            Findings { schema: self.schema().to_owned(), taken_at: now.to_string(), ..Findings::default() };
        self.run(AuditRead { now }, |row| {
            let text = |column| row.text(column).unwrap_or_default();
            let numbers = row.numbers(5);
            let number = |at: usize| numbers.get(at).copied().unwrap_or_default();
            match text(1).as_str() {
                "check" => findings.checks.push(Check {
                    promise: text(2),
                    name: text(3),
                    notice: row.flag(4),
                    examined: number(0),
                    broken: number(1),
                    examples: row.read(6).unwrap_or_default(),
                }),
                "count" => findings.counts.push((text(3), number(0))),
                _ => (findings.snapshot, findings.lsn_at_most) = (text(2), text(3)),
            }
        })?;
        Ok(findings)
    }
}
