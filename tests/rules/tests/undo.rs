//! Taking back what one key did.

use holdfast::rules::Id;
use holdfast::rules::booking::StatusRules;
use holdfast::rules::booking::table::{Blocker, Occupant};
use holdfast::rules::confirm::snapshot::Snapshot;
use holdfast::rules::confirm::undo::{KeyEffects, Undoing, decide, given_back, may_leave, may_restore, metadata};
use holdfast::rules::json::Json;
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::{BOOKING, NOBODY, OTHER_BOOKING, hours, shown, snapshot, statuses, table_id, table_ids};
use serde_json::{Value, json};

fn done(target: Option<&str>, before: Option<&str>) -> KeyEffects {
    KeyEffects {
        tables: table_ids(&[1]),
        target: target.map(str::to_owned),
        before: before.map(str::to_owned),
        ..KeyEffects::default()
    }
}

/// A key that found its tables standing and moved the status.
fn moved_only() -> KeyEffects {
    KeyEffects { tables: vec![], found_standing: true, ..done(Some("confirmed"), Some("pending")) }
}

fn of(current: &str, done: &KeyEffects) -> Result<Undoing, Outcome> {
    decide(current, Some(done)).map_err(|refusal| refusal.outcome)
}

fn back(status: Option<&str>) -> Result<Undoing, Outcome> {
    Ok(Undoing::TakeBack { status: status.map(str::to_owned) })
}

#[test]
fn the_status_goes_back_where_the_key_had_moved_it() {
    assert_eq!(of("confirmed", &done(Some("confirmed"), Some("pending"))), back(Some("pending")));
    assert_eq!(of("confirmed", &done(Some("confirmed"), Some("confirmed"))), back(None));
    assert_eq!(of("confirmed", &done(Some("confirmed"), None)), back(None));
    assert_eq!(of("checked_in", &done(None, None)), back(None), "an assign leaves the status");
    assert_eq!(of("cancelled", &done(Some("confirmed"), Some("pending"))), Err(Outcome::StatusConflict));
}

#[test]
fn a_key_that_only_moved_the_status_moves_it_back() {
    let conflict = Err(Outcome::StatusConflict);
    let cases = [
        ("confirmed", moved_only(), back(Some("pending"))),
        ("pending", moved_only(), Ok(Undoing::Nothing)),
        ("confirmed", KeyEffects { undone: true, ..moved_only() }, Ok(Undoing::Nothing)),
        ("confirmed", KeyEffects { changed_since: true, ..moved_only() }, conflict.clone()),
        ("checked_in", moved_only(), conflict),
        ("confirmed", KeyEffects { before: Some("confirmed".to_owned()), ..moved_only() }, Ok(Undoing::Nothing)),
        ("confirmed", KeyEffects { found_standing: false, ..moved_only() }, Ok(Undoing::Nothing)),
    ];
    for (current, done, expected) in cases {
        assert_eq!(of(current, &done), expected, "{current} {done:?}");
    }
}

#[test]
fn what_is_not_there_is_not_taken() {
    assert_eq!(decide("confirmed", None), Ok(Undoing::Nothing));
    let gone = KeyEffects { tables: Vec::new(), ..done(Some("confirmed"), Some("pending")) };
    assert_eq!(decide("cancelled", Some(&gone)), Ok(Undoing::Nothing));
}

#[test]
fn replaced_tables_come_back_while_nobody_else_has_them() {
    let (id, table) = (Id::from_u128(0x900), table_id(1));
    let blocked = |released: bool| Snapshot {
        blockers: vec![Blocker::Allocation { id, table, released }],
        occupants: [(id, Occupant { booking: Some(OTHER_BOOKING), window: Some(hours(18, 20)), until: None })].into(),
        ..snapshot()
    };
    assert_eq!(may_restore(BOOKING, &[table], &snapshot()), Ok(()));
    assert_eq!(may_restore(BOOKING, &[table], &blocked(true)), Ok(()), "its booking is over");
    let refusal = may_restore(BOOKING, &[table], &blocked(false)).expect_err("taken");
    assert_eq!(refusal.outcome, Outcome::UndoUndecided);
    let who = format!(
        "Table {}, which the key replaced, is taken by booking {} in window {}",
        shown(table),
        shown(OTHER_BOOKING),
        hours(18, 20)
    );
    assert_eq!(refusal.detail, Some(who));
    assert_eq!(may_restore(BOOKING, &[NOBODY], &snapshot()).expect_err("gone").outcome, Outcome::UndoUndecided);
}

#[test]
fn no_booking_is_left_confirmed_without_a_table() {
    let free = StatusRules { target_is_confirmable: false, target_needs_tables: false, ..statuses() };
    assert_eq!(may_leave(BOOKING, 1, "confirmed", &statuses()), Ok(()));
    assert_eq!(may_leave(BOOKING, 0, "pending", &free), Ok(()));
    let refusal = may_leave(BOOKING, 0, "confirmed", &statuses()).expect_err("without a table");
    assert_eq!(refusal.outcome, Outcome::UndoUndecided);
    assert_eq!(refusal.detail.as_deref(), Some("The booking would be confirmed without a table"));
}

#[test]
fn the_history_says_what_was_undone() {
    let tables = table_ids(&[1]);
    let plain = json!({"undoneKey": "key", "tableIds": tables});
    let metadata =
        |given: Option<Value>, key, these: &_, back: &_| metadata(given.map(Json::from), key, these, back).value();
    assert_eq!(metadata(None, "key", &tables, &[]), plain);
    assert_eq!(metadata(Some(json!(null)), "key", &tables, &[]), plain);
    assert_eq!(metadata(Some(json!({"a": 1})), "key", &tables, &[])["a"], 1);
    assert_eq!(metadata(Some(json!([1])), "key", &tables, &[])["metadata"], json!([1]));
    assert_eq!(metadata(None, "key", &[], &tables)["restoredTableIds"], json!(tables));
    assert_eq!(given_back(&[]), None);
    assert_eq!(given_back(&tables), Some(format!("Given back: {}", shown(tables[0]))));
}
