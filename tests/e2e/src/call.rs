//! Calls by named arguments, as applications make them.

use chrono::{DateTime, NaiveTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::SCHEMA;

/// A value that can be written into a statement.
pub trait Literal {
    fn literal(&self) -> String;
}

/// An expression as it stands.
pub struct Sql<'a>(pub &'a str);

impl Literal for Sql<'_> {
    fn literal(&self) -> String {
        self.0.to_owned()
    }
}

/// Untyped, so that it serves for text, enums, instants and JSON alike.
impl Literal for str {
    fn literal(&self) -> String {
        format!("'{}'", self.replace('\'', "''"))
    }
}

impl Literal for String {
    fn literal(&self) -> String {
        self.as_str().literal()
    }
}

impl Literal for Uuid {
    fn literal(&self) -> String {
        format!("'{self}'::uuid")
    }
}

impl Literal for bool {
    fn literal(&self) -> String {
        self.to_string()
    }
}

impl Literal for i32 {
    fn literal(&self) -> String {
        self.to_string()
    }
}

impl Literal for DateTime<Utc> {
    fn literal(&self) -> String {
        format!("'{}'::timestamptz", self.to_rfc3339())
    }
}

impl Literal for Value {
    fn literal(&self) -> String {
        format!("{}::jsonb", self.to_string().literal())
    }
}

impl<T: Literal> Literal for Option<T> {
    fn literal(&self) -> String {
        self.as_ref().map_or_else(|| "null".to_owned(), Literal::literal)
    }
}

/// Arrays are of table ids.
impl<T: Literal> Literal for [T] {
    fn literal(&self) -> String {
        let items: Vec<String> = self.iter().map(Literal::literal).collect();
        format!("array[{}]::uuid[]", items.join(", "))
    }
}

impl<T: Literal> Literal for Vec<T> {
    fn literal(&self) -> String {
        self.as_slice().literal()
    }
}

impl<T: Literal + ?Sized> Literal for &T {
    fn literal(&self) -> String {
        (*self).literal()
    }
}

/// A function and its named arguments.
#[derive(Debug, Clone)]
pub struct Call {
    function: String,
    arguments: Vec<(String, String)>,
}

impl Call {
    /// A wrapper in the application's schema.
    #[must_use]
    pub fn new(function: &str) -> Call {
        Call { function: format!("{SCHEMA}.{function}"), arguments: Vec::new() }
    }

    /// Passes an argument, or passes another value than before.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Literal) -> Call {
        self.arguments.retain(|(given, _)| given != name);
        self.arguments.push((name.to_owned(), value.literal()));
        self
    }

    /// Leaves the argument to its default.
    #[must_use]
    pub fn without(mut self, name: &str) -> Call {
        self.arguments.retain(|(given, _)| given != name);
        self
    }

    /// `schema.function(name => value, …)`.
    #[must_use]
    pub fn sql(&self) -> String {
        let arguments: Vec<String> = self.arguments.iter().map(|(name, value)| format!("{name} => {value}")).collect();
        format!("{}({})", self.function, arguments.join(", "))
    }
}

/// A native function, which returns its outcome as a row.
#[must_use]
pub fn native(function: &str) -> Call {
    let call = Call { function: format!("holdfast.{function}"), arguments: Vec::new() };
    call.with("p_schema", Sql(&format!("'{SCHEMA}'::regnamespace")))
}

/// A confirm by table ids.
#[must_use]
pub fn confirm(booking: Uuid, tables: &[Uuid], key: &str) -> Call {
    Call::new("confirm_hold_assignment_with_transition")
        .with("p_booking_id", booking)
        .with("p_table_ids", tables)
        .with("p_idempotency_key", key)
}

/// A confirm by hold, with the move to `confirmed`.
#[must_use]
pub fn confirm_hold(hold: Uuid, booking: Uuid, key: &str) -> Call {
    Call::new("confirm_hold_assignment_tx")
        .with("p_hold_id", hold)
        .with("p_booking_id", booking)
        .with("p_idempotency_key", key)
        .with("p_target_status", "confirmed")
}

/// The new call: everything comes from the hold.
#[must_use]
pub fn atomic_confirm(booking: Uuid, hold: Uuid, key: &str) -> Call {
    Call::new("atomic_confirm_and_transition")
        .with("p_booking_id", booking)
        .with("p_hold_id", hold)
        .with("p_idempotency_key", key)
}

/// A confirm by hold within so many milliseconds; it returns whatever came of it.
#[must_use]
pub fn within(booking: Uuid, hold: Uuid, key: &str, timeout_ms: i32) -> Call {
    Call::new("atomic_confirm_and_transition_within")
        .with("p_booking_id", booking)
        .with("p_hold_id", hold)
        .with("p_idempotency_key", key)
        .with("p_timeout_ms", timeout_ms)
}

/// Did it happen?
#[must_use]
pub fn confirm_outcome(booking: Uuid, key: &str) -> Call {
    Call::new("confirm_outcome").with("p_booking_id", booking).with("p_idempotency_key", key)
}

/// Gives a key up.
#[must_use]
pub fn fence(booking: Uuid, key: &str) -> Call {
    Call::new("fence_attempt").with("p_booking_id", booking).with("p_idempotency_key", key)
}

/// The move that a service asks for when the guests are there and it believes the booking to be in this status.
#[must_use]
pub fn check_in(booking: Uuid, from: &str) -> Call {
    Call::new("apply_booking_state_transition")
        .with("p_booking_id", booking)
        .with("p_status", "checked_in")
        .with("p_checked_in_at", at("18:00"))
        .with("p_checked_out_at", None::<bool>)
        .with("p_updated_at", at("18:00"))
        .with("p_history_from", from)
        .with("p_history_to", "checked_in")
        .with("p_history_changed_by", None::<Uuid>)
        .with("p_history_changed_at", at("18:00"))
        .with("p_history_reason", "arrived")
}

/// Adds tables, leaves the status.
#[must_use]
pub fn assign(booking: Uuid, tables: &[Uuid], key: &str) -> Call {
    Call::new("assign_tables_atomic_v2")
        .with("p_booking_id", booking)
        .with("p_table_ids", tables)
        .with("p_idempotency_key", key)
}

/// Takes every table away.
#[must_use]
pub fn unassign(booking: Uuid) -> Call {
    Call::new("unassign_tables_atomic").with("p_booking_id", booking)
}

/// An instant of the service evening, the first of May 2027, in UTC.
#[must_use]
pub fn at(time: &str) -> DateTime<Utc> {
    let time: NaiveTime = format!("{time}:00").parse().expect("a time of day like 18:30");
    DateTime::parse_from_rfc3339(&format!("2027-05-01T{time}Z")).expect("a valid instant").to_utc()
}
