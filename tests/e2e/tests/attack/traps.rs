//! A schema full of traps: whatever a superuser calls on it, nothing of the owner's runs as anybody but the owner.

use std::collections::BTreeSet;

use super::ground::{HOUSE, House, OWNER};
use super::suite::{Attack, report};

/// On every table, ours too: triggers, CHECKs, policies. On what our statements read: casts, indexes, defaults.
const TRAPS: &str = r"
create function SCHEMA.spring() returns trigger language plpgsql as $f$
begin
  perform book.trap(tg_argv[0]);
  return coalesce(new, old);
end $f$;
create function SCHEMA.check(what text) returns boolean language plpgsql as $f$ begin return book.trap(what); end $f$;
create function SCHEMA.cast_status(SCHEMA.booking_status) returns text language plpgsql immutable as $f$
begin
  perform book.trap('cast');
  return enum_out($1)::text;
end $f$;
create cast (SCHEMA.booking_status as text) with function SCHEMA.cast_status(SCHEMA.booking_status) as assignment;
create function SCHEMA.index_key(uuid) returns uuid language plpgsql immutable as $f$
begin
  perform book.trap('index');
  return $1;
end $f$;
create index on SCHEMA.bookings (SCHEMA.index_key(id)) where SCHEMA.index_key(id) is not null;
create index on SCHEMA.table_holds (SCHEMA.index_key(id));
alter table SCHEMA.booking_state_history add column sprung boolean default SCHEMA.check('default');
do $do$ declare t record; begin
  for t in select c.oid::regclass as name, c.relname from pg_class c
           where c.relnamespace = 'SCHEMA'::regnamespace and c.relkind = 'r' loop
    execute format('create trigger trap_row before insert or update or delete on %s for each row execute function SCHEMA.spring(%L)',
                   t.name, 'row ' || t.relname);
    execute format('create trigger trap_statement after insert or update or delete or truncate on %s execute function SCHEMA.spring(%L)',
                   t.name, 'statement ' || t.relname);
    execute format('create constraint trigger trap_deferred after insert or update or delete on %s deferrable initially deferred
                    for each row execute function SCHEMA.spring(%L)', t.name, 'deferred ' || t.relname);
    execute format('alter table %s add constraint trap_check check (SCHEMA.check(%L)) not valid', t.name, 'check ' || t.relname);
    execute format('alter table %s enable row level security', t.name);
    execute format('alter table %s force row level security', t.name);
    execute format('create policy trap on %s using (SCHEMA.check(%L))', t.name, 'policy ' || t.relname);
  end loop;
end $do$";

/// The statement of them that makes triggers which a restricted operation cannot fire.
const DEFERRED: &str = r"execute format('create constraint trigger trap_deferred after insert or update or delete on %s deferrable initially deferred
                    for each row execute function SCHEMA.spring(%L)', t.name, 'deferred ' || t.relname);";

/// Views in the place of tables that a call of ours reads.
const VIEWS: &str = r"
do $do$ declare t text; begin
  foreach t in array array['table_adjacencies', 'holdfast_reconciliation_policies', 'holdfast_status_transitions',
                           'holdfast_quarantine', 'holdfast_findings', 'holdfast_disagreements', 'zones'] loop
    if to_regclass('SCHEMA.' || t) is not null then
      execute format('alter table SCHEMA.%I rename to %I', t, t || '_real');
      execute format('create view SCHEMA.%I as select r.* from SCHEMA.%I r where SCHEMA.check(%L)', t, t || '_real', 'view ' || t);
    end if;
  end loop;
end $do$";

/// Every function of schema holdfast that takes a schema, with arguments under which it has something to do.
fn calls(house: &mut House) -> Vec<String> {
    let (first, second, third) = (house.booking(1), house.booking(2), house.booking(3));
    let (table, other) = (house.tables[0], house.tables[1]);
    let schema = format!("'{HOUSE}'");
    let hold = format!("(select id from {HOUSE}.table_holds where status::text = 'active' limit 1)");
    vec![
        format!("select * from holdfast.doctor({schema})"),
        format!("select holdfast.migration({schema})"),
        format!("select holdfast.migration({schema}, 'dry_run')"),
        format!("select holdfast.migration({schema}, 'back')"),
        format!("select * from holdfast.explain_confirm({schema}, '{first}', p_table_ids => array['{table}']::uuid[])"),
        format!("select * from holdfast.confirm_tables({schema}, '{first}', array['{table}']::uuid[], 'k1')"),
        format!("select * from holdfast.confirm_tables({schema}, '{first}', array['{table}']::uuid[], 'k1')"),
        format!("select * from holdfast.hold_tables({schema}, '{second}', array['{other}']::uuid[])"),
        format!("select * from holdfast.confirm_hold_within({schema}, '{second}', {hold}, 'k2', 4000)"),
        format!("select * from holdfast.hold_tables({schema}, '{third}', array['{other}']::uuid[])"),
        format!("select * from holdfast.release_hold({schema}, {hold})"),
        format!("select * from holdfast.hold_tables({schema}, '{third}', array['{other}']::uuid[])"),
        format!("select * from holdfast.confirm_hold({schema}, {hold}, '{third}', 'k3')"),
        format!("select * from holdfast.run_auto_assign({schema}, '{third}', null)"),
        format!("select * from holdfast.assign_tables({schema}, '{third}', array['{table}']::uuid[], 'k4')"),
        format!("select * from holdfast.unassign_tables({schema}, '{third}')"),
        format!(
            "select * from holdfast.transition_booking({schema}, '{first}', 'checked_in', now(), null, now(), null, null, null, now(), 'attack')"
        ),
        format!("select * from holdfast.refresh_table_status({schema}, '{table}')"),
        format!("select * from holdfast.confirm_outcome({schema}, '{first}', 'k1')"),
        format!("select * from holdfast.fence_attempt({schema}, '{first}', 'never')"),
        format!("select * from holdfast.undo_confirm({schema}, '{second}', 'k2')"),
        format!("select * from holdfast.reconcile_booking({schema}, '{first}')"),
        format!("select * from holdfast.repair_booking({schema}, '{third}', null, false)"),
        format!("select holdfast.audit({schema})"),
        format!("select * from holdfast.verify_commits({schema})"),
        format!("select * from holdfast.sweep({schema})"),
        format!("select * from holdfast.shadow_report({schema})"),
        format!("select * from holdfast.ensure_idempotency_index({schema})"),
        format!("select * from holdfast.idempotency_conflicts({schema})"),
        format!("select * from holdfast.prune_idempotency({schema}, interval '0')"),
        format!("select * from {HOUSE}.holdfast_reconciliation"),
        "select * from holdfast.stat_outcomes, holdfast.stat_attempts, holdfast.stat_worker, holdfast.stat_shadow"
            .into(),
    ]
}

/// Calls each as a superuser; what ran, and the SQLSTATEs of those that were refused. Each is an attack of the table.
fn superuser_calls(house: &mut House, table: &str) -> (Vec<(String, String, String)>, BTreeSet<String>) {
    let calls = calls(house);
    house.sprung();
    house.superuser_ran();
    house.floor.run("delete from book.won; set search_path = pg_catalog");
    let (mut ran, mut refused, mut attacks) = (Vec::new(), BTreeSet::new(), Vec::new());
    for call in calls {
        if let Err(refusal) = house.floor.try_run(&call) {
            assert!(!["XX000", "42883", "42P01"].contains(&refusal.sqlstate.as_str()), "{call}: {refusal:?}");
            refused.insert(format!("{call}: {} {}", refusal.sqlstate, refusal.message));
        }
        let sprung: Vec<_> = house.sprung().into_iter().map(|(what, who)| (call.clone(), what, who)).collect();
        attacks.push(attack(&call, &sprung));
        ran.extend(sprung);
        let session: Vec<String> = house.floor.column(
            "select current_user || ' ' || session_user || ' ' || current_setting('search_path')
             || ' ' || (select count(*) from pg_cursors where is_holdable) || ' ' || pg_my_temp_schema()",
        );
        assert_eq!(session, ["postgres postgres pg_catalog 0 0"], "{call} changed the session");
        assert!(!house.superuser_ran(), "{call}: a superuser ran a trap");
    }
    assert_eq!(report(table, &attacks), Vec::<String>::new());
    (ran, refused)
}

fn attack(call: &str, sprung: &[(String, String, String)]) -> Attack {
    let others: Vec<_> = sprung.iter().filter(|(_, _, who)| who != OWNER).collect();
    let kept = format!("{} traps were sprung, each as the owner", sprung.len());
    Attack {
        who: "superuser",
        what: call.to_owned(),
        sign: "a trap of the owner's is sprung as another role than the owner",
        result: if others.is_empty() { Ok(kept) } else { Err(format!("{others:?}")) },
    }
}

fn assert_as_owner(ran: &[(String, String, String)]) {
    let others: Vec<_> = ran.iter().filter(|(_, _, who)| who != OWNER).collect();
    assert!(others.is_empty(), "ran as another than the owner, a superuser say:\n{others:#?}");
}

#[test]
fn nothing_of_the_owner_runs_as_a_superuser_who_calls() {
    let mut house = House::new();
    house.session_as(OWNER).run(&TRAPS.replace("SCHEMA", HOUSE));
    let (ran, refused) = superuser_calls(&mut house, "traps");
    assert_as_owner(&ran);
    assert_eq!(house.floor.column::<String>("select what from book.won"), Vec::<String>::new());
    let sprung: BTreeSet<&str> = ran.iter().map(|(_, what, _)| what.split(' ').next().unwrap_or_default()).collect();
    for kind in ["row", "statement", "deferred", "check", "policy", "cast", "index", "default"] {
        assert!(sprung.contains(kind), "no {kind} was sprung, so nothing was shown: {sprung:?}");
    }
    assert!(refused.len() <= 3, "{refused:#?}");
}

#[test]
fn nothing_of_the_owner_runs_as_a_superuser_who_looks_at_views() {
    let mut house = House::new();
    house.session_as(OWNER).run(&format!("{}; {}", TRAPS, VIEWS).replace("SCHEMA", HOUSE));
    let (ran, _) = superuser_calls(&mut house, "traps_with_views");
    assert_as_owner(&ran);
    assert_eq!(house.floor.column::<String>("select what from book.won"), Vec::<String>::new());
    assert!(ran.iter().any(|(_, what, _)| what.starts_with("view ")), "no view was read");
}

/// Attach, attached again and detached: on the traps, and with a view in the place of the rollout, which every look at a schema reads.
#[test]
fn nothing_of_the_owner_runs_as_a_superuser_who_attaches_and_detaches() {
    let rollout = "alter table SCHEMA.holdfast_rollout rename to rollout_real;
        create view SCHEMA.holdfast_rollout as select r.* from SCHEMA.rollout_real r where (select SCHEMA.check('view rollout'))";
    for (table, deferred, views, attaches) in [
        ("traps_of_attach", "", "", true),
        ("traps_of_attach_deferred", DEFERRED, "", false),
        ("traps_of_attach_with_views", DEFERRED, rollout, false),
    ] {
        let mut house = House::new();
        // Forced row security is refused.
        let traps = TRAPS.replace("execute format('alter table %s force row level security', t.name);", "");
        let traps = traps.replace(DEFERRED, deferred);
        // The rules of statuses are written again, on the traps.
        let traps = format!("delete from {HOUSE}.holdfast_status_transitions; {traps}");
        house.session_as(OWNER).run(&format!("{traps}; {views}").replace("SCHEMA", HOUSE));
        house.sprung();
        house.superuser_ran();
        house.floor.run("delete from book.won");
        let (mut ran, mut attacks) = (Vec::new(), Vec::new());
        for call in ["attach('bistro')", "doctor('bistro')", "attach('bistro')", "detach('bistro', false)"] {
            // In a session that knows nothing of the schema; some are refused.
            let done = house.floor.session().try_run(&format!("select holdfast.{call}"));
            assert!(done.is_ok() || !attaches, "{call}: {done:?}");
            assert!(!house.superuser_ran(), "{call} ran a trap as a superuser {views}");
            let sprung: Vec<_> = house.sprung().into_iter().map(|(what, who)| (call.to_owned(), what, who)).collect();
            attacks.push(attack(call, &sprung));
            ran.extend(sprung);
        }
        assert_eq!(report(table, &attacks), Vec::<String>::new());
        assert!(!ran.is_empty(), "nothing was sprung, so nothing was shown");
        let by_attach = ran.iter().any(|(call, what, _)| call.starts_with("attach") && what.starts_with("row "));
        assert!(by_attach || !attaches, "attach sprung none: {ran:?}");
        assert_as_owner(&ran);
        assert_eq!(house.floor.column::<String>("select what from book.won"), Vec::<String>::new());
    }
}

/// The suite has to be able to find one: the owner's trigger, fired by a superuser's own statement, is what it looks for.
#[test]
fn a_trigger_that_a_superuser_fires_is_found() {
    let mut house = House::new();
    house.session_as(OWNER).run(&TRAPS.replace("SCHEMA", HOUSE));
    house.booking(1);
    let ran = house.sprung();
    assert!(ran.iter().any(|(_, who)| who == "postgres"), "{ran:?}");
    assert!(house.floor.value::<i64>("select count(*) from book.won") > 0);
}

/// What a trigger leaves in the session of a superuser would run later, with a superuser's rights.
#[test]
fn a_trigger_leaves_nothing_in_a_superusers_session() {
    for (what, statement) in [
        ("a cursor", "execute 'declare later cursor with hold for select book.trap(''cursor'')'"),
        (
            "a view that stands before the catalogue's",
            "execute 'create temp view pg_roles as select book.trap(''view'')'",
        ),
        ("a table", "execute 'create temp table if not exists bookings (id uuid)'"),
    ] {
        let mut house = House::new();
        let booking = house.booking(1);
        house.session_as(OWNER).run(&format!(
            "create function {HOUSE}.leave() returns trigger language plpgsql as $f$ begin {statement}; return new; end $f$;
             create trigger leave before update on {HOUSE}.bookings for each row execute function {HOUSE}.leave()"
        ));
        let table = house.tables[0];
        let call = format!("select holdfast.confirm_tables('{HOUSE}', '{booking}', array['{table}']::uuid[], 'k')");
        let refusal = house.floor.try_run(&call).expect_err(what);
        assert_eq!(refusal.sqlstate, "42501", "{what}: {refusal:?}");
        assert!(house.sprung().is_empty(), "{what} ran");
        // As the owner it may do so.
        house.session_as(SERVICE_OF_HOUSE).run(&format!(
            "select {HOUSE}.confirm_hold_assignment_with_transition('{booking}', array['{table}']::uuid[], 'k')"
        ));
        assert!(house.sprung().iter().all(|(_, who)| who != "postgres"), "{what}");
    }
}

const SERVICE_OF_HOUSE: &str = super::ground::SERVICE;

/// A setting that a trigger changes for good is the caller's again after the call.
#[test]
fn a_trigger_changes_no_setting_of_a_superuser() {
    let mut house = House::new();
    let booking = house.booking(1);
    house.session_as(OWNER).run(&format!(
        "create function {HOUSE}.leave() returns trigger language plpgsql as $f$
         begin perform set_config('search_path', '{HOUSE}', false); perform set_config('row_security', 'off', false); return new; end $f$;
         create trigger leave before update on {HOUSE}.bookings for each row execute function {HOUSE}.leave()"
    ));
    let table = house.tables[0];
    house.floor.run(&format!("select holdfast.confirm_tables('{HOUSE}', '{booking}', array['{table}']::uuid[], 'k')"));
    let settings: String =
        house.floor.value("select current_setting('search_path') || ' ' || current_setting('row_security')");
    assert_eq!(settings, "\"$user\", public on");
}

/// A deferred trigger that defers again what it does would have it run by the commit.
#[test]
fn a_deferred_trigger_cannot_defer_again() {
    let mut house = House::new();
    let booking = house.booking(1);
    house.session_as(OWNER).run(&format!(
        "create table {HOUSE}.later (id integer);
         create function {HOUSE}.again() returns trigger language plpgsql as $f$
         begin
           perform book.trap(tg_argv[0]);
           set constraints all deferred;
           insert into {HOUSE}.later values (1);
           return null;
         end $f$;
         create function {HOUSE}.end() returns trigger language plpgsql as $f$ begin perform book.trap('later'); return null; end $f$;
         create constraint trigger again after update on {HOUSE}.bookings deferrable initially deferred
           for each row execute function {HOUSE}.again('first');
         create constraint trigger later after insert on {HOUSE}.later deferrable initially deferred
           for each row execute function {HOUSE}.end()"
    ));
    let table = house.tables[0];
    let call = format!("select holdfast.confirm_tables('{HOUSE}', '{booking}', array['{table}']::uuid[], 'k')");
    let refused = house.floor.try_run(&call);
    assert_eq!(refused.expect_err("it defers in a restricted operation").sqlstate, "42501");
    assert!(house.sprung().iter().all(|(_, who)| who == OWNER));
}
