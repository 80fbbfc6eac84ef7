//! One evening, and calls that together write every table that a call writes: done after the schema was made otherwise.

use std::thread;

use holdfast_e2e::{
    Call, Dice, Floor, Refusal, Room, assign, at, atomic_confirm, check_in, confirm, confirm_hold, native, number,
    unassign,
};
use serde_json::json;
use uuid::Uuid;

use super::{Pair, Step, Within, left, step};

/// A table that calls write, and columns of it that they fill: a text, an id, an instant; empty where it has none.
struct Written {
    name: &'static str,
    text: &'static str,
    id: &'static str,
    at: &'static str,
}

const WRITTEN: [Written; 10] = [
    Written { name: "allocations", text: "resource_type", id: "resource_id", at: "created_at" },
    Written { name: "booking_table_assignments", text: "idempotency_key", id: "table_id", at: "start_at" },
    Written { name: "booking_assignment_idempotency", text: "payload_checksum", id: "booking_id", at: "created_at" },
    Written { name: "booking_confirmation_results", text: "idempotency_key", id: "booking_id", at: "created_at" },
    Written { name: "booking_state_history", text: "reason", id: "booking_id", at: "changed_at" },
    Written { name: "capacity_outbox", text: "dedupe_key", id: "booking_id", at: "next_attempt_at" },
    Written { name: "bookings", text: "auto_assign_idempotency_key", id: "restaurant_id", at: "updated_at" },
    Written { name: "table_holds", text: "", id: "booking_id", at: "expires_at" },
    Written { name: "table_hold_members", text: "", id: "table_id", at: "" },
    Written { name: "table_inventory", text: "table_number", id: "zone_id", at: "" },
];

/// Frees what keeps a column from being altered.
const FREE: &str = "drop view public.holdfast_inconsistent_bookings cascade;
  do $$ declare k record; begin
    for k in select conname, conrelid::regclass as name from pg_constraint
             where '$T'::regclass in (conrelid, confrelid) and contype in ('f', 'x') loop
      execute format('alter table %s drop constraint %I', k.name, k.conname); end loop;
    for k in select indexrelid::regclass as name from pg_index where indrelid = '$T'::regclass and not indisunique and not indisexclusion loop
      execute format('drop index %s', k.name); end loop;
    for k in select conname, conrelid::regclass as name from pg_constraint where conrelid = '$T'::regclass and contype = 'c' loop
      execute format('alter table %s drop constraint %I', k.name, k.conname); end loop;
  end $$";

pub struct Stage {
    pub pair: Pair,
    pub room: Room,
    /// Has nothing.
    pub fresh: Uuid,
    /// Is confirmed on the first table under `done`.
    pub done: Uuid,
    /// Has the second and third held.
    pub held: Uuid,
    pub hold: Uuid,
    /// Comes later, has nothing.
    pub later: Uuid,
    wrong: Vec<String>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let (count, wrong) = (self.wrong.len(), self.wrong.join("\n\n"));
        assert!(count == 0 || thread::panicking(), "{count} of the alterations differ:\n{wrong}");
    }
}

impl Stage {
    pub fn new() -> Stage {
        let mut pair = Pair::new(Floor::new());
        let floor = &mut pair.floor;
        let room = floor.room(4);
        let done = floor.booking(room.restaurant);
        floor.done(&confirm(done, &room.tables[..1], "done"));
        let (held, hold) = floor.held(&room, &room.tables[1..3]);
        floor.run("update public.table_holds set expires_at = '2027-06-01Z'");
        let fresh = floor.booking(room.restaurant);
        let later = floor.booking_at(room.restaurant, at("21:00"), at("22:00"));
        pair.settle();
        Stage { pair, room, fresh, done, held, hold, later, wrong: Vec::new() }
    }

    pub fn by_hold(&self) -> Call {
        confirm_hold(self.hold, self.held, "by hold")
    }

    pub fn by_table(&self) -> Call {
        confirm(self.fresh, &self.room.tables[3..], "by table")
    }

    /// The calls, in an order in which each has something to do.
    pub fn calls(&self) -> Vec<Call> {
        let tables = &self.room.tables;
        vec![
            self.by_table(),
            self.by_hold(),
            Call::new("hold_tables").with("p_booking_id", self.later).with("p_table_ids", &tables[..2]),
            Call::new("undo_confirm").with("p_booking_id", self.done).with("p_idempotency_key", "done"),
            Call::new("release_hold_and_emit").with("p_hold_id", self.hold),
            check_in(self.fresh, "confirmed"),
            assign(self.later, &tables[2..3], "assigned"),
            Call::new("confirm_many").with(
                "p_items",
                json!([{"booking_id": self.later, "table_ids": &tables[2..4], "idempotency_key": "many"}]),
            ),
            unassign(self.held),
            atomic_confirm(self.held, self.hold, "again"),
            native("sweep"),
            self.by_table(),
        ]
    }

    /// The steps of the calls; the first few of them unless all are asked for.
    pub fn steps(&self, all: bool) -> Vec<Step> {
        let calls = self.calls();
        calls[..if all { calls.len() } else { 4 }].iter().map(asked).collect()
    }

    /// The calls after something was done in their transaction, to a session that has done some before.
    #[track_caller]
    pub fn same_after(&mut self, before: &str) {
        if let Some(refusal) = self.hindrance(before) {
            panic!("this can't be done: {before}\n{refusal:?}");
        }
        let all = number("HOLDFAST_TABLES", 1) > 1;
        let warm = [self.by_hold(), self.by_table()].map(|call| Step { within: Within::RolledBack, ..asked(&call) });
        let warm = warm.into_iter().take(if all { 2 } else { 1 });
        let altered = Step { sql: before.to_owned(), within: Within::Transaction };
        let steps: Vec<Step> = warm.chain([altered]).chain(self.steps(all)).collect();
        self.same(before, &steps);
    }

    /// The steps by both paths. What differs is told when all is done.
    pub fn same(&mut self, what: &str, steps: &[Step]) {
        self.same_by("auto", what, steps);
    }

    pub fn same_by(&mut self, path: &str, what: &str, steps: &[Step]) {
        let differences = self.pair.differences(path, "", steps).0;
        if !differences.is_empty() {
            self.wrong.push(format!("{what}\n{}", differences.join("\n")));
        }
    }

    /// Why something can't be done here.
    pub fn hindrance(&mut self, before: &str) -> Option<Refusal> {
        let refused = self.pair.floor.try_run(&format!("begin; {before}")).err();
        left::rewind(&mut self.pair.floor);
        refused
    }

    /// Each alteration, `$T` being a table that calls write: one of them, or `HOLDFAST_TABLES` of them.
    pub fn same_after_each(&mut self, alterations: &[&str]) {
        let (tables, seed) = (number("HOLDFAST_TABLES", 1), number("HOLDFAST_SEED", 20_261_128));
        for (place, alteration) in alterations.iter().enumerate() {
            let first = Dice::new((seed + 977 * place) as u64).roll(WRITTEN.len());
            let lacks = |table: &Written| {
                (table.text.is_empty() && alteration.contains("$text"))
                    || (table.at.is_empty() && alteration.contains("$at"))
            };
            let fit = (0..WRITTEN.len()).map(|number| &WRITTEN[(first + number) % WRITTEN.len()]);
            let named = fit.filter(|table| !lacks(table)).map(|table| named(alteration, table));
            let mut done = 0;
            for before in named {
                if done < tables && self.hindrance(&before).is_none() {
                    self.same_after(&before);
                    done += 1;
                }
            }
            assert!(done > 0, "this can't be done to any table: {alteration}");
        }
    }
}

pub fn asked(call: &Call) -> Step {
    step(format!("select to_jsonb(answer) from {} as answer", call.sql()))
}

fn named(alteration: &str, table: &Written) -> String {
    alteration
        .replace("$free", FREE)
        .replace("$T", &format!("public.{}", table.name))
        .replace("$name", table.name)
        .replace("$text", table.text)
        .replace("$id", table.id)
        .replace("$at", table.at)
}
