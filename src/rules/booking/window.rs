//! Instants and half-open windows of time.

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// Microseconds since 2000-01-01 00:00 UTC, as PostgreSQL counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub i64);

/// From PostgreSQL's epoch back to that of Unix.
const EPOCH_SHIFT_US: i64 = 946_684_800_000_000;

/// The server's first instant, in 4714 BC.
const FIRST_US: i64 = -211_813_488_000_000_000;

impl Instant {
    /// `infinity` and `-infinity`, as PostgreSQL stores them.
    pub const FOREVER: Instant = Instant(i64::MAX);
    pub const NEVER: Instant = Instant(i64::MIN);

    #[must_use]
    pub fn is_finite(self) -> bool {
        self != Instant::FOREVER && self != Instant::NEVER
    }

    /// A time with its offset, as JSON has it; None for anything else, and for what the server has no instant for.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Instant> {
        let at: jiff::Timestamp = text.parse().ok()?;
        let us = at.as_microsecond() - EPOCH_SHIFT_US;
        (us >= FIRST_US).then_some(Instant(us))
    }

    /// Microseconds since Unix's epoch.
    #[must_use]
    pub fn unix_us(self) -> i64 {
        self.0.saturating_add(EPOCH_SHIFT_US)
    }

    /// The instant so many seconds later.
    #[must_use]
    pub fn after_seconds(self, seconds: i64) -> Instant {
        Instant(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    #[must_use]
    pub fn after_ms(self, ms: i64) -> Instant {
        Instant(self.0.saturating_add(ms.saturating_mul(1000)))
    }

    /// Milliseconds from here to there, rounded up; 0 when it has passed.
    #[must_use]
    pub fn ms_until(self, later: Instant) -> i64 {
        later.0.saturating_sub(self.0).max(0).saturating_add(999) / 1000
    }
}

/// UTC, ISO 8601: the same sentence in every session, whatever its time zone (F12).
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Instant::FOREVER => f.write_str("infinity"),
            Instant::NEVER => f.write_str("-infinity"),
            Instant(us) => match jiff::Timestamp::from_microsecond(self.unix_us()) {
                Ok(at) => write!(f, "{at}"),
                Err(_) => write!(f, "{us} microseconds from 2000-01-01T00:00:00Z"),
            },
        }
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// `[start, end)`: finite and never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    start: Instant,
    end: Instant,
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut ends = to.serialize_struct("Window", 2)?;
        ends.serialize_field("end", &self.end)?;
        ends.serialize_field("start", &self.start)?;
        ends.end()
    }
}

impl Window {
    /// None when the ends are not finite or not in order.
    #[must_use]
    pub fn new(start: Instant, end: Instant) -> Option<Window> {
        (start.is_finite() && end.is_finite() && start < end).then_some(Window { start, end })
    }

    #[must_use]
    pub fn start(self) -> Instant {
        self.start
    }

    #[must_use]
    pub fn end(self) -> Instant {
        self.end
    }

    #[must_use]
    pub fn overlaps(self, other: Window) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The shortest window that has both in it.
    #[must_use]
    pub fn hull(self, other: Window) -> Window {
        Window { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    #[must_use]
    pub fn contains(self, at: Instant) -> bool {
        self.start <= at && at < self.end
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.start, self.end)
    }
}
