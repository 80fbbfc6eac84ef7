//! How far an attempt got: what it waits for, or works on.

/// Where an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    #[default]
    Arguments,
    Replay,
    BookingLock,
    HoldLock,
    TableLock,
    Decide,
    Apply,
    Settle,
    Done,
}

impl Phase {
    /// Every phase, in the order of its number.
    pub const ALL: [Phase; 9] = [
        Phase::Arguments,
        Phase::Replay,
        Phase::BookingLock,
        Phase::HoldLock,
        Phase::TableLock,
        Phase::Decide,
        Phase::Apply,
        Phase::Settle,
        Phase::Done,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Phase::Arguments => "arguments",
            Phase::Replay => "replay",
            Phase::BookingLock => "booking_lock",
            Phase::HoldLock => "hold_lock",
            Phase::TableLock => "table_lock",
            Phase::Decide => "decide",
            Phase::Apply => "apply",
            Phase::Settle => "settle",
            Phase::Done => "done",
        }
    }

    /// Where an attempt was that ended before it was done: what is left after the settling still belongs to it.
    #[must_use]
    pub fn before_done(self) -> Phase {
        if self == Phase::Done { Phase::Settle } else { self }
    }
}
