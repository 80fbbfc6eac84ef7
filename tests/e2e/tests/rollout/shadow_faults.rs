//! The old application for a week in shadow mode: its own functions answer, with every fault they have, and the report
//! says which.

use std::collections::BTreeSet;

use holdfast_e2e::foreign::{Foreign, OLD};
use holdfast_e2e::{Call, Room, Sql, at, behind, check_in, confirm, confirm_hold, eventually, unassign};
use uuid::Uuid;

/// Adopted, in shadow mode, with a row of tables and a booking that has a live hold on the first.
fn shadowed(tables: usize) -> (Foreign, Room, Uuid, Uuid) {
    let mut old = OLD.install();
    old.adopt();
    old.mode("shadow");
    let room = old.room(tables);
    let (booking, hold) = old.held(&room, &room.tables[..1]);
    old.set("table_holds", hold, "metadata", "{}");
    (old, room, booking, hold)
}

/// The faults that disagreements showed so far.
fn shown(old: &mut Foreign) -> BTreeSet<String> {
    old.run("select holdfast.sweep('public')");
    let faults: Vec<String> =
        old.column("select fault from holdfast.shadow_report('public') where 'disagreement' = any (found_by)");
    faults.into_iter().collect()
}

#[track_caller]
fn assert_shown(old: &mut Foreign, faults: &[&str]) {
    let expected: BTreeSet<String> = faults.iter().map(|fault| (*fault).to_owned()).collect();
    let kept: Vec<serde_json::Value> = old.column("select to_jsonb(d) from holdfast_disagreements d order by id");
    assert_eq!(shown(old), expected, "{kept:#?}");
}

#[test]
fn keys() {
    let (mut old, room, booking, hold) = shadowed(4);
    let call = confirm_hold(hold, booking, "key");
    old.done(&call);
    assert_shown(&mut old, &[]);
    old.refused(&call).says("P0002", &format!("Hold {hold} not found"));
    assert_shown(&mut old, &["F1"]);

    let second = old.booking(room.restaurant);
    let call = confirm(second, &room.tables[1..2], "key");
    let first = old.done(&call);
    assert_eq!(old.done(&call), first);
    assert_shown(&mut old, &["F1"]);
    assert_eq!(old.done(&call.clone().with("p_start_at", at("18:00")).with("p_end_at", at("19:00"))), first);
    assert_shown(&mut old, &["F1", "F2"]);
    old.set("bookings", second, "end_at", at("20:30"));
    assert_eq!(old.refused(&confirm(second, &room.tables[1..2], "new")).sqlstate, "23505");
    old.done(&unassign(second));
    old.refused(&call).says("P0003", &format!("assign_tables_atomic_v2 returned no assignments for booking {second}"));
    assert_shown(&mut old, &["F1", "F2", "F3", "F4"]);
    // The example says what was asked, and what each side says.
    let example: serde_json::Value =
        old.value("select example from holdfast.shadow_report('public') where fault = 'F1'");
    assert_eq!(example["request"]["hold_id"], hold.to_string());
    assert_eq!((&example["ours"]["replayed"], &example["theirs"]["sqlstate"]), (&true.into(), &"P0002".into()));
}

#[test]
fn statuses() {
    let (mut old, room, booking, _) = shadowed(4);
    old.run("delete from table_holds");
    let call = confirm(booking, &room.tables[1..2], "key");
    old.done(&call);
    assert_shown(&mut old, &[]);
    old.set("bookings", booking, "status", "cancelled");
    old.done(&call);
    assert_shown(&mut old, &["F5"]);
    old.done(&confirm(booking, &room.tables[2..3], "second"));
    assert_shown(&mut old, &["F5", "F6"]);
    let seated = old.booking(room.restaurant);
    old.set("bookings", seated, "status", "checked_in");
    old.done(&confirm(seated, &room.tables[3..], "key"));
    let (start, end) = (at("12:00"), at("13:00"));
    let gone = old.booking_at(room.restaurant, start, end);
    old.done(&confirm(gone, &room.tables[..1], "key").with("p_target_status", "cancelled"));
    assert_shown(&mut old, &["F5", "F6", "F7", "F8"]);
    let next = old.booking_at(room.restaurant, start, end);
    old.refused(&confirm(next, &room.tables[..1], "key")).says("P0001", "allocations_no_overlap");
    assert_shown(&mut old, &["F5", "F6", "F7", "F8", "F9"]);
}

#[test]
fn holds() {
    let (mut old, room, booking, _) = shadowed(4);
    let next = old.booking(room.restaurant);
    assert_eq!(old.refused(&confirm(next, &room.tables[..1], "key")).sqlstate, "22023");
    assert_shown(&mut old, &["F10"]);
    old.run("truncate holdfast_disagreements");
    let anonymous = old.hold(&room, None, &room.tables[1..2]);
    assert_eq!(old.refused(&confirm_hold(anonymous, next, "key")).sqlstate, "22023");
    assert_shown(&mut old, &["F10"]);
    old.done(&confirm(booking, &room.tables[..1], ""));
    assert_shown(&mut old, &["F10", "F27"]);
    let (other, _) = old.held(&room, &room.tables[3..]);
    old.done(&confirm(other, &room.tables[3..], "key"));
    assert_shown(&mut old, &["F10", "F25", "F27"]);
    let (third, hold) = old.held(&room, &room.tables[2..3]);
    assert_eq!(old.refused(&confirm_hold(hold, third, "key")).sqlstate, "23502");
    assert_shown(&mut old, &["F10", "F25", "F26", "F27"]);
    old.set("table_holds", hold, "metadata", "{}");
    old.set("table_holds", hold, "status", "cancelled");
    assert_eq!(old.seats(&confirm_hold(hold, third, "key").with("p_expected_adjacency_hash", "abc")).len(), 1);
    assert_shown(&mut old, &["F10", "F17", "F25", "F26", "F27"]);
}

#[test]
fn status_and_clock() {
    let (mut old, _, booking, hold) = shadowed(1);
    old.set("bookings", booking, "status", "cancelled");
    assert_eq!(old.refused(&check_in(booking, "confirmed")).sqlstate, "42702");
    assert_shown(&mut old, &["F11"]);
    old.run("truncate holdfast_disagreements");
    old.set("bookings", booking, "status", "pending");
    old.run("set TimeZone = 'America/New_York'");
    assert!(old.refused(&confirm_hold(hold, booking, "key")).message.contains("expired at"));
    assert_shown(&mut old, &["F12"]);
    old.run("truncate holdfast_disagreements; set TimeZone = 'Asia/Kathmandu'");
    old.set("table_holds", hold, "expires_at", Sql("clock_timestamp() - interval '1 hour'"));
    assert_eq!(old.seats(&confirm_hold(hold, booking, "key")).len(), 1);
    assert_shown(&mut old, &["F12"]);
    let zone: String = old.value("select session ->> 'time_zone' from holdfast_disagreements");
    assert_eq!(zone, "Asia/Kathmandu");
}

/// Ours looks before the original begins to wait, and once more when it is done.
#[test]
fn expiry_while_waiting() {
    let (mut old, _, booking, hold) = shadowed(1);
    let mut holder = old.session();
    holder.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    old.set("table_holds", hold, "expires_at", Sql("clock_timestamp() + interval '2 seconds'"));
    let other = old.session();
    let waiting = behind(&mut old, holder.pid, other, &confirm_hold(hold, booking, "key"));
    eventually(&mut old, &format!("select clock_timestamp() > expires_at from public.table_holds where id = '{hold}'"));
    holder.run("commit");
    assert_eq!(waiting.finish().1.expect("accepted").len(), 1);
    assert_shown(&mut old, &["F13"]);
}

#[test]
fn what_is_not_checked() {
    let (mut old, room, booking, _) = shadowed(4);
    old.run("delete from public.table_holds");
    old.part_all();
    old.join(room.tables[0], room.tables[1]);
    old.join(room.tables[2], room.tables[3]);
    assert_eq!(old.seats(&confirm(booking, &room.tables, "key").with("p_require_adjacency", true)).len(), 4);
    assert_shown(&mut old, &["F14"]);
    let next = old.room(2);
    let large = old.booking(next.restaurant);
    old.set("bookings", large, "party_size", 12);
    assert_eq!(old.seats(&confirm(large, &next.tables[..1], "key")).len(), 1);
    assert_shown(&mut old, &["F14", "F15"]);
    let booking = old.booking(next.restaurant);
    let late = confirm(booking, &next.tables[1..], "key")
        .with("p_start_at", Sql("timestamptz '2040-05-01 18:00+00'"))
        .with("p_end_at", Sql("timestamptz '2040-05-01 20:00+00'"));
    assert_eq!(old.seats(&late).len(), 1);
    assert_shown(&mut old, &["F14", "F15", "F16"]);
}

#[test]
fn a_function_that_is_not_found_and_a_clean_up() {
    let (mut old, room, booking, _) = shadowed(3);
    old.run("delete from public.table_holds");
    old.done(&confirm(booking, &room.tables[..1], "first"));
    let other = old.booking(room.restaurant);
    old.done(&confirm(other, &room.tables[1..2], "other"));
    let call = Call::new("assign_merged_tables").with("p_booking_id", booking).with("p_table_ids", &room.tables[1..]);
    assert_eq!(old.done(&call), [serde_json::json!("")]);
    assert_shown(&mut old, &["F24", "F28"]);
    // What the database names, and where its extensions live, decides where an original looks: both are taken away.
    let database = old.name.clone();
    old.run(&format!(
        "drop extension if exists pgcrypto cascade; drop function if exists extensions.digest(text, text);
         alter database {database} set search_path = public; select holdfast.attach('public')"
    ));
    let mut session = old.session();
    let third = old.booking(room.restaurant);
    assert_eq!(session.refused(&confirm(third, &room.tables[2..], "key")).sqlstate, "42883");
    assert_shown(&mut old, &["F18", "F24", "F28"]);
}

/// What no answer gives away, doctor finds in the bodies and rights of the functions that are kept.
#[test]
fn doctor_shows_the_rest() {
    let (mut old, ..) = shadowed(1);
    let found: Vec<String> =
        old.column("select fault from holdfast.shadow_report('public') where 'doctor' = any (found_by)");
    for fault in ["F1", "F12", "F18", "F19", "F20", "F21", "F22", "F23", "F24"] {
        assert!(found.iter().any(|name| name == fault), "{fault}: {found:?}");
    }
    let bodies: Vec<String> =
        old.column("select unnest(findings) from holdfast.shadow_report('public') where fault = 'F21'");
    assert!(
        bodies.iter().any(|what| what.contains("write_assignments") && what.contains("temporary table")),
        "{bodies:?}"
    );
    let rows: Vec<String> = old.column("select fault from holdfast.shadow_report('public')");
    assert_eq!(rows.len(), 29, "{rows:?}");
    assert_eq!(rows.last().map(String::as_str), Some("other"));
}
