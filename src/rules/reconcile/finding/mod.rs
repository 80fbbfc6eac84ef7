//! Split-brain: what does not agree about one booking, told from everything that is known of it.
//!
//! `record` is what is known, `catalogue` what can be found, `tables`, `standing`, `holds` and `floor` find it. What may be
//! done about it is for `repair` to say. A booking that holdfast alone has written gives no finding.

pub mod catalogue;
mod floor;
mod holds;
pub mod record;
mod standing;
mod tables;

use serde_json::{Value, json};

use crate::rules::Id;
use catalogue::FindingKind;
use record::BookingRecord;

/// One thing that does not agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub kind: FindingKind,
    /// What was seen, with its values.
    pub detail: String,
    /// The rows concerned: which table, which id.
    pub rows: Vec<(&'static str, String)>,
    /// The row that a repair begins with: an assignment, an allocation, a hold, a group or a table.
    pub subject: Option<Id>,
    /// The key of the answer concerned.
    pub key: Option<String>,
}

impl Finding {
    fn new(kind: FindingKind, detail: impl Into<String>) -> Finding {
        Finding { kind, detail: detail.into(), rows: Vec::new(), subject: None, key: None }
    }

    fn row(mut self, table: &'static str, id: impl ToString) -> Finding {
        self.rows.push((table, id.to_string()));
        self
    }

    fn about(mut self, subject: Id) -> Finding {
        self.subject = Some(subject);
        self
    }

    fn under(mut self, key: &str) -> Finding {
        self.key = Some(key.to_owned());
        self
    }

    /// As `reconcile_booking` shows it.
    #[must_use]
    pub fn json(&self, repair: &str) -> Value {
        let entry = self.kind.entry();
        let rows: Vec<Value> = self.rows.iter().map(|(table, id)| json!({"table": table, "id": id})).collect();
        json!({
            "code": entry.code, "finding": entry.name, "severity": entry.severity.name(), "promise": entry.promise,
            "sentence": entry.sentence, "detail": self.detail, "rows": rows, "repair": repair,
        })
    }
}

/// Everything that does not agree, in the order of the catalogue.
#[must_use]
pub fn decide(record: &BookingRecord) -> Vec<Finding> {
    let mut findings = tables::decide(record);
    findings.extend(standing::decide(record));
    findings.extend(holds::decide(record));
    findings.extend(floor::decide(record));
    findings.sort_by_key(|finding| finding.kind as usize);
    findings
}
