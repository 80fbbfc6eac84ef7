//! The named fields of a request: their checksum, and where those of two requests differ.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::rules::Id;
use crate::rules::booking::window::Window;
use crate::rules::json::Json;

/// The fields that make a request the same request, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fingerprint(pub BTreeMap<String, Json>);

/// One field in which two requests under the same key differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub field: String,
    pub first: Json,
    pub this: Json,
}

impl Difference {
    #[must_use]
    pub fn json(&self) -> Json {
        let spelled = |value: &Json| Json::of_text(value.canonical());
        let (first, this) = (spelled(&self.first), spelled(&self.this));
        Json::object([("field", Json::of(&self.field)), ("first", first), ("this", this)])
    }
}

impl Fingerprint {
    /// The checksum of the canonical form: keys sorted, no white space.
    #[must_use]
    pub fn checksum(&self) -> String {
        sha256_hex(self.json().text())
    }

    #[must_use]
    pub fn json(&self) -> Json {
        Json::object(self.0.iter().map(|(name, value)| (name.as_str(), Json::of_text(value.canonical()))))
    }

    /// What a ledger entry keeps of an answered request: not what its own columns say, nor what is null or false.
    #[must_use]
    pub fn stored(&self) -> Json {
        let no = Json::of(&false);
        let columns = ["booking", "tables", "window"];
        let says =
            |(name, value): &(&String, &Json)| !columns.contains(&name.as_str()) && !value.is_null() && **value != no;
        Json::object(self.0.iter().filter(says).map(|(name, value)| (name.as_str(), value.clone())))
    }

    /// The whole of what was stored, with what the entry's columns say.
    #[must_use]
    pub fn completed(mut self, booking: Id, tables: &[Id], window: Option<Window>) -> Fingerprint {
        let columns = [
            ("booking", Json::of(&booking)),
            ("tables", Json::of(&tables)),
            ("window", Json::of(&window)),
            ("require_adjacency", Json::of(&false)),
        ];
        for (name, value) in columns {
            self.0.entry(name.to_owned()).or_insert(value);
        }
        self
    }

    /// The fields in which this request is not the first one.
    #[must_use]
    pub fn differences(&self, first: &Fingerprint) -> Vec<Difference> {
        let absent = Json::default();
        let names: BTreeSet<&String> = first.0.keys().chain(self.0.keys()).collect();
        names
            .into_iter()
            .map(|name| (name, first.0.get(name).unwrap_or(&absent), self.0.get(name).unwrap_or(&absent)))
            .filter(|(_, first, this)| first != this)
            .map(|(name, first, this)| Difference { field: name.clone(), first: first.clone(), this: this.clone() })
            .collect()
    }
}

/// The first 64 bits of the hash: a number that stands for the text.
#[must_use]
pub fn sha256_prefix(text: &str) -> i64 {
    Sha256::digest(text.as_bytes()).iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
}

#[must_use]
pub fn sha256_hex(text: &str) -> String {
    let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' - 10 + half });
    Sha256::digest(text.as_bytes()).iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
