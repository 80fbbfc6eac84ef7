//! Adoption gives nobody a right: what attach makes is the owner's of the bookings alone, and no text of theirs is run.

use holdfast_e2e::{Floor, Session};

use crate::adopt::names::furnish;

/// Roles of one test: an owner, an API role that default privileges favour, and one that may only create.
struct Roles {
    owner: String,
    api: String,
    mallory: String,
}

/// A schema `shop` of an owner, with the reference tables and default privileges for an API role, not attached yet.
fn shop(floor: &mut Floor) -> Roles {
    let name = floor.name.clone();
    let roles =
        Roles { owner: format!("{name}_owner"), api: format!("{name}_api"), mallory: format!("{name}_mallory") };
    let Roles { owner, api, mallory } = &roles;
    floor.run(&format!(
        "set client_min_messages = warning; create extension holdfast cascade;
         create role {owner}; create role {api}; create role {mallory};
         select holdfast.create_reference_schema('shop'); alter schema shop owner to {owner};
         do $$ declare r record; begin
           for r in select c.oid::regclass as it from pg_class c
             where c.relnamespace = 'shop'::regnamespace and c.relkind = 'r' loop
             execute format('alter table %s owner to {owner}', r.it);
           end loop;
           for r in select t.oid::regtype as it from pg_type t
             where t.typnamespace = 'shop'::regnamespace and t.typtype = 'e' loop
             execute format('alter type %s owner to {owner}', r.it);
           end loop;
         end $$;
         alter default privileges in schema shop grant all on tables to {api};
         alter default privileges in schema shop grant all on sequences to {api};
         alter default privileges in schema shop grant execute on functions to {api};
         alter default privileges for role {owner} in schema shop grant all on tables to {api};
         alter default privileges for role {owner} in schema shop grant all on sequences to {api};
         alter default privileges for role {owner} in schema shop grant execute on functions to {api};
         grant usage on schema shop to {api}; grant usage, create on schema shop to {mallory}"
    ));
    roles
}

fn drop_roles(floor: &mut Floor, roles: &Roles) {
    let Roles { owner, api, mallory } = roles;
    floor.run(&format!(
        "set client_min_messages = warning; drop schema if exists shop cascade; drop owned by {owner}, {api}, {mallory};
         drop role {owner}, {api}, {mallory}"
    ));
}

fn wrong(session: &mut Session) -> Vec<String> {
    session.column("select what from holdfast.doctor('shop') where state in ('missing', 'wrong') order by 1")
}

/// Objects of ours in the schema that this role, or everybody, has a right on.
fn reached_by(session: &mut Session, role: &str) -> Vec<String> {
    session.column(&format!(
        "select c.oid::regclass::text from pg_class c, aclexplode(c.relacl) a
         where c.relnamespace = 'shop'::regnamespace and c.relname like 'holdfast%' and c.relname not in
           (select relname from pg_class where relname in ('holdfast_booking_statuses', 'holdfast_status_transitions'))
         and a.grantee = '{role}'::regrole
         union select p.oid::regprocedure::text from pg_proc p, aclexplode(p.proacl) a
         where p.pronamespace = 'shop'::regnamespace and a.grantee in ('{role}'::regrole, 0) order by 1"
    ))
}

/// Seen to succeed before: the API role of default privileges wrote a statement that detach ran as a superuser.
#[test]
fn what_attach_makes_is_the_owners_alone_whatever_default_privileges_say() {
    let mut floor = Floor::bare();
    let roles = shop(&mut floor);
    floor.run("select holdfast.attach('shop')");
    assert_eq!(wrong(&mut floor), [""; 0]);
    assert_eq!(reached_by(&mut floor, &roles.api), [""; 0]);
    let mut api = floor.session_as(&roles.api);
    for statement in [
        "insert into holdfast.addition values ('shop.bookings', 'usage', '', 'x', '')",
        "insert into shop.holdfast_rollout (mode) values ('original')",
        "update shop.holdfast_booking_statuses set holds_tables = true",
        "select * from shop.unassign_tables_atomic(null, null)",
        "select * from shop.holdfast_reconciliation",
    ] {
        assert_eq!(api.try_run(statement).expect_err(statement).sqlstate, "42501", "{statement}");
    }
    let owners: Vec<String> = floor.column(
        "select distinct c.relowner::regrole::text from pg_class c where c.relnamespace = 'shop'::regnamespace
         union select p.proowner::regrole::text from pg_proc p where p.pronamespace = 'shop'::regnamespace",
    );
    assert_eq!(owners, [roles.owner.as_str()]);
    // What a person gives away afterwards, doctor names, with what takes it back.
    floor.run(&format!("grant insert on shop.holdfast_rollout to {}", roles.api));
    let named = "select mend from holdfast.doctor('shop') where what like 'rights of % on holdfast_rollout'";
    let mend: Vec<String> = floor.column(named);
    assert_eq!(mend, [format!("revoke all on table shop.holdfast_rollout from {};", roles.api)]);
    floor.run(&mend[0]);
    assert_eq!(floor.column::<String>(named), [""; 0]);
    floor.run("select holdfast.detach('shop', false)");
    drop_roles(&mut floor, &roles);
}

/// Everything is said before the first change, and at once.
#[test]
fn names_that_are_taken_and_functions_of_others_are_refused_up_front() {
    let mut floor = Floor::bare();
    let roles = shop(&mut floor);
    let mut mallory = floor.session_as(&roles.mallory);
    mallory.run(
        "create table shop.holdfast_rollout (restaurant_id uuid, mode text, percentage integer);
         create function shop.refresh_table_status(p_table_id uuid) returns void language sql as 'select'",
    );
    let before: i64 = floor.value("select count(*) from pg_depend");
    let refusal = floor.try_run("select holdfast.attach('shop')").expect_err("both are somebody else's");
    refusal.says("55000", "Schema shop cannot be attached");
    let detail = refusal.detail.unwrap_or_default();
    for words in ["table holdfast_rollout of somebody else", "owner of function shop.refresh_table_status(uuid)"] {
        assert!(detail.contains(words), "{words} in {detail}");
    }
    assert_eq!(floor.value::<i64>("select count(*) from pg_depend"), before, "nothing was changed");
    mallory.run("drop table shop.holdfast_rollout; drop function shop.refresh_table_status");
    // The owner's own, and not what attach makes.
    for (planted, removed) in [
        ("create view shop.holdfast_rollout as select 1 as a", "drop view shop.holdfast_rollout"),
        ("create table shop.holdfast_rollout (mine text)", "drop table shop.holdfast_rollout"),
    ] {
        let mut owner = floor.session_as(&roles.owner);
        owner.run(planted);
        let refusal = floor.try_run("select holdfast.attach('shop')").expect_err(planted);
        assert!(refusal.detail.is_some_and(|detail| detail.contains("of somebody else")), "{planted}");
        owner.run(removed);
    }
    floor.run("select holdfast.attach('shop')");
    drop_roles(&mut floor, &roles);
}

/// A role that may only create in the schema puts a trap under the name of an optional table.
#[test]
fn an_optional_table_of_another_role_does_not_count() {
    let mut floor = Floor::bare();
    let roles = shop(&mut floor);
    floor.run("drop table shop.capacity_outbox");
    let mut mallory = floor.session_as(&roles.mallory);
    mallory.run(
        "create table shop.capacity_outbox (id bigint generated always as identity, status text, event_type text,
           dedupe_key text unique, attempt_count integer, next_attempt_at timestamptz, restaurant_id uuid,
           booking_id uuid, idempotency_key text, payload jsonb, claimed_by text, last_error text);
         create table shop.stolen (by_whom text);
         create function shop.trap() returns trigger language plpgsql as
           $$ begin insert into shop.stolen values (current_user); return new; end $$;
         create trigger trap before insert on shop.capacity_outbox for each row execute function shop.trap();
         grant all on shop.capacity_outbox, shop.stolen to public",
    );
    floor.run("select holdfast.attach('shop')");
    let said: Vec<String> =
        floor.column("select state from holdfast.doctor('shop') where what = 'owner of capacity_outbox'");
    assert_eq!(said, ["risky"]);
    let call = furnish(&mut floor, "shop");
    assert_eq!(floor.simple(&call).expect("a confirm").len(), 1);
    assert_eq!(floor.value::<i64>("select count(*) from shop.stolen"), 0);
    drop_roles(&mut floor, &roles);
}

/// The bookings get another owner: doctor names what does not follow, and attach again lets it follow.
#[test]
fn attach_follows_a_change_of_owner() {
    let mut floor = Floor::bare();
    let roles = shop(&mut floor);
    floor.run(&format!("select holdfast.attach('shop', array['{}'])", roles.api));
    let change = |last: &str| {
        format!(
            "do $$ declare r record; begin
               for r in select c.oid::regclass as it from pg_class c where c.relnamespace = 'shop'::regnamespace
                 and c.relkind = 'r' and c.relname not like 'holdfast%' and (c.relname <> 'allocations' or {last}) loop
                 execute format('alter table %s owner to {}', r.it);
               end loop;
             end $$",
            roles.mallory
        )
    };
    floor.run(&change("false"));
    let found = wrong(&mut floor);
    for what in ["owner of allocations", "owner of holdfast_rollout", "owner of holdfast_findings"] {
        assert!(found.iter().any(|found| found == what), "{what} in {found:?}");
    }
    let function = "owner of function shop.confirm_hold_assignment_tx";
    assert!(found.iter().any(|found| found.starts_with(function)), "{found:?}");
    let refusal = floor.try_run("select holdfast.attach('shop')").expect_err("allocations are not ours to give away");
    assert!(
        refusal.detail.as_deref().is_some_and(|detail| detail.starts_with("owner of allocations: ")),
        "{refusal:?}"
    );
    floor.run(&change("true"));
    floor.run("select holdfast.attach('shop')");
    assert_eq!(wrong(&mut floor), [""; 0]);
    let owners: Vec<String> = floor.column(
        "select distinct c.relowner::regrole::text from pg_class c
         where c.relnamespace = 'shop'::regnamespace and c.relkind in ('r', 'v')
         union select p.proowner::regrole::text from pg_proc p where p.pronamespace = 'shop'::regnamespace",
    );
    assert_eq!(owners, [roles.mallory.as_str()]);
    // Who was let call is let call still.
    let may = "select has_function_privilege(rolname, 'shop.unassign_tables_atomic(uuid, uuid[])', 'execute')
               from pg_roles where rolname = ";
    assert!(floor.value::<bool>(&format!("{may}'{}'", roles.api)));
    drop_roles(&mut floor, &roles);
}

/// DDL of attach and detach wakes code of the owner's: it runs with the owner's rights.
#[test]
fn code_that_attach_wakes_runs_as_the_owner() {
    let mut floor = Floor::bare();
    let roles = shop(&mut floor);
    floor.session_as(&roles.owner).run(
        "create function shop.noted() returns trigger language plpgsql as $$ begin return new; end $$;
         create trigger noted before insert or update on shop.holdfast_booking_statuses
           for each row execute function shop.noted()",
    );
    let refusal = floor.try_run("select holdfast.attach('shop')").expect_err("a trigger on a table of ours");
    assert!(refusal.detail.is_some_and(|detail| detail.contains("it has a trigger noted")));
    floor.run(
        "drop trigger noted on shop.holdfast_booking_statuses;
         alter table shop.bookings drop column auto_assign_last_result",
    );
    floor.run("select holdfast.attach('shop')");
    // By now it is recorded as ours, and the owner's to put a trigger on.
    let woken = |floor: &mut Floor, when: &str| {
        let seen: Vec<String> =
            floor.column("with gone as (delete from shop.seen returning who) select distinct who from gone");
        assert_eq!(seen, [roles.owner.as_str()], "{when}");
    };
    floor.session_as(&roles.owner).run(
        "create table shop.seen (who text);
         create function shop.spy() returns trigger language plpgsql as
           $$ begin insert into shop.seen values (current_user); return null; end $$;
         create function shop.seen(shop.booking_status) returns boolean language plpgsql as
           $$ begin insert into shop.seen values (current_user); return true; end $$;
         delete from shop.holdfast_status_transitions;
         create trigger noted after insert on shop.holdfast_status_transitions for each statement execute function shop.spy()",
    );
    floor.run("select holdfast.attach('shop')");
    woken(&mut floor, "a trigger, when the rules are written again");
    floor.session_as(&roles.owner).run(
        "drop trigger noted on shop.holdfast_status_transitions;
         alter table shop.holdfast_booking_statuses enable row level security, force row level security;
         create policy noted on shop.holdfast_booking_statuses using (shop.seen(status))",
    );
    floor.run("select * from holdfast.doctor('shop')");
    woken(&mut floor, "a policy, when a superuser looks");
    floor.session_as(&roles.owner).run("alter table shop.holdfast_booking_statuses no force row level security");
    floor.run("select holdfast.detach('shop', false)");
    drop_roles(&mut floor, &roles);
}

/// Functions in C are a superuser's to make: said before anything is changed.
#[test]
fn who_is_no_superuser_is_told_so() {
    let mut floor = Floor::bare();
    let roles = shop(&mut floor);
    floor.run(&format!(
        "grant usage on schema holdfast to {0}; grant execute on all functions in schema holdfast to {0}",
        roles.owner
    ));
    let mut owner = floor.session_as(&roles.owner);
    for call in ["select holdfast.attach('shop')", "select holdfast.detach('shop')"] {
        let refusal = owner.try_run(call).expect_err(call);
        assert_eq!(refusal.sqlstate, "42501", "{refusal:?}");
        assert!(refusal.hint.is_some_and(|hint| hint.contains("superuser")), "{call}");
    }
    drop_roles(&mut floor, &roles);
}
