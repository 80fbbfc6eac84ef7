//! The kill switch: who confirms, decided by rows and by a brake, seen by every session at its next call.

use holdfast_e2e::foreign::{Foreign, MINIMAL, OLD};
use holdfast_e2e::{Call, GRANTED, Session, at, confirm, confirm_hold, native, unassign};
use uuid::Uuid;

fn adopted() -> Foreign {
    let mut old = OLD.install();
    old.adopt();
    old
}

/// Ours leaves a receipt in the ledger, the application's own functions do not.
fn by_holdfast(session: &mut Session, booking: Uuid) -> bool {
    session.value(&format!(
        "select transaction_id is not null from booking_assignment_idempotency where booking_id = '{booking}' order by created_at desc limit 1"
    ))
}

#[test]
fn rows_route_every_session_at_its_next_call() {
    let mut old = adopted();
    let room = old.room(6);
    let mut service = old.session_as(GRANTED);
    for (at, (set, ours)) in [("on", true), ("original", false), ("on", true)].into_iter().enumerate() {
        old.mode(set);
        let booking = old.booking(room.restaurant);
        assert_eq!(service.done(&confirm(booking, &room.tables[at..=at], "key")).len(), 1, "{set}");
        assert_eq!(by_holdfast(&mut old, booking), ours, "{set}");
        let status = old.get("bookings", booking, "status");
        assert_eq!(status.as_deref(), Some("confirmed"), "{set}");
    }
    // Rolled back: nothing changed. In the transaction itself: at once.
    let mut owner = old.session();
    let booking = old.booking(room.restaurant);
    owner.run("begin; update holdfast_rollout set mode = 'original'");
    owner.done(&confirm(booking, &room.tables[3..4], "key"));
    assert!(!by_holdfast(&mut owner, booking));
    owner.run("rollback");
    owner.done(&confirm(booking, &room.tables[3..4], "key"));
    assert!(by_holdfast(&mut owner, booking));
    old.run("delete from holdfast_rollout");
    let booking = old.booking(room.restaurant);
    service.done(&confirm(booking, &room.tables[4..5], "key"));
    assert!(by_holdfast(&mut old, booking));
}

#[test]
fn every_call_of_the_contract_has_the_way_back() {
    let mut old = adopted();
    old.mode("original");
    let room = old.room(4);
    let (booking, hold) = old.held(&room, &room.tables[..1]);
    old.set("table_holds", hold, "metadata", "{}");
    let mut service = old.session_as(GRANTED);
    let rows = service.done(&confirm_hold(hold, booking, "key"));
    assert_eq!(rows.len(), 1);
    assert!(rows[0]["assignment_id"].is_string(), "{rows:?}");
    assert!(!by_holdfast(&mut old, booking));
    // The original deletes the hold: its own fault shows through the switch.
    service.refused(&confirm_hold(hold, booking, "key")).says("P0002", &format!("Hold {hold} not found"));
    assert_eq!(service.done(&unassign(booking)).len(), 1);
    let single = Call::new("assign_single_table").with("p_booking_id", booking).with("p_table_id", room.tables[1]);
    service.done(&single);
    let merged =
        Call::new("assign_merged_tables").with("p_booking_id", booking).with("p_table_ids", &room.tables[2..4]);
    service.done(&merged);
    assert_eq!(old.count("booking_table_assignments", &format!("booking_id = '{booking}'")), 3);
    service.done(&Call::new("refresh_table_status").with("p_table_id", room.tables[0]));
    let (_, hold) = old.held(&room, &room.tables[..1]);
    let release = Call::new("release_hold_and_emit").with("p_hold_id", hold);
    assert_eq!(service.done(&release), [serde_json::json!(true)]);
    assert_eq!(old.count("table_holds", &format!("id = '{hold}'")), 0, "the original deletes it, ours closes it");
    // Our own search_path is back after an original, and the native call is not routed.
    let other = old.booking(room.restaurant);
    assert_eq!(
        old.outcome(
            &native("confirm_tables")
                .with("p_booking_id", other)
                .with("p_table_ids", &room.tables[..1])
                .with("p_idempotency_key", "key")
        )["outcome"],
        "confirmed"
    );
}

#[test]
fn a_key_is_answered_on_both_sides_of_the_switch() {
    let mut old = adopted();
    let room = old.room(2);
    let mut service = old.session_as(GRANTED);
    for (at, (first, second)) in [("original", "on"), ("on", "original")].into_iter().enumerate() {
        let booking = old.booking(room.restaurant);
        let call = confirm(booking, &room.tables[at..=at], "key");
        old.mode(first);
        let answer = service.done(&call);
        old.mode(second);
        assert_eq!(service.done(&call), answer, "{first}, then {second}");
        assert_eq!(old.count("booking_assignment_idempotency", &format!("booking_id = '{booking}'")), 1);
    }
}

/// The original deletes the hold; what it wrote down of it is enough to answer again.
#[test]
fn what_an_original_confirmed_by_hold_is_replayed_by_ours() {
    let mut old = adopted();
    let room = old.room(3);
    let (booking, hold) = old.held(&room, &room.tables[..2]);
    old.set("table_holds", hold, "metadata", "{}");
    let call = confirm_hold(hold, booking, "key");
    old.mode("original");
    let mut service = old.session_as(GRANTED);
    let answer = service.done(&call);
    assert_eq!(answer.len(), 2);
    old.mode("on");
    let before = old.snapshot();
    assert_eq!(service.done(&call), answer);
    assert!(old.snapshot() == before, "a replay writes nothing");
    let other = service.refused(&call.clone().with("p_window_start", at("18:00")).with("p_window_end", at("19:00")));
    other.says("P0003", &format!("assign_tables_atomic_v2 idempotency mismatch for booking {booking}"));
    let stranger = Uuid::new_v4();
    let call = confirm_hold(stranger, booking, "key");
    service.refused(&call).says("P0002", &format!("Hold {stranger} not found"));
}

#[test]
fn a_share_of_the_bookings_is_the_same_share_every_time() {
    let mut old = adopted();
    let room = old.room(1);
    let other = old.room(1);
    old.run("insert into holdfast_rollout (percentage) values (40)");
    old.run(&format!("insert into holdfast_rollout (restaurant_id) values ('{}')", other.restaurant));
    let mut service = old.session_as(GRANTED);
    let bookings: Vec<Uuid> = (0..40).map(|_| old.booking(room.restaurant)).collect();
    let mut ours = |old: &mut Foreign, booking: Uuid, table: Uuid| {
        service.done(&confirm(booking, &[table], "key"));
        let ours = by_holdfast(old, booking);
        service.done(&unassign(booking));
        old.run(&format!(
            "delete from booking_assignment_idempotency where booking_id = '{booking}'; delete from allocations where booking_id = '{booking}'; delete from booking_confirmation_results where booking_id = '{booking}';
             update bookings set status = 'pending' where id = '{booking}'"
        ));
        ours
    };
    let first: Vec<bool> = bookings.iter().map(|booking| ours(&mut old, *booking, room.tables[0])).collect();
    let share = first.iter().filter(|ours| **ours).count();
    assert!((4..=28).contains(&share), "{share} of 40 at 40 %");
    let again: Vec<bool> = bookings.iter().map(|booking| ours(&mut old, *booking, room.tables[0])).collect();
    assert_eq!(again, first);
    old.run("update holdfast_rollout set percentage = 60 where percentage = 40");
    let more: Vec<bool> = bookings.iter().map(|booking| ours(&mut old, *booking, room.tables[0])).collect();
    assert!(first.iter().zip(&more).all(|(before, after)| !before || *after), "who was in stays in");
    for _ in 0..5 {
        let booking = old.booking(other.restaurant);
        assert!(ours(&mut old, booking, other.tables[0]), "a restaurant with a row of its own");
    }
}

#[test]
fn the_switches_belong_to_the_owner_and_to_the_superuser() {
    let mut minimal = MINIMAL.install();
    minimal.run(&format!(
        "create extension holdfast cascade; grant create on schema public to {GRANTED};
         do $$ declare t regclass; begin
           for t in select oid from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
           loop execute format('alter table %s owner to {GRANTED}', t); end loop; end $$;
         select holdfast.attach('public')"
    ));
    let mut owner = minimal.session_as(GRANTED);
    owner.run("insert into public.holdfast_rollout (percentage) values (100)");
    let brake = owner.try_run("set holdfast.atomic_confirm_enabled = off").expect_err("a superuser's");
    assert_eq!(brake.sqlstate, "42501");
    let mut stranger = minimal.session_as(holdfast_e2e::STRANGER);
    for sql in [
        "insert into public.holdfast_rollout (mode) values ('original')",
        "select * from public.holdfast_rollout",
        "delete from public.holdfast_rollout",
    ] {
        assert_eq!(stranger.try_run(sql).expect_err("not theirs").sqlstate, "42501", "{sql}");
    }
    assert_eq!(
        owner
            .try_run("insert into public.holdfast_rollout (restaurant_id, percentage) values (gen_random_uuid(), 101)")
            .expect_err("a share")
            .sqlstate,
        "23514"
    );
    assert_eq!(owner.try_run("truncate public.holdfast_rollout").map_err(|refusal| refusal.sqlstate), Ok(()));
}

/// Without a legacy function every confirm of the others would be refused: so is the row.
#[test]
fn a_share_needs_something_to_leave_the_rest_to() {
    let mut minimal = MINIMAL.install();
    minimal.run("create function refresh_table_status(p_table_id uuid) returns void language sql as 'select'");
    minimal.adopt();
    minimal.run("insert into public.holdfast_rollout default values");
    for (sql, says) in [
        ("update public.holdfast_rollout set percentage = 5", "percentage 5"),
        ("update public.holdfast_rollout set mode = 'original'", "mode original"),
        (
            "insert into public.holdfast_rollout (restaurant_id, mode) values (gen_random_uuid(), 'shadow')",
            "mode shadow",
        ),
    ] {
        let refusal = minimal.try_run(sql).expect_err("nothing is kept");
        refusal.says("22023", "holdfast_rollout leaves bookings to legacy functions, and the schema keeps none");
        assert!(refusal.detail.as_deref().is_some_and(|detail| detail.contains(says)), "{refusal:?}");
    }
    // Rows of a time when there was something are refused by attach, before it changes anything.
    minimal.run("set session_replication_role = replica; update holdfast_rollout set percentage = 5; reset session_replication_role");
    minimal.renew();
    let refusal = minimal.try_run("select holdfast.attach('public')").expect_err("nothing is kept");
    refusal.says("22023", "holdfast_rollout leaves bookings to legacy functions, and the schema keeps none");
    let booking = minimal.booking("0ddba11a-0000-4000-8000-000000000001".parse().expect("an id"));
    let explain = Call::new("explain_confirm")
        .with("p_booking_id", booking)
        .with("p_table_ids", vec![Uuid::new_v4()])
        .with("p_idempotency_key", "key");
    minimal.run("set session_replication_role = replica; update holdfast_rollout set percentage = 0; reset session_replication_role");
    minimal.renew();
    let first = minimal.done(&explain).swap_remove(0);
    assert_eq!((&first["check_name"], &first["passed"]), (&"rollout".into(), &false.into()), "{first}");
    assert_eq!(first["outcome"], "atomic_confirm_disabled", "what the confirm would say");
}

/// The row is read while it is written, before it is refused: nothing of that stays with the session.
#[test]
fn a_refused_row_is_forgotten_with_it() {
    let mut minimal = MINIMAL.install();
    minimal.adopt();
    minimal.renew();
    minimal.try_run("insert into public.holdfast_rollout (percentage) values (5)").expect_err("nothing is kept");
    let room = minimal.room(1);
    let booking = minimal.booking(room.restaurant);
    minimal.done(&confirm(booking, &room.tables, "key"));
}

#[test]
fn explain_says_who_answers() {
    let mut old = adopted();
    let room = old.room(1);
    let booking = old.booking(room.restaurant);
    let explain = Call::new("explain_confirm")
        .with("p_booking_id", booking)
        .with("p_table_ids", &room.tables[..])
        .with("p_idempotency_key", "key");
    let first = |old: &mut Foreign| old.done(&explain).swap_remove(0)["check_name"].as_str().map(str::to_owned);
    assert_eq!(first(&mut old).as_deref(), Some("arguments"));
    for mode in ["original", "shadow"] {
        old.mode(mode);
        assert_eq!(first(&mut old).as_deref(), Some("rollout"), "{mode}");
        let row = old.done(&explain).swap_remove(0);
        assert!(row["passed"] == true && row["message"].as_str().is_some_and(|said| said.contains("legacy")), "{row}");
    }
}
