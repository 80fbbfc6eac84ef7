//! Disagreements of calls that raised outlive the rollback in shared memory: on servers of their own, with the worker,
//! with more than there is room for, and without any.

use std::time::Duration;

use holdfast_e2e::foreign::OLD;
use holdfast_e2e::{Cluster, Room, Session, confirm, eventually};
use uuid::Uuid;

/// The old application in shadow mode, with a table that somebody else's hold is on: a confirm raises 22023 (F10).
fn shadowed(cluster: &Cluster, database: &str) -> (Session, Room, Uuid) {
    cluster.connect("postgres").batch_execute(&format!("create database {database}")).expect("a database");
    let mut session = Session::new(cluster.connect(database));
    session.run(&format!("alter database {database} set search_path = public, extensions"));
    OLD.build(&mut session);
    OLD.adopt(&mut session);
    session.run("insert into public.holdfast_rollout (mode) values ('shadow')");
    let room = session.room(1);
    session.held(&room, &room.tables);
    let booking = session.booking(room.restaurant);
    // A session that begins with the application's search path.
    (Session::new(cluster.connect(database)), room, booking)
}

fn raise(session: &mut Session, room: &Room, booking: Uuid, times: usize) {
    for number in 0..times {
        assert_eq!(session.refused(&confirm(booking, &room.tables, &format!("key {number}"))).sqlstate, "22023");
    }
}

fn lost(session: &mut Session) -> i64 {
    session.value("select coalesce(sum(lost), 0)::bigint from holdfast.stat_shadow")
}

#[test]
fn the_worker_is_called_and_writes_them_down() {
    let cluster = Cluster::start_with("-c shared_preload_libraries=holdfast -c holdfast.worker_interval=3600");
    let (mut session, room, booking) = shadowed(&cluster, "shadow");
    eventually(&mut session, "select runs > 0 from holdfast.stat_worker where database = current_database()");
    raise(&mut session, &room, booking, 3);
    eventually(&mut session, "select count(*) = 3 from holdfast_disagreements where faults = '{F10}'");
    eventually(
        &mut session,
        "select done ->> 'record_disagreements' = '3' and errors = 0 from holdfast.stat_worker where database = current_database()",
    );
    assert_eq!(lost(&mut session), 0);
}

#[test]
fn what_has_no_room_is_counted_and_a_schema_that_is_gone_is_in_nobodys_way() {
    let cluster = Cluster::start_preloaded();
    let (mut gone, its_room, its_booking) = shadowed(&cluster, "gone");
    raise(&mut gone, &its_room, its_booking, 100);
    gone.run("set client_min_messages = warning; drop extension holdfast cascade; drop schema public cascade");
    let (mut session, room, booking) = shadowed(&cluster, "shadow");
    raise(&mut session, &room, booking, 200);
    session.run("select holdfast.sweep('public')");
    let kept: i64 = session.value("select count(*) from holdfast_disagreements");
    assert_eq!(kept, 128, "the oldest made room");
    assert_eq!(lost(&mut session), 200 - kept);
    let oldest = "select exists (select from holdfast_disagreements where request ->> 'idempotency_key' = 'key 0')";
    assert!(!session.value::<bool>(oldest));
    // And with several at once, each is kept once.
    let sessions: Vec<Session> = (0..4).map(|_| Session::new(cluster.connect("shadow"))).collect();
    session.run("truncate holdfast_disagreements");
    std::thread::scope(|scope| {
        for mut other in sessions {
            let room = &room;
            scope.spawn(move || {
                for _ in 0..5 {
                    raise(&mut other, room, booking, 5);
                    other.run("select holdfast.sweep('public')");
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
        }
    });
    session.run("select holdfast.sweep('public')");
    assert_eq!(session.value::<i64>("select count(*) from holdfast_disagreements"), 100);
}

#[test]
fn without_preloading_they_are_lost_and_doctor_says_so() {
    let cluster = Cluster::start();
    let (mut session, room, booking) = shadowed(&cluster, "shadow");
    raise(&mut session, &room, booking, 1);
    session.run("select holdfast.sweep('public')");
    assert_eq!(session.value::<i64>("select count(*) from holdfast_disagreements"), 0);
    assert_eq!(session.value::<i64>("select count(*) from holdfast.stat_shadow"), 0);
    let why: String =
        session.value("select why from holdfast.doctor('public') where what = 'shared_preload_libraries'");
    assert!(why.contains("shadow mode loses the calls that raised"), "{why}");
    // One that returned commits its disagreement with it.
    session.run("delete from table_holds");
    session.done(&confirm(booking, &room.tables, ""));
    assert_eq!(session.value::<Vec<String>>("select faults from holdfast_disagreements"), ["F27"]);
}
