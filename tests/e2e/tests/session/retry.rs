//! The procedure that retries in transactions of its own.

use holdfast_e2e::{Floor, GRANTED};
use serde_json::{Value, json};
use uuid::Uuid;

fn call(booking: Uuid, hold: Uuid, rest: &str) -> String {
    format!("call public.confirm_with_retry('{booking}', '{hold}', 'key', 5000{rest})")
}

#[test]
fn the_result_is_committed() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let mut granted = floor.session_as(GRANTED);
    let row: Value = granted.value(&call(booking, hold, ""));
    assert_eq!(row["outcome"], "confirmed", "{row}");
    let again: Value = granted.value(&call(booking, hold, ", p_tries => null"));
    assert_eq!((&again["outcome"], &again["replayed"]), (&json!("confirmed"), &json!(true)));
    granted.run("begin");
    let refusal = granted.try_run(&call(booking, hold, "")).expect_err("it ends transactions");
    assert_eq!(refusal.sqlstate, "2D000", "{refusal:?}");
}

/// A trigger that loses two races before it lets the confirm through.
fn losing(floor: &mut Floor, times: i32) {
    floor.run(&format!(
        "create sequence public.race;
         grant usage on sequence public.race to public;
         create function public.lose() returns trigger language plpgsql as $$ begin
           if nextval('public.race') <= {times} then raise 'lost' using errcode = '40001'; end if; return new; end $$;
         create trigger lose before insert on public.booking_table_assignments
         for each row execute function public.lose()"
    ));
}

#[test]
fn a_serialization_failure_is_tried_again_in_a_new_transaction() {
    let mut floor = Floor::new();
    losing(&mut floor, 2);
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.run("set default_transaction_isolation = 'serializable'");
    let row: Value = floor.value(&call(booking, hold, ", p_tries => 3"));
    assert_eq!(row["outcome"], "confirmed", "{row}");
    assert_eq!(floor.value::<i64>("select last_value from public.race"), 3, "tries in all");
    assert_eq!(floor.count("booking_table_assignments", "true"), 1);
}

#[test]
fn tries_are_counted() {
    let mut floor = Floor::new();
    losing(&mut floor, 100);
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let row: Value = floor.value(&call(booking, hold, ", p_tries => 2"));
    assert_eq!((&row["outcome"], &row["sqlstate"]), (&json!("serialization_failure"), &json!("40001")), "{row}");
    assert_eq!(floor.value::<i64>("select last_value from public.race"), 2);
    assert_eq!(floor.get("table_holds", hold, "status").as_deref(), Some("active"), "for the next try");
    assert_eq!(floor.count("holdfast_attempts", "outcome = 'serialization_failure'"), 1, "the last one was committed");
}
