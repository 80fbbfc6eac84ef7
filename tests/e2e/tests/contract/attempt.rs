//! "Did it happen?": one call, one true answer.

use holdfast_e2e::{Call, Floor, behind, confirm, confirm_hold, confirm_outcome, native, within};
use serde_json::{Value, json};
use uuid::Uuid;

fn outcome(floor: &mut Floor, booking: Uuid, key: &str) -> Value {
    floor.outcome(&confirm_outcome(booking, key))
}

#[test]
fn a_success_in_time_is_a_row_with_everything_in_it() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, hold) = floor.held(&room, &room.tables);
    let call = within(booking, hold, "key", 5000);
    let first = floor.outcome(&call);
    assert_eq!(
        (&first["outcome"], &first["code"], &first["phase"]),
        (&json!("confirmed"), &json!("HF001"), &json!("done"))
    );
    assert_eq!(
        (&first["attempts"], &first["replayed"], &first["hold_released"]),
        (&json!(1), &json!(false), &json!(false))
    );
    assert_eq!(
        (&first["message"], &first["retry_after_ms"], &first["idempotency_key"]),
        (&Value::Null, &Value::Null, &json!("key"))
    );
    let tables: Vec<&Value> =
        first["assignments"].as_array().expect("an array").iter().map(|row| &row["table_id"]).collect();
    assert_eq!(tables, [&json!(room.tables[0]), &json!(room.tables[1])]);
    let again = floor.outcome(&call);
    assert_eq!(
        (&again["replayed"], &again["assignments"], &again["receipt"]),
        (&json!(true), &first["assignments"], &first["receipt"])
    );
    assert_eq!(floor.count("holdfast_attempts", "true"), 0, "a success and a replay leave no attempt");
    let answer = outcome(&mut floor, booking, "key");
    assert_eq!(
        (&answer["outcome"], &answer["receipt"], &answer["assignments"]),
        (&json!("committed"), &first["receipt"], &first["assignments"])
    );
}

#[test]
fn a_key_that_nobody_used_was_never_seen() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    assert_eq!(outcome(&mut floor, booking, "key")["outcome"], "never_seen");
    floor.run(&format!("insert into public.holdfast_pruned values ('{booking}', now())"));
    assert_eq!(outcome(&mut floor, booking, "key")["outcome"], "forgotten");
    floor.refused(&confirm_outcome(Uuid::nil(), "key")).says("P0002", &format!("Booking {} not found", Uuid::nil()));
    floor.refused(&confirm_outcome(booking, " ")).code("HF303");
}

/// Rolled back: nothing of it happened, and nobody has to guess.
#[test]
fn an_attempt_that_was_rolled_back_was_never_seen() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let mut other = floor.session();
    other.run("begin");
    other.done(&confirm(booking, &room.tables, "key"));
    let answer = outcome(&mut floor, booking, "key");
    assert_eq!((&answer["outcome"], &answer["pid"]), (&json!("running"), &json!(other.pid)));
    other.run("rollback");
    assert_eq!(outcome(&mut floor, booking, "key")["outcome"], "never_seen");
}

/// Raised, so no table can know it: the server's memory does, until something else is known.
#[test]
fn a_refusal_that_raised_is_refused() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let hold = Uuid::new_v4();
    let refused = floor.refused(&confirm_hold(hold, booking, "key"));
    let answer = outcome(&mut floor, booking, "key");
    assert_eq!(
        (&answer["outcome"], &answer["code"], &answer["sqlstate"], &answer["message"]),
        (&json!("refused"), &json!("HF102"), &json!(refused.sqlstate), &json!(refused.message))
    );
    assert_eq!((&answer["receipt"], answer["decided_at"].is_string()), (&Value::Null, true));
    let hint = answer["hint"].as_str().expect("a hint");
    assert!(hint.starts_with("HF102: ") && hint.contains("the key is free"), "{hint}");
    assert_eq!(outcome(&mut floor, booking, "another key")["outcome"], "never_seen");
    assert_eq!(outcome_of_other_booking(&mut floor, room.restaurant), "never_seen");
    floor.refused(&confirm(booking, &[], "key"));
    assert_eq!(outcome(&mut floor, booking, "key")["code"], "HF502", "the last one counts");
    // Nothing is bound by it, and whoever takes back what a key did is told the same as before.
    assert_eq!(
        floor.outcome(&Call::new("undo_confirm").with("p_booking_id", booking).with("p_idempotency_key", "key"))["code"],
        "HF310"
    );
    floor.run("begin");
    floor.done(&confirm(booking, &room.tables, "key"));
    floor.run("rollback");
    assert_eq!(outcome(&mut floor, booking, "key")["outcome"], "never_seen", "the last one was rolled back");
    floor.done(&confirm(booking, &room.tables, "key"));
    assert_eq!(outcome(&mut floor, booking, "key")["outcome"], "committed");
}

fn outcome_of_other_booking(floor: &mut Floor, restaurant: Uuid) -> String {
    let other = floor.booking(restaurant);
    outcome(floor, other, "key")["outcome"].as_str().expect("an outcome").to_owned()
}

#[test]
fn an_attempt_that_waits_is_running() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    let session = floor.session();
    let pending = behind(&mut floor, blocker.pid, session, &within(booking, hold, "key", 20_000));
    let answer = outcome(&mut floor, booking, "key");
    assert_eq!((&answer["outcome"], &answer["pid"]), (&json!("running"), &json!(pending.pid)));
    blocker.run("rollback");
    assert_eq!(pending.finish().1.expect("a row")[0]["outcome"], "confirmed");
    assert_eq!(outcome(&mut floor, booking, "key")["outcome"], "committed");
}

#[test]
fn a_prepared_attempt_is_running_under_its_gid() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let gid = floor.name.clone();
    floor.run("begin");
    floor.done(&confirm(booking, &room.tables, "key"));
    floor.run(&format!("prepare transaction '{gid}'"));
    let answer = outcome(&mut floor, booking, "key");
    assert_eq!((&answer["outcome"], &answer["gid"], &answer["pid"]), (&json!("running"), &json!(gid), &Value::Null));
    let fenced = floor.outcome(&holdfast_e2e::fence(booking, "key"));
    assert_eq!((&fenced["outcome"], &fenced["gid"]), (&json!("running"), &json!(gid)), "never fenced");
    floor.run(&format!("commit prepared '{gid}'"));
    assert_eq!(outcome(&mut floor, booking, "key")["outcome"], "committed");
}

#[test]
fn a_refusal_is_returned_and_written_down() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.set("table_inventory", room.tables[0], "active", false);
    let row = floor.outcome(&within(booking, hold, "key", 5000));
    assert_eq!(
        (&row["outcome"], &row["code"], &row["phase"]),
        (&json!("table_inactive"), &json!("HF504"), &json!("decide"))
    );
    assert_eq!(row["hold_released"], true, "this hold can never overcome it");
    let answer = outcome(&mut floor, booking, "key");
    assert_eq!(
        (&answer["outcome"], &answer["code"], &answer["message"]),
        (&json!("refused"), &json!("HF504"), &row["message"])
    );
    assert_eq!(floor.count("holdfast_attempts", "outcome = 'table_inactive' and phase = 'decide'"), 1);
    let again = floor.outcome(&within(booking, hold, "key", 5000));
    assert_eq!((&again["replayed"], &again["message"]), (&json!(true), &row["message"]));
    assert_eq!(floor.count("holdfast_attempts", "true"), 1, "a replay is not one more");
}

/// A transient refusal binds nothing, and can still be asked for.
#[test]
fn a_transient_refusal_can_be_asked_for() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let other = floor.booking(room.restaurant);
    floor.run("update public.table_holds set status = 'cancelled'");
    floor.done(&confirm(other, &room.tables, "other"));
    floor.run("update public.table_holds set status = 'active'");
    assert_eq!(floor.outcome(&within(booking, hold, "key", 5000))["outcome"], "allocation_conflict");
    assert_eq!(outcome(&mut floor, booking, "key")["code"], "HF601");
    floor.done(&holdfast_e2e::unassign(other));
    assert_eq!(floor.outcome(&within(booking, hold, "key", 5000))["outcome"], "confirmed");
    assert_eq!(outcome(&mut floor, booking, "key")["outcome"], "committed");
}

/// Every keyed path takes part, also the native ones.
#[test]
fn a_native_refusal_that_was_committed_is_refused() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.set("table_inventory", room.tables[0], "active", false);
    let call: Call = native("confirm_tables")
        .with("p_booking_id", booking)
        .with("p_table_ids", &room.tables)
        .with("p_idempotency_key", "key");
    floor.outcome(&call);
    assert_eq!(outcome(&mut floor, booking, "key")["outcome"], "refused");
}

/// The lock by which an attempt is seen is out of reach of SQL's own advisory locks, so nobody can hold an attempt up.
#[test]
fn nobody_stands_in_the_way_of_an_attempts_lock() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let mut other = floor.session();
    other.run(&format!(
        "select pg_advisory_lock(('x' || left(encode(sha256(convert_to(
           'holdfast attempt|' || 'public'::regnamespace::oid || '|{booking}|key', 'UTF8')), 'hex'), 16))::bit(64)::bigint)"
    ));
    assert_eq!(outcome(&mut floor, booking, "key")["outcome"], "never_seen", "that is not an attempt");
    floor.run("set statement_timeout = '10s'");
    assert_eq!(floor.outcome(&within(booking, hold, "key", 5000))["outcome"], "confirmed");
}
