//! Upkeep: what is over is closed, what is old is forgotten, and nobody is waited for.

use postgres::fallible_iterator::FallibleIterator;

use holdfast_e2e::{Call, Floor, Room, Session, Snapshot, Sql, atomic_confirm, behind, confirm, native};
use serde_json::{Value, json};
use uuid::Uuid;

/// What a sweep closed and forgot; whom it told and what it tried again are other tests' questions.
fn sweep(floor: &mut Floor) -> Vec<Value> {
    let mut rows = floor.done(&native("sweep"));
    let asked = ["expire_holds", "prune_ledger", "prune_attempts", "prune_outbox"];
    rows.retain(|row| asked.contains(&row["task"].as_str().expect("a name")));
    rows
}

/// The row of one task.
fn step(session: &mut Session, call: &Call, name: &str) -> Value {
    let rows = session.done(call);
    rows.into_iter().find(|row| row["task"] == name).expect("a sweep takes every task")
}

fn swept(holds: i64, ledger: i64, attempts: i64, outbox: i64) -> Vec<Value> {
    [("expire_holds", holds), ("prune_ledger", ledger), ("prune_attempts", attempts), ("prune_outbox", outbox)]
        .map(|(task, done)| json!({"task": task, "done": done, "more": false, "error": null}))
        .to_vec()
}

/// Lets the deadline of a hold pass.
fn lapse(floor: &mut Floor, hold: Uuid) {
    floor.set("table_holds", hold, "expires_at", Sql("clock_timestamp()"));
}

fn statuses(floor: &mut Floor, holds: &[Uuid]) -> Vec<String> {
    holds.iter().map(|hold| floor.get("table_holds", *hold, "status").expect("a status")).collect()
}

/// Three holds: a booking's, nobody's, and one that lives.
fn three_holds(floor: &mut Floor) -> (Room, [Uuid; 3]) {
    let room = floor.room(3);
    let (_, of_booking) = floor.held(&room, &room.tables[..1]);
    let of_nobody = floor.hold(&room, None, &room.tables[1..2]);
    let (_, live) = floor.held(&room, &room.tables[2..]);
    lapse(floor, of_booking);
    lapse(floor, of_nobody);
    (room, [of_booking, of_nobody, live])
}

#[test]
fn holds_past_their_deadline_are_closed_with_their_mirrors() {
    let mut floor = Floor::new();
    let (_, holds) = three_holds(&mut floor);
    assert_eq!(sweep(&mut floor), swept(2, 0, 0, 0));
    assert_eq!(statuses(&mut floor, &holds), ["expired", "expired", "active"]);
    assert_eq!(floor.count("allocations", &format!("resource_id <> '{}'", holds[2])), 0, "their mirrors are gone");
    assert_eq!(floor.count("allocations", "true"), 1, "the live one's stands");
    let events: Vec<String> =
        floor.column("select dedupe_key from public.capacity_outbox order by booking_id nulls last");
    let booking = floor.get("table_holds", holds[0], "booking_id").expect("a booking");
    let expected = [format!("{booking}:{}:hold.released", holds[0]), format!("none:{}:hold.released", holds[1])];
    assert_eq!(events, expected);
    let before = floor.snapshot();
    assert_eq!(sweep(&mut floor), swept(0, 0, 0, 0));
    let mut differences = before.differences(&Snapshot::take(&mut floor));
    // A scan that took long, on a busy machine, is throttled: its state says until when.
    differences.retain(|table, _| !table.ends_with("holdfast_commit_scan"));
    assert!(differences.is_empty(), "a second sweep finds nothing: {differences:?}");
}

#[test]
fn a_batch_is_bounded_and_says_that_there_is_more() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    for _ in 0..5 {
        let (_, hold) = floor.held(&room, &room.tables);
        lapse(&mut floor, hold);
    }
    let batch = native("sweep").with("p_batch", 2);
    let mut found = vec![];
    for _ in 0..3 {
        let first = step(&mut floor, &batch, "expire_holds");
        found.push((first["done"].as_i64(), first["more"].as_bool()));
    }
    assert_eq!(found, [(Some(2), Some(true)), (Some(2), Some(true)), (Some(1), Some(false))]);
}

/// Whatever somebody else is at work on is left, and nobody waits.
#[test]
fn what_is_locked_is_left_for_the_next_time() {
    let mut floor = Floor::new();
    let (_, holds) = three_holds(&mut floor);
    let mut other = floor.session();
    other.run(&format!("begin; select from public.table_holds where id = '{}' for no key update", holds[0]));
    assert_eq!(sweep(&mut floor), swept(1, 0, 0, 0));
    assert_eq!(statuses(&mut floor, &holds), ["active", "expired", "active"]);
    other.run("rollback");
    // The mirror alone is enough: whoever has it is taking the hold away.
    other.run(&format!("begin; select from public.allocations where resource_id = '{}' for update", holds[0]));
    assert_eq!(sweep(&mut floor), swept(0, 0, 0, 0));
    other.run("rollback");
    assert_eq!(sweep(&mut floor), swept(1, 0, 0, 0));
    assert_eq!(statuses(&mut floor, &holds), ["expired", "expired", "active"]);
}

/// A hold that was given more time after the sweep first saw it is judged as it is.
#[test]
fn a_hold_that_gets_more_time_lives() {
    let mut floor = Floor::new();
    let (_, holds) = three_holds(&mut floor);
    let mut sweeper = floor.session();
    sweeper.run("begin isolation level read committed");
    // The application prolongs the hold while a sweep runs beside it: it skips the hold, and finds it alive afterwards.
    floor.run(&format!(
        "begin; update public.table_holds set expires_at = clock_timestamp() + interval '1 hour' where id = '{}'",
        holds[0]
    ));
    assert_eq!(step(&mut sweeper, &native("sweep"), "expire_holds")["done"], 1);
    floor.run("commit");
    assert_eq!(step(&mut sweeper, &native("sweep"), "expire_holds")["done"], 0);
    sweeper.run("commit");
    assert_eq!(statuses(&mut floor, &holds), ["active", "expired", "active"]);
}

/// A confirm that waits for a sweep finds the hold closed.
#[test]
fn a_confirm_behind_a_sweep_is_refused() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    lapse(&mut floor, hold);
    let mut sweeper = floor.session();
    sweeper.run("begin; select * from holdfast.sweep('public')");
    let confirming = floor.session();
    let waiting = behind(&mut floor, sweeper.pid, confirming, &atomic_confirm(booking, hold, "key"));
    sweeper.run("commit");
    let refusal = waiting.finish().1.expect_err("the hold is over");
    assert_eq!(refusal.sqlstate, "P0001");
    assert!(refusal.message.contains("expired at"), "{refusal:?}");
}

#[test]
fn old_answers_and_delivered_events_are_forgotten() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    for table in &room.tables {
        let booking = floor.booking(room.restaurant);
        floor.seats(&confirm(booking, &[*table], "key"));
    }
    floor.run(
        "update public.booking_assignment_idempotency set created_at = now() - interval '91 days'
           where booking_id = (select id from public.bookings order by id limit 1);
         update public.capacity_outbox set status = 'done', next_attempt_at = now() - interval '8 days'
           where id = (select min(id) from public.capacity_outbox);
         update public.capacity_outbox set status = 'dead', next_attempt_at = now() - interval '8 days'
           where id = (select max(id) from public.capacity_outbox);
         insert into public.holdfast_attempts (booking_id, started_at, ended_at, outcome, phase, elapsed_ms, tries, pid)
           select id, now() - interval '91 days', now() - d * interval '1 day', 'timed_out', 'apply', 1, 1, 1
           from (select id from public.bookings order by id desc limit 1) b, unnest(array[89, 91]) d",
    );
    assert_eq!(sweep(&mut floor), swept(0, 1, 1, 1));
    assert_eq!(floor.count("holdfast_pruned", "true"), 2, "of both bookings something was forgotten");
    assert_eq!(floor.count("capacity_outbox", "status = 'dead'"), 1, "somebody has to look at it");
    assert_eq!(sweep(&mut floor), swept(0, 0, 0, 0));
}

/// Who listens is told that there is something to claim, and not by which schema; after the last claim nobody is.
#[test]
fn a_sweep_tells_who_listens_that_events_are_due() {
    let mut floor = Floor::new();
    let mut listener = floor.session();
    listener.run("listen holdfast_outbox");
    let told = |floor: &mut Floor| step(floor, &native("sweep"), "notify_outbox")["done"].clone();
    assert_eq!(told(&mut floor), 0);
    three_holds(&mut floor);
    assert_eq!(told(&mut floor), 1, "two holds ran out");
    listener.run("select 1");
    let mut notifications = listener.client.notifications();
    let heard = notifications.iter().next().expect("a connection").expect("a notification");
    assert_eq!((heard.channel(), heard.payload()), ("holdfast_outbox", ""));
    drop(notifications);
    floor.done(&Call::new("outbox_claim").with("p_consumer", "relay"));
    assert_eq!(told(&mut floor), 0, "they are being worked on");
    floor.run("update public.capacity_outbox set next_attempt_at = clock_timestamp()");
    assert_eq!(told(&mut floor), 1, "and came back");
}

#[test]
fn a_schema_without_an_outbox_is_swept_too() {
    let mut floor = Floor::bare();
    floor.run(
        "create extension holdfast cascade; select holdfast.create_reference_schema('public');
         drop table public.capacity_outbox; select holdfast.attach('public')",
    );
    let (_, holds) = three_holds(&mut floor);
    assert_eq!(sweep(&mut floor), swept(2, 0, 0, 0));
    assert_eq!(statuses(&mut floor, &holds), ["expired", "expired", "active"]);
    assert_eq!(floor.value::<i64>("select count(*) from pg_proc where proname like 'outbox\\_%'"), 0);
}

#[test]
fn released_and_swept_holds_tell_the_same() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (_, hold) = floor.held(&room, &room.tables);
    lapse(&mut floor, hold);
    floor.run("begin");
    floor.done(&Call::new("release_hold_and_emit").with("p_hold_id", hold));
    let event = "select jsonb_build_object('type', event_type, 'key', dedupe_key, 'payload', payload - 'version', 'status', (select status from public.table_holds)) from public.capacity_outbox";
    let released: Value = floor.value(event);
    floor.run("rollback");
    sweep(&mut floor);
    assert_eq!(floor.value::<Value>(event), released);
}

/// An automatic attempt that came too early is made again once there is a hold; what was refused for good is not.
#[test]
fn an_automatic_attempt_is_made_again_while_a_hold_lives() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (unlucky, refused) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    let attempt =
        |booking: Uuid| Call::new("run_auto_assign").with("p_booking_id", booking).with("p_hold_id", Sql("null"));
    assert_eq!(floor.outcome(&attempt(unlucky))["outcome"], "no_hold");
    floor.hold(&room, Some(unlucky), &room.tables[..1]);
    // A party that no table seats.
    floor.set("bookings", refused, "party_size", 50);
    floor.hold(&room, Some(refused), &room.tables[1..]);
    assert_eq!(floor.outcome(&attempt(refused))["outcome"], "party_too_large");
    let retried = |floor: &mut Floor| step(floor, &native("sweep"), "retry_attempts")["done"].clone();
    assert_eq!(retried(&mut floor), 0, "a moment is left in between");
    floor.run("update public.holdfast_attempts set ended_at = ended_at - interval '3 s'");
    assert_eq!(retried(&mut floor), 1);
    assert_eq!(retried(&mut floor), 0);
    assert_eq!(floor.get("bookings", unlucky, "status").as_deref(), Some("confirmed"));
    assert_eq!(floor.get("bookings", refused, "status").as_deref(), Some("pending"));
    assert_eq!(floor.count("booking_state_history", "metadata->>'trigger' = 'background'"), 1);
}
