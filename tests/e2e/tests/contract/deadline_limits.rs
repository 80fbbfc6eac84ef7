//! Limits as people set them: none, nonsense, huge; inside each other; beside the server's own.

use holdfast_e2e::{Floor, Pending, Sql, assert_untouched, atomic_confirm, behind, eventually, within};
use serde_json::{Value, json};

#[test]
fn null_is_no_limit_and_a_huge_one_is_cut_down() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, hold) = floor.held(&room, &room.tables[..1]);
    let unlimited = within(booking, hold, "key", 1).with("p_timeout_ms", Sql("null"));
    assert_eq!(floor.outcome(&unlimited)["outcome"], "confirmed");
    let (booking, hold) = floor.held(&room, &room.tables[1..]);
    assert_eq!(floor.outcome(&within(booking, hold, "key", i32::MAX))["outcome"], "confirmed");
}

#[test]
fn a_limit_of_nothing_is_refused() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let before = floor.snapshot();
    for limit in [0, -1, i32::MIN] {
        let row = floor.outcome(&within(booking, hold, "key", limit));
        assert_eq!(
            (&row["outcome"], &row["phase"], &row["attempts"]),
            (&json!("argument_invalid"), &json!("arguments"), &json!(0))
        );
    }
    let row = floor.outcome(&within(booking, hold, "  ", 100));
    assert_eq!((&row["outcome"], &row["phase"]), (&json!("key_blank"), &json!("arguments")));
    assert_untouched(&mut floor, &before, "nonsense");
}

/// A statement_timeout that comes first is the server's to report; afterwards the session is as before.
#[test]
fn a_shorter_statement_timeout_stays_what_it_is() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    let before = floor.snapshot();
    floor.run("set statement_timeout = '60ms'");
    let refusal = floor.refused(&within(booking, hold, "key", 10_000));
    refusal.says("57014", "canceling statement due to statement timeout");
    floor.run("set statement_timeout = '60s'");
    assert_untouched(&mut floor, &before, "a statement timeout");
    blocker.run("rollback");
    assert_eq!(floor.outcome(&within(booking, hold, "key", 5000))["outcome"], "confirmed");
}

#[test]
fn a_cancel_by_the_user_stays_a_cancel() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    let session = floor.session();
    let pending = behind(&mut floor, blocker.pid, session, &within(booking, hold, "key", 20_000));
    floor.run(&format!("select pg_cancel_backend({})", pending.pid));
    let (_, answer) = pending.finish();
    answer.expect_err("a cancel").says("57014", "canceling statement due to user request");
}

/// The timer of a call that has ended strikes nobody.
#[test]
fn a_timer_ends_with_its_call() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    for table in &room.tables {
        let (booking, hold) = floor.held(&room, &[*table]);
        assert_eq!(floor.outcome(&within(booking, hold, "key", 150))["outcome"], "confirmed");
    }
    floor.run("select pg_sleep(0.3)");
}

#[test]
fn a_timeout_leaves_the_transaction_and_its_savepoints_usable() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, hold) = floor.held(&room, &room.tables);
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    let other = floor.booking(room.restaurant);
    floor.run("begin; savepoint a");
    floor.set("bookings", other, "party_size", 3);
    floor.run("savepoint b");
    assert_eq!(floor.outcome(&within(booking, hold, "key", 50))["outcome"], "timeout_before_confirm");
    floor.run("rollback to b");
    assert_eq!(floor.count("holdfast_attempts", "true"), 0, "rolled back with its savepoint");
    assert_eq!(floor.outcome(&within(booking, hold, "key", 50))["outcome"], "timeout_before_confirm");
    floor.run("release a; commit");
    assert_eq!(floor.get("bookings", other, "party_size").as_deref(), Some("3"));
    assert_eq!(floor.count("holdfast_attempts", "true"), 1);
    blocker.run("rollback");
}

#[test]
fn inside_a_block_that_catches_errors() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    floor.run(
        "create function public.caller(call text) returns jsonb language plpgsql as $$
         declare answer jsonb; begin
           begin execute 'select to_jsonb(a) from ' || call || ' a' into answer;
           exception when others then answer := jsonb_build_object('caught', sqlstate); end;
           perform 1 / 1; return answer; end $$",
    );
    let ask = |call: &str| format!("select public.caller('{}')", call.replace('\'', "''"));
    let row: Value = floor.value(&ask(&within(booking, hold, "key", 50).sql()));
    assert_eq!(row["outcome"], "timeout_before_confirm", "{row}");
    blocker.run("rollback");
    let expired = floor.hold(&room, Some(booking), &room.tables);
    let row: Value = floor.value(&ask(&within(booking, expired, "key", 5000).sql()));
    assert_eq!(row["outcome"], "confirmed", "{row}");
    let row: Value = floor.value(&ask(&atomic_confirm(booking, expired, "other").sql()));
    assert_eq!(row["caught"], "P0002", "{row}");
}

/// A trigger that confirms another booking with a limit of its own, inside ours.
fn nested(floor: &mut Floor, limit_ms: i32) -> (holdfast_e2e::Call, uuid::Uuid) {
    let room = floor.room(2);
    let (outer, outer_hold) = floor.held(&room, &room.tables[..1]);
    let (inner, inner_hold) = floor.held(&room, &room.tables[1..]);
    floor.run(&format!(
        "create table public.inside (answer jsonb);
         create function public.nested() returns trigger language plpgsql as $$ begin
           if new.id = '{outer}' and new.status = 'confirmed' then
             insert into public.inside select to_jsonb(a) from {} a;
           end if; return new; end $$;
         create trigger nested after update on public.bookings for each row execute function public.nested()",
        within(inner, inner_hold, "inner", limit_ms).sql()
    ));
    (within(outer, outer_hold, "outer", 200), inner)
}

#[test]
fn the_shorter_limit_inside_ends_only_what_is_inside() {
    let mut floor = Floor::new();
    let (call, inner) = nested(&mut floor, 50);
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.bookings where id = '{inner}' for update"));
    let row = floor.outcome(&call.with("p_timeout_ms", 5000));
    assert_eq!(row["outcome"], "confirmed", "{row}");
    assert_eq!(floor.value::<String>("select answer ->> 'outcome' from public.inside"), "timeout_before_confirm");
    blocker.run("rollback");
}

#[test]
fn the_shorter_limit_outside_ends_both() {
    let mut floor = Floor::new();
    let (call, inner) = nested(&mut floor, 20_000);
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.bookings where id = '{inner}' for update"));
    let row = floor.outcome(&call);
    assert_eq!(row["outcome"], "timeout_before_confirm", "{row}");
    assert_eq!(floor.count("inside", "true"), 0);
    blocker.run("rollback");
    assert_eq!(floor.count("booking_table_assignments", "true"), 0);
}

#[test]
fn a_lock_timeout_is_tried_again_inside_the_limit() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    floor.run("set lock_timeout = '20ms'; set holdfast.retry_limit = 2");
    let row = floor.outcome(&within(booking, hold, "key", 10_000));
    assert_eq!((&row["outcome"], &row["attempts"]), (&json!("lock_timeout"), &json!(3)), "{row}");
    assert!(row["retry_after_ms"].as_i64().is_some_and(|ms| ms >= 100), "{row}");
    let mut session = floor.session();
    session.run("set lock_timeout = '100ms'; set holdfast.retry_limit = 100");
    let pending = Pending::start(session, &within(booking, hold, "key", 20_000));
    eventually(
        &mut floor,
        &format!("select exists (select from pg_stat_activity where pid = {} and wait_event = 'PgSleep')", pending.pid),
    );
    blocker.run("rollback");
    let row = pending.finish().1.expect("a row").remove(0);
    assert_eq!(row["outcome"], "confirmed", "{row}");
    assert!(row["attempts"].as_i64().is_some_and(|tries| tries > 1), "{row}");
}

/// Two that lock in opposite order: the attempt gives way, and tries again once the other is gone.
#[test]
fn a_deadlock_is_tried_again_inside_the_limit() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let mut other = floor.session();
    other.run("set deadlock_timeout = '30s'; begin");
    other.run(&format!("select from public.table_inventory where id = '{}' for update", room.tables[0]));
    let mut session = floor.session();
    session.run("set deadlock_timeout = '50ms'");
    let pending = behind(&mut floor, other.pid, session, &within(booking, hold, "key", 20_000));
    other.run(&format!("select from public.bookings where id = '{booking}' for update"));
    other.run("commit");
    let row = pending.finish().1.expect("a row").remove(0);
    assert_eq!(row["outcome"], "confirmed", "{row}");
    assert!(row["attempts"].as_i64().is_some_and(|tries| tries > 1), "{row}");
}

/// Above READ COMMITTED a lost race is the caller's to retry; until they roll back, the row is all they need.
#[test]
fn a_lost_race_above_read_committed_is_returned() {
    for level in ["repeatable read", "serializable"] {
        let mut floor = Floor::new();
        let room = floor.room(1);
        let (booking, hold) = floor.held(&room, &room.tables);
        let mut session = floor.session();
        session.run(&format!("begin isolation level {level}; select from public.bookings"));
        floor.set("bookings", booking, "party_size", 3);
        let row = session.outcome(&within(booking, hold, "key", 5000));
        assert_eq!((&row["outcome"], &row["sqlstate"]), (&json!("serialization_failure"), &json!("40001")), "{row}");
        assert!(row["retry_after_ms"].as_i64().is_some_and(|ms| ms >= 100), "{row}");
        assert_eq!((&row["attempts"], &row["hold_released"]), (&json!(1), &json!(false)));
        session.run("rollback");
        session.run(&format!("begin isolation level {level}"));
        assert_eq!(session.outcome(&within(booking, hold, "key", 5000))["outcome"], "confirmed");
        session.run("commit");
    }
}
