//! The outbox: events given to consumers, and what they say of them. Ids travel as text: schemas number them or not.

use super::Store;
use super::columns::{CountRow, CountsRow, Nothing, columns};
use super::parameter::{self, EnumLabel, Ids, Jsons, Texts};
use super::probe::{NotDirect, Reader, probe};
use super::row::EventVersion;
use super::statement::statement;
use super::writer::written;
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::event::lease::LeaseRequest;
use crate::rules::event::outbox::Event;
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;

columns!(ClaimedRow {
    id: String,
    event_type: String,
    dedupe_key: Option<String>,
    attempt_count: i32,
    restaurant_id: Option<Id>,
    booking_id: Option<Id>,
    idempotency_key: Option<String>,
    payload: Option<Json>,
});
statement!(
    "outbox_claim",
    OutboxClaim<'a> {
        consumer: &'a str,
        limit: i32,
        now: Instant,
        until: Instant,
        attempts: i32,
    } -> ClaimedRow
);
statement!(
    "outbox_emit",
    OutboxEmit {
        event_types: Texts,
        dedupe_keys: Texts,
        payloads: Jsons,
        restaurants: Ids,
        bookings: Ids,
        keys: Texts,
        now: Instant,
    }
);
statement!(
    "event_add",
    EventAdd<'a> {
        event_type: &'a str,
        dedupe_key: &'a str,
        open_payload: &'a str,
        restaurant: Id,
        booking: Option<Id>,
        key: Option<&'a str>,
        moment_us: i64,
        now: Instant,
    }
);
statement!(
    "event_pair_add",
    EventPairAdd<'a> {
        event_type: &'a str,
        dedupe_key: &'a str,
        open_payload: &'a str,
        next_type: &'a str,
        next_key: &'a str,
        next_payload: &'a str,
        restaurant: Id,
        booking: Option<Id>,
        key: Option<&'a str>,
        moment_us: i64,
        now: Instant,
    }
);
// The same directly: the versions that others were told of the booking, and whether a key was told before.
columns!(VersionRow { payload: Option<EventVersion> });
probe!(all "capacity_outbox", VersionsOf { booking_id: Id } -> VersionRow);
probe!(all "capacity_outbox", ToldAs<'a> { dedupe_key: &'a str } -> Nothing);
written!(
    insert "capacity_outbox",
    NewEvent<'a> {
        status: EnumLabel<'static>,
        event_type: &'a str,
        dedupe_key: &'a str,
        attempt_count: i32,
        next_attempt_at: Instant,
        restaurant_id: Id,
        booking_id: Option<Id>,
        idempotency_key: Option<&'a str>,
        payload: Json,
    }
);
columns!(EventRow { id: String });
statement!("outbox_ack", OutboxAck<'a> { events: Texts, consumer: &'a str, now: Instant } -> EventRow);
columns!(EventHeldRow { attempt_count: Option<i32> });
statement!("outbox_held", OutboxHeld<'a> { event: &'a str, consumer: &'a str } -> EventHeldRow);
statement!(
    "outbox_fail",
    OutboxFail<'a> {
        event: &'a str,
        until: Option<Instant>,
        error: Option<&'a str>,
        now: Instant,
    } -> CountsRow
);
statement!("outbox_prune", OutboxPrune { cutoff: Instant, batch: i32 } -> CountRow);
statement!("outbox_prune_dead", OutboxPruneDead { cutoff: Instant, batch: i32 });

statement!("outbox_notify", OutboxNotify { now: Instant });

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

    /// Tells others, in order; the rows written. What most calls tell, one event or two of a booking, needs no list.
    pub fn outbox_emit(&self, events: &[Event], now: Instant) -> Result<i64, Failure> {
        let is_one_booking = events.iter().skip(1).all(|event| event.is_beside(&events[0]));
        if is_one_booking && let Some(told) = self.connection.write_directly(|reader| add(reader, events, now))? {
            return Ok(told);
        }
        let told = match events {
            [event] => self.event_add(event, now)?,
            [first, next] if is_one_booking => self.event_pair_add(first, next, now)?,
            _ => 0,
        };
        if told > 0 { Ok(told) } else { self.events_add(events, now) }
    }

    fn event_add(&self, event: &Event, now: Instant) -> Result<i64, Failure> {
        let Some(open_payload) = event.open_payload() else { return Ok(0) };
        self.write(EventAdd {
            event_type: event.event_type,
            dedupe_key: &event.dedupe_key,
            open_payload: &open_payload,
            restaurant: event.restaurant,
            booking: event.booking,
            key: event.key.as_deref(),
            moment_us: now.unix_us(),
            now,
        })
    }

    fn event_pair_add(&self, first: &Event, next: &Event, now: Instant) -> Result<i64, Failure> {
        let Some((open_payload, next_payload)) = first.open_payload().zip(next.open_payload()) else { return Ok(0) };
        self.write(EventPairAdd {
            event_type: first.event_type,
            dedupe_key: &first.dedupe_key,
            open_payload: &open_payload,
            next_type: next.event_type,
            next_key: &next.dedupe_key,
            next_payload: &next_payload,
            restaurant: first.restaurant,
            booking: first.booking,
            key: first.key.as_deref(),
            moment_us: now.unix_us(),
            now,
        })
    }

    /// The same of any number, and of what was told before.
    fn events_add(&self, events: &[Event], now: Instant) -> Result<i64, Failure> {
        let nobody = Id::nil();
        let parameters = OutboxEmit {
            event_types: parameter::texts(events.iter().map(|event| event.event_type)),
            dedupe_keys: parameter::texts(events.iter().map(|event| event.dedupe_key.as_str())),
            payloads: parameter::jsons(events.iter().map(|event| event.payload.clone()).collect()),
            restaurants: parameter::ids(events.iter().map(|event| &event.restaurant)),
            bookings: parameter::ids(events.iter().map(|event| event.booking.as_ref().unwrap_or(&nobody))),
            keys: parameter::texts(events.iter().map(|event| event.key.as_deref().unwrap_or_default())),
            now,
        };
        Ok(self.run(parameters, |_| ())?.len() as i64)
    }

    /// Gives due events to a consumer until a moment.
    pub fn outbox_claim(
        &self,
        claim: &LeaseRequest,
        now: Instant,
        until: Instant,
        attempts: i32,
    ) -> Result<Vec<Claimed>, Failure> {
        self.run(OutboxClaim { consumer: &claim.consumer, limit: claim.limit, now, until, attempts }, |row| Claimed {
            id: row.id(),
            event_type: row.event_type(),
            dedupe_key: row.dedupe_key(),
            attempt_count: row.attempt_count(),
            restaurant: row.restaurant_id(),
            booking: row.booking_id(),
            key: row.idempotency_key(),
            payload: row.payload(),
        })
    }

    /// Marks events as done that are the consumer's, and names them.
    pub fn outbox_ack(&self, ids: &[String], consumer: &str, now: Instant) -> Result<Vec<String>, Failure> {
        self.run(OutboxAck { events: parameter::texts(ids.iter().map(String::as_str)), consumer, now }, |row| row.id())
    }

    /// How often the event was given away, if it is the consumer's; locks it.
    pub fn outbox_held(&self, id: &str, consumer: &str) -> Result<Option<i32>, Failure> {
        let found = self.run(OutboxHeld { event: id, consumer }, |row| row.attempt_count())?;
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
        let counts = self.run(OutboxFail { event: id, until, error, now }, |row| row.counts())?;
        Ok(counts.into_iter().next().unwrap_or_default())
    }

    /// Tells who listens that events are due, if any are.
    pub fn outbox_notify(&self, now: Instant) -> Result<i64, Failure> {
        Ok(self.run(OutboxNotify { now }, |_| ())?.len() as i64)
    }

    /// Forgets events that were delivered before the cutoff, at most a batch of them.
    pub fn outbox_prune_dead(&self, cutoff: Instant, batch: i32) -> Result<i64, Failure> {
        Ok(self.run(OutboxPruneDead { cutoff, batch }, |_| ())?.len() as i64)
    }

    pub fn outbox_prune(&self, cutoff: Instant, batch: i32) -> Result<i64, Failure> {
        let counts = self.run(OutboxPrune { cutoff, batch }, |row| row.count())?;
        Ok(counts.iter().sum())
    }
}

/// Versions beyond are none that count: consumers read them as doubles.
const LAST_VERSION: i64 = 9_007_199_254_740_991;

/// New events of one booking, in order. Those that were told before have another name, which a statement finds.
fn add(reader: &Reader, events: &[Event], now: Instant) -> Result<i64, NotDirect> {
    let Some(booking) = events.first().map(|event| event.booking) else { return Ok(0) };
    let versions = match booking {
        Some(booking_id) => reader.rows(VersionsOf { booking_id }, |row| row.payload().map(|version| version.0))?,
        None => reader.looks_at::<_, VersionsOf>().map(|()| Vec::new())?,
    };
    let told = versions.into_iter().flatten().filter(|version| *version < LAST_VERSION).max();
    let last = told.unwrap_or_default().max(now.unix_us());
    let mut rows = Vec::with_capacity(events.len());
    for (event, place) in events.iter().zip(1..) {
        let is_told = !reader.rows(ToldAs { dedupe_key: &event.dedupe_key }, |_| ())?.is_empty();
        let twice = events.iter().filter(|other| other.dedupe_key == event.dedupe_key).count() > 1;
        let payload = event.open_payload().filter(|_| !is_told && !twice);
        let open = payload.ok_or(NotDirect::Rare)?;
        rows.push(NewEvent {
            status: EnumLabel("pending"),
            event_type: event.event_type,
            dedupe_key: &event.dedupe_key,
            attempt_count: 0,
            next_attempt_at: now,
            restaurant_id: event.restaurant,
            booking_id: event.booking,
            idempotency_key: event.key.as_deref(),
            payload: Json::of_text(format!("{open}{}}}", last + place)),
        });
    }
    reader.insert_all(rows)
}
