//! Which tables stand side by side: a walk over the floor, and the snapshot that a hold keeps of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::rules::Id;
use crate::rules::confirm::fingerprint::sha256_hex;
use crate::rules::json::Json;
use crate::rules::refusal::{self, Refusal};

/// Pairs of neighbours without direction: the smaller id first.
pub type Edges = BTreeSet<(Id, Id)>;

#[must_use]
pub fn edge(a: Id, b: Id) -> (Id, Id) {
    if a <= b { (a, b) } else { (b, a) }
}

/// One connected set, walked from its first table; having a neighbour is not enough (F14).
pub fn check_connected(tables: &[Id], edges: &Edges) -> Result<(), Refusal> {
    let Some(first) = tables.first() else { return Ok(()) };
    let mut reached = BTreeSet::from([*first]);
    let mut frontier = vec![*first];
    while let Some(here) = frontier.pop() {
        for table in tables {
            if edges.contains(&edge(here, *table)) && reached.insert(*table) {
                frontier.push(*table);
            }
        }
    }
    match tables.iter().find(|table| !reached.contains(table)) {
        None => Ok(()),
        Some(apart) => Err(refusal::tables_not_adjacent(*apart)),
    }
}

/// Among the given tables only.
#[must_use]
pub fn within(edges: &Edges, tables: &[Id]) -> Edges {
    edges.iter().filter(|(a, b)| tables.contains(a) && tables.contains(b)).copied().collect()
}

/// `selection.snapshot.adjacency` as a hold keeps it.
#[must_use]
pub fn snapshot(edges: &Edges) -> Value {
    let words: Vec<String> = edges.iter().map(|(a, b)| format!("{a}->{b}")).collect();
    let hash = sha256_hex(&json!({"edges": words, "undirected": true}).to_string());
    json!({"undirected": true, "edges": words, "hash": hash})
}

/// The edges of a snapshot; None when it has none that can be read.
#[must_use]
pub fn read_snapshot(snapshot: &Json) -> Option<Edges> {
    snapshot
        .at(&["edges"])?
        .items()?
        .iter()
        .map(|word| {
            let word = word.string()?;
            let (a, b) = word.split_once("->")?;
            Some(edge(a.trim().parse().ok()?, b.trim().parse().ok()?))
        })
        .collect()
}
