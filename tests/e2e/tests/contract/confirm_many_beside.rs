//! Many confirms in one call, beside others: their locks, their end, their memory.

use holdfast_e2e::{
    Call, Floor, Pending, Room, Session, assert_untouched, at, behind, confirm, confirm_outcome, eventually, fence,
};
use serde_json::{Value, json};
use uuid::Uuid;

fn confirm_many(items: &[Value]) -> Call {
    Call::new("confirm_many").with("p_items", json!(items))
}

fn item(booking: Uuid, table: Uuid) -> Value {
    json!({"booking_id": booking, "table_ids": [table], "idempotency_key": "key"})
}

/// Bookings of one table, each on a day of its own, by id.
fn days(floor: &mut Session, room: &Room, number: i64) -> Vec<Uuid> {
    let day = |day| chrono::Duration::days(day);
    let mut bookings: Vec<Uuid> =
        (0..number).map(|n| floor.booking_at(room.restaurant, at("18:00") + day(n), at("20:00") + day(n))).collect();
    bookings.sort_unstable();
    bookings
}

fn done(answer: Result<Vec<Value>, holdfast_e2e::Refusal>) -> Vec<String> {
    let rows = answer.expect("an answer");
    rows.iter().map(|row| row["outcome"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Whoever waits for the first booking has no lock of any other: the list's own order does not matter.
#[test]
fn bookings_are_locked_by_id_and_tables_after_all_of_them() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let bookings = days(&mut floor, &room, 3);
    let backwards = [item(bookings[1], room.tables[0]), item(bookings[0], room.tables[1])];
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.bookings where id = '{}' for update", bookings[0]));
    let session = floor.session();
    let waiting = behind(&mut floor, blocker.pid, session, &confirm_many(&backwards));
    floor.done(&confirm(bookings[1], &room.tables[..1], "beside"));
    floor.done(&confirm(bookings[2], &room.tables[..1], "beside"));
    blocker.run("rollback");
    assert_eq!(done(waiting.finish().1), ["confirmed", "confirmed"]);
    // All bookings are locked before the first table.
    let forwards = [item(bookings[2], room.tables[1]), item(bookings[1], room.tables[0])];
    let forwards = forwards.map(|mut item| {
        item["idempotency_key"] = json!("next");
        item
    });
    blocker.run(&format!("begin; select from public.table_inventory where id = '{}' for update", room.tables[0]));
    let session = floor.session();
    let waiting = behind(&mut floor, blocker.pid, session, &confirm_many(&forwards));
    let locked = "select from public.bookings where id = any ($1) for update nowait";
    for booking in &bookings[1..] {
        let sql = locked.replace("any ($1)", &format!("any (array['{booking}']::uuid[])"));
        assert_eq!(floor.try_run(&sql).expect_err("it is locked").sqlstate, "55P03");
    }
    floor.run(&format!("select from public.table_inventory where id = '{}' for update nowait", room.tables[1]));
    blocker.run("rollback");
    assert_eq!(done(waiting.finish().1), ["confirmed", "confirmed"]);
}

/// Two lists in opposite orders, and single calls between them.
#[test]
fn lists_in_opposite_orders_do_not_deadlock() {
    const ROUNDS: usize = 12;
    let mut floor = Floor::new();
    let room = floor.room(4);
    let bookings = days(&mut floor, &room, 8);
    let call = |way: usize, round: usize| {
        let key = format!("{way} in round {round}");
        let one = |n: usize| {
            let tables = [room.tables[(n + round + way) % 4], room.tables[(n + round + 2) % 4]];
            json!({"booking_id": bookings[n], "table_ids": tables, "idempotency_key": key})
        };
        match way {
            0 => confirm_many(&(0..8).map(one).collect::<Vec<_>>()),
            1 => confirm_many(&(0..8).rev().map(one).collect::<Vec<_>>()).with("p_mode", "isolate"),
            _ => {
                let mut tables = [room.tables[(round + 3) % 4], room.tables[round % 4]];
                tables.sort_unstable();
                confirm(bookings[round % 8], &tables, &key)
            }
        }
    };
    for round in 0..ROUNDS {
        let pending: Vec<Pending> = (0..4).map(|way| Pending::start(floor.session(), &call(way, round))).collect();
        for (way, call) in pending.into_iter().enumerate() {
            let answer = call.finish().1;
            assert!(answer.is_ok() || way >= 2, "{answer:?}");
            if let Err(refusal) = answer {
                assert!(!["40P01", "40001"].contains(&refusal.sqlstate.as_str()), "{refusal:?}");
            }
        }
    }
    assert_eq!(floor.value::<i64>("select (holdfast.audit('public')->>'violations')::bigint"), 0);
}

/// A list that was answered before waits for nobody and writes nothing.
#[test]
fn replays_lock_nothing() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let bookings = days(&mut floor, &room, 3);
    let items: Vec<Value> = bookings.iter().map(|booking| item(*booking, room.tables[0])).collect();
    let mut grouped = items.clone();
    grouped.iter_mut().for_each(|item| item["group"] = json!("all"));
    assert_eq!(done(floor.call(&confirm_many(&items))), ["confirmed"; 3]);
    let mut blocker = floor.session();
    blocker.run("begin; select from public.bookings for update; select from public.table_inventory for update");
    floor.run("set lock_timeout = '2s'");
    let before = floor.snapshot();
    for call in [confirm_many(&items), confirm_many(&grouped), confirm_many(&items).with("p_mode", "isolate")] {
        assert_eq!(done(floor.call(&call)), ["confirmed"; 3]);
    }
    let unnumbered: bool = floor.value(&format!(
        "with answers as materialized (select count(*) as n from {}) select pg_current_xact_id_if_assigned() is null from answers",
        confirm_many(&items).sql()
    ));
    assert!(unnumbered, "it has no transaction id");
    blocker.run("rollback");
    assert_untouched(&mut floor, &before, "replays");
}

/// A lock that is not granted in time ends the call, in either mode: it is no item's own.
#[test]
fn a_lock_timeout_ends_the_call() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let bookings = days(&mut floor, &room, 2);
    let items: Vec<Value> = bookings.iter().map(|booking| item(*booking, room.tables[0])).collect();
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.bookings where id = '{}' for update", bookings[1]));
    floor.run("set lock_timeout = '50ms'");
    let before = floor.snapshot();
    for mode in ["raise", "isolate"] {
        let refusal = floor.refused(&confirm_many(&items).with("p_mode", mode));
        assert_eq!((refusal.sqlstate.as_str(), &refusal.detail), ("55P03", &None), "{refusal:?}");
        assert_untouched(&mut floor, &before, mode);
    }
    blocker.run("rollback");
}

/// Everybody can see that its keys are at work: of a long list by the share of its bookings, so that it does not take the
/// room of everybody's locks.
#[test]
fn its_keys_are_running() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let bookings = days(&mut floor, &room, 1);
    for others in [1, 400] {
        let mut items: Vec<Value> = (0..others).map(|_| item(Uuid::new_v4(), room.tables[0])).collect();
        items.push(item(bookings[0], room.tables[0]));
        let mut blocker = floor.session();
        blocker.run(&format!("begin; select from public.bookings where id = '{}' for update", bookings[0]));
        let session = floor.session();
        let waiting = behind(&mut floor, blocker.pid, session, &confirm_many(&items));
        let outcome = floor.outcome(&confirm_outcome(bookings[0], "key"));
        assert_eq!(outcome["outcome"], json!("running"), "{others} others: {outcome}");
        let locks: i64 = floor
            .value(&format!("select count(*) from pg_locks where pid = {} and locktype = 'advisory'", waiting.pid));
        assert!((1..=257).contains(&locks), "{locks} locks for {others} others");
        floor.run(&format!("select pg_cancel_backend({})", waiting.pid));
        assert_eq!(waiting.finish().1.expect_err("it was cancelled").sqlstate, "57014");
        blocker.run("rollback");
    }
}

/// Keys are forgotten between two looks at them, so that a group takes the locks and loses them with all that it did: what
/// comes behind it takes them again.
#[test]
fn locks_that_went_with_a_group_are_taken_again() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let bookings = days(&mut floor, &room, 3);
    let first = [item(bookings[0], room.tables[0]), item(bookings[1], room.tables[0])];
    assert_eq!(done(floor.call(&confirm_many(&first))), ["confirmed", "confirmed"]);
    let gone = json!({"booking_id": bookings[1], "hold_id": Uuid::new_v4(), "idempotency_key": "key", "group": "all"});
    let mut kept = first[0].clone();
    kept["group"] = json!("all");
    // The second look at the first key comes after that at the hold, which waits.
    let mut blocker = floor.session();
    floor.run(&format!(
        "update public.booking_assignment_idempotency set created_at = now() - interval '2 days' where booking_id = '{}'",
        bookings[0]
    ));
    blocker.run(
        "begin; lock table public.table_holds in access exclusive mode;
         select from holdfast.prune_idempotency('public', interval '1 day')",
    );
    let mut session = floor.session();
    session.run("begin");
    let list = confirm_many(&[kept, gone, item(bookings[2], room.tables[0])]);
    let waiting = behind(&mut floor, blocker.pid, session, &list);
    blocker.run("commit");
    let (mut session, answer) = waiting.finish();
    assert_eq!(done(answer), ["group_refused", "hold_not_found", "confirmed"]);
    assert_eq!(floor.outcome(&confirm_outcome(bookings[2], "key"))["outcome"], json!("running"));
    session.run("rollback");
}

/// A list beyond 256 keys that marks every share, with one booking that there is.
fn long_list(booking: Uuid, table: Uuid) -> Call {
    let mut items: Vec<Value> = (0..300).map(|n| item(Uuid::from_u128(n), table)).collect();
    items.push(item(booking, table));
    confirm_many(&items)
}

/// A long list stands for its own bookings only: whoever else has a booking locked is neither taken for it nor spared.
#[test]
fn a_long_list_is_no_holder_of_other_bookings() {
    for mode in ["raise", "isolate"] {
        let mut floor = Floor::new();
        let room = floor.room(1);
        let bookings = days(&mut floor, &room, 2);
        // Whoever only keeps their keys stands in nobody's way.
        let mut reader = floor.session();
        reader.run("begin; select from public.bookings for key share");
        let mut list = floor.session();
        list.run("begin");
        list.done(&long_list(bookings[0], room.tables[0]).with("p_mode", mode));
        assert_eq!(floor.outcome(&confirm_outcome(bookings[1], "key"))["outcome"], "never_seen", "{mode}");
        let mut blocker = floor.session();
        blocker.run(&format!("begin; select from public.bookings where id = '{}' for no key update", bookings[1]));
        let ending =
            |booking: Uuid, wait_ms: i32| fence(booking, "key").with("p_wait_ms", wait_ms).with("p_terminate", true);
        for call in [ending(bookings[1], 0), ending(bookings[1], 50), confirm_outcome(bookings[1], "key")] {
            let row = floor.outcome(&call);
            assert_eq!((&row["outcome"], &row["pid"]), (&json!("running"), &Value::Null), "{mode}: {row}");
        }
        list.value::<i32>("select 1");
        blocker.run("rollback");
        assert_eq!(floor.outcome(&fence(bookings[1], "key"))["outcome"], "fenced", "{mode}");
        // Its own booking is another matter.
        for call in [fence(bookings[0], "key"), confirm_outcome(bookings[0], "key")] {
            let row = floor.outcome(&call);
            assert_eq!((&row["outcome"], &row["pid"]), (&json!("running"), &json!(list.pid)), "{mode}: {row}");
        }
        assert_eq!(floor.outcome(&ending(bookings[0], 10_000))["outcome"], "fenced", "{mode}");
        eventually(&mut floor, &format!("select not exists (select from pg_stat_activity where pid = {})", list.pid));
        assert_eq!(floor.count("booking_table_assignments", "true"), 0, "{mode}");
    }
}

/// Whoever has the key itself is ended, whatever list is prepared beside it.
#[test]
fn a_holder_of_the_key_comes_before_a_prepared_list() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let bookings = days(&mut floor, &room, 2);
    let gid = floor.name.clone();
    floor.run("begin");
    floor.done(&long_list(bookings[0], room.tables[0]));
    floor.run(&format!("prepare transaction '{gid}'"));
    let row = floor.outcome(&confirm_outcome(bookings[0], "key"));
    assert_eq!((&row["outcome"], &row["gid"], &row["pid"]), (&json!("running"), &json!(gid), &Value::Null));
    let mut other = floor.session();
    other.run(&format!("begin; select from public.bookings where id = '{}' for update", bookings[1]));
    let session = floor.session();
    let waiting = behind(&mut floor, other.pid, session, &confirm(bookings[1], &room.tables, "key"));
    let row = floor.outcome(&fence(bookings[1], "key"));
    assert_eq!((&row["outcome"], &row["pid"]), (&json!("running"), &json!(waiting.pid)), "{row}");
    let call = fence(bookings[1], "key").with("p_terminate", true);
    assert_eq!(floor.outcome(&call)["outcome"], "running", "the lock is not its own");
    waiting.finish().1.expect_err("its session was ended");
    other.run("rollback");
    assert_eq!(floor.outcome(&call)["outcome"], "fenced");
    floor.run(&format!("rollback prepared '{gid}'"));
}

/// A cancel ends it, whatever its mode, and nothing of it stays.
#[test]
fn a_cancel_between_items_ends_all_of_it() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let bookings = days(&mut floor, &room, 60);
    let items: Vec<Value> = bookings.iter().map(|booking| item(*booking, room.tables[0])).collect();
    // Each item's trigger waits for a while, so that a few are done.
    floor.run(
        "create sequence public.seen; grant usage on sequence public.seen to public;
         create function public.slow() returns trigger language plpgsql as $$ begin
           perform nextval('public.seen'), pg_sleep(0.02); return null; end $$;
         create trigger slow after insert on public.booking_table_assignments for each row execute function public.slow()",
    );
    let before = floor.snapshot();
    for mode in ["raise", "isolate"] {
        floor.run("select setval('public.seen', 1, false)");
        let pending = Pending::start(floor.session(), &confirm_many(&items).with("p_mode", mode));
        eventually(&mut floor, "select last_value > 3 from public.seen");
        floor.run(&format!("select pg_cancel_backend({})", pending.pid));
        assert_eq!(pending.finish().1.expect_err("it was cancelled").sqlstate, "57014", "{mode}");
        assert_untouched(&mut floor, &before, mode);
    }
}

/// The memory of one item serves the next. `HOLDFAST_ITEMS` says how many there are, at most 10 000.
#[test]
fn memory_stays_flat() {
    let most = std::env::var("HOLDFAST_ITEMS").ok().and_then(|n| n.parse().ok()).unwrap_or(500);
    let mut floor = Floor::new();
    let room = floor.room(1);
    let bookings = days(&mut floor, &room, most);
    let mut items: Vec<Value> = bookings.iter().map(|booking| item(*booking, room.tables[0])).collect();
    items.iter_mut().step_by(10).for_each(|item| item["group"] = json!(item["booking_id"]));
    // How much there is when a booking is confirmed, told from inside.
    floor.run(
        "create table public.memory (place bigint generated always as identity, bytes bigint);
         grant insert, select on public.memory to public;
         create function public.measure() returns trigger language plpgsql security definer as $$ begin
           insert into public.memory (bytes) select sum(total_bytes) from pg_catalog.pg_backend_memory_contexts;
           return null; end $$;
         create trigger measure after insert on public.booking_table_assignments
           for each row execute function public.measure()",
    );
    for mode in ["isolate", "raise"] {
        floor.run("truncate public.memory restart identity");
        floor.run("begin");
        let rows = floor.done(&confirm_many(&items).with("p_mode", mode));
        assert_eq!(rows.len(), items.len());
        assert!(rows.iter().all(|row| row["outcome"] == json!("confirmed")), "{mode}");
        // Halfway through a statement there may be more for a moment: of fifty in a row, the middle one counts.
        let middle = "(percentile_disc(0.5) within group (order by bytes) filter (where place";
        let growth: i64 =
            floor.value(&format!("select {middle} > {most} - 50)) - {middle} between 50 and 99)) from public.memory"));
        println!("{mode}: {growth} bytes more after {most} items than after a hundred");
        // The server keeps a little of each subtransaction until the transaction ends.
        assert!(growth / (most - 100) < 600, "{mode}: {growth} bytes for {most} items");
        floor.run("rollback");
    }
}
