//! Side by side: the walk over the floor, and a hold's picture of it.

use std::collections::BTreeMap;

use holdfast::rules::Id;
use holdfast::rules::booking::adjacency::{Edges, check_connected, edge, read_snapshot, snapshot, within};
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::evening::graphs;
use holdfast_rules_tests::{assert_refused, edges, shown, table_id, table_ids};
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};

#[test]
fn an_edge_has_no_direction() {
    let (a, b) = (table_id(1), table_id(2));
    assert_eq!(edge(a, b), (a, b));
    assert_eq!(edge(b, a), (a, b));
    assert_eq!(edge(a, a), (a, a));
}

/// Asked tables, neighbours, and the table that is named as apart.
type Case = (&'static [u128], &'static [(u128, u128)], Option<u128>);

#[test]
fn tables_are_connected_or_one_is_named() {
    let cases: &[Case] = &[
        (&[], &[], None),
        (&[1], &[], None),
        (&[1, 2], &[(1, 2)], None),
        (&[2, 1], &[(1, 2)], None),
        (&[1, 2], &[], Some(2)),
        (&[1, 2, 3], &[(1, 2), (2, 3)], None),
        (&[1, 2, 3], &[(1, 3), (2, 3)], None),
        (&[1, 2, 3], &[(1, 3)], Some(2)),
        (&[1, 2, 3, 4], &[(1, 4), (3, 4), (2, 3)], None),
        // F14: each has a neighbour, but the set falls apart.
        (&[1, 2, 3, 4], &[(1, 2), (3, 4)], Some(3)),
        // A way over a table that was not asked for is no way.
        (&[1, 3], &[(1, 2), (2, 3)], Some(3)),
    ];
    for (tables, pairs, apart) in cases {
        let checked = check_connected(&table_ids(tables), &edges(pairs));
        match (checked, apart) {
            (Ok(()), None) => {}
            (Err(refusal), Some(apart)) => {
                let message = format!("Table {} is not adjacent to the selected set", shown(table_id(*apart)));
                assert_refused(&refusal, Outcome::TablesNotAdjacent, "23514", &message, None);
            }
            (checked, _) => panic!("{tables:?} on {pairs:?}: {checked:?}"),
        }
    }
}

/// Joins sets instead of walking.
fn sets(tables: &[Id], edges: &Edges) -> usize {
    let mut leader: BTreeMap<Id, Id> = tables.iter().map(|table| (*table, *table)).collect();
    for (a, b) in edges {
        if let (Some(from), Some(to)) = (leader.get(a).copied(), leader.get(b).copied()) {
            leader.values_mut().filter(|of| **of == from).for_each(|of| *of = to);
        }
    }
    leader.values().collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
fn only_edges_among_the_tables_count() {
    let floor = edges(&[(1, 2), (2, 3), (3, 4)]);
    assert_eq!(within(&floor, &table_ids(&[1, 2, 3])), edges(&[(1, 2), (2, 3)]));
    assert_eq!(within(&floor, &table_ids(&[1, 3])), edges(&[]));
    assert_eq!(within(&floor, &table_ids(&[2])), edges(&[]));
}

/// Hashes of `JSON.stringify({edges, undirected})`, by Python's hashlib.
#[test]
fn a_snapshot_has_the_recipe_of_the_contract() {
    let cases: &[(&[(u128, u128)], &str)] = &[
        (&[], "392f9ccf13ae2351a29c7473570d91310130db606e90a89e3915a215df14da55"),
        (&[(1, 2)], "6cebafc987a4baf6c4b1ecc57f46ddabc808dc0436369e43853b4d8287e34d29"),
        (&[(3, 2), (2, 1)], "661020f81610d4d1ec3efa8c1d4f6280afcc240848c6c87ba30a30f9697e1a5a"),
    ];
    for (pairs, hash) in cases {
        let picture = snapshot(&edges(pairs));
        assert_eq!(picture["hash"], json!(hash), "{pairs:?}");
        assert_eq!(picture["undirected"], json!(true));
    }
    let words = snapshot(&edges(&[(3, 2), (2, 1)]));
    let line = |a, b| format!("{}->{}", shown(table_id(a)), shown(table_id(b)));
    assert_eq!(words["edges"], json!([line(1, 2), line(2, 3)]));
}

#[test]
fn a_snapshot_that_cannot_be_read_is_none() {
    let a = shown(table_id(1));
    let unreadable = [
        json!(null),
        json!({}),
        json!({"edges": null}),
        json!({"edges": "none"}),
        json!({"edges": [1]}),
        json!({"edges": [a]}),
        json!({"edges": [format!("{a}->")]}),
        json!({"edges": [format!("{a}->{a}"), "x->y"]}),
    ];
    for picture in unreadable {
        assert_eq!(read_snapshot(&picture.clone().into()), None, "{picture}");
    }
}

#[test]
fn a_snapshot_is_read_in_either_direction_and_with_spaces() {
    let (a, b) = (shown(table_id(1)), shown(table_id(2)));
    for word in [format!("{a}->{b}"), format!("{b}->{a}"), format!(" {b} -> {a} ")] {
        assert_eq!(read_snapshot(&json!({ "edges": [word] }).into()), Some(edges(&[(1, 2)])));
    }
    assert_eq!(read_snapshot(&json!({"edges": []}).into()), Some(edges(&[])));
}

proptest! {
    #[test]
    fn the_walk_agrees_with_union_find(
        tables in subsequence((1..=6).collect::<Vec<u128>>(), 0..=6).prop_shuffle(),
        floor in graphs(),
    ) {
        let tables = table_ids(&tables);
        let one_set = sets(&tables, &floor) <= 1;
        prop_assert_eq!(check_connected(&tables, &floor).is_ok(), one_set);
    }

    #[test]
    fn a_snapshot_is_read_as_it_was_written(floor in graphs()) {
        prop_assert_eq!(read_snapshot(&snapshot(&floor).into()), Some(floor));
    }

    #[test]
    fn another_floor_has_another_hash(one in graphs(), other in graphs()) {
        let hash = |floor: &Edges| -> Value { snapshot(floor)["hash"].clone() };
        prop_assert_eq!(hash(&one) == hash(&other), one == other);
    }
}
