//! A table's status of now, where it changes and where it need not.

use holdfast_e2e::Call;

use super::rights::PLAIN;
use super::stage::{Stage, asked};
use super::{Step, Within};

/// What else has the fourth table, and since when; `$t`, `$r` and `$b` are the table, its restaurant, and a booking.
const THERE: &[&str] = &[
    "",
    "select public.allocated('[2020-01-01, 2040-01-01)')",
    "select public.allocated('[2020-01-01, 2021-01-01)')",
    "select public.allocated('[2040-01-01, 2041-01-01)')",
    "select public.allocated('[2020-01-01, 2021-01-01)'), public.allocated('[2040-01-01, 2041-01-01)')",
    "select public.allocated('[2040-01-01,)')",
    "select public.allocated('(,2021-01-01)')",
    "select public.allocated('[2020-01-01,)')",
    "select public.allocated('empty')",
    "select public.allocated('[2020-01-01, 2040-01-01)'); update public.allocations set shadow = true where resource_id = '$t'",
    "select public.allocated('[2020-01-01, 2040-01-01)'); update public.bookings set status = 'checked_in' where id = '$b'",
    "select public.allocated('[2020-01-01, 2040-01-01)'); update public.bookings set status = 'cancelled' where id = '$b'",
    "select public.allocated('[2020-01-01, 2040-01-01)');
     update public.allocations set is_maintenance = true, booking_id = null where resource_id = '$t'",
    "select public.allocated('[2040-01-01, 2041-01-01)');
     update public.allocations set is_maintenance = true, booking_id = null where resource_id = '$t'",
    "select public.allocated('[2020-01-01, 2040-01-01)'); update public.allocations set resource_type = 'hold' where resource_id = '$t'",
    "insert into public.restaurants (id, timezone) values ('00000000-0000-4000-8000-00000000dead', 'UTC');
     select public.allocated('[2020-01-01, 2040-01-01)');
     update public.allocations set restaurant_id = '00000000-0000-4000-8000-00000000dead' where resource_id = '$t'",
    "insert into public.restaurants (id, timezone) values ('00000000-0000-4000-8000-00000000dead', 'UTC');
     select public.allocated('[2019-01-01, 2041-01-01)');
     update public.allocations set booking_id = null, restaurant_id = '00000000-0000-4000-8000-00000000dead' where resource_id = '$t';
     alter table public.allocations drop constraint allocations_no_overlap;
     select public.allocated('[2020-01-01, 2040-01-01)')",
    "drop index public.allocations_table_until_idx; select public.allocated('[2020-01-01, 2040-01-01)')",
    "insert into public.holdfast_out_of_service (table_id) values ('$t')",
    "insert into public.holdfast_out_of_service (table_id) values ('$t'); select public.allocated('[2020-01-01, 2040-01-01)')",
];

const STATUSES: [&str; 4] = ["available", "reserved", "occupied", "out_of_service"];

/// Who may not write what is written nowhere, and who hears of it all the same.
const AROUND: &[&str] = &[
    "revoke update on $T from holdfast_e2e_stranger",
    "revoke insert on $T from holdfast_e2e_stranger",
    "revoke delete on $T from holdfast_e2e_stranger",
    "revoke select on $T from holdfast_e2e_stranger",
    "alter table $T enable row level security, force row level security",
    "create trigger t before insert or update or delete on $T for each statement execute function both_paths.note()",
    "create trigger t after insert or update or delete on $T for each row execute function both_paths.note()",
    "create rule r as on update to $T do also insert into both_paths.noted (op) values ('ruled')",
    "create publication p for table only $T; alter table $T replica identity nothing",
];

impl Stage {
    #[track_caller]
    fn refreshes(&mut self, before: &str) {
        if let Some(refusal) = self.hindrance(before) {
            panic!("this can't be done: {before}\n{refusal:?}");
        }
        let before = Step { sql: before.to_owned(), within: Within::Transaction };
        let refresh = |table| asked(&Call::new("refresh_table_status").with("p_table_id", table));
        let (one, done) = (refresh(self.room.tables[3]), refresh(self.room.tables[0]));
        let steps = [before.clone(), one.clone(), one, done, refresh(self.later)];
        self.same(&before.sql, &steps);
    }
}

/// The schema's own rules allow half-open windows alone; an application's may not.
fn stage() -> Stage {
    let mut stage = Stage::new();
    let sql = format!(
        "alter table public.allocations drop constraint allocations_window_check, drop constraint allocations_check,
           drop constraint allocations_check1, drop constraint allocations_check2;
         create function public.allocated(w tstzrange) returns void language sql as $$
           insert into public.allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\")
           values (case when lower(w) >= '2040-01-01' then null::uuid else '{}' end, '{}', 'table', '{}', w) $$",
        stage.later, stage.room.restaurant, stage.room.tables[3]
    );
    stage.pair.floor.run(&sql);
    stage.pair.settle();
    stage
}

#[test]
fn whatever_the_table_was_and_whoever_has_it() {
    let mut stage = stage();
    let (table, booking) = (stage.room.tables[3].to_string(), stage.later.to_string());
    for there in THERE {
        let there = there.replace("$t", &table).replace("$b", &booking);
        for status in STATUSES {
            stage.refreshes(&format!(
                "update public.table_inventory set status = '{status}' where id = '{table}'; set local session_replication_role = replica;
                 {there}; set local session_replication_role = origin"
            ));
        }
    }
}

#[test]
fn whoever_may_not() {
    let mut stage = stage();
    for table in ["table_inventory", "holdfast_out_of_service", "allocations", "bookings", "holdfast_booking_statuses"]
    {
        for around in AROUND {
            let around = around.replace("$T", &format!("public.{table}"));
            stage.refreshes(&format!("{PLAIN} {around}"));
        }
    }
}
