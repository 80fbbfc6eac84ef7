//! What others write calls nobody: every live booking is looked at again, by the view and one after the other.

use holdfast_e2e::breaks::{confirmed, found};
use holdfast_e2e::{Floor, Room, Session, lose_events, native};
use serde_json::Value;
use uuid::Uuid;

/// One task of a sweep: what it did, whether there is more, and what was wrong.
fn step(session: &mut Session, name: &str, batch: i32) -> (i64, bool, Option<String>) {
    let rows = session.done(&native("sweep").with("p_batch", batch));
    let row = rows.iter().find(|row| row["task"] == name).expect("the task");
    let error = row["error"].as_str().map(str::to_owned);
    (row["done"].as_i64().expect("a number"), row["more"].as_bool().expect("a flag"), error)
}

/// Everything is seen already, as on a day when nobody but holdfast wrote.
fn quiet(bookings: i64) -> (Floor, Room, Vec<Uuid>) {
    let mut floor = Floor::new();
    let room = floor.room(8);
    floor.done(&native("sweep"));
    let bookings = (0..bookings).map(|day| confirmed(&mut floor, &room, day)).collect();
    floor.done(&native("sweep"));
    look_again(&mut floor);
    (floor, room, bookings)
}

/// Lets the pauses between looks pass.
fn look_again(session: &mut Session) {
    session.run(
        "update public.holdfast_booking_scans set look_at = '-infinity', pass_at = '-infinity', pass_began_at = null",
    );
}

fn told(session: &mut Session) -> Vec<Value> {
    session.column("select jsonb_build_array(booking_id, context) from public.observability_events order by id")
}

#[test]
fn an_update_by_hand_is_found_and_told_once() {
    let (mut floor, _, bookings) = quiet(3);
    assert_eq!(step(&mut floor, "scan_live_bookings", 1000), (0, false, None), "nothing is wrong");
    floor.run(&format!("update public.bookings set status = 'pending' where id = '{}'", bookings[1]));
    assert_eq!(step(&mut floor, "scan_live_bookings", 1000), (0, false, None), "the pause has not passed");
    look_again(&mut floor);
    assert_eq!(step(&mut floor, "scan_live_bookings", 1000), (1, false, None));
    let once = told(&mut floor);
    assert_eq!(once.len(), 1, "{once:?}");
    assert_eq!(once[0][0], bookings[1].to_string());
    assert_eq!(once[0][1]["findings"], serde_json::json!(["ledger_says_confirmed", "history_differs"]));
    look_again(&mut floor);
    assert_eq!(step(&mut floor, "scan_live_bookings", 1000), (0, false, None), "it is known");
    assert_eq!(told(&mut floor), once);
    assert_eq!(floor.count("holdfast_findings", "true"), 2);
    floor.run(&format!("update public.bookings set status = 'confirmed' where id = '{}'", bookings[1]));
    look_again(&mut floor);
    step(&mut floor, "scan_live_bookings", 1000);
    assert_eq!(floor.count("holdfast_findings", "true"), 0, "it agrees again");
    floor.run(&format!("update public.bookings set status = 'pending' where id = '{}'", bookings[1]));
    look_again(&mut floor);
    assert_eq!(step(&mut floor, "scan_live_bookings", 1000).0, 1, "and is told again when it comes back");
}

/// What the policy names is mended, as soon as nobody works on the booking; what nobody can decide is not tried for ever.
#[test]
fn a_look_mends_what_the_policy_names() {
    let (mut floor, _, bookings) = quiet(2);
    floor.run(
        "insert into public.holdfast_reconciliation_policies values ('assignment_without_allocation', 'repair'),
           ('ledger_says_confirmed', 'repair')",
    );
    let gone = format!("delete from public.allocations where booking_id = '{}'", bookings[0]);
    floor.run(&gone);
    let mut other = floor.session();
    other.run(&format!("begin; select from public.bookings where id = '{}' for update", bookings[0]));
    step(&mut floor, "scan_live_bookings", 1000);
    look_again(&mut floor);
    step(&mut floor, "scan_live_bookings", 1000);
    assert!(found(&mut floor, bookings[0]).contains(&"assignment_without_allocation".to_owned()), "left to the other");
    other.run("rollback");
    look_again(&mut floor);
    step(&mut floor, "scan_live_bookings", 1000);
    let left = found(&mut floor, bookings[0]);
    assert!(!left.contains(&"assignment_without_allocation".to_owned()), "{left:?}");
    // The status says pending, and the tables are gone too: there is nothing to complete.
    floor.run(&format!(
        "update public.bookings set status = 'pending' where id = '{0}';
         delete from public.booking_table_assignments where booking_id = '{0}'",
        bookings[1]
    ));
    look_again(&mut floor);
    step(&mut floor, "scan_live_bookings", 1000);
    let aside: Vec<String> = floor.column("select task || ': ' || error from public.holdfast_quarantine");
    assert_eq!(aside, ["repair: a person decides"]);
    let known = told(&mut floor);
    look_again(&mut floor);
    assert_eq!(step(&mut floor, "scan_live_bookings", 1000), (0, false, None), "it is not even read");
    assert_eq!(told(&mut floor), known);
}

/// The view lists more than a batch: the rest comes at once.
#[test]
fn a_look_is_bounded() {
    let (mut floor, _, _) = quiet(5);
    floor.run("delete from public.booking_state_history");
    let mut found = vec![];
    for _ in 0..3 {
        let (done, more, _) = step(&mut floor, "scan_live_bookings", 2);
        found.push((done, more));
    }
    assert_eq!(found, [(2, true), (2, true), (1, false)]);
}

/// Batch by batch in the order of the key, with its place written down; what is over is passed by.
#[test]
fn a_pass_comes_to_every_live_booking() {
    let (mut floor, room, bookings) = quiet(4);
    for day in 0..4 {
        floor.booking_at(room.restaurant, at_past(day), at_past(day) + chrono::Duration::hours(2));
    }
    floor.run("update public.holdfast_booking_scans set look_at = 'infinity'");
    lose_events(&mut floor, &format!("booking_id = '{}'", bookings[3]));
    let mut seen = vec![];
    for _ in 0..4 {
        floor.run("update public.holdfast_booking_scans set pass_at = '-infinity'");
        seen.push(step(&mut floor, "scan_bookings", 12).0);
    }
    assert_eq!(seen[..3], [3, 3, 2], "a quarter of the batch each");
    assert_eq!(seen[3], 0, "the next pass is not due");
    assert_eq!(floor.value::<i64>("select pass_bookings from public.holdfast_booking_scans"), 8);
    let ids: Vec<Value> = told(&mut floor).iter().map(|event| event[0].clone()).collect();
    assert_eq!(ids, [Value::from(bookings[3].to_string())]);
    floor.run(
        "update public.holdfast_booking_scans set pass_at = '-infinity', pass_began_at = now() - interval '25 hours'",
    );
    assert_eq!(step(&mut floor, "scan_bookings", 12).0, 3, "a day later it begins anew");
}

fn at_past(day: i64) -> chrono::DateTime<chrono::Utc> {
    holdfast_e2e::at("18:00") - chrono::Duration::days(2000 + day)
}

/// Two who look do not wait for each other, and do the same work once.
#[test]
fn two_looks_do_not_wait_for_each_other() {
    let (mut floor, _, bookings) = quiet(1);
    lose_events(&mut floor, &format!("booking_id = '{}'", bookings[0]));
    let mut other = floor.session();
    other.run("begin; select from public.holdfast_booking_scans for update");
    floor.run("set lock_timeout = '1s'");
    assert_eq!(step(&mut floor, "scan_live_bookings", 1000), (0, false, None));
    assert_eq!(step(&mut floor, "scan_bookings", 1000), (0, false, None));
    other.run("rollback");
    assert_eq!(step(&mut floor, "scan_live_bookings", 1000).0, 1);
}
