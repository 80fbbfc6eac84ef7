//! What one call costs: transaction ids, catalogue rows, statements, locks and log. Nothing here grows with the tables.

mod call_costs;

use std::sync::{Mutex, MutexGuard};

use holdfast_e2e::foreign::OLD;
use holdfast_e2e::{Call, Floor, at, confirm, confirm_hold};
use uuid::Uuid;

/// Counters of the whole server are read here: one test at a time, and the smallest of several measurements, because
/// others can only add to them.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

const TRIES: usize = 10;

/// A floor with the statistics of statements at hand.
fn floor_with_statistics() -> Floor {
    let mut floor = Floor::new();
    floor.run("create extension pg_stat_statements");
    floor
}

/// A booking of two with a hold on as many tables of a new room.
fn held(floor: &mut Floor, tables: usize) -> (Uuid, Uuid) {
    let room = floor.room(tables);
    floor.held(&room, &room.tables)
}

/// The statements that a call makes, with their buffers and log; those of foreign keys are the server's own.
struct Cost {
    statements: i64,
    buffers: i64,
    log_bytes: i64,
    texts: Vec<String>,
}

fn cost(floor: &mut Floor, call: &Call) -> Cost {
    cost_reset(floor);
    floor.done(call);
    cost_read(floor)
}

fn cost_reset(floor: &mut Floor) {
    floor.run("select pg_stat_statements_reset(0, oid, 0)::text from pg_database where datname = current_database()");
}

fn cost_read(floor: &mut Floor) -> Cost {
    let row = floor
        .client
        .query_one(
            "select coalesce(sum(s.calls), 0)::bigint, coalesce(sum(s.shared_blks_hit + s.shared_blks_read), 0)::bigint,
                    coalesce(sum(s.wal_bytes), 0)::bigint, coalesce(array_agg(left(s.query, 60) || ' x ' || s.calls), '{}')
             from pg_stat_statements s join pg_database d on d.oid = s.dbid and d.datname = current_database()
             where not s.toplevel and s.query !~ '^(SELECT \\S+|UPDATE) .*ONLY '",
            &[],
        )
        .expect("pg_stat_statements is preloaded and tracks all");
    Cost { statements: row.get(0), buffers: row.get(1), log_bytes: row.get(2), texts: row.get(3) }
}

/// A call that did what it should in at most so many statements, each of which says its name at its beginning.
fn assert_statements(cost: &Cost, most: i64) {
    assert!(cost.statements <= most, "{} statements: {:#?}", cost.statements, cost.texts);
    let named = |text: &str| text.split_once("/* holdfast.").is_some_and(|(before, _)| before.trim().len() <= 6);
    let unnamed: Vec<&String> = cost.texts.iter().filter(|text| !named(text)).collect();
    assert!(unnamed.is_empty(), "statements without a name: {unnamed:#?}");
}

/// The first calls of a session plan; what is measured is the one that applications see all evening.
fn warm_up(floor: &mut Floor, tables: usize) {
    for _ in 0..6 {
        let (booking, hold) = held(floor, tables);
        floor.done(&confirm_hold(hold, booking, "key"));
    }
}

#[test]
fn rows_that_their_indexes_find_are_written_without_a_statement() {
    let _alone = alone();
    for counts in statements("auto", 0, 0) {
        assert_eq!(counts, (0, 0));
    }
}

/// An application whose triggers stamp what is updated, note it, and refresh the status of tables by our own function.
#[test]
fn triggers_of_an_application_start_no_statement_of_ours() {
    let _alone = alone();
    let mut old = OLD.install();
    old.adopt();
    old.run("create extension pg_stat_statements");
    let room = old.room(1);
    let evening = |day: i64| {
        let day = chrono::Duration::days(day);
        (at("18:00") + day, at("20:00") + day)
    };
    for day in 0..6 {
        let (from, until) = evening(day);
        let booking = old.booking_at(room.restaurant, from, until);
        old.done(&confirm(booking, &room.tables, "key"));
    }
    let (from, until) = evening(6);
    let booking = old.booking_at(room.restaurant, from, until);
    let texts = cost(&mut old, &confirm(booking, &room.tables, "key")).texts;
    let ours: Vec<&String> = texts.iter().filter(|text| text.contains("/* holdfast.")).collect();
    assert!(texts.iter().any(|text| text.contains("audit_log")), "its triggers ran: {texts:#?}");
    assert!(ours.is_empty(), "{ours:#?}");
}

#[test]
fn the_number_of_statements_does_not_grow_with_the_tables() {
    let _alone = alone();
    let counts = statements("sql", 22, 1);
    // Several tables are a group, which one has not.
    let alike = counts[1..].iter().all(|count| *count == counts[1]) && counts[0] == (counts[1].0 - 1, counts[1].1);
    assert!(alike, "fresh and replay, for 1, 2, 4 and 8 tables: {counts:?}");
}

/// Of a confirm by hold and of its replay, for 1, 2, 4 and 8 tables.
fn statements(path: &str, most: i64, of_replay: i64) -> Vec<(i64, i64)> {
    let mut floor = floor_with_statistics();
    floor.run(&format!("set holdfast.access_path = {path}"));
    let mut counts = Vec::new();
    for tables in [1, 2, 4, 8] {
        warm_up(&mut floor, tables);
        let (booking, hold) = held(&mut floor, tables);
        let call = confirm_hold(hold, booking, "key");
        let fresh = cost(&mut floor, &call);
        let replay = cost(&mut floor, &call);
        println!(
            "{path}, {tables} tables: {} statements, {} buffers, {} bytes of log; replay {} statements, {} buffers",
            fresh.statements, fresh.buffers, fresh.log_bytes, replay.statements, replay.buffers
        );
        assert_statements(&fresh, most);
        assert_eq!(replay.statements, of_replay, "{:?}", replay.texts);
        // The first look at a fresh row may leave a hint in it; that is the server's own business.
        assert_eq!(cost(&mut floor, &call).log_bytes, 0, "a replay writes nothing");
        counts.push((fresh.statements, replay.statements));
    }
    counts
}

/// The most that a confirm can have to do: the window is running, so the tables' status of now changes, and other tables,
/// another hold and a cancelled booking's claim have to go. Who is in the way is one statement more than others need.
#[test]
fn the_busiest_confirm_needs_no_more_statements() {
    let _alone = alone();
    let mut floor = floor_with_statistics();
    warm_up(&mut floor, 2);
    let room = floor.room(4);
    let (gone, booking) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    floor.run("update public.bookings set start_at = now() - interval '1 hour', end_at = now() + interval '1 hour'");
    floor.done(&confirm(gone, &room.tables[..2], "gone"));
    floor.set("bookings", gone, "status", "cancelled");
    floor.done(&confirm(booking, &room.tables[2..], "earlier"));
    let hold = floor.hold(&room, Some(booking), &room.tables[..2]);
    floor.hold(&room, Some(booking), &room.tables[3..]);
    floor.run("update public.table_holds set start_at = now() - interval '1 hour', end_at = now() + interval '1 hour'");
    let busy = cost(&mut floor, &confirm_hold(hold, booking, "key"));
    println!("the busiest confirm: {} statements, {} buffers", busy.statements, busy.buffers);
    assert_statements(&busy, 20);
}

/// The first call of a session has to get to know the schema.
#[test]
fn the_first_call_of_a_session_needs_no_more_statements() {
    let _alone = alone();
    let mut floor = floor_with_statistics();
    let (booking, hold) = held(&mut floor, 2);
    let call = confirm_hold(hold, booking, "key");
    let first = cost(&mut floor, &call);
    assert_statements(&first, 19);
    floor.client = floor.session().client;
    let replay = cost(&mut floor, &call);
    println!("the first call of a session: {} statements; a replay {}", first.statements, replay.statements);
    assert_statements(&replay, 3);
}

#[test]
fn a_fresh_confirm_uses_one_transaction_id() {
    let _alone = alone();
    let mut floor = Floor::new();
    for tables in [1, 4] {
        let mut used = Vec::new();
        for _ in 0..TRIES {
            let (booking, hold) = held(&mut floor, tables);
            let next = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
            let before: i64 = floor.value(next);
            floor.done(&confirm_hold(hold, booking, "key"));
            used.push(floor.value::<i64>(next) - before);
        }
        assert_eq!(used.iter().min(), Some(&1), "{tables} tables: {used:?}");
    }
}

/// Every row that a confirm writes carries the transaction's own id: none was written in a subtransaction.
#[test]
fn a_fresh_confirm_uses_no_subtransaction() {
    let _alone = alone();
    let mut floor = Floor::new();
    let (booking, hold) = held(&mut floor, 4);
    floor.run("begin");
    floor.done(&confirm_hold(hold, booking, "key"));
    let own: i64 = floor.value("select (pg_current_xact_id()::text::numeric % 4294967296)::bigint");
    let writers: Vec<i64> = floor.column(
        "select distinct xmin::text::bigint from (
           select xmin from public.bookings where status = 'confirmed'
           union all select xmin from public.booking_table_assignments union all select xmin from public.allocations
           union all select xmin from public.booking_state_history union all select xmin from public.capacity_outbox
           union all select xmin from public.booking_assignment_idempotency
           union all select xmin from public.booking_confirmation_results
           union all select xmin from public.table_holds where status = 'confirmed') t",
    );
    assert_eq!(writers, [own]);
    // On 16 and later the server counts them for us.
    if floor.value::<i32>("select current_setting('server_version_num')::int") >= 160_000 {
        let count: i32 = floor.value(
            "select s.subxact_count from pg_stat_get_backend_idset() b, pg_stat_get_backend_subxact(b) s
             where pg_stat_get_backend_pid(b) = pg_backend_pid()",
        );
        assert_eq!(count, 0);
    }
    floor.run("commit");
}

/// Rows of this database's catalogue.
fn catalogue(floor: &mut Floor) -> Vec<i64> {
    let tables = ["pg_class", "pg_attribute", "pg_type", "pg_depend", "pg_proc", "pg_namespace"];
    let mut rows: Vec<i64> =
        tables.iter().map(|table| floor.value(&format!("select count(*) from pg_catalog.{table}"))).collect();
    // One for all databases: what others drop at this moment goes from it too.
    rows.push(floor.value(
        "select count(*) from pg_catalog.pg_shdepend s join pg_catalog.pg_database d on d.oid = s.dbid
         where d.datname = current_database()",
    ));
    rows
}

#[test]
fn a_fresh_confirm_makes_no_catalogue_row() {
    let _alone = alone();
    let mut floor = Floor::new();
    for tables in [1, 4] {
        let (booking, hold) = held(&mut floor, tables);
        let before = catalogue(&mut floor);
        // Counted by session until they are published: this one has done nothing else.
        let mut session = floor.session();
        session.run("begin");
        session.done(&confirm_hold(hold, booking, "key"));
        let churn: Vec<String> = session.column(
            "select relname::text from pg_stat_xact_sys_tables where schemaname = 'pg_catalog'
             and n_tup_ins + n_tup_upd + n_tup_del > 0",
        );
        assert_eq!(churn, Vec::<String>::new(), "rows of the catalogue that came or went within the call");
        session.run("commit");
        assert_eq!(catalogue(&mut floor), before);
        let temporary: i64 = floor.value("select count(*) from pg_class where relpersistence = 't'");
        assert_eq!(temporary, 0);
    }
}

#[test]
fn a_replay_takes_no_lock_and_writes_nothing() {
    let _alone = alone();
    let mut floor = Floor::new();
    let (booking, hold) = held(&mut floor, 4);
    let call = confirm_hold(hold, booking, "key");
    let answer = floor.done(&call);
    let marks = "select array_agg(distinct t.xmax::text) from (select xmax from public.bookings
                 union all select xmax from public.table_holds union all select xmax from public.table_inventory
                 union all select xmax from public.booking_assignment_idempotency
                 union all select xmax from public.booking_table_assignments union all select xmax from public.allocations) t";
    let marked: Vec<String> = floor.value(marks);
    let mut logged = Vec::new();
    for _ in 0..TRIES {
        let position = "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint";
        floor.run("begin");
        let before: i64 = floor.value(position);
        assert_eq!(floor.done(&call), answer);
        logged.push(floor.value::<i64>(position) - before);
        assert_eq!(floor.value::<Option<String>>("select pg_current_xact_id_if_assigned()::text"), None);
        let strong: i64 = floor.value(
            "select count(*) from pg_locks where pid = pg_backend_pid() and (locktype in ('tuple', 'advisory', 'transactionid')
             or locktype = 'relation' and mode not in ('AccessShareLock'))",
        );
        assert_eq!(strong, 0, "a replay reads, and no more");
        floor.run("commit");
    }
    assert_eq!(logged.iter().min(), Some(&0), "bytes of log: {logged:?}");
    assert_eq!(floor.value::<Vec<String>>(marks), marked, "no row was locked");
}

/// A replay is not held up by somebody who has the booking locked.
#[test]
fn a_replay_does_not_wait() {
    let _alone = alone();
    let mut floor = Floor::new();
    let (booking, hold) = held(&mut floor, 1);
    let call = confirm_hold(hold, booking, "key");
    let answer = floor.done(&call);
    let mut holder = floor.session();
    holder.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    floor.run("set lock_timeout = '1s'");
    assert_eq!(floor.done(&call), answer);
    holder.run("rollback");
}

#[test]
fn a_confirm_can_be_prepared_and_rolled_back() {
    let _alone = alone();
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    let call = confirm(booking, &room.tables, "key");
    let (before, gid) = (floor.snapshot(), floor.name.clone());
    floor.run("begin");
    floor.done(&call);
    floor.run(&format!("prepare transaction '{gid}'"));
    holdfast_e2e::assert_untouched(&mut floor, &before, "what is only prepared");
    floor.run(&format!("rollback prepared '{gid}'"));
    holdfast_e2e::assert_untouched(&mut floor, &before, "what was rolled back");
    floor.run("begin");
    let answer = floor.done(&call);
    floor.run(&format!("prepare transaction '{gid}'"));
    let mut other = floor.session();
    other.run(&format!("commit prepared '{gid}'"));
    assert_eq!(other.done(&call), answer);
}
