//! The functions of the contract, and on whose behalf one is called: what an attempt is counted under.

macro_rules! functions {
    ($($variant:ident $name:literal $gives:literal;)*) => {
        /// A function of the contract that writes to bookings or holds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Function { $($variant,)* }

        /// Every function, in the order of its number.
        pub const FUNCTIONS: &[Function] = &[$(Function::$variant,)*];

        impl Function {
            /// Its name in the application's schema; the native form is counted under it too.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Function::$variant => $name,)* }
            }

            /// Gives tables to a booking. The others let go or look: they must always work.
            #[must_use]
            pub fn takes_tables(self) -> bool {
                match self { $(Function::$variant => $gives,)* }
            }
        }
    };
}

// One row each: the function, its name, and whether it gives tables to a booking.
functions! {
    ConfirmByTables "confirm_hold_assignment_with_transition" true;
    ConfirmByHold "confirm_hold_assignment_tx" true;
    AtomicConfirm "atomic_confirm_and_transition" true;
    ConfirmWithin "atomic_confirm_and_transition_within" true;
    AutoAssign "run_auto_assign" true;
    Assign "assign_tables_atomic_v2" true;
    AssignSingle "assign_single_table" true;
    AssignMerged "assign_merged_tables" true;
    Hold "hold_tables" false;
    ExtendHold "extend_hold" false;
    Release "release_hold_and_emit" false;
    Unassign "unassign_tables_atomic" false;
    Transition "apply_booking_state_transition" false;
    Refresh "refresh_table_status" false;
    Undo "undo_confirm" false;
    Fence "fence_attempt" false;
    Repair "repair_booking" false;
    ConfirmMany "confirm_many" true;
}

/// On whose behalf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Path {
    /// The request that made the booking.
    Inline,
    /// A worker that comes later.
    Background,
    /// Everybody else.
    #[default]
    Manual,
}

/// Every path, in the order of its number.
pub const PATHS: [Path; 3] = [Path::Inline, Path::Background, Path::Manual];

impl Path {
    /// Of a setting; a word that is none of them is the last.
    #[must_use]
    pub fn of(name: &str) -> Path {
        PATHS.into_iter().find(|path| path.name() == name).unwrap_or_default()
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Path::Inline => "inline",
            Path::Background => "background",
            Path::Manual => "manual",
        }
    }
}
