//! Every row of the contract's table of refusals (§2): SQLSTATE, message, DETAIL and HINT, and no trace left behind.
//! Rows that the reference schema makes impossible are raised after taking its constraint away.

use holdfast_e2e::{
    Call, Floor, Refusal, Sql, assert_untouched, assign, at, atomic_confirm, check_in, confirm, confirm_hold, unassign,
};
use serde_json::json;
use uuid::Uuid;

/// The refusal of a call, which must not leave a trace.
fn refused(floor: &mut Floor, call: &Call) -> Refusal {
    let before = floor.snapshot();
    let refusal = floor.refused(call);
    assert_untouched(floor, &before, &refusal.message);
    refusal
}

#[test]
fn booking_not_found() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let nobody = Uuid::new_v4();
    let message = format!("Booking {nobody} not found");
    refused(&mut floor, &confirm(nobody, &room.tables, "key")).says("P0002", &message).code("HF101");
    refused(&mut floor, &assign(nobody, &room.tables, "key")).says("P0002", &message).code("HF101");
    refused(&mut floor, &unassign(nobody)).says("P0002", &message).code("HF101");
    let hold = floor.hold(&room, None, &room.tables);
    refused(&mut floor, &confirm_hold(hold, nobody, "key")).says("P0002", &message).code("HF101");
}

#[test]
fn hold_not_found() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let hold = Uuid::new_v4();
    let refusal = refused(&mut floor, &confirm_hold(hold, booking, "key"));
    refusal.says("P0002", &format!("Hold {hold} not found")).code("HF102");
}

#[test]
fn tables_not_found() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let message = format!("Unable to load all requested tables for booking {booking}");
    let unknown = vec![room.tables[0], Uuid::new_v4()];
    refused(&mut floor, &confirm(booking, &unknown, "key")).says("P0002", &message).code("HF103");
    let with_null = confirm(booking, &[], "key").with("p_table_ids", vec![Some(room.tables[0]), None]);
    refused(&mut floor, &with_null).says("P0002", &message).code("HF103");
}

#[test]
fn hold_of_another_booking() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (owner, hold) = floor.held(&room, &room.tables);
    let other = floor.booking(room.restaurant);
    let refusal = refused(&mut floor, &confirm_hold(hold, other, "key"));
    refusal.says("P0001", &format!("Hold {hold} belongs to booking {owner} (expected {other})")).code("HF201");
}

#[test]
fn hold_expired() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.set("table_holds", hold, "expires_at", "2020-01-01 10:30:00+02");
    let refusal = refused(&mut floor, &confirm_hold(hold, booking, "key"));
    refusal.says("P0001", &format!("Hold {hold} expired at 2020-01-01T08:30:00Z")).code("HF202");
}

#[test]
fn hold_without_tables() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &[]);
    let refusal = refused(&mut floor, &confirm_hold(hold, booking, "key"));
    refusal.says("P0001", &format!("Hold {hold} has no table members")).code("HF203");
}

#[test]
fn hold_of_another_policy_or_floor() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let metadata =
        json!({"policyVersion": "v1", "selection": {"snapshot": {"adjacency": {"edges": [], "hash": "abc"}}}});
    floor.set("table_holds", hold, "metadata", metadata);
    let call = confirm_hold(hold, booking, "key");
    let refusal = refused(&mut floor, &call.clone().with("p_expected_policy_version", "v2"));
    refusal.says("P0003", &format!("Policy version changed (hold {hold}, expected v2, actual v1)")).code("HF207");
    let refusal = refused(&mut floor, &call.with("p_expected_adjacency_hash", "def"));
    refusal.says("P0003", &format!("Adjacency snapshot changed for hold {hold}")).code("HF208");
}

#[test]
fn hold_without_a_window() {
    let mut floor = Floor::new();
    floor.run("alter table public.table_holds alter start_at drop not null, drop constraint if exists table_holds_window_valid");
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.set("table_holds", hold, "start_at", Sql("null"));
    let refusal = refused(&mut floor, &confirm_hold(hold, booking, "key"));
    refusal.says("22000", &format!("Hold {hold} missing scheduling window")).code("HF204");
    floor.set("table_holds", hold, "start_at", at("20:00"));
    let refusal = refused(&mut floor, &confirm_hold(hold, booking, "key"));
    refusal.says("22000", &format!("Hold {hold} has invalid window")).code("HF205");
}

#[test]
fn hold_of_another_restaurant() {
    let mut floor = Floor::new();
    let (room, elsewhere) = (floor.room(1), floor.room(1));
    let booking = floor.booking(room.restaurant);
    let hold = floor.hold(&elsewhere, Some(booking), &elsewhere.tables);
    let refusal = refused(&mut floor, &confirm_hold(hold, booking, "key"));
    refusal.says("23503", &format!("Hold {hold} belongs to a different restaurant")).code("HF206");
}

#[test]
fn key_of_another_request() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    floor.done(&confirm(booking, &room.tables[..1], "key"));
    let refusal = refused(&mut floor, &confirm(booking, &room.tables[1..], "key"));
    refusal
        .says("P0003", &format!("assign_tables_atomic_v2 idempotency mismatch for booking {booking}"))
        .detail("Idempotency key reuse detected with a different table set");
    let difference = ("tables".to_owned(), json!([room.tables[0]]), json!([room.tables[1]]));
    assert_eq!(refusal.differences(), [difference]);
}

#[test]
fn replay_whose_assignments_are_gone() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let call = confirm(booking, &room.tables, "key");
    floor.done(&call);
    floor.done(&unassign(booking));
    let message = format!("assign_tables_atomic_v2 returned no assignments for booking {booking}");
    refused(&mut floor, &call).says("P0003", &message).code("HF302");
}

#[test]
fn status_changed_under_the_caller() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let call = check_in(booking, "confirmed");
    let refusal = refused(&mut floor, &call);
    refusal
        .says("P0004", "booking_state_conflict")
        .detail("Current status pending does not match expected confirmed")
        .code("HF304");
    let nonsense = refused(&mut floor, &call.with("p_history_to", "cancelled"));
    assert_eq!(nonsense.sqlstate, "22023", "status and history disagree: {nonsense:?}");
}

#[test]
fn hold_conflict() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (_, hold) = floor.held(&room, &room.tables);
    let booking = floor.booking(room.restaurant);
    for call in [confirm(booking, &room.tables, "key"), assign(booking, &room.tables, "key")] {
        refused(&mut floor, &call)
            .says("P0001", &format!("Hold conflict prevents assignment for booking {booking}"))
            .detail_begins(&format!("Hold {hold} overlaps requested window"))
            .hint_begins("Retry after hold expiration or confirm existing hold.");
    }
}

#[test]
fn window_taken_by_an_allocation() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (first, second) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    floor.done(&confirm(first, &room.tables, "key"));
    let table = room.tables[1];
    refused(&mut floor, &confirm(second, &[table], "key"))
        .says("P0001", "allocations_no_overlap")
        .detail_begins(&format!("Resource {table} overlaps requested window for booking {second}"))
        .code("HF601");
}

#[test]
fn window_taken_by_maintenance() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, table) = (floor.booking(room.restaurant), room.tables[0]);
    floor.insert(
        "allocations",
        &[
            ("restaurant_id", &room.restaurant),
            ("resource_type", &"table"),
            ("resource_id", &table),
            ("\"window\"", &Sql("'[2027-05-01 19:59+00, 2027-05-01 23:00+00)'")),
            ("is_maintenance", &true),
        ],
    );
    refused(&mut floor, &confirm(booking, &room.tables, "key"))
        .says("P0001", "allocations_no_overlap")
        .detail_begins(&format!("Resource {table} overlaps requested window for booking {booking}"))
        .code("HF601");
}

#[test]
fn window_taken_by_an_assignment_alone() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (first, second) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    floor.done(&confirm(first, &room.tables, "key"));
    floor.run("delete from public.allocations");
    let table = room.tables[0];
    let refusal = refused(&mut floor, &confirm(second, &room.tables, "key"));
    refusal.says("P0001", &format!("assign_tables_atomic_v2 assignment overlap for table {table}")).code("HF602");
    let detail = refusal.detail.unwrap_or_default();
    for named in [first.to_string(), table.to_string(), "2027-05-01T18:00:00Z".into(), "2027-05-01T20:00:00Z".into()] {
        assert!(detail.contains(&named), "{detail} does not name {named}");
    }
}

#[test]
fn window_half_given() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let half = "requires both start and end when providing custom window";
    let by_tables = confirm(booking, &room.tables, "key").with("p_start_at", at("18:00"));
    refused(&mut floor, &by_tables).says("22023", &format!("assign_tables_atomic_v2 {half}")).code("HF401");
    let added = assign(booking, &room.tables, "key").with("p_end_at", at("18:00"));
    refused(&mut floor, &added).says("22023", &format!("assign_tables_atomic_v2 {half}")).code("HF401");
    let by_hold = confirm_hold(hold, booking, "key").with("p_window_end", at("20:00"));
    refused(&mut floor, &by_hold).says("22023", &format!("confirm_hold_assignment_tx {half}")).code("HF401");
}

#[test]
fn booking_without_a_window() {
    let mut floor = Floor::new();
    floor.run(
        "do $$ declare name text; begin
           for name in select conname from pg_constraint where conrelid = 'public.bookings'::regclass and contype = 'c'
           loop execute format('alter table public.bookings drop constraint %I', name); end loop; end $$",
    );
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.set("bookings", booking, "end_at", at("17:00"));
    let refusal = refused(&mut floor, &confirm(booking, &room.tables, "key"));
    refusal.says("22000", &format!("Booking {booking} has invalid time window")).code("HF403");
    floor.set("bookings", booking, "end_at", Sql("null"));
    let refusal = refused(&mut floor, &confirm(booking, &room.tables, "key"));
    refusal.says("22000", &format!("Booking {booking} missing start/end window")).code("HF402");
}

#[test]
fn key_blank() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    for blank in ["", "  ", "\t\n"] {
        let refusal = refused(&mut floor, &confirm(booking, &room.tables, blank));
        assert_eq!(refusal.code("HF303").sqlstate, "23514");
    }
}

#[test]
fn without_anything_to_call_instead_it_is_refused_in_words() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, hold) = floor.held(&room, &room.tables[..1]);
    // Such a row is refused where it is written: this one is from a time when there was something.
    floor.run(
        "alter table public.holdfast_rollout disable trigger holdfast_rollout_checked;
         insert into public.holdfast_rollout (mode) values ('original')",
    );
    let refused = floor.refused(&atomic_confirm(booking, hold, "key"));
    refused.says("P0001", "Atomic confirm is switched off");
    assert!(refused.detail.as_deref().is_some_and(|detail| detail.contains("holdfast_rollout")), "{refused:?}");
    assert!(refused.hint.as_deref().is_some_and(|hint| hint.starts_with("HF710")), "{refused:?}");
    let within = Call::new("atomic_confirm_and_transition_within")
        .with("p_booking_id", booking)
        .with("p_hold_id", hold)
        .with("p_idempotency_key", "key")
        .with("p_timeout_ms", 1000);
    assert_eq!(floor.outcome(&within)["outcome"], "atomic_confirm_disabled");
    // What lets go of tables works in any case.
    assert_eq!(floor.done(&Call::new("release_hold_and_emit").with("p_hold_id", hold)), [serde_json::json!(true)]);
    assert_eq!(floor.done(&unassign(booking)).len(), 0);
    floor.run("delete from public.holdfast_rollout; set holdfast.atomic_confirm_enabled = off");
    let refused = floor.refused(&confirm(booking, &room.tables[..1], "key"));
    assert!(
        refused.detail.as_deref().is_some_and(|detail| detail.contains("holdfast.atomic_confirm_enabled")),
        "{refused:?}"
    );
    floor.run("set holdfast.atomic_confirm_enabled = on");
    assert_eq!(floor.done(&confirm(booking, &room.tables[..1], "key")).len(), 1, "nothing was bound to the key");
}
