//! The catalogue of findings: the one source of names, codes, severities and promises. Numbers are never reused.

/// How much it matters, in the words of the application's own events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Info,
    Warning,
    Error,
    Critical,
}

impl Severity {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Critical => "critical",
        }
    }
}

/// One row of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingEntry {
    pub kind: FindingKind,
    pub code: &'static str,
    pub name: &'static str,
    pub severity: Severity,
    /// The promise that it breaks.
    pub promise: &'static str,
    pub sentence: &'static str,
    /// What a repair does, where the facts decide.
    pub repair: &'static str,
}

macro_rules! findings {
    ($($variant:ident $code:literal $name:literal $severity:ident $promise:literal $sentence:literal $repair:literal;)*) => {
        /// What can be found.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FindingKind { $($variant,)* }

        /// Every finding, in the order of its code.
        pub const FINDINGS: &[FindingEntry] = &[$(FindingEntry {
            kind: FindingKind::$variant, code: $code, name: $name, severity: Severity::$severity,
            promise: $promise, sentence: $sentence, repair: $repair,
        },)*];
    };
}

findings! {
    DoubleBooked "HD01" "double_booked" Critical "G2"
        "Two live bookings have the same table at the same time."
        "none: confirm one of them on other tables, with a new key";
    OtherTenant "HD02" "other_tenant" Critical "G9"
        "A row of this booking belongs to another restaurant." "none: a person decides which row is wrong";
    FencedKeyUsed "HD03" "fenced_key_used" Critical "G5"
        "The booking has tables under a key that was fenced or refused."
        "none: confirm again with a new key, or cancel";
    ConfirmedWithoutTables "HD04" "confirmed_without_tables" Critical "G1"
        "The booking is confirmed and has no table." "none: confirm again with a new key, or cancel";
    AssignmentWithoutAllocation "HD05" "assignment_without_allocation" Error "G1"
        "A table of the booking has no allocation: another booking could take it." "allocates it, if it is free";
    AllocationWithoutAssignment "HD06" "allocation_without_assignment" Error "G1"
        "The booking has an allocation of a table that is not assigned to it."
        "gives it the table when the last answer says so, else deletes the allocation";
    WindowDiffersFromAllocation "HD07" "window_differs_from_allocation" Error "G1"
        "A table is allocated for another window than it is assigned for."
        "follows the last answer, else the booking's own window";
    WindowOutsideBooking "HD08" "window_outside_booking" Error "G1"
        "A table is assigned for a time at which the booking does not take place."
        "none: confirm again with a new key for the booking's time, or set the booking's time back";
    WindowDiffersFromBooking "HD09" "window_differs_from_booking" Info "G1"
        "A table is assigned for another window than the booking's; a confirm may ask for that."
        "none: if it is not meant, confirm again with a new key for the booking's time";
    LedgerSaysConfirmed "HD10" "ledger_says_confirmed" Error "G4"
        "A confirm was answered, and the booking is not confirmed."
        "moves the status when the answer's tables all stand, else none";
    AnswerMissing "HD11" "answer_missing" Warning "G3"
        "The booking has tables under a key that the ledger does not know." "binds the answer to the key";
    HistoryDiffers "HD12" "history_differs" Warning "G1"
        "The last entry of the history is not the booking's status." "records the status as it is";
    EventMissing "HD13" "event_missing" Error "G1"
        "A commit of the last day has no event, in an outbox that keeps what was delivered." "emits the event";
    HoldOpenAfterConfirmation "HD14" "hold_open_after_confirmation" Warning "G1"
        "A hold whose tables became the booking's is still open." "closes it";
    HoldWithoutWindow "HD15" "hold_without_window" Warning "G7"
        "An open hold has no window: it can never be confirmed." "closes it";
    HoldPastDeadline "HD16" "hold_past_deadline" Info "G7"
        "A hold is open more than a minute after its deadline." "closes it as expired";
    MirrorWithoutHold "HD17" "mirror_without_hold" Info "G7"
        "A hold's mirror stands without an open hold." "drops the mirror";
    AllocationOfEndedBooking "HD18" "allocation_of_ended_booking" Info "G7"
        "A booking that is over still has an allocation for a time to come." "deletes the allocation, keeps the record";
    MergeGroupIncomplete "HD19" "merge_group_incomplete" Warning "G1"
        "A group of joined tables has fewer than two of them." "dissolves the group";
    MergeGroupWithoutAllocation "HD20" "merge_group_without_allocation" Warning "G1"
        "Joined tables have no allocation as a group." "allocates the group";
    TableStatusUnexplained "HD21" "table_status_unexplained" Info "G7"
        "A table is marked as in use, and no booking explains it." "sets the status to that of now";
    WindowLeftBehind "HD22" "window_left_behind" Error "G1"
        "A table is assigned for the time that the booking had when it was confirmed; its time was changed since."
        "none: confirm again with a new key for the booking's time, or set the booking's time back";
    BookingsOverlap "HD23" "bookings_overlap" Critical "G2"
        "Two live bookings take place at the same table at the same time, whatever their tables are assigned for."
        "none: confirm one of them on other tables, with a new key";
    PartyExceedsTables "HD24" "party_exceeds_tables" Error "G1"
        "The party of a confirmed booking is larger than its tables seat."
        "none: confirm again on larger tables with a new key, or change the capacity policy";
    TableInactive "HD25" "table_inactive" Error "G1"
        "A table of a live booking is not in use any more." "none: confirm again on other tables with a new key";
    TableOutOfService "HD26" "table_out_of_service" Error "G1"
        "A table of a live booking was put out of service." "none: confirm again on other tables with a new key";
    TablesInTwoZones "HD27" "tables_in_two_zones" Error "G1"
        "The tables of a live booking stand in more than one zone, or in none."
        "none: confirm again on other tables with a new key";
    TablesNotAdjacent "HD28" "tables_not_adjacent" Error "G1"
        "The tables of a live booking had to stand side by side, and do not any more."
        "none: confirm again on other tables with a new key";
    HoldConsumedTwice "HD29" "hold_consumed_twice" Critical "G3"
        "One hold was consumed by two answers." "none: a person decides which booking keeps its tables";
    HoldWithoutTables "HD30" "hold_without_tables" Warning "G7"
        "An open hold has no tables: it can never be confirmed." "closes it";
    HoldDeadlineAbsurd "HD31" "hold_deadline_absurd" Warning "G7"
        "An open hold lasts for more than a week and beyond its own window." "none: release it, or give it a deadline";
    KeyLost "HD32" "key_lost" Warning "G3"
        "A table of an answer does not bear its key any more." "none: set its idempotency_key to the answer's";
    AllocationLost "HD33" "allocation_lost" Warning "G1"
        "A table that was given under a key does not name its allocation." "none: set its allocation_id to the allocation's";
}

impl FindingKind {
    /// This finding's row of the catalogue.
    #[must_use]
    pub fn entry(self) -> &'static FindingEntry {
        // The macro writes both in the same order.
        &FINDINGS[self as usize]
    }

    /// By name or by code.
    #[must_use]
    pub fn named(word: &str) -> Option<FindingKind> {
        FINDINGS.iter().find(|entry| entry.name == word || entry.code == word).map(|entry| entry.kind)
    }
}
