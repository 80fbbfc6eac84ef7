//! Why: what the server remembers of a booking and what is written down of it, put in order.

use pgrx::pg_sys;

use super::Store;
use crate::rules::Id;
use crate::rules::refusal;
use crate::rules::refusal::failure::Failure;
use crate::rules::trace::span::Span;
use crate::rules::trace::story::{self, StoryEntry};
use crate::settings;
use crate::store::rights;
use crate::telemetry;

/// Whoever may call it reads as the owner of the bookings would: ids, keys and states, and nothing that changes. What the
/// server remembers is told also where the tables cannot be read, because somebody has them locked or one is gone.
pub fn why(schema: pg_sys::Oid, booking: Option<Id>, key: Option<&str>) -> Result<Vec<StoryEntry>, Failure> {
    let booking = booking.ok_or_else(|| refusal::booking_not_found(None))?;
    // First what still moves: what ends meanwhile is told twice.
    let mut entries = remembered(schema.to_u32(), booking, key);
    match rights::as_owner(schema, || written_down(schema, booking, key)) {
        Ok(written) => entries.extend(written),
        Err(failure) if entries.is_empty() || failure.is_cancel() => return Err(failure),
        Err(failure) => entries.push(story::unreadable(&failure)),
    }
    if entries.is_empty() {
        entries.push(story::nothing(telemetry::spans::counts().is_some()));
    }
    Ok(story::ordered(entries))
}

/// In a subtransaction, and without waiting for locks.
fn written_down(schema: pg_sys::Oid, booking: Id, key: Option<&str>) -> Result<Vec<StoryEntry>, Failure> {
    let store = Store::open(schema)?;
    let read = || store.in_savepoint(|store| store.story_read(booking, key));
    let written = rights::impatient(read)??;
    Ok(written.into_iter().map(|(kind, fact)| story::of_stored(kind, fact)).collect())
}

fn remembered(schema: u32, booking: Id, key: Option<&str>) -> Vec<StoryEntry> {
    let database = telemetry::database();
    let is_of = |span: &Span| match (key, &span.key) {
        (None, _) => true,
        (Some(key), Some(kept)) => Span::is_kept_of(kept, key),
        // Keys are left out: all of the booking's are told.
        (Some(_), None) => !settings::span_keys(),
    };
    let is_at = |span: &Span| (span.database, span.schema, span.booking) == (database, schema, Some(booking));
    let running = telemetry::in_flight().into_iter().filter(|span| is_at(span) && is_of(span));
    let ended = telemetry::spans::of_booking(schema, booking).into_iter().filter(|recorded| is_of(&recorded.span));
    let running = running.map(|span| story::in_flight(&span));
    running.chain(ended.map(|recorded| story::of_span(&recorded.span, recorded.end))).collect()
}
