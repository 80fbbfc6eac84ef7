//! A booking without instants that ends past midnight ends on the next day (K13), wherever its window is derived.

use holdfast_e2e::breaks::found;
use holdfast_e2e::{Floor, confirm};
use serde_json::Value;
use uuid::Uuid;

/// A booking that has a day and times of day, and no instants.
fn local(floor: &mut Floor, restaurant: Uuid, day: &str, from: &str, until: &str) -> Uuid {
    floor.value(&format!(
        "insert into public.bookings (restaurant_id, party_size, booking_date, start_time, end_time)
         values ('{restaurant}', 2, '{day}', '{from}', '{until}') returning id"
    ))
}

/// Time zone, day, from, until, and the instants that are meant.
const CASES: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("Europe/London", "2031-03-02", "22:30", "00:30", "2031-03-02T22:30:00+00:00", "2031-03-03T00:30:00+00:00"),
    ("Europe/London", "2031-03-02", "22:00", "00:00", "2031-03-02T22:00:00+00:00", "2031-03-03T00:00:00+00:00"),
    ("Europe/London", "2031-03-02", "18:00", "20:00", "2031-03-02T18:00:00+00:00", "2031-03-02T20:00:00+00:00"),
    // The clocks go forward in the night, from 01:00 to 02:00, and back from 02:00 to 01:00.
    ("Europe/London", "2027-03-27", "22:30", "02:30", "2027-03-27T22:30:00+00:00", "2027-03-28T01:30:00+00:00"),
    ("Europe/London", "2027-03-28", "01:30", "02:15", "2027-03-28T01:30:00+00:00", "2027-03-28T02:15:00+00:00"),
    ("Europe/London", "2027-10-30", "22:30", "02:30", "2027-10-30T21:30:00+00:00", "2027-10-31T02:30:00+00:00"),
    ("America/Los_Angeles", "2031-03-02", "23:00", "01:00", "2031-03-03T07:00:00+00:00", "2031-03-03T09:00:00+00:00"),
];

#[test]
fn k13_the_end_is_on_the_next_day() {
    let mut floor = Floor::new();
    let mut bookings = Vec::new();
    for (zone, day, from, until, start_at, end_at) in CASES {
        let restaurant = floor.restaurant(zone);
        let room = floor.room_in(restaurant, 1);
        let booking = local(&mut floor, restaurant, day, from, until);
        let answer = floor.done(&confirm(booking, &room.tables, "key"));
        assert_eq!((&answer[0]["start_at"], &answer[0]["end_at"]), (&(*start_at).into(), &(*end_at).into()), "{from}");
        assert_eq!(found(&mut floor, booking), [""; 0], "{day} {from}");
        assert_eq!(floor.done(&confirm(booking, &room.tables, "key")), answer, "a replay");
        bookings.push(booking);
    }
    let listed: i64 = floor.value("select count(*) from public.holdfast_reconciliation");
    assert_eq!(listed, 0, "in the view");
    let certificate: Value = floor.value("select holdfast.audit('public')");
    assert_eq!((&certificate["violations"], &certificate["notices"]), (&0.into(), &0.into()), "{certificate:#}");
    let plain = include_str!("../../../../sql/audit/promises.sql");
    floor.run("set search_path = public");
    let broken: i64 = floor.value(&format!("with a as ({plain}) select sum(broken)::bigint from a"));
    assert_eq!(broken, 0, "in plain SQL");
    let key = format!("booking-{}", bookings[0]);
    floor.set("bookings", bookings[0], "auto_assign_idempotency_key", key.as_str());
    let window: Value = floor.value(&format!("select to_jsonb(b) from public.booking_by_idempotency_key('{key}') b"));
    assert!(window.to_string().contains("2031-03-03T00:30:00"), "{window}");
}

/// No time at all is no night either, nor is an evening that ends before it begins: a night is over by noon.
#[test]
fn k13_what_does_not_end_by_noon_is_no_night() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    for (from, until) in [("18:00", "18:00"), ("20:00", "18:00"), ("20:00", "12:01")] {
        let booking = local(&mut floor, room.restaurant, "2031-03-02", from, until);
        floor.refused(&confirm(booking, &room.tables, "key")).code("HF403");
    }
}

/// A booking of last night that ends past midnight is not over yet: the view sees it until it ends.
#[test]
fn k13_a_night_that_is_not_over_is_live() {
    let mut floor = Floor::new();
    // Where it is eleven now: yesterday from three until noon of today.
    let zone: String =
        floor.value("select 'Etc/GMT' || to_char(extract(hour from now() at time zone 'UTC')::int - 11, 'FMSG00')");
    let restaurant = floor.restaurant(&zone.replace("+0", "+").replace("-0", "-"));
    let room = floor.room_in(restaurant, 1);
    let yesterday: String = floor.value(&format!(
        "select ((now() at time zone timezone)::date - 1)::text from public.restaurants where id = '{restaurant}'"
    ));
    let booking = local(&mut floor, restaurant, &yesterday, "15:00", "12:00");
    floor.done(&confirm(booking, &room.tables, "key"));
    floor.run("delete from public.allocations");
    let listed = "select count(*) from public.holdfast_reconciliation where finding = 'assignment_without_allocation'";
    assert_eq!(floor.value::<i64>(listed), 1);
}
