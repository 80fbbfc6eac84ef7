//! Nothing goes unseen (G10): every attempt is counted with its outcome, also those that rolled back. The counters are
//! the server's own, so each test has a server of its own.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{
    Call, Cluster, Room, Session, assign, at, behind, confirm, confirm_hold, eventually, native, within,
};
use serde_json::Value;
use uuid::Uuid;

/// What is counted now: the row of attempts, and the outcomes that occurred.
fn counted(session: &mut Session) -> (Value, BTreeMap<String, i64>) {
    let both: Value = session.value(
        "select jsonb_build_object('attempts', to_jsonb(a), 'outcomes', (
           select coalesce(jsonb_object_agg(outcome, count), '{}')
           from (select outcome, sum(count) as count from holdfast.stat_outcomes group by outcome) o
         )) from holdfast.stat_attempts a",
    );
    let outcomes = both["outcomes"].as_object().expect("an object").iter();
    (both["attempts"].clone(), outcomes.map(|(name, number)| (name.clone(), number.as_i64().unwrap_or(-1))).collect())
}

/// What was counted so far, outcome by outcome. A client reads its error before the server has ended the transaction, so
/// the numbers may be a moment behind.
#[track_caller]
fn assert_counted(session: &mut Session, in_flight: i64, prepared: i64, expected: &[(&str, i64)]) {
    let expected: BTreeMap<String, i64> = expected.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
    let ended = expected.values().sum::<i64>();
    let sum = [ended + in_flight + prepared, ended, in_flight, prepared].map(Some);
    let give_up = Instant::now() + Duration::from_secs(5);
    loop {
        let (attempts, outcomes) = counted(session);
        let found = ["started", "ended", "in_flight", "prepared"].map(|name| attempts[name].as_i64());
        if (found, &outcomes) == (sum, &expected) {
            return;
        }
        assert!(Instant::now() < give_up, "{attempts}\n{outcomes:?}\nexpected {sum:?} {expected:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A booking of a day of its own, so that none is in another's way.
fn booking(session: &mut Session, room: &Room, day: i64) -> Uuid {
    let shift = chrono::Duration::days(day);
    session.booking_at(room.restaurant, at("18:00") + shift, at("20:00") + shift)
}

#[test]
fn each_attempt_is_counted_as_what_it_came_to() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("counted");
    let room = session.room(2);
    let table = &room.tables[..1];
    assert_counted(&mut session, 0, 0, &[]);

    // Done, asked again, done by an assign.
    let first = booking(&mut session, &room, 0);
    session.done(&confirm(first, table, "key"));
    session.done(&confirm(first, table, "key"));
    let other = booking(&mut session, &room, 1);
    session.done(&assign(other, table, "key"));
    assert_counted(&mut session, 0, 0, &[("assigned", 1), ("confirmed", 2)]);
    assert_eq!(counted(&mut session).0["replayed"].as_i64(), Some(1));

    // Refused: by its arguments, raised, returned under a key and said again.
    session.refused(&confirm(first, table, " "));
    session.refused(&confirm_hold(Uuid::new_v4(), other, "another key"));
    let unknown = native("confirm_hold")
        .with("p_hold_id", Uuid::new_v4())
        .with("p_booking_id", other)
        .with("p_idempotency_key", "returned");
    assert_eq!(session.outcome(&unknown)["outcome"], "hold_not_found");
    assert_eq!(session.outcome(&unknown)["replayed"], true);
    let so_far = [("assigned", 1), ("confirmed", 2), ("hold_not_found", 3), ("key_blank", 1)];
    assert_counted(&mut session, 0, 0, &so_far);
    assert_eq!(counted(&mut session).0["replayed"].as_i64(), Some(2));

    // An error of a trigger, custom SQLSTATE and all; and one that strikes at COMMIT, when the answer is already given.
    session.run(
        "create function raise_now() returns trigger language plpgsql as $$ begin raise 'no' using errcode = 'XY123'; end $$;
         create trigger stop before insert on public.allocations for each row execute function raise_now()",
    );
    let third = booking(&mut session, &room, 2);
    assert_eq!(session.refused(&confirm(third, table, "key")).sqlstate, "XY123");
    session.run(
        "drop trigger stop on public.allocations;
         create constraint trigger stop after insert on public.allocations deferrable initially deferred
         for each row execute function raise_now()",
    );
    assert_eq!(session.refused(&confirm(third, table, "key")).sqlstate, "XY123");
    session.run("drop trigger stop on public.allocations");
    let mut expected = so_far.to_vec();
    expected.extend([("failed", 1), ("rolled_back", 1)]);
    assert_counted(&mut session, 0, 0, &expected);
}

#[test]
fn savepoints_and_rollbacks_take_nothing_back() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("counted");
    let mut other = Session::new(cluster.connect("counted"));
    let room = session.room(1);
    let days: Vec<Uuid> = (0..8).map(|day| booking(&mut session, &room, day)).collect();
    let call = |day: usize| confirm(days[day], &room.tables, "key");

    session.run("begin");
    session.done(&call(0));
    // In flight until the transaction ends, seen from anywhere; a replay of it is not sure either.
    session.done(&call(0));
    assert_counted(&mut other, 2, 0, &[]);
    session.run("savepoint a");
    session.done(&call(1));
    session.run("savepoint b");
    session.done(&call(2));
    session.run("release savepoint b; rollback to savepoint a");
    assert_counted(&mut other, 2, 0, &[("rolled_back", 2)]);
    session.done(&call(1));
    session.run("release savepoint a");
    assert_counted(&mut other, 3, 0, &[("rolled_back", 2)]);
    session.run("commit");
    assert_counted(&mut other, 0, 0, &[("confirmed", 3), ("rolled_back", 2)]);

    session.run("begin");
    session.done(&call(3));
    session.refused(&confirm(days[4], &[], "key"));
    assert_counted(&mut other, 0, 0, &[("confirmed", 3), ("rolled_back", 3), ("tables_missing", 1)]);
    session.run("rollback");
    assert_counted(&mut other, 0, 0, &[("confirmed", 3), ("rolled_back", 3), ("tables_missing", 1)]);

    // An exception that the application catches, around a confirm that was done and one that was not.
    session.run(&format!(
        "do $$ begin
           begin perform {}; raise 'not that way'; exception when raise_exception then null; end;
           begin perform {}; exception when check_violation then null; end;
           perform {};
         end $$",
        call(4).sql(),
        confirm(days[4], &[], "key").sql(),
        call(5).sql()
    ));
    assert_counted(&mut other, 0, 0, &[("confirmed", 4), ("rolled_back", 4), ("tables_missing", 2)]);

    // A confirm within a confirm: the trigger's own is undone with what surrounds it.
    session.run(&format!(
        "create function nested() returns trigger language plpgsql as $$ begin
           if new.booking_id = '{}' then perform {}; raise 'after all'; end if; return new; end $$;
         create trigger nested after insert on public.booking_table_assignments for each row execute function nested()",
        days[6],
        call(7).sql()
    ));
    session.refused(&call(6));
    assert_counted(&mut other, 0, 0, &[("confirmed", 4), ("failed", 1), ("rolled_back", 5), ("tables_missing", 2)]);
}

#[test]
fn sessions_that_are_ended_are_counted() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("counted");
    let room = session.room(1);
    let (running, idle) = (booking(&mut session, &room, 0), booking(&mut session, &room, 1));
    let connect = || Session::new(cluster.connect("counted"));

    // One is ended while it waits for a lock, one while its transaction is open and idle, one cancelled.
    session.run(&format!("begin; select from public.bookings where id = '{running}' for update"));
    let call = confirm(running, &room.tables, "key");
    let mut observer = connect();
    let ended = behind(&mut observer, session.pid, connect(), &call);
    let cancelled = behind(&mut observer, ended.pid, connect(), &call);
    let mut open = connect();
    open.run("begin");
    open.done(&confirm(idle, &room.tables, "key"));
    assert_counted(&mut observer, 3, 0, &[]);
    observer.run(&format!("select pg_cancel_backend({})", cancelled.pid));
    assert_eq!(cancelled.finish().1.expect_err("cancelled").sqlstate, "57014");
    let victim = ended.pid;
    observer.run(&format!("select pg_terminate_backend({victim}), pg_terminate_backend({})", open.pid));
    eventually(
        &mut observer,
        &format!("select not exists (select from pg_stat_activity where pid in ({victim}, {}))", open.pid),
    );
    assert_counted(&mut observer, 0, 0, &[("failed", 2), ("rolled_back", 1)]);
    session.run("rollback");
    assert_counted(&mut observer, 0, 0, &[("failed", 2), ("rolled_back", 1)]);
    assert_eq!(observer.count("booking_table_assignments", "true"), 0);
}

#[test]
fn prepared_transactions_are_counted_when_they_end() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("counted");
    let room = session.room(4);
    for (table, gid) in room.tables.iter().zip(["kept", "kept too", "undone", "left"]) {
        let booking = session.booking(room.restaurant);
        session.run("begin");
        session.done(&confirm(booking, &[*table], "key"));
        if gid == "kept" {
            session.done(&assign(booking, &[*table], "another key"));
        }
        session.run(&format!("prepare transaction '{gid}'"));
    }
    let mut other = Session::new(cluster.connect("counted"));
    drop(session);
    assert_counted(&mut other, 0, 5, &[]);
    other.run("commit prepared 'kept'");
    assert_counted(&mut other, 0, 3, &[("assigned", 1), ("confirmed", 1)]);
    other.run("commit prepared 'kept too'");
    other.run("rollback prepared 'undone'");
    assert_counted(&mut other, 0, 1, &[("assigned", 1), ("confirmed", 2), ("rolled_back", 1)]);

    // A crash begins a new epoch; what was prepared before it lives on, and is not counted in it.
    let epoch = counted(&mut other).0["epoch"].clone();
    cluster.kill();
    cluster.launch();
    let mut other = Session::new(cluster.connect("counted"));
    assert_counted(&mut other, 0, 0, &[]);
    let after = counted(&mut other).0["epoch"].clone();
    assert!(after.as_str() > epoch.as_str(), "{epoch} {after}");
    other.run("commit prepared 'left'");
    assert_counted(&mut other, 0, 0, &[]);
    assert_eq!(other.count("booking_table_assignments", "true"), 3);
}

/// Many sessions at once: nothing is lost between them.
#[test]
fn the_sum_is_exact_after_a_crowd() {
    const SESSIONS: usize = 8;
    const CALLS: i64 = 40;
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("counted");
    let room = session.room(SESSIONS);
    let crowd: Vec<_> = (0..SESSIONS)
        .map(|guest| {
            let mut session = Session::new(cluster.connect("counted"));
            let (room, table) = (room.clone(), room.tables[guest]);
            thread::spawn(move || {
                for day in 0..CALLS {
                    let booking = booking(&mut session, &room, day);
                    session.run("begin");
                    session.done(&confirm(booking, &[table], "key"));
                    session.run(if day % 4 == 0 { "rollback" } else { "commit" });
                    session.refused(&confirm(booking, &[], "another key"));
                }
            })
        })
        .collect();
    for guest in crowd {
        guest.join().expect("no unexpected answer");
    }
    let all = SESSIONS as i64 * CALLS;
    assert_counted(
        &mut session,
        0,
        0,
        &[("confirmed", all * 3 / 4), ("rolled_back", all / 4), ("tables_missing", all)],
    );
}

#[test]
fn without_preloading_nothing_is_counted_and_the_views_say_so() {
    let cluster = Cluster::start();
    let mut session = cluster.install("counted");
    let room = session.room(1);
    let first = booking(&mut session, &room, 0);
    session.done(&confirm(first, &room.tables, "key"));
    let attempts: Value = session.value("select to_jsonb(a) from holdfast.stat_attempts a");
    let fields = attempts.as_object().expect("a row");
    for (name, value) in fields {
        assert_eq!(*value, if name == "preloaded" { Value::Bool(false) } else { Value::Null }, "{name}");
    }
    assert_eq!(fields.len(), 20);
    let unknown: i64 =
        session.value("select count(*) from holdfast.stat_outcomes where count is null and epoch is null");
    assert_eq!(unknown, session.value::<i64>("select count(*) from holdfast.outcomes"));
    let nothing = "select (select count(*) from holdfast.stat_confirm) + (select count(*) from holdfast.stat_phase)";
    assert_eq!(session.value::<i64>(nothing), 0);
    assert!(!session.value::<bool>("select holdfast.stat_reset()"), "there is nothing to forget");
    // A prepared transaction needs none of it.
    let second = booking(&mut session, &room, 1);
    session.run("begin");
    session.done(&confirm(second, &room.tables, "key"));
    session.run("prepare transaction 'unseen'");
    session.run("commit prepared 'unseen'");
    assert_eq!(session.get("bookings", second, "status").as_deref(), Some("confirmed"));
}

/// A limit in time is judged when the transaction has committed; retries inside it are no attempts of their own.
#[test]
fn limits_are_settled_at_commit() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("counted");
    let room = session.room(2);
    let prizes = session.prizes(&room, 0, 5);
    let call =
        |number: usize, ms: i32| within(prizes[number].booking, prizes[number].holds[0], &prizes[number].key, ms);
    let timed = |session: &mut Session| {
        let (attempts, _) = counted(session);
        ["completed_in_time", "timeout_after_confirm", "retries"].map(|name| attempts[name].as_i64().unwrap_or(-1))
    };
    assert_eq!(session.outcome(&call(0, 60_000))["outcome"], "confirmed");
    assert_eq!(timed(&mut session), [1, 0, 0]);
    // Confirmed within the limit, committed after it; and one that is rolled back counts for neither.
    session.run("begin");
    assert_eq!(session.outcome(&call(1, 1500))["outcome"], "confirmed");
    thread::sleep(Duration::from_millis(1600));
    assert_eq!(timed(&mut session), [1, 0, 0], "provisional");
    session.run("commit");
    assert_eq!(timed(&mut session), [1, 1, 0]);
    session.run("begin");
    assert_eq!(session.outcome(&call(2, 60_000))["outcome"], "confirmed");
    session.run("rollback");
    assert_eq!(timed(&mut session), [1, 1, 0]);
    // The limit passes while somebody has the booking locked; then a lock timeout is tried again, inside one attempt.
    let mut blocker = Session::new(cluster.connect("counted"));
    blocker.run(&format!("begin; select from public.bookings where id = '{}' for update", prizes[3].booking));
    assert_eq!(session.outcome(&call(3, 150))["outcome"], "timeout_before_confirm");
    session.run("set lock_timeout = '20ms'");
    assert_eq!(session.outcome(&call(3, 60_000))["outcome"], "lock_timeout");
    let retries = timed(&mut session)[2];
    assert!(retries > 0, "a lock timeout was not tried again");
    let tries: i64 = session.value("select lock_timeouts from holdfast.stat_attempts");
    assert_eq!(tries, retries + 1, "each try is counted");
    let refused = session.outcome(&call(4, 0))["outcome"].clone();
    assert_eq!(refused, "argument_invalid");
    assert_eq!(timed(&mut session), [1, 1, retries]);
    let expected = [
        ("argument_invalid", 1),
        ("confirmed", 2),
        ("lock_timeout", 1),
        ("rolled_back", 1),
        ("timeout_before_confirm", 1),
    ];
    assert_counted(&mut session, 0, 0, &expected);
}

/// Each item of a list, also one whose group was taken back; and which of them it is at.
#[test]
fn each_item_of_a_list_is_counted_and_seen() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("counted");
    let room = session.room(1);
    let days: Vec<Uuid> = [0, 0, 1, 0, 2].into_iter().map(|day| booking(&mut session, &room, day)).collect();
    let group = |day: usize| if [2, 3, 4].contains(&day) { Value::from("group") } else { Value::Null };
    let item = |day: usize| serde_json::json!({"booking_id": days[day], "table_ids": room.tables, "idempotency_key": "key", "group": group(day)});
    let list = |days: &[usize]| {
        let items: Vec<Value> = days.iter().map(|day| item(*day)).collect();
        Call::new("confirm_many").with("p_items", Value::from(items))
    };
    session.done(&list(&[0, 1, 2, 3, 4]));
    let ended = [("allocation_conflict", 2), ("confirmed", 1), ("group_refused", 1), ("rolled_back", 1)];
    assert_counted(&mut session, 0, 0, &ended);
    // Somebody without our locks has the table of the second item.
    let mut blocker = Session::new(cluster.connect("counted"));
    blocker.run(&format!(
        "begin; insert into public.allocations (restaurant_id, resource_type, resource_id, \"window\", is_maintenance)
         values ('{}', 'table', '{}', '[2027-05-03 18:00+00, 2027-05-03 20:00+00)', true)",
        room.restaurant, room.tables[0]
    ));
    let other = Session::new(cluster.connect("counted"));
    let waiting = behind(&mut session, blocker.pid, other, &list(&[2, 4]));
    let at: Vec<i32> = ["item", "items"]
        .map(|name| session.value(&format!("select {name} from holdfast.in_flight where pid = {}", waiting.pid)))
        .to_vec();
    assert_eq!(at, [2, 2], "the second of two");
    blocker.run("rollback");
    assert_eq!(waiting.finish().1.expect("an answer").len(), 2);
    let ended = [("allocation_conflict", 2), ("confirmed", 3), ("group_refused", 1), ("rolled_back", 1)];
    assert_counted(&mut session, 0, 0, &ended);
}
