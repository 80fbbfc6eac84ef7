//! A physical standby: questions are answered there or refused clearly, nothing is written, and after its promotion
//! everything goes on.

use std::time::Duration;

use holdfast_e2e::{Call, Cluster, Session, Sql, atomic_confirm, confirm, confirm_outcome, eventually, fence, native};
use uuid::Uuid;

/// Has everything arrived that the primary has written?
fn caught_up(primary: &mut Session, standby: &mut Session) {
    let written: String = primary.value("select pg_current_wal_insert_lsn()::text");
    eventually(standby, &format!("select pg_last_wal_replay_lsn() >= '{written}'"));
}

fn launchers(session: &mut Session) -> i64 {
    session.value("select count(*) from pg_stat_activity where backend_type like 'holdfast%'")
}

/// The outcome of a key, and whether there is a receipt.
fn outcome(session: &mut Session, booking: Uuid, key: &str) -> String {
    session.outcome(&confirm_outcome(booking, key))["outcome"].as_str().expect("an outcome").to_owned()
}

struct Pair {
    primary: Cluster,
    standby: Cluster,
    confirmed: Uuid,
    held: Uuid,
    hold: Uuid,
}

/// One booking is confirmed and one held on the primary; one answer came after the copy was taken.
fn pair() -> (Pair, Session, Session) {
    let primary = Cluster::start_with("-c shared_preload_libraries=holdfast -c holdfast.worker_interval=1");
    let mut session = primary.install("floor");
    let room = session.room(3);
    let confirmed = session.booking(room.restaurant);
    session.seats(&confirm(confirmed, &room.tables[..1], "key"));
    let standby = primary.standby();
    let mut copy = Session::new(standby.connect("floor"));
    let (held, hold) = session.held(&room, &room.tables[1..2]);
    session.run(&format!("delete from public.allocations where booking_id = '{confirmed}'"));
    caught_up(&mut session, &mut copy);
    (Pair { primary, standby, confirmed, held, hold }, session, copy)
}

#[test]
fn questions_are_answered_on_a_standby() {
    let (pair, mut session, mut copy) = pair();
    assert!(copy.value::<bool>("select pg_is_in_recovery()"));
    assert_eq!(outcome(&mut copy, pair.confirmed, "key"), "committed");
    assert_eq!(outcome(&mut copy, pair.held, "key"), "running", "what is not known here may still be on its way");
    assert_eq!(outcome(&mut session, pair.held, "key"), "never_seen");
    let explain = Call::new("explain_confirm").with("p_booking_id", pair.held).with("p_hold_id", pair.hold);
    assert!(copy.done(&explain).iter().all(|row| row["passed"] == true), "the confirm would succeed");
    let reconcile = Call::new("reconcile_booking").with("p_booking_id", pair.confirmed);
    let here = copy.done(&reconcile);
    assert!(here[0]["findings"].to_string().contains("assignment_without_allocation"), "{here:?}");
    assert_eq!(here, session.done(&reconcile));
    let view = "select finding from public.holdfast_reconciliation";
    assert_eq!(copy.column::<String>(view), ["assignment_without_allocation"]);
    let plan = Call::new("repair_booking").with("p_booking_id", pair.confirmed);
    assert_eq!(copy.done(&plan)[0]["action"], "planned");
    let audit = "select (holdfast.audit('public')->>'violations')::int";
    assert_eq!(copy.value::<i32>(audit), session.value::<i32>(audit));
    assert!(
        copy.value::<bool>("select (holdfast.audit('public')->>'lsn_at_most')::pg_lsn <= pg_last_wal_replay_lsn()")
    );
    let words: Vec<String> = copy.column("select why from holdfast.doctor('public') where why like '%standby%'");
    assert_eq!(words.len(), 1, "doctor says where it is");
    assert_eq!(copy.value::<i64>("select started from holdfast.stat_attempts"), 0, "counted where it ran");
    assert_eq!(copy.value::<i64>("select count(*) from holdfast.idempotency_conflicts('public')"), 0);
}

#[test]
fn what_writes_is_refused_on_a_standby() {
    let (pair, _, mut copy) = pair();
    let calls = [
        atomic_confirm(pair.held, pair.hold, "key"),
        fence(pair.held, "key").with("p_wait_ms", 0),
        Call::new("release_hold_and_emit").with("p_hold_id", pair.hold),
        Call::new("repair_booking").with("p_booking_id", pair.confirmed).with("p_dry_run", false),
        Call::new("outbox_claim").with("p_consumer", "relay"),
        Call::new("run_auto_assign").with("p_booking_id", pair.held).with("p_hold_id", Sql("null")),
        native("sweep"),
        native("verify_commits"),
        native("prune_idempotency"),
    ];
    for call in calls {
        let refusal = copy.refused(&call);
        assert_eq!(refusal.sqlstate, "25006", "{}: {refusal:?}", call.sql());
    }
}

/// The worker is quiet while the server follows; after its promotion it begins by itself, and confirms work.
#[test]
fn after_a_promotion_everything_goes_on() {
    let (pair, mut session, mut copy) = pair();
    assert_eq!(launchers(&mut copy), 0);
    let told = "select exists (select from public.observability_events)";
    eventually(&mut session, "select exists (select from pg_stat_activity where backend_type = 'holdfast launcher')");
    assert_eq!(copy.value::<i64>("select count(*) from holdfast.stat_worker"), 0);
    // What the primary had seen already is not told again by the other.
    eventually(&mut session, told);
    caught_up(&mut session, &mut copy);
    drop(session);
    pair.primary.kill();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(launchers(&mut copy), 0, "it follows still");
    pair.standby.promote();
    eventually(&mut copy, "select exists (select from pg_stat_activity where backend_type = 'holdfast launcher')");
    assert_eq!(outcome(&mut copy, pair.held, "key"), "never_seen");
    let answer = copy.done(&atomic_confirm(pair.held, pair.hold, "key"));
    assert_eq!(copy.done(&atomic_confirm(pair.held, pair.hold, "key")), answer, "a replay");
    assert_eq!(outcome(&mut copy, pair.confirmed, "key"), "committed");
    let late: Uuid = copy.value(
        "insert into public.table_holds (restaurant_id, start_at, end_at, expires_at)
         select restaurant_id, start_at, end_at, now() from public.bookings limit 1 returning id",
    );
    eventually(&mut copy, &format!("select status = 'expired' from public.table_holds where id = '{late}'"));
    eventually(&mut copy, "select runs > 2 from holdfast.stat_worker where database = current_database()");
    assert_eq!(copy.count("observability_events", "true"), 1, "once");
    assert_eq!(copy.value::<i64>("select errors from holdfast.stat_worker where database = current_database()"), 0);
}
