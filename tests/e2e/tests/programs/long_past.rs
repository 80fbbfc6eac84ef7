//! A house with a long past: years of bookings of one restaurant, where most rows that carry a table's id are history. No
//! call reads them, whatever the planner knows: a plan that reads a table whole is quick on the day it is written.

use holdfast_e2e::{
    Books, Call, Cluster, Room, Session, assign, atomic_confirm, confirm, confirm_hold, confirm_outcome, fence, native,
    unassign, within,
};
use uuid::Uuid;

/// Bookings of the past; every table of theirs has as many rows, or more.
const PAST: i64 = 20_000;
/// More rows of one table than this in one call are the past. What it needs itself are some tens.
const FEW: i64 = 500;
/// The worker looks at every live booking, of which there are four in a hundred, more than once.
const LIVE: i64 = PAST / 2;

/// A server with such a house, and the room in which a test takes place.
fn house(analyzed: bool) -> (Cluster, Session, Room) {
    // What the planner knows is what the test says it knows.
    let cluster = Cluster::start_with("-c shared_preload_libraries=holdfast -c holdfast.worker=off -c autovacuum=off");
    let mut session = cluster.install("house");
    Books { bookings: PAST as usize, restaurants: 1, live: 4 }.write(&mut session);
    if analyzed {
        session.run("vacuum analyze");
    }
    let restaurant: Uuid = session.value("select id from public.restaurants");
    let zone: Uuid = session.value("select id from public.zones");
    let tables = session.column("select id from public.table_inventory order by id");
    (cluster, session, Room { restaurant, zone, tables })
}

/// Tables of which the call read more than it needs, and how many rows; the call is committed.
fn read(session: &mut Session, call: &Call, few: i64) -> Vec<String> {
    // What was counted so far is given away; this call's reading stays in sight until it commits.
    session.run("select pg_stat_force_next_flush()");
    session.run("begin");
    session.done(call);
    let read = session.column(&format!(
        "select relname || ': ' || seq_tup_read || ' rows from beginning to end, ' || coalesce(idx_tup_fetch, 0) || ' by an index'
         from pg_stat_xact_user_tables
         where schemaname = 'public' and greatest(seq_tup_read, coalesce(idx_tup_fetch, 0)) > {few} order by 1"
    ));
    session.run("commit");
    read
}

/// Every call that a service makes in an evening, each on a booking of its own.
fn calls(session: &mut Session, room: &Room) -> Vec<Call> {
    let [one, two, three, four, five, six, seven, ..] = room.tables[..] else { panic!("too few tables") };
    let (by_tables, assigned) = (session.booking(room.restaurant), session.booking(room.restaurant));
    let (by_hold, hold) = session.held(room, &[two]);
    let (atomic, atomic_hold) = session.held(room, &[three]);
    let (timed, timed_hold) = session.held(room, &[four]);
    let (released, released_hold) = session.held(room, &[seven]);
    let taken = session.booking(room.restaurant);
    vec![
        confirm(by_tables, &[one], "key"),
        confirm(by_tables, &[one], "key"),
        confirm_outcome(by_tables, "key"),
        confirm_hold(hold, by_hold, "key"),
        atomic_confirm(atomic, atomic_hold, "key"),
        within(timed, timed_hold, "key", 5000),
        assign(assigned, &[five, six], "key"),
        unassign(assigned),
        Call::new("hold_tables").with("p_booking_id", taken).with("p_table_ids", &[six][..]),
        Call::new("release_hold_and_emit").with("p_hold_id", released_hold),
        fence(released, "key"),
        Call::new("explain_confirm").with("p_booking_id", by_tables).with("p_table_ids", &[two][..]),
        Call::new("reconcile_booking").with("p_booking_id", by_tables),
        Call::new("repair_booking").with("p_booking_id", by_tables),
        Call::new("refresh_table_status").with("p_table_id", one),
        Call::new("booking_by_idempotency_key").with("p_key", "key"),
        Call::new("outbox_claim").with("p_consumer", "relay").with("p_limit", 10),
        Call::new("undo_confirm").with("p_booking_id", by_tables).with("p_idempotency_key", "key"),
        native("verify_commits"),
    ]
}

fn no_call_reads_the_past(analyzed: bool) {
    let (_cluster, mut session, room) = house(analyzed);
    session.run("select holdfast.verify_commits('public')");
    let mut limits: Vec<(Call, i64)> = calls(&mut session, &room).into_iter().map(|call| (call, FEW)).collect();
    limits.push((native("sweep"), LIVE));
    let read: Vec<String> = limits
        .iter()
        .flat_map(|(call, few)| {
            read(&mut session, call, *few).into_iter().map(|table| format!("{}: {table}", call.sql()))
        })
        .collect();
    assert!(read.is_empty(), "{read:#?}");
}

#[test]
fn no_call_reads_the_past_when_the_planner_knows_it() {
    no_call_reads_the_past(true);
}

/// After a restore, before the first ANALYZE.
#[test]
fn no_call_reads_the_past_when_the_planner_knows_nothing() {
    no_call_reads_the_past(false);
}

/// What is still to be looked at again is not read by each look before its turn comes, nor what was seen a while ago.
#[test]
fn a_backlog_of_commits_is_read_once() {
    const COMMITS: i64 = 700;
    let (_cluster, mut session, _room) = house(true);
    session.run("select holdfast.verify_commits('public'); select holdfast.verify_commits('public')");
    session.run(&format!(
        "with committed as (
           update public.booking_assignment_idempotency l
           set created_at = now() - interval '5 minutes' + b.place * interval '1 millisecond', transaction_id = pg_current_xact_id()
           from (select id, row_number() over () as place from public.bookings where end_at > now() limit {COMMITS}) b
           where b.id = l.booking_id returning l.booking_id)
         update public.capacity_outbox o set dedupe_key = left(o.dedupe_key, -length(':3')) from committed c
         where c.booking_id = o.booking_id;
         update public.holdfast_commit_scan set since = now() - interval '10 minutes', reach = now() - interval '10 minutes'"
    ));
    session.run("vacuum analyze public.booking_assignment_idempotency");
    let batch = native("verify_commits").with("p_batch", 10);
    for look in 0..=COMMITS / 10 {
        assert_eq!(read(&mut session, &batch, FEW), Vec::<String>::new(), "look {look}");
    }
    assert_eq!(session.value::<i64>("select commits from public.holdfast_commit_scan"), COMMITS);
    // The first that finds nothing may read once more what was seen.
    session.run("select holdfast.verify_commits('public')");
    let before: String = session.value("select xmin::text from public.holdfast_commit_scan");
    for _ in 0..3 {
        assert_eq!(read(&mut session, &native("verify_commits"), 10), Vec::<String>::new(), "nothing came");
    }
    assert_eq!(
        session.value::<String>("select xmin::text from public.holdfast_commit_scan"),
        before,
        "nothing is written"
    );
}
