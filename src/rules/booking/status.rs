//! Statuses that the contract knows, as an application may spell them, and what each means for tables; which moves are legal is
//! written by sql/attach/status_transitions.sql. A new status is a row here and its moves there.

/// A status and what it means for the tables of a booking.
#[derive(Debug, Clone, Copy)]
pub struct KnownStatus {
    pub label: &'static str,
    pub is_confirm_target: bool,
    pub holds_tables: bool,
    pub occupies_tables: bool,
    pub releases_tables: bool,
}

/// Tables are kept for its booking.
const HOLDS: KnownStatus = KnownStatus {
    label: "",
    is_confirm_target: false,
    holds_tables: true,
    occupies_tables: false,
    releases_tables: false,
};
/// Tables that it left behind are free for others.
const RELEASES: KnownStatus = KnownStatus { holds_tables: false, releases_tables: true, ..HOLDS };

/// Statuses whose meaning attach knows when it writes the rules of a new schema.
pub const KNOWN_STATUSES: &[KnownStatus] = &[
    KnownStatus { label: "pending", ..HOLDS },
    KnownStatus { label: "pending_allocation", ..HOLDS },
    KnownStatus { label: "PRIORITY_WAITLIST", ..HOLDS },
    KnownStatus { label: "confirmed", is_confirm_target: true, ..HOLDS },
    KnownStatus { label: "checked_in", occupies_tables: true, ..HOLDS },
    KnownStatus { label: "completed", ..RELEASES },
    KnownStatus { label: "cancelled", ..RELEASES },
    KnownStatus { label: "no_show", releases_tables: false, ..RELEASES },
];

/// As rows of values, in the order of the columns of `holdfast_booking_statuses`.
#[must_use]
pub fn known_rows() -> String {
    let row = |status: &KnownStatus| {
        let KnownStatus { label, is_confirm_target, holds_tables, occupies_tables, releases_tables } = status;
        format!("  ('{label}', {is_confirm_target}, {holds_tables}, {occupies_tables}, {releases_tables})")
    };
    KNOWN_STATUSES.iter().map(row).collect::<Vec<_>>().join(",\n")
}

/// The status that a confirm of the contract leads to.
pub const TARGET: &str = "confirmed";

/// A label as the contract spells it, when the two differ in case or in what joins their words.
#[must_use]
pub fn contract_status(label: &str) -> Option<&'static str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    KNOWN_STATUSES.iter().map(|known| known.label).find(|known| plain(known) == plain(label))
}

/// The status that a confirm leads to when the caller does not say: the contract's, where the rules allow it.
#[must_use]
pub fn target(targets: &[String]) -> Option<&str> {
    let contract = targets.iter().find(|label| *label == TARGET);
    contract.or_else(|| targets.first()).map(String::as_str)
}
