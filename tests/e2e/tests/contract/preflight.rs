//! What explain_confirm says of a confirm, the confirm then does.

use holdfast_e2e::{Call, Dice, Floor, Session, Sql, assert_untouched, at, behind, confirm, confirm_hold, ground};
use serde_json::Value;
use uuid::Uuid;

fn explain(session: &mut Session, call: &Call) -> Vec<Value> {
    session.done(call)
}

fn by_tables(booking: Uuid, tables: &[Uuid], key: &str) -> Call {
    Call::new("explain_confirm")
        .with("p_booking_id", booking)
        .with("p_table_ids", tables)
        .with("p_idempotency_key", key)
}

fn by_hold(booking: Uuid, hold: Uuid, key: &str) -> Call {
    Call::new("explain_confirm").with("p_booking_id", booking).with("p_hold_id", hold).with("p_idempotency_key", key)
}

fn failed(rows: &[Value]) -> Vec<&str> {
    rows.iter().filter(|row| row["passed"] == false).filter_map(|row| row["outcome"].as_str()).collect()
}

/// A restaurant in a random state, as statements; most of it is in order.
fn disorder(session: &mut Session, dice: &mut Dice, room: &holdfast_e2e::Room, booking: Uuid, elsewhere: Uuid) {
    let table = room.tables[dice.roll(room.tables.len())];
    for _ in 0..dice.roll(3) {
        match dice.roll(10) {
            0 => session.set("table_inventory", table, "active", false),
            1 => session.set("table_inventory", table, "status", "out_of_service"),
            2 => session.set("table_inventory", table, "mobility", "fixed"),
            3 => session.set("table_inventory", table, "zone_id", Sql("null")),
            4 => session.set("table_inventory", table, "capacity", 1),
            5 => session.set("bookings", booking, "party_size", 9),
            6 => {
                let status = ["cancelled", "checked_in", "pending_allocation", "no_show", "confirmed"][dice.roll(5)];
                session.set("bookings", booking, "status", ground::or_pending(status));
            }
            7 => session.run(&format!("update public.table_inventory set restaurant_id = '{elsewhere}', zone_id = null where id = '{table}'")),
            8 => session.part(table),
            _ => session.run(&format!(
                "update public.bookings set start_at = start_at + interval '1 day', end_at = end_at + interval '1 day' where id = '{booking}'"
            )),
        }
    }
}

/// A call that may be refused, and then leaves nothing.
fn attempt(session: &mut Session, call: &Call) {
    session.run("savepoint attempt");
    if session.call(call).is_err() {
        session.run("rollback to attempt");
    }
}

/// Others who hold or have a table, and holds that are not what they should be.
fn others(session: &mut Session, dice: &mut Dice, room: &holdfast_e2e::Room, hold: Uuid) {
    let table = room.tables[dice.roll(room.tables.len())];
    let rival = session.booking_at(room.restaurant, at("19:00"), at("21:00"));
    match dice.roll(8) {
        0 => _ = session.hold(room, Some(rival), &[table]),
        1 => _ = session.hold(room, None, &[table]),
        2 => attempt(session, &confirm(rival, &[table], "rival")),
        3 => {
            attempt(session, &confirm(rival, &[table], "rival"));
            session.set("bookings", rival, "status", "cancelled");
        }
        4 => session.set("table_holds", hold, "expires_at", Sql("now() - interval '1 minute'")),
        5 => session.set("table_holds", hold, "status", ["cancelled", "confirmed", "expired"][dice.roll(3)]),
        6 => session.set("table_holds", hold, "booking_id", rival),
        _ => {}
    }
}

/// Seeded: preflight is all green exactly when the confirm that follows succeeds, nobody else being active.
#[test]
fn all_green_means_that_the_confirm_succeeds() {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (seed, cases) = (number("HOLDFAST_SEED", 20_270_501), number("HOLDFAST_CASES", 250));
    println!("HOLDFAST_SEED={seed}");
    let mut dice = Dice::new(seed);
    let mut floor = Floor::new();
    let (mut green, mut red) = (0, 0);
    for case in 0..cases {
        floor.run("begin");
        let elsewhere = floor.restaurant("UTC");
        let room = floor.room(4);
        let first = dice.roll(3);
        let tables = room.tables[first..=first + dice.roll(2)].to_vec();
        let (booking, hold) = floor.held(&room, &tables);
        // Another room's table, an unknown one, and earlier answers under the key.
        let tables = match dice.roll(12) {
            0 => [tables.clone(), vec![Uuid::new_v4()]].concat(),
            1 => [tables.clone(), floor.room_in(room.restaurant, 1).tables].concat(),
            _ => tables,
        };
        if dice.roll(5) == 0 {
            attempt(&mut floor, &confirm(booking, &tables, "key"));
        }
        disorder(&mut floor, &mut dice, &room, booking, elsewhere);
        others(&mut floor, &mut dice, &room, hold);
        let adjacent = dice.roll(3) == 0;
        let (question, call) = if dice.roll(2) == 0 {
            (by_hold(booking, hold, "key"), confirm_hold(hold, booking, "key"))
        } else {
            (by_tables(booking, &tables, "key"), confirm(booking, &tables, "key"))
        };
        let question = question.with("p_require_adjacency", adjacent);
        let rows = explain(&mut floor, &question);
        let objections = failed(&rows);
        match floor.call(&call.with("p_require_adjacency", adjacent)) {
            Ok(_) => assert!(objections.is_empty(), "case {case}: confirmed in spite of {rows:#?}"),
            Err(refusal) => {
                // The first objection is the one that the confirm gives.
                let first = rows.iter().find(|row| row["passed"] == false);
                let first = first.unwrap_or_else(|| panic!("case {case}: {refusal:?} in spite of {rows:#?}"));
                assert_eq!(first["message"], refusal.message, "case {case}: {rows:#?}");
            }
        }
        if objections.is_empty() {
            green += 1
        } else {
            red += 1
        }
        floor.run("rollback");
    }
    println!("{green} green, {red} red");
    assert!(green > cases / 6 && red > cases / 6, "{green} green, {red} red");
}

#[test]
fn every_objection_is_named_with_who_blocks() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let seated = floor.booking_at(room.restaurant, at("19:00"), at("21:00"));
    floor.done(&confirm(seated, &room.tables[2..], "seated"));
    let (booking, hold) = floor.held(&room, &room.tables);
    let (rival, held_by) = floor.held(&room, &room.tables[..1]);
    floor.set("bookings", booking, "party_size", 40);
    floor.set("table_inventory", room.tables[1], "active", false);
    let before = floor.snapshot();
    let rows = explain(&mut floor, &by_hold(booking, hold, "key"));
    assert_untouched(&mut floor, &before, "a preflight");
    assert_eq!(
        failed(&rows),
        ["table_inactive", "party_too_large", "hold_conflict", "allocation_conflict", "assignment_conflict"],
        "{rows:#?}"
    );
    let row = |outcome: &str| rows.iter().find(|row| row["outcome"] == outcome).expect(outcome).clone();
    let of_hold = row("hold_conflict");
    assert_eq!(of_hold["blocking_hold_id"], held_by.to_string());
    assert_eq!(
        (&of_hold["blocking_booking_id"], &of_hold["blocking_table_id"]),
        (&rival.to_string().into(), &room.tables[0].to_string().into())
    );
    let of_booking = row("allocation_conflict");
    assert_eq!(
        (&of_booking["blocking_booking_id"], &of_booking["blocking_hold_id"]),
        (&seated.to_string().into(), &Value::Null)
    );
    assert!(
        of_booking["blocking_start_at"].as_str().is_some_and(|text| text.starts_with("2027-05-01T19:00")),
        "{of_booking}"
    );
    assert!(rows.iter().any(|row| row["check_name"] == "hold_live" && row["passed"] == true));
    let native = holdfast_e2e::native("explain_confirm").with("p_booking_id", booking).with("p_hold_id", hold);
    let answer = floor.outcome(&native);
    assert_eq!(
        (&answer["outcome"], answer["result"].as_array().map(Vec::len)),
        (&"explained".into(), Some(rows.len()))
    );
}

/// What a confirm would refuse before it looks, and an answer that the key is bound to.
#[test]
fn arguments_and_keys_decide_alone() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let rows = explain(&mut floor, &Call::new("explain_confirm").with("p_booking_id", booking));
    assert_eq!((rows.len(), failed(&rows)), (1, vec!["tables_missing"]));
    let rows = explain(&mut floor, &by_tables(Uuid::nil(), &room.tables, "key"));
    assert_eq!(failed(&rows), ["booking_not_found"]);
    let rows = explain(&mut floor, &by_hold(booking, Uuid::nil(), "key"));
    assert_eq!(failed(&rows), ["hold_not_found"]);
    floor.done(&confirm(booking, &room.tables, "key"));
    let rows = explain(&mut floor, &by_tables(booking, &room.tables, "key"));
    assert_eq!((rows.last().map(|row| &row["check_name"]), failed(&rows)), (Some(&"key".into()), vec![]));
    let rows = explain(&mut floor, &by_tables(booking, &[Uuid::nil()], "key"));
    assert_eq!(failed(&rows), ["key_mismatch"]);
}

/// It waits for nobody.
#[test]
fn it_takes_no_lock() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let mut holder = floor.session();
    holder.run("begin; select from public.bookings for update; select from public.table_holds for update; select from public.table_inventory for update");
    let other = floor.session();
    let waiting = behind(&mut floor, holder.pid, other, &confirm_hold(hold, booking, "key"));
    floor.run("set lock_timeout = '1s'");
    assert_eq!(failed(&explain(&mut floor, &by_hold(booking, hold, "key"))), Vec::<&str>::new());
    holder.run("rollback");
    waiting.finish().1.expect("confirmed");
}
