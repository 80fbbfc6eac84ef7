//! Applications that others wrote. The old one shows the faults F1 to F28 of the contract by calling its own functions,
//! before holdfast is there: what a later test finds gone was here.

use holdfast_e2e::foreign::{APPLICATIONS, Foreign, MINIMAL, OLD, OTHER_LABELS};
use holdfast_e2e::{
    Call, Room, STRANGER, Sql, assign, at, behind, check_in, confirm, confirm_hold, eventually, seat, unassign,
};
use serde_json::json;
use uuid::Uuid;

/// The old application with a row of tables and a booking that has a live hold on the first.
fn old(tables: usize) -> (Foreign, Room, Uuid, Uuid) {
    let mut old = OLD.install();
    let room = old.room(tables);
    let (booking, hold) = old.held(&room, &room.tables[..1]);
    old.set("table_holds", hold, "metadata", "{}");
    (old, room, booking, hold)
}

fn status(old: &mut Foreign, booking: Uuid) -> String {
    old.get("bookings", booking, "status").unwrap_or_default()
}

#[test]
fn they_are_there_with_rows_and_without_holdfast() {
    for application in APPLICATIONS {
        let mut foreign = application.install();
        let schema = application.schema;
        assert_eq!(foreign.value::<i64>("select count(*) from pg_extension where extname = 'holdfast'"), 0);
        assert_eq!(foreign.value::<i64>(&format!("select count(*) from {schema}.bookings")), 6, "{schema}");
        assert_eq!(foreign.value::<i64>(&format!("select count(*) from {schema}.booking_table_assignments")), 4);
        let before = foreign.snapshot();
        assert!(foreign.snapshot() == before, "{}: its rows can be compared", application.name);
    }
    let mut old = OLD.install();
    assert!(old.value::<i64>("select count(*) from pg_index where indrelid = 'public.bookings'::regclass") >= 20);
    let mut minimal = MINIMAL.install();
    assert!(minimal.value::<bool>("select to_regclass('public.capacity_outbox') is null"));
    let mut other = OTHER_LABELS.install();
    assert!(other.value::<bool>("select enum_range(null::\"Harbour Dining\".booking_status)::text[] @> '{requested}'"));
}

/// A lost answer, another window, a new key, nothing left to answer.
#[test]
fn old_f01_f02_f03_f04_keys() {
    let (mut old, room, booking, hold) = old(4);
    let call = confirm_hold(hold, booking, "key");
    old.done(&call);
    old.refused(&call).says("P0002", &format!("Hold {hold} not found"));

    let second = old.booking(room.restaurant);
    let call = confirm(second, &room.tables[1..2], "key");
    let first = old.done(&call);
    let other = call.clone().with("p_start_at", at("18:00")).with("p_end_at", at("19:00"));
    assert_eq!(old.done(&other), first, "F2: the old window comes back for another one");
    old.set("bookings", second, "end_at", at("20:30"));
    assert_eq!(old.refused(&confirm(second, &room.tables[1..2], "new")).sqlstate, "23505", "F3");

    old.done(&unassign(second));
    let stuck = old.refused(&call);
    stuck.says("P0003", &format!("assign_tables_atomic_v2 returned no assignments for booking {second}"));
    assert_eq!(status(&mut old, second), "confirmed", "F4: confirmed without a table");
    assert_eq!(old.count("booking_table_assignments", &format!("booking_id = '{second}'")), 0);
}

/// A replay revives, sets accumulate, statuses are not looked at, a cancelled booking keeps its table.
#[test]
fn old_f05_f06_f07_f08_f09_statuses() {
    let (mut old, room, booking, _) = old(4);
    let call = confirm(booking, &room.tables[1..2], "key");
    old.done(&call);
    old.set("bookings", booking, "status", "cancelled");
    old.done(&call);
    assert_eq!(status(&mut old, booking), "confirmed", "F5");
    old.done(&confirm(booking, &room.tables[2..3], "second"));
    assert_eq!(old.count("booking_table_assignments", &format!("booking_id = '{booking}'")), 2, "F6");

    let seated = old.booking(room.restaurant);
    old.set("bookings", seated, "checked_in_at", at("18:03"));
    old.set("bookings", seated, "status", "checked_in");
    old.done(&confirm(seated, &room.tables[3..], "key"));
    assert_eq!(status(&mut old, seated), "confirmed", "F7");
    assert_eq!(old.get("bookings", seated, "checked_in_at"), None, "F7: the check-in is wiped");

    let (start, end) = (at("12:00"), at("13:00"));
    let gone = old.booking_at(room.restaurant, start, end);
    old.done(&confirm(gone, &room.tables[..1], "key").with("p_target_status", "cancelled"));
    assert_eq!(status(&mut old, gone), "cancelled", "F8");
    let next = old.booking_at(room.restaurant, start, end);
    let refusal = old.refused(&confirm(next, &room.tables[..1], "key"));
    refusal.says("P0001", "allocations_no_overlap");
}

/// Holds: the conflict's message cannot be built, an anonymous one blocks itself, one survives success, one is refused
/// for its metadata, sides that are missing are passed over.
#[test]
fn old_f10_f17_f25_f26_f27_holds() {
    let (mut old, room, booking, _) = old(4);
    let next = old.booking(room.restaurant);
    assert_eq!(old.refused(&confirm(next, &room.tables[..1], "key")).sqlstate, "22023", "F10");
    let anonymous = old.hold(&room, None, &room.tables[1..2]);
    assert_eq!(old.refused(&confirm_hold(anonymous, next, "key")).sqlstate, "22023", "F10: blocks its own confirm");

    old.done(&confirm(booking, &room.tables[..1], ""));
    assert_eq!(old.count("booking_assignment_idempotency", "idempotency_key = ''"), 1, "F27");
    let open = format!("booking_id = '{booking}' and status = 'active'");
    assert_eq!(old.count("table_holds", &open), 1, "F25: the hold is still open");

    let (third, hold) = old.held(&room, &room.tables[2..3]);
    assert_eq!(old.refused(&confirm_hold(hold, third, "key")).sqlstate, "23502", "F26");
    old.set("table_holds", hold, "metadata", "{}");
    old.set("table_holds", hold, "status", "cancelled");
    let call = confirm_hold(hold, third, "key").with("p_expected_adjacency_hash", "abc");
    assert_eq!(old.seats(&call).len(), 1, "F17: cancelled, and without the snapshot that the caller expects");
}

/// The message about a changed status cannot be made; the clock is off by the session's time zone.
#[test]
fn old_f11_f12_status_and_clock() {
    let (mut old, room, booking, hold) = old(2);
    old.set("bookings", booking, "status", "cancelled");
    assert_eq!(old.refused(&check_in(booking, "confirmed")).sqlstate, "42702", "F11");

    old.set("bookings", booking, "status", "pending");
    old.run("set TimeZone = 'America/New_York'");
    let refusal = old.refused(&confirm_hold(hold, booking, "key"));
    assert!(
        refusal.message.starts_with(&format!("Hold {hold} expired at")),
        "F12: a live hold looks dead: {refusal:?}"
    );
    old.run("set TimeZone = 'Asia/Kathmandu'");
    old.set("table_holds", hold, "expires_at", Sql("clock_timestamp() - interval '1 hour'"));
    assert_eq!(old.seats(&confirm_hold(hold, booking, "key")).len(), 1, "F12: a dead hold is accepted");
    let off: bool = old.value(
        "select abs(extract(epoch from changed_at - clock_timestamp())) > 3600 from public.booking_state_history
         order by id desc limit 1",
    );
    assert!(off, "F12: history is off by hours");
    assert_eq!(room.tables.len(), 2);
}

/// A hold that expires while the call waits for a lock is accepted.
#[test]
fn old_f13_expiry_while_waiting() {
    let (mut old, _, booking, hold) = old(1);
    let mut holder = old.session();
    holder.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    old.set("table_holds", hold, "expires_at", Sql("clock_timestamp() + interval '1 second'"));
    let other = old.session();
    let waiting = behind(&mut old, holder.pid, other, &confirm_hold(hold, booking, "key"));
    eventually(&mut old, &format!("select clock_timestamp() > expires_at from public.table_holds where id = '{hold}'"));
    holder.run("commit");
    assert_eq!(waiting.finish().1.expect("F13: accepted").len(), 1);
}

/// Two pairs pass for one set; neither the party, nor the table's service, nor the window is looked at.
#[test]
fn old_f14_f15_f16_what_is_not_checked() {
    let (mut old, room, booking, _) = old(4);
    old.run("delete from public.table_holds");
    old.part_all();
    old.join(room.tables[0], room.tables[1]);
    old.join(room.tables[2], room.tables[3]);
    let apart = confirm(booking, &room.tables, "key").with("p_require_adjacency", true);
    assert_eq!(old.seats(&apart).len(), 4, "F14");

    let next = old.room(2);
    let large = old.booking(next.restaurant);
    old.set("bookings", large, "party_size", 12);
    old.set("table_inventory", next.tables[0], "status", "out_of_service");
    assert_eq!(old.seats(&confirm(large, &next.tables[..1], "key")).len(), 1, "F15");

    let booking = old.booking(next.restaurant);
    let late = confirm(booking, &next.tables[1..], "key")
        .with("p_start_at", Sql("timestamptz '2040-05-01 18:00+00'"))
        .with("p_end_at", Sql("timestamptz '2040-05-01 20:00+00'"));
    assert_eq!(old.seats(&late).len(), 1, "F16");
}

/// pgcrypto lies in another schema than a session looks in.
#[test]
fn old_f18_digest_is_not_found() {
    let (mut old, room, booking, _) = old(1);
    old.run("set search_path = public");
    let refusal = old.refused(&assign(booking, &room.tables, "key"));
    assert_eq!(refusal.sqlstate, "42883", "callers take this for: not installed");
    assert!(refusal.message.contains("digest"), "{refusal:?}");
}

/// What a session waits for behind an open confirm, as the server calls it.
fn waits_for(old: &mut Foreign, first: &Call, second: &Call) -> String {
    let (mut holder, other) = (old.session(), old.session());
    holder.run("begin");
    holder.done(first);
    let waiting = behind(old, holder.pid, other, second);
    let event = format!("select wait_event from pg_stat_activity where pid = {}", waiting.pid);
    let event: String = old.value(&event);
    holder.run("commit");
    waiting.finish().1.expect("it was only made to wait");
    event
}

/// Disjoint tables wait for each other: on an advisory lock of the zone, and on the restaurant's row.
#[test]
fn old_f19_f20_locks() {
    let (mut old, room, _, _) = old(4);
    old.run("delete from public.table_holds");
    let [a, b, c] = [0, 1, 2].map(|_| old.booking(room.restaurant));
    let event = waits_for(&mut old, &confirm(a, &room.tables[1..2], "key"), &confirm(b, &room.tables[2..3], "key"));
    assert_eq!(event, "advisory", "F20");
    let there = old.room_in(room.restaurant, 1);
    old.run(&format!("update public.bookings set start_at = start_at + interval '1 day', end_at = end_at + interval '1 day' where id = '{c}'"));
    let fourth = old.booking(room.restaurant);
    let event = waits_for(&mut old, &confirm(fourth, &room.tables[3..], "key"), &confirm(c, &there.tables, "key"));
    assert_eq!(event, "transactionid", "F19: another table, zone and day");
}

/// A temporary table in each call, no PREPARE TRANSACTION, several transaction ids.
#[test]
fn old_f21_temporary_table() {
    let (mut old, room, booking, _) = old(3);
    old.run("delete from public.table_holds");
    old.run("vacuum pg_catalog.pg_attribute");
    let dead = "select pg_stat_get_xact_tuples_deleted('pg_catalog.pg_attribute'::regclass)";
    old.run("begin");
    old.done(&confirm(booking, &room.tables, "key"));
    assert!(old.value::<i64>(dead) > 0, "F21: rows of the catalogue made and deleted");
    let refusal = old.try_run("prepare transaction 'f21'").expect_err("it used a temporary table");
    assert_eq!(refusal.sqlstate, "0A000", "F21");
    let again = old.booking(room.restaurant);
    old.done(&confirm(again, &room.tables, "key"));
    let spent: i64 = old.value(&format!(
        "select count(distinct t.xmin::text) from (select xmin, booking_id from public.allocations union all
         select xmin, booking_id from public.booking_table_assignments union all
         select xmin, booking_id from public.capacity_outbox union all
         select xmin, id from public.bookings) t where t.booking_id = '{again}'"
    ));
    assert!(spent > 4, "F21: {spent} transaction ids for three tables");
}

/// Anybody may call; a setting of the session switches a check off.
#[test]
fn old_f22_f23_rights_and_settings() {
    let (mut old, room, booking, _) = old(2);
    let mut stranger = old.session_as(STRANGER);
    assert_eq!(stranger.seats(&confirm(booking, &room.tables[..1], "key")).len(), 1, "F22");

    old.run("update public.restaurants set max_covers = 1");
    let next = old.booking_at(room.restaurant, at("08:00"), at("09:00"));
    let call = confirm(next, &room.tables[1..], "key");
    assert_eq!(old.refused(&call).sqlstate, "23514");
    old.run("set app.skip_capacity_check = 'on'");
    assert_eq!(old.seats(&call).len(), 1, "F23");
}

/// An event that cannot be written is lost without a word.
#[test]
fn old_f24_lost_event() {
    let (mut old, _, booking, hold) = old(1);
    let events = old.count("capacity_outbox", "true");
    old.run("alter table public.capacity_outbox rename to gone; alter table public.booking_confirmation_results rename to lost");
    assert_eq!(old.seats(&confirm_hold(hold, booking, "key")).len(), 1, "F24");
    assert_eq!(old.count("gone", "true"), events);
    assert_eq!(old.count("lost", "true"), 0);
}

/// The clean-up of a failing call takes the tables of an earlier success.
#[test]
fn old_f28_clean_up() {
    let (mut old, room, booking, _) = old(3);
    old.run("delete from public.table_holds");
    let other = old.booking(room.restaurant);
    let first = old.seats(&confirm(booking, &room.tables[..1], "first"));
    assert_eq!(first, [seat(room.tables[0], at("18:00"), at("20:00"))]);
    old.done(&confirm(other, &room.tables[1..2], "other"));
    let call = Call::new("assign_merged_tables").with("p_booking_id", booking).with("p_table_ids", &room.tables[1..]);
    assert_eq!(old.done(&call), [json!("")], "F24: the error is swallowed");
    assert_eq!(old.count("booking_table_assignments", &format!("booking_id = '{booking}'")), 0, "F28");
    assert_eq!(status(&mut old, booking), "confirmed");
}
