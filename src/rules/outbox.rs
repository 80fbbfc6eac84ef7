//! What others are told, and under which key they are told it once.

use serde_json::{Value, json};

use super::Id;
use super::attempt::Report;
use super::request::Request;
use super::window::Window;

#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub event_type: &'static str,
    pub dedupe_key: String,
    pub payload: Value,
}

/// `booking:startZ:endZ:tables`.
#[must_use]
pub fn assignment_sync(booking: Id, restaurant: Id, request: &Request, status: &str) -> Event {
    tables_changed(booking, restaurant, &request.tables, request.window, status)
}

/// The same, of an answer that was given before.
#[must_use]
pub fn tables_changed(booking: Id, restaurant: Id, tables: &[Id], window: Window, status: &str) -> Event {
    let words: Vec<String> = tables.iter().map(Id::to_string).collect();
    let (start, end) = (window.start().to_string(), window.end().to_string());
    Event {
        event_type: "capacity.assignment.sync",
        dedupe_key: format!("{booking}:{start}:{end}:{}", words.join(",")),
        payload: json!({
            "bookingId": booking, "restaurantId": restaurant, "tableIds": tables,
            "startAt": start, "endAt": end, "status": status,
        }),
    }
}

/// `booking:hold:hold.confirmed`.
#[must_use]
pub fn hold_confirmed(booking: Id, restaurant: Id, hold: Id, request: &Request) -> Event {
    let (start, end) = (request.window.start().to_string(), request.window.end().to_string());
    Event {
        event_type: "capacity.hold.confirmed",
        dedupe_key: format!("{booking}:{hold}:hold.confirmed"),
        payload: json!({
            "bookingId": booking, "restaurantId": restaurant, "holdId": hold, "tableIds": request.tables,
            "startAt": start, "endAt": end,
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
        payload: json!({"bookingId": booking, "restaurantId": restaurant, "holdId": hold, "actorId": actor}),
    }
}

/// An attempt whose deadline passed. Its dedupe key is the attempt's number, which is known when it is written.
#[must_use]
pub fn attempt_timed_out(booking: Id, hold: Option<Id>, attempt: Id, report: &Report) -> Event {
    Event {
        event_type: "capacity.attempt.timed_out",
        dedupe_key: String::new(),
        payload: json!({
            "bookingId": booking, "holdId": hold, "attemptId": attempt, "phase": report.phase.name(),
            "elapsedMs": report.elapsed_ms, "tries": report.tries, "holdReleased": report.hold_released,
        }),
    }
}

/// What a key did was taken back; the status is the one afterwards, or null where it stayed.
#[must_use]
pub fn assignment_undone(booking: Id, restaurant: Id, tables: &[Id], restored: &[Id], status: Option<&str>) -> Event {
    Event {
        event_type: "capacity.assignment.undone",
        dedupe_key: String::new(),
        payload: json!({
            "bookingId": booking, "restaurantId": restaurant, "tableIds": tables, "restoredTableIds": restored,
            "status": status,
        }),
    }
}
