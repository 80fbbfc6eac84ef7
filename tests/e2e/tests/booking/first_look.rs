//! The first look at who may be in the way, by an index, against the whole look that a schema without that index gets.

use chrono::Duration;
use holdfast_e2e::{Call, Dice, Floor, Refusal, Room, at, behind, confirm, native};
use serde_json::Value;
use uuid::Uuid;

const INDEX: &str = "public.allocations_table_until_idx";

/// Without the ids that a call drew.
fn known(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(known).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| match name.as_str() {
                "merge_group_id" | "assignment_id" => (name, Value::Bool(value.is_null())),
                _ => (name, known(value)),
            })
            .collect(),
        value => value,
    }
}

fn answer(floor: &mut Floor, call: &Call) -> Result<Vec<Value>, Refusal> {
    Ok(floor.call(call)?.into_iter().map(known).collect())
}

/// The same call from the same state, by each way: answers, every field of a refusal, and what is left of others' rows.
fn assert_same(floor: &mut Floor, call: &Call, what: &str) {
    let left = "select array_agg(t.row order by t.row) from (
                  select coalesce(a.booking_id::text, 'nobody') || a.resource_type || a.\"window\" as row from public.allocations a
                  union all select a.booking_id || a.table_id::text || a.start_at || a.end_at from public.booking_table_assignments a
                  union all select h.id || h.status::text from public.table_holds h) t";
    let mut answers = Vec::new();
    for way in [
        "set local holdfast.access_path = direct",
        "set local holdfast.access_path = sql",
        &format!("drop index {INDEX}"),
    ] {
        floor.run("savepoint way");
        floor.run(way);
        let answer = answer(floor, call);
        let rows: Option<Vec<String>> = answer.is_ok().then(|| floor.value::<Option<Vec<String>>>(left)).flatten();
        answers.push((answer, rows));
        floor.run("rollback to way");
    }
    assert_eq!(answers[0], answers[1], "{what}: by probes, and by statements");
    assert_eq!(answers[1], answers[2], "{what}: with the index, and without it");
}

/// Half an hour of an evening, from five to eleven.
fn half_hour(dice: &mut Dice) -> Duration {
    Duration::minutes(30 * dice.roll(12) as i64)
}

/// What others have on a table at some time of the evening.
fn occupy(floor: &mut Floor, dice: &mut Dice, room: &Room, elsewhere: Uuid) {
    let table = room.tables[dice.roll(room.tables.len())];
    let start = at("17:00") + half_hour(dice);
    let end = start + Duration::minutes(30 * (1 + dice.roll(5) as i64));
    // An application may count the last moment in, or leave the end open.
    let bounds = ["[)", "[)", "[]"][dice.roll(3)];
    let window = match dice.roll(8) {
        0 => format!("tstzrange('{start}', null, '{bounds}')"),
        1 => format!("tstzrange('{start}', '{start}', '[]')"),
        _ => format!("tstzrange('{start}', '{end}', '{bounds}')"),
    };
    let of_nobody = |restaurant: Uuid| {
        format!(
            "insert into public.allocations (restaurant_id, resource_type, resource_id, \"window\", is_maintenance)
             values ('{restaurant}', 'table', '{table}', {window}, true) on conflict do nothing"
        )
    };
    let rival = floor.booking_at(room.restaurant, start, end);
    match dice.roll(6) {
        0 => floor.run(&of_nobody(room.restaurant)),
        // Its restaurant is another's: nothing keeps it and the table's own apart.
        1 => floor.run(&of_nobody(elsewhere)),
        2 => _ = floor.hold(room, Some(rival), &[table]),
        kind => {
            floor.run("savepoint rival");
            if floor.call(&confirm(rival, &[table], "rival")).is_err() {
                floor.run("rollback to rival");
            } else if kind == 3 {
                floor.set("bookings", rival, "status", "cancelled");
            }
        }
    }
}

/// Seeded: `HOLDFAST_CASES` evenings with what others have on three tables.
#[test]
fn the_first_look_answers_as_the_whole_look() {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (seed, cases) = (number("HOLDFAST_SEED", 20_271_127), number("HOLDFAST_CASES", 30));
    println!("HOLDFAST_SEED={seed}");
    let mut dice = Dice::new(seed);
    let mut floor = Floor::new();
    floor.run("alter table public.allocations drop constraint allocations_window_check");
    for case in 0..cases {
        floor.run("begin");
        let room = floor.room(3);
        let elsewhere = floor.restaurant("UTC");
        let start = at("17:00") + half_hour(&mut dice);
        let booking =
            floor.booking_at(room.restaurant, start, start + Duration::minutes(30 * (1 + dice.roll(5) as i64)));
        if dice.roll(4) == 0 {
            floor.done(&confirm(booking, &room.tables[..1], "earlier"));
        }
        for _ in 0..dice.roll(5) {
            occupy(&mut floor, &mut dice, &room, elsewhere);
        }
        let first = dice.roll(3);
        let tables = &room.tables[first..(first + 1 + dice.roll(2)).min(3)];
        assert_same(&mut floor, &confirm(booking, tables, "key"), &format!("case {case}"));
        let native = native("confirm_tables")
            .with("p_booking_id", booking)
            .with("p_table_ids", tables)
            .with("p_idempotency_key", "key");
        assert_same(&mut floor, &native, &format!("case {case}, returned"));
        let explained = Call::new("explain_confirm").with("p_booking_id", booking).with("p_table_ids", tables);
        assert_same(&mut floor, &explained, &format!("case {case}, explained"));
        floor.run("rollback");
    }
}

/// An index finds the first entry only; that there is no other is for the constraint to say.
#[test]
fn without_the_constraint_the_whole_look_is_taken() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (table, restaurant) = (room.tables[0], room.restaurant);
    floor.run("alter table public.allocations drop constraint allocations_no_overlap");
    for window in [
        "['2027-05-01 20:00+00', '2027-05-01 20:30+00')",
        "['2027-05-01 20:30+00', '2027-05-01 21:00+00')",
        "['2027-05-01 18:00+00', '2027-05-01 23:00+00')",
    ] {
        floor.run(&format!(
            "insert into public.allocations (restaurant_id, resource_type, resource_id, \"window\", is_maintenance)
             values ('{restaurant}', 'table', '{table}', '{}', true)",
            window.replace('\'', "\"")
        ));
    }
    let booking = floor.booking_at(
        restaurant,
        "2027-05-01T18:00:00Z".parse().expect("a time"),
        "2027-05-01T19:00:00Z".parse().expect("a time"),
    );
    assert_eq!(floor.refused(&confirm(booking, &room.tables, "key")).message, "allocations_no_overlap");
}

/// An application may count the last moment in, and have a window of one moment beside another's end.
#[test]
fn an_end_that_counts_is_seen() {
    let mut floor = Floor::new();
    floor.run("alter table public.allocations drop constraint allocations_window_check");
    for (windows, what) in [
        (&["[\"2027-05-01 17:00+00\", \"2027-05-01 18:00+00\"]"][..], "it ends when the booking begins"),
        (
            &[
                "[\"2027-05-01 17:00+00\", \"2027-05-01 18:30+00\")",
                "[\"2027-05-01 18:30+00\", \"2027-05-01 18:30+00\"]",
            ],
            "two end at one moment",
        ),
        (&["[\"2027-05-01 17:00+00\", \"2027-05-01 18:00+00\")"], "it has ended"),
    ] {
        floor.run("begin");
        let room = floor.room(1);
        for window in windows {
            floor.run(&format!(
                "insert into public.allocations (restaurant_id, resource_type, resource_id, \"window\", is_maintenance)
                 values ('{}', 'table', '{}', '{window}', true)",
                room.restaurant, room.tables[0]
            ));
        }
        let [start, end] = ["2027-05-01T18:00:00Z", "2027-05-01T19:00:00Z"].map(|text| text.parse().expect("a time"));
        let booking = floor.booking_at(room.restaurant, start, end);
        let native = native("confirm_tables")
            .with("p_booking_id", booking)
            .with("p_table_ids", &room.tables)
            .with("p_idempotency_key", "key");
        assert_same(&mut floor, &native, what);
        assert_same(&mut floor, &confirm(booking, &room.tables, "key"), what);
        floor.run("rollback");
    }
}

/// Whoever waited for a lock meanwhile believes a constraint no longer than it stood.
#[test]
fn a_constraint_that_went_is_not_believed() {
    assert_eq!(without_constraint("", "public"), "allocations_no_overlap");
}

/// Where the schema was given another name as well, nothing that the call found is believed.
#[test]
fn a_constraint_that_went_with_a_name_is_not_believed() {
    let again = "could not serialize access: schema public was renamed while a call worked in it";
    assert_eq!(without_constraint("alter schema public rename to elsewhere", "elsewhere"), again);
}

/// A call waits for a booking; meanwhile the constraint goes, and what it forbade is there: what the call says.
fn without_constraint(rename: &str, schema: &str) -> String {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (table, restaurant) = (room.tables[0], room.restaurant);
    let [start, end] = ["2027-05-01T19:00:00Z", "2027-05-01T20:00:00Z"].map(|text| text.parse().expect("a time"));
    let (warm, booking) = (floor.booking_at(restaurant, start, end), floor.booking_at(restaurant, start, end));
    let (mut caller, mut other) = (floor.session(), floor.session());
    caller.done(&confirm(warm, &room.tables[1..], "warm"));
    other.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    let waiting = behind(&mut floor, other.pid, caller, &confirm(booking, &room.tables[..1], "key"));
    other.run("alter table public.allocations drop constraint allocations_no_overlap");
    other.run(rename);
    for window in ["20:00+00, 2027-05-01 21:00+00", "21:00+00, 2027-05-01 22:00+00", "18:00+00, 2027-05-01 23:00+00"] {
        other.run(&format!(
            "insert into {schema}.allocations (restaurant_id, resource_type, resource_id, \"window\", is_maintenance)
             values ('{restaurant}', 'table', '{table}', '[2027-05-01 {window})', true)"
        ));
    }
    other.run("commit");
    waiting.finish().1.expect_err("the table is taken").message
}
