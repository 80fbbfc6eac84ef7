//! What is counted of attempts beside the outcome that each comes to.

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CounterEntry {
    pub counter: Counter,
    /// The column of `holdfast.stat_confirm`.
    pub name: &'static str,
    /// What one of it is.
    pub unit: &'static str,
    pub sentence: &'static str,
}

macro_rules! counters {
    ($($variant:ident $name:literal $unit:literal $sentence:literal;)*) => {
        /// A number that only grows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Counter { $($variant,)* }

        /// Every counter, in the order of its number.
        pub const COUNTERS: &[CounterEntry] = &[$(CounterEntry {
            counter: Counter::$variant, name: $name, unit: $unit, sentence: $sentence,
        },)*];
    };
}

// One row each. A view's column is this name; a test compares it, and its sentence, with sql/install/2_stat.sql.
counters! {
    Replayed "replayed" "attempts" "those of ended that got an earlier answer";
    Retries "retries" "tries" "further tries within attempts";
    Deadlocks "deadlocks" "tries" "tries that the server ended as a deadlock, also those that were made again";
    LockTimeouts "lock_timeouts" "tries" "tries that lock_timeout ended, also those that were made again";
    CompletedInTime "completed_in_time" "attempts" "confirmed with a deadline, committed before it";
    TimeoutAfterConfirm "timeout_after_confirm" "attempts" "confirmed with a deadline, committed after it";
    BookingWaits "booking_waits" "waits" "tries that waited for the lock of the booking";
    BookingWaitUs "booking_wait_us" "microseconds" "how long they were at that lock";
    HoldWaits "hold_waits" "waits" "tries that waited for the locks of holds";
    HoldWaitUs "hold_wait_us" "microseconds" "how long they were at those locks of holds";
    TableWaits "table_waits" "waits" "tries that waited for the locks of tables";
    TableWaitUs "table_wait_us" "microseconds" "how long they were at those locks of tables";
    WriteWaits "write_waits" "waits" "tries that waited while writing, for the same key, a constraint or what a trigger locks";
    WriteWaitUs "write_wait_us" "microseconds" "how long they were writing then";
}

impl Counter {
    #[must_use]
    pub fn entry(self) -> &'static CounterEntry {
        // The macro writes both in the same order.
        &COUNTERS[self as usize]
    }
}
