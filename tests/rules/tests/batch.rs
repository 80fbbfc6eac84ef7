//! A list of confirms: what can be read of it, and what a failure of an item means for the others.

use holdfast::rules::Id;
use holdfast::rules::attempt::{KEYS_MARKED, lock_number, lock_numbers, share_number};
use holdfast::rules::batch::{BatchMode, is_of_item_alone, items, naming_item};
use holdfast::rules::booking::window::Instant;
use holdfast::rules::confirm::request::{Arguments, Named};
use holdfast::rules::json::Json;
use holdfast::rules::refusal::failure::{Failure, ServerError, sqlstate_pack};
use holdfast::rules::refusal::outcome::Outcome;
use holdfast::rules::refusal::{self, Refusal};
use holdfast_rules_tests::{BOOKING, HOLD, OTHER_BOOKING, table_id};
use serde_json::{Value, json};

fn read(value: Value) -> Result<Vec<Arguments>, Refusal> {
    Ok(items(Some(&Json::from(value)))?.into_iter().map(|item| item.arguments).collect())
}

#[test]
fn an_item_is_the_arguments_of_a_confirm() {
    let found = read(json!([
        {"booking_id": BOOKING, "table_ids": [table_id(1), null]},
        {"booking_id": BOOKING, "hold_id": HOLD, "target_status": null, "history_metadata": null, "history_reason": null,
         "start_at": "2000-01-01T02:00:01+02:00"},
    ]));
    let [by_tables, by_hold] = &found.expect("two items")[..] else { panic!("two items") };
    assert_eq!(by_tables.named, Named::Tables(Some(vec![Some(table_id(1)), None])));
    assert_eq!((by_tables.booking, by_tables.target.as_deref()), (Some(BOOKING), Some("confirmed")));
    assert_eq!(by_tables.history.reason.as_deref(), Some("auto_assign_atomic_confirm"));
    assert_eq!(by_tables.history.metadata, Some(Json::from(json!({}))));
    assert_eq!((&by_hold.named, &by_hold.target), (&Named::Hold(Some(HOLD)), &None));
    assert_eq!((&by_hold.history.reason, &by_hold.history.metadata), (&None, &None));
    assert_eq!(by_hold.start, Some(Instant(1_000_000)));
}

#[test]
fn what_is_no_list_of_items_is_refused() {
    assert_eq!(items(None).expect_err("NULL").outcome, Outcome::ArgumentInvalid);
    for value in [json!(null), json!({}), json!("x"), json!([[]]), json!([null]), json!([{"booking_id": BOOKING}])] {
        assert_eq!(read(value.clone()).expect_err("nothing to read").outcome, Outcome::ArgumentInvalid, "{value}");
    }
    assert_eq!(read(json!([])), Ok(vec![]));
    for time in ["infinity", "2027-05-01", "-009000-01-01T00:00:00Z", ""] {
        let item = json!([{"booking_id": BOOKING, "hold_id": HOLD, "start_at": time}]);
        assert!(read(item).expect_err(time).message.starts_with("Item 1 of p_items: start_at"), "{time}");
    }
}

#[test]
fn a_mode_is_one_of_two() {
    assert_eq!(
        [None, Some("raise"), Some("isolate")].map(BatchMode::of),
        [Ok(BatchMode::Raise), Ok(BatchMode::Raise), Ok(BatchMode::Isolate)]
    );
    assert_eq!(BatchMode::of(Some("")).expect_err("none").outcome, Outcome::ArgumentInvalid);
}

fn raised(code: &str) -> Failure {
    ServerError { sqlstate: sqlstate_pack(code), detail: Some("why".to_owned()), ..ServerError::default() }.into()
}

#[test]
fn a_failure_is_of_its_item_unless_the_others_could_not_go_on() {
    for code in ["P0001", "AB123", "23505", "40P01", "55P03", "42501"] {
        assert!(is_of_item_alone(&raised(code), true), "{code}");
    }
    for code in ["57014", "53200", "58030", "XX000"] {
        assert!(!is_of_item_alone(&raised(code), true), "{code}");
    }
    assert_eq!([true, false].map(|committed| is_of_item_alone(&raised("40001"), committed)), [true, false]);
    let undone = |outcome| Failure::Undone(Refusal::new(outcome, "x"));
    let alone = |outcome| [true, false].map(|committed| is_of_item_alone(&undone(outcome), committed));
    assert_eq!(alone(Outcome::AllocationConflict), [true, true]);
    assert_eq!(alone(Outcome::SerializationFailure), [true, false]);
    assert_eq!(alone(Outcome::NotAttached), [false, false]);
    assert_eq!(alone(Outcome::BrokenInvariant), [false, false]);
}

#[test]
fn the_item_is_named_behind_the_words_of_the_error() {
    let Failure::Server(error) = naming_item(raised("AB123"), 3, Some(BOOKING)) else { panic!("an error") };
    assert_eq!(error.detail, Some(format!("why\nItem 3 of p_items, booking {BOOKING}")));
    let refused = Failure::Undone(refusal::booking_not_found(None));
    let Failure::Undone(refusal) = naming_item(refused, 1, None) else { panic!("a refusal") };
    assert!(refusal.detail.is_some_and(|detail| detail.ends_with("Item 1 of p_items")));
}

#[test]
fn many_keys_are_marked_by_few_locks() {
    let few = [(BOOKING, "a"), (OTHER_BOOKING, "b")];
    let of = |(booking, key): (Id, &str)| lock_number(7, booking, key);
    assert_eq!(lock_numbers(7, &few), few.map(of).into_iter().collect());
    let many: Vec<(Id, &str)> = (0..10_000).map(|n| (Id::from_u128(n * 31), "key")).collect();
    let numbers = lock_numbers(7, &many);
    assert!(numbers.len() <= KEYS_MARKED, "{}", numbers.len());
    assert!(many.iter().all(|(booking, _)| numbers.contains(&share_number(7, *booking))));
}
