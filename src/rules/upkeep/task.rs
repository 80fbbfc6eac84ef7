//! The worker's tasks, one row each. What a task does is `commands/upkeep/`, from when on it is due [`super::agenda`].

/// Who waits for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Urgency {
    /// Somebody: it is done in every schema before anything else is done in any.
    Urgent,
    Soon,
    /// Nobody: the worker does one batch a run, so that a backlog of millions takes no core from the calls.
    Patient,
}

macro_rules! tasks {
    ($($(#[$what:meta])* $task:ident, $name:literal, $urgency:ident;)*) => {
        /// One thing that has to be done again and again.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Task {
            $($(#[$what])* $task,)*
        }

        /// In the order in which they are done.
        pub const TASKS: &[Task] = &[$(Task::$task),*];

        impl Task {
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Task::$task => $name,)*
                }
            }

            fn urgency(self) -> Urgency {
                match self {
                    $(Task::$task => Urgency::$urgency,)*
                }
            }
        }
    };
}

// First what an automatic attempt is made again for, then what takes locks and may wait, then what keeps tables from others.
tasks! {
    /// Attempts whose session was ended are written down.
    RecordAttempts, "record_attempts", Urgent;
    /// Automatic attempts that failed for a reason that may have passed are made again, while their hold lives.
    RetryAttempts, "retry_attempts", Urgent;
    /// Open holds past their deadline are closed.
    ExpireHolds, "expire_holds", Urgent;
    /// Who listens is told that events are due.
    NotifyOutbox, "notify_outbox", Urgent;
    /// What was committed is read again.
    ScanCommits, "scan_commits", Soon;
    /// Every live booking is scanned, as the view sees it.
    ScanLiveBookings, "scan_live_bookings", Soon;
    /// Every live booking is scanned, one after the other.
    ScanBookings, "scan_bookings", Soon;
    /// What shadow mode found in calls that raised is written down.
    RecordDisagreements, "record_disagreements", Soon;
    /// Old answers are deleted.
    PruneLedger, "prune_ledger", Patient;
    /// Old attempts that came to nothing are deleted.
    PruneAttempts, "prune_attempts", Patient;
    /// What became of holds that ended long ago is deleted.
    PruneEndedHolds, "prune_ended_holds", Patient;
    /// Events that were delivered long ago are deleted.
    PruneOutbox, "prune_outbox", Patient;
    /// Old disagreements of shadow mode are deleted.
    PruneDisagreements, "prune_disagreements", Patient;
    /// What ended long ago and nobody asks for is deleted, once an hour: closed holds, events that nobody could deliver,
    /// marks of bookings that are gone.
    PruneEnded, "prune_ended", Patient;
}

impl Task {
    #[must_use]
    pub fn is_urgent(self) -> bool {
        self.urgency() == Urgency::Urgent
    }

    #[must_use]
    pub fn is_patient(self) -> bool {
        self.urgency() == Urgency::Patient
    }

    /// What it writes leaves nothing to be done but what an agenda says: nobody has to come because of that.
    #[must_use]
    pub fn leaves_nothing(self) -> bool {
        self == Task::ExpireHolds || self.is_patient()
    }
}
