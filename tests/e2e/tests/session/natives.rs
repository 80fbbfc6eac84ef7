//! The calls about attempts in schema `holdfast`: the rows of their siblings, with the caller's own rights.

use holdfast_e2e::{Call, Floor, GRANTED, confirm_outcome, native};
use serde_json::{Value, json};
use uuid::Uuid;

fn of(name: &str, booking: Uuid) -> Call {
    native(name).with("p_booking_id", booking)
}

fn keyed(name: &str, booking: Uuid) -> Call {
    of(name, booking).with("p_idempotency_key", "key")
}

#[test]
fn they_answer_as_their_siblings() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, hold) = floor.held(&room, &room.tables[..1]);
    let within = keyed("confirm_hold_within", booking).with("p_hold_id", hold).with("p_timeout_ms", 5000);
    let row = floor.outcome(&within);
    assert_eq!(
        (&row["outcome"], &row["phase"], &row["replayed"]),
        (&json!("confirmed"), &json!("done"), &json!(false))
    );
    assert_eq!(floor.outcome(&within)["replayed"], true);
    let answer = floor.outcome(&keyed("confirm_outcome", booking));
    assert_eq!(answer, floor.outcome(&confirm_outcome(booking, "key")));
    assert_eq!((&answer["outcome"], &answer["receipt"]), (&json!("committed"), &row["receipt"]));
    assert_eq!(floor.outcome(&keyed("fence_attempt", booking))["outcome"], "committed");
    let row = floor.outcome(&keyed("undo_confirm", booking));
    assert_eq!((&row["outcome"], &row["table_ids"]), (&json!("undone"), &json!([room.tables[0]])));
    assert_ne!(floor.outcome(&keyed("confirm_outcome", booking))["undone_at"], Value::Null);

    let (other, _) = floor.held(&room, &room.tables[1..]);
    let call = of("run_auto_assign", other).with("p_hold_id", None::<Uuid>).with("p_trigger", "background");
    assert_eq!(floor.outcome(&call)["outcome"], "confirmed");
    assert_eq!(floor.outcome(&call)["outcome"], "skipped_already_confirmed");
    assert_eq!(floor.outcome(&keyed("fence_attempt", other))["outcome"], "fenced");
    assert_eq!(floor.outcome(&within.with("p_timeout_ms", 0))["outcome"], "argument_invalid");
}

/// No role was given the right to call them, and whoever is needs rights on the tables.
#[test]
fn they_lend_nobody_any_rights() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let call = keyed("fence_attempt", booking);
    assert_eq!(floor.session_as(GRANTED).refused(&call).sqlstate, "42501");
    floor.run(&format!(
        "grant usage on schema holdfast to {GRANTED};
         grant execute on function holdfast.fence_attempt(regnamespace, uuid, text, integer, boolean) to {GRANTED}"
    ));
    assert_eq!(floor.session_as(GRANTED).refused(&call).sqlstate, "42501", "the tables are not theirs");
    assert_eq!(floor.outcome(&keyed("confirm_outcome", booking))["outcome"], "never_seen");
    floor.run(&format!(
        "revoke usage on schema holdfast from {GRANTED};
         revoke execute on function holdfast.fence_attempt(regnamespace, uuid, text, integer, boolean) from {GRANTED}"
    ));
}
