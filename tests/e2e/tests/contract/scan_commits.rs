//! What was committed is looked at again: once, in proportion to what came, and mended where the owner says so.

use holdfast_e2e::breaks::{bystander, confirmed, found};
use holdfast_e2e::{Floor, Session, assert_untouched, behind, ground, lose_events, native};
use serde_json::Value;
use uuid::Uuid;

/// The bookings that one look reports, with their findings.
fn verify(session: &mut Session) -> Vec<(Uuid, Vec<String>, bool)> {
    let look = "select booking_id, findings, repaired from holdfast.verify_commits('public')";
    let rows = session.client.query(&*ground::say(look), &[]);
    rows.expect("a look").iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

/// The bookings alone.
fn told(session: &mut Session) -> Vec<Uuid> {
    verify(session).into_iter().map(|row| row.0).collect()
}

fn commits(session: &mut Session) -> i64 {
    session.value("select commits from public.holdfast_commit_scan")
}

#[test]
fn each_commit_is_looked_at_once() {
    let mut floor = Floor::new();
    let room = floor.room(8);
    confirmed(&mut floor, &room, 0);
    assert_eq!(verify(&mut floor), [], "the first look begins here");
    let bookings: Vec<Uuid> = (1..6).map(|day| confirmed(&mut floor, &room, day)).collect();
    let before = commits(&mut floor);
    floor.run(&format!("delete from public.allocations where booking_id = '{}'", bookings[2]));
    let seen = verify(&mut floor);
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!((seen[0].0, seen[0].2), (bookings[2], false));
    assert!(seen[0].1.contains(&"assignment_without_allocation".to_owned()), "{seen:?}");
    assert_eq!(commits(&mut floor) - before, 5);
    assert_eq!(verify(&mut floor), [], "what was seen is not seen again");
    assert_eq!(commits(&mut floor) - before, 5);
    let event: Value = floor.value("select to_jsonb(e) from public.observability_events e");
    assert_eq!(
        (&event["source"], &event["event_type"], &event["severity"], &event["booking_id"]),
        (
            &"capacity.atomic_confirm".into(),
            &"transaction.reconciled_mismatch".into(),
            &"error".into(),
            &bookings[2].to_string().into()
        )
    );
}

/// A transaction that commits after others that began later is seen all the same.
#[test]
fn a_late_commit_is_not_missed() {
    let mut floor = Floor::new();
    let room = floor.room(8);
    verify(&mut floor);
    let mut slow = floor.session();
    let late = bystander(&mut floor, &room, 1);
    slow.run("begin");
    slow.done(&holdfast_e2e::confirm(late, &room.tables[..2], "key"));
    confirmed(&mut floor, &room, 2);
    verify(&mut floor);
    let before = commits(&mut floor);
    slow.run("delete from public.booking_state_history");
    slow.run("commit");
    assert_eq!(told(&mut floor), [late]);
    assert_eq!(commits(&mut floor) - before, 1);
}

/// Not even after an hour, and after many looks in which it was still open.
#[test]
fn a_commit_that_took_an_hour_is_not_missed() {
    let mut floor = Floor::new();
    let (room, other) = (floor.room(2), floor.room(8));
    verify(&mut floor);
    let mut slow = floor.session();
    let late = bystander(&mut floor, &room, 1);
    slow.run("begin");
    slow.done(&holdfast_e2e::confirm(late, &room.tables[..2], "key"));
    let hour = "- interval '1 hour'";
    slow.run(&format!("update public.booking_assignment_idempotency set created_at = created_at {hour}"));
    // The look before it was made before it began.
    floor.run(&format!("update public.holdfast_commit_scan set since = since {hour}, reach = reach {hour}"));
    for day in 2..5 {
        confirmed(&mut floor, &other, day);
        verify(&mut floor);
    }
    slow.run("delete from public.booking_state_history");
    slow.run("commit");
    assert_eq!(told(&mut floor), [late]);
}

/// A dump that was restored into a cluster that counts its transactions anew: the look begins there.
#[test]
fn the_look_begins_anew_in_another_cluster() {
    let mut floor = Floor::new();
    let room = floor.room(4);
    verify(&mut floor);
    // Dumped while a transaction was open since long: it is the other end that tells.
    let far = "'3:900000000000:3'";
    floor.run(&format!(
        "update public.holdfast_commit_scan set seen = {far}, pending = {far}, since = now() + interval '1 day',
           reach = now() + interval '1 day', pending_at = now() + interval '1 day', upto = now() + interval '1 day'"
    ));
    assert_eq!(verify(&mut floor), []);
    let booking = confirmed(&mut floor, &room, 1);
    floor.run("delete from public.booking_state_history");
    assert_eq!(told(&mut floor), [booking]);
}

/// Who looks, and confirms later in the same transaction.
#[test]
fn a_look_does_not_count_its_own_transaction_as_seen() {
    let mut floor = Floor::new();
    let room = floor.room(8);
    verify(&mut floor);
    let mut own = floor.session();
    own.run("begin");
    own.value::<String>("select pg_current_xact_id()::text");
    confirmed(&mut floor, &room, 1);
    verify(&mut own);
    let booking = confirmed(&mut own, &room, 2);
    own.run("delete from public.booking_state_history");
    own.run("commit");
    let seen = verify(&mut floor);
    assert!(seen.iter().any(|row| row.0 == booking), "{seen:?}");
}

/// One look begins, another one ends, and the first goes on: it must not go by what it saw when it began.
#[test]
fn a_look_that_was_overtaken_begins_again() {
    let mut floor = Floor::new();
    let room = floor.room(16);
    verify(&mut floor);
    // Reading the state of the look waits, for one who may be made to.
    let looker = format!("looker_{}", Uuid::new_v4().simple());
    floor.run(&format!(
        "create role {looker};
         grant pg_read_all_data, pg_write_all_data to {looker};
         grant execute on all functions in schema holdfast to {looker};
         create function public.waiting() returns boolean language plpgsql as
           'begin perform pg_advisory_xact_lock_shared(1); return true; end';
         alter table public.holdfast_commit_scan enable row level security;
         create policy waits on public.holdfast_commit_scan for select using (public.waiting());
         create policy writes on public.holdfast_commit_scan for update using (true);
         create policy makes on public.holdfast_commit_scan for insert with check (true)"
    ));
    let before = commits(&mut floor);
    for day in 0..4 {
        confirmed(&mut floor, &room, day);
    }
    let mut slow = floor.session();
    slow.run(&format!("set role {looker}"));
    floor.run("select pg_advisory_lock(1)");
    let mut other = floor.session();
    let look = native("verify_commits");
    let pending = behind(&mut other, floor.pid, slow, &look);
    for day in 4..8 {
        confirmed(&mut other, &room, day);
    }
    other.run("select holdfast.verify_commits('public', 3)");
    floor.run("select pg_advisory_unlock(1)");
    pending.finish().1.expect("a look");
    verify(&mut floor);
    assert_eq!(commits(&mut floor) - before, 8, "each once");
    floor.run(&format!("drop owned by {looker}; drop role {looker}"));
}

#[test]
fn batches_come_to_everything() {
    let mut floor = Floor::new();
    let room = floor.room(8);
    verify(&mut floor);
    for day in 1..8 {
        confirmed(&mut floor, &room, day);
    }
    let before = commits(&mut floor);
    for _ in 0..5 {
        floor.run("select holdfast.verify_commits('public', 2)");
    }
    assert_eq!(commits(&mut floor) - before, 7);
}

#[test]
fn the_owners_policy_mends_at_once() {
    let mut floor = Floor::new();
    let room = floor.room(4);
    verify(&mut floor);
    floor.run(
        "insert into public.holdfast_reconciliation_policies values ('event_missing', 'repair'), ('history_differs', 'report')",
    );
    let booking = confirmed(&mut floor, &room, 1);
    lose_events(&mut floor, "true");
    floor.run("delete from public.booking_state_history");
    let seen = verify(&mut floor);
    assert_eq!(seen.len(), 1);
    assert!(seen[0].2, "{seen:?}");
    assert_eq!(
        found(&mut floor, booking),
        Vec::<String>::new(),
        "the event is emitted, and the history has an entry of it"
    );
    // The repair itself is no confirm: it is not looked at.
    let before = floor.snapshot();
    assert_eq!(verify(&mut floor), []);
    assert_untouched(&mut floor, &before, "a look at nothing");
}

/// Somebody else is looking already: this look does nothing, and does not wait.
#[test]
fn two_looks_do_not_wait_for_each_other() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    verify(&mut floor);
    let booking = confirmed(&mut floor, &room, 1);
    lose_events(&mut floor, "true");
    let mut other = floor.session();
    other.run("begin; select from public.holdfast_commit_scan for update");
    floor.run("set lock_timeout = '1s'");
    assert_eq!(verify(&mut floor), []);
    other.run("rollback");
    assert_eq!(told(&mut floor), [booking]);
}
