//! What services read in `observability_events`: as much as the setting names, with the call and gone with it.

use holdfast_e2e::{Call, Floor, atomic_confirm, confirm};
use serde_json::Value;
use uuid::Uuid;

fn automatic(booking: Uuid, hold: Option<Uuid>, trigger: &str) -> Call {
    Call::new("run_auto_assign").with("p_booking_id", booking).with("p_hold_id", hold).with("p_trigger", trigger)
}

/// Types with their outcomes, in order.
fn observed(floor: &mut Floor, booking: Uuid) -> Vec<String> {
    floor.column(&format!(
        "select event_type || coalesce(' ' || (context ->> 'outcome'), '') from public.observability_events
         where booking_id = '{booking}' order by id"
    ))
}

#[test]
fn nothing_is_written_that_nobody_asked_for() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.seats(&confirm(booking, &room.tables, "key"));
    assert_eq!(observed(&mut floor, booking), [""; 0]);
}

#[test]
fn a_confirm_is_observed_once_and_a_rollback_leaves_nothing() {
    let mut floor = Floor::new();
    floor.run("set holdfast.observability_events = 'transaction.*'");
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.run("begin");
    floor.seats(&confirm(booking, &room.tables, "key"));
    floor.run("rollback");
    assert_eq!(observed(&mut floor, booking), [""; 0]);
    for _ in 0..2 {
        floor.seats(&confirm(booking, &room.tables, "key"));
    }
    assert_eq!(
        observed(&mut floor, booking),
        ["transaction.started", "transaction.succeeded confirmed"],
        "a replay is none"
    );
    let row: Value =
        floor.value("select to_jsonb(e) from public.observability_events e where event_type ~ 'succeeded'");
    assert_eq!((row["source"].as_str(), row["severity"].as_str()), (Some("capacity.atomic_confirm"), Some("info")));
    assert_eq!(row["context"]["idempotencyKey"], "key");
    assert_eq!(row["context"]["tableIds"][0], room.tables[0].to_string());
    assert_eq!(row["restaurant_id"], room.restaurant.to_string());
}

#[test]
fn a_refusal_that_commits_is_observed() {
    let mut floor = Floor::new();
    floor.run("set holdfast.observability_events = 'transaction.failed, transaction.started'");
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.run(&format!("update public.table_inventory set active = false where id = '{}'", room.tables[0]));
    let within = Call::new("atomic_confirm_and_transition_within")
        .with("p_booking_id", booking)
        .with("p_hold_id", hold)
        .with("p_idempotency_key", "key")
        .with("p_timeout_ms", 2000);
    assert_eq!(floor.outcome(&within)["outcome"], "table_inactive");
    assert_eq!(observed(&mut floor, booking), ["transaction.started", "transaction.failed table_inactive"]);
    let context: Value = floor.value("select context from public.observability_events where event_type ~ 'failed'");
    assert_eq!((&context["code"], &context["holdId"]), (&"HF504".into(), &hold.to_string().into()), "{context}");
    // Raised, it is gone with its transaction; a worker in a server with the library preloaded writes it down.
    floor.refused(&atomic_confirm(booking, hold, "another key"));
    assert_eq!(observed(&mut floor, booking).len(), 2);
}

#[test]
fn the_two_automatic_paths_have_names_of_their_own() {
    let mut floor = Floor::new();
    floor.run("set holdfast.observability_events = 'inline_auto_assign.*, auto_assign.*'");
    let room = floor.room(2);
    let dated = |floor: &mut Floor, booking: Uuid| {
        floor.run(&format!(
            "update public.bookings set booking_date = '2027-05-01', start_time = '18:00', end_time = '20:00' where id = '{booking}'"
        ));
    };
    let (booking, hold) = floor.held(&room, &room.tables[..1]);
    dated(&mut floor, booking);
    floor.outcome(&automatic(booking, Some(hold), "inline"));
    floor.outcome(&automatic(booking, Some(hold), "background"));
    assert_eq!(
        observed(&mut floor, booking),
        [
            "inline_auto_assign.confirm_succeeded confirmed",
            "inline_auto_assign.succeeded confirmed",
            "auto_assign.exited_already_confirmed skipped_already_confirmed"
        ]
    );
    let late = floor.booking(room.restaurant);
    dated(&mut floor, late);
    floor.outcome(&automatic(late, None, "inline"));
    floor.outcome(&automatic(late, None, "background"));
    assert_eq!(
        observed(&mut floor, late),
        [
            "inline_auto_assign.no_hold no_hold",
            "auto_assign.started no_hold",
            "auto_assign.attempt_error no_hold",
            "auto_assign.failed no_hold",
            "auto_assign.summary no_hold"
        ]
    );
}
