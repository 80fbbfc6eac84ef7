//! Several schemas in one session: each is read when it is called, and no other's troubles reach it.

use holdfast_e2e::{Call, Floor, GRANTED, Refusal, STRANGER, Session, confirm, native, unassign};
use serde_json::json;
use uuid::Uuid;

/// A restaurant with two tables and two bookings, as statements for any schema.
const ROOM: &str = "
    insert into app.restaurants (id) values ('00000000-0000-4000-8000-000000000001');
    insert into app.zones (id, restaurant_id)
      values ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001');
    insert into app.table_inventory (id, restaurant_id, zone_id, table_number, capacity)
      select id::uuid, '00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002', id, 4
      from (values ('00000000-0000-4000-8000-000000000003'), ('00000000-0000-4000-8000-000000000004')) t (id);
    insert into app.bookings (id, restaurant_id, party_size, start_at, end_at)
      select id::uuid, '00000000-0000-4000-8000-000000000001', 2, '2027-05-01 18:00Z', '2027-05-01 20:00Z'
      from (values ('00000000-0000-4000-8000-000000000005'), ('00000000-0000-4000-8000-000000000006')) t (id)";

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x4000_8000_0000_0000_0000 + number)
}

/// The same call in another schema.
fn within(session: &mut Session, schema: &str, call: &Call) -> Result<usize, Refusal> {
    let sql = call.sql().replace("public.", &format!("{schema}."));
    session.simple(&format!("select * from {sql}")).map(|rows| rows.len())
}

fn open(session: &mut Session, schema: &str) {
    session.run(&format!("select holdfast.create_reference_schema('{schema}'); select holdfast.attach('{schema}')"));
    session.run(&ROOM.replace("app.", &format!("{schema}.")));
}

/// The tables, the types and the schema belong to a role, as a tenant's do.
fn give(session: &mut Session, schema: &str, role: &str) {
    session.run(&format!(
        "grant usage, create on schema {schema} to {role};
         do $$ declare name text; begin
           for name in select oid::regclass from pg_class where relnamespace = '{schema}'::regnamespace and relkind = 'r' loop
             execute format('alter table %s owner to {role}', name);
           end loop;
           for name in select oid::regtype from pg_type where typnamespace = '{schema}'::regnamespace and typtype = 'e' loop
             execute format('alter type %s owner to {role}', name);
           end loop;
         end $$;
         select holdfast.attach('{schema}')"
    ));
}

fn confirm_one(session: &mut Session, schema: &str, booking: u128, table: u128, key: &str) -> Result<usize, Refusal> {
    within(session, schema, &confirm(id(booking), &[id(table)], key))
}

/// A reading that failed is not taken for one that found nothing new.
#[test]
fn the_switch_is_seen_after_a_reading_that_failed() {
    let mut floor = Floor::new();
    open(&mut floor, "bistro");
    floor.run(&format!(
        "grant usage on schema bistro, holdfast to {STRANGER}; grant all on all tables in schema bistro to {STRANGER};
         revoke all on bistro.holdfast_rollout from {STRANGER}; grant execute on all functions in schema holdfast to {STRANGER}"
    ));
    assert_eq!(confirm_one(&mut floor, "bistro", 5, 3, "warm").expect("a confirm"), 1);
    // Nothing is kept to call instead, which the table's trigger would say.
    floor.run("alter table bistro.holdfast_rollout disable trigger user; insert into bistro.holdfast_rollout (mode) values ('original')");
    floor.run(&format!("set role {STRANGER}"));
    let call = native("confirm_tables")
        .with("p_schema", "bistro")
        .with("p_booking_id", id(6))
        .with("p_table_ids", vec![id(4)])
        .with("p_idempotency_key", "blind");
    let blind = floor.call(&call).expect_err("who may not read the switch cannot confirm");
    assert_eq!(blind.sqlstate, "42501", "{blind:?}");
    floor.run("reset role");
    let switched = confirm_one(&mut floor, "bistro", 6, 4, "switched").expect_err("the switch is off");
    switched.code("HF710");
}

/// A schema that was renamed, and another in its place, are told apart also by a session that could not look at once.
#[test]
fn a_schema_in_the_place_of_another_is_never_written() {
    let mut floor = Floor::new();
    open(&mut floor, "bistro");
    assert_eq!(confirm_one(&mut floor, "bistro", 5, 3, "warm").expect("a confirm"), 1);
    let mut owner = floor.session();
    owner.run("alter schema bistro rename to bistro_old");
    open(&mut owner, "bistro");
    owner.run("begin; lock table bistro_old.holdfast_rollout in access exclusive mode");
    floor.run("set lock_timeout = '50ms'");
    let locked = confirm_one(&mut floor, "bistro_old", 6, 4, "key").expect_err("it cannot be read now");
    assert_eq!(locked.sqlstate, "55P03", "{locked:?}");
    owner.run("rollback");
    assert_eq!(confirm_one(&mut floor, "bistro_old", 6, 4, "key").expect("a confirm"), 1);
    let count = |session: &mut Session, schema: &str| {
        session.value::<i64>(&format!("select count(*) from {schema}.booking_table_assignments"))
    };
    assert_eq!((count(&mut floor, "bistro_old"), count(&mut floor, "bistro")), (2, 0));
    assert_eq!(confirm_one(&mut floor, "bistro", 6, 4, "key").expect("a confirm in the new one"), 1);
    assert_eq!((count(&mut floor, "bistro_old"), count(&mut floor, "bistro")), (2, 1));
}

/// The same while a call waits for a lock: its first statement has run in the one schema, and no other is written.
#[test]
fn a_call_that_waits_is_tried_again_in_its_own_schema() {
    let mut floor = Floor::new();
    open(&mut floor, "bistro");
    assert_eq!(confirm_one(&mut floor, "bistro", 5, 3, "warm").expect("a confirm"), 1);
    let mut owner = floor.session();
    owner.run(&format!("begin; select from bistro.bookings where id = '{}' for update", id(6)));
    let mut waiting = floor.session();
    assert_eq!(confirm_one(&mut waiting, "bistro", 5, 3, "warm").expect("a replay"), 1);
    let pid: i32 = waiting.value("select pg_backend_pid()");
    let (confirmed, floor) = std::thread::scope(|scope| {
        let call = scope.spawn(move || confirm_one(&mut waiting, "bistro", 6, 4, "key"));
        let blocked = format!("select cardinality(pg_blocking_pids({pid})) > 0");
        while !floor.value::<bool>(&blocked) {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        floor.run("alter schema bistro rename to bistro_old");
        open(&mut floor, "bistro");
        owner.run("rollback");
        (call.join().expect("no panic"), floor)
    });
    let mut floor = floor;
    assert_eq!(confirmed.expect_err("its schema was renamed meanwhile").sqlstate, "40001");
    assert_eq!(confirm_one(&mut floor, "bistro_old", 6, 4, "key").expect("the same key, once more"), 1);
    let rows = |floor: &mut Floor, schema: &str| {
        floor.value::<i64>(&format!("select count(*) from {schema}.booking_table_assignments"))
    };
    assert_eq!((rows(&mut floor, "bistro_old"), rows(&mut floor, "bistro")), (2, 0));
}

/// Two owners in one session: what changes in one schema is no business of the other's.
#[test]
fn a_schema_is_read_with_the_rights_of_its_own_call() {
    let mut floor = Floor::new();
    for (schema, role) in [("bistro", GRANTED), ("diner", STRANGER)] {
        open(&mut floor, schema);
        give(&mut floor, schema, role);
    }
    for _ in 0..2 {
        for schema in ["bistro", "diner"] {
            let rows =
                within(&mut floor, schema, &unassign(id(5))).unwrap_or_else(|refusal| panic!("{schema}: {refusal:?}"));
            assert_eq!(rows, 0);
            floor.run(&format!("alter table {schema}.bookings set (fillfactor = 90)"));
        }
    }
}

/// Whoever works in one schema does not wait for what is done to another.
#[test]
fn a_detach_that_has_not_ended_holds_nobody_else_up() {
    let mut floor = Floor::new();
    open(&mut floor, "bistro");
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let call = confirm(booking, &room.tables, "key");
    assert_eq!(floor.seats(&call).len(), 1);
    assert_eq!(confirm_one(&mut floor, "bistro", 5, 3, "warm").expect("a confirm"), 1);
    let mut owner = floor.session();
    owner.run("begin; select holdfast.detach('bistro')");
    floor.run("set lock_timeout = '1s'; alter table public.bookings set (fillfactor = 90)");
    assert_eq!(floor.seats(&call).len(), 1, "a replay");
    owner.run("rollback");
}

/// A session that serves many tenants keeps few of them.
#[test]
fn a_session_keeps_few_schemas() {
    const SCHEMAS: usize = 30;
    let mut floor = Floor::new();
    for number in 0..SCHEMAS {
        open(&mut floor, &format!("tenant{number}"));
    }
    let mut session = floor.session();
    // A replay that finds its rows by their indexes has no plans.
    session.run("set holdfast.access_path = sql");
    for round in 0..2 {
        for number in 0..SCHEMAS {
            let confirmed = confirm_one(&mut session, &format!("tenant{number}"), 5, 3, "key");
            assert_eq!(confirmed.expect("a confirm or its replay"), 1, "round {round}, schema {number}");
        }
    }
    let kept = "select count(distinct substring(c.ident from 'tenant[0-9]+'))
                from pg_backend_memory_contexts c where c.name like 'CachedPlan%' and c.ident like '%/* holdfast.%tenant%'";
    let kept: i64 = session.value(kept);
    assert!((1..=24).contains(&kept), "plans of {kept} schemas");
}

/// Nobody but those that are asked for is looked at when the schema is not there.
#[test]
fn a_schema_that_is_gone_is_refused() {
    let mut floor = Floor::new();
    open(&mut floor, "bistro");
    assert_eq!(confirm_one(&mut floor, "bistro", 5, 3, "warm").expect("a confirm"), 1);
    let oid: u32 = floor.value("select 'bistro'::regnamespace::oid");
    floor.run("set client_min_messages = warning; drop schema bistro cascade");
    let call = native("confirm_tables")
        .with("p_schema", oid as i32)
        .with("p_booking_id", id(6))
        .with("p_table_ids", vec![id(4)])
        .with("p_idempotency_key", "key");
    assert_eq!(floor.outcome(&call)["outcome"], json!("not_attached"));
}
