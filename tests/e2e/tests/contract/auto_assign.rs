//! Inline and background: one key, one effect, and nobody treads on the other's toes.

use holdfast_e2e::{Call, Floor, Sql, assert_untouched, behind, confirm, confirm_outcome, fence, unassign};
use serde_json::{Value, json};
use uuid::Uuid;

fn run(booking: Uuid, hold: Option<Uuid>, trigger: &str) -> Call {
    Call::new("run_auto_assign").with("p_booking_id", booking).with("p_hold_id", hold).with("p_trigger", trigger)
}

/// A booking with date, time and a live hold.
fn dated(floor: &mut Floor, tables: usize) -> (holdfast_e2e::Room, Uuid, Uuid) {
    let room = floor.room(tables);
    let (booking, hold) = floor.held(&room, &room.tables[..1]);
    floor.run(&format!(
        "update public.bookings set booking_date = '2027-05-01', start_time = '18:00', end_time = '20:00' where id = '{booking}'"
    ));
    (room, booking, hold)
}

fn last_result(floor: &mut Floor, booking: Uuid) -> Value {
    floor
        .value(&format!("select coalesce(auto_assign_last_result, 'null') from public.bookings where id = '{booking}'"))
}

#[test]
fn the_booking_gets_its_key_and_its_result() {
    let mut floor = Floor::new();
    let (room, booking, hold) = dated(&mut floor, 1);
    let row = floor.outcome(&run(booking, Some(hold), "inline"));
    assert_eq!((&row["outcome"], &row["phase"]), (&json!("confirmed"), &json!("done")), "{row}");
    assert_eq!(row["assignments"][0]["table_id"], json!(room.tables[0]));
    let recipe: String = floor.value(&format!(
        "select public.auto_assign_idempotency_key('{booking}', '{}', 2, '2027-05-01', '18:00')",
        room.restaurant
    ));
    assert_eq!(row["idempotency_key"], json!(recipe));
    assert_eq!(floor.get("bookings", booking, "auto_assign_idempotency_key"), Some(recipe.clone()));
    let result = last_result(&mut floor, booking);
    assert_eq!(
        (&result["success"], &result["reason"], &result["trigger"]),
        (&json!(true), &Value::Null, &json!("inline"))
    );
    assert!(result["durationMs"].is_i64() && result["attemptId"].as_str().is_some_and(|id| id.parse::<Uuid>().is_ok()));
    assert_eq!(floor.outcome(&confirm_outcome(booking, &recipe))["outcome"], "committed");
}

#[test]
fn what_is_confirmed_is_left_alone() {
    let mut floor = Floor::new();
    let (room, booking, hold) = dated(&mut floor, 2);
    floor.outcome(&run(booking, Some(hold), "inline"));
    let again = floor.hold(&room, Some(booking), &room.tables[1..]);
    let before = floor.snapshot();
    let row = floor.outcome(&run(booking, Some(again), "background"));
    assert_eq!(
        (&row["outcome"], &row["code"], &row["attempts"]),
        (&json!("skipped_already_confirmed"), &json!("HF010"), &json!(0))
    );
    assert_untouched(&mut floor, &before, "a skip");
}

/// By whatever call and key it was confirmed.
#[test]
fn what_somebody_else_confirmed_is_left_alone() {
    let mut floor = Floor::new();
    let (room, booking, _) = dated(&mut floor, 2);
    floor.done(&confirm(booking, &room.tables[1..], "by hand"));
    let before = floor.snapshot();
    assert_eq!(floor.outcome(&run(booking, None, "background"))["outcome"], "skipped_already_confirmed");
    assert_untouched(&mut floor, &before, "a skip");
}

/// One works, one skips; when the first has ended, the second sees what it did.
#[test]
fn two_at_the_same_moment_are_one() {
    let mut floor = Floor::new();
    let (room, booking, hold) = dated(&mut floor, 2);
    let theirs = floor.hold(&room, Some(booking), &room.tables[1..]);
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    let session = floor.session();
    let pending =
        behind(&mut floor, blocker.pid, session, &run(booking, Some(hold), "inline").with("p_timeout_ms", 20_000));
    let before = floor.snapshot();
    assert_eq!(floor.outcome(&run(booking, Some(theirs), "background"))["outcome"], "skipped_in_progress");
    assert_untouched(&mut floor, &before, "a skip");
    blocker.run("rollback");
    assert_eq!(pending.finish().1.expect("a row")[0]["outcome"], "confirmed");
    assert_eq!(floor.outcome(&run(booking, Some(theirs), "background"))["outcome"], "skipped_already_confirmed");
    assert_eq!(floor.count("booking_table_assignments", "true"), 1);
}

/// Somebody confirms under the booking's own key by another call.
#[test]
fn any_attempt_under_the_key_is_in_progress() {
    let mut floor = Floor::new();
    let (room, booking, hold) = dated(&mut floor, 1);
    floor.set("bookings", booking, "auto_assign_idempotency_key", "own key");
    let mut other = floor.session();
    other.run("begin");
    other.done(&confirm(booking, &room.tables, "own key"));
    assert_eq!(floor.outcome(&run(booking, Some(hold), "background"))["outcome"], "skipped_in_progress");
    other.run("rollback");
    let row = floor.outcome(&run(booking, Some(hold), "background"));
    assert_eq!((&row["outcome"], &row["idempotency_key"]), (&json!("confirmed"), &json!("own key")));
}

/// A long list of other bookings, which has all shares of the marks, stops no automatic attempt; one with the booking does.
#[test]
fn a_long_list_is_in_progress_for_its_own_bookings_only() {
    let mut floor = Floor::new();
    let (room, booking, hold) = dated(&mut floor, 2);
    let item = |id: Uuid| json!({"booking_id": id, "table_ids": [room.tables[1]], "idempotency_key": "of the list"});
    for own in [true, false] {
        let mut items: Vec<Value> = (0..300).map(|n| item(Uuid::from_u128(n))).collect();
        items.extend(own.then(|| item(booking)));
        let mut list = floor.session();
        list.run("begin");
        list.done(&Call::new("confirm_many").with("p_items", json!(items)));
        let wanted = if own { "skipped_in_progress" } else { "confirmed" };
        assert_eq!(floor.outcome(&run(booking, Some(hold), "inline"))["outcome"], wanted);
        list.run("rollback");
    }
}

#[test]
fn the_background_takes_over_after_a_timeout() {
    let mut floor = Floor::new();
    let (room, booking, hold) = dated(&mut floor, 1);
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.table_inventory where id = '{}' for update", room.tables[0]));
    let inline = floor.outcome(&run(booking, Some(hold), "inline").with("p_timeout_ms", 100));
    blocker.run("rollback");
    assert_eq!(
        (&inline["outcome"], &inline["hold_released"]),
        (&json!("timeout_before_confirm"), &json!(true)),
        "{inline}"
    );
    let result = last_result(&mut floor, booking);
    assert_eq!((&result["success"], &result["reason"]), (&json!(false), &json!("timeout_before_confirm")));
    assert_eq!(
        floor.get("bookings", booking, "auto_assign_idempotency_key").as_deref(),
        inline["idempotency_key"].as_str()
    );
    assert_eq!(floor.count("holdfast_attempts", "trigger = 'inline' and outcome = 'timeout_before_confirm'"), 1);

    let without = floor.outcome(&run(booking, Some(hold), "background"));
    assert_eq!((&without["outcome"], &without["code"]), (&json!("no_hold"), &json!("HF615")));
    assert_eq!(last_result(&mut floor, booking)["reason"], "no_hold");
    let own = floor.hold(&room, Some(booking), &room.tables);
    let background = floor.outcome(&run(booking, Some(own), "background"));
    assert_eq!(
        (&background["outcome"], &background["idempotency_key"]),
        (&json!("confirmed"), &inline["idempotency_key"])
    );
    assert_eq!(last_result(&mut floor, booking)["trigger"], "background");
}

#[test]
fn without_a_hold_of_the_caller_the_bookings_own_is_taken() {
    let mut floor = Floor::new();
    let (_, booking, _) = dated(&mut floor, 1);
    assert_eq!(floor.outcome(&run(booking, None, "background"))["outcome"], "confirmed");
}

#[test]
fn a_hold_of_another_booking_is_refused() {
    let mut floor = Floor::new();
    let (room, booking, own) = dated(&mut floor, 2);
    let (_, foreign) = floor.held(&room, &room.tables[1..]);
    let row = floor.outcome(&run(booking, Some(foreign), "inline"));
    assert_eq!(row["outcome"], "hold_of_other_booking", "{row}");
    assert_eq!(floor.get("table_holds", foreign, "status").as_deref(), Some("active"));
    assert_eq!(
        floor.outcome(&run(booking, Some(own), "background"))["outcome"],
        "confirmed",
        "a hold of its own is looked at anew"
    );
}

#[test]
fn the_key_follows_party_and_time_until_it_is_confirmed() {
    let mut floor = Floor::new();
    let (room, booking, hold) = dated(&mut floor, 1);
    floor.set("table_inventory", room.tables[0], "active", false);
    let first = floor.outcome(&run(booking, Some(hold), "inline"));
    assert_eq!(first["outcome"], "table_inactive");
    floor.set("table_inventory", room.tables[0], "active", true);
    assert_eq!(first["hold_released"], true);
    let gone = floor.outcome(&run(booking, Some(hold), "inline"));
    assert_eq!(gone["outcome"], "no_hold", "a final refusal hands the hold back");
    assert_eq!(gone["idempotency_key"], first["idempotency_key"]);
    let hold = floor.hold(&room, Some(booking), &room.tables);
    floor.set("bookings", booking, "party_size", 3);
    let second = floor.outcome(&run(booking, Some(hold), "inline"));
    assert_eq!(second["outcome"], "confirmed");
    assert_ne!(second["idempotency_key"], first["idempotency_key"]);
    assert_eq!(
        floor.get("bookings", booking, "auto_assign_idempotency_key").as_deref(),
        second["idempotency_key"].as_str()
    );
    floor.set("bookings", booking, "party_size", 4);
    floor.done(&unassign(booking));
    let third = floor.outcome(&run(booking, Some(hold), "inline"));
    assert_eq!(third["idempotency_key"], second["idempotency_key"], "confirmed: the key stays");
}

#[test]
fn a_fenced_key_stays_fenced() {
    let mut floor = Floor::new();
    let (_, booking, hold) = dated(&mut floor, 1);
    floor.set("bookings", booking, "auto_assign_idempotency_key", "own key");
    floor.done(&fence(booking, "own key"));
    assert_eq!(floor.outcome(&run(booking, Some(hold), "background"))["outcome"], "fenced");
}

#[test]
fn nonsense_is_refused() {
    let mut floor = Floor::new();
    let (_, booking, hold) = dated(&mut floor, 1);
    let before = floor.snapshot();
    for (call, outcome) in [
        (run(booking, Some(hold), "by hand"), "argument_invalid"),
        (run(booking, Some(hold), "inline").with("p_timeout_ms", 0), "argument_invalid"),
        (run(Uuid::nil(), Some(hold), "inline"), "booking_not_found"),
        (run(booking, Some(hold), "inline").with("p_booking_id", Sql("null")), "booking_not_found"),
    ] {
        assert_eq!(floor.outcome(&call)["outcome"], outcome, "{}", call.sql());
    }
    assert_untouched(&mut floor, &before, "nonsense");
}

/// Without date and time the recipe has nothing to go by but the instants, in the restaurant's own time.
#[test]
fn a_booking_of_instants_alone_has_a_key() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    floor.set("restaurants", room.restaurant, "timezone", "Asia/Kathmandu");
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.run("set timezone = 'America/New_York'; set datestyle = 'German'");
    let row = floor.outcome(&run(booking, Some(hold), "inline"));
    let recipe: String = floor.value(&format!(
        "select public.auto_assign_idempotency_key('{booking}', '{}', 2, date '2027-05-01', '23:45')",
        room.restaurant
    ));
    assert_eq!((&row["outcome"], &row["idempotency_key"]), (&json!("confirmed"), &json!(recipe)));
}

/// K14: confirmed with tables, and then something of what was confirmed changed.
#[test]
fn k14_what_stands_no_more_is_an_attempt() {
    let changes = [
        "update public.bookings set start_at = start_at + interval '3 hours', end_at = end_at + interval '3 hours',
           start_time = '21:00', end_time = '23:00' where id = '{b}'",
        "update public.bookings set party_size = 7 where id = '{b}'",
        "update public.table_inventory set active = false where id = '{t}'",
        "update public.table_inventory set status = 'out_of_service' where id = '{t}'",
        "delete from public.allocations where booking_id = '{b}'",
    ];
    for change in changes {
        let mut floor = Floor::new();
        let (room, booking, hold) = dated(&mut floor, 4);
        let first = floor.outcome(&run(booking, Some(hold), "inline"));
        assert_eq!(floor.outcome(&run(booking, None, "inline"))["outcome"], "skipped_already_confirmed");
        floor.run(&change.replace("{b}", &booking.to_string()).replace("{t}", &room.tables[0].to_string()));
        let row = floor.outcome(&run(booking, None, "inline"));
        assert_eq!(row["outcome"], "no_hold", "{change}: {row}");
        let take = Call::new("hold_tables").with("p_booking_id", booking).with("p_table_ids", &room.tables[1..3]);
        floor.done(&take);
        let row = floor.outcome(&run(booking, None, "inline"));
        assert_eq!(row["outcome"], "confirmed", "{change}: {row}");
        assert_ne!(row["idempotency_key"], first["idempotency_key"], "{change}");
        let tables: Vec<Uuid> = floor.column(&format!(
            "select table_id from public.booking_table_assignments where booking_id = '{booking}' order by 1"
        ));
        assert_eq!(tables, room.tables[1..3], "{change}");
        assert_eq!(floor.outcome(&run(booking, None, "inline"))["outcome"], "skipped_already_confirmed", "{change}");
    }
}
