//! Every way in which clients reach the functions: both protocols, text and JSON, inside PL/pgSQL, cursors and batches.

use holdfast_e2e::{Call, Floor, at, confirm, confirm_hold, eventually, seat};
use serde_json::Value;
use uuid::Uuid;

const BY_TABLES: &str = "select * from public.confirm_hold_assignment_with_transition(
    p_booking_id => $1, p_table_ids => $2, p_idempotency_key => $3, p_start_at => $4, p_end_at => $5,
    p_target_status => $6::text::public.booking_status, p_history_metadata => $7)";

#[test]
fn the_extended_protocol_with_binary_values() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    let statement = floor.client.prepare(BY_TABLES).expect("it can be prepared");
    let columns: Vec<(&str, &str)> =
        statement.columns().iter().map(|column| (column.name(), column.type_().name())).collect();
    let expected =
        [("table_id", "uuid"), ("start_at", "timestamptz"), ("end_at", "timestamptz"), ("merge_group_id", "uuid")];
    assert_eq!(columns, expected);
    for _ in 0..8 {
        // Often enough that the server changes to a generic plan.
        let parameters: [&(dyn postgres::types::ToSql + Sync); 7] =
            [&booking, &room.tables, &"key", &at("18:00"), &at("19:00"), &"confirmed", &serde_json::json!({"n": 1})];
        let rows = floor.client.query(&statement, &parameters).expect("a confirm and its replays");
        let tables: Vec<Uuid> = rows.iter().map(|row| row.get("table_id")).collect();
        assert_eq!(tables, room.tables);
        assert!(rows.iter().all(|row| row.get::<_, chrono::DateTime<chrono::Utc>>("end_at") == at("19:00")));
        let groups: Vec<Option<Uuid>> = rows.iter().map(|row| row.get("merge_group_id")).collect();
        assert!(groups[0].is_some() && groups[0] == groups[1]);
    }
}

#[test]
fn the_simple_protocol_with_text_values() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let sql =
        format!("select table_id, start_at, end_at, merge_group_id from {}", confirm_hold(hold, booking, "key").sql());
    let text = |value: &str| Some(value.to_owned());
    let table = Some(room.tables[0].to_string());
    let expected = [[table, text("2027-05-01 18:00:00+00"), text("2027-05-01 20:00:00+00"), None]];
    assert_eq!(floor.simple(&sql).expect("a confirm"), expected);
    assert_eq!(floor.simple(&sql).expect("its replay"), expected);
    // Several statements in one message are one transaction.
    let refused = confirm(booking, &[], "other").sql();
    let batch = format!("update public.bookings set customer_id = id; select {refused}");
    assert_eq!(floor.simple(&batch).expect_err("the second statement").sqlstate, "23514");
    assert_eq!(floor.count("bookings", "customer_id is not null"), 0);
}

#[test]
fn rows_columns_and_json() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let call = confirm_hold(hold, booking, "key").sql();
    let row: Value = floor.value(&format!("select jsonb_agg(to_jsonb(t)) from {call} t"));
    assert_eq!(row[0]["table_id"], serde_json::json!(room.tables[0]));
    assert_eq!(row[0].as_object().map(serde_json::Map::len), Some(5));
    let in_list: Uuid = floor.value(&format!("select ({call}).table_id"));
    assert_eq!(in_list, room.tables[0], "in a select list");
    let lateral: Vec<Uuid> =
        floor.column(&format!("select t.assignment_id from generate_series(1, 3) g, lateral {call} t where g > 0"));
    assert_eq!((lateral.len(), &lateral[0]), (3, &lateral[2]), "called again for every row: a replay");
    let ordinality: i64 = floor.value(&format!("select ordinality from {call} with ordinality"));
    assert_eq!(ordinality, 1);
}

#[test]
fn a_cursor_and_a_portal_read_in_pieces() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let (booking, hold) = floor.held(&room, &room.tables);
    let call = confirm_hold(hold, booking, "key").sql();
    floor.run(&format!("begin; declare answer cursor for select table_id from {call}"));
    let first: Vec<Uuid> = floor.column("fetch 1 from answer");
    let rest: Vec<Uuid> = floor.column("fetch all from answer");
    assert_eq!((&first[..], &rest[..]), (&room.tables[..1], &room.tables[1..]));
    floor.run("close answer; commit");
    let mut transaction = floor.client.transaction().expect("a transaction");
    let portal = transaction.bind(&format!("select table_id from {call}"), &[]).expect("a portal");
    let mut seen: Vec<Uuid> = Vec::new();
    while seen.len() < 3 {
        let rows = transaction.query_portal(&portal, 1).expect("one more row");
        assert_eq!(rows.len(), 1);
        seen.push(rows[0].get(0));
    }
    transaction.commit().expect("a commit");
    assert_eq!(seen, room.tables);
    assert_eq!(floor.count("booking_table_assignments", "true"), 3);
}

/// An application's function that catches our refusal by its SQLSTATE, and then does something else.
const CATCHING: &str = "
    create function public.place(booking uuid, wanted uuid[], other uuid[], key text) returns text language plpgsql as $$
    declare said text;
    begin
      begin
        perform public.confirm_hold_assignment_with_transition(booking, wanted, key);
        return 'wanted';
      exception
        when sqlstate 'P0001' then said := sqlstate || ' ' || sqlerrm;
        when sqlstate 'P0003' then said := sqlstate || ' ' || sqlerrm;
        when sqlstate 'P0004' then said := sqlstate || ' ' || sqlerrm;
        when check_violation then said := sqlstate || ' ' || left(sqlerrm, 5);
      end;
      perform public.confirm_hold_assignment_with_transition(booking, other, key || ' 2');
      return said;
    end $$";

#[test]
fn plpgsql_catches_a_refusal_and_goes_on() {
    let mut floor = Floor::new();
    let room = floor.room(4);
    floor.run(CATCHING);
    let taken = floor.booking(room.restaurant);
    floor.done(&confirm(taken, &room.tables[..1], "key"));
    let place = |floor: &mut Floor, booking: Uuid, wanted: usize, other: usize, key: &str| -> String {
        let (wanted, other) = (room.tables[wanted], room.tables[other]);
        floor.value(&format!("select public.place('{booking}', '{{{wanted}}}', '{{{other}}}', '{key}')"))
    };
    let booking = floor.booking(room.restaurant);
    assert_eq!(place(&mut floor, booking, 0, 1, "a"), "P0001 allocations_no_overlap");
    assert_eq!(floor.count("booking_table_assignments", &format!("table_id = '{}'", room.tables[1])), 1);
    // The key "a" was rolled back with its subtransaction; "a 2" is bound to table 1.
    let mismatch = format!("P0003 assign_tables_atomic_v2 idempotency mismatch for booking {booking}");
    assert_eq!(place(&mut floor, booking, 2, 3, "a 2"), mismatch);
    floor.set("table_inventory", room.tables[2], "active", false);
    let next = floor.booking(room.restaurant);
    assert_eq!(place(&mut floor, next, 2, 1, "b"), "23514 Table");
    let over = floor.booking(room.restaurant);
    floor.set("bookings", over, "status", "completed");
    let refusal =
        floor.client.query(&format!("select public.place('{over}', '{{{0}}}', '{{{0}}}', 'c')", room.tables[3]), &[]);
    let refusal = holdfast_e2e::Refusal::from(refusal.expect_err("caught once, raised by the second call"));
    refusal.says("P0004", "booking_state_conflict");
}

#[test]
fn a_do_block_confirms_many() {
    let mut floor = Floor::new();
    let room = floor.room(5);
    for _ in 0..5 {
        floor.booking(room.restaurant);
    }
    floor.run(
        "do $$ declare b record; begin
           for b in select id, row_number() over (order by id) as place from public.bookings loop
             perform public.confirm_hold_assignment_with_transition(b.id,
               array(select id from public.table_inventory order by id offset b.place - 1 limit 1), 'key ' || b.place);
           end loop; end $$",
    );
    assert_eq!(floor.count("bookings", "status = 'confirmed'"), 5);
    assert_eq!(floor.count("allocations", "true"), 5);
}

#[test]
fn two_bookings_and_the_same_key_twice_in_one_transaction() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (first, second) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    let (table, other) = (room.tables[0], room.tables[1]);
    floor.run("begin");
    let answer = floor.done(&confirm(first, &[table], "key"));
    assert_eq!(floor.done(&confirm(first, &[table], "key")), answer, "a replay of what is not yet committed");
    assert_eq!(floor.seats(&confirm(second, &[other], "key")), [seat(other, at("18:00"), at("20:00"))]);
    floor.run("savepoint before");
    floor.refused(&confirm(second, &[table], "third")).says("P0001", "allocations_no_overlap");
    floor.run("rollback to before");
    assert_eq!(floor.done(&confirm(first, &[table], "key")), answer);
    floor.run("commit");
    assert_eq!(floor.count("booking_assignment_idempotency", "true"), 2);
    assert_eq!(floor.count("booking_state_history", "true"), 2);
}

#[test]
fn many_calls_in_one_select() {
    let mut floor = Floor::new();
    let room = floor.room(20);
    for _ in 0..20 {
        floor.booking(room.restaurant);
    }
    let answered: Vec<Uuid> = floor.column(
        "select answer.table_id from
           (select id, row_number() over (order by id) as place from public.bookings) b
           join (select id, row_number() over (order by id) as place from public.table_inventory) t using (place),
           lateral public.confirm_hold_assignment_with_transition(b.id, array[t.id], 'key') answer order by 1",
    );
    assert_eq!(answered, room.tables);
    assert_eq!(floor.count("bookings", "status = 'confirmed'"), 20);
    // One refusal among them undoes them all.
    let before = floor.snapshot();
    let refusal = floor.try_run(
        "select public.confirm_hold_assignment_with_transition(id, array(select id from public.table_inventory limit 1), 'new')
         from public.bookings",
    );
    refusal.expect_err("one table for twenty bookings").says("P0001", "allocations_no_overlap");
    holdfast_e2e::assert_untouched(&mut floor, &before, "the refused select");
}

/// Positional arguments, as generated clients write them.
#[test]
fn positional_arguments_and_defaults() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let sql = format!("select count(*) from public.atomic_confirm_and_transition('{booking}', '{hold}', 'key')");
    assert_eq!(floor.value::<i64>(&sql), 1);
    let history: Option<String> = floor.value("select reason from public.booking_state_history");
    assert_eq!(history.as_deref(), Some("auto_assign_atomic_confirm"));
}

/// A cancel by the user, and a statement timeout, stay what they are; the key is not bound.
#[test]
fn a_cancelled_call_is_cancelled_and_can_be_repeated() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let call: Call = confirm_hold(hold, booking, "key");
    let mut holder = floor.session();
    holder.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    let before = floor.snapshot();
    let other = floor.session();
    let waiting = holdfast_e2e::behind(&mut floor, holder.pid, other, &call);
    eventually(&mut floor, &format!("select pg_cancel_backend({})", waiting.pid));
    let (mut other, answer) = waiting.finish();
    answer.expect_err("cancelled").says("57014", "canceling statement due to user request");
    other.run("set lock_timeout = '50ms'");
    other.refused(&call).says("55P03", "canceling statement due to lock timeout");
    other.run("set lock_timeout = 0; set statement_timeout = '50ms'");
    other.refused(&call).says("57014", "canceling statement due to statement timeout");
    holdfast_e2e::assert_untouched(&mut floor, &before, "cancelled calls");
    holder.run("rollback");
    other.run("set statement_timeout = 0");
    assert_eq!(other.seats(&call).len(), 1);
}
