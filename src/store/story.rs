//! What is written down of a booking, for whoever asks why.

use super::Store;
use super::columns::facts;
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;
use crate::rules::trace::story::{StoredFact, StoredKind};

facts!(StoryFact {
    "attempt" Attempt {
        at: Option<Instant> = at, key: Option<String> = key, label: String = label, label2: Option<String> = label2,
        id: Option<Id> = id, detail: Option<Json> = detail,
    }
    "answer" Answer {
        at: Option<Instant> = at, key: Option<String> = key, label: String = label, id: Option<Id> = id,
        detail: Option<Json> = detail,
    }
    "move" Move { at: Option<Instant> = at, to: String = label, from: Option<String> = label2, by: Option<Id> = id }
    "hold" Hold { at: Option<Instant> = at, status: String = label, id: Option<Id> = id, detail: Option<Json> = detail }
    "ended_hold" EndedHold {
        at: Option<Instant> = at, key: Option<String> = key, ended: String = label, id: Option<Id> = id,
        detail: Option<Json> = detail,
    }
    "event" Event {
        at: Option<Instant> = at, key: Option<String> = key, event: String = label, status: Option<String> = label2,
        detail: Option<Json> = detail,
    }
});
statement!("story_read", StoryRead<'a> { booking: Id, key: Option<&'a str> } -> StoryFact);

impl Store {
    /// What is written down of a booking, or of one of its keys, in no order. Takes no lock.
    pub fn story_read(&self, booking: Id, key: Option<&str>) -> Result<Vec<(StoredKind, StoredFact)>, Failure> {
        let rows = self.run(StoryRead { booking, key }, |row| row.fact())?;
        Ok(rows.into_iter().flatten().map(stored).collect())
    }
}

fn stored(fact: StoryFact) -> (StoredKind, StoredFact) {
    let of = |at, key, id, label, label2, detail| StoredFact {
        at,
        key,
        id,
        label,
        label2,
        detail: row::parsed(detail).unwrap_or_default(),
    };
    match fact {
        StoryFact::Attempt { at, key, label, label2, id, detail } => {
            (StoredKind::Attempt, of(at, key, id, label, label2, detail))
        }
        StoryFact::Answer { at, key, label, id, detail } => (StoredKind::Answer, of(at, key, id, label, None, detail)),
        StoryFact::Move { at, to, from, by } => (StoredKind::Move, of(at, None, by, to, from, None)),
        StoryFact::Hold { at, status, id, detail } => (StoredKind::Hold, of(at, None, id, status, None, detail)),
        StoryFact::EndedHold { at, key, ended, id, detail } => {
            (StoredKind::EndedHold, of(at, key, id, ended, None, detail))
        }
        StoryFact::Event { at, key, event, status, detail } => {
            (StoredKind::Event, of(at, key, None, event, status, detail))
        }
    }
}
