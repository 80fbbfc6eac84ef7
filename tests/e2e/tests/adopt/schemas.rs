//! One session and several schemas, and schemas that change under a session that has used them before.

use holdfast_e2e::{Call, Floor, GRANTED, Session, assign, confirm, confirm_hold, native, unassign};
use serde_json::json;

/// The same call in another schema.
fn in_schema(session: &mut Session, schema: &str, call: &Call) -> Result<usize, holdfast_e2e::Refusal> {
    let sql = call.sql().replace("public.", &format!("{schema}."));
    session.simple(&format!("select * from {sql}")).map(|rows| rows.len())
}

/// A restaurant with two tables and two bookings in a schema, as statements.
const BISTRO: &str = "
    insert into bistro.restaurants (id) values ('00000000-0000-4000-8000-000000000001');
    insert into bistro.zones (id, restaurant_id)
      values ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001');
    insert into bistro.table_inventory (id, restaurant_id, zone_id, table_number, capacity)
      select id::uuid, '00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002', id, 4
      from (values ('00000000-0000-4000-8000-000000000003'), ('00000000-0000-4000-8000-000000000004')) t (id);
    insert into bistro.bookings (id, restaurant_id, party_size, start_at, end_at)
      select id::uuid, '00000000-0000-4000-8000-000000000001', 2, '2027-05-01 18:00Z', '2027-05-01 20:00Z'
      from (values ('00000000-0000-4000-8000-000000000005'), ('00000000-0000-4000-8000-000000000006')) t (id)";

fn id(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(0x4000_8000_0000_0000_0000 + number)
}

fn add_bistro(session: &mut Session) {
    session.run("select holdfast.create_reference_schema('bistro'); select holdfast.attach('bistro')");
    session.run(BISTRO);
}

/// A hold of the second booking on the second table.
fn held(session: &mut Session) -> uuid::Uuid {
    session.value(&format!("select hold_id from bistro.hold_tables('{}', array['{}']::uuid[])", id(6), id(4)))
}

#[test]
fn two_schemas_in_one_session_are_apart() {
    let mut floor = Floor::new();
    add_bistro(&mut floor);
    let room = floor.room(2);
    for round in 0..2 {
        let booking = floor.booking(room.restaurant);
        assert_eq!(floor.seats(&confirm(booking, &room.tables[round..=round], "key")).len(), 1);
        let call = confirm(id(5), &[id(3)], "key");
        assert_eq!(in_schema(&mut floor, "bistro", &call).expect("a confirm and its replay"), 1);
        floor.refused(&call).says("P0002", &format!("Booking {} not found", id(5)));
        let theirs =
            in_schema(&mut floor, "bistro", &confirm(booking, &room.tables, "key")).expect_err("another schema's");
        theirs.says("P0002", &format!("Booking {booking} not found"));
    }
    assert_eq!(floor.value::<i64>("select count(*) from bistro.booking_table_assignments"), 1);
    assert_eq!(floor.count("booking_table_assignments", "true"), 2);
}

#[test]
fn a_renamed_schema_works_in_a_session_that_knew_it() {
    let mut floor = Floor::new();
    add_bistro(&mut floor);
    let mut other = floor.session();
    for session in [&mut *floor, &mut other] {
        assert_eq!(in_schema(session, "bistro", &confirm(id(5), &[id(3)], "key")).expect("a confirm"), 1);
    }
    // Looked at again because a table was touched, and found the same.
    floor.run("comment on table bistro.bookings is 'ours'; analyze bistro.bookings; alter table bistro.bookings set (fillfactor = 90)");
    for session in [&mut *floor, &mut other] {
        assert_eq!(in_schema(session, "bistro", &confirm(id(5), &[id(3)], "key")).expect("a confirm"), 1);
    }
    let (booking, hold) = (id(6), held(&mut floor));
    floor.run("alter schema bistro rename to \"Grand Café\"");
    let retried = format!("call \"Grand Café\".confirm_with_retry('{booking}', '{hold}', 'retried', 5000)");
    let row: serde_json::Value = floor.value(&retried);
    assert_eq!(row["outcome"], "confirmed", "{row}");
    for session in [&mut *floor, &mut other] {
        assert_eq!(in_schema(session, "\"Grand Café\"", &confirm(id(5), &[id(3)], "key")).expect("a replay"), 1);
    }
    assert_eq!(in_schema(&mut other, "\"Grand Café\"", &assign(id(6), &[id(4)], "key")).expect("an assign"), 1);
    assert_eq!(in_schema(&mut other, "\"Grand Café\"", &unassign(id(6))).expect("what was never planned before"), 1);
}

#[test]
fn a_schema_that_was_dropped_and_made_again_is_a_new_one() {
    let mut floor = Floor::new();
    for _ in 0..2 {
        add_bistro(&mut floor);
        assert_eq!(in_schema(&mut floor, "bistro", &confirm(id(5), &[id(3)], "key")).expect("a confirm"), 1);
        floor.run("set client_min_messages = warning; drop schema bistro cascade");
    }
    let gone = floor.try_run("select holdfast.attach('bistro')").expect_err("there is no such schema");
    assert_eq!(gone.sqlstate, "3F000");
}

/// Changes that an application makes while sessions are open.
#[test]
fn tables_may_change_between_calls() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (a, b) = (room.tables[0], room.tables[1]);
    for change in [
        "select 1",
        "alter table public.bookings add column notes text default 'none', add column vip boolean not null default false",
        "alter table public.booking_table_assignments add column seat_count integer",
        "create index on public.allocations (created_at)",
        "alter table public.bookings drop column customer_id",
        "alter table public.table_inventory alter column capacity type bigint using capacity",
        "alter table public.table_inventory alter column capacity type integer",
        "alter type public.booking_status add value 'seated' after 'confirmed'",
        "alter type public.booking_status rename value 'PRIORITY_WAITLIST' to 'waitlist'",
        "alter table public.allocations set (fillfactor = 70)",
        "analyze",
        "discard plans",
        "discard all",
    ] {
        for statement in change.split("; ") {
            floor.run(statement);
        }
        let (booking, hold) = floor.held(&room, &[a]);
        assert_eq!(floor.seats(&confirm_hold(hold, booking, "key")).len(), 1, "after {change}");
        assert_eq!(floor.seats(&confirm(booking, &[b], "second")).len(), 1, "after {change}");
        assert_eq!(floor.done(&unassign(booking)), [json!(b)], "after {change}");
    }
}

/// A type that was renamed, or moved to another schema, is found by its new name at the next call of an open session.
#[test]
fn a_type_may_be_renamed_between_calls() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let mut owner = floor.session();
    owner.run("create schema kinds");
    for (place, change) in [
        "select 1",
        "alter type public.booking_status rename to state_of_a_booking",
        "alter type public.state_of_a_booking set schema kinds; alter type public.hold_status rename to \"Hold Status\"",
    ]
    .into_iter()
    .enumerate()
    {
        owner.run(change);
        // A plan keeps what it has read, until something makes the server read the statement again.
        floor.run("discard plans");
        let (booking, hold) = floor.held(&room, &room.tables[place..=place]);
        assert_eq!(floor.seats(&confirm_hold(hold, booking, "key")).len(), 1, "after {change}");
        assert_eq!(floor.seats(&confirm_hold(hold, booking, "key")).len(), 1, "a replay after {change}");
    }
}

#[test]
fn attach_can_be_repeated_and_rolled_back() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let call = confirm_hold(hold, booking, "key");
    let answer = floor.done(&call);
    let before = floor.snapshot();
    floor.run("select holdfast.attach('public')");
    holdfast_e2e::assert_untouched(&mut floor, &before, "a second attach");
    assert_eq!(floor.done(&call), answer);
    let mut granted = floor.session_as(GRANTED);
    assert_eq!(granted.done(&call), answer, "who was granted before is granted still");

    floor.run("begin; select holdfast.create_reference_schema('bistro'); select holdfast.attach('bistro')");
    floor.run(BISTRO);
    assert_eq!(in_schema(&mut floor, "bistro", &confirm(id(5), &[id(3)], "key")).expect("in the same transaction"), 1);
    floor.run("rollback");
    add_bistro(&mut floor);
    assert_eq!(in_schema(&mut floor, "bistro", &confirm(id(5), &[id(3)], "key")).expect("the new one"), 1);
}

#[test]
fn a_schema_that_is_not_attached_is_refused() {
    let mut floor = Floor::new();
    floor.run("create schema empty; select holdfast.create_reference_schema('tables_only')");
    for schema in ["empty", "tables_only"] {
        let call = native("confirm_tables")
            .with("p_schema", schema)
            .with("p_booking_id", id(5))
            .with("p_table_ids", vec![id(3)])
            .with("p_idempotency_key", "key");
        let row = floor.outcome(&call);
        let found = (&row["outcome"], &row["code"], &row["sqlstate"]);
        assert_eq!(found, (&json!("not_attached"), &json!("HF702"), &json!("55000")), "{schema}");
    }
}
