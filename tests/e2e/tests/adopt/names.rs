//! Schemas of any name, names of ours that are taken, and columns that older copies lack.

use holdfast_e2e::{Floor, Session};

/// A restaurant with a table and a booking in a schema, and the call that confirms it.
pub fn furnish(session: &mut Session, schema: &str) -> String {
    session.run(&format!(
        "insert into {schema}.restaurants (id, timezone) values ('00000000-0000-4000-8000-000000000001', 'UTC');
         insert into {schema}.zones (id, restaurant_id)
           values ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001');
         insert into {schema}.table_inventory (id, restaurant_id, zone_id, table_number, capacity)
           values ('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000001',
             '00000000-0000-4000-8000-000000000002', 'T1', 4);
         insert into {schema}.bookings (id, restaurant_id, party_size, start_at, end_at)
           values ('00000000-0000-4000-8000-000000000005', '00000000-0000-4000-8000-000000000001', 2,
             '2027-05-01 18:00Z', '2027-05-01 20:00Z')"
    ));
    format!(
        "select * from {schema}.confirm_hold_assignment_with_transition('00000000-0000-4000-8000-000000000005',
           array['00000000-0000-4000-8000-000000000003']::uuid[], 'key')"
    )
}

fn created(floor: &mut Floor) {
    floor.run("set client_min_messages = warning; create extension holdfast cascade");
}

/// Seen before: a raw syntax error, or a function of the schema's owner that attach called.
#[test]
fn a_schema_may_have_any_name() {
    let names = [
        "a'b",
        "a$$b",
        "x.app.y",
        "x-app.y",
        "app",
        "x'||y.e()||'",
        "quoted\"name",
        "app.",
        "$holdfast$",
        "Grand Café",
    ];
    let mut floor = Floor::bare();
    created(&mut floor);
    floor.run(
        "create schema y; create function y.e() returns text language plpgsql
         as $$ begin raise exception 'called'; end $$",
    );
    for name in names {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let literal = quoted.replace('\'', "''");
        let step = |floor: &mut Floor, sql: &str| {
            floor.simple(sql).unwrap_or_else(|refusal| panic!("{name}: {sql}: {refusal:?}"));
        };
        let bare = name.replace('\'', "''");
        step(&mut floor, &format!("select holdfast.create_reference_schema('{bare}')"));
        step(&mut floor, &format!("select holdfast.attach('{literal}')"));
        let call = furnish(&mut floor, &quoted);
        assert_eq!(floor.simple(&call).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}")).len(), 1, "{name}");
        step(&mut floor, &format!("select count(*) from {quoted}.holdfast_reconciliation"));
        let amiss: Vec<String> =
            floor.column(&format!("select what from holdfast.doctor('{literal}') where state in ('missing', 'wrong')"));
        assert_eq!(amiss, [""; 0], "{name}");
        step(&mut floor, &format!("select holdfast.migration('{literal}', 'run')"));
        step(&mut floor, &format!("select holdfast.attach('{literal}')"));
        step(&mut floor, &format!("select holdfast.detach('{literal}', false)"));
    }
}

/// Issue I8: tables and views of the application with names that an earlier release of ours had.
#[test]
fn tables_of_theirs_with_old_names_of_ours_are_not_touched() {
    let mut floor = Floor::bare();
    created(&mut floor);
    floor.run(
        "select holdfast.create_reference_schema('s');
         create table s.capacity_policies (code text primary key, label text not null, sort integer);
         create table s.booking_statuses (id integer, name text);
         create view s.booking_reconciliation as select id as booking_id, status::text as booking_state from s.bookings",
    );
    let theirs = "select array_agg(c.relname::text || c.oid::text || c.xmin::text order by 1) from pg_class c
                  where c.relnamespace = 's'::regnamespace
                  and c.relname in ('capacity_policies', 'booking_statuses', 'booking_reconciliation')";
    let before: Vec<String> = floor.value(theirs);
    floor.run("select holdfast.attach('s')");
    let call = furnish(&mut floor, "s");
    assert_eq!(floor.simple(&call).expect("a confirm").len(), 1);
    floor.run("select holdfast.detach('s', false)");
    assert_eq!(floor.value::<Vec<String>>(theirs), before);
}

/// Issue I6: seen before as 55000 with the hint to create tables that were there.
#[test]
fn columns_that_older_copies_lack_are_added() {
    let mut floor = Floor::bare();
    created(&mut floor);
    floor.run(
        "select holdfast.create_reference_schema('s');
         alter table s.allocations drop column is_maintenance;
         alter table s.booking_assignment_idempotency drop column table_set_hash, drop column payload_checksum,
           drop column expires_at;
         alter table s.table_inventory drop column status",
    );
    let missing: Vec<String> = floor.column(
        "select what from holdfast.doctor('s') where state = 'missing' and what like 'column %' and mend is not null
         order by 1",
    );
    assert_eq!(
        missing,
        [
            "column allocations.is_maintenance",
            "column booking_assignment_idempotency.expires_at",
            "column booking_assignment_idempotency.payload_checksum",
            "column booking_assignment_idempotency.table_set_hash",
            "column table_inventory.status"
        ]
    );
    let script: String = floor.value("select holdfast.migration('s', 'run')");
    assert!(script.contains("add column if not exists is_maintenance boolean not null default false"), "{script}");
    floor.run("select holdfast.attach('s')");
    let call = furnish(&mut floor, "s");
    assert_eq!(floor.simple(&call).expect("a confirm").len(), 1);
    floor.run("select s.refresh_table_status('00000000-0000-4000-8000-000000000003')");
    let amiss: Vec<String> = floor.column("select what from holdfast.doctor('s') where state in ('missing', 'wrong')");
    assert_eq!(amiss, [""; 0]);
    floor.run("select holdfast.detach('s', false); select holdfast.attach('s')");
}

/// The superuser who types the README's calls would call what stands in the schema.
#[test]
fn a_schema_holdfast_of_somebody_else_is_refused() {
    let mut floor = Floor::bare();
    let role = format!("{}_mallory", floor.name);
    let create = "set client_min_messages = warning; create extension holdfast cascade";
    for (planted, words) in [
        (format!("create role {role}; create schema holdfast authorization {role}"), "its owner is"),
        (
            "create schema holdfast; create function holdfast.doctor(p_schema text) returns text language sql as 'select $1'"
                .to_owned(),
            "it contains function ",
        ),
    ] {
        floor.run(&planted);
        let refusal = floor.try_run(create).expect_err(&planted);
        refusal.says("55000", "schema holdfast is not the extension's own");
        assert!(refusal.detail.as_deref().is_some_and(|detail| detail.contains(words)), "{refusal:?}");
        floor.run("set client_min_messages = warning; drop schema holdfast cascade");
    }
    // A right to create in it, by default privileges or from before, is taken back.
    floor.run(&format!("create schema holdfast; grant create on schema holdfast to {role}"));
    created(&mut floor);
    assert!(!floor.value::<bool>(&format!("select has_schema_privilege('{role}', 'holdfast', 'create')")));
    floor.run(&format!("drop role {role}"));
    floor.run("drop extension holdfast; create extension holdfast");
}
