//! The catalogue of outcomes: the one source of names, codes, SQLSTATEs and advice. Numbers are never reused.

use serde::{Deserialize, Serialize};

/// What an outcome means for the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Disposition {
    /// It was done.
    Success,
    /// The same request will not succeed; a key, where it was returned and not raised, is bound to it.
    Final,
    /// Somebody or something stood in the way; the same call may succeed later.
    Transient,
}

impl Disposition {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Disposition::Success => "success",
            Disposition::Final => "final",
            Disposition::Transient => "transient",
        }
    }
}

/// When the same call can come to something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    Never,
    /// Once what stood in the way is gone, or the advice was followed: at once it would come to the same.
    Later,
    /// In a new transaction, after a moment.
    AtOnce,
}

/// One row of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeEntry {
    pub outcome: Outcome,
    pub name: &'static str,
    pub code: &'static str,
    pub sqlstate: &'static str,
    pub disposition: Disposition,
    pub http_status: i32,
    pub sentence: &'static str,
    /// What to do about it; the HINT.
    pub advice: &'static str,
}

macro_rules! catalogue {
    ($($variant:ident $name:literal $code:literal $sqlstate:literal $disposition:ident $http:literal
       $sentence:literal $advice:literal;)*) => {
        /// Everything a call can come to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Outcome { $($variant,)* }

        /// Every outcome, in the order of its code.
        pub const CATALOGUE: &[OutcomeEntry] = &[$(OutcomeEntry {
            outcome: Outcome::$variant, name: $name, code: $code, sqlstate: $sqlstate,
            disposition: Disposition::$disposition, http_status: $http,
            sentence: $sentence, advice: $advice,
        },)*];
    };
}

catalogue! {
    Confirmed "confirmed" "HF001" "00000" Success 200 "The booking has its tables." "";
    Assigned "assigned" "HF002" "00000" Success 200 "The tables were added to the booking." "";
    Held "held" "HF003" "00000" Success 201 "The tables are held." "";
    Released "released" "HF004" "00000" Success 200 "The hold was live and is released." "";
    NothingHeld "nothing_held" "HF005" "00000" Success 200 "There was no live hold to release." "";
    Unassigned "unassigned" "HF006" "00000" Success 200 "The tables were taken from the booking." "";
    Transitioned "transitioned" "HF007" "00000" Success 200 "The booking moved to its new status." "";
    Refreshed "refreshed" "HF008" "00000" Success 200 "The table's status is that of now." "";
    Reconciled "reconciled" "HF009" "00000" Success 200 "The state of the booking was read." "";
    SkippedConfirmed "skipped_already_confirmed" "HF010" "00000" Success 200 "The booking is confirmed with its tables already." "";
    SkippedInProgress "skipped_in_progress" "HF011" "00000" Success 202 "Another attempt for the booking is at work." "";
    Undone "undone" "HF012" "00000" Success 200 "What the key did was taken back." "";
    NothingToUndo "nothing_to_undo" "HF013" "00000" Success 200 "Nothing that the key did is left." "";
    Extended "extended" "HF016" "00000" Success 200 "The hold has more time." "";
    Repaired "repaired" "HF040" "00000" Success 200 "What a repair does, or did, is listed." "";
    Explained "explained" "HF041" "00000" Success 200 "What a confirm would find is listed." "";

    BookingNotFound "booking_not_found" "HF101" "P0002" Final 404
        "No booking has this id." "Check the id of the booking.";
    HoldNotFound "hold_not_found" "HF102" "P0002" Final 404
        "No open hold has this id." "Take a new hold; ask again with the key of the first call if its answer was lost.";
    TablesNotFound "tables_not_found" "HF103" "P0002" Final 404
        "A table id is unknown or NULL." "Check the ids of the tables.";
    TableNotFound "table_not_found" "HF104" "P0002" Final 404
        "No table has this id." "Check the id of the table.";

    HoldOfOtherBooking "hold_of_other_booking" "HF201" "P0001" Final 409
        "The hold belongs to another booking." "Confirm with a hold of this booking.";
    HoldExpired "hold_expired" "HF202" "P0001" Final 410
        "The hold's deadline has passed." "Take a new hold and confirm that one.";
    HoldWithoutTables "hold_without_tables" "HF203" "P0001" Final 409
        "The hold has no tables." "Take a new hold that names its tables.";
    HoldWindowMissing "hold_window_missing" "HF204" "22000" Final 422
        "The hold has no window." "Take a new hold with a start and an end.";
    HoldWindowInvalid "hold_window_invalid" "HF205" "22000" Final 422
        "The hold's window does not end after it starts." "Take a new hold with a valid window.";
    HoldOfOtherRestaurant "hold_of_other_restaurant" "HF206" "23503" Final 409
        "The hold belongs to another restaurant." "Confirm with a hold of the booking's restaurant.";
    PolicyVersionChanged "policy_version_changed" "HF207" "P0003" Final 409
        "The policy is not the one that the hold was taken under." "Take a new hold under the current policy.";
    AdjacencySnapshotChanged "adjacency_snapshot_changed" "HF208" "P0003" Final 409
        "The floor is not the one that the hold was taken on." "Take a new hold on the floor as it is now.";
    HoldConflict "hold_conflict" "HF209" "P0001" Transient 409
        "Somebody else's live hold has one of the tables." "Retry after hold expiration or confirm existing hold.";

    KeyMismatch "key_mismatch" "HF301" "P0003" Final 409
        "The key was used for another request." "Use a new key for a new request.";
    AnswerGone "answer_gone" "HF302" "P0003" Final 409
        "The tables of the first answer are no longer the booking's." "Use a new key to start afresh.";
    KeyBlank "key_blank" "HF303" "23514" Final 422
        "The key is empty or blank." "Pass a key, or NULL for none.";
    StatusConflict "booking_state_conflict" "HF304" "P0004" Final 409
        "The booking's status does not allow it." "Read the booking again before deciding what to do.";
    TargetNotConfirmable "target_not_confirmable" "HF305" "23514" Final 422
        "A confirm cannot lead to this status." "Pass a status that holdfast_booking_statuses marks is_confirm_target.";
    KeyTooLong "key_too_long" "HF306" "23514" Final 422
        "The key is longer than an index can hold." "Pass a shorter key, such as a hash of it.";
    TablesNotAssigned "tables_not_assigned" "HF307" "P0001" Final 409
        "The status needs tables, and the booking has none that stand." "Confirm the booking on tables; a house that seats later sets needs_tables of holdfast_booking_statuses to false.";
    TablesTaken "tables_taken" "HF308" "P0004" Final 409
        "A table of the booking was given to somebody else." "Confirm the booking on other tables, with a new key.";
    UndoUndecided "undo_undecided" "HF309" "P0001" Final 409
        "Taking it back would leave the booking without its earlier table." "A person decides: confirm the booking on other tables with a new key, or cancel it.";
    NeverSeen "never_seen" "HF310" "P0002" Final 404
        "No attempt under this key is known." "Check the booking and the key; there is nothing to take back.";

    WindowHalfGiven "window_half_given" "HF401" "22023" Final 422
        "Only one end of a window was given." "Pass both ends, or neither.";
    BookingWindowMissing "booking_window_missing" "HF402" "22000" Final 422
        "The booking has no window." "Give the booking a start and an end.";
    BookingWindowInvalid "booking_window_invalid" "HF403" "22000" Final 422
        "The booking's window does not end after it starts." "Correct the booking's times.";
    WindowInvalid "window_invalid" "HF404" "22023" Final 422
        "The given window is not finite or does not end after it starts." "Pass a finite window whose end is after its start.";
    WindowOutsideBooking "window_outside_booking" "HF405" "23514" Final 422
        "The given window does not meet the booking's own." "Pass a window that overlaps the booking's, or reschedule the booking first.";

    TableOfOtherRestaurant "table_of_other_restaurant" "HF501" "23503" Final 409
        "A table belongs to another restaurant." "Choose tables of the booking's restaurant.";
    TablesMissing "tables_missing" "HF502" "23514" Final 422
        "No tables were given." "Pass at least one table id.";
    TableWithoutZone "table_without_zone" "HF503" "23514" Final 422
        "A table stands in no zone." "Assign the table to a zone.";
    TableInactive "table_inactive" "HF504" "23514" Final 422
        "A table is not in use." "Choose another table.";
    TableOutOfService "table_out_of_service" "HF505" "23514" Final 422
        "A table is out of service." "Choose another table, or put this one back into service.";
    TablesInDifferentZones "tables_in_different_zones" "HF506" "23514" Final 422
        "The tables stand in more than one zone." "Choose tables of one zone.";
    TableNotMovable "table_not_movable" "HF507" "23514" Final 422
        "A fixed table cannot be joined to others." "Choose movable tables.";
    OtherZoneAssigned "other_zone_assigned" "HF508" "23514" Final 422
        "The booking has tables in another zone." "Unassign them first, or choose tables of their zone.";
    ZoneLocked "zone_locked" "HF509" "23514" Final 422
        "The booking is locked to another zone." "Choose tables of the booking's zone.";
    TablesNotAdjacent "tables_not_adjacent" "HF510" "23514" Final 422
        "The tables are not one connected set." "Choose tables that stand side by side.";
    PartyTooLarge "party_too_large" "HF511" "23514" Final 422
        "The party is larger than the tables seat." "Choose more or larger tables, or change the capacity policy.";
    PartyTooSmall "party_too_small" "HF512" "23514" Final 422
        "The party is smaller than the policy allows at these tables." "Choose a smaller table, or change the capacity policy.";

    AllocationConflict "allocation_conflict" "HF601" "P0001" Transient 409
        "A table is taken in this window." "Choose another table or another time.";
    AssignmentConflict "assignment_conflict" "HF602" "P0001" Transient 409
        "A table is assigned to another booking in this window." "Choose another table or another time.";
    KeyInProgress "key_in_progress" "HF603" "40001" Transient 503
        "Another attempt bound the key at the same moment." "Retry the transaction with the same key: it will get that answer.";
    Fenced "fenced" "HF610" "P0003" Final 409
        "The key was given up: no attempt with it will ever confirm." "Use a new key for a new attempt.";
    TimeoutBeforeConfirm "timeout_before_confirm" "HF611" "55P03" Transient 504
        "The time limit passed before the booking was confirmed." "This call changed nothing, and handed the hold back where nobody had it locked: take a new hold and retry with the same key.";
    SerializationFailure "serialization_failure" "HF612" "40001" Transient 503
        "A transaction that ran at the same time was faster." "Retry with the same key in a new transaction.";
    Deadlock "deadlock" "HF613" "40P01" Transient 503
        "Transactions waited for each other, and this one gave way." "Retry with the same key.";
    LockTimeout "lock_timeout" "HF614" "55P03" Transient 503
        "A lock was not granted within the server's lock_timeout." "Retry with the same key.";

    NoHold "no_hold" "HF615" "P0002" Transient 409
        "There is no live hold to confirm." "Take a new hold and call again.";
    GroupRefused "group_refused" "HF616" "P0001" Transient 409
        "Another item of its group was not done, so nothing of the group was." "See that item's answer; list the group again with the same keys once its cause is gone.";

    // No call returns these two; they are what an attempt is counted as that ended without an answer of ours.
    RolledBack "rolled_back" "HF618" "40000" Transient 503
        "It was done, and then its transaction was rolled back." "Retry the transaction with the same key.";
    Failed "failed" "HF619" "38000" Transient 500
        "An error that is not ours ended it: of a trigger, of the server, or the end of the session."
        "Read the error that was raised; retry with the same key once its cause is gone.";

    ArgumentInvalid "argument_invalid" "HF701" "22023" Final 422
        "An argument makes no sense." "Correct the argument.";
    NotAttached "not_attached" "HF702" "55000" Final 500
        "The schema does not have what holdfast works on." "Run holdfast.attach on the schema.";
    BrokenInvariant "broken_invariant" "HF703" "XX000" Final 500
        "The database did not do what it was told." "Look for a trigger that swallows rows; nothing was changed.";
    AtomicConfirmDisabled "atomic_confirm_disabled" "HF710" "P0001" Transient 503
        "Confirming is switched off here." "Retry once it is on again; DETAIL names the switch.";
}

impl Outcome {
    /// This outcome's row of the catalogue.
    #[must_use]
    pub fn entry(self) -> &'static OutcomeEntry {
        // The macro writes both in the same order.
        &CATALOGUE[self as usize]
    }

    /// When the same call, under the same key, can come to something else.
    #[must_use]
    pub fn again(self) -> Again {
        match (self, self.entry().disposition) {
            (Outcome::KeyInProgress | Outcome::SerializationFailure | Outcome::Deadlock | Outcome::LockTimeout, _) => {
                Again::AtOnce
            }
            (_, Disposition::Transient) => Again::Later,
            (_, Disposition::Success | Disposition::Final) => Again::Never,
        }
    }
}
