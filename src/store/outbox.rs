//! The outbox: events given to consumers, and what they say of them. Ids travel as text: schemas number them or not.

use super::Store;
use super::row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::event::lease::LeaseRequest;
use crate::rules::event::outbox::Event;
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;

statement!(OUTBOX_CLAIM, "outbox_claim", [TEXTOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID]);
statement!(
    OUTBOX_EMIT,
    "outbox_emit",
    [TEXTARRAYOID, TEXTARRAYOID, JSONBARRAYOID, UUIDARRAYOID, UUIDARRAYOID, TEXTARRAYOID, TIMESTAMPTZOID]
);
statement!(OUTBOX_ACK, "outbox_ack", [TEXTARRAYOID, TEXTOID, TIMESTAMPTZOID]);
statement!(OUTBOX_HELD, "outbox_held", [TEXTOID, TEXTOID]);
statement!(OUTBOX_FAIL, "outbox_fail", [TEXTOID, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID]);
statement!(OUTBOX_PRUNE, "outbox_prune", [TIMESTAMPTZOID, INT4OID]);
statement!(OUTBOX_PRUNE_DEAD, "outbox_prune_dead", [TIMESTAMPTZOID, INT4OID]);

statement!(OUTBOX_NOTIFY, "outbox_notify", [TIMESTAMPTZOID]);

/// An event that was given away.
pub struct Claimed {
    pub id: String,
    pub event_type: String,
    pub dedupe_key: Option<String>,
    pub attempt_count: i32,
    pub restaurant: Option<Id>,
    pub booking: Option<Id>,
    pub key: Option<String>,
    pub payload: Option<Json>,
}

impl Store {
    /// Does this schema have an outbox to tell others through?
    pub fn has_outbox(&self) -> bool {
        self.attachment.has("outbox")
    }

    /// Tells others, in order; the rows written.
    pub fn outbox_emit(&self, events: &[Event], now: Instant) -> Result<i64, Failure> {
        let nobody = Id::nil();
        let arguments = [
            row::texts(events.iter().map(|event| event.event_type)),
            row::texts(events.iter().map(|event| event.dedupe_key.as_str())),
            row::jsons(events.iter().map(|event| event.payload.clone()).collect()),
            row::ids(events.iter().map(|event| &event.restaurant)),
            row::ids(events.iter().map(|event| event.booking.as_ref().unwrap_or(&nobody))),
            row::texts(events.iter().map(|event| event.key.as_deref().unwrap_or_default())),
            row::instant(now),
        ];
        Ok(self.run(&OUTBOX_EMIT, &arguments, |_| ())?.len() as i64)
    }

    /// Gives due events to a consumer until a moment.
    pub fn outbox_claim(
        &self,
        claim: &LeaseRequest,
        now: Instant,
        until: Instant,
        attempts: i32,
    ) -> Result<Vec<Claimed>, Failure> {
        let arguments = [
            row::text(&claim.consumer),
            row::number(claim.limit),
            row::instant(now),
            row::instant(until),
            row::number(attempts),
        ];
        self.run(&OUTBOX_CLAIM, &arguments, |row| Claimed {
            id: row.text(1).unwrap_or_default(),
            event_type: row.text(2).unwrap_or_default(),
            dedupe_key: row.text(3),
            attempt_count: row.number(4).unwrap_or_default(),
            restaurant: row.id(5),
            booking: row.id(6),
            key: row.text(7),
            payload: row.json(8),
        })
    }

    /// Marks events as done that are the consumer's, and names them.
    pub fn outbox_ack(&self, ids: &[String], consumer: &str, now: Instant) -> Result<Vec<String>, Failure> {
        let arguments = [row::texts(ids.iter().map(String::as_str)), row::text(consumer), row::instant(now)];
        self.run(&OUTBOX_ACK, &arguments, |row| row.text(1).unwrap_or_default())
    }

    /// How often the event was given away, if it is the consumer's; locks it.
    pub fn outbox_held(&self, id: &str, consumer: &str) -> Result<Option<i32>, Failure> {
        let found = self.run(&OUTBOX_HELD, &[row::text(id), row::text(consumer)], |row| row.number(1))?;
        Ok(found.into_iter().next().flatten())
    }

    /// Puts a locked event back until a moment, or aside.
    pub fn outbox_fail(
        &self,
        id: &str,
        until: Option<Instant>,
        error: Option<&str>,
        now: Instant,
    ) -> Result<Vec<i64>, Failure> {
        let arguments = [row::text(id), row::optional_instant(until), row::optional_text(error), row::instant(now)];
        let counts = self.run(&OUTBOX_FAIL, &arguments, |row| row.numbers(1))?;
        Ok(counts.into_iter().next().unwrap_or_default())
    }

    /// Tells who listens that events are due, if any are.
    pub fn outbox_notify(&self, now: Instant) -> Result<i64, Failure> {
        Ok(self.run(&OUTBOX_NOTIFY, &[row::instant(now)], |_| ())?.len() as i64)
    }

    /// Forgets events that were delivered before the cutoff, at most a batch of them.
    pub fn outbox_prune_dead(&self, cutoff: Instant, batch: i32) -> Result<i64, Failure> {
        Ok(self.run(&OUTBOX_PRUNE_DEAD, &[row::instant(cutoff), row::number(batch)], |_| ())?.len() as i64)
    }

    pub fn outbox_prune(&self, cutoff: Instant, batch: i32) -> Result<i64, Failure> {
        let counts = self.run(&OUTBOX_PRUNE, &[row::instant(cutoff), row::number(batch)], |row| row.numbers(1))?;
        Ok(counts.iter().flatten().sum())
    }
}
