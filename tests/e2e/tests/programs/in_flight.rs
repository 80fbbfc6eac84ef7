//! Whatever writes to bookings or holds is seen while it runs and until its transaction ends, by the booking that it is
//! about; who gave up waiting names whoever had the lock. Each test has a server of its own, for its memory.

use chrono::Duration;
use holdfast_e2e::{
    Call, Cluster, Pending, Room, Session, assign, at, atomic_confirm, behind, check_in, confirm, confirm_hold,
    eventually, fence, native, unassign, within,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// A booking of a day of its own, so that none is in another's way.
fn booking(session: &mut Session, room: &Room, day: i64) -> Uuid {
    let shift = Duration::days(day);
    session.booking_at(room.restaurant, at("18:00") + shift, at("20:00") + shift)
}

fn undo(booking: Uuid) -> Call {
    Call::new("undo_confirm").with("p_booking_id", booking).with("p_idempotency_key", "key")
}

fn take(booking: Uuid, tables: &[Uuid]) -> Call {
    Call::new("hold_tables").with("p_booking_id", booking).with("p_table_ids", tables)
}

/// The newest attempt for a booking.
fn last_span(session: &mut Session, booking: Uuid) -> Value {
    session.value(&format!(
        "select to_jsonb(s) from holdfast.spans s where booking_id = '{booking}' and part is null
         order by ended_at desc limit 1"
    ))
}

#[test]
fn whatever_is_counted_is_in_flight_until_its_transaction_ends() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("in_flight");
    let mut observer = Session::new(cluster.connect("in_flight"));
    let room = session.room(1);
    let days: Vec<Uuid> = (0..12).map(|day| booking(&mut session, &room, day)).collect();
    let table = &room.tables[..1];
    let held: Vec<Uuid> =
        (0..3).map(|day| session.value(&format!("select hold_id from {}", take(days[day], table).sql()))).collect();
    for day in &days[4..7] {
        session.done(&confirm(*day, table, "key"));
    }
    let release = Call::new("release_hold_and_emit").with("p_hold_id", held[1]);
    let calls = [
        (0, "holdfast.confirm", atomic_confirm(days[0], held[0], "key")),
        (1, "holdfast.release", release),
        (2, "holdfast.extend_hold", Call::new("extend_hold").with("p_hold_id", held[2]).with("p_ttl_seconds", 900)),
        (3, "holdfast.fence", fence(days[3], "key")),
        (4, "holdfast.undo", undo(days[4])),
        (5, "holdfast.unassign", unassign(days[5])),
        (6, "holdfast.transition", check_in(days[6], "confirmed")),
        (7, "holdfast.hold", take(days[7], table)),
        (8, "holdfast.assign", assign(days[8], table, "key")),
        (9, "holdfast.reconcile", Call::new("repair_booking").with("p_booking_id", days[9]).with("p_dry_run", false)),
    ];
    // All of one time: each in a transaction of its own, on a day of its own.
    let mut open = Vec::new();
    for (day, name, call) in calls {
        let mut caller = Session::new(cluster.connect("in_flight"));
        caller.run("begin");
        caller.run(&format!("select from {}", call.sql()));
        let seen: Value = observer.value(&format!(
            "select jsonb_build_array(booking_id, restaurant_id, phase) from holdfast.in_flight where pid = {}",
            caller.pid
        ));
        // A fence reads no more of the booking than its lock.
        let restaurant = (name != "holdfast.fence").then_some(room.restaurant);
        assert_eq!(seen, json!([days[day], restaurant, "done"]), "{name}");
        let balance: bool = observer.value(
            "select (select sum(in_flight) from holdfast.stat_confirm) = (select count(*) from holdfast.in_flight)",
        );
        assert!(balance, "{name}");
        let span = last_span(&mut observer, days[day]);
        assert_eq!((&span["name"], &span["transaction"]), (&json!(name), &json!("pending")));
        caller.run("rollback");
        open.push((day, name));
    }
    for (day, name) in open {
        eventually(
            &mut observer,
            &format!(
                "select exists (select from holdfast.spans where booking_id = '{}' and name = '{name}' and transaction = 'rolled_back')",
                days[day]
            ),
        );
    }
}

/// Whoever waits too long, or is cancelled, names the session that had the lock, and no other that waited too.
#[test]
fn who_gave_up_waiting_names_who_had_the_lock() {
    let cluster = Cluster::start_preloaded();
    let mut observer = cluster.install("in_flight");
    let room = observer.room(1);
    let table = &room.tables[..1];
    let connect = || Session::new(cluster.connect("in_flight"));
    // Connected first, so that its place in the server's memory comes before the holder's.
    let early = connect();
    let mut holder = connect();
    for (day, call) in [|day| undo(day), |day| check_in(day, "confirmed"), |day| unassign(day)].iter().enumerate() {
        let at_stake = booking(&mut observer, &room, day as i64);
        observer.done(&confirm(at_stake, table, "key"));
        holder.run("begin");
        holder.run(&format!("select from {}", call(at_stake).sql()));
        let waits = confirm(at_stake, table, "other");
        let mut waiters: Vec<Pending> = vec![behind(&mut observer, holder.pid, connect(), &waits)];
        for _ in 0..2 {
            let first = waiters[0].pid;
            waiters.push(behind(&mut observer, first, connect(), &waits));
        }
        for waiter in waiters.into_iter().rev() {
            let pid = waiter.pid;
            observer.run(&format!("select pg_cancel_backend({pid})"));
            assert_eq!(waiter.finish().1.expect_err("cancelled").sqlstate, "57014");
            let named: Value = observer.value(&format!(
                "select jsonb_build_array(blocker_pid, blocker_booking_id) from holdfast.spans
                 where pid = {pid} and part is null"
            ));
            assert_eq!(named, json!([holder.pid, at_stake]), "{day}");
        }
        holder.run("rollback");
    }
    drop(early);

    // By a limit in time of the call itself; and on a hold, by somebody who has locked nothing else.
    let at_stake = booking(&mut observer, &room, 10);
    let hold = observer.hold(&room, Some(at_stake), &room.tables);
    holder.run(&format!("begin; select from {}", take(at_stake, table).sql()));
    assert_eq!(connect().outcome(&within(at_stake, hold, "key", 150))["outcome"], "timeout_before_confirm");
    assert_eq!(last_span(&mut observer, at_stake)["blocker_pid"], json!(holder.pid));
    holder.run("rollback");
    holder.run(&format!("begin; select from {}", Call::new("release_hold_and_emit").with("p_hold_id", hold).sql()));
    assert_eq!(connect().outcome(&within(at_stake, hold, "key", 150))["outcome"], "timeout_before_confirm");
    let span = last_span(&mut observer, at_stake);
    assert_eq!((&span["blocker_pid"], &span["blocker_hold_id"]), (&json!(holder.pid), &json!(hold)));
    holder.run("rollback");
}

/// A table that somebody has is no lock: who has it, and until when.
#[test]
fn a_refusal_names_who_has_the_table() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("in_flight");
    let room = session.room(1);
    let [first, other] = [0, 0].map(|day| booking(&mut session, &room, day));
    let held: Value = session.value(&format!("select to_jsonb(h) from {} h", take(first, &room.tables).sql()));
    session.refused(&confirm(other, &room.tables, "key"));
    let span = last_span(&mut session, other);
    assert_eq!(span["outcome"], "hold_conflict");
    let names =
        ["blocker_pid", "blocker_booking_id", "blocker_hold_id", "blocker_until"].map(|name| span[name].clone());
    assert_eq!(names, [Value::Null, json!(first), held["hold_id"].clone(), held["expires_at"].clone()]);
    assert_eq!(span["attributes"]["holdfast.blocker_hold_id"], held["hold_id"]);
    session.done(&confirm_hold(serde_json::from_value(held["hold_id"].clone()).expect("an id"), first, "key"));
    session.refused(&confirm(other, &room.tables, "key"));
    assert_eq!(last_span(&mut session, other)["blocker_booking_id"], json!(first));
    let told: Value = session.value(&format!(
        "select jsonb_agg(detail->'blockerBookingId') from holdfast.why('public', '{other}') where source = 'spans'"
    ));
    assert_eq!(told, json!([first, first]));
}

/// What names no booking is counted; it makes no room for itself.
#[test]
fn refusals_without_a_booking_drive_nothing_out() {
    let cluster =
        Cluster::start_with("-c shared_preload_libraries=holdfast -c holdfast.worker=off -c holdfast.spans=5");
    let mut session = cluster.install("in_flight");
    let room = session.room(1);
    let kept = booking(&mut session, &room, 0);
    session.refused(&confirm(kept, &[], "key"));
    for _ in 0..20 {
        session.refused(&confirm(kept, &room.tables, "key").with("p_booking_id", None::<Uuid>));
        session.run("select release_hold_and_emit(gen_random_uuid())");
        let nothing = native("confirm_hold").with("p_hold_id", Uuid::new_v4()).with("p_booking_id", None::<Uuid>);
        session.outcome(&nothing.with("p_idempotency_key", "key"));
    }
    assert_eq!(last_span(&mut session, kept)["outcome"], "tables_missing");
    let counted: i64 = session.value("select sum(started)::bigint from holdfast.stat_confirm");
    assert_eq!(counted, 61);
    assert_eq!(session.value::<i64>("select written from holdfast.stat_spans"), 1);
    // A hold that is for nobody yet was found, and is kept.
    let anonymous = take(kept, &room.tables)
        .with("p_booking_id", None::<Uuid>)
        .with("p_start_at", at("18:00"))
        .with("p_end_at", at("20:00"));
    session.run(&format!("select from {}", anonymous.sql()));
    let named: bool =
        session.value("select hold_id is not null from holdfast.spans where name = 'holdfast.hold' and part is null");
    assert!(named);
}
