//! The answer is lost: the wire is cut before, during or after the last message, the session is ended, the server is killed
//! and comes back. One question gives the true answer, preloaded or not, at every isolation level, straight or through a pooler.
//! `HOLDFAST_LOST` is the number of rounds; with one, the default, the pooler's tries cover each pair of circumstances.

use std::thread;
use std::time::Duration;

use holdfast_e2e::{
    Call, Cut, Room, Session, Site, Wire, assert_invariants, atomic_confirm, confirm_outcome, eventually, native,
    number, within,
};
use uuid::Uuid;

const LEVELS: [&str; 3] = ["read committed", "repeatable read", "serializable"];
const CUTS: [Cut; 3] = [Cut::Before, Cut::During, Cut::After];
const POINTS: [&str; 4] = ["waiting", "answered", "committing", "committed"];
const FORMS: usize = 4;

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
fn forms(wanted: &Try) -> [Call; FORMS] {
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

/// What is said of an attempt that came to nothing when its session ended: with shared memory somebody noted it.
fn cut_off(site: &Site) -> &'static str {
    if site.preloaded { "refused" } else { "never_seen" }
}

/// Asks at once, and again when nobody is at work any more (`over`): the first answer may be that somebody still is, but
/// never a wrong one; the second is the truth.
#[track_caller]
fn asked(session: &mut Session, wanted: &Try, over: &str, what: &str, at_once: &[&str]) -> String {
    let ask = |session: &mut Session| {
        let row = session.outcome(&confirm_outcome(wanted.booking, &wanted.key));
        assert!(row["outcome"] != "refused" || row["code"] == "HF619", "{row}");
        row["outcome"].as_str().expect("an outcome").to_owned()
    };
    let is_confirmed =
        |session: &mut Session| session.get("bookings", wanted.booking, "status").as_deref() == Some("confirmed");
    let first = ask(session);
    eventually(session, over);
    let (answer, confirmed) = loop {
        // A pooler may pass on what its client said before it went.
        let confirmed = is_confirmed(session);
        let answer = ask(session);
        if confirmed == is_confirmed(session) && answer != "running" {
            break (answer, confirmed);
        }
    };
    assert_eq!(answer == "committed", confirmed, "{what}: {answer}");
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

/// The process is gone; a pooler may keep it for others.
fn gone(site: &Site, pid: i32) -> String {
    let busy = if site.is_pooled() { "and state <> 'idle'" } else { "" };
    format!("select not exists (select from pg_stat_activity where pid = {pid} {busy})")
}

/// The COMMIT of an open transaction is cut.
fn cut_commit(site: &Site, session: &mut Session, wire: &Wire, wanted: &Try, (level, cut, form): (&str, Cut, usize)) {
    let what = format!("{cut:?} COMMIT at {level}, form {form}");
    wire.mend();
    let mut caller = Session::new(wire.server.connect("lost", "by wire"));
    let pid = caller.begin(level);
    caller.run(&format!("select * from {}", forms(wanted)[form].sql()));
    assert_eq!(session.outcome(&confirm_outcome(wanted.booking, &wanted.key))["outcome"], "running");
    wire.cut(cut);
    assert!(caller.client.batch_execute("commit").is_err(), "{what}: the answer was not lost");
    let answer = asked(session, wanted, &gone(site, pid), &what, &["running"]);
    match cut {
        Cut::Before => assert_eq!(answer, cut_off(site), "{what}"),
        // The pooler may drop what it was told by a client that is gone.
        Cut::During if site.is_pooled() => assert!(["committed", cut_off(site)].contains(&answer.as_str()), "{what}"),
        Cut::During | Cut::After => assert_eq!(answer, "committed", "{what}"),
    }
}

/// A whole transaction in one message is cut.
fn cut_call(site: &Site, session: &mut Session, wire: &Wire, wanted: &Try, (level, cut, form): (&str, Cut, usize)) {
    let what = format!("{cut:?} a call on its own at {level}, form {form}");
    wire.mend();
    let mut caller = Session::new(wire.server.connect("lost", "by wire"));
    let over = match site.is_pooled() {
        false => gone(site, caller.pid),
        true => {
            "select not exists (select from pg_stat_activity where application_name = 'by wire' and state <> 'idle')"
                .to_owned()
        }
    };
    wire.cut(cut);
    let call = forms(wanted)[form].sql();
    let sql = format!("begin isolation level {level}; select * from {call}; commit");
    assert!(caller.client.batch_execute(&sql).is_err(), "{what}: the answer was not lost");
    // What has not begun yet is not seen: a fence is for that.
    let answer = asked(session, wanted, &over, &what, &["running", "never_seen"]);
    match cut {
        Cut::Before => assert_eq!(answer, "never_seen", "{what}"),
        Cut::During if site.is_pooled() => {}
        Cut::During | Cut::After => assert_eq!(answer, "committed", "{what}"),
    }
}

fn cut_wires(site: &Site) {
    let mut session = site.cluster.install("lost");
    let room = session.room(4);
    let wire = Wire::to(site.entrance());
    let (rounds, mut day) = (number("HOLDFAST_LOST", 1), 0);
    let all = |n: usize| (LEVELS[n % 3], CUTS[n / 3 % 3], n / 9);
    let pairs = |n: usize| (LEVELS[n % 3], CUTS[(n + n / 3) % 3], n / 3);
    for _ in 0..rounds {
        let tries: Vec<_> =
            if site.is_pooled() && rounds == 1 { (0..12).map(pairs).collect() } else { (0..36).map(all).collect() };
        for circumstances in tries {
            let wanted = next(&mut session, &room, &mut day);
            cut_commit(site, &mut session, &wire, &wanted, circumstances);
            let wanted = next(&mut session, &room, &mut day);
            cut_call(site, &mut session, &wire, &wanted, circumstances);
        }
    }
    // What a client left in the pooler may still be on its way.
    eventually(
        &mut session,
        "select not exists (select from pg_stat_activity where application_name = 'by wire' and state <> 'idle')",
    );
    session.run("delete from public.table_holds where status = 'active'; delete from public.allocations where shadow");
    assert_invariants(&mut session);
}

/// The backend is ended, or killed so that the server recovers, at a point of the transaction.
fn end_backend(
    site: &Site,
    session: &mut Session,
    wanted: &Try,
    kill: bool,
    (level, point, form): (&str, &str, usize),
) {
    let what = format!("{point}, {}, form {form}, {level}", if kill { "killed" } else { "terminated" });
    let call = format!("select * from {}", forms(wanted)[form].sql());
    let (mut caller, mut blocker) = (connect(site, true), connect(site, false));
    let pid = caller.begin(level);
    let end = |session: &mut Session| match kill {
        true => site.cluster.kill_one(pid),
        false => session.run(&format!("select pg_terminate_backend({pid})")),
    };
    if point == "waiting" {
        blocker.run(&format!("begin; select from public.bookings where id = '{}' for update", wanted.booking));
        let waiting = thread::spawn(move || caller.client.batch_execute(&call).is_err());
        eventually(session, &format!("select cardinality(pg_blocking_pids({pid})) > 0"));
        end(session);
        assert!(waiting.join().expect("no panic"), "{what}");
    } else {
        caller.run(&call);
        if point == "committed" {
            caller.run("commit");
        }
        thread::scope(|scope| {
            if point == "committing" {
                scope.spawn(|| _ = caller.client.batch_execute("commit"));
            }
            end(session);
        });
    }
    drop(blocker);
    while kill && !session.is_alive("select pg_sleep(0.05)") {
        // Those who come at once may see a server that is about to end them.
        *session = connect(site, false);
    }
    let over = format!("select not exists (select from pg_stat_activity where pid = {pid})");
    let answer = asked(session, wanted, &over, &what, &["running"]);
    let lost = if kill { "never_seen" } else { cut_off(site) };
    match point {
        "committed" => assert_eq!(answer, "committed", "{what}"),
        "committing" => assert!(["committed", lost].contains(&answer.as_str()), "{what}: {answer}"),
        _ => assert_eq!(answer, lost, "{what}"),
    }
}

/// A session, as soon as the server takes it.
fn connect(site: &Site, as_caller: bool) -> Session {
    let server = if as_caller { site.entrance() } else { &site.cluster.server };
    loop {
        if let Ok(session) = server.try_connect("lost", "caller").and_then(Session::try_new) {
            return session;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn ended_backends(site: &Site, kill: bool) {
    let mut session = site.cluster.install("lost");
    let room = session.room(4);
    let (rounds, mut day) = (number("HOLDFAST_LOST", 1), 0);
    let all = |n: usize| (LEVELS[n % 3], POINTS[n / 3 % 4], n / 12);
    let pairs = |n: usize| (LEVELS[(n + n / 4) % 3], POINTS[n / 4], n % 4);
    for _ in 0..rounds {
        let tries: Vec<_> =
            if site.is_pooled() && rounds == 1 { (0..16).map(pairs).collect() } else { (0..48).map(all).collect() };
        for circumstances in tries {
            let wanted = next(&mut session, &room, &mut day);
            end_backend(site, &mut session, &wanted, kill, circumstances);
        }
    }
}

#[test]
fn a_cut_wire_leaves_one_true_answer() {
    cut_wires(&Site::new(true, false));
}

#[test]
fn and_without_preloading() {
    cut_wires(&Site::new(false, false));
}

#[test]
fn a_cut_wire_before_a_pooler_too() {
    cut_wires(&Site::new(true, true));
}

#[test]
fn and_before_a_pooler_without_preloading() {
    cut_wires(&Site::new(false, true));
}

#[test]
fn an_ended_backend_leaves_one_true_answer() {
    ended_backends(&Site::new(true, false), false);
}

#[test]
fn and_an_ended_one_without_preloading() {
    ended_backends(&Site::new(false, false), false);
}

#[test]
fn an_ended_one_behind_a_pooler_too() {
    ended_backends(&Site::new(true, true), false);
}

#[test]
fn and_behind_a_pooler_without_preloading() {
    ended_backends(&Site::new(false, true), false);
}

#[test]
fn a_killed_server_leaves_one_true_answer() {
    ended_backends(&Site::new(true, false), true);
}

#[test]
fn and_a_killed_one_without_preloading() {
    ended_backends(&Site::new(false, false), true);
}

#[test]
fn a_killed_server_behind_a_pooler_too() {
    ended_backends(&Site::new(true, true), true);
}
