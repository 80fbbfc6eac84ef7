//! Why: what the server remembers of a booking and what is written down of it, put in order.

use pgrx::pg_sys;

use super::Store;
use crate::rules::Id;
use crate::rules::refusal;
use crate::rules::refusal::failure::Failure;
use crate::rules::trace::span::Span;
use crate::rules::trace::story::{self, StoryEntry};
use crate::store::rights;
use crate::telemetry;

/// Whoever may call it reads as the owner of the bookings would: ids, keys and states, and nothing that changes.
pub fn why(schema: pg_sys::Oid, booking: Option<Id>, key: Option<&str>) -> Result<Vec<StoryEntry>, Failure> {
    let booking = booking.ok_or_else(|| refusal::booking_not_found(None))?;
    rights::as_owner(schema, || {
        let store = Store::open(schema)?;
        // First what still moves: what ends meanwhile is told twice, and never left out.
        let mut entries = remembered(store.number(), booking, key);
        entries.extend(store.story_read(booking, key)?.into_iter().map(|(kind, fact)| story::of_stored(kind, fact)));
        if entries.is_empty() {
            entries.push(story::nothing(telemetry::spans::counts().is_some()));
        }
        Ok(story::ordered(entries))
    })
}

fn remembered(schema: u32, booking: Id, key: Option<&str>) -> Vec<StoryEntry> {
    let database = telemetry::database();
    let is_of = |span: &Span| {
        (span.database, span.schema, span.booking) == (database, schema, Some(booking))
            && key.is_none_or(|key| span.key.as_deref().is_some_and(|kept| Span::is_kept_of(kept, key)))
    };
    let running = telemetry::in_flight().into_iter().filter(|span| is_of(span)).map(|span| story::in_flight(&span));
    let ended = telemetry::spans::read().into_iter().filter(|recorded| is_of(&recorded.span));
    running.chain(ended.map(|recorded| story::of_span(&recorded.span, recorded.end))).collect()
}
