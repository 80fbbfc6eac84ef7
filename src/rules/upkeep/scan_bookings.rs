//! When every live booking is scanned again, and how much of a core that may take.

use crate::rules::booking::window::Instant;

/// Seconds between two scans by the view, at least (`holdfast.reconcile_interval`).
pub const INTERVAL_SECONDS: i32 = 10;
/// Minutes from the beginning of one full scan to that of the next, at least (`holdfast.full_scan_interval`).
pub const FULL_SCAN_MINUTES: i32 = 24 * 60;

/// A scan is throttled to a fortieth of a core: the next one waits forty times as long as it took. A batch of bookings that
/// are read one by one is in no hurry, since a scan by the view finds what a batch would, and takes a hundredth.
const SCAN_THROTTLE: i64 = 40;
const BATCH_THROTTLE: i64 = 100;
/// But no longer than this, for one that had to wait itself took long and little.
const MOST_MS: i64 = 60_000;
/// What takes no longer may be done in each run.
const SHORT_MS: i64 = 10;

/// An index by which a scan asks for what belongs to a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probed {
    pub pages: i64,
    /// How many live bookings it will be asked for.
    pub bookings: i64,
    /// Pages that the system keeps in memory, of everything.
    pub kept: i64,
}

/// Is an index worth reading from its beginning to its end, before it is asked for one booking after the other? Where
/// nothing is in memory, a page out of order takes as long as ten in order; but not when that drives out what others need.
#[must_use]
pub fn worth_reading_ahead(index: Probed) -> bool {
    index.pages <= index.bookings.saturating_mul(4) && index.pages <= index.kept / 8
}

/// Of the bookings that a batch may have, so many for one call of a full scan: each is read on its own.
#[must_use]
pub fn full_scan_batch(batch: i32) -> i32 {
    (batch / 4).clamp(1, 1000)
}

/// When the next scan is due, after one from `began` to `ended`.
#[must_use]
pub fn next(began: Instant, ended: Instant, interval_seconds: i32) -> Instant {
    ended.after_ms(throttle_ms(began, ended, SCAN_THROTTLE).max(i64::from(interval_seconds) * 1000))
}

/// When the next batch of bookings that are read one by one is due, of a full scan or of what was committed.
#[must_use]
pub fn next_of_batch(began: Instant, ended: Instant) -> Instant {
    ended.after_ms(throttle_ms(began, ended, BATCH_THROTTLE))
}

/// Is the next batch throttled, after one of which so many were scanned? An empty one does where it took a while to see that nothing came: a
/// transaction is open since long.
#[must_use]
pub fn batch_is_throttled(looked_at: i64, began: Instant, ended: Instant) -> bool {
    looked_at > 0 || began.ms_until(ended) > SHORT_MS
}

fn throttle_ms(began: Instant, ended: Instant, times: i64) -> i64 {
    began.ms_until(ended).max(0).saturating_mul(times).min(MOST_MS)
}

/// A full scan that began before this instant, and is over, is followed by another.
#[must_use]
pub fn full_scan_cutoff(now: Instant, minutes: i32) -> Instant {
    now.after_ms(-60_000 * i64::from(minutes))
}
