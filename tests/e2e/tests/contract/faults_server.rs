//! The faults of contract §5 that are about the server around a call: locks, catalogue, rights, settings, missing tables.
//! Each test does the reproduction given there.

use holdfast_e2e::{Call, Floor, GRANTED, Room, STRANGER, Session, assert_untouched, confirm, confirm_hold, native};
use uuid::Uuid;

/// pgcrypto in another schema.
#[test]
fn f18_pgcrypto_is_not_needed() {
    let mut floor = Floor::new();
    let missing =
        "select exists (select from pg_available_extensions where name = 'pgcrypto' and installed_version is null)";
    if floor.value::<bool>(missing) {
        floor.run("create schema crypto; create extension pgcrypto schema crypto");
    }
    assert!(floor.value::<bool>("select to_regprocedure('public.digest(text, text)') is null"));
    floor.run(
        "create function public.digest(text, text) returns bytea language plpgsql as $$ begin raise 'called'; end $$;
         create function public.digest(bytea, text) returns bytea language plpgsql as $$ begin raise 'called'; end $$",
    );
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    assert_eq!(floor.seats(&confirm_hold(hold, booking, "key")).len(), 1);
}

/// Confirms in two open transactions, crosswise: none may wait for the other.
fn confirms_do_not_wait(floor: &mut Floor, first: [(Uuid, Uuid); 2], second: [(Uuid, Uuid); 2]) {
    let (mut one, mut two) = (floor.session(), floor.session());
    for session in [&mut one, &mut two] {
        session.run("begin; set local lock_timeout = '5s'");
    }
    for turn in 0..2 {
        for (session, (booking, table)) in [(&mut one, first[turn]), (&mut two, second[turn])] {
            assert_eq!(session.seats(&confirm(booking, &[table], "key")).len(), 1);
            // The lock by which an attempt is seen is shared: nobody waits for it.
            let advisory = format!(
                "select count(*) from pg_locks where locktype = 'advisory' and mode <> 'ShareLock' and pid = {}",
                session.pid
            );
            assert_eq!(session.value::<i64>(&advisory), 0);
        }
    }
    let pids = format!("{}, {}", one.pid, two.pid);
    let waiting = format!("select count(*) from pg_locks where not granted and pid in ({pids})");
    assert_eq!(floor.value::<i64>(&waiting), 0);
    one.run("commit");
    two.run("commit");
}

/// Four bookings of a restaurant, each with a table.
fn wishes(session: &mut Session, rooms: [&Room; 4]) -> [(Uuid, Uuid); 4] {
    let mut place = 0;
    rooms.map(|room| {
        place += 1;
        (session.booking(room.restaurant), room.tables[place - 1])
    })
}

/// Two confirms in one restaurant, other table, zone and day.
#[test]
fn f19_other_tables_of_a_restaurant_do_not_wait() {
    let mut floor = Floor::new();
    let here = floor.room(4);
    let there = floor.room_in(here.restaurant, 4);
    let [a, b, c, d] = wishes(&mut floor, [&here, &there, &here, &there]);
    floor.run(&format!(
        "update public.bookings set start_at = start_at + interval '1 day', end_at = end_at + interval '1 day'
         where id in ('{}', '{}')",
        b.0, d.0
    ));
    confirms_do_not_wait(&mut floor, [a, c], [b, d]);
}

/// The restaurant's row can be changed while a confirm is open: no lock that anybody would feel is on it.
#[test]
fn f19_the_restaurants_row_is_not_locked() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let mut other = floor.session();
    floor.run("begin");
    floor.done(&confirm(booking, &room.tables, "key"));
    other.run(
        "set lock_timeout = '1s'; update public.restaurants set timezone = timezone; update public.zones set restaurant_id = restaurant_id",
    );
    floor.run("commit");
}

/// Two confirms in one zone in the same hour, disjoint tables.
#[test]
fn f20_disjoint_tables_of_a_zone_do_not_wait() {
    let mut floor = Floor::new();
    let room = floor.room(4);
    let [a, b, c, d] = wishes(&mut floor, [&room; 4]);
    confirms_do_not_wait(&mut floor, [a, c], [b, d]);
}

/// Each call made and dropped a temporary table.
#[test]
fn f21_a_confirm_leaves_the_catalogue_alone_and_can_be_prepared() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let (booking, hold) = floor.held(&room, &room.tables);
    let count = "select row((select count(*) from pg_class), (select count(*) from pg_attribute),
                 (select count(*) from pg_type), (select count(*) from pg_depend), (select count(*) from pg_namespace))::text";
    let before: String = floor.value(count);
    floor.run("begin");
    let answer = floor.done(&confirm_hold(hold, booking, "key"));
    assert_eq!(floor.value::<String>(count), before);
    let gid = format!("{}_f21", floor.name);
    floor.run(&format!("prepare transaction '{gid}'"));
    assert_eq!(floor.get("bookings", booking, "status").as_deref(), Some("pending"), "not yet");
    floor.run(&format!("commit prepared '{gid}'"));
    assert_eq!(floor.get("bookings", booking, "status").as_deref(), Some("confirmed"));
    assert_eq!(floor.done(&confirm_hold(hold, booking, "key")), answer);
    assert_eq!(floor.value::<String>(count), before);
}

/// Any role could execute.
#[test]
fn f22_only_granted_roles_may_call() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let call = confirm(booking, &room.tables, "key");
    let mut stranger = floor.session_as(STRANGER);
    assert_eq!(stranger.refused(&call).sqlstate, "42501");
    let mut granted = floor.session_as(GRANTED);
    assert_eq!(granted.seats(&call).len(), 1);
}

/// A session setting switched a capacity check off.
#[test]
fn f23_no_setting_of_a_session_switches_a_check_off() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.set("bookings", booking, "party_size", 12);
    let mut caller = floor.session_as(GRANTED);
    let ours: Vec<String> =
        caller.column("select name from pg_settings where name like 'holdfast.%' and context in ('user', 'backend')");
    // They say on whose behalf a call comes, and to which trace it belongs; no check reads them.
    assert_eq!(ours, ["holdfast.path", "holdfast.traceparent"], "settings that any session may change");
    caller.run("set holdfast.path = 'background'");
    for prefix in ["app", "capacity", "feature", "booking", "holdfast"] {
        for name in ["capacity_check", "skip_capacity", "strict", "enforce_capacity", "allow_overbooking", "bypass"] {
            for value in ["off", "on"] {
                // A name under our own prefix may be refused outright.
                let _ = caller.try_run(&format!("set {prefix}.{name} = '{value}'"));
            }
        }
    }
    let refusal = caller.refused(&confirm(booking, &room.tables, "key"));
    assert_eq!(refusal.code("HF511").sqlstate, "23514");
}

/// The outbox or the result table fails: the confirm fails with it, whole, and in the server's words.
#[test]
fn f24_an_event_that_cannot_be_written_is_not_swallowed() {
    let mut floor = Floor::new();
    for table in ["capacity_outbox", "booking_confirmation_results"] {
        let room = floor.room(1);
        let (booking, hold) = floor.held(&room, &room.tables);
        let call = confirm_hold(hold, booking, "key");
        let before = floor.snapshot();
        floor.run(&format!("alter table public.{table} add check (false) not valid"));
        let refusal = floor.refused(&call);
        assert_eq!((refusal.sqlstate.as_str(), refusal.table.as_deref()), ("23514", Some(table)));
        assert_untouched(&mut floor, &before, table);
        floor.run(&format!("alter table public.{table} drop constraint {table}_check"));
        assert_eq!(floor.seats(&call).len(), 1);
        assert!(floor.count(table, &format!("booking_id = '{booking}'")) > 0);
    }
}

/// The outbox or the result table is missing from the start: known when the schema is attached, and no error.
#[test]
fn f24_an_application_may_go_without_optional_tables() {
    let mut floor = Floor::bare();
    floor.run(&format!(
        "create extension holdfast cascade; select holdfast.create_reference_schema('public');
         drop table public.capacity_outbox, public.booking_confirmation_results, public.table_adjacencies,
           public.booking_slots cascade;
         select holdfast.attach('public', array['{GRANTED}'])"
    ));
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let answer = floor.done(&confirm_hold(hold, booking, "key"));
    assert_eq!(floor.done(&confirm_hold(hold, booking, "key")), answer);
    assert_eq!(floor.get("bookings", booking, "status").as_deref(), Some("confirmed"));
}

/// The outbox or the result table is lost after the schema was attached: the event may not be lost with it.
#[test]
fn f24_a_table_that_was_lost_is_not_passed_over() {
    let mut floor = Floor::new();
    for table in ["capacity_outbox", "booking_confirmation_results"] {
        let room = floor.room(1);
        let (booking, hold) = floor.held(&room, &room.tables);
        floor.run(&format!("alter table public.{table} rename to gone"));
        let before = floor.snapshot();
        let refusal = floor.refused(&confirm_hold(hold, booking, "key"));
        assert!(!["42P01", "42883"].contains(&refusal.sqlstate.as_str()), "taken for not installed: {refusal:?}");
        assert_untouched(&mut floor, &before, table);
        floor.run(&format!("alter table public.gone rename to {table}"));
        assert_eq!(floor.seats(&confirm_hold(hold, booking, "key")).len(), 1);
    }
}

/// The native calls say what happened in the same way: as a row, or as an error of the server.
#[test]
fn f24_a_native_call_does_not_swallow_it_either() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.run("alter table public.capacity_outbox add check (false) not valid");
    let call: Call = native("confirm_tables")
        .with("p_booking_id", booking)
        .with("p_table_ids", &room.tables)
        .with("p_idempotency_key", "key");
    let before = floor.snapshot();
    let refusal = floor.refused(&call);
    assert_eq!((refusal.sqlstate.as_str(), refusal.table.as_deref()), ("23514", Some("capacity_outbox")));
    assert_untouched(&mut floor, &before, "the failed native call");
}
