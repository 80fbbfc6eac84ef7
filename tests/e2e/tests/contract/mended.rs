//! A healthy database is broken in every known way, also in two at a time: each break is found by the booking's
//! reconciliation and by the view, mended where the facts decide, and not found again.

use holdfast_e2e::breaks::{BREAKS, Break, bystander, confirmed, found, listed, unlock};
use holdfast_e2e::{Call, Dice, Floor, Room, Session, lose_events};
use serde_json::Value;
use uuid::Uuid;

fn repair(session: &mut Session, booking: Uuid, dry_run: bool) -> Vec<Value> {
    session.done(&Call::new("repair_booking").with("p_booking_id", booking).with("p_dry_run", dry_run))
}

/// Puts back what a repair changed, from nothing but the entries that it left in the history.
fn undo(floor: &mut Floor, booking: Uuid) {
    let entries: Vec<Value> = floor.column(&format!(
        "select metadata -> 'changes' from public.booking_state_history
         where booking_id = '{booking}' and reason = 'reconciliation' order by id desc"
    ));
    assert!(!entries.is_empty(), "the repair left no entry");
    floor.run("set session_replication_role = replica");
    for change in entries.iter().flat_map(|list| list.as_array().expect("a list").iter().rev()) {
        let table = change["table"].as_str().expect("a table");
        let (was, is) = (&change["before"], &change["after"]);
        if !is.is_null() {
            let same = "(to_jsonb(t) ->> 'id') is not distinct from ($1::jsonb ->> 'id')
                        and (to_jsonb(t) ->> 'idempotency_key') is not distinct from ($1::jsonb ->> 'idempotency_key')";
            let sql = format!("delete from public.{table} t where {same} and t.booking_id = '{booking}'");
            assert_eq!(floor.client.execute(&sql, &[is]).expect("the row as it is"), 1, "{change}");
        }
        if !was.is_null() {
            let sql = format!(
                "insert into public.{table} overriding system value
                 select * from jsonb_populate_record(null::public.{table}, $1::jsonb)"
            );
            floor.client.execute(&sql, &[was]).expect("the row as it was");
        }
    }
    floor.run(&format!(
        "update public.bookings b set status = h.from_status from (
           select from_status from public.booking_state_history
           where booking_id = '{booking}' and reason = 'reconciliation' and from_status <> to_status
             and metadata -> 'steps' @> '[{{\"step\": \"advance_status\"}}]') h where b.id = '{booking}';
         delete from public.booking_state_history where booking_id = '{booking}' and reason = 'reconciliation';
         update public.booking_table_assignments a set allocation_id = null
         where not exists (select from public.allocations l where l.id = a.allocation_id);
         set session_replication_role = origin"
    ));
}

/// A floor without the constraints that would keep it whole, and a room in it.
fn floor() -> (Floor, Room, Uuid) {
    let mut floor = Floor::new();
    unlock(&mut floor);
    let room = floor.room(8);
    let elsewhere = floor.restaurant("UTC");
    (floor, room, elsewhere)
}

/// Breaks one booking and mends it; what is left is for a person.
fn break_and_mend(floor: &mut Floor, room: &Room, elsewhere: Uuid, day: i64, breaks: &[&Break]) {
    let what: Vec<&str> = breaks.iter().map(|one| one.name).collect();
    let (booking, other) = (confirmed(floor, room, day), bystander(floor, room, day));
    assert_eq!(found(floor, booking), Vec::<String>::new(), "before {what:?}");
    assert_eq!(listed(floor, booking), Vec::<String>::new(), "before {what:?}");
    for one in breaks {
        one.apply(floor, booking, other, elsewhere);
    }
    let seen = found(floor, booking);
    assert!(!seen.is_empty(), "{what:?} was not found");
    assert_eq!(listed(floor, booking), seen, "{what:?}: the view against reconcile_booking");
    if let [one] = breaks {
        let missing: Vec<_> = one.finds.iter().filter(|name| !seen.contains(&(**name).to_owned())).collect();
        assert!(missing.is_empty(), "{what:?}: {missing:?} not among {seen:?}");
    }
    let before = floor.snapshot();
    let plan = repair(floor, booking, true);
    holdfast_e2e::assert_untouched(floor, &before, "a plan");
    assert!(plan.iter().all(|row| row["action"] != "done"), "{plan:#?}");
    let done = repair(floor, booking, false);
    let people: Vec<&str> =
        done.iter().filter(|row| row["action"] == "person").filter_map(|row| row["finding"].as_str()).collect();
    let mut left = found(floor, booking);
    assert!(left.iter().all(|name| people.contains(&name.as_str())), "{what:?}: {left:?} left after {done:#?}");
    assert_eq!(listed(floor, booking), left, "{what:?} after the repair");
    if let [one] = breaks {
        left.retain(|name| name != "window_differs_from_booking" && name != "window_left_behind");
        assert_eq!(
            left.is_empty(),
            one.decided || one.name.contains("half an hour"),
            "{what:?}: {left:?} after {done:#?}"
        );
    }
    let again = repair(floor, booking, false);
    assert!(again.iter().all(|row| row["action"] == "person"), "{what:?}: a second repair did {again:#?}");
    // The next case begins on a clean floor.
    floor.run(&format!(
        "delete from public.bookings where id in ('{booking}', '{other}'); update public.table_inventory set status = 'available', active = true;
         update public.table_inventory set zone_id = '{}' where restaurant_id = '{}'; delete from public.table_adjacencies;
         delete from public.table_holds; delete from public.allocations; delete from public.capacity_outbox",
        room.zone, room.restaurant
    ));
    room.tables.windows(2).for_each(|pair| floor.join(pair[0], pair[1]));
}

#[test]
fn every_break_is_found_and_mended() {
    let (mut floor, room, elsewhere) = floor();
    for (day, one) in BREAKS.iter().enumerate() {
        break_and_mend(&mut floor, &room, elsewhere, day as i64, &[one]);
    }
}

#[test]
fn two_breaks_at_a_time_are_found_and_mended() {
    let seed = std::env::var("HOLDFAST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_270_501);
    println!("HOLDFAST_SEED={seed}");
    let cases = std::env::var("HOLDFAST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40);
    let mut dice = Dice::new(seed);
    let (mut floor, room, elsewhere) = floor();
    for day in 0..cases {
        let one = dice.roll(BREAKS.len());
        let two = (one + 1 + dice.roll(BREAKS.len() - 1)) % BREAKS.len();
        break_and_mend(&mut floor, &room, elsewhere, day, &[&BREAKS[one], &BREAKS[two]]);
    }
}

/// What a repair did can be taken back: the history has every row as it was.
#[test]
fn a_repair_can_be_undone() {
    let (mut floor, room, elsewhere) = floor();
    // A booking's row tells when it changed; a table's status is that of now, whatever it was.
    let rest = |floor: &mut Floor| -> Vec<String> {
        floor.column(
            "select v.t from (select to_jsonb(a) - 'allocation_id' from public.booking_table_assignments a
               union all select to_jsonb(a) from public.allocations a union all select to_jsonb(h) from public.table_holds h
               union all select to_jsonb(l) from public.booking_assignment_idempotency l
               union all select to_jsonb(o) from public.capacity_outbox o
               union all select to_jsonb(h) from public.booking_state_history h
               union all select to_jsonb(b) - 'updated_at' from public.bookings b) u (t), lateral (select t::text) v (t)
             order by 1",
        )
    };
    for (day, one) in BREAKS.iter().filter(|one| one.decided).enumerate() {
        let (booking, other) = (confirmed(&mut floor, &room, day as i64), bystander(&mut floor, &room, day as i64));
        one.apply(&mut floor, booking, other, elsewhere);
        let (broken, names) = (rest(&mut floor), found(&mut floor, booking));
        repair(&mut floor, booking, false);
        undo(&mut floor, booking);
        assert_eq!(rest(&mut floor), broken, "{}", one.name);
        if one.name != "a table marked as occupied" {
            assert_eq!(found(&mut floor, booking), names, "{}", one.name);
        }
        floor.run(&format!("delete from public.bookings where id in ('{booking}', '{other}')"));
    }
}

/// Only what was asked for is mended, by name or by code; what nobody knows is refused.
#[test]
fn a_repair_does_what_it_is_asked_for() {
    let (mut floor, room, _) = floor();
    let booking = confirmed(&mut floor, &room, 1);
    lose_events(&mut floor, "true");
    floor.run("update public.bookings set status = 'checked_in'");
    let call = Call::new("repair_booking").with("p_booking_id", booking).with("p_dry_run", false);
    floor.done(&call.clone().with("p_findings", holdfast_e2e::Sql("array['HD13']")));
    assert_eq!(found(&mut floor, booking), ["history_differs"]);
    floor.done(&call.clone().with("p_findings", holdfast_e2e::Sql("array['history_differs']")));
    assert_eq!(found(&mut floor, booking), Vec::<String>::new());
    floor
        .refused(&call.with("p_findings", holdfast_e2e::Sql("array['nothing']")))
        .says("22023", "repair_booking does not know the finding nothing")
        .code("HF701");
    let gone = Call::new("repair_booking").with("p_booking_id", Uuid::nil());
    floor.refused(&gone).says("P0002", &format!("Booking {} not found", Uuid::nil()));
}

/// A claim is not made where somebody else sits: that is for a person.
#[test]
fn a_repair_takes_no_table_from_a_live_booking() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = confirmed(&mut floor, &room, 1);
    floor.run("delete from public.allocations");
    let rival = bystander(&mut floor, &room, 1);
    floor.run(&format!("delete from public.booking_table_assignments where table_id = '{}'", room.tables[1]));
    // With the assignments in the way, the rival can only come by the back door, as old code would.
    floor.run(&format!(
        "insert into public.allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\")
         select '{rival}', restaurant_id, 'table', '{}', tstzrange(start_at, end_at, '[)') from public.bookings where id = '{rival}'",
        room.tables[0]
    ));
    let before = floor.snapshot();
    let rows = repair(&mut floor, booking, false);
    let claims: Vec<&Value> = rows.iter().filter(|row| row["finding"] == "assignment_without_allocation").collect();
    assert_eq!(claims.len(), 1, "{rows:#?}");
    assert_eq!(claims[0]["action"], "person", "{rows:#?}");
    let changed = before.changed_tables(&floor.snapshot());
    assert!(!changed.contains(&"allocations".to_owned()), "{changed:?}");
}

/// Where the facts do not decide, the catalogue says what a person can do, and that mends it.
#[test]
fn what_a_person_is_told_to_do_mends_it() {
    let (mut floor, room, elsewhere) = floor();
    let again = [
        "another booking on the same tables",
        "rescheduled to another day",
        "rescheduled by half an hour",
        "answer turned into a fence",
        "tables gone, claims and all",
    ];
    for (day, name) in again.into_iter().enumerate() {
        let (booking, other) = (confirmed(&mut floor, &room, day as i64), bystander(&mut floor, &room, day as i64));
        let one = BREAKS.iter().find(|one| one.name == name).expect(name);
        one.apply(&mut floor, booking, other, elsewhere);
        let person = floor.value::<Vec<String>>(&format!(
            "select array(select distinct f.repair from holdfast.findings f join public.repair_booking('{booking}') r
             on r.finding = f.name where r.action = 'person')"
        ));
        assert!(
            person.iter().all(|words| words.contains("confirm") && words.contains("new key")),
            "{name}: {person:?}"
        );
        let free = room.tables.iter().copied().filter(|table| {
            floor.count("allocations", &format!("resource_id = '{table}' and booking_id in ('{booking}', '{other}')"))
                == 0
        });
        let free: Vec<Uuid> = free.take(2).collect();
        floor.done(&holdfast_e2e::confirm(booking, &free, "a new key"));
        assert_eq!(found(&mut floor, booking), Vec::<String>::new(), "{name}");
        assert_eq!(listed(&mut floor, booking), Vec::<String>::new(), "{name}");
    }
}
