//! What a caller's own objects and settings can do to an answer: nothing.

use holdfast_e2e::{Call, Floor, GRANTED, Seat, Session, at, confirm, confirm_hold, seat};

/// What the caller puts in front of the server's own objects and of ours.
const SHADOWS: &str = "
    create temp table bookings (id uuid, status text);
    create temp table table_holds (id uuid);
    create temp table allocations (id uuid);
    create temp table booking_assignment_idempotency (booking_id uuid);
    create temp table pg_class (oid oid);
    create type pg_temp.uuid as (a int);
    create domain pg_temp.jsonb as text;
    create type pg_temp.booking_status as enum ('nothing');
    create function pg_temp.now() returns timestamptz language plpgsql as $$ begin raise 'now'; end $$;
    create function pg_temp.clock_timestamp() returns timestamptz language plpgsql as $$ begin raise 'clock'; end $$;
    create function evil.now() returns timestamptz language plpgsql as $$ begin raise 'now'; end $$;
    create function evil.clock_timestamp() returns timestamptz language plpgsql as $$ begin raise 'clock'; end $$;
    create function evil.tstzrange(timestamptz, timestamptz, text) returns tstzrange language plpgsql as $$ begin raise 'range'; end $$;
    create function evil.gen_random_uuid() returns uuid language plpgsql as $$ begin raise 'uuid'; end $$;
    create function evil.same(uuid, uuid) returns boolean language plpgsql as $$ begin raise 'same'; end $$;
    create function evil.meets(tstzrange, tstzrange) returns boolean language plpgsql as $$ begin raise 'meets'; end $$;
    create function evil.any_text(text, text) returns boolean language plpgsql as $$ begin raise 'text'; end $$;
    create operator evil.= (leftarg = uuid, rightarg = uuid, function = evil.same);
    create operator evil.&& (leftarg = tstzrange, rightarg = tstzrange, function = evil.meets);
    create operator evil.= (leftarg = text, rightarg = text, function = evil.any_text);
    set search_path = pg_temp, evil, public, pg_catalog;
";

/// A call whose literals name the server's types, whatever the caller's search path holds.
fn answer(caller: &mut Session, call: &Call) -> Result<Vec<Vec<Option<String>>>, holdfast_e2e::Refusal> {
    let sql = call.sql().replace("::uuid", "::pg_catalog.uuid").replace("::jsonb", "::pg_catalog.jsonb");
    caller.simple(&format!("select * from {sql}"))
}

#[test]
fn objects_of_the_caller_shadow_nothing() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let (booking, hold) = floor.held(&room, &room.tables[..2]);
    let other = floor.booking(room.restaurant);
    let name = floor.name.clone();
    floor.run(&format!(
        "create schema evil; grant all on schema evil to {GRANTED}; grant temp on database {name} to {GRANTED}"
    ));
    let mut caller = floor.session_as(GRANTED);
    caller.run(SHADOWS);
    let by_hold = confirm_hold(hold, booking, "key");
    let first = answer(&mut caller, &by_hold).expect("a confirm");
    assert_eq!(first.len(), 2);
    assert_eq!(answer(&mut caller, &by_hold).expect("its replay"), first);
    let refusal = answer(&mut caller, &confirm(other, &room.tables[1..], "key")).expect_err("a table is taken");
    refusal.says("P0001", "allocations_no_overlap");
    let take = Call::new("hold_tables").with("p_booking_id", other).with("p_table_ids", &room.tables[2..]);
    assert_eq!(answer(&mut caller, &take).expect("a hold").len(), 1);
    assert_eq!(answer(&mut caller, &holdfast_e2e::unassign(booking)).expect("tables taken away").len(), 2);
    assert_eq!(floor.get("bookings", booking, "status").as_deref(), Some("confirmed"));
    assert_eq!(floor.count("table_holds", "status = 'active'"), 1);
    let theirs = caller.simple("select pg_catalog.count(*) from pg_temp.bookings").expect("their own table");
    assert_eq!(theirs, [[Some("0".to_owned())]]);
}

/// One evening: a confirm and its replay are answered as always; returns the words of three refusals.
fn evening(floor: &mut Floor, caller: &mut Session) -> Vec<String> {
    let room = floor.room(3);
    floor.set("restaurants", room.restaurant, "timezone", "America/New_York");
    let (booking, hold) = floor.held(&room, &room.tables[..2]);
    let other = floor.booking(room.restaurant);
    let expected: Vec<Seat> = room.tables[..2].iter().map(|table| seat(*table, at("18:00"), at("20:00"))).collect();
    for _ in 0..2 {
        let seats = caller.seats(&confirm_hold(hold, booking, "key"));
        let alone: Vec<Seat> = seats.into_iter().map(|seat| Seat { merge_group: None, ..seat }).collect();
        assert_eq!(alone, expected);
    }
    let elsewhen =
        confirm(other, &room.tables[2..], "key").with("p_start_at", at("01:00")).with("p_end_at", at("02:00"));
    let refusals = [
        caller.refused(&confirm(other, &room.tables[1..], "key")),
        caller.refused(&elsewhen),
        caller.refused(&confirm(booking, &room.tables[2..], "key")),
    ];
    // Ids differ from evening to evening; the words may not.
    let ids = [booking, hold, other, room.tables[0], room.tables[1], room.tables[2]];
    let anonymous = |text: String| {
        ids.iter().enumerate().fold(text, |text, (place, id)| text.replace(&id.to_string(), &format!("#{place}")))
    };
    let words =
        |said: &holdfast_e2e::Refusal| format!("{} {} {:?} {:?}", said.sqlstate, said.message, said.detail, said.hint);
    refusals.iter().map(|said| anonymous(words(said))).collect()
}

/// Settings that a session may change, each to something unusual.
const SETTINGS: &[&str] = &[
    "set TimeZone = 'Asia/Kathmandu'",
    "set DateStyle = 'German, DMY'",
    "set DateStyle = 'SQL, MDY'",
    "set IntervalStyle = 'sql_standard'",
    "set search_path = ''",
    "set search_path = pg_temp, public",
    "set row_security = off",
    "set bytea_output = 'escape'",
    "set extra_float_digits = -15",
    "set standard_conforming_strings = off",
    "set escape_string_warning = off",
    "set backslash_quote = off",
    "set transform_null_equals = on",
    "set array_nulls = off",
    "set quote_all_identifiers = on",
    "set xmloption = document",
    "set default_transaction_isolation = 'serializable'",
    "set default_transaction_isolation = 'repeatable read'",
    "set plan_cache_mode = force_custom_plan",
    "set plan_cache_mode = force_generic_plan",
    "set enable_indexscan = off; set enable_bitmapscan = off; set enable_seqscan = off",
    "set enable_nestloop = off; set enable_hashjoin = off; set enable_sort = off",
    "set work_mem = '64kB'; set temp_buffers = '800kB'",
    "set jit = on; set jit_above_cost = 0",
    "set default_table_access_method = 'heap'; set check_function_bodies = off",
    "set statement_timeout = '30s'; set lock_timeout = '30s'; set idle_in_transaction_session_timeout = '30s'",
    "set client_min_messages = debug1",
    "set client_encoding = 'UTF8'",
    "set synchronous_commit = off",
    "set lc_time = 'C'; set lc_numeric = 'C'",
];

#[test]
fn settings_of_the_caller_change_nothing() {
    let mut floor = Floor::new();
    let mut plain = floor.session_as(GRANTED);
    let expected = evening(&mut floor, &mut plain);
    assert!(expected[1].contains("Window [2027-05-01T01:00:00Z, 2027-05-01T02:00:00Z)"), "{expected:?}");
    for setting in SETTINGS {
        let mut caller = floor.session_as(GRANTED);
        caller.run(setting);
        assert_eq!(evening(&mut floor, &mut caller), expected, "{setting}");
    }
}

/// Settings that only a superuser may change, and a role that was taken on.
#[test]
fn settings_of_a_superuser_change_nothing() {
    let mut floor = Floor::new();
    let mut plain = floor.session_as(GRANTED);
    let expected = evening(&mut floor, &mut plain);
    for setting in [
        "set session_replication_role = replica".to_owned(),
        "set session_replication_role = local".to_owned(),
        "set lc_messages = 'de_DE.UTF-8'".to_owned(),
        "set ignore_checksum_failure = on; set zero_damaged_pages = on".to_owned(),
        "set allow_system_table_mods = on".to_owned(),
        format!("set role {GRANTED}"),
    ] {
        let mut caller = floor.session();
        if caller.try_run(&setting).is_ok() {
            assert_eq!(evening(&mut floor, &mut caller), expected, "{setting}");
        } else {
            assert!(setting.contains("lc_messages"), "only a language may be missing: {setting}");
        }
    }
}
