//! The certificate of an audit: what was looked at, what breaks a promise, and a digest that says it was not edited.

use serde_json::{Value, json};

use crate::rules::confirm::fingerprint::sha256_hex;

/// One question to every row.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub promise: String,
    pub name: String,
    /// Legitimate ways lead to such rows: counted, but no violation.
    pub notice: bool,
    pub examined: i64,
    pub broken: i64,
    /// The first of them.
    pub examples: Value,
}

/// What one snapshot showed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    pub schema: String,
    pub taken_at: String,
    pub snapshot: String,
    /// The log's position after the snapshot was taken.
    pub lsn_at_most: String,
    pub counts: Vec<(String, i64)>,
    pub checks: Vec<Check>,
}

/// The certificate, with the digest of everything else in it: SHA-256 of the JSON without `digest`, keys sorted, no white space.
#[must_use]
pub fn certificate(mut findings: Findings) -> Value {
    findings.checks.sort_by(|a, b| (&a.promise, &a.name).cmp(&(&b.promise, &b.name)));
    let broken = |notice: bool| -> i64 {
        findings.checks.iter().filter(|check| check.notice == notice).map(|check| check.broken).sum()
    };
    let checks: Vec<Value> = findings
        .checks
        .iter()
        .map(|check| {
            json!({
                "promise": check.promise, "check": check.name, "notice": check.notice, "examined": check.examined,
                "broken": check.broken, "examples": check.examples,
            })
        })
        .collect();
    let counts: serde_json::Map<String, Value> =
        findings.counts.iter().map(|(table, rows)| (table.clone(), json!(rows))).collect();
    let mut certificate = json!({
        "schema": findings.schema, "taken_at": findings.taken_at, "snapshot": findings.snapshot,
        "lsn_at_most": findings.lsn_at_most, "counts": counts, "checks": checks,
        "violations": broken(false), "notices": broken(true),
    });
    let digest = sha256_hex(&certificate.to_string());
    certificate["digest"] = json!(digest);
    certificate
}
