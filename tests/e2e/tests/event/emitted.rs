//! Events: what the application's own code told, and more: one for every change of a booking's tables, numbered and in order.

use std::thread;

use holdfast_e2e::{Call, Floor, Session, Sql, assign, atomic_confirm, confirm, confirm_hold, unassign};
use serde_json::{Value, json};
use uuid::Uuid;

fn undo(booking: Uuid, key: &str) -> Call {
    Call::new("undo_confirm").with("p_booking_id", booking).with("p_idempotency_key", key)
}

fn move_to(booking: Uuid, from: &str, to: &str) -> Call {
    Call::new("apply_booking_state_transition")
        .with("p_booking_id", booking)
        .with("p_status", to)
        .with("p_checked_in_at", None::<bool>)
        .with("p_checked_out_at", None::<bool>)
        .with("p_updated_at", None::<bool>)
        .with("p_history_from", from)
        .with("p_history_to", to)
        .with("p_history_changed_by", None::<Uuid>)
        .with("p_history_changed_at", None::<bool>)
        .with("p_history_reason", "guest")
}

/// What was told of a booking, in the order of versions: type, tables after, tables freed.
fn told(session: &mut Session, booking: Uuid) -> Vec<(String, Value, Value)> {
    let events: Vec<Value> = session.column(&format!(
        "select jsonb_build_array(event_type, payload -> 'tableIds', payload -> 'freedTableIds') from public.capacity_outbox
         where booking_id = '{booking}' order by (payload -> 'version')::bigint"
    ));
    let kind = |event: &Value| event[0].as_str().unwrap_or_default().trim_start_matches("capacity.").to_owned();
    events.iter().map(|event| (kind(event), event[1].clone(), event[2].clone())).collect()
}

fn assert_numbered(session: &mut Session) {
    let wrong: i64 = session.value(
        "select count(*) from public.capacity_outbox a join public.capacity_outbox b using (booking_id)
         where a.id < b.id and not coalesce((a.payload -> 'version')::bigint < (b.payload -> 'version')::bigint, false)",
    );
    assert_eq!(wrong, 0, "each event of a booking has a greater version than those before it");
    let keys: i64 = session.value("select count(*) - count(distinct dedupe_key) from public.capacity_outbox");
    assert_eq!(keys, 0, "each effect has a key of its own");
}

#[test]
fn two_calls_in_one_transaction_are_two_effects() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    floor.seats(&confirm(booking, &room.tables[..1], "k1"));
    floor.run("begin");
    floor.done(&assign(booking, &room.tables[..1], "k2"));
    for key in ["k3", "k4", "k5"] {
        floor.seats(&confirm(booking, &room.tables[..1], key));
    }
    floor.run("commit");
    let first: bool = floor.value(
        "select (array_agg(dedupe_key order by id))[1] = min(dedupe_key) and count(*) = 5 from public.capacity_outbox",
    );
    assert!(first, "the first keeps the contract's key");
    assert_numbered(&mut floor);
    let other = floor.booking(room.restaurant);
    floor.run(&format!("update public.bookings set start_at = start_at + interval '1 day', end_at = end_at + interval '1 day' where id = '{other}'"));
    floor.done(&assign(other, &room.tables[..1], "k1"));
    floor.done(&assign(other, &room.tables[1..], "k2"));
    floor.run("begin");
    for key in ["k1", "k2"] {
        assert_eq!(floor.outcome(&undo(other, key))["outcome"], "undone");
    }
    floor.run("commit");
    // There and back.
    floor.run("begin");
    for key in ["there", "and back"] {
        floor.seats(&confirm(other, &room.tables[..1], key));
        floor.seats(&confirm(other, &room.tables[1..], &format!("{key} 2")));
    }
    floor.run("commit");
    assert_numbered(&mut floor);
    for reopened in 0..3 {
        let hold = floor.hold(&room, None, &room.tables[..1]);
        floor.run("begin");
        for _ in 0..3 {
            let release = Call::new("release_hold_and_emit").with("p_hold_id", hold);
            assert_eq!(floor.done(&release), [json!(true)], "{reopened}");
            floor.run(&format!("update public.table_holds set status = 'active', expires_at = clock_timestamp() + interval '1 hour' where id = '{hold}'"));
        }
        floor.run(&format!("delete from public.table_holds where id = '{hold}'; commit"));
    }
    assert_numbered(&mut floor);
}

#[test]
fn seventy_one_tables_are_told() {
    let mut floor = Floor::new();
    let room = floor.room(71);
    let booking = floor.booking(room.restaurant);
    floor.set("bookings", booking, "party_size", Sql("100"));
    assert_eq!(floor.seats(&confirm(booking, &room.tables, "key")).len(), 71);
    assert!(floor.value::<i32>("select length(dedupe_key) from public.capacity_outbox") < 200);
    let findings: i64 = floor.value(&format!("select count(*) from public.reconcile_booking('{booking}') r, jsonb_array_elements(r.findings) f where f ->> 'finding' = 'event_missing'"));
    assert_eq!(findings, 0);
}

#[test]
fn every_change_of_a_bookings_tables_is_told() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let [one, two, three] = room.tables[..] else { panic!("three tables") };
    let booking = floor.booking(room.restaurant);
    let sync = |tables: &[Uuid], freed: &[Uuid]| ("assignment.sync".to_owned(), json!(tables), json!(freed));
    floor.seats(&confirm(booking, &[one, two], "k1"));
    floor.done(&unassign(booking).with("p_table_ids", vec![one]));
    floor.done(&unassign(booking).with("p_table_ids", vec![three]));
    floor.seats(&confirm(booking, &[three], "k2"));
    floor.done(&move_to(booking, "confirmed", "cancelled"));
    assert_eq!(
        told(&mut floor, booking),
        [sync(&[one, two], &[]), sync(&[two], &[one]), sync(&[three], &[two]), sync(&[], &[three])]
    );
    let again = floor.booking(room.restaurant);
    floor.seats(&confirm(again, &[one], "k1"));
    floor.outcome(&undo(again, "k1"));
    let undone = ("assignment.undone".to_owned(), json!([one]), Value::Null);
    assert_eq!(told(&mut floor, again), [sync(&[one], &[]), undone, sync(&[], &[one])]);
    let shown = floor.booking(room.restaurant);
    floor.seats(&confirm(shown, &[two], "k1"));
    floor.done(&move_to(shown, "confirmed", "checked_in"));
    assert_eq!(told(&mut floor, shown).len(), 1, "a move that frees nothing is no change of its tables");
    floor.done(&move_to(shown, "checked_in", "completed"));
    assert_eq!(told(&mut floor, shown)[1], sync(&[], &[two]));
    assert_numbered(&mut floor);
}

/// A consumer that deletes what it delivered leaves nothing to be found, told of or mended.
#[test]
fn an_event_that_its_consumer_deleted_is_not_missing() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    floor.run("insert into public.holdfast_reconciliation_policies values ('event_missing', 'repair')");
    let deleted = |floor: &mut Floor, table: usize| {
        let booking = floor.booking(room.restaurant);
        floor.seats(&confirm(booking, &room.tables[table..=table], "key"));
        floor.run("delete from public.capacity_outbox where status = 'pending'");
        let told: i64 = floor.value("select count(*) from holdfast.verify_commits('public')");
        let listed: i64 = floor.value(
            "select count(*) + (holdfast.audit('public')->>'violations')::bigint
             from public.holdfast_reconciliation where finding = 'event_missing'",
        );
        assert_eq!(listed, 0);
        (told, floor.count("capacity_outbox", "status = 'pending'"))
    };
    assert_eq!(deleted(&mut floor, 0), (0, 0), "nobody looks for it, and nobody tells it again");
    // Where what was delivered is kept, one that is not there was lost.
    floor.run(
        "insert into public.capacity_outbox (status, event_type, dedupe_key, attempt_count, next_attempt_at, restaurant_id)
         select 'done', 'kept', 'kept', 1, now(), id from public.restaurants limit 1",
    );
    assert_eq!(deleted(&mut floor, 1), (1, 1), "found once, and mended: told again");
}

#[test]
fn events_say_all_that_consumers_read() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.run(&format!(
        r#"update public.table_holds set metadata = '{{"orderId": 12345678901234567890123}}' where id = '{hold}'"#
    ));
    let actor = Uuid::new_v4();
    // A hold that ended early says so in its row; the event tells the deadline that it had.
    floor.run("create table deadline as select expires_at from public.table_holds");
    let rows = floor.done(&atomic_confirm(booking, hold, "key").with("p_assigned_by", actor));
    let payload = |floor: &mut Floor, kind: &str| -> Value {
        floor.value(&format!("select payload from public.capacity_outbox where event_type = 'capacity.{kind}'"))
    };
    let sync = payload(&mut floor, "assignment.sync");
    assert_eq!((&sync["mergeGroupId"], &sync["idempotencyKey"]), (&rows[0]["merge_group_id"], &json!("key")));
    let confirmed = payload(&mut floor, "hold.confirmed");
    assert_eq!((&confirmed["zoneId"], &confirmed["actorId"]), (&json!(room.zone), &json!(actor)));
    let kept: bool = floor.value(
        "select o.payload -> 'metadata' = h.metadata and (o.payload ->> 'expiresAt')::timestamptz = d.expires_at and r.metadata = h.metadata
         from public.capacity_outbox o, public.table_holds h, public.booking_confirmation_results r, deadline d where o.event_type = 'capacity.hold.confirmed'",
    );
    assert!(kept);
}

/// Contract §6: a result also without a target status; its metadata is the hold's.
/// A service that a trigger wakes is woken once a call, with all that the call tells.
#[test]
fn a_statement_trigger_hears_a_call_once() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.run(
        "create table public.heard (events bigint);
         create function public.hear() returns trigger language plpgsql
           as 'begin insert into public.heard select count(*) from told; return null; end';
         create trigger hear after insert on public.capacity_outbox referencing new table as told
           for each statement execute function public.hear()",
    );
    floor.seats(&confirm_hold(hold, booking, "key"));
    assert_eq!(floor.column::<i64>("select events from public.heard"), [2]);
}

#[test]
fn a_confirm_without_a_target_has_a_result() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.run(&format!(r#"update public.table_holds set metadata = '{{"of": "the hold"}}' where id = '{hold}'"#));
    floor.done(
        &confirm_hold(hold, booking, "key")
            .without("p_target_status")
            .with("p_history_metadata", json!({"of": "the call"})),
    );
    assert_eq!(
        floor.count(
            "booking_confirmation_results",
            &format!(r#"hold_id = '{hold}' and metadata = '{{"of": "the hold"}}'"#)
        ),
        1
    );
}

/// The application enqueues a done event again under the same key, and writes keys of any length.
#[test]
fn no_unique_key_of_ours_is_imposed_on_the_outbox() {
    let mut floor = Floor::new();
    floor.run(
        "insert into public.capacity_outbox (status, event_type, dedupe_key, restaurant_id)
         select status, 'theirs', repeat('k', 5000), gen_random_uuid() from unnest('{done,pending}'::text[]) s (status)",
    );
    floor.run("select holdfast.attach('public'); select holdfast.attach('public')");
    let missing: Vec<String> = floor.column(
        "select what from holdfast.doctor('public') where state in ('missing', 'wrong') and what like '%outbox%'",
    );
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(floor.count("capacity_outbox", "true"), 2);
}

fn claimed(session: &mut Session, consumer: &str, limit: i32) -> Vec<(Option<String>, i64)> {
    let rows = session.done(&Call::new("outbox_claim").with("p_consumer", consumer).with("p_limit", limit));
    let of = |row: &Value| (row["booking_id"].as_str().map(str::to_owned), row["id"].as_i64().expect("a number"));
    rows.iter().map(of).collect()
}

#[test]
fn the_events_of_a_booking_are_given_away_in_order() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (one, two) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    for key in ["k1", "k2"] {
        floor.seats(&confirm(one, &room.tables[..1], key));
        floor.done(&unassign(one));
    }
    floor.seats(&confirm(two, &room.tables[1..], "k1"));
    let ids: Vec<i64> =
        floor.column(&format!("select id from public.capacity_outbox where booking_id = '{one}' order by id"));
    let ack = |floor: &mut Floor, consumer: &str, id: i64| {
        floor.done(
            &Call::new("outbox_ack").with("p_ids", Sql(&format!("array[{id}]::bigint[]"))).with("p_consumer", consumer),
        )
    };
    let mut other = floor.session();
    other.run("begin");
    let first = claimed(&mut other, "a", 1);
    assert_eq!(first, [(Some(one.to_string()), ids[0])]);
    // While the first is being claimed, and while it is worked on, nobody gets the next ones.
    let of_two = claimed(&mut floor, "b", 10);
    assert_eq!(of_two.len(), 1);
    assert_eq!(of_two[0].0, Some(two.to_string()));
    other.run("commit");
    assert_eq!(claimed(&mut floor, "b", 10), []);
    // It failed and waits: so do those behind it.
    let fail =
        Call::new("outbox_fail").with("p_id", Sql(&ids[0].to_string())).with("p_error", "no").with("p_consumer", "a");
    floor.done(&fail.with("p_retry_seconds", 60));
    assert_eq!(claimed(&mut floor, "b", 10), []);
    floor.run("update public.capacity_outbox set next_attempt_at = clock_timestamp() where status = 'pending'");
    assert_eq!(claimed(&mut floor, "b", 3).iter().map(|(_, id)| *id).collect::<Vec<_>>(), ids[..3]);
    ids[..2].iter().for_each(|id| assert_eq!(ack(&mut floor, "b", *id).len(), 1));
    assert_eq!(claimed(&mut floor, "c", 10), [], "the third is open");
    floor.run(&format!("update public.capacity_outbox set status = 'dead' where id = {}", ids[2]));
    assert_eq!(claimed(&mut floor, "c", 10), [(Some(one.to_string()), ids[3])], "what is dead holds nobody up");
}

/// Many consumers, small batches, failures: no booking is ever delivered out of order.
#[test]
fn many_consumers_keep_the_order_of_each_booking() {
    let mut floor = Floor::new();
    floor.run(
        "create table public.delivered (at bigserial, booking_id uuid, version bigint);
         insert into public.capacity_outbox (event_type, dedupe_key, restaurant_id, booking_id, payload)
         select 'e', b || ':' || v, gen_random_uuid(), md5(b::text)::uuid, jsonb_build_object('version', v)
         from generate_series(1, 10) v, generate_series(1, 12) b",
    );
    let (server, database) = (floor.server().clone(), floor.name.clone());
    let relay = |number: i32| {
        let (server, database) = (server.clone(), database.clone());
        thread::spawn(move || {
            let mut session = Session::new(server.connect(&database, "relay"));
            while session.count("capacity_outbox", "status <> 'done'") > 0 {
                session.run(&format!(
                    "with c as materialized (select * from public.outbox_claim('r{number}', {}))
                     insert into public.delivered (booking_id, version) select booking_id, (payload ->> 'version')::bigint from c",
                    2 + number
                ));
                session.run(&format!(
                    "select public.outbox_ack(array(select id from public.capacity_outbox where status = 'processing' and claimed_by = 'r{number}'), 'r{number}')"
                ));
            }
        })
    };
    let relays: Vec<_> = (0..4).map(relay).collect();
    relays.into_iter().for_each(|relay| relay.join().expect("a relay that ended well"));
    let wrong: i64 = floor.value(
        "select count(*) from (select version, lag(version, 1, 0) over (partition by booking_id order by at) as before from public.delivered) d
         where version <> before + 1",
    );
    assert_eq!((wrong, floor.count("delivered", "true")), (0, 120));
}
