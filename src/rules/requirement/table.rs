//! Tables and columns.

use super::attach::TABLES;
use super::facts::{Column, Facts, TableFacts, TriggerFacts};
use super::{DoctorFinding, MendStep, State, quoted};

/// A table of the contract.
pub struct Needed {
    pub table: &'static str,
    /// The feature that an optional table carries; empty: a confirm cannot do without it.
    pub feature: &'static str,
    /// Lines of `name type flag…`. Flags: `null` we write NULL at times, `given` our inserts fill it, `made` its
    /// default fills it, `added` attach adds it, `optional` a call goes without it where it is not there.
    pub columns: &'static str,
}

/// Columns by their use; `enum` is any enum of the application, `any` any type.
pub const NEEDED: &[Needed] = &[
    Needed { table: "restaurants", feature: "", columns: "id uuid, timezone text" },
    Needed { table: "zones", feature: "", columns: "id uuid, restaurant_id uuid" },
    Needed {
        table: "table_inventory",
        feature: "",
        columns: "id uuid, restaurant_id uuid, zone_id uuid, table_number text, capacity integer, min_party_size integer,
            max_party_size integer, active boolean, status enum added, mobility any",
    },
    Needed {
        table: "bookings",
        feature: "",
        columns: "id uuid, restaurant_id uuid, booking_date date, start_time time, end_time time, start_at timestamptz,
            end_at timestamptz, party_size integer, status enum, assigned_zone_id uuid, checked_in_at timestamptz null,
            checked_out_at timestamptz null, updated_at timestamptz, auto_assign_idempotency_key text null added,
            auto_assign_last_result jsonb null added",
    },
    Needed {
        table: "booking_state_history",
        feature: "",
        columns: "booking_id uuid given, from_status enum given, to_status enum given, changed_by uuid null given,
            changed_at timestamptz given, reason text null given, metadata jsonb given optional",
    },
    Needed {
        table: "table_holds",
        feature: "",
        columns: "id uuid given, booking_id uuid null given, restaurant_id uuid given, zone_id uuid null given,
            start_at timestamptz given, end_at timestamptz given, expires_at timestamptz given, created_by uuid null given,
            metadata jsonb given, status enum given",
    },
    Needed { table: "table_hold_members", feature: "", columns: "hold_id uuid given, table_id uuid given" },
    Needed {
        table: "allocations",
        feature: "",
        columns: "id uuid made, booking_id uuid null given, restaurant_id uuid given, resource_type any given,
            resource_id uuid given, window tstzrange given, shadow boolean made, is_maintenance boolean made added,
            created_by uuid null given",
    },
    Needed {
        table: "booking_table_assignments",
        feature: "",
        columns: "id uuid made, booking_id uuid given, table_id uuid given, slot_id uuid null given,
            assigned_at timestamptz given, assigned_by uuid null given, idempotency_key text null given,
            start_at timestamptz given, end_at timestamptz given, merge_group_id uuid null given, allocation_id uuid given",
    },
    Needed {
        table: "booking_assignment_idempotency",
        feature: "",
        columns: "booking_id uuid given, idempotency_key text given, table_ids uuid[] given, assignment_window tstzrange given,
            merge_group_allocation_id uuid null given, table_set_hash text null given, payload_checksum text given added,
            expires_at timestamptz given added, created_at timestamptz given, outcome text given added, request jsonb null given added,
            refusal jsonb null given added, assignment_ids uuid[] null given added, hold_id uuid null given added,
            transaction_id xid8 null given added, basis jsonb null given added optional",
    },
    Needed { table: "table_adjacencies", feature: "adjacency", columns: "table_a uuid, table_b uuid" },
    Needed {
        table: "booking_slots",
        feature: "slots",
        columns: "id uuid, restaurant_id uuid, slot_date date, slot_time time",
    },
    Needed {
        table: "booking_confirmation_results",
        feature: "results",
        columns: "booking_id uuid given, idempotency_key text given, hold_id uuid null given, restaurant_id uuid given,
            table_ids uuid[] given, assignment_window tstzrange given, actor_id uuid null given, metadata jsonb given,
            created_at timestamptz given",
    },
    Needed { table: "holdfast_out_of_service", feature: "out_of_service", columns: "table_id uuid given" },
    Needed {
        table: "holdfast_hold_policy",
        feature: "hold_policy",
        columns: "ending text, mirrors boolean, to_window_end boolean, longest_seconds integer",
    },
    Needed {
        table: "holdfast_ended_holds",
        feature: "ended_holds",
        columns: "hold_id uuid, booking_id uuid, restaurant_id uuid, ended text, idempotency_key text, table_ids uuid[],
            start_at timestamptz, end_at timestamptz, expires_at timestamptz, ended_at timestamptz",
    },
    Needed { table: "holdfast_pruned", feature: "forgotten", columns: "booking_id uuid, until timestamptz" },
    Needed {
        table: "capacity_outbox",
        feature: "outbox",
        columns: "status any given, event_type text given, dedupe_key text given, attempt_count integer given,
            next_attempt_at timestamptz given, restaurant_id uuid given, booking_id uuid null given,
            idempotency_key text null given, payload jsonb given, claimed_by text null added optional,
            last_error text null added optional",
    },
];

/// One column of a table of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeededColumn {
    pub name: &'static str,
    kind: &'static str,
    flags: &'static str,
}

impl NeededColumn {
    #[must_use]
    pub fn is(&self, flag: &str) -> bool {
        self.flags.split_whitespace().any(|given| given == flag)
    }

    /// Has to be there for a call to work; before attach, what attach can add does not count.
    #[must_use]
    pub fn is_required(&self, attached: bool) -> bool {
        !self.is("optional") && (attached || !(self.is("added") || self.is("null")))
    }
}

impl Needed {
    pub fn columns(&self) -> impl Iterator<Item = NeededColumn> + use<> {
        self.columns.split(',').filter_map(|line| {
            let (name, rest) = line.trim().split_once(' ')?;
            let (kind, flags) = rest.split_once(' ').unwrap_or((rest, ""));
            Some(NeededColumn { name, kind, flags })
        })
    }

    fn is_optional(&self) -> bool {
        !self.feature.is_empty()
    }
}

pub(super) fn findings(facts: &Facts) -> Vec<DoctorFinding> {
    let theirs = NEEDED.iter().filter(|needed| !TABLES.contains(&needed.table));
    let mut found: Vec<DoctorFinding> = theirs.flat_map(|needed| of_table(facts, needed)).collect();
    found.extend(TABLES.iter().map(|table| of_ours(facts, table)));
    found.extend(facts.holds.iter().flat_map(|holds| super::status::of_holds(facts, *holds)));
    found.extend(facts.triggers.iter().filter_map(|trigger| of_trigger(facts, trigger)));
    found
}

fn of_table(facts: &Facts, needed: &Needed) -> Vec<DoctorFinding> {
    let name = needed.table;
    let what = format!("table {name}");
    let Some(table) = facts.table(name) else {
        return vec![absent(needed, what)];
    };
    if !["r", "p"].contains(&table.kind.as_str()) {
        let why = "it is not a table of this database: rows cannot be locked in it, and a promise cannot be kept";
        return vec![DoctorFinding::new(what, State::Wrong, "G1", why)];
    }
    let mut found = vec![DoctorFinding::new(what, State::Ok, "G1", "the table is there")];
    if table.row_security && !table.hides_rows {
        let why = "row security is on: the functions act as the owner of bookings, who has to see every row of it, or a check misses some; no policy keeps a role that may execute them from any booking of the schema, so grant them to services that judge that themselves, or create the table holdfast_row_security () in the schema";
        found.push(DoctorFinding::new(format!("row security of {name}"), State::Risky, "G9", why));
    }
    found.extend(needed.columns().filter_map(|column| of_column(facts, table, column)));
    found.extend(table.columns.iter().filter_map(|column| unfilled(facts, needed, column)));
    found
}

/// A table that attach creates.
fn of_ours(facts: &Facts, table: &str) -> DoctorFinding {
    let what = format!("table {table}");
    if facts.table(table).is_some() {
        return DoctorFinding::new(what, State::Ok, "", "attach created it, and keeps what is in it");
    }
    let why = match facts.attached {
        true => "attach created it and it is gone, or it is new in this release: attach again",
        false => "attach creates it",
    };
    let statement = format!("select holdfast.attach({})", super::literal(&facts.schema));
    DoctorFinding::new(what, State::Missing, "", why).mend(MendStep::Attach, [statement])
}

fn absent(needed: &Needed, what: String) -> DoctorFinding {
    if needed.is_optional() {
        let why = format!("the schema goes without it: what it would carry ({}) is left out", needed.feature);
        return DoctorFinding::new(what, State::Ok, "", why);
    }
    let why = format!(
        "every call works on it, and its columns are the application's to choose; sql/reference_schema shows them: {}",
        needed.columns().map(|column| column.name).collect::<Vec<_>>().join(", ")
    );
    DoctorFinding::new(what, State::Missing, "G1", why)
}

/// A type of PostgreSQL as `format_type` writes it.
fn full_type(kind: &str) -> &str {
    match kind {
        "timestamptz" => "timestamp with time zone",
        "time" => "time without time zone",
        other => other,
    }
}

fn fits(kind: &str, column: &Column) -> bool {
    // A domain is read and written as the type under it; the server checks what else it asks for.
    let found = if column.type_kind == "d" { column.base_type.as_str() } else { column.type_name.as_str() };
    match kind {
        "any" => true,
        "enum" => column.type_kind == "e",
        "text" => ["text", "character varying", "character", "name"].contains(&found),
        "integer" => ["integer", "smallint"].contains(&found),
        other => found == full_type(other),
    }
}

/// The type of a status of tables, where the application has none; a name of ours, so that none of theirs is meant.
const TABLE_STATUS: &str = "holdfast_table_status";

/// The type, where an earlier attach has not made it.
fn makes_type(kind: &str) -> String {
    let labels = "'available', 'reserved', 'occupied', 'out_of_service'";
    let body = format!(
        "begin if pg_catalog.to_regtype({}) is null then create type {kind} as enum ({labels}); end if; end",
        super::literal(kind)
    );
    format!("do {}", super::literal(&body))
}

fn of_column(facts: &Facts, table: &TableFacts, needed: NeededColumn) -> Option<DoctorFinding> {
    let name = needed.name;
    let what = format!("column {}.{name}", table.name);
    let on = format!("{}.{}", facts.schema, quoted(&table.name));
    let brief = || MendStep::Brief { table: table.name.clone() };
    let Some(column) = table.columns.iter().find(|column| column.name == name) else {
        if needed.is("optional") && !needed.is("added") {
            return Some(DoctorFinding::new(
                what,
                State::Ok,
                "",
                "the schema goes without it: what it would carry is left out",
            ));
        }
        let default = match needed.kind {
            "text" if name == "outcome" => " not null default 'confirmed'",
            "boolean" if needed.is("made") => " not null default false",
            "enum" => " not null default 'available'",
            _ => "",
        };
        let finding = DoctorFinding::new(what, State::Missing, "G1", "our statements read or write it");
        let added = needed.is("added") || needed.is("null");
        let kind =
            if needed.kind == "enum" { format!("{}.{TABLE_STATUS}", facts.schema) } else { needed.kind.to_owned() };
        let statement = format!("alter table {on} add column if not exists {} {kind}{default}", quoted(name));
        return Some(if added {
            let made = (needed.kind == "enum").then(|| makes_type(&kind));
            finding
                .mend(brief(), made.into_iter().chain([statement]))
                .undo(format!("alter table {on} drop column if exists {}", quoted(name)))
        } else {
            DoctorFinding {
                why: format!("{}; which value old rows get is the application's to say", finding.why),
                ..finding
            }
        });
    };
    if !fits(needed.kind, column) {
        let why = format!("it is {}, and our statements take {}", column.type_name, needed.kind);
        return Some(DoctorFinding::new(what, State::Wrong, "G1", why));
    }
    if needed.is("null") && column.not_null {
        let why = "a call may leave it NULL, and the constraint would refuse that in the middle of it";
        let alter = format!("alter table {on} alter column {}", quoted(name));
        return Some(
            DoctorFinding::new(what, State::Wrong, "G1", why)
                .mend(brief(), [format!("{alter} drop not null")])
                .undo(format!("{alter} set not null")),
        );
    }
    if needed.is("made") && !column.filled {
        let why = "our inserts leave it to its default, and it has none";
        let default = if needed.kind == "uuid" { "pg_catalog.gen_random_uuid()" } else { "false" };
        let alter = format!("alter table {on} alter column {}", quoted(name));
        return Some(
            DoctorFinding::new(what, State::Wrong, "G1", why)
                .mend(brief(), [format!("{alter} set default {default}")])
                .undo(format!("{alter} drop default")),
        );
    }
    if needed.is("given") && column.computed {
        return Some(DoctorFinding::new(what, State::Wrong, "G1", "the table computes it, and our inserts write it"));
    }
    None
}

/// A column that we do not know, that has to have a value, and that nothing fills.
fn unfilled(facts: &Facts, needed: &Needed, column: &Column) -> Option<DoctorFinding> {
    let written = needed.columns().any(|known| known.is("given"));
    let known = needed.columns().any(|known| known.name == column.name);
    if !written || known || !column.not_null || column.filled {
        return None;
    }
    let table = needed.table;
    let what = format!("column {table}.{}", column.name);
    let trigger = facts.triggers.iter().find(|trigger| {
        trigger.table == table && trigger.before_row && trigger.on_insert && trigger.body.contains(&column.name)
    });
    Some(match trigger {
        Some(trigger) => {
            let why = format!("it has no default; trigger {} has to fill it at every insert of ours", trigger.name);
            DoctorFinding::new(what, State::Risky, "G1", why)
        }
        None => {
            let why = "it must have a value, and nothing fills it: our inserts would fail with 23502; give it a default, which one is the application's to say";
            DoctorFinding::new(what, State::Wrong, "G1", why)
        }
    })
}

fn of_trigger(facts: &Facts, trigger: &TriggerFacts) -> Option<DoctorFinding> {
    if !NEEDED.iter().any(|needed| needed.table == trigger.table) {
        return None;
    }
    let what = format!("trigger {} on {}", trigger.name, trigger.table);
    if trigger.of_constraint && trigger.enabled == "D" {
        let why = "the trigger of a constraint is disabled: rows that break it go in unseen";
        let on = format!("{}.{}", facts.schema, quoted(&trigger.table));
        let statement = format!("alter table {on} enable trigger {}", quoted(&trigger.name));
        let brief = MendStep::Brief { table: trigger.table.clone() };
        return Some(DoctorFinding::new(what, State::Risky, "G1", why).mend(brief, [statement]));
    }
    let body = super::body::plain(&trigger.body);
    if trigger.before_row && body.contains("return null") {
        let why =
            "it can swallow a row that we write; the call is then refused whole (broken_invariant), never half done";
        return Some(DoctorFinding::new(what, State::Risky, "G1", why));
    }
    None
}
