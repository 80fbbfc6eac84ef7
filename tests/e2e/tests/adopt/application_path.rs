//! The application's own code sees the search path that it had: triggers, defaults, CHECKs, policies, legacy functions.

use holdfast_e2e::foreign::OLD;
use holdfast_e2e::{Floor, GRANTED, Room, confirm, confirm_hold, native, unassign};
use uuid::Uuid;

/// A room, and code of the application that names things without their schema.
fn evening(floor: &mut Floor, code: &str) -> (Room, Uuid) {
    floor.run("create table public.audit_logs (what text)");
    floor.run(code);
    floor.run("select holdfast.attach('public')");
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    (room, booking)
}

fn audited(floor: &mut Floor) -> i64 {
    floor.value("select count(*) from public.audit_logs")
}

/// A trigger on each table that a confirm writes.
fn triggers(function: &str) -> String {
    let tables = ["booking_table_assignments", "allocations", "booking_state_history", "capacity_outbox"];
    tables
        .iter()
        .map(|table| {
            format!("create trigger audit after insert on public.{table} for each row execute function {function};")
        })
        .collect()
}

#[test]
fn triggers_find_what_they_name() {
    for rights in ["security invoker", "security definer"] {
        let mut floor = Floor::new();
        let code = format!(
            "create function public.audit() returns trigger language plpgsql {rights} as
             $$ begin insert into audit_logs values (tg_op); return new; end $$; {}",
            triggers("public.audit()")
        );
        let (room, booking) = evening(&mut floor, &code);
        assert_eq!(floor.seats(&confirm(booking, &room.tables[..1], "key")).len(), 1, "{rights}");
        assert!(audited(&mut floor) >= 4, "{rights}");
        let mut granted = floor.session_as(GRANTED);
        let second = floor.booking(room.restaurant);
        assert_eq!(granted.seats(&confirm(second, &room.tables[1..], "key")).len(), 1, "{rights}, a service");
        // The path is the statement's, and ends with it.
        assert_eq!(granted.value::<String>("select current_setting('search_path')"), "\"$user\", public");
    }
}

/// A default, a CHECK and what a statement of SQL inlines are read when a statement is planned.
#[test]
fn defaults_and_checks_find_what_they_name() {
    let mut floor = Floor::new();
    let code = "
        insert into public.audit_logs values ('house');
        create function public.house() returns text language sql stable as $$ select what from audit_logs limit 1 $$;
        create function public.inlined() returns text language sql volatile as $$ select upper(house()) $$;
        create function public.folded(text) returns text language plpgsql immutable as $$ begin return coalesce(house(), $1); end $$;
        create function public.in_house(text) returns boolean language plpgsql as
          $$ begin return $1 is null or $1 = house() or $1 = upper(house()); end $$;
        alter table public.booking_table_assignments
          add column plain text default public.house() check (public.in_house(plain)),
          add column shouted text default public.inlined() check (public.in_house(shouted)),
          add column constant text default public.folded('x') check (public.in_house(constant));
        alter table public.booking_state_history add column house text default public.inlined() check (public.in_house(house))";
    let (room, booking) = evening(&mut floor, code);
    for (table, key) in room.tables.clone().into_iter().zip(["one", "two"]) {
        assert_eq!(floor.seats(&confirm(booking, &[table], key)).len(), 1, "{key}");
    }
    let found: Vec<String> =
        floor.column("select concat_ws(' ', plain, shouted, constant) from public.booking_table_assignments");
    assert_eq!(found, ["house HOUSE house"]);
}

/// Policies are the application's code, too: the tables' owner is bound by them here.
#[test]
fn policies_find_what_they_name() {
    let mut floor = Floor::new();
    let code = format!(
        "create function public.open_house() returns boolean language plpgsql stable as
           $$ begin return exists (select from audit_logs); end $$;
         insert into public.audit_logs values ('open');
         do $$ declare name text; begin
           for name in select oid::regclass from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' loop
             execute format('alter table %s owner to {GRANTED}', name);
           end loop;
           for name in select oid::regtype from pg_type where typnamespace = 'public'::regnamespace and typtype = 'e' loop
             execute format('alter type %s owner to {GRANTED}', name);
           end loop;
           for name in select oid::regprocedure from pg_proc where pronamespace = 'public'::regnamespace and prosecdef loop
             execute format('alter function %s owner to {GRANTED}', name);
           end loop;
         end $$;
         grant usage, create on schema public to {GRANTED}"
    );
    let (room, booking) = evening(&mut floor, &code);
    floor.run(
        "alter table public.bookings enable row level security; alter table public.bookings force row level security;
         create policy open_house on public.bookings using (public.open_house());
         alter table public.allocations enable row level security; alter table public.allocations force row level security;
         create policy open_house on public.allocations using (public.open_house()) with check (public.open_house())",
    );
    assert_eq!(floor.seats(&confirm(booking, &room.tables, "key")).len(), 2);
    assert_eq!(floor.done(&unassign(booking)).len(), 2);
}

/// What a caller can put into their own session is never found by code that runs with the owner's rights.
#[test]
fn nothing_of_the_callers_session_is_found() {
    let mut floor = Floor::new();
    let code = format!(
        "create function public.mark(what varchar) returns text language sql as $$ select 'the house''s' $$;
         create function public.audit() returns trigger language plpgsql as
           $$ begin insert into audit_logs values (mark(tg_op::text)); return new; end $$; {};
         create schema traps; grant all on schema traps to {GRANTED}; grant temporary on database %I to {GRANTED}",
        triggers("public.audit()")
    );
    let code = code.replace("%I", &format!("\"{}\"", floor.name));
    let (room, booking) = evening(&mut floor, &code);
    let mut service = floor.session_as(GRANTED);
    service.run(
        "create function traps.mark(what text) returns text language sql as $$ select 'trapped by ' || current_user $$;
         create temporary table audit_logs (what text);
         create function pg_temp.mark(what text) returns text language sql as $$ select 'trapped by ' || current_user $$;
         set search_path = pg_temp, traps, public",
    );
    assert_eq!(service.seats(&confirm(booking, &room.tables, "key")).len(), 2);
    assert_eq!(service.value::<i64>("select count(*) from pg_temp.audit_logs"), 0, "the caller's table");
    let marks: Vec<String> = floor.column("select distinct what from public.audit_logs");
    assert_eq!(marks, ["the house's"]);
}

/// The path of the function that ours replaced counts, without what could be a caller's; doctor shows it.
#[test]
fn the_path_is_that_of_the_replaced_function() {
    let mut floor = Floor::new();
    let path = "select mend is null and state = 'ok' and why like '%search_path = %' || $$VALUE$$ || ';%'
                from holdfast.doctor('bistro') where what = 'search_path of the application'";
    let shown = |floor: &mut Floor, value: &str| {
        let sql = path.replace("$$VALUE$$", &format!("'{value}'"));
        assert!(floor.value::<bool>(&sql), "{value}");
    };
    floor.run("select holdfast.create_reference_schema('bistro'); create schema tools; create schema \"Open Tools\"");
    floor.run("create function tools.stamp() returns trigger language plpgsql as $$ begin return new; end $$");
    floor.run("grant create on schema \"Open Tools\" to public");
    floor.run("create function \"Open Tools\".stamp() returns trigger language plpgsql as $$ begin return new; end $$");
    for schema in ["tools", "\"Open Tools\""] {
        floor.run(&format!(
            "create trigger \"{}\" before update on bistro.bookings for each row execute function {schema}.stamp()",
            schema.len()
        ));
    }
    floor.run("select holdfast.attach('bistro')");
    // Anybody may create things in the second schema: nothing is looked for in it by itself. (Between them: where the
    // extensions live, if not everybody may create there.)
    shown(&mut floor, "\"bistro\", %\"tools\", pg_temp");
    assert!(
        !floor.value::<bool>(
            "select bool_or(why like '%under search_path = %Open Tools%') from holdfast.doctor('bistro')"
        )
    );
    floor.run("select holdfast.detach('bistro')");
    floor.run(
        "create function bistro.unassign_tables_atomic(p_booking_id uuid, p_table_ids uuid[] default null) returns setof uuid
           language sql set search_path = pg_temp, \"Open Tools\", BISTRO, pg_catalog as $$ select null::uuid $$",
    );
    floor.run("select holdfast.attach('bistro')");
    shown(&mut floor, "\"Open Tools\", \"bistro\", \"pg_catalog\", pg_temp");
    floor.run("select holdfast.attach('bistro')");
    shown(&mut floor, "\"Open Tools\", \"bistro\", \"pg_catalog\", pg_temp");
}

/// An error within leaves the session's path as it was, also where the caller catches it.
#[test]
fn the_path_ends_with_an_error() {
    let mut floor = Floor::new();
    let code = "create function public.audit() returns trigger language plpgsql as
                  $$ begin raise exception '%', current_setting('search_path') using errcode = 'AB123'; end $$;
                create trigger audit after insert on public.booking_table_assignments
                  for each row execute function public.audit()";
    let (room, _) = evening(&mut floor, "select 1");
    floor.run(code);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.run("set search_path = public, pg_temp");
    let refusal = floor.refused(&confirm_hold(hold, booking, "key"));
    refusal.says("AB123", "\"public\", pg_temp");
    let caught = format!(
        "do $$ begin perform public.confirm_hold_assignment_tx('{hold}', '{booking}', 'key');
         exception when sqlstate 'AB123' then
           if current_setting('search_path') <> 'public, pg_temp' then raise 'left: %', current_setting('search_path'); end if;
         end $$"
    );
    floor.run("begin");
    floor.run(&caught);
    assert_eq!(floor.value::<String>("select current_setting('search_path')"), "public, pg_temp");
    floor.run("commit");
    assert_eq!(floor.value::<String>("select current_setting('search_path')"), "public, pg_temp");
}

/// What is deferred fires at the end of a superuser's call, as the owner of the bookings, and finds what it names too.
#[test]
fn deferred_triggers_of_a_superusers_call_find_what_they_name() {
    let mut floor = Floor::new();
    let code = format!(
        "create function public.audit() returns trigger language plpgsql as
         $$ begin insert into audit_logs values (current_user); return new; end $$;
         create constraint trigger audit after insert on public.booking_table_assignments deferrable initially deferred
           for each row execute function public.audit();
         grant create on schema public to {GRANTED};
         do $$ declare t regclass; begin
           for t in select oid from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
           loop execute format('alter table %s owner to {GRANTED}', t); end loop; end $$"
    );
    let (room, booking) = evening(&mut floor, &code);
    let call = native("confirm_tables").with("p_booking_id", booking).with("p_table_ids", &room.tables[..1]);
    assert_eq!(floor.outcome(&call.with("p_idempotency_key", "key"))["outcome"], "confirmed");
    let seen: Vec<String> = floor.column("select distinct what from public.audit_logs");
    assert_eq!(seen, [GRANTED]);
}

/// Mode `rehearse` does it and takes it back, deferred triggers included: they find what they name, so both agree.
#[test]
fn deferred_triggers_of_a_rehearsed_call_find_what_they_name() {
    let mut old = OLD.install();
    old.adopt();
    old.run(
        "create table noted (id uuid);
         create function note() returns trigger language plpgsql as
           $$ begin insert into noted values (new.id); return null; end $$;
         create constraint trigger note after update on bookings deferrable initially deferred
           for each row execute function note()",
    );
    old.mode("rehearse");
    let id = |kind: u32| -> Uuid { format!("0ddba11a-0000-4000-8000-{kind:012}").parse().expect("an id") };
    assert_eq!(old.done(&confirm(id(205), &[id(101)], "key")).len(), 1);
    let said: Vec<serde_json::Value> = old.column("select to_jsonb(d) from holdfast_disagreements d");
    assert!(said.iter().all(|said| said["kind"] != "ours_failed"), "{said:?}");
    assert!(old.count("noted", "true") > 0, "the trigger never fired");
    let judged: i64 = old.value("select judged from holdfast.stat_shadow where schema = 'public'");
    assert_eq!(judged, 1);
}
