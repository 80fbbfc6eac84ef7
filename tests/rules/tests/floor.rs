//! A hold's picture of the floor: what a new one keeps, and when it no longer fits.

use std::collections::BTreeMap;

use holdfast::rules::Id;
use holdfast::rules::booking::adjacency::Edges;
use holdfast::rules::booking::table::Table;
use holdfast::rules::hold::{Hold, with_floor};
use holdfast::rules::json::Json;
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::evening::graphs;
use holdfast_rules_tests::{HOLD, OTHER_ZONE, ZONE, assert_refused, edges, hold, shown, table, table_id};
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};

fn floor(numbers: &[u128]) -> BTreeMap<Id, Table> {
    numbers.iter().map(|number| (table_id(*number), table(*number))).collect()
}

fn check(hold: &Hold, floor: &BTreeMap<Id, Table>, edges: &Edges) -> Result<(), String> {
    let tables: Vec<&Table> = floor.values().collect();
    hold.check_floor(&tables, edges).map_err(|refusal| {
        let detail = refusal.detail.clone().unwrap_or_default();
        let message = format!("Adjacency snapshot changed for hold {}", shown(HOLD));
        assert_refused(&refusal, Outcome::AdjacencySnapshotChanged, "P0003", &message, Some(&detail));
        detail
    })
}

const OTHER_TABLES: &str = "The hold's members are not the tables that were selected";
const OTHER_ZONES: &str = "The tables stand in other zones than when they were held";
const UNREADABLE: &str = "The snapshot's edges cannot be read";
const OTHER_NEIGHBOURS: &str = "The tables have other neighbours than when they were held";

/// A hold on tables 1 and 2, side by side.
fn checked(metadata: Value) -> Result<(), String> {
    check(&Hold { metadata: metadata.into(), ..hold(&[1, 2]) }, &floor(&[1, 2]), &edges(&[(1, 2), (2, 3)]))
}

fn snapshot(adjacency: Value) -> Value {
    json!({"selection": {"snapshot": {"adjacency": adjacency}}})
}

#[test]
fn a_hold_without_a_picture_fits_any_floor() {
    for metadata in [
        json!(null),
        json!({}),
        json!({"selection": null}),
        json!({"selection": {"tableIds": null, "snapshot": null}}),
        json!({"selection": {"snapshot": {"zoneIds": null, "adjacency": null}}}),
        json!({"selection": {"snapshot": {"zoneIds": []}}}),
    ] {
        assert_eq!(checked(metadata), Ok(()));
    }
}

#[test]
fn members_are_the_tables_that_were_selected() {
    let selected = |ids: &[u128]| json!({"selection": {"tableIds": ids.iter().map(|id| shown(table_id(*id))).collect::<Vec<_>>()}});
    assert_eq!(checked(selected(&[1, 2])), Ok(()));
    assert_eq!(checked(selected(&[2, 1, 2])), Ok(()));
    for other in [&[1][..], &[1, 2, 3], &[1, 3], &[]] {
        assert_eq!(checked(selected(other)), Err(OTHER_TABLES.to_owned()));
    }
}

#[test]
fn zones_are_those_of_then() {
    let zones = |ids: &[Id]| json!({"selection": {"snapshot": {"zoneIds": ids.iter().map(|id| shown(*id)).collect::<Vec<_>>()}}});
    assert_eq!(checked(zones(&[ZONE])), Ok(()));
    assert_eq!(checked(zones(&[])), Ok(()));
    assert_eq!(checked(zones(&[OTHER_ZONE])), Err(OTHER_ZONES.to_owned()));
    assert_eq!(checked(zones(&[ZONE, OTHER_ZONE])), Err(OTHER_ZONES.to_owned()));
}

#[test]
fn neighbours_are_those_of_then() {
    let word = |a, b| format!("{}->{}", shown(table_id(a)), shown(table_id(b)));
    assert_eq!(checked(snapshot(json!({"edges": [word(1, 2)]}))), Ok(()));
    assert_eq!(checked(snapshot(json!({"edges": [word(2, 1)]}))), Ok(()));
    // Edges to tables that are not the hold's say nothing about it, then or now.
    assert_eq!(checked(snapshot(json!({"edges": [word(1, 2), word(1, 9)]}))), Ok(()));
    assert_eq!(checked(snapshot(json!({"edges": []}))), Err(OTHER_NEIGHBOURS.to_owned()));
    assert_eq!(checked(snapshot(json!({"edges": ["?"]}))), Err(UNREADABLE.to_owned()));
    assert_eq!(checked(snapshot(json!({"hash": "abc"}))), Err(UNREADABLE.to_owned()));
}

#[test]
fn a_new_hold_keeps_a_picture_where_its_taker_brought_none() {
    let floor = floor(&[2, 1]);
    let tables: Vec<&Table> = floor.values().rev().collect();
    let floor_edges = edges(&[(1, 2), (2, 3)]);
    for given in [None, Some(json!(null)), Some(json!({})), Some(json!({"policyVersion": "7"}))] {
        let metadata = with_floor(given.clone().map(Json::from), &tables, &floor_edges).value();
        let policy = given.as_ref().and_then(|given| given.get("policyVersion"));
        assert_eq!(metadata.get("policyVersion"), policy);
        assert_eq!(metadata["selection"]["tableIds"], json!([shown(table_id(1)), shown(table_id(2))]));
        assert_eq!(metadata["selection"]["snapshot"]["zoneIds"], json!([shown(ZONE)]));
        let picture = &metadata["selection"]["snapshot"]["adjacency"];
        assert_eq!(picture["undirected"], json!(true));
        assert_eq!(picture["edges"], json!([format!("{}->{}", shown(table_id(1)), shown(table_id(2)))]));
        assert_eq!(picture["hash"].as_str().map(str::len), Some(64));
    }
}

#[test]
fn a_picture_of_the_takers_own_is_kept() {
    let floor = floor(&[1]);
    let tables: Vec<&Table> = floor.values().collect();
    for own in
        [json!({"selection": {"tableIds": []}}), json!({"selection": null}), json!([1]), json!("words"), json!(7)]
    {
        let own = Json::from(own);
        assert_eq!(with_floor(Some(own.clone()), &tables, &edges(&[])), own);
    }
}

proptest! {
    /// On the floor that it was taken on, a hold fits; where two of its tables moved together or apart, it does not.
    #[test]
    fn a_new_holds_picture_fits_the_floor_it_was_taken_on(
        numbers in subsequence((1..=6).collect::<Vec<u128>>(), 1..=4), then in graphs(), now in graphs(),
    ) {
        let floor = floor(&numbers);
        let tables: Vec<&Table> = floor.values().collect();
        let hold = Hold { metadata: with_floor(None, &tables, &then), ..hold(&numbers) };
        prop_assert_eq!(check(&hold, &floor, &then), Ok(()));
        let among = |edges: &Edges| -> Vec<(Id, Id)> {
            edges.iter().filter(|(a, b)| floor.contains_key(a) && floor.contains_key(b)).copied().collect()
        };
        prop_assert_eq!(check(&hold, &floor, &now).is_ok(), among(&then) == among(&now));
    }

    #[test]
    fn a_table_that_changed_its_zone_does_not_fit(numbers in subsequence((1..=6).collect::<Vec<u128>>(), 1..=4)) {
        let mut floor = floor(&numbers);
        let tables: Vec<&Table> = floor.values().collect();
        let hold = Hold { metadata: with_floor(None, &tables, &edges(&[])), ..hold(&numbers) };
        floor.get_mut(&table_id(numbers[0])).expect("held").zone = Some(OTHER_ZONE);
        prop_assert_eq!(check(&hold, &floor, &edges(&[])), Err(OTHER_ZONES.to_owned()));
    }
}
