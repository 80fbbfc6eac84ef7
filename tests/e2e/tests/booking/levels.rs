//! What others commit while a call waits, or after its transaction began: looked at again, or 40001, at every level.

use std::thread;
use std::time::Duration;

use holdfast_e2e::{Call, Floor, Refusal, Session, assign, confirm, confirm_hold, fence, native};
use serde_json::Value;
use uuid::Uuid;

const LEVELS: &[&str] = &["read committed", "repeatable read", "serializable"];

/// Done, or the one additional answer that there is above READ COMMITTED.
fn assert_done_or_retry(level: &str, call: &str, answer: Result<Vec<Value>, Refusal>) {
    match answer {
        Ok(_) => {}
        Err(refused) if level != LEVELS[0] => assert_eq!(refused.sqlstate, "40001", "{level}, {call}: {refused:?}"),
        Err(refused) => panic!("{level}, {call}: {refused:?}"),
    }
}

#[test]
fn a_booking_committed_since_the_snapshot_is_never_a_missing_reference() {
    let mut floor = Floor::new();
    for level in LEVELS {
        let room = floor.room(5);
        let late = |call: &dyn Fn(&mut Floor, Uuid, Uuid) -> Call, floor: &mut Floor, table: Uuid| {
            let mut old = floor.session();
            old.run(&format!("begin isolation level {level}; select count(*) from public.bookings"));
            let booking = floor.booking(room.restaurant);
            let call = call(floor, booking, table);
            assert_done_or_retry(level, &call.sql(), old.call(&call));
        };
        let hold = |_: &mut Floor, booking: Uuid, table: Uuid| {
            Call::new("hold_tables").with("p_booking_id", booking).with("p_table_ids", vec![table])
        };
        late(&hold, &mut floor, room.tables[0]);
        late(&|_, booking, table| assign(booking, &[table], "key"), &mut floor, room.tables[1]);
        late(&|_, booking, _| fence(booking, "key"), &mut floor, room.tables[2]);
        let refusal = |_: &mut Floor, booking: Uuid, table: Uuid| {
            native("confirm_tables")
                .with("p_booking_id", booking)
                .with("p_table_ids", vec![table, Uuid::new_v4()])
                .with("p_idempotency_key", "key")
        };
        late(&refusal, &mut floor, room.tables[3]);
        // A table of yesterday's floor plan, and one of today's.
        let mut old = floor.session();
        old.run(&format!("begin isolation level {level}; select count(*) from public.bookings"));
        let new = floor.room_in(room.restaurant, 1);
        let booking = floor.booking(room.restaurant);
        assert_done_or_retry(level, "a new table", old.call(&confirm(booking, &new.tables, "key")));
    }
}

/// Runs a call in a session of its own that has to wait, lets go what it waits for, and returns the answer.
fn waiting(
    floor: &mut Floor,
    level: &str,
    call: &Call,
    let_go: impl FnOnce(&mut Floor),
) -> Result<Vec<Value>, Refusal> {
    let (server, database, call) = (floor.server().clone(), floor.name.clone(), call.clone());
    let begin = format!("begin isolation level {level}; select count(*) from public.bookings");
    let waiter = thread::spawn(move || {
        let mut session = Session::new(server.connect(&database, "waiter"));
        session.run(&begin);
        let answer = session.call(&call);
        session.run(if answer.is_ok() { "commit" } else { "rollback" });
        answer
    });
    for _ in 0..200 {
        thread::sleep(Duration::from_millis(20));
        if floor.value::<bool>("select exists (select from pg_stat_activity where application_name = 'waiter' and wait_event_type = 'Lock' and datname = current_database())") {
            break;
        }
    }
    let_go(floor);
    waiter.join().expect("a waiter that ended well")
}

#[test]
fn a_booking_that_moves_while_a_confirm_waits_is_looked_at_again() {
    let mut floor = Floor::new();
    for level in LEVELS {
        let (here, there) = (floor.room(1), floor.room(1));
        let booking = floor.booking(here.restaurant);
        floor.run(&format!(
            "begin; update public.bookings set restaurant_id = '{}' where id = '{booking}'",
            there.restaurant
        ));
        let call = confirm(booking, &there.tables, "key");
        let answer = waiting(&mut floor, level, &call, |floor| floor.run("commit"));
        assert_done_or_retry(level, "moved", answer);
        let zoned = floor.booking(here.restaurant);
        floor.run(&format!(
            "update public.bookings set start_at = null, end_at = null, booking_date = '2027-05-01', start_time = '18:00', end_time = '20:00'
             where id = '{zoned}'"
        ));
        floor.run(&format!(
            "begin; update public.restaurants set timezone = 'America/New_York' where id = '{}'; select from public.bookings where id = '{zoned}' for update",
            here.restaurant
        ));
        let answer = waiting(&mut floor, level, &confirm(zoned, &here.tables, "key"), |floor| floor.run("commit"));
        if let Ok(rows) = &answer {
            assert_eq!(rows[0]["start_at"], "2027-05-01T22:00:00+00:00", "{level}: by the zone that counts now");
        }
        assert_done_or_retry(level, "another zone", answer);
    }
}

/// The application deletes what a cancelled booking left behind, at the moment when a confirm does.
#[test]
fn a_left_over_freed_by_somebody_else_is_a_retry() {
    let mut floor = Floor::new();
    for level in LEVELS {
        let room = floor.room(1);
        let (over, next) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
        floor.seats(&confirm(over, &room.tables, "key"));
        floor.set("bookings", over, "status", "cancelled");
        floor.run(&format!("begin; delete from public.allocations where booking_id = '{over}'"));
        let call = confirm(next, &room.tables, "key");
        let refused = waiting(&mut floor, level, &call, |floor| floor.run("commit")).expect_err("too early");
        assert_eq!(refused.sqlstate, "40001", "{level}: {refused:?}");
        floor.seats(&call);
    }
}

/// What an undo frees to give tables back, and what an unassign takes away, deleted by the application at that moment.
#[test]
fn what_somebody_else_deletes_meanwhile_is_a_retry() {
    let mut floor = Floor::new();
    for level in LEVELS {
        let room = floor.room(2);
        let (booking, over) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
        floor.seats(&confirm(booking, &room.tables[..1], "first"));
        floor.seats(&confirm(booking, &room.tables[1..], "second"));
        floor.seats(&confirm(over, &room.tables[..1], "key"));
        floor.set("bookings", over, "status", "cancelled");
        floor.run(&format!("begin; delete from public.allocations where booking_id = '{over}'"));
        let undo = Call::new("undo_confirm").with("p_booking_id", booking).with("p_idempotency_key", "second");
        let refused = waiting(&mut floor, level, &undo, |floor| floor.run("commit")).expect_err("too early");
        assert_eq!(refused.sqlstate, "40001", "{level}: {refused:?}");
        assert_eq!(floor.outcome(&undo)["outcome"], "undone", "{level}");
        floor.run(&format!("begin; delete from public.allocations where booking_id = '{booking}'"));
        let unassign = holdfast_e2e::unassign(booking);
        let refused = waiting(&mut floor, level, &unassign, |floor| floor.run("commit")).expect_err("too early");
        assert_eq!(refused.sqlstate, "40001", "{level}: {refused:?}");
        assert_eq!(floor.done(&unassign).len(), 1, "{level}");
    }
}

/// What a trigger keeps from being deleted is no lost race: a retry would never end.
#[test]
fn what_a_trigger_keeps_is_no_retry() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.seats(&confirm(booking, &room.tables, "key"));
    floor.run(
        "create function public.keep() returns trigger language plpgsql as 'begin return null; end';
         create trigger keep before delete on public.allocations for each row execute function public.keep()",
    );
    let refused = floor.refused(&holdfast_e2e::unassign(booking));
    assert_eq!(refused.sqlstate, "XX000", "{refused:?}");
}

/// A ledger entry whose tables are gone makes room for the application's own rule; what else it forbids passes as it is.
#[test]
fn a_rule_of_the_applications_own_is_no_lost_race() {
    let mut floor = Floor::new();
    floor.run(
        "create unique index one_entry_a_set on public.booking_assignment_idempotency (booking_id, table_set_hash) where table_set_hash is not null",
    );
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    for key in ["k1", "k2", "k3"] {
        floor.seats(&confirm(booking, &room.tables[..1], key));
        floor.done(&holdfast_e2e::unassign(booking));
    }
    floor.seats(&confirm(booking, &room.tables[..1], "k4"));
    floor.seats(&confirm(booking, &room.tables[..1], "k5"));
    // A refusal names tables that nobody got: it takes no room.
    let refused = native("confirm_tables").with("p_booking_id", booking).with("p_idempotency_key", "k6");
    let unknown = refused.with("p_table_ids", vec![room.tables[0], Uuid::new_v4()]);
    assert_eq!(floor.outcome(&unknown)["outcome"], "tables_not_found");
    floor.run("create unique index one_a_day on public.booking_table_assignments (booking_id, assigned_by)");
    let other = floor.booking(room.restaurant);
    let call = confirm(other, &room.tables, "key").with("p_assigned_by", room.restaurant);
    let refused = floor.refused(&call);
    assert!(["23505", "P0001"].contains(&refused.sqlstate.as_str()), "{refused:?}");
    floor.run("update public.bookings set start_at = start_at + interval '1 day', end_at = end_at + interval '1 day' where status = 'pending'");
    let refused = floor.refused(&call);
    assert_eq!((refused.sqlstate.as_str(), refused.constraint.as_deref()), ("23505", Some("one_a_day")), "{refused:?}");
    let listed: Vec<String> =
        floor.column("select what from holdfast.doctor('public') where what like 'constraint one_%'");
    assert_eq!(listed, ["constraint one_a_day on booking_table_assignments"]);
}

/// Plans that were made while the tables were empty are kept: they must not read them whole later.
#[test]
fn plans_of_an_empty_house_serve_a_full_one() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    // The server plans the statements of its foreign keys itself.
    floor.run(
        "do $$ declare k record; begin
           for k in select conrelid::regclass as owner, conname from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace
           loop execute format('alter table %s drop constraint %I', k.owner, k.conname); end loop;
         end $$",
    );
    floor.run("vacuum analyze");
    let mut session = floor.session();
    let mut read: Vec<String> = Vec::new();
    for confirms in 0..120 {
        let day = format!("interval '{confirms} days'");
        let (booking, hold) = floor.held(&room, &room.tables);
        floor.run(&format!(
            "update public.bookings set start_at = start_at + {day}, end_at = end_at + {day} where id = '{booking}';
             update public.table_holds set start_at = start_at + {day}, end_at = end_at + {day} where id = '{hold}'"
        ));
        session.run("select pg_stat_force_next_flush()");
        session.run("begin");
        session.done(&confirm_hold(hold, booking, "key"));
        read.extend(session.column::<String>(
            "select relname || ': ' || seq_tup_read from pg_stat_xact_user_tables
             where schemaname = 'public' and seq_tup_read > 20",
        ));
        session.run("commit");
    }
    assert_eq!(read, Vec::<String>::new(), "rows read from beginning to end in one call");
}
