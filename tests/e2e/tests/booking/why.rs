//! `holdfast.why`: what became of a booking, also of what was rolled back, and what to do now.

use holdfast_e2e::{Call, Floor, Session, assign, atomic_confirm, behind, confirm};
use serde_json::Value;
use uuid::Uuid;

/// What is told, in order: source, words.
fn told(session: &mut Session, booking: Uuid, key: Option<&str>) -> Vec<Value> {
    let key = key.map_or_else(|| "null".to_owned(), |key| format!("'{key}'"));
    session.column(&format!("select to_jsonb(w) from holdfast.why('public', '{booking}', {key}) w"))
}

fn of<'a>(told: &'a [Value], source: &str) -> Vec<&'a Value> {
    told.iter().filter(|row| row["source"] == source).collect()
}

fn what(row: &Value) -> &str {
    row["what"].as_str().unwrap_or_default()
}

#[test]
fn a_refusal_that_raised_is_explained() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (first, second) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    floor.seats(&confirm(first, &room.tables, "first"));
    let refusal = floor.refused(&confirm(second, &room.tables, "second"));
    let story = told(&mut floor, second, Some("second"));
    let [row] = &story[..] else { panic!("{story:#?}") };
    assert_eq!(row["source"], "spans");
    assert!(what(row).ends_with(": allocation_conflict, rolled back"), "{row:#}");
    assert_eq!(row["detail"]["sqlstate"], refusal.sqlstate);
    assert_eq!(row["detail"]["detail"].as_str(), refusal.detail.as_deref(), "who has the table");
    assert!(row["what_to_do"].as_str().is_some_and(|advice| !advice.is_empty()));
    // Of the one that has it: the attempt, the answer, the event; with no key the history too.
    let story = told(&mut floor, first, Some("first"));
    assert!(what(of(&story, "spans")[0]).ends_with(": confirmed, committed"), "{story:#?}");
    assert_eq!(what(of(&story, "ledger")[0]), "the key is bound: confirmed");
    assert_eq!((of(&story, "outbox").len(), of(&story, "history").len()), (1, 0));
    let story = told(&mut floor, first, None);
    assert!(what(of(&story, "history")[0]).ends_with("became confirmed"), "{story:#?}");
    let instants: Vec<&str> = story.iter().filter_map(|row| row["at"].as_str()).collect();
    assert!(instants.is_sorted(), "{instants:?}");
}

#[test]
fn what_the_caller_took_back_is_explained() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.run("begin");
    floor.seats(&confirm(booking, &room.tables, "key"));
    floor.run("rollback");
    let story = told(&mut floor, booking, Some("key"));
    let [row] = &story[..] else { panic!("{story:#?}") };
    assert!(what(row).ends_with(": confirmed, rolled back"), "{row:#}");
    assert!(row["what_to_do"].as_str().is_some_and(|advice| advice.contains("with the same key")), "{row:#}");
}

#[test]
fn one_that_waits_and_one_that_ran_out_of_time_are_explained() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let mut blocker = floor.session();
    blocker.run("begin");
    blocker.run(&format!("select from public.bookings where id = '{booking}' for update"));
    let call = Call::new("atomic_confirm_and_transition_within")
        .with("p_booking_id", booking)
        .with("p_hold_id", hold)
        .with("p_idempotency_key", "key")
        .with("p_timeout_ms", 3000);
    let waiting = floor.session();
    let pending = behind(&mut floor, blocker.pid, waiting, &call);
    let story = told(&mut floor, booking, Some("key"));
    assert!(what(of(&story, "in_flight")[0]).ends_with(": in phase booking_lock"), "{story:#?}");
    let (_, answer) = pending.finish();
    assert_eq!(answer.expect("a row")[0]["outcome"], "timeout_before_confirm");
    blocker.run("rollback");
    let story = told(&mut floor, booking, Some("key"));
    let attempt = of(&story, "attempts");
    assert_eq!(what(attempt[0]), "an attempt ended in phase booking_lock: timeout_before_confirm", "{story:#?}");
    assert!(what(of(&story, "spans")[0]).ends_with(": timeout_before_confirm, committed"), "{story:#?}");
    assert!(of(&story, "in_flight").is_empty(), "{story:#?}");
}

/// What a guest or a person wrote is not told, and nobody asks but who may watch the server.
#[test]
fn it_tells_ids_and_states_and_not_everybody() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    let words = "Mrs Doe, phone 555";
    let call = confirm(booking, &room.tables[..1], "key")
        .with("p_history_reason", words)
        .with("p_history_metadata", serde_json::json!({"note": words}));
    floor.seats(&call);
    floor.done(&assign(booking, &room.tables[1..], "other"));
    floor.refused(&atomic_confirm(booking, Uuid::nil(), "third"));
    let story = told(&mut floor, booking, None);
    assert!(story.len() >= 5 && !story.iter().any(|row| row.to_string().contains("Doe")), "{story:#?}");
    let (role, owner) = (format!("watcher_{}", floor.name), format!("owner_{}", floor.name));
    floor.run(&format!(
        "create role {owner}; grant all on schema public to {owner};
         do $$ declare t regclass; begin
           for t in select oid from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')
           loop execute format('alter table %s owner to {owner}', t); end loop; end $$"
    ));
    floor.run(&format!("create role {role}; set role {role}"));
    assert_eq!(
        floor.try_run(&format!("select * from holdfast.why('public', '{booking}')")).expect_err("it may not").sqlstate,
        "42501"
    );
    floor.run(&format!("reset role; grant pg_monitor to {role}; set role {role}"));
    assert_eq!(told(&mut floor, booking, None).len(), story.len());
    assert_eq!(
        floor.try_run("select * from public.bookings").expect_err("it may not").sqlstate,
        "42501",
        "it reads for them, and gives them nothing"
    );
    floor.run(&format!(
        "reset role; drop role {role}; reassign owned by {owner} to postgres; drop owned by {owner}; drop role {owner}"
    ));
    let nothing = told(&mut floor, Uuid::nil(), None);
    assert_eq!((nothing.len(), what(&nothing[0])), (1, "nothing is known"));
}

/// A view in the place of a table would run its owner's code with a superuser's rights.
#[test]
fn where_the_bookings_are_a_superusers_only_one_may_ask() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let role = format!("watcher_{}", floor.name);
    floor.run(&format!("create role {role} in role pg_monitor"));
    floor.run(&format!("set role {role}"));
    let refusal = floor.try_run(&format!("select * from holdfast.why('public', '{booking}')")).expect_err("it may not");
    assert_eq!(refusal.sqlstate, "42501");
    assert!(refusal.message.contains("belong to a superuser"), "{refusal:?}");
    floor.run(&format!("reset role; drop role {role}"));
    assert_eq!(told(&mut floor, booking, None).len(), 1);
}

/// What became of a booking is looked up, however many there are: no table is read whole but those of a few rules.
#[test]
fn it_reads_no_table_whole() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, hold) = floor.held(&room, &room.tables[..1]);
    floor.seats(&atomic_confirm(booking, hold, "key"));
    floor.run("set enable_seqscan = off");
    for key in [None, Some("key")] {
        floor.run("begin");
        let story = told(&mut floor, booking, key);
        let read: Vec<String> = floor.column(
            "select relname::text from pg_stat_xact_all_tables where schemaname = 'public' and seq_scan > 0
             and relname not in ('holdfast_rollout', 'holdfast_hold_policy', 'holdfast_booking_statuses')",
        );
        assert_eq!(read, Vec::<String>::new(), "{story:#?}");
        floor.run("commit");
    }
    let deleted: bool = floor.value(
        "select exists (select from pg_index where indrelid = 'public.holdfast_ended_holds'::regclass
           and pg_get_indexdef(indexrelid, 1, true) = 'booking_id')",
    );
    assert!(deleted, "holds that were deleted are looked up by booking too");
}

/// Somebody who changes a table is no reason to wait: what the server remembers is told.
#[test]
fn it_waits_for_nobody() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.seats(&confirm(booking, &room.tables, "key"));
    let mut other = floor.session();
    other.run("begin; lock table public.booking_state_history in access exclusive mode");
    let story = told(&mut floor, booking, None);
    assert!(what(of(&story, "spans")[0]).ends_with(": confirmed, committed"), "{story:#?}");
    assert_eq!(of(&story, "ledger")[0]["detail"]["sqlstate"], "55P03", "{story:#?}");
    other.run("rollback");
}

#[test]
fn what_a_savepoint_took_back_is_in_flight_no_more() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (first, second) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    let mut other = floor.session();
    other.run("begin");
    other.seats(&confirm(first, &room.tables[..1], "first"));
    other.run("savepoint s");
    other.seats(&confirm(second, &room.tables[1..], "second"));
    assert_eq!(of(&told(&mut floor, second, None), "in_flight").len(), 1);
    other.run("rollback to s");
    assert_eq!(of(&told(&mut floor, second, None), "in_flight").len(), 0);
    assert_eq!(of(&told(&mut floor, first, None), "in_flight").len(), 1, "that of before is in flight still");
    other.run("commit");
    assert_eq!(of(&told(&mut floor, first, None), "in_flight").len(), 0);
}

/// A trigger may confirm another booking and take that back: the call around it is at work still.
#[test]
fn what_a_trigger_took_back_hides_no_call_around_it() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (around, within) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    let call = confirm(within, &room.tables[1..], "within").sql();
    floor.run(&format!(
        "create table public.seen (booking uuid);
         create function public.look() returns trigger language plpgsql security definer as $$ begin
           if new.booking_id <> '{around}' then return new; end if;
           begin perform * from {call}; raise 'taken back'; exception when raise_exception then null; end;
           insert into public.seen select booking_id from holdfast.in_flight where pid = pg_backend_pid();
           return new; end $$;
         create trigger look after insert on public.booking_state_history for each row execute function public.look()"
    ));
    floor.seats(&confirm(around, &room.tables[..1], "around"));
    assert_eq!(floor.column::<Uuid>("select booking from public.seen"), [around]);
}

/// The emergency brake leaves a trace, and is counted.
#[test]
fn who_is_turned_away_is_counted() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.run("set holdfast.atomic_confirm_enabled = off");
    floor.refused(&confirm(booking, &room.tables, "key"));
    let story = told(&mut floor, booking, Some("key"));
    assert!(what(of(&story, "spans")[0]).ends_with(": atomic_confirm_disabled, rolled back"), "{story:#?}");
}
