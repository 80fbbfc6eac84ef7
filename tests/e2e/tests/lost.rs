//! The answer is lost: the wire is cut before, during or after the last message, the session is ended, the server is killed
//! and comes back. One question gives the true answer, preloaded or not, at every isolation level.

use std::thread;
use std::time::Duration;

use holdfast_e2e::{
    Call, Cluster, Cut, Room, Session, Wire, assert_invariants, atomic_confirm, confirm_outcome, eventually, native,
    within,
};
use uuid::Uuid;

const LEVELS: [&str; 3] = ["read committed", "repeatable read", "serializable"];
const CUTS: [Cut; 3] = [Cut::Before, Cut::During, Cut::After];

/// A booking of a day of its own with a hold of its own.
struct Try {
    booking: Uuid,
    hold: Uuid,
    key: String,
}

fn next(session: &mut Session, room: &Room, day: &mut usize) -> Try {
    let prize = session.prizes(room, *day, 1).remove(0);
    *day += 1;
    Try { booking: prize.booking, hold: prize.holds[0], key: prize.key }
}

/// Every form of a confirm that has a key.
fn forms(wanted: &Try) -> [Call; 4] {
    let Try { booking, hold, key } = wanted;
    [
        within(*booking, *hold, key, 4000),
        atomic_confirm(*booking, *hold, key),
        native("confirm_hold")
            .with("p_hold_id", *hold)
            .with("p_booking_id", *booking)
            .with("p_idempotency_key", key.as_str())
            .with("p_target_status", "confirmed"),
        Call::new("run_auto_assign").with("p_booking_id", *booking).with("p_hold_id", *hold),
    ]
}

/// Asks at once, and again when the session is gone: the first answer may be that somebody is still at work, but never
/// a wrong one; the second is the truth.
#[track_caller]
fn asked(session: &mut Session, wanted: &Try, pid: i32, what: &str, at_once: &[&str]) -> String {
    let ask = |session: &mut Session| {
        let row = session.outcome(&confirm_outcome(wanted.booking, &wanted.key));
        row["outcome"].as_str().expect("an outcome").to_owned()
    };
    let first = ask(session);
    eventually(session, &format!("select not exists (select from pg_stat_activity where pid = {pid})"));
    let answer = ask(session);
    let confirmed = session.get("bookings", wanted.booking, "status").as_deref() == Some("confirmed");
    assert_eq!(answer, if confirmed { "committed" } else { "never_seen" }, "{what}");
    assert!(first == answer || at_once.contains(&first.as_str()), "{what}: {first}, then {answer}");
    // With the same key the answer can be had at any time; a confirm that was lost can be done.
    if confirmed {
        let row = session.outcome(&within(wanted.booking, wanted.hold, &wanted.key, 4000));
        assert_eq!((row["outcome"].as_str(), row["replayed"].as_bool()), (Some("confirmed"), Some(true)), "{what}");
    } else {
        assert_eq!(session.count("table_holds", &format!("id = '{}' and status = 'active'", wanted.hold)), 1, "{what}");
    }
    answer
}

/// A session by the wire, at an isolation level.
fn by_wire(wire: &Wire, level: &str) -> Session {
    wire.mend();
    let mut session = Session::new(wire.server.connect("lost", "by wire"));
    session.run(&format!("set default_transaction_isolation = '{level}'"));
    session
}

fn cut_wires(cluster: &Cluster) {
    let mut session = cluster.install("lost");
    let room = session.room(4);
    let wire = Wire::to(&cluster.server);
    let mut day = 0;
    for level in LEVELS {
        for cut in CUTS {
            for form in 0..4 {
                let what = format!("{cut:?} COMMIT at {level}, form {form}");
                let wanted = next(&mut session, &room, &mut day);
                let mut caller = by_wire(&wire, level);
                caller.run("begin");
                caller.done(&forms(&wanted)[form]);
                assert_eq!(session.outcome(&confirm_outcome(wanted.booking, &wanted.key))["outcome"], "running");
                // The driver closes its statement with its next message: that one shall not be the one that is cut.
                caller.run("select");
                wire.cut(cut);
                assert!(caller.client.batch_execute("commit").is_err(), "{what}: the answer was not lost");
                let answer = asked(&mut session, &wanted, caller.pid, &what, &["running"]);
                let expected = if cut == Cut::Before { "never_seen" } else { "committed" };
                assert_eq!(answer, expected, "{what}");

                let what = format!("{cut:?} a call on its own at {level}, form {form}");
                let wanted = next(&mut session, &room, &mut day);
                let mut caller = by_wire(&wire, level);
                wire.cut(cut);
                let sql = format!("select * from {}", forms(&wanted)[form].sql());
                assert!(caller.client.batch_execute(&sql).is_err(), "{what}: the answer was not lost");
                // What has not begun yet is not seen: a fence is for that.
                let answer = asked(&mut session, &wanted, caller.pid, &what, &["running", "never_seen"]);
                assert_eq!(answer == "never_seen", cut == Cut::Before, "{what}");
            }
        }
    }
    session.run("delete from public.table_holds where status = 'active'; delete from public.allocations where shadow");
    assert_invariants(&mut session);
}

#[test]
fn a_cut_wire_leaves_one_true_answer() {
    cut_wires(&Cluster::start_preloaded());
}

#[test]
fn and_without_preloading() {
    cut_wires(&Cluster::start());
}

/// The backend is ended, or killed so that the server recovers, at each point of the transaction.
fn ended_backends(cluster: &Cluster, kill: bool) {
    let mut session = cluster.install("lost");
    let room = session.room(4);
    let mut day = 0;
    let connect = || loop {
        if let Ok(session) = cluster.server.try_connect("lost", "caller").and_then(Session::try_new) {
            return session;
        }
        thread::sleep(Duration::from_millis(20));
    };
    for (number, level) in LEVELS.into_iter().cycle().take(12).enumerate() {
        let form = number % 4;
        for point in ["waiting", "answered", "committing", "committed"] {
            let what = format!("{point}, {}, form {form}, {level}", if kill { "killed" } else { "terminated" });
            let wanted = next(&mut session, &room, &mut day);
            let call = forms(&wanted)[form].clone();
            let (mut caller, mut blocker) = (connect(), connect());
            let pid = caller.pid;
            let end = |session: &mut Session| match kill {
                true => cluster.kill_one(pid),
                false => session.run(&format!("select pg_terminate_backend({pid})")),
            };
            caller.run(&format!("begin isolation level {level}"));
            if point == "waiting" {
                blocker.run(&format!("begin; select from public.bookings where id = '{}' for update", wanted.booking));
                let sql = format!("select * from {}", call.sql());
                let waiting = thread::spawn(move || caller.client.batch_execute(&sql).is_err());
                eventually(&mut session, &format!("select cardinality(pg_blocking_pids({pid})) > 0"));
                end(&mut session);
                assert!(waiting.join().expect("no panic"), "{what}");
            } else {
                caller.done(&call);
                let committing = match point {
                    "answered" => None,
                    "committing" => Some(thread::spawn(move || _ = caller.client.batch_execute("commit"))),
                    _ => {
                        caller.run("commit");
                        None
                    }
                };
                end(&mut session);
                committing.into_iter().for_each(|thread| thread.join().expect("no panic"));
            }
            drop(blocker);
            if kill {
                session = connect();
                // Those who come at once may see a server that is about to end them.
                while !session.is_alive("select pg_sleep(0.05)") {
                    session = connect();
                }
            }
            let answer = asked(&mut session, &wanted, pid, &what, &["running"]);
            assert!(point != "committed" || answer == "committed", "{what}: {answer}");
            assert!(!["waiting", "answered"].contains(&point) || answer == "never_seen", "{what}: {answer}");
        }
    }
}

#[test]
fn an_ended_backend_leaves_one_true_answer() {
    ended_backends(&Cluster::start_preloaded(), false);
}

#[test]
fn and_an_ended_one_without_preloading() {
    ended_backends(&Cluster::start(), false);
}

#[test]
fn a_killed_server_leaves_one_true_answer() {
    ended_backends(&Cluster::start_preloaded(), true);
}

#[test]
fn and_a_killed_one_without_preloading() {
    ended_backends(&Cluster::start(), true);
}
