//! One change that a repair makes: its name in a plan, and its values as the statements take them.

use serde_json::{Value, json};

use crate::rules::Id;
use crate::rules::booking::window::Window;
use crate::rules::hold::HoldEnd;

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum RepairStep {
    DeleteAllocations(Vec<Id>),
    /// Allocates the table of an assignment; `frees` are allocations of bookings that are over.
    AllocateTable {
        table: Id,
        window: Window,
        frees: Vec<Id>,
    },
    /// Gives an allocated table to the booking.
    AssignTable {
        table: Id,
        window: Window,
        group: Option<Id>,
        key: Option<String>,
    },
    MoveAllocation {
        allocation: Id,
        window: Window,
        frees: Vec<Id>,
    },
    MoveAssignment {
        assignment: Id,
        window: Window,
    },
    CloseHold {
        hold: Id,
        end: HoldEnd,
    },
    Dissolve {
        assignments: Vec<Id>,
        allocations: Vec<Id>,
    },
    AllocateGroup {
        group: Id,
        window: Window,
    },
    /// Moves the status to the one that was answered.
    Advance {
        to: String,
    },
    /// Writes the status as it is into the history.
    RecordHistory,
    Bind {
        key: String,
        tables: Vec<Id>,
        assignments: Vec<Id>,
        window: Window,
        group: Option<Id>,
    },
    /// Tells of the commit under a key.
    Emit {
        key: String,
        dedupe_key: String,
        payload: Value,
    },
    Refresh {
        table: Id,
    },
}

impl RepairStep {
    /// In a word, for the plan's row.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            RepairStep::DeleteAllocations(_) => "delete_allocations",
            RepairStep::AllocateTable { .. } => "allocate_table",
            RepairStep::AssignTable { .. } => "assign_table",
            RepairStep::MoveAllocation { .. } => "move_allocation",
            RepairStep::MoveAssignment { .. } => "move_assignment",
            RepairStep::CloseHold { .. } => "close_hold",
            RepairStep::Dissolve { .. } => "dissolve_group",
            RepairStep::AllocateGroup { .. } => "allocate_group",
            RepairStep::Advance { .. } => "advance_status",
            RepairStep::RecordHistory => "record_history",
            RepairStep::Bind { .. } => "bind_answer",
            RepairStep::Emit { .. } => "emit_event",
            RepairStep::Refresh { .. } => "refresh_table_status",
        }
    }

    /// With its values, as the statements take it.
    #[must_use]
    pub fn json(&self) -> Value {
        let timed = |window: &Window, rest: Value| merged(json!(window), rest);
        match self {
            RepairStep::DeleteAllocations(allocations) => json!({"allocations": allocations}),
            RepairStep::AllocateTable { table, window, frees } => {
                timed(window, json!({"table": table, "frees": frees}))
            }
            RepairStep::AssignTable { table, window, group, key } => {
                timed(window, json!({"table": table, "group": group, "key": key}))
            }
            RepairStep::MoveAllocation { allocation, window, frees } => {
                timed(window, json!({"allocation": allocation, "frees": frees}))
            }
            RepairStep::MoveAssignment { assignment, window } => timed(window, json!({"assignment": assignment})),
            RepairStep::CloseHold { hold, end } => json!({"hold": hold, "status": end.label()}),
            RepairStep::Dissolve { assignments, allocations } => {
                json!({"assignments": assignments, "allocations": allocations})
            }
            RepairStep::AllocateGroup { group, window } => timed(window, json!({"group": group})),
            RepairStep::Advance { to } => json!({"status": to}),
            RepairStep::RecordHistory => json!({}),
            RepairStep::Bind { key, tables, assignments, window, group } => {
                timed(window, json!({"key": key, "tables": tables, "assignments": assignments, "group": group}))
            }
            RepairStep::Emit { key, dedupe_key, payload } => {
                json!({"key": key, "dedupe_key": dedupe_key, "payload": payload})
            }
            RepairStep::Refresh { table } => json!({"table": table}),
        }
    }
}

/// One object of both.
pub fn merged(mut one: Value, other: Value) -> Value {
    if let (Some(one), Value::Object(other)) = (one.as_object_mut(), other) {
        one.extend(other);
    }
    one
}
