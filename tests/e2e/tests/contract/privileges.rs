//! Who may call what.

use holdfast_e2e::{Call, Floor, GRANTED, STRANGER, Session, assert_untouched, confirm, confirm_hold};
use uuid::Uuid;

/// A call of every function of ours. Its arguments are NULL, but not constants: a constant would let the planner answer
/// in the function's place.
fn every_call(session: &mut Session) -> Vec<String> {
    let calls = session.column(
        "select format('select %I.%I(%s)', n.nspname, p.proname,
           (select string_agg('(select null::' || format_type(t, null) || ')', ', ' order by place)
            from unnest(p.proargtypes) with ordinality u (t, place)))
         from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         left join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
         left join pg_extension e on e.oid = d.refobjid
         where (n.nspname = 'holdfast' or n.nspname = 'public' and e.extname is null) and p.prokind = 'f'
         and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype) order by 1",
    );
    assert!(calls.len() >= 24, "wrappers and natives: {calls:#?}");
    calls
}

#[test]
fn a_role_without_grants_can_call_nothing() {
    let mut floor = Floor::new();
    let calls = every_call(&mut floor);
    let before = floor.snapshot();
    let mut stranger = floor.session_as(STRANGER);
    for call in calls {
        let refusal = stranger.try_run(&call).expect_err(&call);
        assert_eq!(refusal.sqlstate, "42501", "{call}: {refusal:?}");
    }
    assert_untouched(&mut floor, &before, "a stranger");
}

#[test]
fn the_public_may_execute_nothing_of_ours() {
    let mut floor = Floor::new();
    let open: Vec<String> = floor.column(
        "select p.oid::regprocedure::text from pg_proc p
         left join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
         left join pg_extension e on e.oid = d.refobjid
         where (e.extname = 'holdfast' or e.extname is null and p.pronamespace = 'public'::regnamespace)
         and has_function_privilege('public', p.oid, 'execute')
         and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)",
    );
    assert_eq!(open, Vec::<String>::new());
    let readable: Vec<String> = floor.column(
        "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
         where n.nspname = 'public' and c.relkind in ('r', 'S') and a.grantee = 0
         and c.relname not like 'pg_stat_statements%'",
    );
    assert_eq!(readable, Vec::<String>::new(), "tables and sequences");
}

#[test]
fn a_granted_role_confirms_without_any_right_on_the_tables() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, hold) = floor.held(&room, &room.tables);
    let mut granted = floor.session_as(GRANTED);
    for table in ["bookings", "table_holds", "allocations", "booking_assignment_idempotency"] {
        let refusal = granted.try_run(&format!("select from public.{table}")).expect_err(table);
        assert_eq!(refusal.sqlstate, "42501");
    }
    assert_eq!(granted.seats(&confirm_hold(hold, booking, "key")).len(), 2);
    let take = Call::new("hold_tables").with("p_booking_id", booking).with("p_table_ids", &room.tables);
    assert_eq!(granted.done(&take).len(), 1);
    assert_eq!(granted.done(&holdfast_e2e::unassign(booking)).len(), 2);
    assert_eq!(granted.done(&Call::new("reconcile_booking").with("p_booking_id", booking)).len(), 1);
    assert_eq!(granted.value::<String>("select current_user::text"), GRANTED, "the caller is who it was");
}

/// A grant to call does not reach the natives, whose work is done with the caller's own rights.
#[test]
fn a_granted_role_gets_no_further_than_the_wrappers() {
    let mut floor = Floor::new();
    let natives: Vec<String> = every_call(&mut floor).into_iter().filter(|call| call.contains(" holdfast.")).collect();
    let mut granted = floor.session_as(GRANTED);
    for call in natives {
        assert_eq!(granted.try_run(&call).expect_err(&call).sqlstate, "42501", "{call}");
    }
}

/// The owner of an application's schema is no superuser, and its rows may be under row security.
#[test]
fn an_ordinary_owner_is_enough() {
    let mut floor = Floor::bare();
    let owner = GRANTED;
    floor.run(&format!(
        "create extension holdfast cascade; select holdfast.create_reference_schema('bistro');
         alter schema bistro owner to {owner};
         do $$ declare t text; begin
           for t in select c.oid::regclass from pg_class c where relnamespace = 'bistro'::regnamespace and relkind = 'r'
           loop execute format('alter table %s owner to {owner}', t); end loop; end $$;
         alter type bistro.booking_status owner to {owner};
         select holdfast.attach('bistro', array['{STRANGER}']);"
    ));
    let booking = Uuid::new_v4();
    let table = Uuid::new_v4();
    floor.run(&format!(
        "insert into bistro.restaurants (id) values ('{booking}');
         insert into bistro.zones (id, restaurant_id) values ('{booking}', '{booking}');
         insert into bistro.table_inventory (id, restaurant_id, zone_id, table_number, capacity)
           values ('{table}', '{booking}', '{booking}', '1', 4);
         insert into bistro.bookings (id, restaurant_id, party_size, start_at, end_at)
           values ('{booking}', '{booking}', 2, '2027-05-01 18:00Z', '2027-05-01 20:00Z')"
    ));
    let mut caller = floor.session_as(STRANGER);
    let sql = confirm(booking, &[table], "key").sql().replace("public.", "bistro.");
    let rows = caller.simple(&format!("select table_id from {sql}")).expect("the owner's rights are enough");
    assert_eq!(rows, [[Some(table.to_string())]]);
    assert_eq!(floor.value::<String>("select status::text from bistro.bookings"), "confirmed");
}

#[test]
fn pg_monitor_reads_what_is_counted_and_calls_nothing_else() {
    let mut floor = Floor::new();
    let views = [
        "in_flight",
        "spans",
        "stat_attempts",
        "stat_confirm",
        "stat_outcomes",
        "stat_phase",
        "stat_shadow",
        "stat_spans",
        "stat_tasks",
        "stat_worker",
    ];
    let readable: Vec<String> = floor.column(
        "select c.relname::text from pg_class c where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'v')
         and has_table_privilege('pg_monitor', c.oid, 'select') order by 1",
    );
    assert_eq!(readable, views);
    let callable: Vec<String> = floor.column(
        "select p.proname::text from pg_proc p where p.pronamespace = 'holdfast'::regnamespace
         and has_function_privilege('pg_monitor', p.oid, 'execute') order by 1",
    );
    let feeding = [
        "attempt_counts",
        "attempts_in_flight",
        "call_counts",
        "outcome_counts",
        "phase_counts",
        "recorded_spans",
        "shadow_counts",
        "span_counts",
        "task_status",
        "why",
        "worker_status",
    ];
    assert_eq!(callable, feeding);
    floor.run("set role pg_monitor");
    for view in views {
        floor.run(&format!("select count(*) from holdfast.{view}"));
    }
    assert_eq!(floor.try_run("select holdfast.stat_reset()").expect_err("its owner's alone").sqlstate, "42501");
    floor.run("reset role");
}
