//! Many confirms in one call: an answer an item, in order, each as a single confirm would give it.

use holdfast_e2e::{Call, Floor, Room, Session, Sql, assert_untouched, confirm, confirm_outcome, native};
use serde_json::{Value, json};
use uuid::Uuid;

fn confirm_many(items: &[Value]) -> Call {
    Call::new("confirm_many").with("p_items", json!(items))
}

fn isolated(items: &[Value]) -> Call {
    confirm_many(items).with("p_mode", "isolate")
}

fn item(booking: Uuid, tables: &[Uuid], key: &str) -> Value {
    json!({"booking_id": booking, "table_ids": tables, "idempotency_key": key})
}

fn of_group(mut item: Value, group: &str) -> Value {
    item["group"] = json!(group);
    item
}

/// A room, and as many bookings of the same evening as it has tables.
fn evening(floor: &mut Session, tables: usize) -> (Room, Vec<Uuid>) {
    let room = floor.room(tables);
    let bookings = (0..tables).map(|_| floor.booking(room.restaurant)).collect();
    (room, bookings)
}

fn outcomes(rows: &[Value]) -> Vec<&str> {
    let ordinals: Vec<i64> = rows.iter().filter_map(|row| row["ordinal"].as_i64()).collect();
    assert_eq!(ordinals, (1..).take(rows.len()).collect::<Vec<i64>>(), "in order: {rows:#?}");
    rows.iter().map(|row| row["outcome"].as_str().expect("an outcome")).collect()
}

fn confirmed(floor: &mut Session) -> i64 {
    floor.count("bookings", "status = 'confirmed'")
}

#[test]
fn each_item_is_answered_in_order_and_answered_again() {
    let mut floor = Floor::new();
    let (room, bookings) = evening(&mut floor, 3);
    let tables = &room.tables;
    let hold = floor.hold(&room, Some(bookings[2]), &tables[1..2]);
    let items = [
        item(bookings[0], &tables[..1], "first"),
        item(bookings[1], &tables[..1], "second"),
        json!({"booking_id": bookings[2], "hold_id": hold, "idempotency_key": "third"}),
    ];
    let rows = floor.done(&confirm_many(&items));
    assert_eq!(outcomes(&rows), ["confirmed", "allocation_conflict", "confirmed"], "{rows:#?}");
    for (row, (booking, key)) in rows.iter().zip(bookings.iter().zip(["first", "second", "third"])) {
        assert_eq!((&row["booking_id"], &row["idempotency_key"]), (&json!(booking), &json!(key)));
    }
    assert_eq!(rows[0]["assignments"][0]["table_id"], json!(tables[0]));
    assert_eq!(rows[2]["assignments"][0]["table_id"], json!(tables[1]));
    assert_eq!(rows[0]["receipt"], rows[2]["receipt"], "one transaction");
    assert!(rows[1]["detail"].as_str().is_some_and(|detail| detail.contains(&bookings[0].to_string())), "{rows:#?}");
    assert_eq!((&rows[1]["transient"], &rows[1]["assignments"]), (&json!(true), &json!([])));
    assert_eq!(confirmed(&mut floor), 2);

    let again = floor.done(&confirm_many(&items));
    assert_eq!(outcomes(&again), ["confirmed", "allocation_conflict", "confirmed"]);
    for (first, again) in [0, 2].map(|place| (&rows[place], &again[place])) {
        assert_eq!(again["replayed"], json!(true));
        assert_eq!((&first["assignments"], &first["receipt"]), (&again["assignments"], &again["receipt"]));
    }
    let single = floor.done(&confirm(bookings[0], &tables[..1], "first"));
    assert_eq!(single[0]["table_id"], json!(tables[0]), "a key is the same in a single call");
    assert_eq!(floor.value::<i64>("select (holdfast.audit('public')->>'violations')::bigint"), 0);
}

#[test]
fn nothing_and_one() {
    let mut floor = Floor::new();
    let (room, bookings) = evening(&mut floor, 1);
    assert_eq!(floor.done(&confirm_many(&[])), Vec::<Value>::new());
    for items in ["null", "'null'::jsonb"] {
        let refusal = floor.refused(&Call::new("confirm_many").with("p_items", Sql(items)));
        refusal.says("22023", "p_items must be an array");
    }
    let unmoded = confirm_many(&[item(bookings[0], &room.tables, "key")]).with("p_mode", Sql("null"));
    assert_eq!(outcomes(&floor.done(&unmoded)), ["confirmed"]);
    let native = native("confirm_many").with("p_items", json!([item(bookings[0], &room.tables, "key")]));
    let rows = floor.done(&native);
    assert_eq!((outcomes(&rows), &rows[0]["replayed"]), (vec!["confirmed"], &json!(true)));
}

#[test]
fn what_can_not_be_read_is_refused_before_anything_is_written() {
    let mut floor = Floor::new();
    let (room, bookings) = evening(&mut floor, 2);
    let good = item(bookings[0], &room.tables[..1], "key");
    let with = |name: &str, value: Value| {
        let mut bad = item(bookings[1], &room.tables[1..], "other");
        bad[name] = value;
        json!([good, bad])
    };
    let many: Vec<Value> = (0..10_001).map(|_| json!({})).collect();
    let cases = [
        (json!({"booking_id": bookings[0]}), "p_items must be an array"),
        (json!(many), "p_items must not have more than 10000 items"),
        (json!([good, 1]), "Item 2 of p_items: it is not an object"),
        (with("tables", json!([])), "Item 2 of p_items: tables is no member of an item"),
        (with("booking_id", json!(7)), "Item 2 of p_items: booking_id must be a uuid"),
        (with("booking_id", json!("x")), "Item 2 of p_items: booking_id must be a uuid"),
        (with("table_ids", json!("x")), "Item 2 of p_items: table_ids must be an array of uuids"),
        (with("table_ids", json!([bookings[0], 1])), "Item 2 of p_items: table_ids must be an array of uuids"),
        (with("table_ids", json!(null)), "Item 2 of p_items: it must have either table_ids or hold_id"),
        (with("hold_id", json!(bookings[0])), "Item 2 of p_items: it must have either table_ids or hold_id"),
        (with("idempotency_key", json!(1)), "Item 2 of p_items: idempotency_key must be a string"),
        (with("require_adjacency", json!("yes")), "Item 2 of p_items: require_adjacency must be true or false"),
        (
            with("start_at", json!("2027-05-01T18:00:00")),
            "Item 2 of p_items: start_at must be a time with its offset, as 2027-05-01T19:00:00Z",
        ),
        (with("group", json!(1)), "Item 2 of p_items: group must be a string"),
    ];
    let before = floor.snapshot();
    for (items, message) in cases {
        floor.refused(&Call::new("confirm_many").with("p_items", items)).says("22023", message);
        assert_untouched(&mut floor, &before, message);
    }
    floor.refused(&confirm_many(&[good]).with("p_mode", "both")).says("22023", "p_mode must be raise or isolate");
    assert_untouched(&mut floor, &before, "a mode that is none");
}

/// What can be read but makes no sense is its item's refusal, as it would be alone.
#[test]
fn what_makes_no_sense_is_the_refusal_of_its_item() {
    let mut floor = Floor::new();
    let (room, bookings) = evening(&mut floor, 2);
    let mut half = item(bookings[0], &room.tables[..1], "half");
    half["start_at"] = json!("2027-05-01T18:00:00Z");
    let items = [
        item(bookings[0], &room.tables[..1], "  "),
        half,
        item(bookings[0], &[], "none"),
        item(Uuid::new_v4(), &room.tables[..1], "unknown"),
        json!({"table_ids": room.tables}),
        item(bookings[1], &[Uuid::new_v4()], "no table"),
        item(bookings[1], &room.tables[1..], "good"),
    ];
    let rows = floor.done(&confirm_many(&items));
    let expected = [
        "key_blank",
        "window_half_given",
        "tables_missing",
        "booking_not_found",
        "booking_not_found",
        "tables_not_found",
        "confirmed",
    ];
    assert_eq!(outcomes(&rows), expected, "{rows:#?}");
    // A final refusal that was returned binds its key.
    let again = floor.done(&confirm_many(&items));
    assert_eq!(outcomes(&again), expected);
    assert_eq!((&again[5]["replayed"], &again[3]["replayed"]), (&json!(true), &json!(false)));
}

#[test]
fn the_order_of_the_items_decides_between_them() {
    let mut floor = Floor::new();
    let (room, bookings) = evening(&mut floor, 2);
    let tables = &room.tables;
    let items = [
        item(bookings[1], &tables[..1], "key"),
        item(bookings[0], &tables[..1], "key"),
        // The same booking again, under the same key and under another.
        item(bookings[1], &tables[..1], "key"),
        item(bookings[1], &tables[1..], "other"),
        item(bookings[0], &tables[..1], "later"),
        item(bookings[1], &tables[..1], "other"),
    ];
    let rows = floor.done(&confirm_many(&items));
    let expected = ["confirmed", "allocation_conflict", "confirmed", "confirmed", "confirmed", "key_mismatch"];
    assert_eq!(outcomes(&rows), expected, "{rows:#?}");
    let replayed: Vec<bool> = rows.iter().filter_map(|row| row["replayed"].as_bool()).collect();
    assert_eq!(replayed, [false, false, true, false, false, false]);
    assert_eq!(floor.value::<i64>("select (holdfast.audit('public')->>'violations')::bigint"), 0);
}

#[test]
fn a_group_is_done_whole_or_not_at_all() {
    let mut floor = Floor::new();
    let (room, bookings) = evening(&mut floor, 5);
    let tables = &room.tables;
    floor.done(&confirm(bookings[4], &tables[4..], "taken"));
    let items = [
        of_group(item(bookings[0], &tables[..1], "a"), "family"),
        item(bookings[1], &tables[1..2], "b"),
        of_group(item(bookings[2], &tables[4..], "c"), "family"),
        of_group(item(bookings[3], &tables[2..3], "d"), "family"),
    ];
    let rows = floor.done(&confirm_many(&items));
    assert_eq!(outcomes(&rows), ["group_refused", "confirmed", "allocation_conflict", "group_refused"], "{rows:#?}");
    assert_eq!(rows[0]["message"], json!("Another item of the group family was not done"));
    assert_eq!(rows[0]["detail"], json!("Item 3 came to allocation_conflict"));
    assert_eq!((&rows[0]["sqlstate"], &rows[0]["transient"]), (&json!("P0001"), &json!(true)));
    for booking in [bookings[0], bookings[2], bookings[3]] {
        assert_eq!(floor.count("booking_table_assignments", &format!("booking_id = '{booking}'")), 0);
        assert_eq!(floor.count("booking_assignment_idempotency", &format!("booking_id = '{booking}'")), 0, "no key");
    }
    assert_eq!(floor.outcome(&confirm_outcome(bookings[0], "a"))["outcome"], json!("never_seen"));
    floor.done(&holdfast_e2e::unassign(bookings[4]));
    let rows = floor.done(&isolated(&items));
    assert_eq!(outcomes(&rows), ["confirmed"; 4], "{rows:#?}");
    assert_eq!(rows[1]["replayed"], json!(true));
    assert_eq!(outcomes(&floor.done(&confirm_many(&items))), ["confirmed"; 4]);
}

/// A final refusal of a group binds no key either: what it was decided on may be taken back with the group.
#[test]
fn a_group_takes_back_what_its_refusal_stood_on() {
    let mut floor = Floor::new();
    let (room, bookings) = evening(&mut floor, 2);
    let (one, two) = (item(bookings[0], &room.tables[..1], "key"), item(bookings[0], &room.tables[1..], "key"));
    let both = [of_group(one, "x"), of_group(two.clone(), "x")];
    let rows = floor.done(&confirm_many(&both));
    assert_eq!(outcomes(&rows), ["group_refused", "key_mismatch"], "{rows:#?}");
    assert_eq!(outcomes(&floor.done(&confirm_many(&[two]))), ["confirmed"]);
    // A member that an earlier transaction answered stays as it was.
    let both = [of_group(item(bookings[0], &room.tables[1..], "key"), "y"), of_group(item(bookings[1], &[], "k"), "y")];
    let rows = floor.done(&confirm_many(&both));
    assert_eq!(outcomes(&rows), ["confirmed", "tables_missing"], "{rows:#?}");
    assert_eq!(rows[0]["replayed"], json!(true));
}

/// An application's guard over one booking.
fn guard(floor: &mut Session, booking: Uuid) {
    floor.run(&format!(
        "create or replace function public.guard() returns trigger language plpgsql as $$ begin
           if new.booking_id = '{booking}' then
             raise exception using errcode = 'AB123', message = 'closed', detail = 'since ten', hint = 'come tomorrow';
           end if;
           return new;
         end $$;
         create or replace trigger guard before insert on public.booking_table_assignments
           for each row execute function public.guard()"
    ));
}

#[test]
fn an_error_of_a_trigger_ends_the_call_and_names_the_item() {
    let mut floor = Floor::new();
    let (room, bookings) = evening(&mut floor, 3);
    guard(&mut floor, bookings[1]);
    let items: Vec<Value> = (0..3).map(|at| item(bookings[at], &room.tables[at..=at], "key")).collect();
    let before = floor.snapshot();
    let refusal = floor.refused(&confirm_many(&items));
    refusal.says("AB123", "closed").hint("come tomorrow");
    refusal.detail(&format!("since ten\nItem 2 of p_items, booking {}", bookings[1]));
    assert_untouched(&mut floor, &before, "the whole call");

    let rows = floor.done(&isolated(&items));
    assert_eq!(outcomes(&rows), ["confirmed", "failed", "confirmed"], "{rows:#?}");
    let said = ["sqlstate", "message", "detail", "hint", "code"].map(|name| rows[1][name].as_str().unwrap_or_default());
    assert_eq!(said, ["AB123", "closed", "since ten", "come tomorrow", "HF619"]);
    assert_eq!(floor.count("booking_assignment_idempotency", &format!("booking_id = '{}'", bookings[1])), 0);
    floor.run("drop trigger guard on public.booking_table_assignments");
    assert_eq!(outcomes(&floor.done(&isolated(&items))), ["confirmed"; 3]);
    assert_eq!(floor.value::<i64>("select (holdfast.audit('public')->>'violations')::bigint"), 0);
}

/// A trigger that swallows a row without a word: the call says so, in either mode.
#[test]
fn a_broken_invariant_ends_the_call() {
    let mut floor = Floor::new();
    let (room, bookings) = evening(&mut floor, 2);
    floor.run(&format!(
        "create function public.swallow() returns trigger language plpgsql as $$ begin
           if new.booking_id = '{}' then return null; end if; return new; end $$;
         create trigger swallow before insert on public.booking_state_history
           for each row execute function public.swallow()",
        bookings[1]
    ));
    let items: Vec<Value> = (0..2).map(|at| item(bookings[at], &room.tables[at..=at], "key")).collect();
    let grouped = items.iter().map(|item| of_group(item.clone(), "g")).collect::<Vec<_>>();
    let before = floor.snapshot();
    for call in [confirm_many(&items), isolated(&items), isolated(&grouped)] {
        let refusal = floor.refused(&call);
        assert_eq!(refusal.sqlstate, "XX000", "{refusal:?}");
        assert!(refusal.detail.as_deref().is_some_and(|detail| detail.contains("Item 2 of p_items")), "{refusal:?}");
        assert_untouched(&mut floor, &before, "the whole call");
    }
}

#[test]
fn an_error_in_a_group_is_that_of_the_group_alone() {
    let mut floor = Floor::new();
    let (room, bookings) = evening(&mut floor, 3);
    guard(&mut floor, bookings[1]);
    let items: Vec<Value> = (0..3).map(|at| item(bookings[at], &room.tables[at..=at], "key")).collect();
    let grouped = [of_group(items[0].clone(), "g"), of_group(items[1].clone(), "g"), items[2].clone()];
    floor.refused(&confirm_many(&grouped)).says("AB123", "closed");
    let rows = floor.done(&isolated(&grouped));
    assert_eq!(outcomes(&rows), ["group_refused", "failed", "confirmed"], "{rows:#?}");
    assert_eq!(confirmed(&mut floor), 1);
}

/// Who has no say in the booking: the brake, or a row of the rollout that leaves it to the legacy functions.
#[test]
fn an_item_that_is_not_ours_to_decide_is_refused() {
    let mut floor = Floor::new();
    let (room, bookings) = evening(&mut floor, 1);
    let call = confirm_many(&[item(bookings[0], &room.tables, "key")]);
    floor.run("set holdfast.atomic_confirm_enabled = off");
    let before = floor.snapshot();
    let rows = floor.done(&call);
    assert_eq!(outcomes(&rows), ["atomic_confirm_disabled"]);
    assert_eq!(rows[0]["code"], json!("HF710"));
    assert_untouched(&mut floor, &before, "the brake is on");
    floor.run("reset holdfast.atomic_confirm_enabled");
    assert_eq!(outcomes(&floor.done(&call)), ["confirmed"]);
}

/// Every argument of a single confirm reaches its item.
#[test]
fn every_member_of_an_item_counts() {
    let mut floor = Floor::new();
    let (room, bookings) = evening(&mut floor, 3);
    let (actor, by) = (Uuid::new_v4(), Uuid::new_v4());
    let mut full = item(bookings[0], &room.tables[..1], "full");
    let members = [
        ("require_adjacency", json!(true)),
        ("assigned_by", json!(actor)),
        ("start_at", json!("2027-05-01T21:00:00+03:00")),
        ("end_at", json!("2027-05-01 19:00:00Z")),
        ("history_changed_by", json!(by)),
        ("history_reason", json!("moved in")),
    ];
    members.into_iter().for_each(|(name, value)| full[name] = value);
    let mut left = item(bookings[1], &room.tables[1..2], "left");
    left["target_status"] = json!(null);
    let mut odd = item(bookings[2], &room.tables[2..], "odd");
    odd["target_status"] = json!("nonsense");
    let rows = floor.done(&confirm_many(&[full, left, odd]));
    assert_eq!(outcomes(&rows), ["confirmed", "confirmed", "target_not_confirmable"], "{rows:#?}");
    let assigned = &rows[0]["assignments"][0];
    assert_eq!(
        (&assigned["start_at"], &assigned["end_at"]),
        (&json!("2027-05-01T18:00:00Z"), &json!("2027-05-01T19:00:00Z"))
    );
    assert_eq!(floor.get("bookings", bookings[1], "status").as_deref(), Some("pending"));
    let of_first = format!("booking_id = '{}'", bookings[0]);
    assert_eq!(floor.count("booking_table_assignments", &format!("{of_first} and assigned_by = '{actor}'")), 1);
    let history = format!("{of_first} and changed_by = '{by}' and reason = 'moved in'");
    assert_eq!(floor.count("booking_state_history", &history), 1);
}
