//! Every promise against every row, in one statement and so in one snapshot.

use super::Store;
use super::columns::facts;
use super::row;
use super::statement::statement;
use crate::rules::booking::window::Instant;
use crate::rules::json::Json;
use crate::rules::reconcile::audit::{Check, Findings};
use crate::rules::refusal::failure::Failure;

facts!(AuditFact {
    "check" Check {
        promise: String = promise, name: String = name, notice: bool = notice,
        numbers: Vec<i64> = numbers, examples: Option<Json> = examples,
    }
    "count" Count { name: String = name, numbers: Vec<i64> = numbers }
    "snapshot" Snapshot { snapshot: String = promise, lsn: String = name }
});
statement!("audit_read", AuditRead { now: Instant } -> AuditFact);

impl Store {
    pub fn audit_read(&self, now: Instant) -> Result<Findings, Failure> {
        let mut findings =
            Findings { schema: self.schema().to_owned(), taken_at: now.to_string(), ..Findings::default() };
        let number = |numbers: &[i64], at: usize| numbers.get(at).copied().unwrap_or_default();
        self.run(AuditRead { now }, |row| match row.fact() {
            Some(AuditFact::Check { promise, name, notice, numbers, examples }) => findings.checks.push(Check {
                promise,
                name,
                notice,
                examined: number(&numbers, 0),
                broken: number(&numbers, 1),
                examples: row::parsed(examples).unwrap_or_default(),
            }),
            Some(AuditFact::Count { name, numbers }) => findings.counts.push((name, number(&numbers, 0))),
            Some(AuditFact::Snapshot { snapshot, lsn }) => (findings.snapshot, findings.lsn_at_most) = (snapshot, lsn),
            None => {}
        })?;
        Ok(findings)
    }
}
