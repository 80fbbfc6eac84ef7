//! Calls of every kind with any arguments.

use holdfast_e2e::Dice;
use uuid::Uuid;

use super::world::{WINDOWS, World, chance, one};

/// One argument after another, as SQL has them.
struct Arguments<'a> {
    world: &'a World,
    dice: &'a mut Dice,
    given: Vec<String>,
}

impl Arguments<'_> {
    fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.given.push(format!("{name} => {value}"));
        self
    }

    fn sometimes(self, percent: usize, name: &str, values: &[&str]) -> Self {
        if !chance(self.dice, percent) {
            return self;
        }
        let value = one(self.dice, values);
        self.with(name, value)
    }

    fn booking(self) -> Self {
        let booking = booking(self.world, self.dice);
        self.with("p_booking_id", format!("'{booking}'"))
    }

    fn tables(self, name: &str) -> Self {
        let tables = tables(self.world, self.dice);
        self.with(name, format!("'{{{}}}'", tables.join(",")))
    }

    fn hold(self) -> Self {
        let hold = hold(self.world, self.dice);
        self.with("p_hold_id", hold)
    }

    fn key(self) -> Self {
        let key = key(self.world, self.dice);
        self.with("p_idempotency_key", key)
    }

    /// What every confirm may be told besides.
    fn history(self) -> Self {
        self.sometimes(15, "p_history_reason", &["'why'", "null", "''"])
            .sometimes(15, "p_history_metadata", &["'{\"a\": [1, null, \"x\"]}'", "null", "'[]'"])
            .sometimes(15, "p_history_changed_by", &["'00000000-0000-4000-8000-00000000000a'", "null"])
    }

    fn window(mut self, names: [&str; 2]) -> Self {
        if chance(self.dice, 15) {
            let (start, end) = one(self.dice, &WINDOWS);
            self = self.with(names[0], format!("'{start}'"));
            if chance(self.dice, 95) {
                self = self.with(names[1], format!("'{end}'"));
            }
        }
        self
    }

    fn call(mut self, function: &str) -> String {
        if function.starts_with("holdfast.") {
            self = self.with("p_schema", "'public'");
        }
        format!("select to_jsonb(answer) from {function}({}) as answer", self.given.join(", "))
    }
}

fn booking(world: &World, dice: &mut Dice) -> Uuid {
    if chance(dice, 2) { Uuid::nil() } else { one(dice, &world.bookings) }
}

fn tables(world: &World, dice: &mut Dice) -> Vec<String> {
    let count = one(dice, &[1, 1, 1, 1, 2, 2, 2, 3, 3, 0]);
    let first = dice.roll(world.tables.len());
    let mut tables: Vec<String> = (0..count)
        .map(|number| {
            let beside = if chance(dice, 85) { first + number } else { dice.roll(world.tables.len()) };
            world.tables[beside % world.tables.len()].to_string()
        })
        .collect();
    if chance(dice, 2) {
        tables.push(one(dice, &["NULL", "00000000-0000-4000-8000-00000000dead"]).to_owned());
    }
    tables
}

fn hold(world: &World, dice: &mut Dice) -> String {
    if world.holds.is_empty() || chance(dice, 45) {
        // One that a call before has made.
        let booking = one(dice, &world.bookings);
        return format!(
            "(select id from public.table_holds where booking_id = '{booking}' order by expires_at desc limit 1)"
        );
    }
    format!("'{}'", if chance(dice, 3) { Uuid::nil() } else { one(dice, &world.holds) })
}

fn key(world: &World, dice: &mut Dice) -> String {
    match dice.roll(20) {
        0 => "null".to_owned(),
        1 => "' '".to_owned(),
        2 => format!("'stored {}'", one(dice, &world.bookings)),
        _ => format!("'key {}'", dice.roll(4)),
    }
}

const TARGETS: [&str; 7] =
    ["'confirmed'", "null", "'checked_in'", "'cancelled'", "'pending_allocation'", "'completed'", "'no_show'"];
const ACTORS: [&str; 2] = ["'00000000-0000-4000-8000-00000000000b'", "null"];
const YES: [&str; 2] = ["true", "false"];

/// A call of any kind. What a session remembers of attempts outlives a rollback: who asks for it has to be told the same.
pub fn call(world: &World, dice: &mut Dice) -> String {
    let kind = dice.roll(60);
    let any = Arguments { world, dice, given: Vec::new() };
    match kind {
        0..=9 => any
            .booking()
            .tables("p_table_ids")
            .key()
            .history()
            .window(["p_start_at", "p_end_at"])
            .sometimes(20, "p_require_adjacency", &YES)
            .sometimes(20, "p_assigned_by", &ACTORS)
            .sometimes(10, "p_target_status", &TARGETS)
            .call(if kind < 7 { "public.confirm_hold_assignment_with_transition" } else { "holdfast.confirm_tables" }),
        10..=17 => any
            .hold()
            .booking()
            .key()
            .history()
            .window(["p_window_start", "p_window_end"])
            .sometimes(20, "p_require_adjacency", &YES)
            .sometimes(20, "p_assigned_by", &ACTORS)
            .sometimes(60, "p_target_status", &TARGETS[..3])
            .call(if kind < 15 { "public.confirm_hold_assignment_tx" } else { "holdfast.confirm_hold" }),
        18..=21 => any.booking().hold().key().history().call("public.atomic_confirm_and_transition"),
        22 => {
            any.booking().hold().key().with("p_timeout_ms", 20_000).call("public.atomic_confirm_and_transition_within")
        }
        23..=25 => any
            .booking()
            .tables("p_table_ids")
            .key()
            .window(["p_start_at", "p_end_at"])
            .sometimes(20, "p_require_adjacency", &YES)
            .call("public.assign_tables_atomic_v2"),
        26 => any.booking().tables("p_table_ids").key().call("public.assign_merged_tables"),
        27..=29 => seldom(any, kind),
        30..=33 => any.booking().transition(),
        34..=39 => any
            .booking()
            .tables("p_table_ids")
            .window(["p_start_at", "p_end_at"])
            .with("p_ttl_seconds", 7_200)
            .sometimes(20, "p_created_by", &ACTORS)
            .sometimes(20, "p_metadata", &["'{\"policyVersion\": \"1\"}'", "null", "'{\"requireAdjacency\": true}'"])
            .sometimes(20, "p_idempotency_key", &["'key 0'", "'key 1'"])
            .call("public.hold_tables"),
        40..=41 => any.hold().with("p_ttl_seconds", 9_000).call("public.extend_hold"),
        42..=44 => any.hold().sometimes(20, "p_actor_id", &ACTORS).call("public.release_hold_and_emit"),
        45..=48 => any.booking().key().history().call("public.undo_confirm"),
        49..=51 => many(any),
        _ => seldom(any, kind),
    }
}

fn seldom(any: Arguments<'_>, kind: usize) -> String {
    match kind {
        27 => {
            let table = one(any.dice, &any.world.tables);
            any.booking().key().with("p_table_id", format!("'{table}'")).call("public.assign_single_table")
        }
        28 => any.booking().call("public.unassign_tables_atomic"),
        29 => any.booking().tables("p_table_ids").call("public.unassign_tables_atomic"),
        52 => any.booking().call("public.reconcile_booking"),
        53 => any.booking().sometimes(60, "p_dry_run", &["false"]).call("public.repair_booking"),
        54 => {
            any.booking().tables("p_table_ids").key().window(["p_start_at", "p_end_at"]).call("public.explain_confirm")
        }
        55 => any.booking().key().call("public.confirm_outcome"),
        56 => any.booking().key().call("public.fence_attempt"),
        57 => any.booking().hold().with("p_timeout_ms", 20_000).call("public.run_auto_assign"),
        58 => {
            let table = one(any.dice, &any.world.tables);
            any.with("p_table_id", format!("'{table}'")).call("public.refresh_table_status")
        }
        _ if chance(any.dice, 50) => any.call("holdfast.sweep"),
        _ => any.with("p_consumer", "'reader'").with("p_limit", 5).call("public.outbox_claim"),
    }
}

impl Arguments<'_> {
    fn transition(self) -> String {
        let statuses = ["'pending'", "'confirmed'", "'checked_in'", "'cancelled'", "'completed'", "'no_show'"];
        let (from, to) = (one(self.dice, &statuses), one(self.dice, &statuses));
        let arrived = one(self.dice, &["null", "'2027-05-01 18:05Z'"]);
        let left = one(self.dice, &["null", "null", "'2027-05-01 20:05Z'"]);
        self.with("p_status", to)
            .with("p_checked_in_at", arrived)
            .with("p_checked_out_at", left)
            .with("p_updated_at", "'2027-05-01 18:05Z'")
            .with("p_history_from", from)
            .with("p_history_to", to)
            .with("p_history_changed_by", "null")
            .with("p_history_changed_at", "'2027-05-01 18:05Z'")
            .with("p_history_reason", "'moved'")
            .call("public.apply_booking_state_transition")
    }
}

/// A list of up to five, some of them in groups.
fn many(any: Arguments<'_>) -> String {
    let Arguments { world, dice, .. } = any;
    let items: Vec<String> = (0..1 + dice.roll(5))
        .map(|_| {
            let what = if chance(dice, 60) {
                format!("'table_ids', '{{{}}}'::uuid[]", tables(world, dice).join(","))
            } else {
                format!("'hold_id', {}::uuid", hold(world, dice))
            };
            let group = if chance(dice, 40) { ", 'group', 'family'" } else { "" };
            let key = key(world, dice);
            format!(
                "jsonb_strip_nulls(jsonb_build_object('booking_id', '{}', {what}, 'idempotency_key', {key}{group}))",
                booking(world, dice)
            )
        })
        .collect();
    let mode = one(dice, &["'raise'", "'isolate'"]);
    Arguments { world, dice, given: Vec::new() }
        .with("p_items", format!("jsonb_build_array({})", items.join(", ")))
        .with("p_mode", mode)
        .call("public.confirm_many")
}
