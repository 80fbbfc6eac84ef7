//! Statuses that the contract knows, as an application may spell them. What each means for tables is written by
//! sql/attach/booking_statuses.sql, which moves are legal by sql/attach/status_transitions.sql: a new status is a row there and a
//! label here.

/// Labels whose meaning attach knows when it writes the rules of a new schema.
pub const KNOWN_STATUSES: &[&str] = &[
    "pending",
    "pending_allocation",
    "PRIORITY_WAITLIST",
    "confirmed",
    "checked_in",
    "completed",
    "cancelled",
    "no_show",
];

/// The status that a confirm of the contract leads to.
pub const TARGET: &str = "confirmed";

/// A label as the contract spells it, when the two differ in case or in what joins their words.
#[must_use]
pub fn contract_status(label: &str) -> Option<&'static str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    KNOWN_STATUSES.iter().find(|known| plain(known) == plain(label)).copied()
}

/// The status that a confirm leads to when the caller does not say: the contract's, where the rules allow it.
#[must_use]
pub fn target(targets: &[String]) -> Option<&str> {
    let contract = targets.iter().find(|label| *label == TARGET);
    contract.or_else(|| targets.first()).map(String::as_str)
}
