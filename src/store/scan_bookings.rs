//! The task scan_bookings: every live booking is scanned again, by the view, and one after the other.

use super::Store;
use super::columns::{BookingIdRow, columns};
use super::parameter::{self, Texts};
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::Failure;

statement!("scan_bookings_init", ScanBookingsInit {});
statement!("scan_bookings_due", ScanBookingsDue { now: Instant });
statement!("scan_bookings_read", ScanBookingsRead { now: Instant, batch: i32 } -> BookingIdRow);
statement!("scan_bookings_done", ScanBookingsDone { next: Instant });
columns!(NextRow { id: Option<Id>, live: bool });
statement!("full_scan_next", FullScanNext { now: Instant, batch: i32, cutoff: Instant } -> NextRow);
statement!("full_scan_done", FullScanDone { next: Instant });
columns!(FindingRow { finding: Option<String> });
statement!("finding_note", FindingNote { booking: Id, findings: Texts } -> FindingRow);

impl Store {
    /// Does this schema remember what it was told of, and how far the scans have come?
    pub fn scans_bookings(&self) -> bool {
        !self.attachment.lacks("holdfast_booking_scans")
    }

    /// Is it time for a scan? Then it is ours until the transaction ends.
    pub fn scan_bookings_due(&self, now: Instant) -> Result<bool, Failure> {
        self.run(ScanBookingsInit {}, |_| ())?;
        Ok(!self.run(ScanBookingsDue { now }, |_| ())?.is_empty())
    }

    /// Bookings that the view lists and that something is to be done about.
    pub fn scan_bookings_read(&self, now: Instant, batch: i32) -> Result<Vec<Id>, Failure> {
        let rows = self.run(ScanBookingsRead { now, batch }, |row| row.booking_id())?;
        Ok(rows.into_iter().flatten().collect())
    }

    pub fn scan_bookings_done(&self, next: Instant) -> Result<(), Failure> {
        self.run(ScanBookingsDone { next }, |_| ())?;
        Ok(())
    }

    /// The next bookings of the full scan, each with whether it is live; none when no batch is due.
    pub fn full_scan_next(&self, now: Instant, batch: i32, cutoff: Instant) -> Result<Vec<(Id, bool)>, Failure> {
        self.run(ScanBookingsInit {}, |_| ())?;
        let rows = self.run(FullScanNext { now, batch, cutoff }, |row| row.id().map(|id| (id, row.live())))?;
        Ok(rows.into_iter().flatten().collect())
    }

    pub fn full_scan_done(&self, next: Instant) -> Result<(), Failure> {
        self.run(FullScanDone { next }, |_| ())?;
        Ok(())
    }

    /// Writes down what does not agree about a booking; the names that were not known yet.
    pub fn finding_note(&self, booking: Id, findings: &[&str]) -> Result<Vec<String>, Failure> {
        if !self.scans_bookings() {
            return Ok(findings.iter().map(|name| (*name).to_owned()).collect());
        }
        let rows = self
            .run(FindingNote { booking, findings: parameter::texts(findings.iter().copied()) }, |row| row.finding())?;
        Ok(rows.into_iter().flatten().collect())
    }
}
