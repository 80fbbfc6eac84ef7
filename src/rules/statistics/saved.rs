//! The file that keeps the numbers from a clean stop of the server to its next start: a line that names format and version,
//! a checksum, and JSON. Outcomes, counters and functions stand in it by name, so that a release that knows more reads it.

use serde_json::{Map, Value, json};

use super::counter::COUNTERS;
use super::histogram::Histogram;
use super::phase_times::TIMED;
use super::{Counts, Labels};
use crate::rules::attempt::function::{FUNCTIONS, PATHS};
use crate::rules::confirm::fingerprint::sha256_hex;
use crate::rules::refusal::outcome::CATALOGUE;

const FORMAT: &str = "holdfast statistics 1";

/// What a prepared transaction's attempts of one label set and outcome come to when it commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Promised {
    /// Among the label sets.
    pub label_set: usize,
    pub outcome: usize,
    pub number: u64,
    pub in_time: u64,
    pub late: u64,
}

/// All that is kept. Nothing is in flight then.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Saved {
    pub epoch: i64,
    pub label_sets: Vec<(Labels, Counts)>,
    /// By the number of the transaction.
    pub prepared: Vec<(u64, Promised)>,
}

impl Saved {
    #[must_use]
    pub fn to_text(&self) -> String {
        let label_sets: Vec<Value> = self.label_sets.iter().map(of_label_set).collect();
        let prepared: Vec<Value> = self
            .prepared
            .iter()
            .map(|(transaction, promised)| {
                json!([
                    transaction,
                    promised.label_set,
                    CATALOGUE[promised.outcome].name,
                    promised.number,
                    promised.in_time,
                    promised.late
                ])
            })
            .collect();
        let body = json!({"epoch": self.epoch, "label_sets": label_sets, "prepared": prepared}).to_string();
        format!("{FORMAT}\n{}\n{body}\n", sha256_hex(&body))
    }

    /// Err: why nothing of it is used.
    pub fn of_text(text: &str) -> Result<Saved, &'static str> {
        let mut lines = text.splitn(3, '\n');
        if lines.next() != Some(FORMAT) {
            return Err("another release wrote it");
        }
        let (checksum, body) = lines.next().zip(lines.next()).ok_or("it is cut off")?;
        let body = body.trim_end_matches('\n');
        if checksum != sha256_hex(body) {
            return Err("its checksum is wrong");
        }
        let value: Value = serde_json::from_str(body).map_err(|_| "it is no JSON")?;
        read(&value).ok_or("it names what this release does not know")
    }
}

fn of_label_set((labels, counts): &(Labels, Counts)) -> Value {
    let named = |numbers: &mut dyn Iterator<Item = (&'static str, u64)>| -> Map<String, Value> {
        numbers.filter(|(_, number)| *number > 0).map(|(name, number)| (name.to_owned(), number.into())).collect()
    };
    let times: Map<String, Value> = TIMED
        .iter()
        .zip(&counts.times)
        .filter(|(_, times)| times.count() > 0)
        .map(|(phase, times)| (phase.name().to_owned(), json!([times.total_us, times.buckets.to_vec()])))
        .collect();
    json!({
        "database": labels.database, "schema": labels.schema, "schema_name": labels.schema_name,
        "function": labels.function.name(), "path": labels.path.name(),
        "started": counts.started, "prepared": counts.prepared,
        "counters": named(&mut COUNTERS.iter().map(|entry| entry.name).zip(counts.counters)),
        "outcomes": named(&mut CATALOGUE.iter().map(|entry| entry.name).zip(counts.outcomes)),
        "times": times,
    })
}

fn read(value: &Value) -> Option<Saved> {
    let label_sets: Vec<(Labels, Counts)> =
        value["label_sets"].as_array()?.iter().map(label_set).collect::<Option<_>>()?;
    let promised = |row: &Value| {
        let outcome = row[2].as_str()?;
        let promised = Promised {
            label_set: usize::try_from(row[1].as_u64()?).ok().filter(|at| *at < label_sets.len())?,
            outcome: CATALOGUE.iter().position(|entry| entry.name == outcome)?,
            number: row[3].as_u64()?,
            in_time: row[4].as_u64()?,
            late: row[5].as_u64()?,
        };
        Some((row[0].as_u64()?, promised))
    };
    let prepared = value["prepared"].as_array()?.iter().map(promised).collect::<Option<_>>()?;
    Some(Saved { epoch: value["epoch"].as_i64()?, label_sets, prepared })
}

fn label_set(value: &Value) -> Option<(Labels, Counts)> {
    let (function, path) = (value["function"].as_str()?, value["path"].as_str()?);
    let number = |name: &str| u32::try_from(value[name].as_u64()?).ok();
    let labels = Labels {
        database: number("database")?,
        schema: number("schema")?,
        schema_name: value["schema_name"].as_str()?.to_owned(),
        function: FUNCTIONS.iter().copied().find(|known| known.name() == function)?,
        path: PATHS.iter().copied().find(|known| known.name() == path)?,
    };
    let mut counts =
        Counts { started: value["started"].as_u64()?, prepared: value["prepared"].as_u64()?, ..Counts::default() };
    for (name, number) in value["counters"].as_object()? {
        counts.counters[COUNTERS.iter().position(|entry| entry.name == name)?] = number.as_u64()?;
    }
    for (name, number) in value["outcomes"].as_object()? {
        counts.outcomes[CATALOGUE.iter().position(|entry| entry.name == name)?] = number.as_u64()?;
    }
    for (name, times) in value["times"].as_object()? {
        let buckets: Vec<u64> = times[1].as_array()?.iter().map(Value::as_u64).collect::<Option<_>>()?;
        counts.times[TIMED.iter().position(|phase| phase.name() == name)?] =
            Histogram { total_us: times[0].as_u64()?, buckets: buckets.try_into().ok()? };
    }
    (counts.started == counts.ended() + counts.prepared).then_some((labels, counts))
}
