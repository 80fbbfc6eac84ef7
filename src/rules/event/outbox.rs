//! What others are told, and under which key they are told it once.

use serde::Serialize;
use serde_json::json;

use crate::rules::Id;
use crate::rules::attempt::Report;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::booking::{Booking, BookingWindow};
use crate::rules::confirm::resolved_request::{ResolvedRequest, table_set_hash};
use crate::rules::hold::Hold;
use crate::rules::json::Json;

/// An event; its version is known when it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub event_type: &'static str,
    pub dedupe_key: String,
    pub restaurant: Id,
    pub booking: Option<Id>,
    /// The key of the call that it came of.
    pub key: Option<String>,
    pub payload: Json,
}

impl Event {
    /// The payload's text up to its version, which comes last. None: it is no object with fields.
    #[must_use]
    pub fn open_payload(&self) -> Option<String> {
        let open = self.payload.text().strip_suffix('}')?;
        (open.len() > 1).then(|| format!("{open},\"version\":"))
    }

    /// Is the other told of the same booking, by the same call?
    #[must_use]
    pub fn is_beside(&self, other: &Event) -> bool {
        let of = |event: &Event| (event.booking, event.restaurant, event.key.clone());
        of(self) == of(other)
    }
}

/// More tables than these are named by their hash: no index holds the names of seventy.
const NAMED: usize = 8;

/// The tables of a booking after a change.
#[derive(Debug, Clone, Copy)]
pub struct Tables<'a> {
    pub booking: Id,
    pub restaurant: Id,
    pub tables: &'a [Id],
    /// Those that it had before and has no more.
    pub freed: &'a [Id],
    /// None: it is not known, and nothing is left that it could be asked of.
    pub window: Option<Window>,
    pub merge_group: Option<Id>,
    pub status: &'a str,
    pub key: Option<&'a str>,
}

/// What is left of a booking's tables when some of them go, with the window of those that stay, or of those that went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemainingTables {
    tables: Vec<Id>,
    freed: Vec<Id>,
    window: Option<Window>,
    merge_group: Option<Id>,
}

impl RemainingTables {
    #[must_use]
    pub fn of(assignments: &[Assignment], goes: impl Fn(Id) -> bool, own: BookingWindow) -> RemainingTables {
        let (freed, stays): (Vec<&Assignment>, Vec<&Assignment>) = assignments.iter().partition(|row| goes(row.table));
        let ids = |rows: &[&Assignment]| {
            let mut ids: Vec<Id> = rows.iter().map(|row| row.table).collect();
            ids.sort_unstable();
            ids
        };
        let window = stays.iter().chain(&freed).find_map(|row| row.window);
        // A group of one is none.
        let merge_group = stays.first().and_then(|row| row.merge_group).filter(|_| stays.len() > 1);
        RemainingTables {
            tables: ids(&stays),
            freed: ids(&freed),
            window: window.or_else(|| own.window()),
            merge_group,
        }
    }

    /// The same with tables that come back.
    #[must_use]
    pub fn with(mut self, restored: &[Id], window: Option<Window>) -> RemainingTables {
        if !restored.is_empty() {
            self.freed.retain(|table| !restored.contains(table));
            self.tables.extend(restored);
            self.tables.sort_unstable();
            self.window = window.or(self.window);
        }
        self
    }

    #[must_use]
    pub fn tables<'a>(&'a self, booking: &Booking, status: &'a str, key: Option<&'a str>) -> Tables<'a> {
        Tables {
            booking: booking.id,
            restaurant: booking.restaurant,
            tables: &self.tables,
            freed: &self.freed,
            window: self.window,
            merge_group: self.merge_group,
            status,
            key,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TablesPayload<'a> {
    booking_id: Id,
    restaurant_id: Id,
    table_ids: &'a [Id],
    freed_table_ids: &'a [Id],
    start_at: Option<Instant>,
    end_at: Option<Instant>,
    status: &'a str,
    merge_group_id: Option<Id>,
    idempotency_key: Option<&'a str>,
}

/// `booking:startZ:endZ:tables`.
#[must_use]
pub fn tables_changed(now: &Tables) -> Event {
    let (start, end) = now.window.map(|window| (window.start(), window.end())).unzip();
    let tables = if now.tables.len() > NAMED { table_set_hash(now.tables) } else { named(now.tables) };
    let shown = |at: Option<Instant>| at.map_or_else(|| "none".to_owned(), |at| at.to_string());
    Event {
        event_type: "capacity.assignment.sync",
        dedupe_key: format!("{}:{}:{}:{tables}", now.booking, shown(start), shown(end)),
        restaurant: now.restaurant,
        booking: Some(now.booking),
        key: now.key.map(str::to_owned),
        payload: Json::of(&TablesPayload {
            booking_id: now.booking,
            restaurant_id: now.restaurant,
            table_ids: now.tables,
            freed_table_ids: now.freed,
            start_at: start,
            end_at: end,
            status: now.status,
            merge_group_id: now.merge_group,
            idempotency_key: now.key,
        }),
    }
}

fn named(tables: &[Id]) -> String {
    let words: Vec<String> = tables.iter().map(Id::to_string).collect();
    words.join(",")
}

/// What a confirm makes known of the hold that it used.
#[derive(Debug, Clone, Copy)]
pub struct Confirmed<'a> {
    pub booking: Id,
    pub restaurant: Id,
    pub hold: &'a Hold,
    pub zone: Option<Id>,
    pub actor: Option<Id>,
    pub resolved: &'a ResolvedRequest,
    pub key: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HoldPayload<'a> {
    booking_id: Id,
    restaurant_id: Id,
    hold_id: Id,
    table_ids: &'a [Id],
    zone_id: Option<Id>,
    actor_id: Option<Id>,
    start_at: Instant,
    end_at: Instant,
    expires_at: Instant,
    idempotency_key: Option<&'a str>,
    metadata: &'a Json,
}

/// `booking:hold:hold.confirmed`.
#[must_use]
pub fn hold_confirmed(done: &Confirmed) -> Event {
    let (hold, resolved) = (done.hold, done.resolved);
    let no_words = Json::object([]);
    Event {
        event_type: "capacity.hold.confirmed",
        dedupe_key: format!("{}:{}:hold.confirmed", done.booking, hold.id),
        restaurant: done.restaurant,
        booking: Some(done.booking),
        key: done.key.map(str::to_owned),
        payload: Json::of(&HoldPayload {
            booking_id: done.booking,
            restaurant_id: done.restaurant,
            hold_id: hold.id,
            table_ids: &resolved.tables,
            zone_id: done.zone,
            actor_id: done.actor,
            start_at: resolved.window.start(),
            end_at: resolved.window.end(),
            expires_at: hold.expires_at,
            idempotency_key: done.key,
            metadata: if hold.metadata.is_null() { &no_words } else { &hold.metadata },
        }),
    }
}

/// `booking:hold:hold.released`, in the form of the other two.
#[must_use]
pub fn hold_released(booking: Option<Id>, restaurant: Id, hold: Id, actor: Option<Id>) -> Event {
    let owner = booking.map_or_else(|| "none".to_owned(), |id| id.to_string());
    Event {
        event_type: "capacity.hold.released",
        dedupe_key: format!("{owner}:{hold}:hold.released"),
        restaurant,
        booking,
        key: None,
        payload: json!({"bookingId": booking, "restaurantId": restaurant, "holdId": hold, "actorId": actor}).into(),
    }
}

/// An attempt whose deadline passed; `number` is that of its record.
#[must_use]
pub fn attempt_timed_out(
    (booking, restaurant): (Id, Id),
    number: &str,
    hold: Option<Id>,
    attempt: Id,
    report: &Report,
) -> Event {
    Event {
        event_type: "capacity.attempt.timed_out",
        dedupe_key: format!("{booking}:{number}:attempt.timed_out"),
        restaurant,
        booking: Some(booking),
        key: report.key.clone(),
        payload: json!({
            "bookingId": booking, "holdId": hold, "attemptId": attempt, "phase": report.phase.name(),
            "elapsedMs": report.elapsed_ms, "tries": report.tries, "holdReleased": report.hold_released,
        })
        .into(),
    }
}

/// What was taken back of a key, and given back.
#[derive(Debug, Clone, Copy)]
pub struct UndoEvent<'a> {
    pub tables: &'a [Id],
    pub restored: &'a [Id],
    pub status: Option<&'a str>,
}

/// What a key did was taken back, by this transaction; the status is the one afterwards, or null where it stayed.
#[must_use]
pub fn assignment_undone(told: &Tables, undone: &UndoEvent, transaction: u64) -> Event {
    let (booking, restaurant) = (told.booking, told.restaurant);
    Event {
        event_type: "capacity.assignment.undone",
        dedupe_key: format!("{booking}:{transaction}:assignment.undone"),
        restaurant,
        booking: Some(booking),
        key: told.key.map(str::to_owned),
        payload: json!({
            "bookingId": booking, "restaurantId": restaurant, "tableIds": undone.tables,
            "restoredTableIds": undone.restored, "status": undone.status,
        })
        .into(),
    }
}
