//! Maintenance is judged by its window (K15), and a party that sits is seen (K16).

use chrono::{Duration, Utc};
use holdfast_e2e::{Call, Floor, Sql, confirm};
use uuid::Uuid;

fn refresh(table: Uuid) -> Call {
    Call::new("refresh_table_status").with("p_table_id", table)
}

fn status(floor: &mut Floor, table: Uuid) -> Option<String> {
    floor.get("table_inventory", table, "status")
}

/// A maintenance of the table from an hour ago until in an hour.
fn maintenance(floor: &mut Floor, restaurant: Uuid, table: Uuid) -> Uuid {
    floor.value(&format!(
        "insert into public.allocations (restaurant_id, resource_type, resource_id, \"window\", is_maintenance)
         values ('{restaurant}', 'table', '{table}', tstzrange(now() - interval '1 hour', now() + interval '1 hour'), true)
         returning id"
    ))
}

#[test]
fn k15_a_repair_of_an_hour_does_not_refuse_next_march() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let table = room.tables[0];
    let repair = maintenance(&mut floor, room.restaurant, table);
    floor.done(&refresh(table));
    assert_eq!(status(&mut floor, table).as_deref(), Some("out_of_service"));
    let march = floor.booking_at(room.restaurant, Utc::now() + Duration::days(120), Utc::now() + Duration::days(121));
    assert_eq!(floor.seats(&confirm(march, &[table], "key")).len(), 1);
    let now = floor.booking_at(room.restaurant, Utc::now(), Utc::now() + Duration::hours(2));
    floor.refused(&confirm(now, &[table], "key")).says("P0001", "allocations_no_overlap");
    floor.run(&format!("delete from public.allocations where id = '{repair}'"));
    floor.done(&confirm(now, &[table], "key"));
    assert_eq!(status(&mut floor, table).as_deref(), Some("reserved"), "what a refresh set, a refresh takes back");
    assert_eq!(floor.count("holdfast_out_of_service", "true"), 0);
}

#[test]
fn k15_what_a_person_put_out_of_service_stays() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let table = room.tables[0];
    floor.set("table_inventory", table, "status", "out_of_service");
    let repair = maintenance(&mut floor, room.restaurant, table);
    floor.done(&refresh(table));
    floor.run(&format!("delete from public.allocations where id = '{repair}'"));
    floor.done(&refresh(table));
    assert_eq!(status(&mut floor, table).as_deref(), Some("out_of_service"));
    let march = floor.booking_at(room.restaurant, Utc::now() + Duration::days(120), Utc::now() + Duration::days(121));
    floor.refused(&confirm(march, &[table], "key")).code("HF505");
}

/// A walk-in of the next two hours, at the table.
fn walk_in(floor: &mut Floor, restaurant: Uuid) -> Uuid {
    let start = Utc::now() - Duration::minutes(1);
    floor.booking_at(restaurant, start, start + Duration::hours(2))
}

#[test]
fn k16_a_party_that_sits_keeps_its_table_now() {
    // Hours from now: it sits past its window, it came early.
    for (from, until) in [(-4, -1), (3, 5)] {
        let mut floor = Floor::new();
        let room = floor.room(2);
        let table = room.tables[0];
        let (start, end) = (Utc::now() + Duration::hours(from), Utc::now() + Duration::hours(until));
        let sitting = floor.booking_at(room.restaurant, start, end);
        floor.done(&confirm(sitting, &[table], "key"));
        let guest = walk_in(&mut floor, room.restaurant);
        floor.done(&confirm(guest, &[table], "before they sit"));
        floor.set("bookings", guest, "status", "cancelled");
        floor.set("bookings", sitting, "status", "checked_in");
        let guest = walk_in(&mut floor, room.restaurant);
        let text = format!("assign_tables_atomic_v2 assignment overlap for table {table}");
        floor.refused(&confirm(guest, &[table], "key")).says("P0001", &text).code("HF602");
        let hold = Call::new("hold_tables").with("p_booking_id", guest).with("p_table_ids", vec![table]);
        floor.refused(&hold).code("HF602");
        floor.done(&confirm(guest, &room.tables[1..], "key"));
        let tomorrow =
            floor.booking_at(room.restaurant, Utc::now() + Duration::days(1), Utc::now() + Duration::days(2));
        floor.done(&confirm(tomorrow, &[table], "key"));
        floor.set("bookings", sitting, "status", "completed");
        let guest = walk_in(&mut floor, room.restaurant);
        floor.done(&confirm(guest, &[table], "they left"));
        let moved = Call::new("apply_booking_state_transition")
            .with("p_booking_id", guest)
            .with("p_status", "checked_in")
            .with("p_checked_in_at", Sql("now()"))
            .with("p_checked_out_at", Sql("null"))
            .with("p_updated_at", Sql("null"))
            .with("p_history_from", Sql("null"))
            .with("p_history_to", Sql("null"))
            .with("p_history_changed_by", Sql("null"))
            .with("p_history_changed_at", Sql("null"))
            .with("p_history_reason", "test");
        floor.done(&moved);
    }
}
