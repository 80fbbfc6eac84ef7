//! One session that works for many tenants: schemas of several owners, some of which change while it is open.
//!
//! The long form, a thousand schemas of forty owners: `HOLDFAST_SCHEMAS=1000 HOLDFAST_OWNERS=40`.

use std::time::{Duration, Instant};

use holdfast_e2e::{Cluster, Dice, Session, confirm, confirm_outcome};
use uuid::Uuid;

/// What one session may keep of all schemas, in bytes: much less than plans for a thousand of them need.
const MOST_BYTES: i64 = 300 << 20;

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn id(kind: u8, number: usize) -> Uuid {
    Uuid::from_u128(0x4000_8000_0000_0000_0000 + (u128::from(kind) << 32) + number as u128)
}

/// An attached schema of an owner, with a table and so many bookings, one a day.
fn add(session: &mut Session, schema: &str, owner: &str, bookings: usize) {
    session.run(&format!(
        "select holdfast.create_reference_schema('{schema}');
         do $$ declare t text; begin
           for t in select oid::regclass from pg_class where relnamespace = '{schema}'::regnamespace and relkind = 'r'
           loop execute format('alter table %s owner to {owner}', t); end loop; end $$;
         alter type {schema}.booking_status owner to {owner};
         alter schema {schema} owner to {owner};
         select holdfast.attach('{schema}', '{{service}}');
         insert into {schema}.restaurants (id) values ('{r}');
         insert into {schema}.zones (id, restaurant_id) values ('{z}', '{r}');
         insert into {schema}.table_inventory (id, restaurant_id, zone_id, table_number, capacity)
           values ('{t}', '{r}', '{z}', 'T1', 4);
         insert into {schema}.bookings (id, restaurant_id, party_size, start_at, end_at)
           select ('00000000-0000-4000-8000-0004' || lpad(to_hex(n), 8, '0'))::uuid, '{r}', 2,
             timestamptz '2031-05-01 18:00Z' + n * interval '1 day', timestamptz '2031-05-01 20:00Z' + n * interval '1 day'
           from generate_series(0, {bookings} - 1) n",
        r = id(1, 0),
        z = id(2, 0),
        t = id(3, 0),
    ));
}

/// Confirms in a schema and asks what became of it: whatever comes back is an answer of this schema.
fn serve(service: &mut Session, schema: &str, booking: usize) {
    let sql = |call: &holdfast_e2e::Call| call.sql().replace("public.", &format!("{schema}."));
    let call = confirm(id(4, booking), &[id(3, 0)], "key");
    let seats = service.simple(&format!("select * from {}", sql(&call)));
    assert_eq!(seats.unwrap_or_else(|refusal| panic!("{schema}: {refusal:?}")).len(), 1, "{schema}");
    let asked = service.simple(&format!("select outcome from {}", sql(&confirm_outcome(id(4, booking), "key"))));
    let outcome = asked.unwrap_or_else(|refusal| panic!("{schema}: {refusal:?}"));
    assert_eq!(outcome, [[Some("committed".to_owned())]], "{schema}");
}

#[test]
fn schemas_of_many_owners_in_one_session() {
    let (schemas, owners) = (number("HOLDFAST_SCHEMAS", 16), number("HOLDFAST_OWNERS", 4));
    let rounds = 4;
    let cluster = Cluster::start_with(
        "-c shared_preload_libraries=holdfast -c holdfast.worker=off -c max_locks_per_transaction=1024",
    );
    let mut session = cluster.install("floor");
    session.run("create role service login; grant pg_read_all_stats to service");
    (0..owners).for_each(|owner| session.run(&format!("create role owner_{owner}")));
    let schema = |at: usize| format!("tenant_{at}");
    (0..schemas).for_each(|at| add(&mut session, &schema(at), &format!("owner_{}", at % owners), rounds));
    let mut service = Session::new(cluster.connect("floor"));
    service.run("set session authorization service");
    let seed = number("HOLDFAST_SEED", 7) as u64;
    println!("seed {seed}");
    let mut dice = Dice::new(seed);
    let mut bytes = Vec::new();
    for round in 0..rounds {
        let began = Instant::now();
        for at in 0..schemas {
            // The next tenant is anybody, and meanwhile another's owner changes a table, or the schema's name and back.
            serve(&mut service, &schema((at * 7 + round) % schemas), round);
            let other = schema(dice.roll(schemas));
            match dice.roll(8) {
                0 => session.run(&format!("alter table {other}.bookings add column if not exists note_{round} text")),
                1 => session
                    .run(&format!("alter schema {other} rename to renamed; alter schema renamed rename to {other}")),
                2 => session.run(&format!("comment on table {other}.table_holds is 'round {round}'")),
                _ => {}
            }
        }
        let took: Duration = began.elapsed();
        let kept =
            service.simple("select sum(total_bytes) from pg_catalog.pg_backend_memory_contexts").expect("its memory");
        bytes.push(kept[0][0].as_deref().and_then(|text| text.parse::<i64>().ok()).expect("a number"));
        println!(
            "round {round}: {} us a call, {} kB kept",
            took.as_micros() / (2 * schemas as u128),
            bytes[round] / 1024
        );
    }
    assert!(bytes[rounds - 1] < MOST_BYTES, "{bytes:?}");
}
