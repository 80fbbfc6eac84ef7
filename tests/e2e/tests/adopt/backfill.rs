//! Live bookings that were confirmed before their schema was attached get what they lack (I10).

use holdfast_e2e::breaks::{found, unlock};
use holdfast_e2e::{Call, Floor, assert_untouched, at, check_in};
use serde_json::Value;
use uuid::Uuid;

/// Confirmed as an application may have done it: a table, and nothing that ours keeps beside it.
fn confirmed_before(floor: &mut Floor, restaurant: Uuid, table: Uuid) -> Uuid {
    let booking = floor.booking(restaurant);
    floor.run(&format!(
        "insert into public.booking_table_assignments (booking_id, table_id, start_at, end_at, assigned_at)
         values ('{booking}', '{table}', '{}', '{}', now() - interval '1 day');
         update public.bookings set status = 'confirmed' where id = '{booking}'",
        at("18:00"),
        at("20:00")
    ));
    booking
}

fn backfill(floor: &mut Floor, dry_run: bool) -> Vec<Value> {
    floor.column(&format!("select to_jsonb(b) from holdfast.backfill('public', {dry_run}) b order by b.booking_id"))
}

#[test]
fn i10_what_live_bookings_lack_is_given_and_the_rest_reported() {
    let mut floor = Floor::new();
    unlock(&mut floor);
    let room = floor.room(18);
    let bookings: Vec<Uuid> =
        room.tables[..17].iter().map(|table| confirmed_before(&mut floor, room.restaurant, *table)).collect();
    // Two on one table: no backfill decides that.
    let twice = confirmed_before(&mut floor, room.restaurant, room.tables[17]);
    let rival = confirmed_before(&mut floor, room.restaurant, room.tables[17]);
    let before = floor.snapshot();
    let plan = backfill(&mut floor, true);
    assert_untouched(&mut floor, &before, "a dry run");
    let planned = |rows: &[Value], action: &str| rows.iter().filter(|row| row["action"] == action).count();
    assert_eq!(planned(&plan, "planned"), 17, "{plan:#?}");
    assert!(planned(&plan, "person") >= 2, "{plan:#?}");
    let done = backfill(&mut floor, false);
    assert_eq!(planned(&done, "done"), 17, "{done:#?}");
    for booking in &bookings {
        assert_eq!(found(&mut floor, *booking), [""; 0]);
    }
    assert_eq!(floor.count("allocations", "true"), 17);
    assert_eq!(floor.count("booking_table_assignments", "allocation_id in (select id from public.allocations)"), 17);
    for booking in [twice, rival] {
        assert!(found(&mut floor, booking).contains(&"double_booked".to_owned()));
    }
    assert_eq!(planned(&backfill(&mut floor, false), "done"), 0, "a second call has nothing to give");
    floor.done(&check_in(bookings[0], "confirmed"));
    let undone = Call::new("undo_confirm").with("p_booking_id", bookings[0]).with("p_idempotency_key", "none");
    assert_eq!(floor.outcome(&undone)["outcome"], "never_seen");
}

#[test]
fn i10_what_was_over_before_is_not_judged() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let past = confirmed_before(&mut floor, room.restaurant, room.tables[0]);
    floor.run("insert into public.holdfast_booking_scans (id) values (true) on conflict do nothing");
    let broken = "select (holdfast.audit('public') ->> 'violations')::bigint";
    assert!(floor.value::<i64>(broken) > 0, "it is live");
    floor.run(&format!(
        "update public.bookings set start_at = '2020-05-01 18:00Z', end_at = '2020-05-01 20:00Z' where id = '{past}';
         update public.booking_table_assignments set start_at = '2020-05-01 18:00Z', end_at = '2020-05-01 20:00Z'"
    ));
    assert_eq!(floor.value::<i64>(broken), 0, "it was over before the schema was attached");
    floor.run("update public.holdfast_booking_scans set attached_at = '2019-01-01Z'");
    assert!(floor.value::<i64>(broken) > 0, "it was not");
}
