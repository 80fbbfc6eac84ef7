//! The tables that attach makes in the application's schema. What a later release adds to one is a line with its `since`.

use super::Kind::{
    Bigint, Boolean, Enum, Integer, Jsonb, Snapshot, Text, Texts, Timestamp, TransactionId, Uuid, Uuids,
};
use super::column::{HoldfastTable, owned as column};
use crate::rules::release::Release::{V0_1_0, V0_2_0};

const STATUS: super::Kind = Enum("booking_status");
const LONG_AGO: &str = "'-infinity'";

const NEW: HoldfastTable = HoldfastTable {
    name: "",
    about: "",
    since: V0_2_0,
    once: None,
    feature: "",
    columns: &[],
    rules: &[],
    indexes: &[],
    comment: "",
    rows: None,
    kept: true,
};

/// In the order in which attach makes them: each refers only to those before it.
pub const HOLDFAST: &[HoldfastTable] = &[
    HoldfastTable {
        name: "holdfast_booking_statuses",
        about: "What a status means for tables. Labels differ between applications; these rows are the rule.",
        since: V0_1_0,
        once: Some("booking_statuses"),
        columns: &[
            column("status", STATUS).key().since(V0_1_0),
            column("is_confirm_target", Boolean)
                .default("false")
                .since(V0_1_0)
                .about("May be the target of a confirm."),
            column("holds_tables", Boolean)
                .default("false")
                .since(V0_1_0)
                .about("A booking in this status may hold tables."),
            column("occupies_tables", Boolean).default("false").since(V0_1_0).about("The party sits at its tables."),
            column("releases_tables", Boolean)
                .default("false")
                .since(V0_1_0)
                .about("Tables left behind by a booking in this status are free for others."),
            column("needs_tables", Boolean).null().about(
                "A booking moves into this status only with its tables. NULL: when a confirm leads to it, or its party sits. False is for a house that confirms first and seats later.",
            ),
        ],
        rules: &[
            "check (not (holds_tables and releases_tables))",
            "check (holds_tables or not is_confirm_target)",
            "check (holds_tables or not occupies_tables)",
        ],
        rows: Some(include_str!("../../../sql/attach/booking_statuses.sql")),
        ..NEW
    },
    HoldfastTable {
        name: "holdfast_status_transitions",
        about: "The legal moves (G8). A move of a status to itself is always legal and needs no row.",
        since: V0_1_0,
        once: Some("booking_status_transitions"),
        columns: &[
            column("from_status", STATUS).references("holdfast_booking_statuses", "(status)").since(V0_1_0),
            column("to_status", STATUS).references("holdfast_booking_statuses", "(status)").since(V0_1_0),
        ],
        rules: &["primary key (from_status, to_status)", "check (from_status <> to_status)"],
        rows: Some(include_str!("../../../sql/attach/status_transitions.sql")),
        ..NEW
    },
    HoldfastTable {
        name: "holdfast_capacity_policies",
        about: "How many guests a set of tables may seat. No row: the defaults below.",
        since: V0_1_0,
        once: Some("capacity_policies"),
        columns: &[
            column("restaurant_id", Uuid).key().references("restaurants", "(id) on delete cascade").since(V0_1_0),
            column("extra_seats", Integer)
                .default("0")
                .check("extra_seats >= 0")
                .since(V0_1_0)
                .about("Guests accepted beyond the seats of the set."),
            column("enforce_min_party", Boolean)
                .default("false")
                .since(V0_1_0)
                .about("Whether a party smaller than a table's min_party_size is refused."),
        ],
        ..NEW
    },
    HoldfastTable {
        name: "holdfast_attempts",
        about: "Attempts that ended without a success. No foreign key and no unique key: recording how an attempt ended must not wait for anybody.",
        columns: &[
            column("id", Bigint).identity(),
            column("booking_id", Uuid),
            column("idempotency_key", Text).null(),
            column("hold_id", Uuid).null(),
            column("trigger", Text).null().about("inline or background; null: called with a deadline of its own."),
            column("started_at", Timestamp),
            column("ended_at", Timestamp),
            column("outcome", Text),
            column("phase", Text).about("How far it had got: arguments, replay, booking_lock, hold_lock, table_lock, decide, apply, settle or done."),
            column("elapsed_ms", Integer),
            column("tries", Integer),
            column("pid", Integer),
            column("detail", Jsonb).default("'{}'"),
            column("transaction_id", TransactionId).default("pg_catalog.pg_current_xact_id()"),
        ],
        indexes: &[
            ("holdfast_attempts_booking_idx", "booking_id, id"),
            ("holdfast_attempts_ended_idx", "ended_at"),
        ],
        ..NEW
    },
    HoldfastTable {
        name: "holdfast_pruned",
        about: "Answers of this booking from before that instant were forgotten. No foreign key: forgetting must not wait for somebody who deletes the booking.",
        feature: "pruned",
        columns: &[column("booking_id", Uuid).key(), column("until", Timestamp)],
        ..NEW
    },
    HoldfastTable {
        name: "holdfast_out_of_service",
        about: "Tables that a refresh put out of service, for a maintenance: the next refresh after it takes them back. What a person put out of service is not in it, and stays.",
        feature: "out_of_service",
        columns: &[column("table_id", Uuid).key()],
        ..NEW
    },
    HoldfastTable {
        name: "holdfast_reconciliation_policies",
        about: "What is done about a finding that is seen after a commit: report it (also without a row), or repair it at once.",
        columns: &[
            column("finding", Text).key(),
            column("action", Text).one_of(&["report", "repair"]),
        ],
        ..NEW
    },
    HoldfastTable {
        name: "holdfast_commit_scan",
        about: "How far `scan_commits` has come. Commits that the snapshot `seen`, taken at `since`, shows are done. A look that is not finished has the snapshot `pending`, taken at `pending_at`: of what it shows beyond `seen`, answers up to `upto` are done. Answers from more than a minute before `reach` are all done, and not read again. The worker and the sweep pause until `due_at`.",
        columns: &[
            column("id", Boolean).key().default("true").check("id"),
            column("seen", Snapshot).null(),
            column("since", Timestamp).null(),
            column("reach", Timestamp).null(),
            column("pending", Snapshot).null(),
            column("pending_at", Timestamp).null(),
            column("upto", Timestamp).default(LONG_AGO),
            column("commits", Bigint).default("0"),
            column("due_at", Timestamp).default(LONG_AGO),
        ],
        rows: Some("insert into app.holdfast_commit_scan (id) values (true) on conflict do nothing"),
        ..NEW
    },
    HoldfastTable {
        name: "holdfast_findings",
        about: "What does not agree, and since when it is known: it is told once, until it agrees again.",
        columns: &[
            column("booking_id", Uuid),
            column("finding", Text),
            column("seen_at", Timestamp).default("pg_catalog.clock_timestamp()"),
        ],
        rules: &["primary key (booking_id, finding)"],
        ..NEW
    },
    HoldfastTable {
        name: "holdfast_booking_scans",
        about: "The looks at every live booking: by the view (look_at, when the next is due), and one booking after the other (pass_at, when the next batch is due; pass_after, the last booking of the pass that was looked at).",
        columns: &[
            column("id", Boolean).key().default("true").check("id"),
            column("look_at", Timestamp).default(LONG_AGO),
            column("pass_at", Timestamp).default(LONG_AGO),
            column("pass_began_at", Timestamp).null(),
            column("pass_ended_at", Timestamp).null(),
            column("pass_after", Uuid).null(),
            column("pass_bookings", Bigint).default("0"),
            column("attached_at", Timestamp)
                .default("pg_catalog.now()")
                .about("Since when the schema is attached: bookings that were over before are not ours to judge."),
        ],
        rows: Some("insert into app.holdfast_booking_scans (id) values (true) on conflict do nothing"),
        ..NEW
    },
    HoldfastTable {
        name: "holdfast_quarantine",
        about: "What failed for a reason of its own is left alone for a while, so that the rest of its batch goes on. Deleting a row has it tried again at once.",
        columns: &[
            column("task", Text),
            column("id", Uuid),
            column("failures", Integer).default("1"),
            column("until", Timestamp),
            column("error", Text),
        ],
        rules: &["primary key (task, id)"],
        ..NEW
    },
    HoldfastTable {
        name: "holdfast_hold_policy",
        about: "How holds are taken and how they end; at most one row, the owner's to change. Attach writes down what the application does.",
        feature: "hold_policy",
        columns: &[
            column("id", Integer).key().default("1").check("id = 1"),
            column("ending", Text).default("'close'").one_of(&["close", "delete"]).about(
                "close: the row stays, and its status says what it became. delete: the row goes, with what hangs on it.",
            ),
            column("mirrors", Boolean).default("true").about(
                "Do we write a hold's mirror among the allocations? Not where triggers do, or where a constraint forbids it.",
            ),
            column("to_window_end", Boolean)
                .default("false")
                .about("Does a hold live to the end of its window at least? It does where a constraint demands it."),
            column("longest_seconds", Integer)
                .default("604800")
                .check("longest_seconds > 0")
                .about("The longest that a hold may be taken or extended for."),
        ],
        ..NEW
    },
    HoldfastTable {
        name: "holdfast_ended_holds",
        about: "What became of holds that were deleted, for as long as answers are kept. No foreign key: neither the hold nor a booking that is deleted may wait for it.",
        feature: "ended_holds",
        columns: &[
            column("hold_id", Uuid).key(),
            column("booking_id", Uuid).null(),
            column("restaurant_id", Uuid),
            column("ended", Text)
                .about("In the words of the status that it would have: confirmed, cancelled (released) or expired."),
            column("idempotency_key", Text).null(),
            column("table_ids", Uuids),
            column("start_at", Timestamp).null(),
            column("end_at", Timestamp).null(),
            column("expires_at", Timestamp),
            column("ended_at", Timestamp),
        ],
        indexes: &[
            ("holdfast_ended_holds_ended_idx", "ended_at"),
            ("holdfast_ended_holds_booking_idx", "booking_id"),
        ],
        ..NEW
    },
];

/// The modes of a rollout.
pub const MODES: &[&str] = &["on", "original", "shadow", "rehearse"];

/// The tables of who confirms, and of what shadow mode saw: no reference schema has them before it is attached, and detach
/// drops them.
pub const ROLLOUT: &[HoldfastTable] = &[
    HoldfastTable {
        name: "holdfast_rollout",
        about: "Who confirms in this schema: holdfast, or the application's own functions. The owner of the schema changes these rows; every session follows at its next call. No row: holdfast.",
        columns: &[
            column("restaurant_id", Uuid)
                .key()
                .default("'00000000-0000-0000-0000-000000000000'")
                .about("All zeros: every restaurant that has no row of its own."),
            column("mode", Text).default("'on'").one_of(MODES).about(
                "on: holdfast for a share of the bookings, the original functions for the rest; original: these for all; shadow: these for all, and holdfast judges a share beside them, without writing; rehearse: the same, but holdfast does it for real before them, and takes that back.",
            ),
            column("percentage", Integer)
                .default("100")
                .check("percentage between 0 and 100")
                .about("The share of bookings, chosen by a hash of their ids: one that is in at 10 is in at 20."),
        ],
        comment: "holdfast: who confirms, by restaurant and share of bookings; changes take effect with the next call of each session",
        kept: false,
        ..NEW
    },
    HoldfastTable {
        name: "holdfast_disagreements",
        about: "What the original functions and holdfast did not agree on, while a rollout says shadow.",
        columns: &[
            column("id", Bigint).identity(),
            column("called_at", Timestamp),
            column("function", Text).about("The function of the contract that was called."),
            column("booking_id", Uuid).null(),
            column("kind", Text).about(
                "theirs_refused, theirs_done, ours_failed, refusals_differ, answers_differ, effects_differ, stuck",
            ),
            column("faults", Texts).about("F1 to F28, where it shows one of them; none: it is another difference."),
            column("request", Jsonb).about("The arguments as given."),
            column("ours", Jsonb)
                .about("What each side says: rows, a status, or a refusal. Theirs is what the caller got."),
            column("theirs", Jsonb),
            column("session", Jsonb).about("Who called, and how the session was set."),
        ],
        indexes: &[("holdfast_disagreements_called_idx", "called_at")],
        comment: "holdfast: calls that the original functions and ours did not agree on, in shadow mode; kept for holdfast.ledger_retention_days; read holdfast.shadow_report",
        kept: false,
        ..NEW
    },
];

/// A trigger of ours on a table of ours; a superuser makes it, because nobody else may use its function.
#[derive(Debug)]
pub struct HoldfastTrigger {
    pub name: &'static str,
    pub table: &'static str,
    pub events: &'static str,
    pub each: &'static str,
    pub function: &'static str,
}

/// Sessions learn of a change of the rollout, and what it may say is checked.
pub const TRIGGERS: &[HoldfastTrigger] = &[
    HoldfastTrigger {
        name: "holdfast_rollout_changed",
        table: "holdfast_rollout",
        events: "insert or update or delete or truncate",
        each: "statement",
        function: "rollout_changed",
    },
    HoldfastTrigger {
        name: "holdfast_rollout_checked",
        table: "holdfast_rollout",
        events: "insert or update",
        each: "row",
        function: "rollout_checked",
    },
];

/// Every table that attach makes.
pub fn all() -> impl Iterator<Item = &'static HoldfastTable> {
    HOLDFAST.iter().chain(ROLLOUT)
}

/// Is it one that attach makes?
#[must_use]
pub fn is_ours(table: &str) -> bool {
    all().any(|ours| ours.name == table)
}
