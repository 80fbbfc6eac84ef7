//! What the role that a call acts as may not do, row security, and tables of several owners.

use holdfast_e2e::number;

use super::stage::{Stage, asked};
use super::{Step, Within};

/// Every table belongs to a role that is no superuser.
pub const PLAIN: &str = "grant usage, create on schema public to holdfast_e2e_stranger;
  do $$ declare t regclass; begin
    for t in select c.oid from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'p') loop
      execute format('alter table %s owner to holdfast_e2e_stranger', t);
    end loop;
  end $$;";

const RIGHTS: &[&str] = &[
    "",
    "revoke insert on $T from holdfast_e2e_stranger",
    "revoke update on $T from holdfast_e2e_stranger",
    "revoke delete on $T from holdfast_e2e_stranger",
    "revoke select on $T from holdfast_e2e_stranger",
    "revoke all on $T from holdfast_e2e_stranger",
    "revoke all on $T from holdfast_e2e_stranger; grant select, insert on $T to holdfast_e2e_stranger",
    "revoke insert, update on $T from holdfast_e2e_stranger; do $$ declare c text; begin
       for c in select attname from pg_attribute where attrelid = '$T'::regclass and attnum > 0 and attname <> '$id' loop
         execute format('grant insert (%1$I), update (%1$I) on $T to holdfast_e2e_stranger', c); end loop; end $$",
    "revoke insert, update on $T from holdfast_e2e_stranger; do $$ declare c text; begin
       for c in select attname from pg_attribute where attrelid = '$T'::regclass and attnum > 0 loop
         execute format('grant insert (%1$I), update (%1$I) on $T to holdfast_e2e_stranger', c); end loop; end $$",
    "revoke select on $T from holdfast_e2e_stranger; grant select ($id) on $T to holdfast_e2e_stranger",
    "alter table $T owner to postgres; revoke all on $T from holdfast_e2e_stranger",
    "alter table $T owner to postgres; grant all on $T to holdfast_e2e_stranger",
    "alter table $T owner to postgres; grant select, insert, update, delete on $T to public; revoke all on $T from holdfast_e2e_stranger",
    "alter table $T add column more integer default 3; revoke insert on $T from holdfast_e2e_stranger",
    "create sequence public.numbers; alter table $T add column more bigint; alter table $T alter column more set default nextval('public.numbers')",
    "create function public.none() returns integer language sql as 'select 1'; revoke all on function public.none() from public;
     alter table $T add column more integer; alter table $T alter column more set default public.none()",
    "create function public.none(a uuid) returns boolean language plpgsql immutable as 'begin return true; end';
     alter table $T add constraint extra check (public.none($id)); revoke all on function public.none(uuid) from public",
    "create trigger t before insert or update on $T for each row execute function both_paths.note();
     create trigger u after insert or update on $T for each row execute function both_paths.note()",
    "create trigger t before insert or update on $T for each row execute function both_paths.note(); revoke all on function both_paths.note() from public",
    "alter table $T enable row level security",
    "alter table $T enable row level security, force row level security",
    "alter table $T enable row level security, force row level security; create policy p on $T using (true)",
    "alter table $T enable row level security, force row level security; create policy p on $T using (true) with check (false)",
    "alter table $T enable row level security, force row level security; create policy p on $T for select using (true); create policy q on $T for insert with check (true)",
    "alter table $T enable row level security, force row level security; create policy p on $T for insert with check ($id is not null); create policy q on $T using (true)",
    "alter table $T enable row level security, force row level security; create policy p on $T using (true);
     create policy q on $T as restrictive for update using (false)",
    "alter table $T enable row level security, force row level security; create policy p on $T using (true) with check (1 / (length($id::text) - 36) > 0)",
    "alter table $T owner to postgres; grant all on $T to holdfast_e2e_stranger; alter table $T enable row level security;
     create policy p on $T to holdfast_e2e_stranger using (true) with check (false)",
    "alter table $T owner to postgres; grant all on $T to holdfast_e2e_stranger; alter table $T enable row level security;
     create policy p on $T to holdfast_e2e_stranger using (true) with check (true)",
    "alter table $T owner to postgres; grant all on $T to holdfast_e2e_stranger; alter table $T enable row level security; set local row_security = off",
];

#[test]
fn rights_of_the_role_that_a_call_acts_as() {
    let alterations: Vec<String> = RIGHTS.iter().map(|sql| format!("{PLAIN} {sql}")).collect();
    Stage::new().same_after_each(&alterations.iter().map(String::as_str).collect::<Vec<_>>());
}

/// A reference is checked with the rights of the owner of the table that is referred to.
#[test]
fn rights_of_the_owner_of_a_table_that_is_referred_to() {
    let mut stage = Stage::new();
    let referred =
        ["restaurants", "zones", "table_inventory", "bookings", "allocations", "table_holds", "booking_slots"];
    let rights = ["", "select, update", "select", "update"];
    let rights = &rights[..if number("HOLDFAST_TABLES", 1) > 1 { 4 } else { 1 }];
    for (table, rights) in referred.iter().flat_map(|table| rights.iter().map(move |rights| (table, *rights))) {
        let grant = if rights.is_empty() {
            String::new()
        } else {
            format!("grant {rights} on public.{table} to holdfast_e2e_stranger")
        };
        let bare = format!(
            "alter table public.{table} owner to holdfast_e2e_stranger; revoke all on public.{table} from holdfast_e2e_stranger; {grant}"
        );
        stage.same_after(&bare);
        stage.same_after(&format!(
            "{PLAIN} alter table public.{table} owner to postgres; revoke all on public.{table} from postgres"
        ));
        stage.same_after(&format!(
            "{PLAIN} alter table public.{table} enable row level security, force row level security;
             create policy p on public.{table} for update using (true); {}",
            if rights == "select" { "create policy q on public.bookings for select using (true)" } else { "" }
        ));
    }
}

/// Who calls, and from within what.
#[test]
fn callers_of_any_kind() {
    let mut stage = Stage::new();
    let calls: Vec<String> = stage.calls().iter().take(4).map(|call| asked(call).sql).collect();
    let plain = |call: &str| call.replacen("select to_jsonb(answer)", "perform to_jsonb(answer)", 1);
    let frames: [(&str, &str); 21] = [
        ("set local role holdfast_e2e_granted", "$"),
        ("set local role holdfast_e2e_stranger", "$"),
        ("grant holdfast_e2e_granted to holdfast_e2e_stranger; set local session authorization holdfast_e2e_stranger", "$"),
        ("set local search_path = pg_catalog", "$"),
        ("set local search_path = ''; set local session_replication_role = replica", "$"),
        ("set local session_replication_role = local", "$"),
        ("set transaction read only", "$"),
        ("select 1", "do $b$ begin perform_; exception when others then raise notice '%', sqlerrm; end $b$"),
        ("select 1", "do $b$ begin perform_; raise 'not so'; exception when raise_exception then null; end $b$"),
        ("select 1", "do $b$ begin for n in 1 .. 3 loop begin perform_; raise 'not so'; exception when raise_exception then null; end; end loop; end $b$"),
        ("declare c cursor for select * from public.allocations for update; fetch 1 from c", "$; fetch 1 from c; update public.allocations set shadow = shadow where current of c"),
        ("declare c cursor for select * from public.bookings; fetch 1 from c", "$; fetch all from c"),
        ("select 1", "create temporary table as_such on commit drop as $; select * from as_such; drop table as_such"),
        ("select 1", "create materialized view public.seen as $; drop materialized view public.seen"),
        ("select 1", "prepare p as $; execute p; execute p; deallocate p"),
        ("select 1", "with a as ($) select a.* from a, generate_series(1, 2)"),
        ("select 1", "select (($ limit 1)), n from generate_series(1, 2) n"),
        ("create table public.asked (a jsonb)", "insert into public.asked $"),
        (
            "create function public.definer() returns void language plpgsql security definer set search_path = pg_temp as 'begin end';
             create function public.checks(a text) returns boolean language plpgsql as $b$ begin execute a; return true; end $b$;
             create table public.checked (a text check (public.checks(a)))",
            "insert into public.checked values ($t$$$t$)",
        ),
        (
            "create function public.runs(a text) returns void language plpgsql security definer set search_path = pg_temp set work_mem = '4MB'
               as $b$ begin execute a; end $b$; alter function public.runs(text) owner to holdfast_e2e_granted;
             grant usage on schema public to holdfast_e2e_granted",
            "select public.runs($t$$$t$)",
        ),
        (
            "create function public.runs(a text) returns integer language plpgsql immutable as $b$ begin execute a; return 1; end $b$;
             create table public.texts (a text)",
            "insert into public.texts values ($t$$$t$); create index on public.texts (public.runs(a))",
        ),
    ];
    for (before, frame) in frames {
        let framed = calls.iter().map(|call| {
            let sql = frame.replace("$t$$$t$", &format!("$t${call}$t$")).replace("perform_", &plain(call));
            Step {
                sql: if frame.contains("$t$") || frame.contains("$b$") { sql } else { sql.replace('$', call) },
                within: Within::Savepoint,
            }
        });
        let begun = Step { sql: before.to_owned(), within: Within::Transaction };
        let steps: Vec<Step> = [begun].into_iter().chain(framed).collect();
        stage.same(frame, &steps);
    }
}

/// What a subscriber has to be told of.
#[test]
fn publications() {
    let mut stage = Stage::new();
    stage.same_after_each(&[
        "create publication p for table $T",
        "create publication p for table $T; alter table $T replica identity nothing",
        "create publication p for all tables; alter table $T replica identity nothing",
        "create publication p for table $T with (publish = 'insert'); alter table $T replica identity nothing",
        "create publication p for table $T with (publish = 'insert, update'); alter table $T replica identity nothing",
        "create publication p for table $T where ($id is not null)",
        "create publication p for table $T where ($id is not null); alter table $T replica identity full",
        "create publication p for table $T ($id)",
        "create publication p for tables in schema public; alter table $T replica identity nothing",
        "alter table $T replica identity full; create publication p for table $T",
        "do $$ declare k text; begin select conname into k from pg_constraint where conrelid = '$T'::regclass and contype = 'p';
           execute format('alter table $T drop constraint %I cascade', k); end $$; create publication p for table $T",
    ]);
}
