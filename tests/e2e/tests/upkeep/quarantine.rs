//! One of many that fails, by a trigger of the application's: the rest goes on, and it is left alone for a while.

use holdfast_e2e::breaks::{confirmed, found};
use holdfast_e2e::{Call, Floor, Session, Sql, lose_events, native};
use uuid::Uuid;

/// A trigger that raises for one id.
fn refuse(session: &mut Session, table: &str, when: &str, column: &str, id: Uuid) {
    let (kind, deferred) = match when {
        "deferred" => ("constraint trigger no after update", "deferrable initially deferred"),
        _ => ("trigger no before insert or update or delete", ""),
    };
    session.run(&format!(
        "create or replace function public.no() returns trigger language plpgsql as $$ begin
           if (case when tg_op = 'DELETE' then old.{column} else new.{column} end) = '{id}' then
             raise exception 'not on a Sunday' using errcode = 'ZZ001';
           end if;
           return case when tg_op = 'DELETE' then old else new end;
         end $$;
         create {kind} on public.{table} {deferred} for each row execute function public.no()"
    ));
}

fn overdue(floor: &mut Floor, number: usize) -> Vec<Uuid> {
    let room = floor.room(number);
    let holds: Vec<Uuid> = (0..number).map(|table| floor.held(&room, &room.tables[table..=table]).1).collect();
    floor.run("update public.table_holds set expires_at = clock_timestamp()");
    holds
}

/// How many holds a sweep closed, and what it says is wrong.
fn expire(session: &mut Session, batch: i32) -> (i64, String) {
    let rows = session.done(&native("sweep").with("p_batch", batch));
    let row = rows.iter().find(|row| row["task"] == "expire_holds").expect("the task");
    (row["done"].as_i64().expect("a number"), row["error"].as_str().unwrap_or_default().to_owned())
}

fn one_of_many(when: &str) {
    let mut floor = Floor::new();
    let holds = overdue(&mut floor, 9);
    refuse(&mut floor, "table_holds", when, "id", holds[4]);
    let (closed, error) = expire(&mut floor, 1000);
    assert_eq!((closed, error), (8, format!("ZZ001: not on a Sunday ({})", holds[4])));
    assert_eq!(floor.count("table_holds", "status = 'active'"), 1);
    assert_eq!(floor.count("allocations", "true"), 1, "its mirror stands");
    assert_eq!(floor.count("capacity_outbox", "true"), 8);
    let aside = "select format('%s %s %s', task, failures, until > clock_timestamp() + interval '50 s')
                 from public.holdfast_quarantine";
    assert_eq!(floor.column::<String>(aside), ["expire_holds 1 t"]);
    assert_eq!(expire(&mut floor, 1000), (0, String::new()), "it is left alone");
    floor.run("update public.holdfast_quarantine set until = clock_timestamp()");
    assert_eq!(expire(&mut floor, 1000).0, 0);
    let later = aside.replace("50 s", "110 s");
    assert_eq!(floor.column::<String>(&later), ["expire_holds 2 t"], "and longer each time");
    floor.run("drop trigger no on public.table_holds; delete from public.holdfast_quarantine");
    assert_eq!(expire(&mut floor, 1000), (1, String::new()));
}

#[test]
fn a_hold_that_cannot_be_closed_does_not_keep_the_others() {
    one_of_many("before");
}

/// The error comes as late as it can.
#[test]
fn nor_does_one_whose_trigger_is_deferred() {
    one_of_many("deferred");
}

/// As many as a batch holds, and the oldest: the next batch passes them by.
#[test]
fn a_batch_full_of_them_does_not_block_the_rest() {
    let mut floor = Floor::new();
    let holds = overdue(&mut floor, 2);
    floor.run("update public.table_holds set expires_at = expires_at - interval '1 minute'");
    overdue(&mut floor, 2);
    let restaurant = floor.get("table_holds", holds[0], "restaurant_id").and_then(|id| id.parse().ok());
    refuse(&mut floor, "table_holds", "before", "restaurant_id", restaurant.expect("a restaurant"));
    assert_eq!(expire(&mut floor, 2).0, 0);
    assert_eq!(expire(&mut floor, 2).0, 2);
    assert_eq!(floor.count("table_holds", "status = 'active'"), 2);
}

/// A step that fails as a whole is told of, and the other steps are done.
#[test]
fn a_step_that_fails_does_not_keep_the_others() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.seats(&holdfast_e2e::confirm(booking, &room.tables, "key"));
    floor.run("update public.booking_assignment_idempotency set created_at = now() - interval '91 days'");
    refuse(&mut floor, "booking_assignment_idempotency", "before", "booking_id", booking);
    floor.run("update public.capacity_outbox set status = 'done', next_attempt_at = now() - interval '8 days'");
    let rows = floor.done(&native("sweep"));
    let of = |name: &str| rows.iter().find(|row| row["task"] == name).expect("the task");
    assert_eq!(of("prune_ledger")["error"], "ZZ001: not on a Sunday");
    assert_eq!(of("prune_outbox")["done"], 1);
}

#[test]
fn a_booking_that_cannot_be_assigned_does_not_keep_the_others() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let bookings = [floor.booking(room.restaurant), floor.booking(room.restaurant)];
    for (booking, table) in bookings.iter().zip(0..) {
        let attempt = Call::new("run_auto_assign").with("p_booking_id", *booking).with("p_hold_id", Sql("null"));
        assert_eq!(floor.outcome(&attempt)["outcome"], "no_hold");
        floor.hold(&room, Some(*booking), &room.tables[table..=table]);
    }
    floor.run(&format!(
        "update public.holdfast_attempts set ended_at = ended_at - interval '3 s';
         update public.table_holds set expires_at = expires_at - interval '1 minute' where booking_id = '{}'",
        bookings[0]
    ));
    refuse(&mut floor, "booking_table_assignments", "before", "booking_id", bookings[0]);
    let rows = (0..2).map(|_| {
        let rows = floor.done(&native("sweep"));
        rows.into_iter().find(|row| row["task"] == "retry_attempts").expect("the task")
    });
    let rows: Vec<_> = rows.collect();
    assert_eq!(rows[0]["error"], format!("ZZ001: not on a Sunday ({})", bookings[0]));
    assert_eq!((&rows[0]["done"], &rows[0]["more"]), (&0.into(), &true.into()));
    assert_eq!(rows[1]["done"], 1);
    assert_eq!(floor.get("bookings", bookings[1], "status").as_deref(), Some("confirmed"));
}

/// A repair that the application refuses is reported as not done, and what comes after it is looked at.
#[test]
fn a_booking_that_cannot_be_mended_does_not_keep_the_others() {
    let mut floor = Floor::new();
    let room = floor.room(4);
    floor.done(&native("sweep"));
    floor.run("insert into public.holdfast_reconciliation_policies values ('event_missing', 'repair')");
    let bookings: Vec<Uuid> = (0..2).map(|day| confirmed(&mut floor, &room, day)).collect();
    lose_events(&mut floor, "true");
    refuse(&mut floor, "capacity_outbox", "before", "booking_id", bookings[0]);
    let rows = floor.client.query("select booking_id, repaired from holdfast.verify_commits('public')", &[]);
    let mut seen: Vec<(Uuid, bool)> = rows.expect("a look").iter().map(|row| (row.get(0), row.get(1))).collect();
    seen.sort_unstable();
    let mut expected = vec![(bookings[0], false), (bookings[1], true)];
    expected.sort_unstable();
    assert_eq!(seen, expected);
    assert_eq!(found(&mut floor, bookings[1]), Vec::<String>::new());
    assert_eq!(floor.column::<String>("select task from public.holdfast_quarantine"), ["repair"]);
    assert_eq!(floor.count("observability_events", "true"), 2, "both are told of");
}
