//! The background worker on a server of its own: it finds what there is to do, does it once, and is in nobody's way.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{Cluster, Crowd, Dice, Session, assert_invariants, confirm, eventually, in_time};
use uuid::Uuid;

/// With the worker coming every second.
fn cluster() -> Cluster {
    Cluster::start_with("-c shared_preload_libraries=holdfast -c holdfast.worker_interval=1")
}

/// One column of this database's row of the view.
fn stat(session: &mut Session, column: &str) -> i64 {
    session.value(&format!(
        "select coalesce(max(({column})::bigint), 0) from holdfast.stat_worker where database = current_database()"
    ))
}

fn runs(session: &mut Session) -> i64 {
    stat(session, "runs")
}

/// Waits for runs that began after this moment: somebody writes, for else there are none.
fn ran(session: &mut Session, times: i64) {
    for _ in 0..=times {
        let before = runs(session);
        session.run("insert into public.restaurants (id) values (gen_random_uuid())");
        eventually(
            session,
            &format!("select runs > {before} from holdfast.stat_worker where database = current_database()"),
        );
    }
}

/// Holds whose time is over, with their mirrors, written at once.
fn overdue_holds(session: &mut Session, number: usize) {
    session.run(&format!(
        "insert into public.restaurants (id) values ('00000000-0000-4000-8000-000000000001') on conflict do nothing;
         with held as (
           insert into public.table_holds (restaurant_id, start_at, end_at, expires_at)
           select '00000000-0000-4000-8000-000000000001', '2027-05-01 18:00Z', '2027-05-01 20:00Z', now() - interval '1 s'
           from generate_series(1, {number}) returning id, restaurant_id)
         insert into public.allocations (restaurant_id, resource_type, resource_id, \"window\", shadow)
         select restaurant_id, 'hold', id, '[2027-05-01 18:00Z, 2027-05-01 20:00Z)', true from held"
    ));
}

const ALL_CLOSED: &str = "select not exists (select from public.table_holds where status = 'active')
    and not exists (select from public.allocations)
    and (select count(*) from public.table_holds) = (select count(*) from public.capacity_outbox)";

#[test]
fn ten_thousand_holds_are_closed_in_two_rounds() {
    let cluster = cluster();
    let mut session = cluster.install("floor");
    ran(&mut session, 1);
    session.run("begin");
    overdue_holds(&mut session, 10_000);
    // All of them become visible at one moment, between two rounds or during one.
    session.run("commit");
    let before = runs(&mut session);
    eventually(&mut session, ALL_CLOSED);
    // A round that was under way when they became visible does not count.
    let needed = runs(&mut session) + 1 - before;
    assert!(needed <= 3, "{needed} rounds");
    eventually(
        &mut session,
        &format!(
            "select pid is null and runs > {before} from holdfast.stat_worker where database = current_database()"
        ),
    );
    assert_eq!(stat(&mut session, "done->>'expire_holds'"), 10_000);
    assert_eq!(stat(&mut session, "errors"), 0);
}

/// A scan that fails again and again is tried less and less often; holds of its schema are closed in time all the same.
#[test]
fn a_scan_that_fails_keeps_no_hold() {
    let cluster = cluster();
    let mut session = cluster.install("floor");
    ran(&mut session, 1);
    session.run(
        "create function public.refuse() returns trigger language plpgsql as 'begin raise exception ''no scan''; end';
         create trigger refuse before insert or update on public.holdfast_commit_scan
           for each statement execute function public.refuse()",
    );
    session.run("insert into public.restaurants (id) values (gen_random_uuid())");
    eventually(&mut session, "select failures >= 2 from holdfast.stat_worker where database = current_database()");
    overdue_holds(&mut session, 1);
    session.run("update public.table_holds set expires_at = now() + interval '3 s'");
    in_time(&mut session, ALL_CLOSED, Duration::from_secs(15));
}

/// A commit calls the worker, and the worker notifies: nobody waits for the regular look.
#[test]
fn a_commit_calls_the_worker_and_the_worker_notifies() {
    // Nor are live bookings scanned meanwhile, which is a run as well.
    let cluster = Cluster::start_with(
        "-c shared_preload_libraries=holdfast -c holdfast.worker_interval=3600 -c holdfast.reconcile_interval=0 \
         -c holdfast.full_scan_interval=0",
    );
    let mut session = cluster.install("floor");
    eventually(&mut session, "select runs > 0 from holdfast.stat_worker where database = current_database()");
    let mut listener = cluster.connect("floor");
    listener.batch_execute("listen holdfast_outbox").expect("a listener");
    let room = session.room(2);
    for (table, key) in room.tables.clone().iter().zip(["one", "two"]) {
        let booking = session.booking(room.restaurant);
        let called = Instant::now();
        session.seats(&confirm(booking, &[*table], key));
        let mut notifications = listener.notifications();
        let mut coming = notifications.timeout_iter(Duration::from_secs(20));
        let told = postgres::fallible_iterator::FallibleIterator::next(&mut coming).expect("a connection");
        let told = told.expect("a notification");
        assert_eq!((told.channel(), told.payload()), ("holdfast_outbox", ""));
        println!("told after {:?}", called.elapsed());
    }
    // A call that rolls back has nothing to tell.
    thread::sleep(Duration::from_millis(1500));
    let before = runs(&mut session);
    session.run("begin; select holdfast.attach('public'); rollback");
    thread::sleep(Duration::from_millis(1500));
    assert_eq!(runs(&mut session), before);
}

/// Databases come and go, and the worker is in nobody's way.
#[test]
fn a_database_can_be_copied_and_dropped() {
    let cluster = cluster();
    let mut admin = cluster.connect("postgres");
    for round in 0..3 {
        let mut session = cluster.install("floor");
        overdue_holds(&mut session, 10);
        eventually(&mut session, ALL_CLOSED);
        drop(session);
        admin.batch_execute("create database copy template floor").expect("nobody is in the way of a copy");
        let mut copy = Session::new(cluster.connect("copy"));
        overdue_holds(&mut copy, 10 + round);
        // Nobody calls from here: the copy is found by looking.
        eventually(&mut copy, ALL_CLOSED);
        drop(copy);
        admin.batch_execute("drop database copy").expect("nobody is in the way of a drop");
        admin.batch_execute("drop database floor with (force)").expect("nor of one by force");
    }
    let known: i64 = Session::new(cluster.connect("postgres"))
        .value("select count(*) from pg_stat_activity where backend_type = 'holdfast launcher'");
    assert_eq!(known, 1);
}

#[test]
fn schemas_and_the_extension_can_be_dropped() {
    let cluster = cluster();
    let mut session = cluster.install("floor");
    session.run("select holdfast.create_reference_schema('bistro'); select holdfast.attach('bistro')");
    eventually(
        &mut session,
        "select attached_schemas = 2 from holdfast.stat_worker where database = current_database()",
    );
    session.run("set client_min_messages = warning; drop schema bistro cascade");
    ran(&mut session, 2);
    assert_eq!(stat(&mut session, "attached_schemas"), 1);
    assert_eq!(stat(&mut session, "failures"), 0);
    session.run("drop extension holdfast cascade");
    thread::sleep(Duration::from_millis(2500));
    session.run("create extension holdfast; select holdfast.attach('public')");
    overdue_holds(&mut session, 10);
    eventually(&mut session, ALL_CLOSED);
}

#[test]
fn a_reload_pauses_it_and_another_wakes_it() {
    let cluster = cluster();
    let mut session = cluster.install("floor");
    ran(&mut session, 1);
    session.run("alter system set holdfast.worker = off");
    session.run("select pg_reload_conf()");
    eventually(&mut session, "select current_setting('holdfast.worker') = 'off'");
    thread::sleep(Duration::from_millis(500));
    eventually(
        &mut session,
        "select pid is null and paused = 'worker off' from holdfast.stat_worker where database = current_database()",
    );
    let before = runs(&mut session);
    overdue_holds(&mut session, 10);
    thread::sleep(Duration::from_millis(2500));
    assert_eq!(runs(&mut session), before, "paused");
    session.run("alter system reset holdfast.worker");
    session.run("select pg_reload_conf()");
    eventually(&mut session, ALL_CLOSED);
    eventually(&mut session, "select paused is null from holdfast.stat_worker where database = current_database()");
}

/// What an application's owner can make it run, it runs with the owner's rights; and their error stops nobody else.
#[test]
fn an_owners_trigger_gets_the_owners_rights() {
    let cluster = cluster();
    let mut session = cluster.install("floor");
    session.run(
        "create role owner login; select holdfast.create_reference_schema('bistro'); grant create on schema bistro to owner;
         do $$ declare t text; begin
           for t in select oid::regclass from pg_class where relnamespace = 'bistro'::regnamespace and relkind = 'r'
           loop execute format('alter table %s owner to owner', t); end loop; end $$;
         alter schema bistro owner to owner; alter type bistro.booking_status owner to owner;
         create table bistro.seen (who text, superuser text, what text); alter table bistro.seen owner to owner;
         select holdfast.attach('bistro');
         set role owner;
         create function bistro.look() returns trigger language plpgsql as $$ begin
           insert into bistro.seen select current_user, (select rolsuper from pg_roles where rolname = current_user), 'look';
           begin
             set role postgres;
             insert into bistro.seen values ('escaped', 'true', 'role');
           exception when others then insert into bistro.seen values (current_user, 'false', sqlerrm);
           end;
           return null;
         end $$;
         create constraint trigger look after update on bistro.table_holds deferrable initially deferred
           for each row execute function bistro.look();
         reset role;
         insert into bistro.restaurants (id) values ('00000000-0000-4000-8000-000000000001');
         insert into bistro.table_holds (restaurant_id, start_at, end_at, expires_at)
         values ('00000000-0000-4000-8000-000000000001', '2027-05-01 18:00Z', '2027-05-01 20:00Z', now());",
    );
    eventually(&mut session, "select exists (select from bistro.seen)");
    let seen: Vec<String> = session.column("select who || ' ' || superuser from bistro.seen order by what desc");
    assert_eq!(seen, ["owner false", "owner false"]);
    // An error in one schema, and not of one hold's own: the other one is swept, and the pauses grow.
    session.run(
        "create or replace function bistro.look() returns trigger language plpgsql as
           $$ begin raise exception 'no' using errcode = '53ZZZ'; end $$;
         insert into bistro.table_holds (restaurant_id, start_at, end_at, expires_at)
         values ('00000000-0000-4000-8000-000000000001', '2027-05-01 18:00Z', '2027-05-01 20:00Z', now())",
    );
    eventually(
        &mut session,
        "select failures >= 2 and last_error is not null from holdfast.stat_worker where database = current_database()",
    );
    overdue_holds(&mut session, 10);
    eventually(&mut session, ALL_CLOSED);
    session.run("drop trigger look on bistro.table_holds");
    eventually(&mut session, "select failures = 0 from holdfast.stat_worker where database = current_database()");
    assert_eq!(session.value::<i64>("select count(*) from bistro.table_holds where status = 'active'"), 0);
}

/// Holds run out, workers and launcher are ended, and the whole server is killed, while guests confirm.
#[test]
fn ended_at_random_it_leaves_nothing_undone_and_does_nothing_twice() {
    let cluster = cluster();
    let mut session = cluster.install("floor");
    let crowd = Crowd::gather(&mut session, &cluster.server, 30, 200);
    drop(session);
    let mut dice = Dice::new(42);
    for evening in 0..3 {
        crowd.over.store(false, Ordering::Relaxed);
        let guests: Vec<_> = (0..4)
            .map(|guest| {
                let crowd = Arc::clone(&crowd);
                thread::spawn(move || crowd.visit(100 * evening + guest))
            })
            .collect();
        let mut session = Session::new(cluster.connect("floor"));
        let until = Instant::now() + Duration::from_secs(4);
        while Instant::now() < until {
            session.run(
                "update public.table_holds set expires_at = clock_timestamp() where id in (
                   select id from public.table_holds where status = 'active' order by random() limit 5
                   for no key update skip locked)",
            );
            let victims = if dice.roll(4) == 0 { "holdfast launcher" } else { "holdfast worker" };
            session.run(&format!(
                "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = '{victims}'"
            ));
            thread::sleep(Duration::from_millis(20 + dice.roll(150) as u64));
        }
        if evening == 1 {
            drop(session);
            cluster.kill();
        }
        crowd.over.store(true, Ordering::Relaxed);
        let answered: usize = guests.into_iter().map(|guest| guest.join().expect("no unexpected answer")).sum();
        assert!(answered > 0, "nobody was served");
        if evening == 1 {
            cluster.launch();
        }
    }
    let mut session = Session::new(cluster.connect("floor"));
    session.run("update public.table_holds set expires_at = clock_timestamp() where status = 'active'");
    eventually(&mut session, "select not exists (select from public.table_holds where status = 'active')");
    ran(&mut session, 1);
    crowd.assert_acknowledged(&mut session);
    assert_invariants(&mut session);
    let twice: i64 = session.value(
        "select count(*) from (select payload->>'holdId' from public.capacity_outbox
         where event_type = 'capacity.hold.released' group by 1 having count(*) > 1) t",
    );
    assert_eq!(twice, 0, "each hold was told to be over once");
    let untold: i64 = session.value(
        "select count(*) from public.table_holds h join public.bookings b on b.id = h.booking_id
         where h.status = 'expired' and b.status <> 'confirmed' and not exists (
           select from public.capacity_outbox o where o.payload->>'holdId' = h.id::text)",
    );
    assert_eq!(untold, 0, "and none was closed without a word, but by the confirm of its booking");
    let expired = session.count("table_holds", "status = 'expired'");
    assert!(expired > 20, "only {expired} holds ran out");
}

/// An automatic attempt that came too early: the worker makes it again, by itself, once there is a hold.
#[test]
fn an_automatic_attempt_is_made_again() {
    let cluster = cluster();
    let mut session = cluster.install("floor");
    let room = session.room(1);
    let booking = session.booking(room.restaurant);
    let attempt = format!("select outcome from public.run_auto_assign('{booking}', null)");
    assert_eq!(session.value::<String>(&attempt), "no_hold");
    session.hold(&room, Some(booking), &room.tables);
    eventually(&mut session, &format!("select status = 'confirmed' from public.bookings where id = '{booking}'"));
    // It is counted once its transaction has committed.
    eventually(
        &mut session,
        "select done->>'retry_attempts' = '1' from holdfast.stat_worker where database = current_database()",
    );
    assert_eq!(session.count("booking_state_history", "metadata->>'trigger' = 'background'"), 1);
    assert_eq!(session.value::<String>(&attempt), "skipped_already_confirmed");
}

/// A confirmed booking on a server whose worker looks at all of them every second.
fn looked_at() -> (Cluster, Session, Uuid) {
    let cluster = Cluster::start_with(
        "-c shared_preload_libraries=holdfast -c holdfast.worker_interval=1 -c holdfast.reconcile_interval=1",
    );
    let mut session = cluster.install("floor");
    let room = session.room(1);
    let booking = session.booking(room.restaurant);
    session.seats(&confirm(booking, &room.tables, "key"));
    (cluster, session, booking)
}

/// Nobody called: the worker reads the view every second here, and tells of what was changed by hand.
#[test]
fn an_update_by_hand_is_found_within_seconds() {
    let (_cluster, mut session, booking) = looked_at();
    ran(&mut session, 2);
    session.run("delete from public.allocations");
    let told = format!(
        "select exists (select from public.observability_events where booking_id = '{booking}'
         and context->'findings' ? 'assignment_without_allocation')"
    );
    // A look that took long on a busy machine rests long.
    in_time(&mut session, &told, Duration::from_secs(120));
    ran(&mut session, 3);
    assert_eq!(session.count("observability_events", "true"), 1, "once");
    eventually(
        &mut session,
        "select (done->>'scan_bookings')::int > 0 from holdfast.stat_worker where database = current_database()",
    );
}

/// A statement that never comes back is cancelled, and what comes after it has its turn nevertheless.
#[test]
fn what_does_not_come_back_keeps_nothing_else() {
    let (_cluster, mut session, booking) = looked_at();
    session.run(
        "create function public.ponder() returns trigger language plpgsql as
           $$ begin perform pg_catalog.pg_sleep(3600); return new; end $$;
         create trigger ponder before update on public.table_holds for each row execute function public.ponder()",
    );
    overdue_holds(&mut session, 1);
    eventually(
        &mut session,
        "select exists (select from holdfast.stat_worker where database = current_database() and task = 'expire_holds')",
    );
    session.run("delete from public.allocations where resource_type = 'table'");
    let cancelled =
        "select exists (select from holdfast.stat_worker where database = current_database() and last_error = '57014')";
    in_time(&mut session, cancelled, Duration::from_secs(60));
    let found = format!("select exists (select from public.holdfast_findings where booking_id = '{booking}')");
    in_time(&mut session, &found, Duration::from_secs(120));
    assert_eq!(session.count("table_holds", "status = 'active'"), 1, "it is left for later");
}
