//! An attempt whose session is ended: that it did not happen is known at once, and written down by the sweep.

use holdfast_e2e::{Call, Floor, Session, atomic_confirm, behind, confirm, confirm_outcome, eventually, fence, within};
use serde_json::{Value, json};
use uuid::Uuid;

fn end(floor: &mut Floor, pid: i32) {
    floor.run(&format!("select pg_terminate_backend({pid})"));
    eventually(floor, &format!("select not exists (select from pg_stat_activity where pid = {pid})"));
}

/// Runs a call that waits for somebody who has the booking, and ends its session there.
fn cut_off(floor: &mut Floor, booking: Uuid, call: &Call) -> i32 {
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    let session = floor.session();
    let pending = behind(floor, blocker.pid, session, call);
    let pid = pending.pid;
    assert_eq!(floor.outcome(&confirm_outcome(booking, "key"))["outcome"], "running");
    end(floor, pid);
    drop(pending);
    blocker.run("rollback");
    pid
}

fn recorded(session: &mut Session) -> i64 {
    session.value("select done from holdfast.sweep('public') where task = 'record_attempts'")
}

fn assert_cut_off(answer: &Value, pid: i32, phase: &str) {
    assert_eq!((&answer["outcome"], &answer["code"]), (&json!("refused"), &json!("HF619")), "{answer}");
    let detail = answer["detail"].as_str().expect("a detail");
    assert!(detail.starts_with(&format!("Process {pid} ended at ")) && detail.ends_with(phase), "{detail}");
    assert_ne!(answer["decided_at"], Value::Null);
}

#[test]
fn it_is_known_at_once_and_written_down_once() {
    for within_a_limit in [true, false] {
        let mut floor = Floor::new();
        let room = floor.room(1);
        let (booking, hold) = floor.held(&room, &room.tables);
        let call =
            if within_a_limit { within(booking, hold, "key", 60_000) } else { atomic_confirm(booking, hold, "key") };
        let pid = cut_off(&mut floor, booking, &call);
        let before = floor.outcome(&confirm_outcome(booking, "key"));
        assert_cut_off(&before, pid, "in phase booking_lock");
        assert_eq!(floor.count("holdfast_attempts", "true"), 0, "nobody has swept yet");
        // A sweep that comes to nothing has written down nothing.
        floor.run("begin");
        assert_eq!(recorded(&mut floor), 1);
        floor.run("rollback");
        assert_eq!(floor.outcome(&confirm_outcome(booking, "key")), before);
        floor.run("begin; savepoint a");
        assert_eq!(recorded(&mut floor), 1);
        floor.run("rollback to savepoint a");
        assert_eq!(recorded(&mut floor), 1);
        floor.run("commit");
        assert_eq!(recorded(&mut floor), 0, "once");
        let row: Value = floor.value("select to_jsonb(t) from public.holdfast_attempts t");
        assert_eq!(
            (&row["outcome"], &row["phase"], &row["pid"], &row["hold_id"], &row["idempotency_key"]),
            (&json!("failed"), &json!("booking_lock"), &json!(pid), &json!(hold), &json!("key"))
        );
        assert_cut_off(&floor.outcome(&confirm_outcome(booking, "key")), pid, "in phase booking_lock");
        // It may be tried again.
        assert_eq!(floor.outcome(&within(booking, hold, "key", 5000))["outcome"], "confirmed");
        assert_eq!(floor.outcome(&confirm_outcome(booking, "key"))["outcome"], "committed");
    }
}

/// It was done, and its transaction was still open.
#[test]
fn what_was_done_and_not_committed_did_not_happen() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let mut session = floor.session();
    session.run("begin");
    session.done(&confirm(booking, &room.tables, "key"));
    let transaction: String = session.value("select pg_current_xact_id()::text");
    end(&mut floor, session.pid);
    let answer = floor.outcome(&confirm_outcome(booking, "key"));
    assert_cut_off(&answer, session.pid, "in phase done");
    assert_eq!(answer["receipt"], json!(transaction));
    assert_eq!(floor.value::<String>(&format!("select pg_xact_status('{transaction}')")), "aborted");
    assert_eq!(recorded(&mut floor), 1);
    assert_eq!(floor.outcome(&confirm_outcome(booking, "key"))["receipt"], json!(transaction));
    assert_eq!(floor.outcome(&fence(booking, "key"))["outcome"], "fenced");
}

/// A session that got an earlier answer, or gave its work away, leaves no note.
#[test]
fn what_was_answered_before_is_not_cut_off() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, prepared) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    floor.done(&confirm(booking, &room.tables[..1], "key"));
    let mut session = floor.session();
    session.run("begin");
    session.done(&confirm(prepared, &room.tables[1..], "key"));
    session.run(&format!("prepare transaction '{}'; begin", floor.name));
    session.done(&confirm(booking, &room.tables[..1], "key"));
    end(&mut floor, session.pid);
    assert_eq!(floor.outcome(&confirm_outcome(booking, "key"))["outcome"], "committed");
    assert_eq!(floor.outcome(&confirm_outcome(prepared, "key"))["outcome"], "running");
    assert_eq!(recorded(&mut floor), 0);
    let name = floor.name.clone();
    floor.run(&format!("commit prepared '{name}'"));
    assert_eq!(floor.outcome(&confirm_outcome(prepared, "key"))["outcome"], "committed");
}

/// The worker takes over where the inline attempt died.
#[test]
fn an_automatic_attempt_that_died_is_made_again() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.set("bookings", booking, "auto_assign_idempotency_key", "key");
    let call = Call::new("run_auto_assign")
        .with("p_booking_id", booking)
        .with("p_hold_id", hold)
        .with("p_timeout_ms", 60_000)
        .with("p_trigger", "inline");
    cut_off(&mut floor, booking, &call);
    assert_eq!(recorded(&mut floor), 1);
    let result: Value = floor.value("select auto_assign_last_result from public.bookings");
    assert_eq!(
        (&result["success"], &result["reason"], &result["trigger"]),
        (&json!(false), &json!("failed"), &json!("inline"))
    );
    assert_eq!(
        floor.value::<Value>("select detail -> 'attemptId' from public.holdfast_attempts"),
        result["attemptId"],
        "one and the same"
    );
    floor.run("update public.holdfast_attempts set ended_at = ended_at - interval '1 minute'");
    floor.run("select holdfast.sweep('public')");
    assert_eq!(floor.get("bookings", booking, "status").as_deref(), Some("confirmed"));
    let result: Value = floor.value("select auto_assign_last_result from public.bookings");
    assert_eq!((&result["success"], &result["trigger"]), (&json!(true), &json!("background")));
}
