//! Every attempt can be asked about afterwards, also one that rolled back: holdfast.spans, holdfast.in_flight. What they
//! show is the server's own memory, so each test has a server of its own.

use std::collections::BTreeMap;
use std::thread;

use chrono::Duration;
use holdfast_e2e::{Call, Cluster, Room, Session, at, behind, confirm, confirm_outcome, eventually, within};
use serde_json::{Value, json};
use uuid::Uuid;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A booking of a day of its own, so that none is in another's way.
fn booking(session: &mut Session, room: &Room, day: i64) -> Uuid {
    let shift = Duration::days(day);
    session.booking_at(room.restaurant, at("18:00") + shift, at("20:00") + shift)
}

/// The attempts for a booking, in the order of their beginning.
fn spans(session: &mut Session, booking: Uuid) -> Vec<Value> {
    let rows: Value = session.value(&format!(
        "select coalesce(jsonb_agg(to_jsonb(s) order by started_at), '[]') from holdfast.spans s
         where booking_id = '{booking}' and part is null"
    ));
    rows.as_array().expect("rows").clone()
}

/// Outcome, SQLSTATE and the end of the transaction of the only attempt for a booking.
fn end(session: &mut Session, booking: Uuid) -> [String; 3] {
    let rows = spans(session, booking);
    assert_eq!(rows.len(), 1, "{rows:?}");
    ["outcome", "sqlstate", "transaction"].map(|name| rows[0][name].as_str().unwrap_or("-").to_owned())
}

/// A client reads its error before the server has ended the transaction.
#[track_caller]
fn settled(session: &mut Session, booking: Uuid, expected: [&str; 3]) {
    eventually(
        session,
        &format!(
            "select exists (select from holdfast.spans where booking_id = '{booking}' and transaction = '{}' and part is null)",
            expected[2]
        ),
    );
    assert_eq!(end(session, booking), expected);
}

#[test]
fn each_attempt_says_what_it_came_to_and_how_its_transaction_ended() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("spans");
    let mut other = Session::new(cluster.connect("spans"));
    let room = session.room(1);
    let days: Vec<Uuid> = (0..9).map(|day| booking(&mut session, &room, day)).collect();
    let call = |day: usize| confirm(days[day], &room.tables, "key");

    // Done, and asked again.
    session.done(&call(0));
    session.done(&call(0));
    let rows = spans(&mut session, days[0]);
    let of = |name: &str| -> Vec<Value> { rows.iter().map(|row| row[name].clone()).collect() };
    assert_eq!(of("replayed"), [json!(false), json!(true)]);
    assert_eq!(of("transaction"), [json!("committed"), json!("committed")]);
    assert_eq!(of("idempotency_key"), [json!("key"), json!("key")]);
    assert_eq!(rows[0]["restaurant_id"], json!(room.restaurant));
    assert_eq!(rows[0]["name"], "holdfast.confirm");
    assert_eq!((&rows[0]["database"], &rows[0]["schema"]), (&json!("spans"), &json!("public")));
    let attributes = &rows[0]["attributes"];
    assert_eq!(
        (&attributes["db.system.name"], &attributes["db.namespace"]),
        (&json!("postgresql"), &json!("spans|public"))
    );
    let parts: Vec<String> = session.column(&format!(
        "select name from holdfast.spans where parent_span_id = '{}' order by started_at",
        rows[0]["span_id"].as_str().expect("an id")
    ));
    assert_eq!(parts, ["holdfast.replay", "holdfast.lock", "holdfast.validate", "holdfast.write"]);

    // Refused by a raise: no table can show it.
    let refused = session.refused(&confirm(days[1], &[], "key"));
    settled(&mut other, days[1], ["tables_missing", refused.sqlstate.as_str(), "rolled_back"]);
    let span = spans(&mut other, days[1]).remove(0);
    assert_eq!(span["message"].as_str(), Some(refused.message.as_str()));
    assert_eq!(span["detail"].as_str().map(str::to_owned), refused.detail);

    // A trigger's words may name a guest: its SQLSTATE is kept, and they are not.
    session.run(
        "create function raise_now() returns trigger language plpgsql as $$
           begin raise 'Mrs Miller' using errcode = 'XY123', detail = 'miller@example.org'; end $$;
         create trigger stop before insert on public.allocations for each row execute function raise_now()",
    );
    session.refused(&call(7));
    settled(&mut other, days[7], ["failed", "XY123", "rolled_back"]);
    let told: bool = other.value("select bool_or(to_jsonb(s)::text ilike '%miller%') from holdfast.spans s");
    assert!(!told);
}

#[test]
fn the_end_of_a_transaction_is_told_of_each_of_its_attempts() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("spans");
    let mut other = Session::new(cluster.connect("spans"));
    let room = session.room(1);
    let days: Vec<Uuid> = (0..9).map(|day| booking(&mut session, &room, day)).collect();
    let call = |day: usize| confirm(days[day], &room.tables, "key");

    // Rolled back by the caller, and by a savepoint; then committed with what surrounds it.
    session.run("begin");
    session.done(&call(2));
    assert_eq!(end(&mut other, days[2]), ["confirmed", "-", "pending"]);
    session.run("rollback");
    assert_eq!(end(&mut other, days[2]), ["confirmed", "-", "rolled_back"]);
    session.run("begin; savepoint a");
    session.done(&call(3));
    session.run("rollback to savepoint a");
    assert_eq!(end(&mut other, days[3]), ["confirmed", "-", "rolled_back"]);
    session.run("savepoint b");
    session.done(&call(4));
    session.run("release savepoint b");
    assert_eq!(end(&mut other, days[4]), ["confirmed", "-", "pending"]);
    session.run("commit");
    assert_eq!([3, 4].map(|day| end(&mut other, days[day])[2].clone()), ["rolled_back", "committed"]);

    // Prepared, and ended elsewhere.
    for (day, ends) in [(5, "commit"), (6, "rollback")] {
        session.run("begin");
        session.done(&call(day));
        session.run("prepare transaction 'spans'");
        assert_eq!(end(&mut other, days[day])[2], "prepared");
        other.run(&format!("{ends} prepared 'spans'"));
    }
    assert_eq!([5, 6].map(|day| end(&mut other, days[day])[2].clone()), ["committed", "rolled_back"]);
}

#[test]
fn who_waits_is_in_flight_and_who_was_ended_is_not_lost() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("spans");
    let mut observer = Session::new(cluster.connect("spans"));
    let room = session.room(1);
    let days: Vec<Uuid> = (0..3).map(|day| booking(&mut session, &room, day)).collect();
    let call = |day: usize| confirm(days[day], &room.tables, "key");
    session.run("begin");
    session.done(&call(0));
    let connect = || Session::new(cluster.connect("spans"));
    let ended = behind(&mut observer, session.pid, connect(), &call(0));
    let cancelled = behind(&mut observer, ended.pid, connect(), &call(0));
    let in_flight = |observer: &mut Session| -> BTreeMap<i32, (String, Vec<i32>)> {
        let rows: Value = observer.value(
            "select coalesce(jsonb_agg(jsonb_build_array(pid, phase, waiting_for) order by pid), '[]')
             from holdfast.in_flight where idempotency_key = 'key'",
        );
        let rows: Vec<(i32, String, Vec<i32>)> = serde_json::from_value(rows).expect("rows");
        rows.into_iter().map(|(pid, phase, waits)| (pid, (phase, waits))).collect()
    };
    let seen = in_flight(&mut observer);
    assert_eq!(seen[&session.pid], ("done".to_owned(), vec![]), "it has its answer, and its transaction is open");
    assert_eq!(seen[&ended.pid].0, "booking_lock");
    assert!(seen[&ended.pid].1.contains(&session.pid), "{seen:?}");

    let (victim, pid) = (ended.pid, cancelled.pid);
    observer.run(&format!("select pg_cancel_backend({pid})"));
    assert_eq!(cancelled.finish().1.expect_err("cancelled").sqlstate, "57014");
    observer.run(&format!("select pg_terminate_backend({victim})"));
    eventually(&mut observer, &format!("select not exists (select from pg_stat_activity where pid = {victim})"));
    let of = |pid: i32| format!("select to_jsonb(s) from holdfast.spans s where pid = {pid} and message is not null");
    let span: Value = observer.value(&of(victim));
    assert_eq!((&span["outcome"], &span["transaction"]), (&json!("failed"), &json!("rolled_back")));
    assert_eq!(span["message"], "The session ended before the attempt did");
    let span: Value = observer.value(&of(pid));
    assert_eq!((&span["sqlstate"], &span["blocker_pid"].is_i64()), (&json!("57014"), &true), "{span}");
    session.run("commit");
    assert_eq!(in_flight(&mut observer), BTreeMap::new());

    // Timed out in a limit of its own: who had the booking is said.
    let hold = observer.hold(&room, Some(days[1]), &room.tables);
    session.run(&format!("begin; select from public.bookings where id = '{}' for update", days[1]));
    let holder = session.pid;
    let timed = connect().outcome(&within(days[1], hold, "key", 150));
    assert_eq!(timed["outcome"], "timeout_before_confirm");
    let span = spans(&mut observer, days[1]).remove(0);
    assert_eq!((&span["outcome"], &span["transaction"]), (&json!("timeout_before_confirm"), &json!("committed")));
    assert_eq!(span["blocker_pid"], Value::Null, "{holder} runs no attempt");
    session.run("rollback");
}

#[test]
fn a_trace_goes_on_where_the_caller_says() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("spans");
    let room = session.room(1);
    let days: Vec<Uuid> = (0..5).map(|day| booking(&mut session, &room, day)).collect();
    let call = |day: usize| confirm(days[day], &room.tables, "key");
    let given = format!("00-{TRACE}-{PARENT}-01");
    let other = given.replace("4bf9", "aaaa");
    session.done(&call(0).with("p_history_metadata", json!({"traceparent": given, "source": "web"})));
    session.run(&format!("set holdfast.traceparent = '{given}'"));
    session.done(&call(1));
    session.done(&call(2).with("p_history_metadata", json!({"traceparent": "nonsense"})));
    session.run("reset holdfast.traceparent");
    let headers = json!({"host": "x", "traceparent": other}).to_string();
    session.run(&format!("begin; set local \"request.headers\" = '{headers}'"));
    session.done(&call(3));
    session.run("commit");
    session.done(&call(4));
    let traces: Vec<(Value, Value)> = days
        .iter()
        .map(|day| {
            let span = spans(&mut session, *day).remove(0);
            (span["trace_id"].clone(), span["parent_span_id"].clone())
        })
        .collect();
    assert_eq!(traces[0], (json!(TRACE), json!(PARENT)));
    assert_eq!(traces[1], traces[0]);
    assert_eq!(traces[3], (json!(TRACE.replace("4bf9", "aaaa")), json!(PARENT)));
    for new in [&traces[2], &traces[4]] {
        assert!(new.0 != traces[0].0 && new.1.is_null(), "{new:?}");
    }
    assert_ne!(traces[2].0, traces[4].0);
}

#[test]
fn a_ring_that_laps_counts_what_it_drops() {
    const SESSIONS: usize = 16;
    const CALLS: i64 = 25;
    let options =
        "-c shared_preload_libraries=holdfast -c holdfast.worker=off -c holdfast.spans=7 -c holdfast.span_keys=off";
    let cluster = Cluster::start_with(options);
    let mut session = cluster.install("spans");
    let room = session.room(SESSIONS);
    let crowd: Vec<_> = (0..SESSIONS)
        .map(|guest| {
            let mut session = Session::new(cluster.connect("spans"));
            let (room, table) = (room.clone(), room.tables[guest]);
            thread::spawn(move || {
                for day in 0..CALLS {
                    let booking = booking(&mut session, &room, day);
                    session.run("begin");
                    session.done(&confirm(booking, &[table], "secret"));
                    session.run(if day % 4 == 0 { "rollback" } else { "commit" });
                    session.refused(&confirm(booking, &[], "another secret"));
                }
            })
        })
        .collect();
    crowd.into_iter().for_each(|guest| guest.join().expect("no unexpected answer"));
    let counts = |session: &mut Session| -> Value { session.value("select to_jsonb(s) from holdfast.stat_spans s") };
    let written = SESSIONS as i64 * CALLS * 2;
    let expected = json!({"preloaded": true, "room": 7, "written": written, "held": 7, "dropped": written - 7, "observed": 0, "unobserved": 0});
    assert_eq!(counts(&mut session), expected);
    // DETAIL of this one would name its key.
    let fenced = booking(&mut session, &room, CALLS);
    let fence = Call::new("fence_attempt").with("p_booking_id", fenced).with("p_idempotency_key", "secret");
    session.outcome(&fence);
    session.refused(&confirm(fenced, &room.tables[..1], "secret"));
    let kept = format!("select count(*) from holdfast.why('public', '{fenced}', 'secret') where source = 'spans'");
    assert_eq!(session.value::<i64>(&kept), 2, "all of a booking's are told where keys are left out");
    let told: bool = session.value("select bool_or(to_jsonb(s)::text like '%secret%') from holdfast.spans s");
    assert!(!told, "keys are left out");
    let refused = booking(&mut session, &room, CALLS + 1);
    session.refused(&confirm(refused, &[], "secret"));
    let answer = session.outcome(&confirm_outcome(refused, "secret"));
    assert_eq!(answer["outcome"], "never_seen", "nobody knows whose key it was");

    // Who watches reads all of it, and nobody else reads anything.
    session.run("create role spans_watcher in role pg_monitor; create role spans_nobody");
    session.run("set role spans_watcher");
    let seen: i64 = session.value("select count(*) from holdfast.spans, holdfast.stat_spans");
    let _: i64 = session.value("select count(*) from holdfast.in_flight");
    assert!(seen >= 7);
    session.run("set role spans_nobody");
    for from in ["spans", "in_flight", "stat_spans", "recorded_spans()", "attempts_in_flight()", "span_counts()"] {
        let refused = session.try_run(&format!("select * from holdfast.{from}")).expect_err(from);
        assert_eq!(refused.sqlstate, "42501", "{from}");
    }
    session.run("reset role");

    // A backend that is killed ends the memory, and everything begins again.
    let victim = Session::new(cluster.connect("spans"));
    cluster.kill_one(victim.pid);
    drop((session, victim));
    let again = (0..200).find_map(|_| {
        thread::sleep(std::time::Duration::from_millis(50));
        cluster.server.try_connect("spans", "spans").ok()
    });
    let mut session = Session::new(again.expect("the server recovers"));
    assert_eq!(counts(&mut session)["written"], 0);
    let after = booking(&mut session, &room, 100);
    session.done(&confirm(after, &room.tables[..1], "key"));
    assert_eq!(end(&mut session, after), ["confirmed", "-", "committed"]);
}

#[test]
fn without_preloading_or_room_nothing_is_kept() {
    for (options, preloaded) in
        [("", false), ("-c shared_preload_libraries=holdfast -c holdfast.worker=off -c holdfast.spans=0", true)]
    {
        let cluster = Cluster::start_with(options);
        let mut session = cluster.install("spans");
        let room = session.room(1);
        let first = booking(&mut session, &room, 0);
        session.done(&confirm(first, &room.tables, "key"));
        let rows: i64 =
            session.value("select (select count(*) from holdfast.spans) + (select count(*) from holdfast.in_flight)");
        assert_eq!(rows, 0);
        let counts: Value = session.value("select to_jsonb(s) from holdfast.stat_spans s");
        assert_eq!(counts["preloaded"], preloaded);
        assert_eq!(counts["written"], if preloaded { json!(0) } else { Value::Null });
    }
}
