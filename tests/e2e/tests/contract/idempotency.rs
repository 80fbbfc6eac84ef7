//! Keys, for those who look after them: the recipe, the index, the conflicts, and forgetting.

use holdfast_e2e::{Call, Floor, Session, Sql, confirm, native};
use serde_json::{Value, json};
use uuid::Uuid;

/// Booking, restaurant, party, date, time, key, as Python's hashlib has them.
const VECTORS: &str = include_str!("../../../rules/vectors/idempotency_keys.tsv");

#[test]
fn the_function_has_the_recipe_of_the_contract() {
    let mut floor = Floor::new();
    floor.run("set timezone = 'Asia/Kathmandu'; set datestyle = 'German'");
    let lines: Vec<&str> = VECTORS.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.len() >= 20, "only {} vectors", lines.len());
    for line in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        let [booking, restaurant, party, date, time, key] = cells[..] else { panic!("not six cells: {line}") };
        let call = Call::new("auto_assign_idempotency_key")
            .with("p_booking_id", booking)
            .with("p_restaurant_id", restaurant)
            .with("p_party_size", Sql(party))
            .with("p_booking_date", Sql(&format!("date '{date}'")))
            .with("p_start_time", Sql(&format!("time '{time}'")));
        assert_eq!(floor.value::<String>(&format!("select {}", call.sql())), key);
    }
}

/// A booking of an evening by local date and time, with the key that the recipe gives it.
fn keyed(floor: &mut Floor, restaurant: Uuid) -> Uuid {
    floor.value(&format!(
        "insert into public.bookings (restaurant_id, party_size, booking_date, start_time, end_time)
         values ('{restaurant}', 2, '2027-05-01', '18:00', '20:00') returning id"
    ))
}

fn give_key(floor: &mut Floor, booking: Uuid) -> String {
    floor.value(&format!(
        "update public.bookings b set auto_assign_idempotency_key =
           public.auto_assign_idempotency_key(b.id, restaurant_id, party_size, booking_date, start_time)
         where id = '{booking}' returning auto_assign_idempotency_key"
    ))
}

#[test]
fn a_key_finds_its_booking() {
    let mut floor = Floor::new();
    let restaurant = floor.restaurant("Europe/Rome");
    let booking = keyed(&mut floor, restaurant);
    let key = give_key(&mut floor, booking);
    let by_key = |key: &str| Call::new("booking_by_idempotency_key").with("p_key", key);
    let found = floor.done(&by_key(&key));
    let expected = json!({
        "booking_id": booking, "restaurant_id": restaurant, "status": "pending",
        "start_at": "2027-05-01T16:00:00+00:00", "end_at": "2027-05-01T18:00:00+00:00",
    });
    assert_eq!(found, [expected]);
    assert_eq!(floor.done(&by_key("another")), Vec::<Value>::new());
    assert_eq!(floor.done(&Call::new("booking_by_idempotency_key").with("p_key", Sql("null"))), Vec::<Value>::new());
}

#[test]
fn keys_in_conflict_are_listed() {
    let mut floor = Floor::new();
    let restaurant = floor.restaurant("UTC");
    let bookings: Vec<Uuid> = (0..6).map(|_| keyed(&mut floor, restaurant)).collect();
    for booking in &bookings {
        give_key(&mut floor, *booking);
    }
    assert_eq!(floor.done(&native("idempotency_conflicts")), Vec::<Value>::new(), "a healthy evening");
    // A party that grew, and one that grew after it was confirmed; a key given twice; an old blank one.
    floor.set("bookings", bookings[0], "party_size", 3);
    floor.set("bookings", bookings[1], "party_size", 3);
    floor.set("bookings", bookings[1], "status", "confirmed");
    floor.set("bookings", bookings[2], "auto_assign_idempotency_key", "ours");
    floor.set("bookings", bookings[3], "auto_assign_idempotency_key", "ours");
    floor.run("alter table public.bookings drop constraint if exists bookings_auto_assign_idempotency_key_check");
    floor.set("bookings", bookings[4], "auto_assign_idempotency_key", " ");
    let mut found: Vec<(String, String)> = floor
        .done(&native("idempotency_conflicts"))
        .iter()
        .map(|row| {
            (row["finding"].as_str().expect("a word").to_owned(), row["booking_id"].as_str().expect("an id").to_owned())
        })
        .collect();
    found.sort();
    let mut expected: Vec<(String, String)> = [("stale", 0), ("duplicate", 2), ("duplicate", 3), ("blank", 4)]
        .map(|(finding, place)| (finding.to_owned(), bookings[place].to_string()))
        .to_vec();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_indexes_are_checked_and_the_statements_mend_them() {
    let mut floor = Floor::new();
    let states = |session: &mut Session| -> Vec<Value> {
        session.done(&native("ensure_idempotency_index")).iter().map(|row| row["state"].clone()).collect()
    };
    assert_eq!(states(&mut floor), ["present", "present"]);
    floor.run(
        "drop index public.bookings_auto_assign_idempotency_key_idx;
         drop index public.booking_assignment_idempotency_age_idx;
         create index booking_assignment_idempotency_age_idx on public.booking_assignment_idempotency (expires_at)",
    );
    assert_eq!(states(&mut floor), ["missing", "different", "missing"]);
    for row in floor.done(&native("ensure_idempotency_index")) {
        floor.run(row["statement"].as_str().expect("a statement"));
    }
    assert_eq!(states(&mut floor), ["present", "present"]);
}

fn prune(session: &mut Session, age: &str, batch: i32) -> Value {
    session.outcome(&native("prune_idempotency").with("p_older_than", age).with("p_batch", batch))
}

#[test]
fn answers_are_forgotten_by_age_and_fences_are_not() {
    let mut floor = Floor::new();
    let room = floor.room(5);
    let bookings: Vec<Uuid> = room.tables.iter().map(|_| floor.booking(room.restaurant)).collect();
    for (booking, table) in bookings.iter().zip(&room.tables) {
        floor.seats(&confirm(*booking, &[*table], "key"));
    }
    let untouched = json!({"pruned": 0, "bookings": 0, "more": false});
    assert_eq!(floor.outcome(&native("prune_idempotency")), untouched, "all are young");
    floor.run(&format!(
        "update public.booking_assignment_idempotency set created_at = created_at - interval '91 days'
         where booking_id <> '{}';
         update public.booking_assignment_idempotency set outcome = 'fenced' where booking_id = '{}'",
        bookings[0], bookings[1]
    ));
    assert_eq!(prune(&mut floor, "92 days", 10), untouched);
    let batch = native("prune_idempotency").with("p_batch", 2);
    assert_eq!(floor.outcome(&batch), json!({"pruned": 2, "bookings": 2, "more": true}));
    assert_eq!(floor.outcome(&batch), json!({"pruned": 1, "bookings": 1, "more": false}));
    assert_eq!(floor.outcome(&batch), untouched);
    assert_eq!(floor.count("booking_assignment_idempotency", "true"), 2, "the young one and the fence");
    assert_eq!(floor.count("booking_assignment_idempotency", "outcome = 'fenced'"), 1);
    assert_eq!(floor.count("booking_confirmation_results", "true"), 2, "the cached answer goes with it");
    assert_eq!(floor.count("holdfast_pruned", "until < now() - interval '89 days'"), 3);
    assert_eq!(floor.count("booking_table_assignments", "true"), 5, "the tables stay");
    // A key that was forgotten is a new one.
    floor.seats(&confirm(bookings[2], &[room.tables[2]], "key"));
    assert_eq!(floor.count("booking_confirmation_results", "true"), 3);
}

#[test]
fn odd_ages_and_batches_are_refused() {
    let mut floor = Floor::new();
    for (argument, value) in [("p_older_than", "-1 day"), ("p_batch", "0"), ("p_batch", "100001")] {
        let refusal = floor.refused(&native("prune_idempotency").with(argument, value));
        assert_eq!(refusal.sqlstate, "22023", "{argument} {value}");
    }
    let nowhere = floor.refused(&native("prune_idempotency").with("p_schema", Sql("null")));
    assert_eq!(nowhere.sqlstate, "55000");
}

/// What is being confirmed again at this moment is not forgotten, and nobody waits for it.
#[test]
fn a_locked_answer_is_left_for_the_next_time() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    for table in &room.tables {
        let booking = floor.booking(room.restaurant);
        floor.seats(&confirm(booking, &[*table], "key"));
    }
    let mut other = floor.session();
    other.run("begin; select from public.booking_assignment_idempotency order by booking_id limit 1 for update");
    assert_eq!(prune(&mut floor, "0 days", 10), json!({"pruned": 1, "bookings": 1, "more": false}));
    other.run("rollback");
    assert_eq!(prune(&mut floor, "0 days", 10), json!({"pruned": 1, "bookings": 1, "more": false}));
}

/// While answers are being forgotten nobody waits: until the end they are replayed, and then their keys are new.
#[test]
fn nobody_waits_for_the_forgetting() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (first, second) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    floor.seats(&confirm(first, &[room.tables[0]], "key"));
    let mut pruner = floor.session();
    pruner.run("begin");
    assert_eq!(prune(&mut pruner, "0 days", 10)["pruned"], 1);
    floor.run("set lock_timeout = '1s'");
    floor.seats(&confirm(second, &[room.tables[1]], "key"));
    let replayed = native("confirm_tables")
        .with("p_booking_id", first)
        .with("p_table_ids", &[room.tables[0]][..])
        .with("p_idempotency_key", "key");
    assert_eq!(floor.outcome(&replayed)["replayed"], true);
    pruner.run("commit");
    assert_eq!(floor.outcome(&replayed)["replayed"], false);
}
