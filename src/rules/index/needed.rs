//! The indexes that our statements look things up by: attach and the migration build what no index of the application does.

/// A lookup of ours, and the index that it gets.
#[derive(Debug)]
pub struct NeededIndex {
    pub table: &'static str,
    /// What it is called where it is built.
    pub name: &'static str,
    /// What an index has to begin with.
    pub columns: &'static [&'static str],
    /// What ours has behind them.
    pub more: &'static str,
    /// A predicate that such an index may have: our statements ask for these rows only.
    pub predicate: &'static str,
    pub why: &'static str,
    /// How ours is built; a btree serves as well.
    pub method: &'static str,
    /// The reference schema has it; where not, a key of that schema serves.
    pub in_reference: bool,
    /// What it has there behind the rest.
    pub reference_more: &'static str,
    /// Keys and their pruning lean on it: holdfast.idempotency_indexes tells of it.
    pub for_keys: bool,
}

const PLAIN: NeededIndex = NeededIndex {
    table: "",
    name: "",
    columns: &[],
    more: "",
    predicate: "",
    why: "",
    method: "btree",
    in_reference: false,
    reference_more: "",
    for_keys: false,
};

/// How the window of a live hold is written where an index knows it.
pub const LIVE_WINDOW: &str = "pg_catalog.tstzrange(least(start_at, end_at), greatest(start_at, end_at), '[)')";

/// By it a confirm sees at once whether somebody else holds one of its tables.
pub const LIVE_HOLDS: NeededIndex = NeededIndex {
    table: "table_holds",
    name: "table_holds_live_window_idx",
    columns: &["restaurant_id", LIVE_WINDOW],
    predicate: "status = 'active'",
    why: "each confirm looks whether somebody else holds its tables",
    method: "gist",
    in_reference: true,
    ..PLAIN
};

pub const NEEDED: &[NeededIndex] = &[
    NeededIndex {
        table: "bookings",
        name: "bookings_auto_assign_idempotency_key_idx",
        columns: &["auto_assign_idempotency_key"],
        predicate: "auto_assign_idempotency_key is not null",
        why: "a booking is looked up by its stored key",
        in_reference: true,
        for_keys: true,
        ..PLAIN
    },
    NeededIndex {
        table: "table_holds",
        name: "table_holds_live_booking_idx",
        columns: &["booking_id"],
        predicate: "status = 'active'",
        why: "each confirm locks the live holds of its booking",
        in_reference: true,
        ..PLAIN
    },
    NeededIndex {
        table: "booking_table_assignments",
        name: "booking_table_assignments_table_end_idx",
        columns: &["table_id"],
        why: "each confirm looks who else is assigned to its tables",
        more: ", end_at, start_at",
        in_reference: true,
        ..PLAIN
    },
    NeededIndex {
        table: "allocations",
        name: "allocations_table_until_idx",
        columns: &["resource_id", "coalesce(pg_catalog.upper(\"window\"), 'infinity')"],
        predicate: "resource_type = 'table' and not shadow",
        why: "each confirm looks whether its tables are free, before the constraint does",
        in_reference: true,
        ..PLAIN
    },
    NeededIndex {
        table: "booking_table_assignments",
        name: "booking_table_assignments_allocation_idx",
        columns: &["allocation_id"],
        why: "dropping an allocation looks for its assignment",
        in_reference: true,
        ..PLAIN
    },
    NeededIndex {
        table: "booking_state_history",
        name: "booking_state_history_booking_idx",
        columns: &["booking_id"],
        why: "the last change of a booking is compared with its status",
        in_reference: true,
        reference_more: ", id",
        ..PLAIN
    },
    NeededIndex {
        table: "table_hold_members",
        name: "table_hold_members_hold_idx",
        columns: &["hold_id"],
        why: "each confirm reads the tables of its hold",
        ..PLAIN
    },
    NeededIndex {
        table: "table_adjacencies",
        name: "table_adjacencies_table_a_idx",
        columns: &["table_a"],
        why: "each confirm of joined tables reads who stands beside them",
        ..PLAIN
    },
    NeededIndex {
        table: "bookings",
        name: "bookings_ends_by_idx",
        columns: &["(coalesce(end_at, (booking_date + 2)::timestamp at time zone 'UTC', 'infinity'))"],
        why: "reconciliation looks at the bookings that are not over yet",
        in_reference: true,
        ..PLAIN
    },
    NeededIndex {
        table: "booking_assignment_idempotency",
        name: "booking_assignment_idempotency_age_idx",
        columns: &["created_at"],
        predicate: "outcome <> 'fenced'",
        why: "answers that are past their retention are forgotten by age",
        in_reference: true,
        for_keys: true,
        ..PLAIN
    },
    NeededIndex {
        table: "table_holds",
        name: "table_holds_live_expiry_idx",
        columns: &["expires_at"],
        predicate: "status = 'active'",
        why: "the sweeper looks for live holds past their deadline",
        in_reference: true,
        ..PLAIN
    },
    NeededIndex {
        table: "capacity_outbox",
        name: "capacity_outbox_due_idx",
        columns: &["next_attempt_at"],
        predicate: "status = 'pending'",
        why: "events that are due are claimed in order",
        in_reference: true,
        ..PLAIN
    },
    NeededIndex {
        table: "capacity_outbox",
        name: "capacity_outbox_lease_idx",
        columns: &["next_attempt_at"],
        predicate: "status = 'processing'",
        why: "events whose worker died are found by the end of their lease",
        in_reference: true,
        ..PLAIN
    },
    NeededIndex {
        table: "table_holds",
        name: "table_holds_ended_idx",
        columns: &["expires_at"],
        predicate: "status <> 'active'",
        why: "holds that ended long ago are deleted by age",
        in_reference: true,
        ..PLAIN
    },
    NeededIndex {
        table: "table_holds",
        name: "table_holds_ended_booking_idx",
        columns: &["booking_id"],
        predicate: "status <> 'active'",
        why: "holdfast.why tells what became of a booking's holds",
        in_reference: true,
        ..PLAIN
    },
    NeededIndex {
        table: "capacity_outbox",
        name: "capacity_outbox_dead_idx",
        columns: &["next_attempt_at"],
        predicate: "status = 'dead'",
        why: "events that nobody could deliver are deleted by age",
        in_reference: true,
        ..PLAIN
    },
    NeededIndex {
        table: "capacity_outbox",
        name: "capacity_outbox_done_idx",
        columns: &["next_attempt_at"],
        predicate: "status = 'done'",
        why: "events that were delivered long ago are deleted by age",
        in_reference: true,
        ..PLAIN
    },
    NeededIndex {
        table: "capacity_outbox",
        name: "capacity_outbox_dedupe_idx",
        columns: &["dedupe_key"],
        why: "each event looks whether its key was used before",
        in_reference: true,
        // Keys of any length: a btree would refuse the application's long ones.
        method: "hash",
        ..PLAIN
    },
    NeededIndex {
        table: "capacity_outbox",
        name: "capacity_outbox_booking_idx",
        columns: &["booking_id"],
        why: "the events of a booking are numbered, and given away in order",
        in_reference: true,
        ..PLAIN
    },
];

impl NeededIndex {
    /// The columns that ours has.
    #[must_use]
    pub fn built(&self) -> String {
        format!("{}{}", self.columns.join(", "), self.more)
    }

    /// What a report calls it.
    #[must_use]
    pub fn what(&self) -> String {
        let rows = if self.predicate.is_empty() { String::new() } else { format!(" where {}", self.predicate) };
        format!("index {} ({}){rows}", self.table, self.built())
    }
}

/// Those that keys and their pruning lean on.
pub fn for_keys() -> impl Iterator<Item = &'static NeededIndex> {
    NEEDED.iter().filter(|needed| needed.for_keys)
}
