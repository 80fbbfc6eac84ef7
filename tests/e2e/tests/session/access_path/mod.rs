//! Rows found by an index, without a statement, answer as the statement does; where that is not certain, the statement answers.

mod hindrances;

use holdfast_e2e::{
    Call, Floor, Refusal, Room, Session, assign, atomic_confirm, behind, check_in, confirm, confirm_hold,
    confirm_outcome, native, unassign,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// What a call left behind, without what is drawn anew each time.
const LEFT: &str = "select coalesce(string_agg(l, E'\\n' order by l), '') from (
    select concat_ws(' ', 'booking', b.id, b.status, b.start_at, b.end_at) from public.bookings b
    union all select concat_ws(' ', 'assignment', a.booking_id, a.table_id, a.start_at, a.end_at, a.idempotency_key, a.merge_group_id is null)
      from public.booking_table_assignments a
    union all select concat_ws(' ', 'allocation', x.booking_id, x.resource_type, case when x.resource_type = 'table' then x.resource_id end, x.\"window\", x.shadow)
      from public.allocations x
    union all select concat_ws(' ', 'hold', h.booking_id, h.status, h.start_at, h.end_at) from public.table_holds h
    union all select concat_ws(' ', 'entry', l.booking_id, l.idempotency_key, l.table_ids, l.outcome, l.payload_checksum, l.refusal ->> 'message')
      from public.booking_assignment_idempotency l
    union all select concat_ws(' ', 'history', s.booking_id, s.from_status, s.to_status) from public.booking_state_history s
    union all select concat_ws(' ', 'event', o.event_type, o.booking_id) from public.capacity_outbox o
  ) l (l)";

struct Answer {
    said: Result<Vec<Value>, Refusal>,
    left: String,
}

/// What a call answers by one path and what it leaves, in a transaction that is rolled back. `before` is done in it first.
fn answered(floor: &mut Session, path: &str, before: &str, call: &Call) -> Answer {
    floor.run(&format!("begin; {before}; set local holdfast.access_path = {path}"));
    floor.run("savepoint before");
    let said = floor.call(call);
    let left = if said.is_ok() { floor.value(LEFT) } else { String::new() };
    floor.run("rollback");
    Answer { said, left }
}

/// Without ids that were made in the call, numbers of transactions, and instants of now.
fn masked(answer: &Answer, known: &[Uuid]) -> String {
    let is_new = |word: &str| word.parse::<Uuid>().is_ok_and(|id| !known.contains(&id));
    let is_now = |word: &str| word.starts_with("202") && !word.starts_with("2027-05-01") && word.contains('T');
    fn masks(value: &Value, hides: &dyn Fn(&str) -> bool) -> Value {
        match value {
            Value::String(word) if hides(word) => Value::Null,
            Value::Array(items) => items.iter().map(|item| masks(item, hides)).collect(),
            Value::Object(fields) => {
                let shown = fields
                    .iter()
                    .filter(|(name, _)| !["receipt", "transaction_id", "at", "elapsed_ms"].contains(&name.as_str()));
                Value::Object(shown.map(|(name, value)| (name.clone(), masks(value, hides))).collect())
            }
            other => other.clone(),
        }
    }
    let hides = |word: &str| is_new(word) || is_now(word);
    match &answer.said {
        Ok(rows) => format!("{:?}\n{}", rows.iter().map(|row| masks(row, &hides)).collect::<Vec<_>>(), answer.left),
        Err(refusal) => format!("{refusal:?}"),
    }
}

fn told(function: &str) -> Call {
    native(function).with("p_idempotency_key", "told")
}

struct Case {
    floor: Floor,
    room: Room,
    /// Has nothing; is confirmed on the first table under `done`; is held on the second.
    fresh: Uuid,
    done: Uuid,
    held: Uuid,
    hold: Uuid,
}

fn case() -> Case {
    let mut floor = Floor::new();
    let room = floor.room(4);
    let done = floor.booking(room.restaurant);
    floor.done(&confirm(done, &room.tables[..1], "done"));
    let (held, hold) = floor.held(&room, &room.tables[1..2]);
    let fresh = floor.booking(room.restaurant);
    Case { floor, room, fresh, done, held, hold }
}

impl Case {
    fn known(&self) -> Vec<Uuid> {
        let mut known = vec![self.room.restaurant, self.room.zone, self.fresh, self.done, self.held, self.hold];
        known.extend(&self.room.tables);
        known
    }

    /// The same call answers the same and leaves the same, by this path and by statements.
    fn same(&mut self, path: &str, before: &str, call: &Call) -> Answer {
        let direct = answered(&mut self.floor, path, before, call);
        let sql = answered(&mut self.floor, "sql", before, call);
        let known = self.known();
        assert_eq!(masked(&direct, &known), masked(&sql, &known), "{before}: {}", call.sql());
        direct
    }
}

#[test]
fn each_call_answers_alike_on_both_paths() {
    let mut case = case();
    let tables = case.room.tables.clone();
    let (fresh, done, held, hold) = (case.fresh, case.done, case.held, case.hold);
    let refused = confirm(fresh, &tables[..1], "refused");
    let by_hold = confirm_hold(hold, held, "by hold");
    let calls = [
        (true, confirm(fresh, &tables[2..3], "new")),
        (true, confirm(fresh, &tables[2..4], "new")),
        (true, confirm(done, &tables[..1], "done")),
        (false, confirm(done, &tables[2..3], "done")),
        (true, confirm(done, &tables[2..3], "other")),
        (false, refused.clone()),
        (false, confirm(fresh, &[Uuid::nil()], "new")),
        (false, confirm(Uuid::nil(), &tables[..1], "new")),
        (true, by_hold.clone()),
        (true, confirm(held, &tables[1..2], "new")),
        (false, confirm_hold(hold, fresh, "new")),
        (false, confirm_hold(Uuid::nil(), held, "new")),
        (true, atomic_confirm(held, hold, "new")),
        (true, assign(fresh, &tables[2..3], "new")),
        (true, check_in(done, "confirmed")),
        (true, unassign(done)),
        (true, Call::new("release_hold_and_emit").with("p_hold_id", hold)),
        (true, Call::new("hold_tables").with("p_booking_id", fresh).with("p_table_ids", &tables[2..3])),
        (true, Call::new("undo_confirm").with("p_booking_id", done).with("p_idempotency_key", "done")),
        (true, Call::new("explain_confirm").with("p_booking_id", fresh).with("p_table_ids", &tables[..1])),
        (true, confirm_outcome(done, "done")),
        (false, confirm(fresh, &tables[1..3], "held by others")),
        (false, confirm(fresh, &[tables[0], tables[2]], "taken")),
        (true, Call::new("hold_tables").with("p_booking_id", held).with("p_table_ids", &tables[2..4])),
        (true, Call::new("explain_confirm").with("p_booking_id", held).with("p_table_ids", &tables[1..3])),
        (true, Call::new("reconcile_booking").with("p_booking_id", done)),
        (true, Call::new("refresh_table_status").with("p_table_id", tables[0])),
    ];
    for (is_done, call) in &calls {
        let said = case.same("direct", "select", call).said;
        assert_eq!(said.is_ok(), *is_done, "{}: {said:?}", call.sql());
    }
    // Replays of a confirm by hold, once the hold is closed, and of what was taken back.
    case.floor.done(&by_hold);
    for call in [&by_hold, &confirm(held, &tables[1..2], "by hold"), &confirm_hold(hold, held, "another")] {
        case.same("direct", "select", call);
    }
}

/// What the rows of the schema say to a decision.
const SAYINGS: &[&str] = &[
    "select",
    "delete from public.holdfast_capacity_policies;
     update public.holdfast_booking_statuses set holds_tables = false, occupies_tables = false, is_confirm_target = false",
    "delete from public.holdfast_status_transitions where to_status = 'confirmed'",
    "insert into public.holdfast_capacity_policies (restaurant_id, extra_seats, enforce_min_party)
       select id, 3, true from public.restaurants",
    "delete from public.table_adjacencies",
    "update public.table_holds set booking_id = null, expires_at = '2027-06-01Z';
     update public.allocations set booking_id = null where resource_type = 'hold'",
];

#[test]
fn decisions_are_alike_whatever_the_rows_say() {
    let mut case = case();
    let tables = case.room.tables.clone();
    let (fresh, done, held, hold) = (case.fresh, case.done, case.held, case.hold);
    let item =
        |booking: Uuid, tables: &[Uuid]| json!({"booking_id": booking, "table_ids": tables, "idempotency_key": "many"});
    let others = [
        confirm(fresh, &tables[2..4], "beside").with("p_require_adjacency", true),
        confirm(done, &tables[1..3], "moves"),
        told("confirm_tables").with("p_booking_id", fresh).with("p_table_ids", &tables[1..4]),
        told("confirm_tables").with("p_booking_id", fresh).with("p_table_ids", &tables[2..4]),
        told("confirm_hold").with("p_hold_id", hold).with("p_booking_id", held),
        Call::new("confirm_many").with("p_items", json!([item(fresh, &tables[2..4]), item(held, &tables[1..2])])),
        Call::new("run_auto_assign").with("p_booking_id", held).with("p_hold_id", hold),
        Call::new("repair_booking").with("p_booking_id", done),
        native("extend_hold").with("p_hold_id", hold),
        native("sweep"),
    ];
    for (call, before) in others.iter().flat_map(|call| SAYINGS.iter().map(move |before| (call, before))) {
        case.same("direct", before, call);
    }
}

/// What another session does to a row while a call waits for it.
const MEANWHILE: &[(&str, &str)] = &[
    ("booking", "update public.bookings set status = 'cancelled' where id = '$'"),
    ("booking", "update public.bookings set party_size = 40 where id = '$'"),
    ("booking", "update public.bookings set id = gen_random_uuid() where id = '$'"),
    ("booking", "delete from public.bookings where id = '$'"),
    (
        "booking",
        "update public.bookings set party_size = 3 where id = '$'; update public.bookings set party_size = 2 where id = '$'",
    ),
    ("table", "update public.table_inventory set active = false where id = '$'"),
    ("table", "update public.table_inventory set id = gen_random_uuid() where id = '$'"),
    ("table", "delete from public.table_inventory where id = '$'"),
    ("table", "update public.table_inventory set status = 'out_of_service' where id = '$'"),
    ("hold", "update public.table_holds set status = 'cancelled' where id = '$'"),
    ("hold", "update public.table_holds set booking_id = null where id = '$'"),
    ("hold", "update public.table_holds set expires_at = '2020-01-01Z' where id = '$'"),
    (
        "hold",
        "delete from public.table_hold_members where hold_id = '$'; delete from public.table_holds where id = '$'",
    ),
];

#[test]
fn a_row_that_changes_while_it_is_waited_for_decides_alike() {
    let mut floor = Floor::new();
    let mut blocker = floor.session();
    for (subject, change) in MEANWHILE {
        let mut answers = ["direct", "sql"].map(|path| {
            let room = floor.room(2);
            floor.part_all();
            let booking = floor.booking(room.restaurant);
            let hold =
                if *subject == "hold" { Some(floor.hold(&room, Some(booking), &room.tables[..1])) } else { None };
            floor.run("update public.table_holds set expires_at = '2027-06-01Z'");
            let id = match *subject {
                "booking" => booking,
                "table" => room.tables[0],
                _ => hold.unwrap_or_default(),
            };
            blocker.run(&format!("begin; {}", change.replace('$', &id.to_string())));
            let call = confirm(booking, &room.tables[..1], "key");
            let mut session = floor.session();
            // A hold that goes away is the one thing that a probe alone does not say.
            let path =
                if change.contains("delete from public.table_holds") && path == "direct" { "auto" } else { path };
            session.run(&format!("set holdfast.access_path = {path}"));
            let pending = behind(&mut floor, blocker.pid, session, &call);
            blocker.run("commit");
            let (_, answer) = pending.finish();
            let named = [
                (booking, "booking"),
                (room.tables[0], "table"),
                (hold.unwrap_or_default(), "hold"),
                (room.restaurant, "restaurant"),
            ];
            let text = match answer {
                Ok(rows) => format!("{} rows", rows.len()),
                Err(refusal) => format!("{refusal:?}"),
            };
            named.iter().fold(text, |text, (id, name)| text.replace(&id.to_string(), name))
        });
        let [direct, sql] = &mut answers;
        assert_eq!(direct, sql, "{subject}: {change}");
    }
}

#[test]
fn a_wait_ends_with_the_same_error() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let other = floor.room(1);
    let (free, free_hold) = floor.held(&other, &other.tables);
    let warm = confirm_hold(free_hold, free, "warm");
    let mut blocker = floor.session();
    let rows = [("bookings", booking), ("table_holds", hold), ("table_inventory", room.tables[0])];
    for ((table, id), limit) in rows.iter().flat_map(|row| [(row, "lock_timeout"), (row, "statement_timeout")]) {
        blocker.run(&format!("begin; update public.{table} set id = id where id = '{id}'"));
        let answers = ["direct", "sql"].map(|path| {
            let mut session = floor.session();
            session.run(&format!("set holdfast.access_path = {path}; begin"));
            // What is planned and looked up at a first call takes its time.
            session.done(&warm);
            session.run(&format!("rollback; set {limit} = '500ms'"));
            format!("{:?}", session.refused(&confirm_hold(hold, booking, "key")))
        });
        assert_eq!(answers[0], answers[1], "{table}, {limit}");
        assert!(answers[0].contains("while locking tuple"), "{table}, {limit}: {}", answers[0]);
        blocker.run("rollback");
    }
}
