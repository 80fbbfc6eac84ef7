//! A hold ends as the application ended it (I3), and is taken as the application takes it (I4).

use holdfast_e2e::{
    Call, Floor, Room, Sql, assert_untouched, atomic_confirm, check_in, confirm, native, unassign, within,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// Triggers keep windows and mirrors of holds, constraints tie their deadlines to the booking's end and know no other mirrors.
const HABITS: &str = "
    create table public.table_hold_windows (
      hold_id uuid not null references public.table_holds (id) on delete cascade,
      table_id uuid not null, hold_window tstzrange not null, expires_at timestamptz not null,
      constraint thw_no_overlap exclude using gist (table_id with =, hold_window with &&)
    );
    create function public.keep_windows() returns trigger language plpgsql set search_path = public as $$
    begin
      insert into table_hold_windows
      select new.hold_id, new.table_id, tstzrange(h.start_at, h.end_at, '[)'), h.expires_at
      from table_holds h where h.id = new.hold_id;
      insert into allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\", shadow)
      select h.booking_id, h.restaurant_id, 'table', new.table_id, tstzrange(h.start_at, h.end_at, '[)'), true
      from table_holds h where h.id = new.hold_id;
      return new;
    end $$;
    create function public.drop_windows() returns trigger language plpgsql set search_path = public as $$
    begin
      delete from allocations a where a.shadow and a.resource_type = 'table' and a.resource_id = old.table_id;
      return old;
    end $$;
    create trigger keep_windows after insert on public.table_hold_members
      for each row execute function public.keep_windows();
    create trigger drop_windows after delete on public.table_hold_members
      for each row execute function public.drop_windows();
    do $$ declare c text; begin
      for c in select conname from pg_constraint where conrelid = 'public.allocations'::regclass and contype = 'c'
        and (pg_get_constraintdef(oid) like '%''hold''%' or pg_get_constraintdef(oid) like '%is_maintenance%')
      loop execute format('alter table public.allocations drop constraint %I', c); end loop;
    end $$;
    alter table public.allocations add constraint kinds check (resource_type in ('table', 'merge_group'));
    alter table public.table_holds add constraint th_times_consistent check (expires_at >= end_at);
    delete from public.holdfast_hold_policy;
    select holdfast.attach('public');";

/// A floor whose application deletes its holds.
fn deleting() -> (Floor, Room) {
    let mut floor = Floor::new();
    floor.run(HABITS);
    let room = floor.room(3);
    (floor, room)
}

fn take(booking: Uuid, tables: &[Uuid]) -> Call {
    Call::new("hold_tables").with("p_booking_id", booking).with("p_table_ids", tables)
}

fn hold_id(rows: &[Value]) -> Uuid {
    rows[0]["hold_id"].as_str().expect("a hold").parse().expect("an id")
}

/// What any reader could take for a hold.
fn traces(floor: &mut Floor) -> i64 {
    ["table_holds", "table_hold_members", "table_hold_windows"]
        .map(|table| floor.count(table, "true"))
        .iter()
        .sum::<i64>()
        + floor.count("allocations", "shadow")
}

#[test]
fn attach_finds_how_the_application_takes_and_ends_its_holds() {
    let (mut floor, _) = deleting();
    let policy: Value = floor.value("select to_jsonb(p) - 'id' from public.holdfast_hold_policy p");
    let expected = json!({"ending": "delete", "mirrors": false, "to_window_end": true, "longest_seconds": 604_800});
    assert_eq!(policy, expected);
    // What the owner says stays.
    floor.run("update public.holdfast_hold_policy set ending = 'close'; select holdfast.attach('public', p_rehearse => false)");
    let why: String =
        floor.value("select state || ': ' || why from holdfast.doctor('public') where what = 'ending of holds'");
    assert!(why.starts_with("risky: holdfast_hold_policy has a hold closed when it ends, although "), "{why}");
}

/// Released, expired, confirmed: nothing of a hold is left, and somebody else may hold the table at once.
#[test]
fn nothing_of_an_ended_hold_is_left() {
    let (mut floor, room) = deleting();
    let one = &room.tables[..1];
    let (first, second) = (floor.booking(room.restaurant), floor.booking(room.restaurant));

    let hold = hold_id(&floor.done(&take(first, one)));
    let until: bool = floor.value("select expires_at = end_at from public.table_holds");
    assert!(until, "the deadline that the application's constraint demands");
    floor.done(&Call::new("release_hold_and_emit").with("p_hold_id", hold));
    assert_eq!(traces(&mut floor), 0, "released");

    let hold = hold_id(&floor.done(&take(second, one)));
    floor.run("alter table public.table_holds drop constraint th_times_consistent");
    floor.set("table_holds", hold, "expires_at", Sql("clock_timestamp()"));
    // Nobody has swept yet: whoever wants the table ends it.
    let hold = hold_id(&floor.done(&take(first, one)));
    floor.set("table_holds", hold, "expires_at", Sql("clock_timestamp()"));
    floor.done(&native("sweep"));
    assert_eq!(traces(&mut floor), 0, "expired");

    let hold = hold_id(&floor.done(&take(first, one)));
    floor.done(&atomic_confirm(first, hold, "key"));
    assert_eq!(traces(&mut floor), 0, "confirmed");
    floor.done(&unassign(first));
    floor.done(&take(second, one));
    let ended: Vec<String> = floor.column("select ended from public.holdfast_ended_holds order by ended_at");
    assert_eq!(ended, ["cancelled", "expired", "expired", "confirmed"]);
    let key: Option<String> =
        floor.value(&format!("select idempotency_key from public.holdfast_ended_holds where hold_id = '{hold}'"));
    assert_eq!(key.as_deref(), Some("key"));
}

/// What became of it still makes different answers, and a replay by hold still finds its answer (G4).
#[test]
fn what_became_of_a_deleted_hold_is_remembered() {
    let (mut floor, room) = deleting();
    let (booking, other) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    let released = hold_id(&floor.done(&take(booking, &room.tables[..1])));
    floor.done(&Call::new("release_hold_and_emit").with("p_hold_id", released));
    let refusal = floor.refused(&atomic_confirm(booking, released, "one"));
    refusal.says("P0002", &format!("Hold {released} not found"));
    assert!(
        refusal.hint.as_deref().is_some_and(|hint| hint.starts_with("HF102: The hold was released. ")),
        "{refusal:?}"
    );

    let confirmed = hold_id(&floor.done(&take(booking, &room.tables[..2])));
    let call = atomic_confirm(booking, confirmed, "two");
    let first = floor.seats(&call);
    assert_eq!(floor.seats(&call), first, "a replay");
    let refusal = floor.refused(&atomic_confirm(booking, confirmed, "three"));
    refusal.says("P0002", &format!("Hold {confirmed} not found"));
    assert!(
        refusal.hint.as_deref().is_some_and(|hint| hint.starts_with("HF102: The hold was confirmed. ")),
        "{refusal:?}"
    );
    // Another hold's tables under the key: that hold is gone too, and what it stood for is remembered.
    assert_eq!(floor.refused(&atomic_confirm(booking, released, "two")).sqlstate, "P0003");

    let expired = hold_id(&floor.done(&take(other, &room.tables[2..])));
    floor.run("alter table public.table_holds drop constraint th_times_consistent");
    floor.set("table_holds", expired, "expires_at", "2026-01-01 00:00Z");
    floor.done(&native("sweep"));
    floor
        .refused(&atomic_confirm(other, expired, "four"))
        .says("P0001", &format!("Hold {expired} expired at 2026-01-01T00:00:00Z"));
    let unknown = Uuid::new_v4();
    floor.refused(&atomic_confirm(other, unknown, "five")).says("P0002", &format!("Hold {unknown} not found"));
    assert_eq!(floor.done(&Call::new("release_hold_and_emit").with("p_hold_id", expired))[0], false);
}

#[test]
fn what_became_of_holds_is_forgotten_with_the_answers() {
    let (mut floor, room) = deleting();
    let booking = floor.booking(room.restaurant);
    for table in &room.tables {
        let hold = hold_id(&floor.done(&take(booking, &[*table])));
        floor.done(&Call::new("release_hold_and_emit").with("p_hold_id", hold));
    }
    floor.run("update public.holdfast_ended_holds set ended_at = now() - interval '91 days' where table_ids[1] <> (select max(table_ids[1]::text)::uuid from public.holdfast_ended_holds)");
    let mut task = |batch: i32| -> Value {
        let rows = floor.done(&native("sweep").with("p_batch", batch));
        rows.into_iter().find(|row| row["task"] == "prune_ended_holds").expect("every task")
    };
    assert_eq!(task(1), json!({"task": "prune_ended_holds", "done": 1, "more": true, "error": null}));
    assert_eq!(task(1000)["done"], 1);
    assert_eq!(floor.count("holdfast_ended_holds", "true"), 1);
}

/// Where holds are closed, no reader of their deadline sees a live one, and the row keeps its booking untouched.
#[test]
fn a_closed_hold_looks_closed_to_every_reader() {
    let mut floor = Floor::new();
    floor.run(
        "create function public.look() returns trigger language plpgsql as $$ begin raise 'booking_id was written'; end $$;
         create trigger look before update of booking_id on public.table_holds for each row
           when (old.booking_id is not null) execute function public.look()",
    );
    let room = floor.room(2);
    let (booking, other) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    let confirmed = hold_id(&floor.done(&take(booking, &room.tables[..1])));
    let released = hold_id(&floor.done(&take(other, &room.tables[1..])));
    floor.done(&atomic_confirm(booking, confirmed, "key"));
    floor.done(&Call::new("release_hold_and_emit").with("p_hold_id", released));
    assert_eq!(floor.count("table_holds", "expires_at <= clock_timestamp()"), 2);
    assert_eq!(floor.count("allocations", "shadow"), 0);
    let audit: Value = floor.value("select holdfast.audit('public')");
    assert_eq!(audit["broken"].as_i64().unwrap_or_default(), 0, "confirmed in time, although closed early: {audit}");
}

/// An exclusion of the application's own, seen only when we write, is the contract's hold conflict.
#[test]
fn a_window_that_only_a_constraint_knows_is_a_hold_conflict() {
    let (mut floor, room) = deleting();
    let booking = floor.booking(room.restaurant);
    let (_, stray) = floor_hold(&mut floor, &room);
    floor.run(&format!(
        "insert into public.table_hold_windows values ('{stray}', '{}', '[2027-05-01 17:00Z,2027-05-01 21:00Z)', now())",
        room.tables[0]
    ));
    let before = floor.snapshot();
    let refusal = floor.refused(&take(booking, &room.tables[..1]));
    refusal.says("P0001", &format!("Hold conflict prevents assignment for booking {booking}"));
    let detail = refusal.detail.as_deref().unwrap_or_default();
    assert!(detail.starts_with("Constraint thw_no_overlap of table_hold_windows: Key (table_id"), "{refusal:?}");
    assert_untouched(&mut floor, &before, "the conflict");
}

/// A hold on the last table, by another booking.
fn floor_hold(floor: &mut Floor, room: &Room) -> (Uuid, Uuid) {
    let booking = floor.booking(room.restaurant);
    let hold = hold_id(&floor.done(&take(booking, &room.tables[2..])));
    (booking, hold)
}

/// A move to a status that holds no tables ends the booking's holds (K11); a booking that was cancelled behind our back does
/// not keep its tables from others either.
#[test]
fn a_cancelled_booking_holds_nothing() {
    for ending in ["close", "delete"] {
        let mut floor = Floor::new();
        floor.run(&format!("update public.holdfast_hold_policy set ending = '{ending}'"));
        let room = floor.room(1);
        let (booking, other) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
        floor.done(&take(booking, &room.tables));
        let cancel = check_in(booking, "pending").with("p_status", "cancelled").with("p_history_to", "cancelled");
        floor.done(&cancel.with("p_checked_in_at", None::<bool>));
        assert_eq!(floor.count("table_holds", "status = 'active'"), 0, "{ending}");
        assert_eq!(floor.count("allocations", "true"), 0, "{ending}: the mirror");
        assert_eq!(floor.count("capacity_outbox", "event_type = 'capacity.hold.released'"), 1);
        floor.done(&take(other, &room.tables));
        floor.set("bookings", other, "status", "cancelled");
        let third = floor.booking(room.restaurant);
        floor.done(&take(third, &room.tables));
        floor.done(&confirm(third, &room.tables, "key"));
    }
}

/// A refusal that the hold can never overcome hands it back; one that may pass keeps it (K12).
#[test]
fn a_final_refusal_hands_the_hold_back() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, hold) = floor.held(&room, &room.tables[..1]);
    floor.set("table_inventory", room.tables[0], "active", false);
    let row = floor.outcome(&within(booking, hold, "key", 5000));
    assert_eq!((&row["outcome"], &row["hold_released"]), (&json!("table_inactive"), &json!(true)));
    assert_eq!(floor.get("table_holds", hold, "status").as_deref(), Some("cancelled"));

    let (booking, hold) = floor.held(&room, &room.tables[1..]);
    let (theirs, _) = floor.held(&room, &room.tables[1..]);
    let row = floor.outcome(&within(booking, hold, "key", 5000));
    assert_eq!((&row["outcome"], &row["hold_released"]), (&json!("hold_conflict"), &json!(false)));
    // A key's mistake is not the hold's.
    let row = floor.outcome(&within(theirs, hold, "key", 5000));
    assert_eq!((&row["outcome"], &row["hold_released"]), (&json!("hold_of_other_booking"), &json!(false)));
    assert_eq!(floor.get("table_holds", hold, "status").as_deref(), Some("active"));
}
