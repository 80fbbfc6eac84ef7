//! Taking back what one key did.

use holdfast::rules::outcome::Outcome;
use holdfast::rules::undo::{Done, Undoing, decide, metadata};
use holdfast_rules_tests::table_ids;
use serde_json::json;

fn done(target: Option<&str>, before: Option<&str>) -> Done {
    Done { tables: table_ids(&[1]), target: target.map(str::to_owned), before: before.map(str::to_owned) }
}

#[test]
fn the_status_goes_back_where_the_key_had_moved_it() {
    let back = |status: Option<&str>| Ok(Undoing::TakeBack { status: status.map(str::to_owned) });
    let of = |current: &str, done: Done| decide(current, Some(&done)).map_err(|refusal| refusal.outcome);
    assert_eq!(of("confirmed", done(Some("confirmed"), Some("pending"))), back(Some("pending")));
    assert_eq!(of("confirmed", done(Some("confirmed"), Some("confirmed"))), back(None));
    assert_eq!(of("confirmed", done(Some("confirmed"), None)), back(None));
    assert_eq!(of("checked_in", done(None, None)), back(None), "an assign leaves the status");
    assert_eq!(of("cancelled", done(Some("confirmed"), Some("pending"))), Err(Outcome::StatusConflict));
}

#[test]
fn what_is_not_there_is_not_taken() {
    assert_eq!(decide("confirmed", None), Ok(Undoing::Nothing));
    let gone = Done { tables: Vec::new(), ..done(Some("confirmed"), Some("pending")) };
    assert_eq!(decide("cancelled", Some(&gone)), Ok(Undoing::Nothing));
}

#[test]
fn the_history_says_what_was_undone() {
    let tables = table_ids(&[1]);
    let plain = json!({"undoneKey": "key", "tableIds": tables});
    assert_eq!(metadata(None, "key", &tables), plain);
    assert_eq!(metadata(Some(json!(null)), "key", &tables), plain);
    assert_eq!(metadata(Some(json!({"a": 1})), "key", &tables)["a"], 1);
    assert_eq!(metadata(Some(json!([1])), "key", &tables)["metadata"], json!([1]));
}
