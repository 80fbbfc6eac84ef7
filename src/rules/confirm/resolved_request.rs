//! A request with the tables and the window that it stands for.

use crate::rules::Id;
use crate::rules::booking::Booking;
use crate::rules::booking::window::Window;
use crate::rules::confirm::fingerprint::{Fingerprint, sha256_hex};
use crate::rules::confirm::request::Request;

/// A request with its tables and window resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedRequest {
    /// Sorted, without duplicates.
    pub tables: Vec<Id>,
    pub window: Window,
    pub fingerprint: Fingerprint,
}

impl ResolvedRequest {
    /// Is the window the booking's own? A caller who passes that very window asks for nothing else.
    #[must_use]
    pub fn is_as_booked(&self, booking: &Booking) -> bool {
        (booking.window.start, booking.window.end) == (Some(self.window.start()), Some(self.window.end()))
    }

    #[must_use]
    pub fn new(request: &Request, tables: Vec<Id>, window: Window) -> ResolvedRequest {
        let fingerprint = Fingerprint::resolved(request, &tables, window);
        ResolvedRequest { tables, window, fingerprint }
    }

    /// The hash of the table set alone.
    #[must_use]
    pub fn table_set_hash(&self) -> String {
        table_set_hash(&self.tables)
    }
}

#[must_use]
pub fn table_set_hash(tables: &[Id]) -> String {
    let ids: Vec<String> = tables.iter().map(Id::to_string).collect();
    sha256_hex(&ids.join(","))
}
