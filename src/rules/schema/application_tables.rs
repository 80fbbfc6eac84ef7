//! The tables of the application: what our statements ask of them, and how the reference schema declares them.

use super::Kind::{
    Any, Boolean, Date, Enum, Integer, Jsonb, Text, Time, Timestamp, TransactionId, Uuid, Uuids, Window,
};
use super::column::{ApplicationTable, asked as column};

/// The table of the contract that has this name.
#[must_use]
pub fn application_table(name: &str) -> Option<&'static ApplicationTable> {
    APPLICATION.iter().find(|table| table.name == name)
}

const KEY: &str = "primary key default pg_catalog.gen_random_uuid()";
const NEEDED: &str = "not null";
const OF_RESTAURANT: &str = "not null references app.restaurants (id)";
const OF_BOOKING: &str = "not null references app.bookings (id) on delete cascade";
const OF_TABLE: &str = "not null references app.table_inventory (id)";
const NOW: &str = "not null default pg_catalog.now()";
const DETAILS: &str = "not null default '{}'";
const NEW_ID: &str = "pg_catalog.gen_random_uuid()";
pub const TABLE_STATUSES: &[&str] = &["available", "reserved", "occupied", "out_of_service"];
pub const HOLD_STATUSES: &[&str] = &["active", "expired", "confirmed", "cancelled"];
/// A zone of the same restaurant (G9).
const ZONE_OF_RESTAURANT: &str = "foreign key (zone_id, restaurant_id) references app.zones (id, restaurant_id)";

/// In the order in which the reference schema makes them.
pub const APPLICATION: &[ApplicationTable] = &[
    ApplicationTable {
        name: "restaurants",
        feature: "",
        about: "",
        columns: &[
            column("id", Uuid, KEY),
            column("name", Text, "not null default ''").beside(),
            column(
                "timezone",
                Text,
                "not null default 'UTC' check ((timestamptz '2000-01-01 00:00:00+00' at time zone timezone) is not null)",
            )
            .about("An IANA name; an unknown one is refused by the conversion itself."),
        ],
        rules: &[],
    },
    ApplicationTable {
        name: "zones",
        feature: "",
        about: "",
        columns: &[
            column("id", Uuid, KEY),
            column("restaurant_id", Uuid, OF_RESTAURANT),
            column("name", Text, "not null default ''").beside(),
        ],
        rules: &["unique (id, restaurant_id)"],
    },
    ApplicationTable {
        name: "table_inventory",
        feature: "",
        about: "",
        columns: &[
            column("id", Uuid, KEY),
            column("restaurant_id", Uuid, OF_RESTAURANT),
            column("zone_id", Uuid, "").about("NULL: in no zone; such a table is given to nobody."),
            column("table_number", Text, NEEDED),
            column("capacity", Integer, "not null check (capacity > 0)"),
            column("min_party_size", Integer, "not null default 1 check (min_party_size > 0)")
                .about("The smallest party, where the restaurant's policy asks for it; NULL: any."),
            column("max_party_size", Integer, "check (max_party_size >= min_party_size)")
                .about("The largest party; NULL: as many as its capacity."),
            column("active", Boolean, "not null default true").about("Only an active table is given to a booking."),
            column("status", Enum("table_status"), "not null default 'available'")
                .added("not null default 'available'")
                .values(TABLE_STATUSES)
                .about("Attach makes it with an enum of its own, holdfast_table_status."),
            column("mobility", Any("app.table_mobility"), "not null default 'movable'")
                .values(&["movable"])
                .about("Only such tables are joined; any other value is a table that stays alone."),
        ],
        rules: &["unique (restaurant_id, table_number)", ZONE_OF_RESTAURANT],
    },
    ApplicationTable {
        name: "table_adjacencies",
        feature: "adjacency",
        about: "",
        columns: &[
            column("table_a", Uuid, "not null references app.table_inventory (id) on delete cascade"),
            column("table_b", Uuid, "not null references app.table_inventory (id) on delete cascade"),
        ],
        rules: &["primary key (table_a, table_b)", "check (table_a <> table_b)"],
    },
    ApplicationTable {
        name: "bookings",
        feature: "",
        about: "",
        columns: &[
            column("id", Uuid, KEY),
            column("restaurant_id", Uuid, OF_RESTAURANT),
            column("customer_id", Uuid, "").beside(),
            column("booking_date", Date, "").about("NULL: its instants say when it is."),
            column("start_time", Time, "").about("As booking_date."),
            column("end_time", Time, "").about("As booking_date."),
            column("start_at", Timestamp, "check (pg_catalog.isfinite(start_at))")
                .about("NULL: derived from date, times and the restaurant's time zone."),
            column("end_at", Timestamp, "check (pg_catalog.isfinite(end_at))").about("NULL: as start_at."),
            column("party_size", Integer, "not null check (party_size > 0)"),
            column("status", Enum("booking_status"), "not null default 'pending'"),
            column("assigned_zone_id", Uuid, "").about("The only zone of the booking's tables; NULL: any."),
            column("checked_in_at", Timestamp, "").null(),
            column("checked_out_at", Timestamp, "check (checked_out_at >= checked_in_at)").null(),
            column("created_at", Timestamp, NOW).beside(),
            column("updated_at", Timestamp, NOW),
            column("auto_assign_idempotency_key", Text, "check (auto_assign_idempotency_key ~ '\\S')").null().added(""),
            column("auto_assign_last_result", Jsonb, "").null().added(""),
        ],
        rules: &[
            "foreign key (assigned_zone_id, restaurant_id) references app.zones (id, restaurant_id)",
            "check (end_at > start_at)",
        ],
    },
    ApplicationTable {
        name: "booking_state_history",
        feature: "",
        about: "",
        columns: &[
            column("id", Any("bigint"), "generated always as identity primary key").beside(),
            column("booking_id", Uuid, OF_BOOKING).given(),
            column("from_status", Enum("booking_status"), "").given(),
            column("to_status", Enum("booking_status"), NEEDED).given(),
            column("changed_by", Uuid, "").null().given(),
            column("changed_at", Timestamp, "not null default pg_catalog.clock_timestamp()").given(),
            column("reason", Text, "").null().given(),
            column("metadata", Jsonb, DETAILS).given().optional(),
        ],
        rules: &[],
    },
    ApplicationTable {
        name: "booking_slots",
        feature: "slots",
        about: "",
        columns: &[
            column("id", Uuid, KEY),
            column("restaurant_id", Uuid, OF_RESTAURANT),
            column("slot_date", Date, NEEDED),
            column("slot_time", Time, NEEDED),
        ],
        rules: &["unique (restaurant_id, slot_date, slot_time)"],
    },
    ApplicationTable {
        name: "table_holds",
        feature: "",
        about: "",
        columns: &[
            column("id", Uuid, KEY).given(),
            column("booking_id", Uuid, "references app.bookings (id) on delete cascade")
                .null()
                .given()
                .about("NULL: taken before the booking was known."),
            column("restaurant_id", Uuid, OF_RESTAURANT).given(),
            column("zone_id", Uuid, "").null().given(),
            column("start_at", Timestamp, NEEDED).given(),
            column("end_at", Timestamp, NEEDED).given(),
            column("expires_at", Timestamp, NEEDED).given(),
            column("created_by", Uuid, "").null().given(),
            column("created_at", Timestamp, NOW).beside(),
            column("metadata", Jsonb, "default '{}'").given(),
            column("status", Enum("hold_status"), "not null default 'active'")
                .given()
                .values(HOLD_STATUSES)
                .about("A live or overdue hold is active, a released one cancelled."),
        ],
        rules: &[
            ZONE_OF_RESTAURANT,
            "constraint table_holds_window_valid check (end_at > start_at and pg_catalog.isfinite(start_at) and pg_catalog.isfinite(end_at))",
            "check (pg_catalog.isfinite(expires_at))",
        ],
    },
    ApplicationTable {
        name: "table_hold_members",
        feature: "",
        about: "",
        columns: &[
            column("hold_id", Uuid, "not null references app.table_holds (id) on delete cascade").given(),
            column("table_id", Uuid, OF_TABLE).given(),
        ],
        rules: &["primary key (hold_id, table_id)"],
    },
    ApplicationTable {
        name: "allocations",
        feature: "",
        about: "",
        columns: &[
            column("id", Uuid, KEY).made(NEW_ID),
            column("booking_id", Uuid, "references app.bookings (id) on delete cascade").null().given(),
            column("restaurant_id", Uuid, OF_RESTAURANT).given(),
            column("resource_type", Any("text"), "not null check (resource_type in ('table', 'merge_group', 'hold'))")
                .given()
                .values(&["table", "merge_group", "hold"]),
            column("resource_id", Uuid, NEEDED).given(),
            column(
                "window",
                Window,
                "not null check (not pg_catalog.isempty(\"window\") and pg_catalog.isfinite(pg_catalog.lower(\"window\")) \
                 and pg_catalog.isfinite(pg_catalog.upper(\"window\")) and pg_catalog.lower_inc(\"window\") \
                 and not pg_catalog.upper_inc(\"window\"))",
            )
            .given(),
            column("shadow", Boolean, "not null default false")
                .made("false")
                .about("The mirror of a hold: seen, but it does not block."),
            column("is_maintenance", Boolean, "not null default false")
                .made("false")
                .added("not null default false")
                .about("Blocks without a booking."),
            column("created_by", Uuid, "").null().given(),
            column("created_at", Timestamp, NOW).beside(),
        ],
        rules: &[
            "constraint allocations_booking_resource_key unique (booking_id, resource_type, resource_id)",
            // An id is of one table or group, so what it is and whose it is tells no two apart.
            "constraint allocations_no_overlap exclude using gist (resource_id with =, \"window\" with &&) where (not shadow)",
            "check (shadow = (resource_type = 'hold'))",
            "check (not is_maintenance or booking_id is null)",
            "check (booking_id is not null or is_maintenance or resource_type = 'hold')",
        ],
    },
    ApplicationTable {
        name: "booking_table_assignments",
        feature: "",
        about: "",
        columns: &[
            column("id", Uuid, KEY).made(NEW_ID),
            column("booking_id", Uuid, OF_BOOKING).given(),
            column("table_id", Uuid, OF_TABLE).given(),
            column("slot_id", Uuid, "references app.booking_slots (id)").null().given(),
            column("assigned_at", Timestamp, NOW).given(),
            column("assigned_by", Uuid, "").null().given(),
            column("idempotency_key", Text, "").null().given(),
            column("start_at", Timestamp, NEEDED).given(),
            column("end_at", Timestamp, NEEDED).given(),
            column("merge_group_id", Uuid, "").null().given(),
            column("allocation_id", Uuid, "references app.allocations (id) on delete set null")
                .given()
                .about("The allocation that keeps its time; NULL where other code gave the table."),
        ],
        rules: &[
            "constraint booking_table_assignments_booking_table_key unique (booking_id, table_id)",
            "check (end_at > start_at)",
        ],
    },
    ApplicationTable {
        name: "booking_assignment_idempotency",
        feature: "",
        about: "",
        columns: &[
            column("booking_id", Uuid, OF_BOOKING).given(),
            column("idempotency_key", Text, "not null check (idempotency_key ~ '\\S')").given(),
            column("table_ids", Uuids, NEEDED).given(),
            column("assignment_window", Window, NEEDED).given(),
            column("merge_group_allocation_id", Uuid, "").null().given(),
            column("table_set_hash", Text, "").null().given(),
            column("payload_checksum", Text, "").given().added(""),
            column("expires_at", Timestamp, "").given().added(""),
            column("created_at", Timestamp, NOW).given(),
            column("outcome", Text, "not null default 'confirmed'")
                .given()
                .added("not null default 'confirmed'")
                .about("holdfast: the answer bound to the key (see holdfast.outcomes), what was asked, what was given."),
            column("request", Jsonb, "").null().given().added(""),
            column("refusal", Jsonb, "").null().given().added(""),
            column("assignment_ids", Uuids, "").null().given().added(""),
            column("hold_id", Uuid, "").null().given().added(""),
            column("transaction_id", TransactionId, "").null().given().added(""),
            column("basis", Jsonb, "").null().given().added("").optional().by_attach_alone().about(
                "The window, derived from the booking or asked for, and the rows that were replaced and freed, for an undo to give back.",
            ),
        ],
        rules: &["primary key (booking_id, idempotency_key)"],
    },
    ApplicationTable {
        name: "booking_confirmation_results",
        feature: "results",
        about: "",
        columns: &[
            column("booking_id", Uuid, OF_BOOKING).given(),
            column("idempotency_key", Text, NEEDED).given(),
            column("hold_id", Uuid, "").null().given(),
            column("restaurant_id", Uuid, OF_RESTAURANT).given(),
            column("table_ids", Uuids, NEEDED).given(),
            column("assignment_window", Window, NEEDED).given(),
            column("actor_id", Uuid, "").null().given(),
            column("metadata", Jsonb, DETAILS).given(),
            column("created_at", Timestamp, NOW).given(),
        ],
        rules: &["primary key (booking_id, idempotency_key)"],
    },
    ApplicationTable {
        name: "capacity_outbox",
        feature: "outbox",
        about: "",
        columns: &[
            column("id", Any("bigint"), "generated always as identity primary key").beside(),
            column(
                "status",
                Any("text"),
                "not null default 'pending' check (status in ('pending', 'processing', 'done', 'dead'))",
            )
            .given()
            .values(&["pending", "processing", "done", "dead"]),
            column("event_type", Text, NEEDED).given(),
            column("dedupe_key", Text, NEEDED).given(),
            column("attempt_count", Integer, "not null default 0 check (attempt_count >= 0)").given(),
            column("next_attempt_at", Timestamp, NOW).given(),
            column("restaurant_id", Uuid, NEEDED).given(),
            column("booking_id", Uuid, "").null().given().about("NULL: an event of a hold without a booking."),
            column("idempotency_key", Text, "").null().given(),
            column("payload", Jsonb, DETAILS).given(),
            column("created_at", Timestamp, NOW).beside(),
            column("claimed_by", Text, "")
                .null()
                .added("")
                .optional()
                .about("holdfast: who works on it, and why it failed."),
            column("last_error", Text, "").null().added("").optional(),
        ],
        rules: &[],
    },
];

/// Unique where there is a value; most rows have none.
pub const REFERENCE_UNIQUE: &[&str] =
    &["create unique index booking_confirmation_results_hold_id_key on app.booking_confirmation_results (hold_id) \
     where hold_id is not null"];

/// Tables whose rows change without a change of what is indexed: room in a page lets the new version stay beside the old.
/// Not table_holds, whose status and deadline are both indexed.
pub const FILL_FACTORS: &[(&str, u8)] = &[("bookings", 85)];

/// A table that services of the application share with us, and that our statements do not touch.
pub const BESIDE: &[ApplicationTable] = &[ApplicationTable {
    name: "observability_events",
    feature: "",
    about: "",
    columns: &[
        column("id", Any("bigint"), "generated always as identity primary key").beside(),
        column("source", Text, NEEDED).beside(),
        column("event_type", Text, NEEDED).beside(),
        column("severity", Text, "not null check (severity in ('info', 'warning', 'error', 'critical'))").beside(),
        column("context", Jsonb, DETAILS).beside(),
        column("restaurant_id", Uuid, "").beside(),
        column("booking_id", Uuid, "").beside(),
        column("created_at", Timestamp, NOW).beside(),
    ],
    rules: &[],
}];

/// The enums of the reference schema, with their labels.
pub const ENUMS: &[(&str, &[&str])] = &[
    ("table_status", TABLE_STATUSES),
    ("table_mobility", &["movable", "fixed"]),
    (
        "booking_status",
        &[
            "confirmed",
            "pending",
            "cancelled",
            "completed",
            "PRIORITY_WAITLIST",
            "no_show",
            "pending_allocation",
            "checked_in",
        ],
    ),
    ("hold_status", HOLD_STATUSES),
];
