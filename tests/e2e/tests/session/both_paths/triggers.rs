//! Triggers that do more than note: they change and suppress rows, write themselves, call us, raise, and alter the schema.

use super::stage::{Stage, asked};
use super::{Step, Within};

/// A trigger of rows and what it does.
const OF_ROWS: &[(&str, &str)] = &[
    ("before insert", "return null;"),
    ("before update", "return null;"),
    ("before delete", "return null;"),
    ("before update", "return old;"),
    ("before insert or update", "new.$id = null; return new;"),
    ("before insert or update", "new.$id = gen_random_uuid(); return new;"),
    ("before insert or update", "new.$text = 'another'; return new;"),
    ("before insert or update", "new.$at = '2001-01-01Z'; return new;"),
    ("before insert", "if exists (select from $T where $id = new.$id) then return null; end if; return new;"),
    ("before insert", "update $T set $id = $id; return new;"),
    ("before insert", "delete from $T where $id is distinct from new.$id; return new;"),
    ("before insert", "if pg_trigger_depth() < 2 then insert into $T select new.*; end if; return new;"),
    ("before update", "update $T set $id = $id where $id = old.$id and pg_trigger_depth() < 2; return new;"),
    ("before update", "delete from $T where $id = old.$id; return new;"),
    ("after insert or update", "update $T set $id = $id where $id = new.$id and pg_trigger_depth() < 2; return null;"),
    ("after insert or update", "delete from $T where $id = new.$id; return null;"),
    ("after insert", "if pg_trigger_depth() < 2 then insert into $T select new.*; end if; return null;"),
    ("before insert or update", "raise 'no % of %', tg_op, tg_table_name; return null;"),
    (
        "after insert or update",
        "raise exception using errcode = 'AB123', message = 'no', detail = 'this', hint = 'that', schema = 's', table = 't',
           column = 'c', constraint = 'k', datatype = 'd';",
    ),
    ("after insert or update", "perform 1 / 0; return null;"),
    ("after insert or update", "execute 'select 1 from nowhere'; return null;"),
    ("after insert or update", "raise sqlstate '23505' using message = 'ours?', constraint = 'allocations_no_overlap'; return null;"),
    ("before insert or update", "raise sqlstate '23P01' using message = 'ours?', constraint = 'allocations_no_overlap'; return null;"),
    ("before insert or update", "begin perform 1 / 0; exception when others then null; end; return new;"),
    ("after insert or update", "begin perform 1 / 0; exception when others then null; end; return null;"),
    ("after insert or update", "alter table $T add column extra integer; return null;"),
    ("before insert or update", "alter table $T add column extra integer; return new;"),
    ("before insert or update", "begin alter table $T add column extra integer; exception when others then null; end; return new;"),
    ("after insert or update", "truncate $T cascade; return null;"),
    ("after insert or update", "create index on $T ($id); return null;"),
    ("before insert or update", "create index on $T ($id); return new;"),
    ("after insert or update", "create temporary table if not exists mine (a integer); insert into mine values (1); return null;"),
    ("before insert or update", "analyze $T; return new;"),
    ("before insert or update", "alter table public.restaurants add column if not exists more integer; return new;"),
    ("after insert or update", "comment on table $T is 'written'; return null;"),
    ("after insert or update", "alter table $T disable trigger user; return null;"),
    (
        "before insert or update",
        "create or replace function public.checked() returns boolean language sql immutable as 'select false'; return new;",
    ),
    ("after insert or update", "set constraints all immediate; return null;"),
    ("before insert or update", "perform set_config('search_path', 'pg_catalog', true); return new;"),
    ("before insert or update", "set local role holdfast_e2e_stranger; return new;"),
    ("before insert or update", "set local session_replication_role = replica; return new;"),
    ("before insert or update", "set local holdfast.access_path = sql; return new;"),
    ("before insert or update", "perform pg_notify('heard', new::text); return new;"),
    ("after insert or update", "update public.bookings set updated_at = updated_at where id = '$later'; return null;"),
    ("after insert or update", "delete from public.bookings where id = '$later'; return null;"),
    ("after insert or update", "update public.bookings set party_size = party_size + 1 where pg_trigger_depth() < 2; return null;"),
    ("before insert or update", "update public.bookings set party_size = party_size + 1 where pg_trigger_depth() < 2; return new;"),
    ("after insert or update", "if pg_trigger_depth() < 2 then perform $confirm; end if; return null;"),
    ("before insert or update", "if pg_trigger_depth() < 2 then perform $confirm; end if; return new;"),
    (
        "after insert or update",
        "if pg_trigger_depth() < 2 then begin perform $confirm; raise 'not so'; exception when raise_exception then null; end; end if; return null;",
    ),
    ("before insert or update", "if pg_trigger_depth() < 2 then perform $same; end if; return new;"),
    ("after insert or update", "if pg_trigger_depth() < 2 then perform $same; end if; return null;"),
];

/// Whole statements about triggers; `public.t` raises, `both_paths.note` notes.
const OTHERS: &[&str] = &[
    "do $$ declare c text; begin
       for c in select attname from pg_attribute where attrelid = '$T'::regclass and attnum > 0 and not attisdropped loop
         execute format('create trigger %I before update of %I on $T for each row execute function both_paths.note()', 'b_' || c, c);
         execute format('create trigger %I after update of %I on $T for each row execute function both_paths.note()', 'a_' || c, c);
       end loop; end $$",
    "create trigger t before update on $T for each row when (old.* is distinct from new.*) execute function both_paths.note()",
    "create trigger t after update on $T for each row when (old.* is not distinct from new.*) execute function both_paths.note()",
    "create trigger t after insert on $T for each row when (new.$id is null or length(new.$id::text) / 0 > 1) execute function both_paths.note()",
    "create trigger t before update on $T for each row execute function suppress_redundant_updates_trigger()",
    "create trigger t after insert on $T referencing new table as n for each row execute function both_paths.note()",
    "create trigger t after update on $T referencing old table as o new table as n for each statement execute function public.t()",
    "create trigger t before insert or update on $T for each statement execute function public.t()",
    "create trigger t after insert or update or delete on $T for each statement execute function both_paths.note()",
    "create trigger t before truncate on $T for each statement execute function public.t()",
    "create constraint trigger t after insert or update on $T deferrable initially deferred for each row execute function public.t()",
    "create constraint trigger t after insert or update on $T deferrable initially immediate for each row execute function public.t();
     set constraints all deferred",
    "create constraint trigger t after insert or update on $T for each row execute function public.t()",
    "create trigger t before insert or update on $T for each row execute function public.t(); alter table $T disable trigger t",
    "create trigger t before insert or update on $T for each row execute function public.t(); set local session_replication_role = replica",
    "create trigger t before insert or update on $T for each row execute function public.t();
     alter table $T enable always trigger t; set local session_replication_role = replica",
    "create trigger t before insert or update on $T for each row execute function public.t(); alter table $T enable replica trigger t",
    "create trigger t after insert or update on $T for each row execute function public.t();
     alter table $T enable replica trigger t; set local session_replication_role = replica",
    "alter table $T disable trigger all",
    "alter table $T disable trigger user",
    "create rule r as on insert to $T do also insert into both_paths.noted (op) values ('ruled')",
    "create rule r as on update to $T do also insert into both_paths.noted (op) values ('ruled')",
    "create rule r as on insert to $T do instead nothing",
    "create rule r as on update to $T do instead nothing",
    "create rule r as on delete to $T do instead nothing",
    "create rule r as on insert to $T where new.$id is not null do instead nothing",
    "create rule r as on insert to $T do also nothing; alter table $T disable rule r",
    "create event trigger e on ddl_command_start execute function both_paths.heard()",
];

fn placed(stage: &Stage, sql: &str) -> String {
    let perform = |step: Step| step.sql.replacen("select to_jsonb(answer) from", "", 1).replace(" as answer", "");
    let confirm = holdfast_e2e::confirm(stage.later, &stage.room.tables[..2], "inner");
    sql.replace("$later", &stage.later.to_string())
        .replace("$confirm", &perform(asked(&confirm)))
        .replace("$same", &perform(asked(&stage.by_table())))
}

#[test]
fn triggers_of_rows_do_what_they_like() {
    let mut stage = Stage::new();
    let alterations: Vec<String> = OF_ROWS
        .iter()
        .map(|(when, body)| {
            let body = placed(&stage, body);
            format!(
                "create function public.t() returns trigger language plpgsql as $$ begin {body} end $$;
                 create trigger t {when} on $T for each row execute function public.t()"
            )
        })
        .collect();
    stage.same_after_each(&alterations.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn triggers_and_rules_of_any_kind() {
    let mut stage = Stage::new();
    stage.pair.floor.run(
        "create function public.t() returns trigger language plpgsql as
           $$ begin raise exception using message = concat_ws(' ', tg_name, tg_op, tg_level, tg_when), hint = 't'; end $$;
         create function both_paths.heard() returns event_trigger language plpgsql as
           $$ begin insert into both_paths.noted (op) values (tg_tag); end $$",
    );
    stage.pair.settle();
    stage.same_after_each(OTHERS);
}

/// A function that a CHECK asks is kept as it was planned: another body counts from the next row on.
#[test]
fn a_check_asks_the_function_as_it_is_now() {
    let mut stage = Stage::new();
    let says = |what: &str| {
        format!(
            "create or replace function public.says(a text) returns boolean language plpgsql immutable as $$ begin {what} end $$"
        )
    };
    stage.pair.floor.run(&says("return true;"));
    for table in [
        "allocations",
        "booking_table_assignments",
        "booking_assignment_idempotency",
        "booking_state_history",
        "capacity_outbox",
        "bookings",
        "table_holds",
        "booking_confirmation_results",
    ] {
        stage
            .pair
            .floor
            .run(&format!("alter table public.{table} add constraint says_{table} check (public.says('{table}'))"));
    }
    stage.pair.settle();
    let bodies = [
        "return true;",
        "return a <> 'allocations';",
        "return a <> 'booking_state_history';",
        "raise exception using errcode = 'AB123', message = a, detail = 'd', hint = 'h'; return true;",
        "return a <> 'capacity_outbox';",
        "return a <> 'table_holds';",
        "return a <> 'booking_assignment_idempotency';",
        "return 1 / 0 = 1;",
        "return true;",
    ];
    for body in bodies {
        // In the transaction of the calls, after one of them.
        stage.same_after(&says(body));
        // By another session, between two transactions.
        stage.pair.floor.run(&says(body));
        stage.same_after("select 1");
        // Between two calls of one transaction.
        let (before, after) = (asked(&stage.by_table()), asked(&stage.by_hold()));
        let change = Step { sql: says("return a <> 'booking_table_assignments';"), within: Within::Savepoint };
        let back = Step { sql: says(body), within: Within::Savepoint };
        let again = asked(&stage.calls()[2]);
        stage.same(body, &[before, change, after.clone(), back, after, again]);
    }
}
