//! Giving a key up (G5): once it is fenced, no attempt with it ever confirms.

use holdfast_e2e::{
    Floor, GRANTED, assert_untouched, assign, atomic_confirm, behind, confirm, confirm_outcome, eventually, fence,
    within,
};
use serde_json::json;
use uuid::Uuid;

#[test]
fn a_fenced_key_confirms_nothing_by_any_call() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let row = floor.outcome(&fence(booking, "key"));
    assert_eq!((&row["outcome"], &row["code"], &row["sqlstate"]), (&json!("fenced"), &json!("HF610"), &json!("P0003")));
    let before = floor.snapshot();
    assert_eq!(floor.outcome(&fence(booking, "key"))["outcome"], "fenced", "again, the same answer");
    for call in [
        confirm(booking, &room.tables, "key"),
        atomic_confirm(booking, hold, "key"),
        assign(booking, &room.tables, "key"),
    ] {
        floor.refused(&call).says("P0003", &format!("The attempt for booking {booking} was given up")).code("HF610");
    }
    let late = floor.outcome(&within(booking, hold, "key", 5000));
    assert_eq!((&late["outcome"], &late["replayed"]), (&json!("fenced"), &json!(true)));
    let other_hold = floor.outcome(&within(booking, Uuid::new_v4(), "key", 5000));
    assert_eq!(other_hold["outcome"], "fenced", "also with another hold");
    assert_untouched(&mut floor, &before, "attempts under a fenced key");
    let answer = floor.outcome(&confirm_outcome(booking, "key"));
    assert_eq!((&answer["outcome"], &answer["receipt"]), (&json!("fenced"), &row["receipt"]));
    assert_eq!(floor.outcome(&within(booking, hold, "new key", 5000))["outcome"], "confirmed");
}

#[test]
fn a_committed_key_is_not_fenced() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.done(&confirm(booking, &room.tables, "key"));
    let before = floor.snapshot();
    assert_eq!(floor.outcome(&fence(booking, "key"))["outcome"], "committed");
    assert_untouched(&mut floor, &before, "a fence that came too late");
}

/// The attempt waits for the fence's transaction, and finds the tombstone.
#[test]
fn an_attempt_that_waits_behind_the_fence_is_fenced() {
    for level in ["read committed", "repeatable read", "serializable"] {
        let mut floor = Floor::new();
        let room = floor.room(1);
        let (booking, hold) = floor.held(&room, &room.tables);
        let mut fencer = floor.session();
        fencer.run("begin");
        assert_eq!(fencer.outcome(&fence(booking, "key"))["outcome"], "fenced");
        let mut session = floor.session();
        session.run(&format!("set default_transaction_isolation = '{level}'"));
        let pending = behind(&mut floor, fencer.pid, session, &within(booking, hold, "key", 20_000));
        fencer.run("commit");
        let row = pending.finish().1.expect("a row").remove(0);
        assert!(["fenced", "serialization_failure"].contains(&row["outcome"].as_str().unwrap_or("")), "{level}: {row}");
        assert_eq!(floor.count("booking_table_assignments", "true"), 0);
    }
}

#[test]
fn a_fence_that_was_rolled_back_fences_nothing() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.run("begin");
    floor.done(&fence(booking, "key"));
    floor.run("rollback");
    assert_eq!(floor.outcome(&within(booking, hold, "key", 5000))["outcome"], "confirmed");
}

#[test]
fn a_running_attempt_is_waited_for_as_long_as_asked() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let mut other = floor.session();
    other.run("begin");
    other.done(&confirm(booking, &room.tables, "key"));
    for wait in [0, 50] {
        let row = floor.outcome(&fence(booking, "key").with("p_wait_ms", wait));
        assert_eq!((&row["outcome"], &row["pid"]), (&json!("running"), &json!(other.pid)));
    }
    let session = floor.session();
    let pending = behind(&mut floor, other.pid, session, &fence(booking, "key").with("p_wait_ms", 20_000));
    other.run("rollback");
    assert_eq!(pending.finish().1.expect("a row")[0]["outcome"], "fenced");
}

#[test]
fn ending_a_running_attempt_takes_a_granted_role() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let mut other = floor.session_as(GRANTED);
    let pid = other.pid;
    other.run("begin");
    other.done(&confirm(booking, &room.tables, "key"));
    let call = fence(booking, "key").with("p_wait_ms", 10_000).with("p_terminate", true);
    let refusal = floor.session_as(GRANTED).refused(&call);
    assert_eq!(refusal.sqlstate, "42501", "{refusal:?}");
    assert_eq!(floor.outcome(&call)["outcome"], "fenced");
    eventually(&mut floor, &format!("select not exists (select from pg_stat_activity where pid = {pid})"));
    assert_eq!(floor.count("booking_table_assignments", "true"), 0);
}

#[test]
fn a_refused_key_is_fenced_for_good() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.set("table_inventory", room.tables[0], "active", false);
    let refused = floor.outcome(&within(booking, hold, "key", 5000));
    let row = floor.outcome(&fence(booking, "key"));
    assert_eq!(row["outcome"], "fenced");
    let detail = row["detail"].as_str().expect("a detail");
    assert!(detail.contains(refused["message"].as_str().expect("a message")), "{detail}");
    floor.set("table_inventory", room.tables[0], "active", true);
    let again = floor.hold(&room, Some(booking), &room.tables);
    assert_eq!(floor.outcome(&within(booking, again, "key", 5000))["outcome"], "fenced");
}
