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
}

impl Counter {
    #[must_use]
    pub fn entry(self) -> &'static CounterEntry {
        // The macro writes both in the same order.
        &COUNTERS[self as usize]
    }
}
