//! A schema moves into another database, gets another name, or goes: holdfast goes with it, or leaves nothing behind.

use holdfast_e2e::foreign::{APPLICATIONS, Foreign, OLD};
use holdfast_e2e::script::differences;
use holdfast_e2e::{Floor, GRANTED, Session, confirm, confirm_hold};

use crate::adopt::attach::{booking, call, table};

/// The same database as another one, by way of a dump.
fn moved(foreign: &Foreign, format: &str) -> Floor {
    let floor = Floor::bare();
    floor.server().copy_by_dump(&foreign.name, &floor.name, format, &[]);
    let mut floor = floor;
    let (name, path) = (floor.name.clone(), foreign.application.search_path);
    floor.run(&format!("alter database {name} set search_path = {path}; set search_path = {path}"));
    floor
}

/// As pg_dump writes them. The server gives a view's unnamed columns names when it is made again.
fn definitions(floor: &Floor, schema: &str) -> Vec<String> {
    let lines = floor.server().dump(&floor.name, schema).into_iter();
    lines.map(|line| line.replace(" AS text,", ",").replace(" AS uuid,", ",")).collect()
}

#[test]
fn a_dump_works_in_another_database() {
    for (application, format) in APPLICATIONS.into_iter().zip(["custom", "plain", "custom"]) {
        let (mut foreign, schema) = (application.install(), application.schema);
        foreign.adopt();
        foreign.run(&format!("insert into {schema}.holdfast_rollout (percentage) values (100)"));
        let confirmed = confirm(booking(5), &[table(1)], "key");
        let answer = call(&mut foreign, schema, &confirmed).expect("a confirm");
        let before = definitions(&foreign, schema);

        let mut floor = moved(&foreign, format);
        assert_eq!(differences(&before, &definitions(&floor, schema)), Vec::<String>::new(), "{schema}");
        let mut service = floor.session_as(GRANTED);
        assert_eq!(call(&mut service, schema, &confirmed).expect("a replay"), answer, "{schema}");
        let amiss: Vec<String> = floor.column(&format!(
            "select what from holdfast.doctor('{schema}') where state in ('missing', 'wrong') and what not like 'status %'"
        ));
        assert_eq!(amiss, [""; 0], "{schema}");
        assert_eq!(call(&mut service, schema, &confirm(booking(6), &[table(2)], "key")).expect("a confirm").len(), 1);
        floor.run(&format!("select holdfast.verify_commits('{schema}')"));
        // The rollout's trigger came along, and what it routes to.
        if application.name == OLD.name {
            floor.run("update holdfast_rollout set mode = 'original'");
            let other = floor.booking("0ddba11a-0000-4000-8000-000000000001".parse().expect("an id"));
            assert_eq!(service.done(&confirm(other, &[table(3)], "key")).len(), 1);
            let ours = "select count(*) from booking_assignment_idempotency where transaction_id is not null";
            assert_eq!(floor.value::<i64>(ours), 2, "the original confirmed the third");
        }
        // The books came along: detach finds what it has to undo, and leaves the same here as there.
        for session in [&mut *foreign, &mut *floor] as [&mut Session; 2] {
            session.run(&format!("select holdfast.detach('{schema}', false)"));
        }
        let (there, here) = (definitions(&foreign, schema), definitions(&floor, schema));
        assert_eq!(differences(&there, &here), Vec::<String>::new(), "{schema}");
        assert!(!here.iter().any(|line| line.contains("_legacy") || line.contains("holdfast_")), "{schema}: {here:?}");
    }
}

#[test]
fn a_renamed_schema_finds_the_functions_that_it_keeps() {
    let mut old = OLD.install();
    old.adopt();
    let room = old.room(2);
    let (booking, hold) = old.held(&room, &room.tables[..1]);
    old.set("table_holds", hold, "metadata", "{}");
    old.run("insert into holdfast_rollout (mode) values ('original')");
    old.run("alter schema public rename to house; set search_path = house, extensions");
    // Functions of the application that name the schema are the application's to change.
    old.run(
        "do $$ declare f record; begin
           for f in select pg_get_functiondef(p.oid) as it from pg_proc p
             where p.pronamespace in ('house'::regnamespace, 'public_legacy'::regnamespace) and p.prosrc like '%public.%'
           loop execute replace(f.it, 'public.', 'house.'); end loop;
         end $$",
    );
    let mut service = old.session_as(GRANTED);
    service.run("set search_path = house, extensions");
    assert_eq!(call(&mut service, "house", &confirm_hold(hold, booking, "key")).expect("the original").len(), 1);
    let receipt = format!(
        "select transaction_id is null from house.booking_assignment_idempotency where booking_id = '{booking}'"
    );
    assert!(old.value::<bool>(&receipt), "the original leaves no receipt");
    old.run("delete from house.holdfast_rollout");
    assert_eq!(call(&mut service, "house", &confirm(booking, &room.tables[1..], "other")).expect("ours").len(), 1);
    old.run("select holdfast.detach('house', false)");
    assert!(old.value::<bool>("select to_regnamespace('public_legacy') is null"));
    let kept = "select count(*) from pg_proc where pronamespace = 'house'::regnamespace and proname = 'confirm_hold_assignment_tx'";
    assert_eq!(old.value::<i64>(kept), 1);
}

/// Rows of the catalogue that lead nowhere, and code of a library that is gone.
const DANGLING: &str = "
select 'function ' || p.oid::regprocedure from pg_proc p where p.probin like '%holdfast%'
union all select 'trigger ' || t.tgname from pg_trigger t where not exists (select from pg_proc p where p.oid = t.tgfoid)
union all select 'event trigger ' || evtname from pg_event_trigger
union all select 'extension ' || extname from pg_extension where extname = 'holdfast'
union all select 'dependency on an extension' from pg_depend d where d.refclassid = 'pg_extension'::regclass
  and not exists (select from pg_extension e where e.oid = d.refobjid)
union all select 'dependency on a function' from pg_depend d where d.refclassid = 'pg_proc'::regclass
  and d.refobjid >= 16384 and not exists (select from pg_proc p where p.oid = d.refobjid)
union all select 'function of a schema that is gone ' || p.proname from pg_proc p
  where not exists (select from pg_namespace n where n.oid = p.pronamespace)
union all select 'in schema holdfast: ' || c.relname from pg_class c where c.relnamespace = to_regnamespace('holdfast')";

#[test]
fn a_dropped_extension_and_a_dropped_schema_leave_nothing_that_dangles() {
    let mut old = OLD.install();
    old.adopt();
    old.run("select holdfast.create_reference_schema('bistro'); select holdfast.attach('bistro')");
    old.run("set client_min_messages = warning; drop schema bistro cascade");
    assert_eq!(old.done(&confirm(booking(5), &[table(1)], "key")).len(), 1, "the other schema goes on");
    old.run("drop extension holdfast");
    assert_eq!(old.column::<String>(DANGLING), [""; 0]);
    // What stays is the application's: it can be read, written and dumped without the extension.
    old.run("select * from holdfast_reconciliation; insert into holdfast_rollout (mode) values ('original')");
    assert!(old.server().dump(&old.name, "public").len() > 100);
    old.run("drop table bookings cascade; drop schema public cascade; create schema public");
    assert_eq!(old.column::<String>(DANGLING), [""; 0]);
}
